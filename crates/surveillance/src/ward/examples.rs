//! Values that the tests of this crate share.

use std::sync::Arc;

use ctg::{FhrChannel, HalfToco, QuarterBpm, ReceivedBlock, RecordingId, SampleBlock, SampleRate, Timestamp};

pub(crate) const RECORDING: RecordingId = RecordingId::from_bytes([5; 16]);

/// 2026-11-22T09:00:00Z plus `seconds`.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_795_338_000 * ctg::MICROS_PER_SECOND).plus_seconds(seconds)
}

/// A second at 140 bpm.
pub(crate) fn block(sequence: u32) -> SampleBlock {
    block_at(sequence, 140)
}

/// A second at one rate; 0 for no signal.
pub(crate) fn block_at(sequence: u32, bpm: u16) -> SampleBlock {
    SampleBlock {
        recording: RECORDING,
        sequence,
        start: at(i64::from(sequence)),
        block_length_ms: 1000,
        fhr_rate: SampleRate::FOUR_HZ,
        toco_rate: SampleRate::FOUR_HZ,
        fhr_step_quarter_bpm: 1,
        fhr: vec![FhrChannel { rates: vec![QuarterBpm::new(bpm * 4); 4], quality: None }],
        mhr: None,
        toco: Some(vec![HalfToco::new(20); 4]),
    }
}

/// A block that arrived at a second.
pub(crate) fn received(sequence: u32, arrived_s: i64) -> Arc<ReceivedBlock> {
    wrap(block(sequence), arrived_s)
}

pub(crate) fn wrap(block: SampleBlock, arrived_s: i64) -> Arc<ReceivedBlock> {
    Arc::new(ReceivedBlock { device: "belt-1".parse().unwrap(), received: at(arrived_s), block })
}
