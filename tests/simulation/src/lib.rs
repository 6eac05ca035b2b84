//! Services' decisions in one thread with simulated time, network and crashes.
//!
//! [`World`] runs the product's own rules (`surveillance::ward`, `surveillance::Escalation`, `alerting::decide`) among
//! simulated devices, network, store, processes, screens and people. Everything random comes from one seed, so a seed
//! is a whole history and gives it again. A checker watches from outside what must never happen.
//! [`Fault`] plants mistakes into the simulated surroundings, to prove that the checker would see them.
#![forbid(unsafe_code)]

mod checker;
mod device;
mod fault;
mod network;
mod process;
mod station;
mod store;
mod world;

pub use fault::Fault;
pub use world::{Report, World};
