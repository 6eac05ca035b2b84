//! Findings, people and time to alert changes.
//!
//! An alert changes only by [`decide`]: a pure function of the alert, what happened and the time, whose
//! answer is saved with a version check. Any process may act; nobody owns an alert.
#![forbid(unsafe_code)]

mod alert;
mod codes;
mod decide;
mod evaluate;
#[cfg(test)]
mod examples;
mod policy;

pub use alert::{
    Alert, AlertChange, AlertId, AlertKey, AlertState, Condition, Evidence, LogEntry, LogKind, Person, Priority,
};
pub use codes::AlertIdError;
pub use decide::{AlertEvent, NOTE_LENGTH_MAX, Refusal, decide, next_deadline};
pub use evaluate::{Fact, Raise, evaluate, key_of};
pub use policy::{Bound, Ladder, Ladders, Level, Policy, PolicyError, PolicyPart, Rule};
