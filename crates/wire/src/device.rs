//! Device protocol 1: what a belt sends and hears, as `docs/device-protocol.md` tells its maker.
//!
//! One schema in two encodings; the first byte of a payload tells which. Unknown fields are ignored,
//! so that newer belts may say more than this version understands.

mod control;
mod encoding;
mod error;
mod event;
mod samples;
mod series;
#[cfg(test)]
mod tests;

use ctg::{DeviceEvent, DeviceStatus, SampleBlock};

pub use control::Control;
pub use encoding::Encoding;
pub use error::DecodeError;

/// Longest payload in bytes, either way: over four times the longest useful block in JSON, and little
/// enough that a thousand at once are no burden.
pub const PAYLOAD_MAX: usize = 65_536;

/// Reads a block of samples and checks every rule of it.
///
/// # Errors
/// What is wrong with the payload, and what its sender can do about it.
pub fn decode_samples(payload: &[u8]) -> Result<SampleBlock, DecodeError> {
    let block = encoding::decode::<samples::Samples>(payload)?.into_block();
    block.check()?;
    Ok(block)
}

/// Writes a block of samples.
pub fn encode_samples(block: &SampleBlock, encoding: Encoding) -> Vec<u8> {
    encoding::encode(&samples::Samples::of(block), encoding)
}

/// Reads an event.
///
/// # Errors
/// What is wrong with the payload, and what its sender can do about it.
pub fn decode_event(payload: &[u8]) -> Result<DeviceEvent, DecodeError> {
    let event = encoding::decode::<event::Event>(payload)?.into_event();
    event.ok_or_else(|| DecodeError::malformed(Encoding::of(payload), "rec must be given for start and stop"))
}

/// Writes an event.
pub fn encode_event(event: &DeviceEvent, encoding: Encoding) -> Vec<u8> {
    encoding::encode(&event::Event::of(event), encoding)
}

/// Reads a status.
///
/// # Errors
/// What is wrong with the payload, and what its sender can do about it.
pub fn decode_status(payload: &[u8]) -> Result<DeviceStatus, DecodeError> {
    Ok(encoding::decode::<event::Status>(payload)?.into_status())
}

/// Writes a status.
pub fn encode_status(status: &DeviceStatus, encoding: Encoding) -> Vec<u8> {
    encoding::encode(&event::Status::of(status), encoding)
}

/// Reads what the service says to a device. A device must ignore what it cannot read.
///
/// # Errors
/// What is wrong with the payload.
pub fn decode_control(payload: &[u8]) -> Result<Control, DecodeError> {
    Ok(encoding::decode::<control::Travelling>(payload)?.into())
}

/// Writes what the service says to a device.
pub fn encode_control(control: &Control, encoding: Encoding) -> Vec<u8> {
    encoding::encode(&control::Travelling::from(control.clone()), encoding)
}
