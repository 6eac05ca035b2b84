use ctg::{FetusIndex, SampleBlock, SampleRate};
use signal::rules::{Answer, Context, Labor, Reason, RuleSet};
use signal::{Analyzer, Features, Settings};

use crate::trace::{Trace, analyze, last_revisions, text};

fn check(trace: &Trace, expect: &str) {
    let analysis = trace.analyze();
    assert_eq!(text(&last_revisions(&analysis)), expect);
}

fn features(trace: &Trace) -> Features {
    let mut analyzer = Analyzer::new(&trace.recording(), &Settings::published());
    for block in trace.blocks() {
        analyzer.push(&block);
    }
    analyzer.finish();
    analyzer.features(FetusIndex::FIRST).unwrap()
}

/// A trace with enough movement in it for every measure.
fn lively(at_s: f64) -> f64 {
    140.0 + 4.0 * (at_s * 0.7).sin() + 2.0 * (at_s * 2.1).sin()
}

#[test]
fn no_block_at_all() {
    let trace = Trace::new(0, |_| None);
    let mut analyzer = Analyzer::new(&Trace::new(1, |_| None).recording(), &Settings::published());
    assert!(analyzer.finish().is_empty());
    assert!(trace.blocks().is_empty());
}

#[test]
fn all_lost_is_a_signal_loss_and_nothing_else() {
    let trace = Trace::new(1200, |_| None);
    check(&trace, "0-1200 signal_loss final loss_ratio=1.0 limit=0.5\n");
    assert!(trace.analyze().baseline.iter().all(|point| point.baseline_bpm.is_none()));
    let context = Context { gestation_days: Some(280), labor: Labor::Intrapartum };
    let answer = RuleSet::Figo2015.classify(&features(&trace), &context).answer;
    assert!(matches!(answer, Answer::Uninterpretable { loss_ratio } if loss_ratio == 1.0));
}

#[test]
fn a_constant_rate_is_a_baseline_without_variability() {
    let trace = Trace::new(1800, |_| Some(140.0));
    check(&trace, "");
    let minutes = features(&trace).minutes;
    assert_eq!(minutes.len(), 30);
    assert!(minutes.iter().all(|minute| minute.variability_bpm == Some(0.0) && minute.stv16_ms == Some(0.0)));
}

#[test]
fn a_quarter_of_a_second_is_enough_not_to_fail() {
    check(&Trace::at(SampleRate::FOUR_HZ, 1, |_| Some(140.0)), "");
}

#[test]
fn rates_out_of_range_are_lost() {
    let lost = "0-1200 signal_loss final loss_ratio=1.0 limit=0.5\n";
    check(&Trace::new(1200, |_| Some(250.0)), lost);
    check(&Trace::new(1200, |_| Some(20.0)), lost);
}

#[test]
fn slow_sources_have_a_baseline_but_no_short_term_variation() {
    for hz in [1, 2] {
        let rate = SampleRate::new(hz).unwrap();
        let trace = Trace::at(rate, 1800 * u32::from(hz), |at| Some(lively(at)));
        let seen = features(&trace);
        assert!(seen.low_resolution);
        assert!(seen.minutes.iter().all(|minute| minute.stv16_ms.is_none() && minute.stv240_ms.is_none()));
        assert!(seen.minutes.iter().skip(12).all(|minute| minute.baseline_bpm.is_some()));
        refuses_dawes_redman(&seen);
    }
}

#[test]
fn whole_beats_a_minute_have_no_short_term_variation_either() {
    let rounded = Trace::new(1800, |at| Some(lively(at).round()));
    let seen = features(&Trace { step_quarter_bpm: 4, ..rounded });
    assert!(seen.low_resolution);
    assert!(seen.minutes.iter().all(|minute| minute.stv16_ms.is_none()));
    assert!(seen.minutes.iter().any(|minute| minute.variability_bpm.is_some_and(|bpm| bpm > 5.0)));
    refuses_dawes_redman(&seen);
}

fn refuses_dawes_redman(seen: &Features) {
    let context = Context { gestation_days: Some(280), labor: Labor::Antenatal };
    let answer = RuleSet::DawesRedman.classify(seen, &context).answer;
    assert_eq!(answer, Answer::NotApplicable { reason: Reason::LowResolution });
}

#[test]
fn blocks_of_a_clock_that_stepped_are_left_out() {
    let trace = Trace::new(900, |at| Some(lively(at)));
    let stepped = |block: &SampleBlock| match block.sequence % 100 {
        50 => SampleBlock { start: block.start.plus_seconds(3600), ..block.clone() },
        60 => SampleBlock { start: block.start.plus_seconds(-3600), ..block.clone() },
        _ => block.clone(),
    };
    let blocks: Vec<SampleBlock> = trace.blocks().iter().map(stepped).collect();
    let left_out: Vec<SampleBlock> =
        trace.blocks().into_iter().filter(|block| ![50, 60].contains(&(block.sequence % 100))).collect();
    assert_eq!(analyze(&trace.recording(), &blocks), analyze(&trace.recording(), &left_out));
}

#[test]
fn two_days_are_two_days_of_constant_cost() {
    let trace =
        Trace { block_length_ms: 60_000, ..Trace::at(SampleRate::new(1).unwrap(), 48 * 3600, |at| Some(lively(at))) };
    let settings = Settings { false_signal_method: None, ..Settings::published() };
    let mut analyzer = Analyzer::new(&trace.recording(), &settings);
    let mut after_two_hours = None;
    for (minute, block) in trace.blocks().iter().enumerate() {
        analyzer.push(block);
        if minute == 120 {
            after_two_hours = Some(analyzer.state_bytes());
        }
    }
    assert_eq!(Some(analyzer.state_bytes()), after_two_hours);
}
