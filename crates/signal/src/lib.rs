//! Samples to findings: real-time cardiotocogram analysis.
//!
//! One [`Analyzer`] per recording takes [`ctg::SampleBlock`]s in any packetisation, puts them in order on
//! a regular 4 Hz grid and says what became known: findings first provisional (no look-ahead), then final
//! (60 s at most), a baseline point per second, and the figures of each fetus. The crate is pure: the same
//! input gives the same output, its state is bounded, and a lost analyzer is rebuilt by replaying the last
//! [`REPLAY_WINDOW_S`] seconds of blocks.
#![forbid(unsafe_code)]

mod analyzer;
mod settings;

mod fetus;
mod quality;
mod timeline;
mod twins;
mod uterus;

mod baseline_conditions;
mod contractions;
mod deceleration_figo2015;
mod false_signal;
mod learned;
mod low_rate;
mod morphology;
mod pickup;
mod signal_loss;
mod silence;
mod sinusoidal_figo2015;
mod ten_minute_nichd2008;
mod trace_method;

mod features;
mod history;
mod lasting;
mod ledger;
mod marks;
mod minutes;

pub use analyzer::{Analyzer, REPLAY_WINDOW_S, STATE_BYTES_MAX};
pub use contractions::ContractionMethod;
pub use false_signal::FalseSignalMethod;
pub use features::{Contraction, Deceleration, Event, Features, Minute};
pub use morphology::EventReading;
pub use settings::Settings;
pub use trace_method::MorphologyMethod;

pub mod report;
pub mod rules;
