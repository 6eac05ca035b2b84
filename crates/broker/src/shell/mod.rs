//! Sockets, tasks and clocks around the decisions of this crate.

mod codec;
mod device;
mod hub;
mod line;
pub(crate) mod listener;
mod mailbox;
mod service;
