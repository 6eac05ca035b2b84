use ctg::{Analysis, Finding, QuarterBpm, SampleBlock, Stage, Timestamp};
use proptest::prelude::*;
use signal::Settings;

use crate::trace::{START, Trace, analyze_with};

/// A trace with loss, events and noise, the same for the same seed.
fn lively(seed: u64, seconds: u32) -> Trace {
    let noise = move |at: f64, period: f64, phase: f64| (at / period + phase * seed as f64).sin();
    let trace = Trace::new(seconds, move |at| {
        let lost = noise(at, 37.0, 0.3) > 0.93;
        let event = 30.0 * noise(at, 211.0, 0.7).powi(9);
        (!lost).then(|| 138.0 + 4.0 * noise(at, 2.3, 1.1) + 2.0 * noise(at, 0.4, 0.1) + event)
    });
    trace.with_toco(move |at| 12.0 + 60.0 * noise(at, 40.0, 0.2).max(0.0).powi(4))
}

/// Smoothing may put an onset so much before the first second after a gap.
const SMOOTHING_S: i64 = 3;

/// The published methods; the learned detector runs sample by sample and is tested where it lives.
fn settings() -> Settings {
    Settings { false_signal_method: None, ..Settings::published() }
}

fn said(trace: &Trace) -> Analysis {
    analyze_with(&settings(), &trace.recording(), &trace.blocks())
}

fn shuffled_within(blocks: &[SampleBlock], moves: &[(usize, usize)]) -> Vec<SampleBlock> {
    let mut order = blocks.to_vec();
    for (at, by) in moves {
        let at = at % order.len();
        let to = (at + by % 5).min(order.len() - 1);
        order.swap(at, to);
    }
    order
}

fn same(one: &Analysis, other: &Analysis) -> Result<(), TestCaseError> {
    prop_assert_eq!(&one.findings, &other.findings);
    prop_assert_eq!(&one.baseline, &other.baseline);
    prop_assert_eq!(&one.numerics, &other.numerics);
    Ok(())
}

/// What and where, without when it was said and how deep it is.
fn places(analysis: &Analysis, start: Timestamp) -> Vec<(u32, u16, &'static str, Stage, i64, i64)> {
    let since = |moment: Timestamp| moment.micros_since(start);
    let place = |finding: &Finding| {
        let interval = finding.interval;
        (
            finding.number,
            finding.revision,
            finding.kind.code(),
            finding.stage,
            since(interval.start),
            since(interval.end),
        )
    };
    analysis.findings.iter().map(place).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packetisation_changes_nothing(
        seed in 0_u64..1000,
        length in prop::sample::select(vec![250_u16, 500, 2000, 5000, 60_000]),
    ) {
        let trace = lively(seed, 900);
        let other = Trace { block_length_ms: length, ..trace.clone() };
        same(&said(&trace), &said(&other))?;
    }

    #[test]
    fn order_and_repeats_within_the_window_change_nothing(
        seed in 0_u64..1000,
        moves in prop::collection::vec((0_usize..600, 0_usize..5), 0..20),
        repeats in prop::collection::vec(0_usize..600, 0..20),
    ) {
        let trace = lively(seed, 600);
        let mut blocks = shuffled_within(&trace.blocks(), &moves);
        for at in repeats {
            let block = blocks[at % blocks.len()].clone();
            blocks.insert((at + 1).min(blocks.len()), block);
        }
        same(&said(&trace), &analyze_with(&settings(), &trace.recording(), &blocks))?;
    }

    #[test]
    fn the_time_of_day_changes_nothing(seed in 0_u64..1000, shift_us in -1_000_000_000_i64..1_000_000_000) {
        let trace = lively(seed, 900);
        let shifted = Trace { start: START.plus_micros(shift_us), ..trace.clone() };
        prop_assert_eq!(places(&said(&trace), START), places(&said(&shifted), shifted.start));
    }

    #[test]
    fn a_higher_rate_is_the_same_trace_higher_up(seed in 0_u64..1000, by_bpm in 1_u16..12) {
        let trace = lively(seed, 900);
        let mut raised = trace.clone();
        for rate in raised.fhr[0].iter_mut().flatten() {
            *rate = QuarterBpm::new(rate.quarters() + 4 * by_bpm).unwrap();
        }
        let (one, other) = (said(&trace), said(&raised));
        prop_assert_eq!(places(&one, START), places(&other, START));
        for (low, high) in one.baseline.iter().zip(&other.baseline) {
            let distance = low.baseline_bpm.zip(high.baseline_bpm).map(|(low, high)| high - low);
            prop_assert_eq!(low.baseline_bpm.is_some(), high.baseline_bpm.is_some());
            prop_assert!(distance.is_none_or(|distance| (distance - f32::from(by_bpm)).abs() < 0.5), "{:?}", distance);
        }
    }

    #[test]
    fn a_gap_holds_no_event_and_changes_nothing_before_it(seed in 0_u64..1000, from_s in 300_usize..600, length_s in 40_usize..200) {
        let trace = lively(seed, 900);
        let mut broken = trace.clone();
        broken.fhr[0][from_s * 4..(from_s + length_s) * 4].fill(None);
        let (whole, with_gap) = (said(&trace), said(&broken));
        let gap = START.plus_seconds(from_s as i64);
        let before = |analysis: &Analysis| -> Vec<Finding> {
            analysis.findings.iter().filter(|finding| finding.known_until <= gap).cloned().collect()
        };
        prop_assert_eq!(before(&whole), before(&with_gap));
        let end = gap.plus_seconds(length_s as i64 - SMOOTHING_S);
        let events = with_gap.findings.iter().filter(|finding| finding.fetus.is_some() && finding.kind != ctg::FindingKind::SignalLoss);
        for event in events {
            prop_assert!(!(event.interval.start > gap && event.interval.start < end), "{:?}", event);
        }
    }

    #[test]
    fn every_number_is_a_number(seed in 0_u64..1000, rates in prop::collection::vec(0_u16..=1200, 1200).no_shrink()) {
        let mut noise = lively(seed, 300);
        noise.fhr[0] = rates.iter().map(|quarters| QuarterBpm::new(*quarters)).collect();
        noise.toco = None;
        let analysis = said(&noise);
        prop_assert!(analysis.findings.iter().flat_map(|finding| &finding.measurements).all(|found| found.value.is_finite()));
        prop_assert!(analysis.baseline.iter().filter_map(|point| point.baseline_bpm).all(f32::is_finite));
        let events = analysis.findings.iter().filter(|finding| finding.stage == Stage::Final && finding.kind != ctg::FindingKind::SignalLoss);
        let events: Vec<_> = events.map(|f| f.kind.code()).collect(); prop_assert_eq!(events, Vec::<&str>::new());
    }
}

#[test]
fn revisions_of_a_finding_follow_one_another() {
    let analysis = said(&lively(3, 3600));
    let mut last = std::collections::BTreeMap::new();
    for finding in &analysis.findings {
        let expected = last.get(&finding.number).map_or(0, |revision| revision + 1);
        assert_eq!(finding.revision, expected, "{finding:?}");
        last.insert(finding.number, finding.revision);
        assert!(finding.interval.start <= finding.interval.end, "{finding:?}");
        assert!(finding.stage == Stage::Provisional || !finding.ongoing, "{finding:?}");
    }
    assert!(last.len() > 10);
}

#[test]
fn a_replay_of_the_last_window_gives_the_same_findings() {
    let trace = lively(5, 3 * 3600);
    let blocks = trace.blocks();
    let whole = analyze_with(&settings(), &trace.recording(), &blocks);
    let first = blocks.len() - signal::REPLAY_WINDOW_S as usize;
    let replayed = analyze_with(&settings(), &trace.recording(), &blocks[first..]);
    let from = START.plus_seconds(blocks.len() as i64 - 1800);
    let late = |analysis: &Analysis| -> Vec<Finding> {
        let recent = analysis.findings.iter().filter(|finding| finding.interval.start > from);
        recent.map(|finding| Finding { measurements: Vec::new(), ..finding.clone() }).collect()
    };
    assert_eq!(late(&whole), late(&replayed));
}
