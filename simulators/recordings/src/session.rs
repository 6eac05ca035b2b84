use ctg::{FhrChannel, RecordingId, SampleBlock, Timestamp};

use crate::Trace;

/// How a trace is cut into the blocks of one recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The recording that the blocks belong to.
    pub recording: RecordingId,
    /// When sample 0 was taken.
    pub start: Timestamp,
    /// Length of every block but the last.
    pub block_length_ms: u16,
    /// True to begin the trace anew when it ends, so that the recording never does.
    pub repeat: bool,
}

impl Session {
    /// The block of one sequence; `None` after the end of the trace, or when the block length is not a
    /// whole number of samples.
    pub fn block(&self, trace: &Trace, sequence: u32) -> Option<SampleBlock> {
        let per_block = trace.rate.samples_in(self.block_length_ms).filter(|samples| *samples > 0)?;
        let first = per_block.checked_mul(usize::try_from(sequence).ok()?)?;
        let total = trace.sample_count();
        let count = if self.repeat && total > 0 { per_block } else { per_block.min(total.checked_sub(first)?) };
        if count == 0 {
            return None;
        }
        let cut = Cut { first, count };
        Some(SampleBlock {
            recording: self.recording,
            sequence,
            start: self.block_start(sequence),
            block_length_ms: self.block_length_ms,
            fhr_rate: trace.rate,
            toco_rate: trace.rate,
            fhr_step_quarter_bpm: trace.fhr_step_quarter_bpm,
            fhr: trace.fhr.iter().map(|channel| cut.channel(channel)).collect(),
            mhr: trace.mhr.as_deref().map(|mhr| cut.samples(mhr)),
            toco: trace.toco.as_deref().map(|toco| cut.samples(toco)),
        })
    }

    /// Every block, from the first to the last; endless when the trace repeats.
    pub fn blocks<'trace>(&self, trace: &'trace Trace) -> impl Iterator<Item = SampleBlock> + use<'trace> {
        let session = *self;
        (0..=u32::MAX).map_while(move |sequence| session.block(trace, sequence))
    }

    /// When the first sample of a block was taken.
    pub fn block_start(&self, sequence: u32) -> Timestamp {
        self.start.plus_micros(i64::from(sequence) * i64::from(self.block_length_ms) * 1000)
    }
}

/// Some samples out of channels, from the beginning again after their end.
struct Cut {
    first: usize,
    count: usize,
}

impl Cut {
    fn samples<T: Copy>(&self, channel: &[T]) -> Vec<T> {
        let skip = self.first.checked_rem(channel.len()).unwrap_or(0);
        channel.iter().cycle().skip(skip).take(self.count).copied().collect()
    }

    fn channel(&self, channel: &FhrChannel) -> FhrChannel {
        FhrChannel {
            rates: self.samples(&channel.rates),
            quality: channel.quality.as_deref().map(|quality| self.samples(quality)),
        }
    }
}

#[cfg(test)]
mod tests {
    use ctg::{HalfToco, QuarterBpm, SampleRate};

    use super::*;

    fn trace(samples: u16) -> Trace {
        Trace {
            rate: SampleRate::FOUR_HZ,
            fhr_step_quarter_bpm: 1,
            fhr: vec![FhrChannel { rates: (0..samples).map(|i| QuarterBpm::new(500 + i)).collect(), quality: None }],
            mhr: None,
            toco: Some((0..samples).map(|i| HalfToco::new(i as u8)).collect()),
        }
    }

    fn session(block_length_ms: u16, repeat: bool) -> Session {
        let start = Timestamp::from_micros(1_795_338_900_000_000);
        Session { recording: RecordingId::from_bytes([1; 16]), start, block_length_ms, repeat }
    }

    #[test]
    fn blocks_hold_every_sample_once() {
        let (trace, session) = (trace(11), session(1000, false));
        let blocks: Vec<_> = session.blocks(&trace).collect();
        assert_eq!(blocks.iter().map(SampleBlock::sample_count).collect::<Vec<_>>(), [4, 4, 3]);
        assert!(blocks.iter().all(|block| block.check().is_ok() && block.recording_start() == session.start));
        let rates: Vec<_> = blocks.iter().flat_map(|block| block.fhr[0].rates.clone()).collect();
        assert_eq!(rates, trace.fhr[0].rates);
    }

    #[test]
    fn a_repeated_trace_never_ends() {
        let (trace, session) = (trace(11), session(1000, true));
        let block = session.block(&trace, 2).unwrap();
        assert_eq!(block.toco.unwrap(), [8, 9, 10, 0].map(HalfToco::new));
        assert!(session.block(&trace, 4_000_000_000).is_some());
    }

    #[test]
    fn no_whole_number_of_samples_no_block() {
        assert_eq!(session(1100, false).block(&trace(11), 0), None);
        assert_eq!(session(0, true).block(&trace(11), 0), None);
        assert_eq!(session(1000, true).block(&trace(0), 0), None);
        assert_eq!(session(1000, false).block(&trace(11), 3), None);
    }
}
