use std::collections::BTreeMap;

use ctg::{Finding, FindingKind, Quantity};

use crate::{Condition, Priority};

/// What is alarmed, how fast somebody must answer, and who is told when nobody does.
///
/// There is no default: the values stand in a policy file that a clinician reviews. [`Policy::check`] must have
/// passed before a policy is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Name of the policy, stored with every alert.
    pub name: String,
    /// Version of the policy, stored with every alert; grows when any value changes.
    pub version: u16,
    /// Highest priority of an alert that rests only on samples that arrived late: nobody can be in time for it.
    pub late_priority: Priority,
    /// The ladder of each priority.
    pub ladders: Ladders,
    /// What is alarmed; a condition without a rule never is.
    pub rules: BTreeMap<Condition, Rule>,
}

/// One escalation ladder for each priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladders {
    /// For awareness.
    pub low: Ladder,
    /// For prompt response.
    pub medium: Ladder,
    /// For immediate response.
    pub high: Ladder,
}

/// How long each step of an escalation may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// A screen must show a new alert within this time, s; else the next step is told at once.
    pub present_within_s: u32,
    /// Time to answer at each step, s; step 0 is the station.
    pub response_s: Vec<u32>,
    /// After the last step it is told again this often, s, for ever.
    pub repeat_s: u32,
    /// An acknowledged alert that is not closed within this time, s, must be answered anew.
    pub watch_s: u32,
    /// A condition that was closed as answered is alarmed again after this time, s, if it lasts or came again.
    pub recheck_s: u32,
    /// Times grow by this factor once the condition has ended and nobody has answered.
    pub cleared_factor: u8,
}

/// When one condition becomes an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The highest priority of all levels that apply counts.
    pub levels: Vec<Level>,
    /// The condition must be gone for this long, s, before it counts as ended.
    pub clear_after_s: u32,
    /// True for technical conditions that close by themselves once they are gone and a screen has shown them.
    pub closes_itself: bool,
}

/// One step in the severity of a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// The condition must have lasted this long, s; only time with valid signal counts.
    pub after_s: u32,
    /// A number that must be reached as well.
    pub bound: Option<Bound>,
    /// The priority that it has then.
    pub priority: Priority,
}

/// What a number of a finding is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The number must be there and not higher.
    AtMost(Quantity, f64),
    /// The number must be there and not lower.
    AtLeast(Quantity, f64),
}

/// The part of a policy that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyPart {
    /// The ladder of one priority.
    Ladder(Priority),
    /// The rule of one condition.
    Rule(Condition),
    /// What the policy lacks or is called.
    Whole,
}

/// Why a policy may not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct PolicyError {
    /// Where the fault lies.
    pub part: PolicyPart,
    /// What is wrong and what would be right.
    pub fault: String,
}

/// Most steps of a ladder: station, three doctors, head of department and some room.
const STEPS_MAX: usize = 8;
/// Shortest time to answer, s: nobody reads, thinks and presses faster.
const RESPONSE_MIN_S: u32 = 10;
/// Most levels of a rule.
const LEVELS_MAX: usize = 8;
/// Longest time that a condition must last or be gone, s: longer than any window of the analysis.
const DURATION_MAX_S: u32 = 2 * 3600;
/// Most that a ladder may slow down once the condition has ended.
const CLEARED_FACTOR_MAX: u8 = 3;

/// The longest times that a ladder of one priority may have, s.
struct Limits {
    present_within_s: u32,
    response_s: u32,
    repeat_s: u32,
    watch_s: u32,
    recheck_s: u32,
}

impl Ladders {
    /// The ladder of one priority.
    pub fn of(&self, priority: Priority) -> &Ladder {
        match priority {
            Priority::Low => &self.low,
            Priority::Medium => &self.medium,
            Priority::High => &self.high,
        }
    }
}

impl Ladder {
    /// The last step.
    pub fn last_step(&self) -> u8 {
        u8::try_from(self.response_s.len()).unwrap_or(u8::MAX)
    }

    /// Time until the step after `step` is told, s; at and after the last step, until it is told again.
    pub fn wait_s(&self, step: u8) -> u32 {
        self.response_s.get(usize::from(step)).copied().unwrap_or(self.repeat_s)
    }
}

impl Level {
    /// True when a finding that lasted for `duration_s` of valid signal reaches this level.
    pub fn applies(&self, finding: &Finding, duration_s: f64) -> bool {
        let reached = match self.bound {
            None => true,
            Some(Bound::AtMost(quantity, most)) => finding.value(quantity).is_some_and(|value| value <= most),
            Some(Bound::AtLeast(quantity, least)) => finding.value(quantity).is_some_and(|value| value >= least),
        };
        reached && duration_s >= f64::from(self.after_s)
    }
}

impl Policy {
    /// Conditions that every policy must have a rule for: without them a silent service would look like a quiet one.
    pub const INDISPENSABLE: [Condition; 3] =
        [Condition::Signal(FindingKind::CommunicationLoss), Condition::NotRecorded, Condition::NotAnalyzed];

    /// Checks that the policy has no hole and keeps every limit.
    ///
    /// # Errors
    /// The first fault found.
    pub fn check(&self) -> Result<(), PolicyError> {
        let whole = |fault: &str| PolicyError { part: PolicyPart::Whole, fault: fault.to_owned() };
        if self.name.trim().is_empty() {
            return Err(whole("a policy needs a name"));
        }
        for priority in Priority::ALL {
            let part = PolicyPart::Ladder(*priority);
            check_ladder(self.ladders.of(*priority), &limits(*priority))
                .map_err(|fault| PolicyError { part, fault })?;
        }
        for (condition, rule) in &self.rules {
            let part = PolicyPart::Rule(*condition);
            check_rule(*condition, rule).map_err(|fault| PolicyError { part, fault })?;
        }
        match Self::INDISPENSABLE.iter().find(|condition| !self.rules.contains_key(condition)) {
            Some(missing) => Err(whole(&format!("condition '{}' must have a rule", missing.code()))),
            None => Ok(()),
        }
    }
}

impl Condition {
    /// True for conditions of the equipment, not of mother or child; only these may close by themselves.
    pub fn is_technical(self) -> bool {
        match self {
            Self::NotRecorded | Self::NotAnalyzed => true,
            Self::Complaint(_) => false,
            Self::Signal(kind) => match kind {
                FindingKind::CommunicationLoss
                | FindingKind::SignalLoss
                | FindingKind::FalseSignal
                | FindingKind::TwinCoincidence
                | FindingKind::RateJump => true,
                FindingKind::Acceleration
                | FindingKind::Deceleration(_)
                | FindingKind::Contraction
                | FindingKind::Tachysystole
                | FindingKind::LowHeartRate
                | FindingKind::Tachycardia
                | FindingKind::Bradycardia
                | FindingKind::ReducedVariability
                | FindingKind::IncreasedVariability
                | FindingKind::Sinusoidal => false,
            },
        }
    }
}

/// Hard limits: a site may be stricter, never laxer.
fn limits(priority: Priority) -> Limits {
    match priority {
        Priority::High => Limits { present_within_s: 10, response_s: 120, repeat_s: 300, watch_s: 900, recheck_s: 300 },
        Priority::Medium => {
            Limits { present_within_s: 30, response_s: 600, repeat_s: 1200, watch_s: 3600, recheck_s: 900 }
        }
        Priority::Low => {
            const DAY_S: u32 = 86_400;
            Limits { present_within_s: 300, response_s: DAY_S, repeat_s: DAY_S, watch_s: DAY_S, recheck_s: DAY_S }
        }
    }
}

fn check_ladder(ladder: &Ladder, limits: &Limits) -> Result<(), String> {
    if !(1..=STEPS_MAX).contains(&ladder.response_s.len()) {
        return Err(format!("response_s must name 1 to {STEPS_MAX} steps"));
    }
    if !(1..=CLEARED_FACTOR_MAX).contains(&ladder.cleared_factor) {
        return Err(format!("cleared_factor must be 1 to {CLEARED_FACTOR_MAX}"));
    }
    let times = [("present_within_s", ladder.present_within_s, 1, limits.present_within_s)]
        .into_iter()
        .chain(ladder.response_s.iter().map(|time| ("response_s", *time, RESPONSE_MIN_S, limits.response_s)))
        .chain([
            ("repeat_s", ladder.repeat_s, RESPONSE_MIN_S, limits.repeat_s),
            ("watch_s", ladder.watch_s, RESPONSE_MIN_S, limits.watch_s),
            ("recheck_s", ladder.recheck_s, RESPONSE_MIN_S, limits.recheck_s),
        ]);
    for (name, time_s, least, most) in times {
        if !(least..=most).contains(&time_s) {
            return Err(format!("{name} is {time_s} but must be {least} to {most}"));
        }
    }
    Ok(())
}

fn check_rule(condition: Condition, rule: &Rule) -> Result<(), String> {
    if !(1..=LEVELS_MAX).contains(&rule.levels.len()) {
        return Err(format!("levels must have 1 to {LEVELS_MAX} entries"));
    }
    if rule.clear_after_s > DURATION_MAX_S || rule.levels.iter().any(|level| level.after_s > DURATION_MAX_S) {
        return Err(format!("after_s and clear_after_s may be at most {DURATION_MAX_S}"));
    }
    if rule.closes_itself && !condition.is_technical() {
        return Err("closes_itself is for technical conditions only: this one must be closed by a person".to_owned());
    }
    let finite = |level: &Level| match level.bound {
        None => true,
        Some(Bound::AtMost(_, value) | Bound::AtLeast(_, value)) => value.is_finite(),
    };
    if rule.levels.iter().all(finite) { Ok(()) } else { Err("a bound must be a finite number".to_owned()) }
}

#[cfg(test)]
mod tests;
