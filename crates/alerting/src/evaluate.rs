use ctg::{Complaint, DeviceId, Finding, FindingKind, Interval, Quantity, RecordingId, Stage, Timestamp};

use crate::{AlertKey, Condition, Evidence, Policy, Priority, Rule};

/// Something that may have to be alarmed.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// Seen in the signal.
    Finding {
        /// The device that recorded.
        device: &'a DeviceId,
        /// What was seen, as known now.
        finding: &'a Finding,
        /// True if it rests on samples that arrived late.
        late: bool,
    },
    /// The mother pressed the complaint button.
    Complaint {
        /// Her device.
        device: &'a DeviceId,
        /// The recording during which she pressed it, if any.
        recording: Option<RecordingId>,
        /// What she complains of.
        complaint: Complaint,
        /// When she pressed it, by the device's clock.
        at: Timestamp,
        /// True if the event arrived late.
        late: bool,
    },
    /// A device that should be sending is not heard of in time.
    Silence {
        /// The device.
        device: &'a DeviceId,
        /// Its recording.
        recording: RecordingId,
        /// From the last sample that came in time until now, by the device's clock.
        interval: Interval,
    },
    /// The analysis of a recording failed.
    NotAnalyzed {
        /// The device.
        device: &'a DeviceId,
        /// Its recording.
        recording: RecordingId,
        /// The newest sample before, by the device's clock.
        at: Timestamp,
    },
    /// The store does not take what is shown.
    NotRecorded {
        /// Since when, and until when it is known, by the service's clock.
        interval: Interval,
    },
}

/// A fact that somebody must act upon.
#[derive(Clone, Debug, PartialEq)]
pub struct Raise {
    /// What it is about.
    pub key: AlertKey,
    /// How fast harm may come.
    pub priority: Priority,
    /// True if it rests only on samples that arrived late.
    pub late: bool,
    /// Why, with the numbers.
    pub evidence: Evidence,
}

/// Whether a fact must be alarmed under a policy.
///
/// `None` if the policy has no rule for it, or it has not lasted long enough, or it was withdrawn.
pub fn evaluate(fact: &Fact<'_>, policy: &Policy) -> Option<Raise> {
    let key = key_of(fact);
    let rule = policy.rules.get(&key.condition)?;
    match *fact {
        Fact::Finding { finding, late, .. } => {
            let priority = finding_priority(finding, rule)?;
            Some(raise(key, priority, late, finding_evidence(finding, policy), policy))
        }
        Fact::Complaint { at, late, .. } => {
            let interval = Interval { start: at, end: at };
            Some(raise(key, lasting_priority(interval, rule)?, late, evidence(interval, policy), policy))
        }
        Fact::NotAnalyzed { at, .. } => {
            let interval = Interval { start: at, end: at };
            Some(raise(key, lasting_priority(interval, rule)?, false, evidence(interval, policy), policy))
        }
        Fact::Silence { interval, .. } | Fact::NotRecorded { interval } => {
            Some(raise(key, lasting_priority(interval, rule)?, false, evidence(interval, policy), policy))
        }
    }
}

/// What an alert of this fact would be about.
pub fn key_of(fact: &Fact<'_>) -> AlertKey {
    match *fact {
        Fact::Finding { device, finding, .. } => AlertKey {
            device: Some(device.clone()),
            recording: Some(finding.recording),
            fetus: finding.fetus,
            condition: Condition::Signal(finding.kind),
        },
        Fact::Complaint { device, recording, complaint, .. } => AlertKey {
            device: Some(device.clone()),
            recording,
            fetus: None,
            condition: Condition::Complaint(complaint),
        },
        Fact::Silence { device, recording, .. } => AlertKey {
            device: Some(device.clone()),
            recording: Some(recording),
            fetus: None,
            condition: Condition::Signal(FindingKind::CommunicationLoss),
        },
        Fact::NotAnalyzed { device, recording, .. } => AlertKey {
            device: Some(device.clone()),
            recording: Some(recording),
            fetus: None,
            condition: Condition::NotAnalyzed,
        },
        Fact::NotRecorded { .. } => {
            AlertKey { device: None, recording: None, fetus: None, condition: Condition::NotRecorded }
        }
    }
}

fn raise(key: AlertKey, priority: Priority, late: bool, evidence: Evidence, policy: &Policy) -> Raise {
    let priority = if late { priority.min(policy.late_priority) } else { priority };
    Raise { key, priority, late, evidence }
}

fn finding_priority(finding: &Finding, rule: &Rule) -> Option<Priority> {
    if finding.stage == Stage::Withdrawn {
        return None;
    }
    let duration_s = finding.value(Quantity::DurationS).unwrap_or_else(|| finding.interval.duration_s());
    rule.levels.iter().filter(|level| level.applies(finding, duration_s)).map(|level| level.priority).max()
}

/// Levels with a bound speak of findings and never apply here.
fn lasting_priority(interval: Interval, rule: &Rule) -> Option<Priority> {
    let lasting = |after_s: u32| interval.duration_s() >= f64::from(after_s);
    let reached = rule.levels.iter().filter(|level| level.bound.is_none() && lasting(level.after_s));
    reached.map(|level| level.priority).max()
}

fn evidence(interval: Interval, policy: &Policy) -> Evidence {
    Evidence {
        policy: policy.name.clone(),
        policy_version: policy.version,
        method: None,
        finding: None,
        interval,
        value: None,
        limit: None,
    }
}

fn finding_evidence(finding: &Finding, policy: &Policy) -> Evidence {
    Evidence {
        method: Some(finding.method.clone()),
        finding: Some(finding.number),
        value: finding.measurements.iter().copied().find(|found| found.quantity != Quantity::Limit),
        limit: finding.value(Quantity::Limit),
        ..evidence(finding.interval, policy)
    }
}

#[cfg(test)]
mod tests;
