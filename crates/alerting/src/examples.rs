//! Values that the tests of this crate share.

use std::collections::BTreeMap;

use ctg::{DecelerationKind, DeviceId, FetusIndex, FindingKind, Interval, Quantity, RecordingId, Timestamp};

use crate::{
    AlertId, AlertKey, Bound, Condition, Evidence, Ladder, Ladders, Level, Person, Policy, Priority, Raise, Rule,
};

pub(crate) const LOW_RATE: Condition = Condition::Signal(FindingKind::LowHeartRate);
pub(crate) const SILENCE: Condition = Condition::Signal(FindingKind::CommunicationLoss);

/// 2026-11-22T09:00:00Z plus `seconds`.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_795_338_000 * ctg::MICROS_PER_SECOND).plus_seconds(seconds)
}

pub(crate) fn interval(start: i64, end: i64) -> Interval {
    Interval { start: at(start), end: at(end) }
}

pub(crate) fn person(name: &str) -> Person {
    Person(name.to_owned())
}

pub(crate) fn device() -> DeviceId {
    "belt-1".parse().unwrap()
}

pub(crate) fn key(condition: Condition) -> AlertKey {
    AlertKey {
        device: Some(device()),
        recording: Some(RecordingId::from_bytes([1; 16])),
        fetus: Some(FetusIndex::FIRST),
        condition,
    }
}

pub(crate) fn raise(condition: Condition, priority: Priority, (start, end): (i64, i64)) -> Raise {
    Raise {
        key: key(condition),
        priority,
        late: false,
        evidence: Evidence {
            policy: "example".to_owned(),
            policy_version: 3,
            method: None,
            finding: None,
            interval: interval(start, end),
            value: None,
            limit: None,
        },
    }
}

pub(crate) const ID: AlertId = AlertId([9; 16]);

fn rule(levels: Vec<Level>, closes_itself: bool) -> Rule {
    Rule { levels, clear_after_s: 30, closes_itself }
}

fn level(after_s: u32, priority: Priority) -> Level {
    Level { after_s, bound: None, priority }
}

/// Steps of 60, 60 and 120 s at high priority, 180 and 300 s at medium, 1800 s at low.
pub(crate) fn policy() -> Policy {
    let below_80 = Bound::AtMost(Quantity::Limit, 80.0);
    Policy {
        name: "example".to_owned(),
        version: 3,
        late_priority: Priority::Low,
        ladders: Ladders { low: ladder(30, &[1800], 3600), medium: ladder(10, &[180, 300], 600), high: high() },
        rules: BTreeMap::from([
            (
                LOW_RATE,
                rule(
                    vec![
                        level(60, Priority::Medium),
                        level(180, Priority::High),
                        Level { after_s: 60, bound: Some(below_80), priority: Priority::High },
                    ],
                    false,
                ),
            ),
            (
                Condition::Signal(FindingKind::Deceleration(DecelerationKind::Late)),
                rule(vec![level(0, Priority::Medium)], false),
            ),
            (SILENCE, rule(vec![level(10, Priority::Low), level(60, Priority::Medium)], true)),
            (Condition::Complaint(ctg::Complaint::Bleeding), rule(vec![level(0, Priority::High)], false)),
            (Condition::NotRecorded, rule(vec![level(5, Priority::Medium)], true)),
            (Condition::NotAnalyzed, rule(vec![level(0, Priority::Medium)], true)),
        ]),
    }
}

fn high() -> Ladder {
    Ladder { watch_s: 600, recheck_s: 300, ..ladder(5, &[60, 60, 120], 180) }
}

fn ladder(present_within_s: u32, response_s: &[u32], repeat_s: u32) -> Ladder {
    Ladder {
        present_within_s,
        response_s: response_s.to_vec(),
        repeat_s,
        watch_s: 1800,
        recheck_s: 900,
        cleared_factor: 3,
    }
}
