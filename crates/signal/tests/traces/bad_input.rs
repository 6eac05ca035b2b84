use ctg::SampleRate;

use crate::trace::{Trace, last_revisions, text};

#[test]
fn all_lost_is_a_signal_loss_and_nothing_else() {
    let analysis = Trace::new(1200, |_| None).analyze();
    let found = text(&last_revisions(&analysis));
    assert_eq!(found, "0-1200 signal_loss final loss_ratio=1.0 limit=0.5\n");
    assert!(analysis.baseline.iter().all(|point| point.baseline_bpm.is_none()));
}

#[test]
fn a_quarter_of_a_second_is_enough_not_to_fail() {
    let analysis = Trace::at(SampleRate::FOUR_HZ, 1, |_| Some(140.0)).analyze();
    assert!(analysis.findings.is_empty());
}
