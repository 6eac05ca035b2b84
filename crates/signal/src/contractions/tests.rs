use std::collections::BTreeMap;

use ctg::Stage;

use super::*;
use crate::marks::TICKS_PER_SECOND;

const METHODS: [ContractionMethod; 3] =
    [ContractionMethod::Prominence2026, ContractionMethod::LowDecile2022, ContractionMethod::Learned2026];

fn marks(method: ContractionMethod, first_s: u32, samples: &[Option<f32>]) -> Vec<ContractionMark> {
    let mut contractions = Contractions::new(method, first_s);
    let mut marks = Vec::new();
    for sample in samples {
        contractions.push(*sample);
        marks.extend(contractions.drain_events());
    }
    contractions.finish();
    marks.extend(contractions.drain_events());
    marks
}

fn finals(marks: &[ContractionMark]) -> Vec<(u32, u32)> {
    let last = marks.iter().filter(|mark| mark.stage == Stage::Final);
    last.map(|mark| (mark.start / TICKS_PER_SECOND, mark.end / TICKS_PER_SECOND)).collect()
}

fn trace(length_s: u32, toco_at: impl Fn(f32) -> f32) -> Vec<Option<f32>> {
    (0..length_s * TICKS_PER_SECOND).map(|tick| Some(toco_at(tick as f32 / TICKS_PER_SECOND as f32))).collect()
}

/// A bell of this height and 80 s every three minutes, on a tone of 15 with a little restlessness.
fn bells(height: f32) -> impl Fn(f32) -> f32 {
    move |time_s| {
        let from_peak_s = (time_s % 180.0 - 120.0) / 40.0;
        let bell = if from_peak_s.abs() < 1.0 { 0.5 + 0.5 * (from_peak_s * std::f32::consts::PI).cos() } else { 0.0 };
        15.0 + height * bell + (time_s * 1.7).sin()
    }
}

/// Numbers that look random and are the same every time.
fn noise(tick: u32) -> f32 {
    let mixed = tick.wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
    (mixed >> 8) as f32 / (1 << 24) as f32
}

#[test]
fn clear_contractions_are_found_once_each() {
    for method in METHODS {
        let found = finals(&marks(method, 0, &trace(1800, bells(60.0))));
        let missed = if method == ContractionMethod::LowDecile2022 { 1 } else { 0 };
        assert!(found.len() >= 10 - missed && found.len() <= 10, "{method:?}: {found:?}");
        for (start_s, end_s) in found {
            let from_peak = |second: u32| i64::from(second % 180) - 120;
            assert!(
                from_peak(start_s) <= 0 && from_peak(end_s) > 0,
                "{method:?}: {start_s} to {end_s} misses the peak"
            );
        }
    }
}

#[test]
fn no_contraction_is_seen_in_nothing() {
    let cases: [(&str, Vec<Option<f32>>); 6] = [
        ("empty", vec![]),
        ("unplugged", vec![None; 7200]),
        ("at the bottom", trace(1800, |_| 0.0)),
        ("constant", trace(1800, |_| 20.0)),
        ("at the top", trace(1800, |_| 127.0)),
        ("restless", trace(1800, |time_s| 20.0 + 2.0 * noise((time_s * 4.0) as u32))),
    ];
    for (name, samples) in &cases {
        for method in METHODS {
            assert_eq!(finals(&marks(method, 0, samples)), [], "{method:?} on {name}");
        }
    }
}

#[test]
fn small_waves_are_below_the_least_height() {
    assert_eq!(finals(&marks(ContractionMethod::Prominence2026, 0, &trace(1800, bells(12.0)))), []);
}

#[test]
fn every_contraction_is_provisional_first_and_settled_once() {
    for method in METHODS {
        let mut stages: BTreeMap<u32, Vec<Stage>> = BTreeMap::new();
        let said = marks(method, 0, &trace(3600, |time_s| bells(50.0)(time_s) + 30.0 * noise((time_s / 30.0) as u32)));
        for mark in said {
            assert!(mark.start <= mark.peak && mark.peak < mark.end, "{mark:?}");
            assert!(mark.amplitude_toco.is_finite(), "{mark:?}");
            stages.entry(mark.key).or_default().push(mark.stage);
        }
        for (key, stages) in stages {
            let settled = stages.iter().position(|stage| *stage != Stage::Provisional);
            assert_eq!(settled, Some(stages.len() - 1), "{method:?} {key}: {stages:?}");
        }
    }
}

#[test]
fn a_contraction_is_announced_while_it_lasts_with_its_onset() {
    let mut contractions = Contractions::new(ContractionMethod::Prominence2026, 0);
    let announced = trace(180, bells(60.0)).into_iter().enumerate().find_map(|(tick, sample)| {
        contractions.push(sample);
        contractions.drain_events().next().map(|mark| (tick as u32 + 1, mark))
    });
    let (known, mark) = announced.unwrap();
    assert!(mark.ongoing && mark.stage == Stage::Provisional, "{mark:?}");
    assert_eq!(mark.end, known, "nothing later than the last sample was known");
    assert_eq!(mark.end - mark.start, 20 * TICKS_PER_SECOND);
}

#[test]
fn positions_count_from_the_start_of_the_recording() {
    let samples = trace(1200, bells(60.0));
    for method in METHODS {
        let here = finals(&marks(method, 0, &samples));
        let later: Vec<_> = here.iter().map(|(start_s, end_s)| (start_s + 3600, end_s + 3600)).collect();
        assert_eq!(finals(&marks(method, 3600, &samples)), later, "{method:?}");
    }
}

#[test]
fn a_gap_ends_a_contraction_and_is_not_one() {
    let mut samples = trace(1200, bells(60.0));
    samples[480 * 4 / 4 + 4 * 110..4 * 400].fill(None);
    for method in [ContractionMethod::Prominence2026, ContractionMethod::LowDecile2022] {
        for (start_s, end_s) in finals(&marks(method, 0, &samples)) {
            assert!(end_s <= 250 || start_s >= 400, "{method:?}: {start_s} to {end_s} lies in the gap");
        }
    }
}

#[test]
fn a_level_that_does_not_come_down_is_taken_back() {
    let samples = trace(1200, |time_s| if (300.0..800.0).contains(&time_s) { 70.0 } else { 15.0 });
    let said = marks(ContractionMethod::Prominence2026, 0, &samples);
    assert_eq!(said.iter().filter(|mark| mark.stage == Stage::Withdrawn).count(), 1);
    assert_eq!(finals(&said), []);
}

#[test]
fn any_number_is_taken_without_harm_and_state_stays_bounded() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0, f32::MIN_POSITIVE, -127.0, 127.0];
    for method in METHODS {
        let mut contractions = Contractions::new(method, 0);
        for tick in 0..40_000_u32 {
            let value = noise(tick);
            let sample = match (value * 10.0) as usize {
                0 => None,
                index if index < 3 => odd.get((noise(tick + 1) * 8.0) as usize).copied(),
                _ => Some(value * 127.0),
            };
            contractions.push(sample);
            assert!(contractions.drain_events().all(|mark| mark.amplitude_toco.is_finite()));
        }
        assert!(contractions.heap_bytes() < 8 << 10, "{method:?}: {}", contractions.heap_bytes());
    }
}
