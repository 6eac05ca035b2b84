//! The embedded MQTT 3.1.1 endpoint: devices on one side, one service on the other.
//!
//! It is no general broker. A device may publish its own `samples`, `events` and `status`, and hear its
//! own `control`; the service hears everything and speaks to each. A publish of a device is acknowledged
//! to the device only when the service acknowledged it, so nothing that was acknowledged rests here:
//! the endpoint needs no disk. While the service is away or slow, devices are not read.
//!
//! What the service had not acknowledged when its connection ended is offered again to its next one,
//! in order and marked as a repeat. Devices notice nothing of a service that restarts, and a city of
//! them need not reconnect.
#![forbid(unsafe_code)]

mod admission;
mod config;
mod directory;
mod frame;
mod metrics;
mod pace;
mod packet;
mod session;
mod shell;
mod window;

pub use config::{Config, PacketRate, ServiceCredentials};
pub use directory::Directory;
pub use metrics::Metrics;
pub use shell::listener::{Broker, Error, bind};
