//! The words everybody shares: identifiers, time, samples, events, findings.
//!
//! Plain values with public fields where no invariant needs guarding. Nothing here does I/O, reads a
//! clock or can be serialised: formats belong to `wire`.
#![forbid(unsafe_code)]

mod codes;
mod device;
mod finding;
mod id;
mod interval;
mod recording;
mod sample;
mod time;

pub use device::{Complaint, Device, DeviceEvent, DeviceEventKind, DeviceStatus};
pub use finding::{
    Analysis, BaselinePoint, DecelerationKind, Finding, FindingKind, Measurement, Method, Numerics, Quantity,
    SignalGrade, Stage,
};
pub use id::{DeviceId, DeviceIdError, FetusIndex, RecordingId, RecordingIdError};
pub use interval::Interval;
pub use recording::Recording;
pub use sample::{
    BlockError, FETUSES_MAX, FhrChannel, HalfToco, Quality, QuarterBpm, ReceivedBlock, SAMPLE_RATES_HZ, SampleBlock,
    SampleRate,
};
pub use time::{MICROS_PER_SECOND, Timestamp};
