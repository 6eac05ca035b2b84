use super::*;

/// From this probability on a sample counts as false (Boudet 2022).
const FALSE_SIGNAL_LIMIT: f32 = 0.5;

const METHODS: [FalseSignalMethod; 2] = [FalseSignalMethod::Learned2026, FalseSignalMethod::Coincidence2022];

fn opinions(method: FalseSignalMethod, rates: &[(Option<f32>, Option<f32>)]) -> Vec<FalseSignalOpinion> {
    let mut judge = FalseSignal::new(method);
    rates.iter().map(|(fhr_bpm, mhr_bpm)| judge.push(*fhr_bpm, *mhr_bpm, Some(20.0))).collect()
}

fn fetal(tick: usize) -> f32 {
    140.0 + 6.0 * (tick as f32 / 40.0).sin() + 2.0 * (tick as f32 / 7.0).sin()
}

fn maternal(tick: usize) -> f32 {
    82.0 + 4.0 * (tick as f32 / 60.0).sin()
}

/// Five minutes of true signal, one of the mother's rate, five of true signal.
fn pick_up(with_maternal: bool) -> Vec<(Option<f32>, Option<f32>)> {
    (0..2640)
        .map(|tick| {
            let false_signal = (1200..1440).contains(&tick);
            let fhr_bpm = if false_signal { maternal(tick) } else { fetal(tick) };
            (Some(fhr_bpm), with_maternal.then(|| maternal(tick)))
        })
        .collect()
}

fn share_false(probabilities: impl Iterator<Item = Option<f32>>) -> f32 {
    let known: Vec<f32> = probabilities.flatten().collect();
    known.iter().filter(|probability| **probability >= FALSE_SIGNAL_LIMIT).count() as f32 / known.len() as f32
}

#[test]
fn the_mothers_rate_in_the_fetal_channel_is_seen() {
    for method in METHODS {
        let seen = opinions(method, &pick_up(true));
        let now = |ticks: std::ops::Range<usize>| share_false(seen[ticks].iter().map(|opinion| opinion.now));
        assert!(now(1220..1440) > 0.9, "{method:?}: {}", now(1220..1440));
        assert!(now(100..1200) < 0.02, "{method:?}: {}", now(100..1200));
        assert!(now(1480..2640) < 0.02, "{method:?}: {}", now(1480..2640));
        let settled = share_false(seen[1200 + 40..1440 + 40].iter().map(|opinion| opinion.settled));
        assert!(settled > 0.9, "{method:?}: {settled}");
    }
}

#[test]
fn a_sudden_fall_to_the_mothers_rate_is_seen_without_her_channel() {
    let seen = opinions(FalseSignalMethod::Learned2026, &pick_up(false));
    let during = share_false(seen[1240..1480].iter().map(|opinion| opinion.settled));
    let before = share_false(seen[100..1200].iter().map(|opinion| opinion.settled));
    assert!(during > 0.5 && before < 0.02, "{during} during, {before} before");
    let rule = opinions(FalseSignalMethod::Coincidence2022, &pick_up(false));
    assert!(rule.iter().all(|opinion| *opinion == FalseSignalOpinion::default()), "the rule needs her channel");
}

#[test]
fn coincidence_is_closer_than_five_bpm() {
    let cases: [(Option<f32>, Option<f32>, Option<f32>); 6] = [
        (Some(100.0), Some(100.0), Some(1.0)),
        (Some(104.75), Some(100.0), Some(1.0)),
        (Some(105.0), Some(100.0), Some(0.0)),
        (Some(95.0), Some(100.0), Some(0.0)),
        (Some(100.0), None, None),
        (None, Some(100.0), None),
    ];
    for (fhr_bpm, mhr_bpm, expected) in cases {
        let seen = opinions(FalseSignalMethod::Coincidence2022, &[(fhr_bpm, mhr_bpm)]);
        assert_eq!(seen[0].now, expected, "{fhr_bpm:?} against {mhr_bpm:?}");
    }
}

#[test]
fn an_opinion_is_about_a_sample_that_was_there() {
    let rates: Vec<_> = (0..2000)
        .map(|tick| {
            let lost = tick % 97 < 30 || (800..1000).contains(&tick);
            ((!lost).then(|| fetal(tick)), Some(maternal(tick)))
        })
        .collect();
    for method in METHODS {
        let seen = opinions(method, &rates);
        for (tick, opinion) in seen.iter().enumerate() {
            assert_eq!(opinion.now.is_some(), rates[tick].0.is_some(), "{method:?} {tick} now");
            let judged = tick.checked_sub(LOOK_AHEAD_SAMPLES).and_then(|earlier| rates[earlier].0);
            assert_eq!(opinion.settled.is_some(), judged.is_some(), "{method:?} {tick} settled");
        }
    }
}

#[test]
fn any_number_is_taken_without_harm_and_state_stays_bounded() {
    let odd = [f32::NAN, f32::INFINITY, -1.0, 0.0, f32::MAX, 29.9, 300.0, 30.0, 240.0, 120.0, 60.0];
    for method in METHODS {
        let mut judge = FalseSignal::new(method);
        for tick in 0..20_000_usize {
            let fhr_bpm = odd.get(tick.wrapping_mul(7919) % 13).copied();
            let mhr_bpm = odd.get(tick.wrapping_mul(104_729) % 17).copied();
            let toco = odd.get(tick.wrapping_mul(1_299_709) % 19).copied();
            let opinion = judge.push(fhr_bpm, mhr_bpm, toco);
            for probability in [opinion.now, opinion.settled].into_iter().flatten() {
                assert!((0.0..=1.0).contains(&probability), "{method:?} {tick}: {probability}");
            }
        }
        assert!(judge.heap_bytes() < 10 << 10, "{method:?}: {}", judge.heap_bytes());
    }
}
