use std::borrow::Cow;

use ctg::{DecelerationKind, FetusIndex, Measurement, Method};

use super::*;
use crate::examples::{LOW_RATE, at, device, interval, key, policy};

fn finding(kind: FindingKind, end: i64, measurements: &[(Quantity, f64)]) -> Finding {
    Finding {
        recording: RecordingId::from_bytes([1; 16]),
        number: 7,
        revision: 0,
        fetus: Some(FetusIndex::FIRST),
        kind,
        stage: Stage::Provisional,
        interval: interval(0, end),
        ongoing: true,
        known_until: at(end),
        method: Method { name: Cow::Borrowed("example_2026"), version: 2 },
        measurements: measurements.iter().map(|&(quantity, value)| Measurement { quantity, value }).collect(),
    }
}

fn priority(finding: &Finding, late: bool) -> Option<Priority> {
    evaluate(&Fact::Finding { device: &device(), finding, late }, &policy()).map(|raise| raise.priority)
}

fn low_rate(lasted_s: f64, limit: f64) -> Finding {
    let numbers = [(Quantity::FhrBpm, 74.0), (Quantity::Limit, limit), (Quantity::DurationS, lasted_s)];
    finding(FindingKind::LowHeartRate, 500, &numbers)
}

#[test]
fn priority_grows_with_the_time_that_the_condition_lasted() {
    assert_eq!(priority(&low_rate(59.75, 100.0), false), None);
    assert_eq!(priority(&low_rate(60.0, 100.0), false), Some(Priority::Medium));
    assert_eq!(priority(&low_rate(180.0, 100.0), false), Some(Priority::High));
}

#[test]
fn a_worse_number_needs_less_time() {
    assert_eq!(priority(&low_rate(60.0, 80.0), false), Some(Priority::High));
    assert_eq!(priority(&low_rate(59.0, 80.0), false), None);
}

#[test]
fn without_a_measured_duration_the_stretch_counts() {
    assert_eq!(priority(&finding(FindingKind::CommunicationLoss, 9, &[]), false), None);
    assert_eq!(priority(&finding(FindingKind::CommunicationLoss, 10, &[]), false), Some(Priority::Low));
    assert_eq!(priority(&finding(FindingKind::CommunicationLoss, 60, &[]), false), Some(Priority::Medium));
}

#[test]
fn late_data_give_at_most_the_late_priority() {
    assert_eq!(priority(&low_rate(180.0, 100.0), true), Some(Priority::Low));
}

#[test]
fn what_was_withdrawn_or_has_no_rule_is_not_alarmed() {
    let withdrawn = Finding { stage: Stage::Withdrawn, ..low_rate(180.0, 100.0) };
    assert_eq!(priority(&withdrawn, false), None);
    assert_eq!(priority(&finding(FindingKind::Acceleration, 60, &[]), false), None);
    assert_eq!(priority(&finding(FindingKind::Deceleration(DecelerationKind::Early), 60, &[]), false), None);
}

#[test]
fn the_evidence_names_policy_method_value_and_limit() {
    let finding = low_rate(180.0, 100.0);
    let raise = evaluate(&Fact::Finding { device: &device(), finding: &finding, late: false }, &policy()).unwrap();
    assert_eq!(raise.key, key(LOW_RATE));
    assert_eq!((raise.evidence.policy.as_str(), raise.evidence.policy_version), ("example", 3));
    assert_eq!(raise.evidence.method, Some(finding.method));
    assert_eq!(raise.evidence.value, Some(Measurement { quantity: Quantity::FhrBpm, value: 74.0 }));
    assert_eq!((raise.evidence.finding, raise.evidence.limit), (Some(7), Some(100.0)));
}

#[test]
fn a_complaint_outside_a_recording_belongs_to_its_device() {
    let fact =
        Fact::Complaint { device: &device(), recording: None, complaint: Complaint::Bleeding, at: at(3), late: false };
    let raise = evaluate(&fact, &policy()).unwrap();
    assert_eq!((raise.key.device, raise.key.recording), (Some(device()), None));
    assert_eq!((raise.priority, raise.evidence.interval), (Priority::High, interval(3, 3)));
}

#[test]
fn silence_is_judged_by_its_length() {
    let (device, recording) = (device(), RecordingId::from_bytes([1; 16]));
    let lasted = |end| {
        let fact = Fact::Silence { device: &device, recording, interval: interval(0, end) };
        evaluate(&fact, &policy()).map(|raise| (raise.key.fetus, raise.priority))
    };
    assert_eq!(lasted(9), None);
    assert_eq!(lasted(10), Some((None, Priority::Low)));
    assert_eq!(lasted(60), Some((None, Priority::Medium)));
}

#[test]
fn a_failed_analysis_concerns_its_recording() {
    let recording = RecordingId::from_bytes([1; 16]);
    let fact = Fact::NotAnalyzed { device: &device(), recording, at: at(9) };
    let raise = evaluate(&fact, &policy()).unwrap();
    assert_eq!((raise.key.recording, raise.key.condition), (Some(recording), Condition::NotAnalyzed));
    assert_eq!((raise.priority, raise.evidence.interval), (Priority::Medium, interval(9, 9)));
}

#[test]
fn not_recorded_concerns_the_whole_service() {
    let lasted = |end| evaluate(&Fact::NotRecorded { interval: interval(0, end) }, &policy());
    assert_eq!(lasted(4), None);
    let raise = lasted(5).unwrap();
    assert_eq!((raise.key.device, raise.key.recording, raise.priority), (None, None, Priority::Medium));
}
