use std::collections::BTreeMap;

use ctg::{DeviceId, FhrChannel, QuarterBpm, RecordingId, SampleBlock, SampleRate, Timestamp};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Seconds after which a block that no watermark covers is sent again.
const RESEND_AFTER_S: i64 = 4;
/// Blocks sent at once from the buffer.
const BURST: usize = 25;

/// A stretch of low heart rate in a woman's trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Episode {
    /// First second.
    pub(crate) start_s: u32,
    /// First second after.
    pub(crate) end_s: u32,
    /// The rate in it.
    pub(crate) bpm: u16,
}

/// A device that records from 0 to `end_s`, keeps what no watermark covers, and sends it again.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) recording: RecordingId,
    /// When its recording began, in true time.
    pub(crate) began: Timestamp,
    /// How far its clock is ahead, in microseconds.
    pub(crate) skew_us: i64,
    pub(crate) episodes: Vec<Episode>,
    pub(crate) end_s: u32,
    /// Stretches of true seconds without a network.
    pub(crate) outages: Vec<(i64, i64)>,
    /// Blocks that it keeps, with the true time of their last sending.
    pub(crate) buffer: BTreeMap<u32, Option<Timestamp>>,
    made: u32,
}

impl Device {
    pub(crate) fn new(number: u8, began: Timestamp, length_s: u32, rng: &mut ChaCha8Rng) -> Self {
        let mut episodes = Vec::new();
        let mut at = rng.random_range(20..120);
        while at + 200 < length_s {
            let length = rng.random_range(80..220);
            let bpm = *[90, 85, 72, 65].get(rng.random_range(0..4_usize)).unwrap_or(&70);
            if at + length + 60 < length_s {
                episodes.push(Episode { start_s: at, end_s: at + length, bpm });
            }
            at += length + rng.random_range(100..400);
        }
        let mut outages = Vec::new();
        let mut at = rng.random_range(30..300);
        while at < i64::from(length_s) {
            let length = rng.random_range(5..150);
            outages.push((at, at + length));
            at += length + rng.random_range(60..400);
        }
        Self {
            id: format!("belt-{number}").parse().expect("a device id"),
            recording: RecordingId::from_bytes([number; 16]),
            began,
            skew_us: rng.random_range(-60..20) * 500_000,
            episodes,
            end_s: length_s,
            outages,
            buffer: BTreeMap::new(),
            made: 0,
        }
    }

    /// Whether its network works.
    pub(crate) fn is_online(&self, now: Timestamp) -> bool {
        let second = now.micros_since(self.began) / ctg::MICROS_PER_SECOND;
        !self.outages.iter().any(|(start, end)| (*start..*end).contains(&second))
    }

    /// True once it has recorded everything.
    pub(crate) fn is_done(&self) -> bool {
        self.made >= self.end_s
    }

    /// Blocks made so far.
    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// Makes the blocks that are over, and gives those to be sent now.
    pub(crate) fn send(&mut self, now: Timestamp) -> Vec<SampleBlock> {
        let seconds = now.micros_since(self.began) / ctg::MICROS_PER_SECOND;
        while i64::from(self.made) < seconds && self.made < self.end_s {
            self.buffer.insert(self.made, None);
            self.made += 1;
        }
        if !self.is_online(now) {
            return Vec::new();
        }
        let due = |sent: &Option<Timestamp>| sent.is_none_or(|sent| sent.plus_seconds(RESEND_AFTER_S) <= now);
        let chosen: Vec<u32> =
            self.buffer.iter().filter(|(_, sent)| due(sent)).map(|(sequence, _)| *sequence).take(BURST).collect();
        for sequence in &chosen {
            self.buffer.insert(*sequence, Some(now));
        }
        chosen.into_iter().map(|sequence| self.block(sequence)).collect()
    }

    /// Forgets what a watermark covers.
    pub(crate) fn handle_watermark(&mut self, through: u32) {
        self.buffer.retain(|sequence, _| *sequence > through);
    }

    /// The block as the woman's heart made it.
    pub(crate) fn block(&self, sequence: u32) -> SampleBlock {
        let episode = self.episodes.iter().find(|episode| (episode.start_s..episode.end_s).contains(&sequence));
        let bpm = episode.map_or(140, |episode| episode.bpm);
        // A little variation, so that no two blocks are the same.
        let rates = (0..4).map(|sample| QuarterBpm::new(bpm * 4 + (sequence as u16 * 3 + sample) % 9));
        SampleBlock {
            recording: self.recording,
            sequence,
            start: self.device_time(self.began.plus_seconds(i64::from(sequence))),
            block_length_ms: 1000,
            fhr_rate: SampleRate::FOUR_HZ,
            toco_rate: SampleRate::FOUR_HZ,
            fhr_step_quarter_bpm: 1,
            fhr: vec![FhrChannel { rates: rates.collect(), quality: None }],
            mhr: None,
            toco: None,
        }
    }

    /// What its clock shows.
    pub(crate) fn device_time(&self, true_time: Timestamp) -> Timestamp {
        true_time.plus_micros(self.skew_us)
    }
}
