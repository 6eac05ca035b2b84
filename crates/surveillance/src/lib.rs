//! Analysis of live recordings, raising and escalation of alerts.
//!
//! [`ward`] decides without I/O; [`run`] moves data between it, the bus and the store.
#![forbid(unsafe_code)]

pub mod policy_file;
pub mod ward;

mod escalation;
mod metrics;
mod run;
mod shell;

pub use escalation::Escalation;
pub use metrics::Metrics;
pub use run::{Config, Error, run};
