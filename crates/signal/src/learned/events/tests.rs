use super::*;
use crate::morphology::Memory;

/// A trace at 140 bpm with a fall to 110 bpm from second 600 to 660.
fn fall_bpm(second: u32) -> Option<f32> {
    Some(if (600..660).contains(&second) { 110.0 } else { 140.0 })
}

fn traces(length_s: u32, bpm: impl Fn(u32) -> Option<f32>) -> Traces {
    let memory = |value: &dyn Fn(u32) -> Option<f32>| {
        let mut memory = Memory::starting_at(0);
        (0..length_s).for_each(|second| memory.push(value(second)));
        memory
    };
    Traces {
        median_bpm: memory(&bpm),
        smooth_bpm: memory(&bpm),
        provisional_bpm: memory(&|_| Some(140.0)),
        settled_bpm: memory(&|_| Some(140.0)),
        toco: memory(&|_| None),
    }
}

fn fall() -> Excursion {
    Excursion {
        direction: Direction::Down,
        start_s: 600,
        end_s: 660,
        extreme_s: 610,
        extreme_bpm: 110.0,
        baseline_bpm: 140.0,
        peak_bpm: 30.0,
        beyond_s: 60,
        area_bpm_s: 1800.0,
    }
}

fn fed(length_s: u32, bpm: impl Fn(u32) -> Option<f32>) -> LearnedEvents {
    let mut learned = LearnedEvents::default();
    for second in 0..length_s {
        let bpm = bpm(second);
        let trace = TraceSecond { median_bpm: bpm, trusted_bpm: bpm, smooth_bpm: bpm, spread_bpm: 1.0 };
        learned.push(second, &trace, Some(140.0), Some(10.0));
    }
    learned
}

#[test]
fn weight_files_are_read_to_their_end() {
    let mut network = WeightReader::new(NETWORK_BYTES);
    Network::read(&mut network);
    assert!(network.is_exhausted());
    let mut forests = ForestReader::new(FORESTS_BYTES);
    Forests::read(&mut forests);
    assert!(forests.is_exhausted());
}

#[test]
fn a_deep_fall_is_chosen_and_a_shallow_or_short_one_is_not() {
    let learned = fed(720, fall_bpm);
    let traces = traces(720, fall_bpm);
    for stage in [Stage::Provisional, Stage::Final] {
        let now_s = if stage == Stage::Final { 717 } else { 660 };
        let admits = |excursion| learned.admits(&Situation { excursion: &excursion, stage, traces: &traces, now_s });
        assert!(admits(fall()), "{stage:?}");
        assert!(!admits(Excursion { peak_bpm: 9.0, ..fall() }), "{stage:?}");
        assert!(!admits(Excursion { end_s: 609, ..fall() }), "{stage:?}");
    }
}

#[test]
fn evidence_is_complete_and_finite_whatever_is_missing() {
    let cases: [fn(u32) -> Option<f32>; 3] = [fall_bpm, |second| fall_bpm(second).filter(|_| second > 590), |_| None];
    for bpm in cases {
        let (learned, traces) = (fed(720, bpm), traces(720, bpm));
        for (stage, count) in [(Stage::Provisional, 62), (Stage::Final, 70)] {
            let situation = Situation { excursion: &fall(), stage, traces: &traces, now_s: 719 };
            let evidence = learned.evidence(&situation);
            assert_eq!(evidence.len(), count, "{stage:?}");
            assert!(evidence.iter().all(|number| number.is_finite()), "{evidence:?}");
        }
    }
}

#[test]
fn only_blocks_that_were_seen_and_are_remembered_have_a_probability() {
    let learned = fed(BLOCK_S * (BLOCKS + 10), fall_bpm);
    let known = |block| learned.probability(block, Direction::Down) > 0.0;
    let judged: Vec<u32> = (0..BLOCKS + 20).filter(|block| known(*block)).collect();
    assert!(judged.iter().all(|block| (10..BLOCKS + 10).contains(block)), "{judged:?}");
    assert!(judged.contains(&155), "the fall lies in the blocks from 150 on: {judged:?}");
}

#[test]
fn past_excursions_are_bounded() {
    let mut learned = LearnedEvents::default();
    let traces = traces(720, fall_bpm);
    for _ in 0..3 * PAST_MAX {
        learned.record(&Situation { excursion: &fall(), stage: Stage::Final, traces: &traces, now_s: 717 });
    }
    assert_eq!(learned.past[stage_place(Stage::Final)].len(), PAST_MAX);
}
