use ctg::QuarterBpm;
use signal::Settings;

use crate::trace::{Trace, analyze_with, last_revisions, text};

/// Compares the last revision of every finding with the text expected, learned opinions left out.
fn check(trace: &Trace, expect: &str) {
    let settings = Settings { false_signal_method: None, ..Settings::published() };
    let analysis = analyze_with(&settings, &trace.recording(), &trace.blocks());
    let found = text(&last_revisions(&analysis));
    let expect: String = expect.trim().lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(found, if expect == "\n" { String::new() } else { expect });
}

/// A lively trace without events.
fn steady(at_s: f64) -> f64 {
    140.0 + 3.0 * (at_s * 0.9).sin() + 2.0 * (at_s * 0.37).sin()
}

/// A smooth dip or rise of `depth_bpm` from `start_s` on.
fn bump(at_s: f64, start_s: f64, length_s: f64, depth_bpm: f64) -> f64 {
    let inside = (at_s - start_s) / length_s;
    if (0.0..1.0).contains(&inside) { depth_bpm * (std::f64::consts::PI * inside).sin() } else { 0.0 }
}

/// Contractions of 60 s, one every `period_s`, the first at one minute.
fn contractions(at_s: f64, period_s: f64) -> f64 {
    let since = (at_s - 60.0).rem_euclid(period_s);
    10.0 + if at_s >= 60.0 { bump(since, 0.0, 60.0, 50.0) } else { 0.0 }
}

#[test]
fn a_steady_trace_has_no_findings() {
    check(&Trace::new(1800, |at| Some(steady(at))).with_toco(|_| 10.0), "");
}

#[test]
fn an_acceleration_and_a_prolonged_deceleration() {
    check(&Trace::new(1500, |at| Some(steady(at) + bump(at, 700.0, 40.0, 30.0) + bump(at, 1000.0, 200.0, -70.0))), "701-738 acceleration final amplitude_bpm=31.6 limit=15.0 duration_s=37.0 baseline_bpm=140.0 onset_to_extreme_s=19.0 area_beats=12.6
        1007-1194 prolonged_deceleration final amplitude_bpm=72.2 limit=15.0 duration_s=187.0 baseline_bpm=139.8 onset_to_extreme_s=94.0 area_beats=147.3 nadir_bpm=67.6
        1038-1167 low_heart_rate final fhr_bpm=104.5 limit=100.0 duration_s=129.0 nadir_bpm=65.5
        1064-1144 low_heart_rate final fhr_bpm=84.8 limit=80.0 duration_s=76.0 nadir_bpm=65.5");
}

#[test]
fn decelerations_beside_contractions() {
    let dips = |at: f64| bump(at, 640.0, 105.0, -30.0) + bump(at, 995.0, 120.0, -30.0) + bump(at, 1275.0, 30.0, -40.0);
    check(&Trace::new(1600, |at| Some(steady(at) + dips(at))).with_toco(|at| contractions(at, 300.0)), "72-120 contraction final amplitude_toco=46.3 duration_s=48.0 onset_to_extreme_s=24.0
        375-420 contraction final amplitude_toco=46.3 duration_s=45.0 onset_to_extreme_s=21.0
        646-740 early_deceleration final amplitude_bpm=31.9 limit=15.0 duration_s=94.0 baseline_bpm=139.8 onset_to_extreme_s=44.0 area_beats=32.5 nadir_bpm=107.9 lag_s=-6.0
        674-720 contraction final amplitude_toco=46.3 duration_s=46.0 onset_to_extreme_s=22.0
        974-1020 contraction final amplitude_toco=46.3 duration_s=46.0 onset_to_extreme_s=22.0
        1002-1106 late_deceleration final amplitude_bpm=31.2 limit=15.0 duration_s=104.0 baseline_bpm=139.8 onset_to_extreme_s=49.0 area_beats=37.0 nadir_bpm=108.6 lag_s=55.0
        1273-1320 contraction final amplitude_toco=46.3 duration_s=47.0 onset_to_extreme_s=23.0
        1276-1305 variable_deceleration final amplitude_bpm=41.3 limit=15.0 duration_s=29.0 baseline_bpm=140.0 onset_to_extreme_s=13.0 area_beats=12.6 nadir_bpm=98.8 lag_s=-7.0
        1573-1600 contraction final amplitude_toco=46.3 duration_s=27.0 onset_to_extreme_s=23.0");
}

#[test]
fn tachysystole() {
    check(
        &Trace::new(2400, |at| Some(steady(at))).with_toco(|at| contractions(at, 100.0)),
        "72-120 contraction final amplitude_toco=46.3 duration_s=48.0 onset_to_extreme_s=24.0
        177-220 contraction final amplitude_toco=46.3 duration_s=43.0 onset_to_extreme_s=19.0
        276-320 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        376-420 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        476-520 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        576-620 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        676-720 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        776-820 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        876-920 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        976-1020 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        1076-1120 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        1176-1220 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        1276-1320 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        1376-1420 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        1476-1520 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        1576-1620 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        1676-1720 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        1740-2400 tachysystole final contractions_per_10_min=5.9 limit=5.0 duration_s=660.0
        1776-1820 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        1876-1920 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        1976-2020 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        2076-2120 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        2176-2220 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        2276-2320 contraction final amplitude_toco=46.3 duration_s=44.0 onset_to_extreme_s=20.0
        2376-2400 contraction final amplitude_toco=46.3 duration_s=24.0 onset_to_extreme_s=20.0",
    );
}

#[test]
fn tachycardia_and_bradycardia() {
    check(
        &Trace::new(1800, |at| Some(steady(at) + 30.0)),
        "30-1800 tachycardia final baseline_bpm=170.0 limit=160.0 duration_s=1770.0",
    );
    check(
        &Trace::new(1800, |at| Some(steady(at) - 35.0)),
        "30-1800 bradycardia final baseline_bpm=105.0 limit=110.0 duration_s=1770.0",
    );
}

#[test]
fn variability_and_sine() {
    check(
        &Trace::new(3600, |at| Some(140.0 + 1.5 * (at * 0.9).sin())),
        "0-3600 reduced_variability final variability_bpm=2.9 limit=5.0 duration_s=3600.0",
    );
    check(
        &Trace::new(1800, |at| Some(140.0 + 16.0 * (at * 1.7).sin())),
        "0-1800 increased_variability final variability_bpm=28.5 limit=25.0 duration_s=1800.0",
    );
    check(
        &Trace::new(1800, |at| Some(140.0 + 5.0 * (at * std::f64::consts::TAU / 15.0).sin())),
        "60-1800 sinusoidal final cycles_per_min=4.0 limit=3.0 duration_s=1740.0",
    );
}

#[test]
fn loss_and_doubling() {
    check(
        &Trace::new(1800, |at| (!(600.0..800.0).contains(&at)).then(|| steady(at))),
        "120-1311 signal_loss final loss_ratio=0.1 limit=0.2",
    );
    check(&Trace::new(900, |at| Some(if (500.0..560.0).contains(&at) { 70.0 } else { steady(at) })), "500-560 low_heart_rate final fhr_bpm=70.0 limit=100.0 duration_s=60.0 nadir_bpm=70.0
        500-560 low_heart_rate final fhr_bpm=70.0 limit=80.0 duration_s=60.0 nadir_bpm=70.0
        500-510 rate_jump final fhr_bpm=70.0 amplitude_bpm=69.2
        507-562 variable_deceleration final amplitude_bpm=70.1 limit=15.0 duration_s=55.0 baseline_bpm=140.1 onset_to_extreme_s=16.0 area_beats=64.2 nadir_bpm=70.0
        560-570 rate_jump final fhr_bpm=140.8 amplitude_bpm=70.8");
}

#[test]
fn twins_that_show_one_heart() {
    let mut trace = Trace::new(900, |at| Some(steady(at)));
    let apart = |at: usize| !(1200..2400).contains(&at);
    let second = trace.fhr[0].iter().enumerate().map(|(at, rate)| {
        let by = if apart(at) { 80 } else { 2 };
        rate.and_then(|rate| QuarterBpm::new(rate.quarters() - by))
    });
    trace.fhr.push(second.collect());
    check(&trace, "299-456 acceleration withdrawn amplitude_bpm=22.1 limit=15.0 duration_s=157.0 baseline_bpm=120.0 onset_to_extreme_s=10.0 area_beats=49.6
        300-600 twin_coincidence final amplitude_bpm=0.5 limit=2.0 duration_s=300.0
        599-636 variable_deceleration final amplitude_bpm=21.9 limit=15.0 duration_s=37.0 baseline_bpm=139.4 onset_to_extreme_s=7.0 area_beats=11.0 nadir_bpm=117.5");
}
