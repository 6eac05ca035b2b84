//! Where the decisions of the ward meet the store and the bus.

pub(crate) mod analyses;
pub(crate) mod changes;
pub(crate) mod reads;

use std::time::{SystemTime, UNIX_EPOCH};

use alerting::Alert;
use ctg::Timestamp;

use crate::ward::Decision;

/// Answers that the ward may be behind by before the tasks that give them wait.
pub(crate) const ANSWERS_MAX: usize = 1024;

/// What the tasks beside the ward tell it.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Somebody else changed an alert first; the alert as the store has it.
    Conflict(Box<Decision>, Option<Box<Alert>>),
    /// A part of the store works, or does not.
    Store(Part, bool),
}

/// The uses of the store that may fail by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Saving changes of alerts.
    Changes,
    /// Saving analyses.
    Analyses,
    /// Reading.
    Reads,
}

/// The service's clock.
pub(crate) fn now() -> Timestamp {
    // A clock before 1970 or after 294247 is read as the end of the range.
    let us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    Timestamp::from_micros(i64::try_from(us).unwrap_or(i64::MAX))
}

/// The chain of an error, for a log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |chain, cause| format!("{chain}: {cause}"))
}
