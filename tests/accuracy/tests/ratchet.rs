//! Keeps measured figures from falling, on a part of each corpus: a change that lowers one must argue for it here.

use accuracy::corpus;
use accuracy::tables::{experts, false_signals, settings, synthetics, weighted_median};
use signal::FalseSignalMethod;

/// Of each corpus every twelfth recording.
const STRIDE: usize = 12;

/// The corpora; `None`, after saying so, where there are none, except in continuous integration, where a silent skip
/// would hide a missing proof.
fn folder() -> Option<std::path::PathBuf> {
    let found = corpus::folder();
    if let Err(missing) = &found {
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        eprintln!("SKIPPED: {missing}");
    }
    found.ok()
}

/// Fails where a figure fell below what it was, and where it rose so far that the ratchet should follow.
fn check(what: &str, figure: f64, was: f64) {
    assert!(figure >= was - 0.005, "{what} fell from {was:.3} to {figure:.3}");
    assert!(figure <= was + 0.03, "{what} rose from {was:.3} to {figure:.3}: raise it here, so that it stays");
}

#[test]
fn agreement_with_experts() {
    let Some(folder) = folder() else { return };
    let found = experts(&folder, STRIDE, &settings(false)).unwrap();
    check("accelerations at once", found.at_once.accelerations, 0.319);
    check("accelerations in a minute", found.in_a_minute.accelerations, 0.370);
    check("decelerations at once", found.at_once.decelerations, 0.580);
    check("decelerations in a minute", found.in_a_minute.decelerations, 0.607);
    check("contractions at once", found.at_once.contractions, 0.818);
    check("contractions in a minute", found.in_a_minute.contractions, 0.821);
}

#[test]
fn agreement_with_the_offline_method() {
    let Some(folder) = folder() else { return };
    let found = weighted_median(&folder, STRIDE).unwrap();
    check("concordance at once", 1.0 - found.at_once.madi_percent / 100.0, 0.899);
    check("concordance in a minute", 1.0 - found.in_a_minute.madi_percent / 100.0, 0.949);
    check("decelerations in a minute", found.in_a_minute.decelerations, 0.837);
}

#[test]
fn false_signal() {
    let Some(folder) = folder() else { return };
    let with = false_signals(&folder, STRIDE, FalseSignalMethod::Learned2026, true).unwrap();
    check("with the maternal channel, at once", with.at_once.f1, 0.752);
    check("with the maternal channel, settled", with.in_a_minute.f1, 0.785);
    let without = false_signals(&folder, STRIDE, FalseSignalMethod::Learned2026, false).unwrap();
    check("without it, settled", without.in_a_minute.f1, 0.764);
}

#[test]
fn scripted_recordings() {
    let found = synthetics(8, &settings(false));
    let events = found.events;
    assert!(events.in_a_minute.accelerations >= 0.95 && events.at_once.accelerations >= 0.95, "{events:?}");
    assert!(events.in_a_minute.decelerations >= 0.95 && events.at_once.decelerations >= 0.95, "{events:?}");
    assert!(events.in_a_minute.contractions >= 0.95 && events.at_once.contractions >= 0.95, "{events:?}");
    assert!(found.baseline_rms_bpm.in_a_minute <= 2.0, "{:?}", found.baseline_rms_bpm);
    assert_eq!(found.invented, 0);
}
