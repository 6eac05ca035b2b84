use crate::{DeviceId, RecordingId, SampleBlock, SampleRate, Timestamp};

/// One session of one mother: fixed when its first block arrives, the same for all its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Who it is.
    pub id: RecordingId,
    /// The device that records.
    pub device: DeviceId,
    /// When sample 0 was taken, by the device's clock.
    pub start: Timestamp,
    /// Length of every block but the last, in milliseconds.
    pub block_length_ms: u16,
    /// Native rate of the heart-rate channels.
    pub fhr_rate: SampleRate,
    /// Native rate of the toco channel.
    pub toco_rate: SampleRate,
    /// Smallest step of the source's heart rates, in quarters of a bpm (1 = 0.25 bpm, 4 = 1 bpm).
    ///
    /// Short-term variation needs 0.25 bpm at 4 Hz or better; a coarser source is marked by this.
    pub fhr_step_quarter_bpm: u8,
    /// Number of fetal channels, 1 to 3.
    pub fetuses: u8,
    /// When the first block reached the service, by the service's clock.
    pub received: Timestamp,
}

impl Recording {
    /// The recording that a block from `device` belongs to, as its first block tells.
    pub fn from_block(device: DeviceId, block: &SampleBlock, received: Timestamp) -> Self {
        Self {
            id: block.recording,
            device,
            start: block.recording_start(),
            block_length_ms: block.block_length_ms,
            fhr_rate: block.fhr_rate,
            toco_rate: block.toco_rate,
            fhr_step_quarter_bpm: block.fhr_step_quarter_bpm,
            fetuses: block.fetuses(),
            received,
        }
    }

    /// True when `block`, sent by `device`, agrees with what is known of the recording.
    pub fn admits(&self, device: &DeviceId, block: &SampleBlock) -> bool {
        let claimed = Self::from_block(device.clone(), block, self.received);
        claimed == *self
    }
}
