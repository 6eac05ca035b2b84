use crate::{DeviceId, RecordingId, Timestamp};

/// A home device as the service knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name in topics.
    pub id: DeviceId,
    /// What the ward calls it, such as a bed code; never a person's name.
    pub label: String,
    /// True for simulated devices, which every screen marks.
    pub simulated: bool,
}

/// What a mother complains of by the device's complaint button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Complaint {
    /// She feels no movement.
    NoMovement,
    /// Bleeding.
    Bleeding,
    /// The waters broke.
    Waters,
    /// Pain.
    Pain,
}

/// What happened at a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceEventKind {
    /// A recording began.
    Start,
    /// A recording ended; no more blocks will be made for it.
    Stop,
    /// The mother pressed the movement button.
    Movement,
    /// The mother pressed the complaint button.
    Complaint(Complaint),
}

/// One event of a device; `sequence` makes repeats harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEvent {
    /// The recording during which it happened, if any.
    pub recording: Option<RecordingId>,
    /// Number of the event, counted by the device since it was made; never reused.
    pub sequence: u64,
    /// When it happened, by the device's clock.
    pub at: Timestamp,
    /// What happened.
    pub kind: DeviceEventKind,
}

/// What a device says of itself (retained), or its last will says for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    /// False when the broker published the last will, or the device said goodbye.
    pub online: bool,
    /// When the status was made, by the device's clock; a last will has none.
    pub at: Option<Timestamp>,
    /// Charge of the battery in percent, where the device knows.
    pub battery_percent: Option<u8>,
    /// Blocks that the device still keeps because no stored watermark covers them.
    pub backlog_blocks: Option<u32>,
}
