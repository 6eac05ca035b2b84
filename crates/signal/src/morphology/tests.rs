use super::*;
use crate::marks::Direction;

const BASELINE_BPM: f32 = 140.0;

/// A trace with a little variability, its events at known times.
fn trace(seconds: u32, events: &[(u32, u32, f32)]) -> Vec<MorphologySecond> {
    (0..seconds)
        .map(|index| {
            let event: f32 = events
                .iter()
                .filter(|(start, end, _)| (*start..*end).contains(&index))
                .map(|(start, end, amplitude)| shape(index, *start, *end) * amplitude)
                .sum();
            let ripple = [0.0, 2.0, 3.0, 1.0, -2.0, -3.0, -1.0][(index % 7) as usize];
            MorphologySecond { index, fhr_bpm: [Some(BASELINE_BPM + event + ripple); 4], toco: [Some(10.0); 4] }
        })
        .collect()
}

/// Rises in 10 s, holds, falls in 10 s.
fn shape(index: u32, start: u32, end: u32) -> f32 {
    ((index - start).min(end - index) as f32 / 10.0).min(1.0)
}

fn run(trace: &[MorphologySecond], settings: MorphologySettings) -> MorphologyStep {
    let mut morphology = Morphology::new(settings);
    let mut all = MorphologyStep::default();
    let mut take = |step: MorphologyStep| {
        all.baseline.extend(step.baseline);
        all.events.extend(step.events);
    };
    for second in trace {
        take(morphology.push(second));
    }
    take(morphology.finish(trace.last().map_or(0, |second| second.index + 1)));
    all
}

fn finals(step: &MorphologyStep) -> Vec<(Direction, u32, u32)> {
    let finals = step.events.iter().filter(|mark| mark.stage == Stage::Final);
    finals.map(|mark| (mark.direction, mark.start / TICKS_PER_SECOND, mark.end / TICKS_PER_SECOND)).collect()
}

/// The published values, without the learned module.
fn rule() -> MorphologySettings {
    MorphologySettings {
        event_amplitude_bpm: 15.0,
        event_duration_s: 15,
        event_reading: EventReading::Sustained,
        event_edge_bpm: 5.0,
        event_gap_s: 20,
        baseline_change_s: 600,
        learned: false,
    }
}

#[test]
fn events_of_clinical_size_are_found_near_their_place_and_small_ones_are_not() {
    let trace = trace(2400, &[(600, 660, -40.0), (1000, 1050, 25.0), (1400, 1430, 8.0), (1800, 2000, -30.0)]);
    let found = finals(&run(&trace, rule()));
    let expected = [(Direction::Down, 600, 660), (Direction::Up, 1000, 1050), (Direction::Down, 1800, 2000)];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.0, expected.0);
        assert!(found.1.abs_diff(expected.1) <= 5 && found.2.abs_diff(expected.2) <= 5, "{found:?} {expected:?}");
    }
}

#[test]
fn the_baseline_is_followed_and_events_do_not_move_it() {
    let step = run(&trace(1800, &[(900, 1000, -50.0)]), rule());
    let known = step.baseline.iter().filter_map(|mark| mark.baseline_bpm);
    assert!(known.clone().all(|bpm| (bpm - BASELINE_BPM).abs() < 3.0), "{:?}", known.fold(0.0, f32::max));
    let seconds = |stage| {
        let marks = step.baseline.iter().filter(move |mark| mark.stage == stage);
        marks.map(|mark| mark.second).collect::<Vec<_>>()
    };
    assert_eq!(seconds(Stage::Provisional), (0..1800).collect::<Vec<_>>());
    assert_eq!(seconds(Stage::Final), (0..1800).collect::<Vec<_>>());
}

#[test]
fn an_event_is_said_while_it_lasts_then_ended_then_final_under_one_key_within_a_minute() {
    let mut morphology = Morphology::new(rule());
    let mut said = Vec::new();
    for second in &trace(1200, &[(600, 700, -40.0)]) {
        said.extend(morphology.push(second).events.into_iter().map(|mark| (second.index, mark)));
    }
    let (first_s, first) = said[0];
    assert!(first.ongoing && first_s <= 640, "{said:?}");
    assert!(said.iter().all(|(_, mark)| mark.key == first.key));
    let (ended_s, ended) = said.iter().rfind(|(_, mark)| mark.stage == Stage::Provisional).copied().unwrap();
    assert!(!ended.ongoing && ended_s <= 702, "{ended:?}");
    let (last_s, last) = said.last().copied().unwrap();
    assert_eq!((last.stage, last.ongoing), (Stage::Final, false));
    assert!(last_s * TICKS_PER_SECOND <= last.end + 60 * TICKS_PER_SECOND);
    assert!((700 - 5..=700 + 3).contains(&(last.end / TICKS_PER_SECOND)));
}

#[test]
fn a_lasting_change_becomes_the_baseline() {
    let step = run(&trace(2400, &[(900, 2400, 30.0)]), rule());
    let last = step.baseline.iter().rfind(|mark| mark.stage == Stage::Final).and_then(|mark| mark.baseline_bpm);
    assert!(last.is_some_and(|bpm| (bpm - BASELINE_BPM - 30.0).abs() < 3.0), "{last:?}");
    let found = finals(&step);
    assert!(found.iter().all(|(_, start, end)| end - start < 600), "{found:?}");
}

#[test]
fn events_do_not_depend_on_the_level_nor_on_when_the_recording_began() {
    let events = [(600, 650, -35.0), (900, 960, 25.0), (1300, 1330, -22.0)];
    for learned in [false, true] {
        let settings = MorphologySettings { learned, ..rule() };
        let plain = trace(1800, &events);
        let known = finals(&run(&plain, MorphologySettings { learned: false, ..settings }));
        let mut raised = plain.clone();
        for second in &mut raised {
            second.fhr_bpm = second.fhr_bpm.map(|bpm| bpm.map(|bpm| bpm + 20.0));
        }
        if !learned {
            assert_eq!(finals(&run(&raised, settings)), known);
        }
        // Twelve seconds are a whole number of points and blocks.
        let mut later = plain;
        for second in &mut later {
            second.index += 1200;
        }
        let expected = finals(&run(&trace(1800, &events), settings));
        let moved: Vec<_> = expected.iter().map(|(side, start, end)| (*side, start + 1200, end + 1200)).collect();
        assert_eq!(finals(&run(&later, settings)), moved);
    }
}

#[test]
fn a_gap_inside_an_event_does_not_cut_it_and_a_long_one_ends_it() {
    for (gap_s, count) in [(15, 1), (60, 2)] {
        let mut trace = trace(1500, &[(600, 800, -40.0)]);
        for second in &mut trace[680..680 + gap_s] {
            second.fhr_bpm = [None; 4];
        }
        assert_eq!(finals(&run(&trace, rule())).len(), count, "gap of {gap_s} s");
    }
}

/// Evenly spread rates without any order.
fn noise_bpm(index: u32, at: u32) -> f32 {
    50.0 + (index * 4 + at).wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32 * 170.0
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let unplugged: fn(u32) -> Samples = |_| [None; 4];
    let constant: fn(u32) -> Samples = |_| [Some(140.0); 4];
    let noise: fn(u32) -> Samples = |index| [0, 1, 2, 3].map(|at| Some(noise_bpm(index, at)));
    for learned in [false, true] {
        for (name, samples) in [("unplugged", unplugged), ("constant", constant), ("noise", noise)] {
            let second = |index| MorphologySecond { index, fhr_bpm: samples(index), toco: [Some(0.0); 4] };
            let trace: Vec<_> = (0..3600).map(second).collect();
            let step = run(&trace, MorphologySettings { learned, ..rule() });
            assert!(finals(&step).is_empty(), "{name}, learned {learned}: {:?}", finals(&step));
            assert!(name != "unplugged" || step.baseline.iter().all(|mark| mark.baseline_bpm.is_none()));
        }
    }
}

#[test]
fn bad_numbers_and_short_recordings_are_survived() {
    for length in [0, 1, 2, 3, 5, 6, 7, 29, 61] {
        for learned in [false, true] {
            run(&trace(length, &[]), MorphologySettings { learned, ..rule() });
        }
    }
    let mut trace = trace(900, &[]);
    for (second, odd) in trace.iter_mut().step_by(3).zip([f32::NAN, f32::INFINITY, -1.0, 0.0, 1e30].into_iter().cycle())
    {
        second.fhr_bpm = [Some(odd); 4];
        second.toco = [Some(odd); 4];
    }
    let step = run(&trace, MorphologySettings { learned: true, ..rule() });
    assert!(step.baseline.iter().filter_map(|mark| mark.baseline_bpm).all(f32::is_finite));
}

#[test]
fn state_stays_bounded() {
    let mut morphology = Morphology::new(MorphologySettings { learned: true, ..rule() });
    let mut largest = 0;
    for second in &trace(3 * 3600, &[(600, 650, -35.0), (7200, 7290, -35.0)]) {
        morphology.push(second);
        largest = largest.max(size_of::<Morphology>() + morphology.heap_bytes());
    }
    assert!(largest < 32 * 1024, "{largest} bytes");
}
