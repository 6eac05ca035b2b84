use std::fmt;
use std::num::{NonZeroU8, NonZeroU16};

use crate::{DeviceId, FetusIndex, MICROS_PER_SECOND, RecordingId, Timestamp};

/// Most fetuses in one recording: triplets.
pub const FETUSES_MAX: usize = 3;

/// The sample rates that a channel may have, in samples per second.
pub const SAMPLE_RATES_HZ: [u8; 4] = [1, 2, 4, 8];

/// A heart rate in quarters of a beat per minute, 0.25 to 300 bpm, the resolution of hospital monitors.
///
/// Absent signal is `None` around it, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuarterBpm(NonZeroU16);

impl QuarterBpm {
    /// The highest rate that can be said: 300 bpm (Philips Series 50 digital interface).
    pub const MAX: u16 = 1200;

    /// The rate of `quarters` / 4 bpm; `None` for zero and above [`Self::MAX`].
    pub const fn new(quarters: u16) -> Option<Self> {
        match NonZeroU16::new(quarters) {
            Some(quarters) if quarters.get() <= Self::MAX => Some(Self(quarters)),
            _ => None,
        }
    }

    /// The number of quarters of a bpm.
    pub const fn quarters(self) -> u16 {
        self.0.get()
    }

    /// The rate in beats per minute.
    pub fn bpm(self) -> f32 {
        f32::from(self.0.get()) / 4.0
    }
}

/// External tocodynamometer, relative units in steps of 0.5 from 0 to 127.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HalfToco(NonZeroU8);

impl HalfToco {
    /// The highest value that can be said: 127.
    pub const MAX: u8 = 254;

    /// The value of `halves` / 2 relative units; `None` above [`Self::MAX`].
    pub const fn new(halves: u8) -> Option<Self> {
        match halves.checked_add(1) {
            Some(stored) => match NonZeroU8::new(stored) {
                Some(stored) => Some(Self(stored)),
                None => None,
            },
            None => None,
        }
    }

    /// The number of half units.
    pub const fn halves(self) -> u8 {
        self.0.get() - 1
    }

    /// The value in relative units, 0 to 127.
    pub fn units(self) -> f32 {
        f32::from(self.halves()) / 2.0
    }
}

impl fmt::Debug for HalfToco {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HalfToco({})", self.halves())
    }
}

/// The device's own opinion of a heart-rate sample, as monitors colour it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// Red: not to be relied on.
    Poor,
    /// Yellow.
    Fair,
    /// Green.
    Good,
}

/// Samples per second of a channel: 1, 2, 4 or 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleRate(u8);

impl SampleRate {
    /// 4 Hz, the rate of hospital monitors.
    pub const FOUR_HZ: Self = Self(4);

    /// The rate of `hz` samples per second; `None` unless listed in [`SAMPLE_RATES_HZ`].
    pub fn new(hz: u8) -> Option<Self> {
        SAMPLE_RATES_HZ.contains(&hz).then_some(Self(hz))
    }

    /// Samples per second.
    pub const fn hz(self) -> u8 {
        self.0
    }

    /// Time from one sample to the next, in microseconds.
    pub const fn period_us(self) -> i64 {
        MICROS_PER_SECOND / self.0 as i64
    }

    /// Number of samples in `length_ms` milliseconds; `None` if that is not a whole number.
    pub fn samples_in(self, length_ms: u16) -> Option<usize> {
        let thousandths = usize::from(length_ms) * usize::from(self.0);
        (thousandths % 1000 == 0).then_some(thousandths / 1000)
    }
}

/// Heart rate of one fetus over one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FhrChannel {
    /// One value per sample; `None` where the device had no signal.
    pub rates: Vec<Option<QuarterBpm>>,
    /// The device's opinion of each sample, as long as `rates`; `None` when the device has none.
    pub quality: Option<Vec<Quality>>,
}

/// One packet of samples: what a device measured from `start` on, all channels over the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleBlock {
    /// The recording it belongs to.
    pub recording: RecordingId,
    /// Number of the block in its recording, from 0, without holes.
    pub sequence: u32,
    /// When the first sample was taken, by the device's clock:
    /// recording start + sequence × block length.
    pub start: Timestamp,
    /// Length of every block of the recording in milliseconds; only the last block may be shorter.
    pub block_length_ms: u16,
    /// Rate of the heart-rate channels.
    pub fhr_rate: SampleRate,
    /// Rate of the toco channel.
    pub toco_rate: SampleRate,
    /// Smallest step of the source's heart rates, in quarters of a bpm.
    pub fhr_step_quarter_bpm: u8,
    /// Fetal heart rates, by [`FetusIndex`]; 1 to [`FETUSES_MAX`] channels.
    pub fhr: Vec<FhrChannel>,
    /// Maternal heart rate at `fhr_rate`; `None` when the device does not measure it.
    pub mhr: Option<Vec<Option<QuarterBpm>>>,
    /// Uterine activity at `toco_rate`; `None` when the device does not measure it.
    pub toco: Option<Vec<Option<HalfToco>>>,
}

/// Which rule of [`SampleBlock`] a block breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockError {
    /// No fetal channel, or more than [`FETUSES_MAX`].
    FetusCount,
    /// Block length not between 250 and 60,000 ms, or not a whole number of samples.
    BlockLength,
    /// A channel is empty, longer than the block, or of another duration than the first.
    ChannelLength,
    /// The step of the heart rates is not 1 to 8 quarters of a bpm.
    Step,
    /// The recording would have begun outside the years 2000 to 2100.
    StartTime,
}

impl SampleBlock {
    /// Shortest block, in milliseconds.
    pub const LENGTH_MIN_MS: u16 = 250;
    /// Longest block, in milliseconds.
    pub const LENGTH_MAX_MS: u16 = 60_000;
    /// Coarsest step of heart rates that a source may declare: 2 bpm.
    pub const STEP_MAX_QUARTER_BPM: u8 = 8;
    /// 2000-01-01T00:00:00Z, before which no device measured anything.
    pub const START_MIN: Timestamp = Timestamp::from_micros(946_684_800 * MICROS_PER_SECOND);
    /// 2100-01-01T00:00:00Z, from which on a time can only be a mistake.
    pub const START_MAX: Timestamp = Timestamp::from_micros(4_102_444_800 * MICROS_PER_SECOND);

    /// When sample 0 of the recording was taken, by the device's clock.
    pub fn recording_start(&self) -> Timestamp {
        self.start.plus_micros(-i64::from(self.sequence) * i64::from(self.block_length_ms) * 1000)
    }

    /// The first moment after the block's last sample.
    pub fn end(&self) -> Timestamp {
        self.start.plus_micros(self.sample_count() as i64 * self.fhr_rate.period_us())
    }

    /// Samples in each heart-rate channel.
    pub fn sample_count(&self) -> usize {
        self.fhr.first().map_or(0, |channel| channel.rates.len())
    }

    /// Number of fetal channels.
    pub fn fetuses(&self) -> u8 {
        self.fhr.len().min(FETUSES_MAX) as u8
    }

    /// The channel of one fetus; `None` if the recording has no such fetus.
    pub fn fhr_of(&self, fetus: FetusIndex) -> Option<&FhrChannel> {
        self.fhr.get(usize::from(fetus.get()))
    }

    /// Checks every rule of the block.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), BlockError> {
        if self.fhr.is_empty() || self.fhr.len() > FETUSES_MAX {
            return Err(BlockError::FetusCount);
        }
        if !(1..=Self::STEP_MAX_QUARTER_BPM).contains(&self.fhr_step_quarter_bpm) {
            return Err(BlockError::Step);
        }
        if !(Self::START_MIN..Self::START_MAX).contains(&self.recording_start())
            || !(Self::START_MIN..Self::START_MAX).contains(&self.start)
        {
            return Err(BlockError::StartTime);
        }
        self.check_lengths()
    }

    fn check_lengths(&self) -> Result<(), BlockError> {
        if !(Self::LENGTH_MIN_MS..=Self::LENGTH_MAX_MS).contains(&self.block_length_ms) {
            return Err(BlockError::BlockLength);
        }
        let full = self.fhr_rate.samples_in(self.block_length_ms).ok_or(BlockError::BlockLength)?;
        self.toco_rate.samples_in(self.block_length_ms).ok_or(BlockError::BlockLength)?;
        let count = self.sample_count();
        if count == 0 || count > full {
            return Err(BlockError::ChannelLength);
        }
        let same_rate = |length: usize| length == count;
        let heart_rates_agree = self.fhr.iter().all(|channel| {
            same_rate(channel.rates.len()) && channel.quality.as_ref().is_none_or(|quality| same_rate(quality.len()))
        }) && self.mhr.as_ref().is_none_or(|mhr| same_rate(mhr.len()));
        let toco_agrees = self.toco.as_ref().is_none_or(|toco| {
            toco.len() * usize::from(self.fhr_rate.hz()) == count * usize::from(self.toco_rate.hz())
        });
        if heart_rates_agree && toco_agrees { Ok(()) } else { Err(BlockError::ChannelLength) }
    }
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FetusCount => "a block needs 1 to 3 fetal channels",
            Self::BlockLength => "block length must be 250 to 60000 ms and a whole number of samples",
            Self::ChannelLength => "channels must be non-empty, no longer than the block, and of one duration",
            Self::Step => "heart-rate step must be 1 to 8 quarters of a bpm",
            Self::StartTime => "block and recording must start between the years 2000 and 2100",
        })
    }
}

impl std::error::Error for BlockError {}

/// A block as the service got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedBlock {
    /// Who sent it.
    pub device: DeviceId,
    /// When it arrived, by the service's clock.
    pub received: Timestamp,
    /// What was sent.
    pub block: SampleBlock,
}

impl ReceivedBlock {
    /// Seconds between the last sample and the arrival; negative when the device's clock is ahead.
    pub fn delay_s(&self) -> f64 {
        self.received.seconds_since(self.block.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> SampleBlock {
        SampleBlock {
            recording: RecordingId::from_bytes([7; 16]),
            sequence: 3,
            start: Timestamp::from_micros(1_795_338_903_000_000),
            block_length_ms: 1000,
            fhr_rate: SampleRate::FOUR_HZ,
            toco_rate: SampleRate::FOUR_HZ,
            fhr_step_quarter_bpm: 1,
            fhr: vec![FhrChannel { rates: vec![QuarterBpm::new(560); 4], quality: None }],
            mhr: None,
            toco: Some(vec![HalfToco::new(20); 4]),
        }
    }

    fn check(change: impl FnOnce(&mut SampleBlock), expect: Result<(), BlockError>) {
        let mut block = block();
        change(&mut block);
        assert_eq!(block.check(), expect);
    }

    #[test]
    fn rules_of_a_block() {
        check(|_| {}, Ok(()));
        check(|b| b.fhr.clear(), Err(BlockError::FetusCount));
        check(|b| b.fhr = vec![b.fhr[0].clone(); 4], Err(BlockError::FetusCount));
        check(|b| b.fhr_step_quarter_bpm = 0, Err(BlockError::Step));
        check(|b| b.block_length_ms = 0, Err(BlockError::BlockLength));
        check(|b| b.block_length_ms = 1001, Err(BlockError::BlockLength));
        check(|b| b.block_length_ms = 60_001, Err(BlockError::BlockLength));
        check(|b| b.fhr[0].rates.truncate(3), Err(BlockError::ChannelLength));
        check(|b| b.mhr = Some(vec![None; 5]), Err(BlockError::ChannelLength));
        check(|b| b.toco = Some(vec![]), Err(BlockError::ChannelLength));
        check(|b| b.fhr[0].quality = Some(vec![Quality::Good; 3]), Err(BlockError::ChannelLength));
        check(|b| b.start = Timestamp::from_micros(0), Err(BlockError::StartTime));
        check(|b| b.sequence = u32::MAX, Err(BlockError::StartTime));
    }

    #[test]
    fn last_block_may_be_shorter_and_toco_faster() {
        check(
            |b| {
                b.toco_rate = SampleRate(8);
                b.fhr[0].rates.truncate(3);
                b.toco = Some(vec![None; 6]);
            },
            Ok(()),
        );
    }

    #[test]
    fn time_of_a_block_follows_from_its_number() {
        let block = block();
        assert_eq!(block.recording_start(), Timestamp::from_micros(1_795_338_900_000_000));
        assert_eq!(block.end().micros_since(block.start), MICROS_PER_SECOND);
    }

    #[test]
    fn absent_is_not_zero() {
        assert_eq!(QuarterBpm::new(0), None);
        assert_eq!(QuarterBpm::new(1201), None);
        assert_eq!(HalfToco::new(0).map(HalfToco::halves), Some(0));
        assert_eq!(HalfToco::new(255), None);
        assert_eq!(size_of::<Option<QuarterBpm>>(), 2);
        assert_eq!(size_of::<Option<HalfToco>>(), 1);
    }
}
