//! Bytes to vocabulary and back, at three borders: device, bus, viewer.
#![forbid(unsafe_code)]

pub mod device;
pub mod topic;
pub mod viewer;
