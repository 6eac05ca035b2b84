//! Findings on synthetic traces as readable text, and what holds for every trace.
#![expect(clippy::unwrap_used, reason = "a test stops where its input is wrong")]

mod bad_input;
mod findings;
mod properties;
mod trace;
