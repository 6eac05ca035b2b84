//! Real processes, broker, database and browser: what the tests in `tests/` start and stop.
#![forbid(unsafe_code)]

pub mod data;
pub mod process;
pub mod stored;
pub mod tools;
