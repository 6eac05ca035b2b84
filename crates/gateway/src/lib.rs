//! Who may see what: snapshot first, then live, over one WebSocket per viewer; answers to alerts; the page itself.
#![forbid(unsafe_code)]

mod access;
mod alerts;
mod board;
mod http;
mod metrics;
mod page;
mod ranges;
mod run;
mod socket;
mod viewer;

pub use run::{Config, Error, run};
