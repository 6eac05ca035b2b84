use crate::trace::{Trace, last_revisions, text};

/// Compares the last revision of every finding with the text expected.
fn check(trace: &Trace, expect: &str) {
    let analysis = trace.analyze();
    let found = text(&last_revisions(&analysis));
    let expect: String = expect.trim().lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(found, if expect == "\n" { String::new() } else { expect });
}

/// A steady trace with a little movement in it.
fn steady(at_s: f64) -> f64 {
    140.0 + 3.0 * (at_s * 0.9).sin()
}

#[test]
fn a_steady_trace_has_no_findings() {
    check(&Trace::new(1800, |at| Some(steady(at))).with_toco(|_| 10.0), "");
}

/// A smooth dip or rise of `depth_bpm` from `start_s` on.
fn bump(at_s: f64, start_s: f64, length_s: f64, depth_bpm: f64) -> f64 {
    let inside = (at_s - start_s) / length_s;
    if (0.0..1.0).contains(&inside) { depth_bpm * (std::f64::consts::PI * inside).sin() } else { 0.0 }
}

#[test]
fn an_acceleration_and_a_prolonged_deceleration() {
    check(&Trace::new(1500, |at| Some(steady(at) + bump(at, 700.0, 40.0, 30.0) + bump(at, 1000.0, 200.0, -70.0))),
        "703-738 acceleration final amplitude_bpm=30.8 limit=15.0 duration_s=35.0 baseline_bpm=140.0 onset_to_extreme_s=17.0 area_beats=12.4
        1004-1195 prolonged_deceleration final amplitude_bpm=71.2 limit=15.0 duration_s=191.0 baseline_bpm=140.2 onset_to_extreme_s=97.0 area_beats=148.3 nadir_bpm=69.0
        1038-1166 low_heart_rate final fhr_bpm=104.8 limit=100.0 duration_s=128.8 nadir_bpm=67.0
        1065-1144 low_heart_rate final fhr_bpm=84.5 limit=80.0 duration_s=77.2 nadir_bpm=67.0",
    );
}
