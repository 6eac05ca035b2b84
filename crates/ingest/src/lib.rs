//! MQTT packet to stored and published block; acknowledge last.
//!
//! For every packet, in this order: **publish** on the bus (live first), **append** to the store (many
//! packets, one commit), **acknowledge** to the broker, **tell** the device how far it is stored. A crash
//! between any two of them only repeats: the store knows a block by its recording and sequence.
//!
//! While the store is down the live picture goes on, acknowledgements wait, and [`Health`] says so.
#![forbid(unsafe_code)]

mod backoff;
mod config;
mod health;
mod intake;
mod metrics;
mod progress;
mod watermarks;

mod mqtt;
mod run;
mod store;

pub use config::Config;
pub use health::Health;
pub use metrics::Metrics;
pub use run::{Error, run};
