//! What is in the store, sample by sample.

use anyhow::{Result, ensure};
use ctg::{HalfToco, QuarterBpm, RecordingId, SampleBlock};
use storage::Store;

/// Blocks read at once.
const PAGE: u32 = 1_000;

/// One recording as stored: every channel whole, `None` where the device had no signal.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Channels {
    /// Fetal heart rates, by fetus.
    pub fhr: Vec<Vec<Option<QuarterBpm>>>,
    /// Uterine activity.
    pub toco: Vec<Option<HalfToco>>,
}

/// Every block of a recording, in order.
///
/// # Errors
/// If a sequence is missing or twice, or the store cannot be read.
pub async fn blocks(store: &Store, recording: RecordingId) -> Result<Vec<SampleBlock>> {
    let mut all: Vec<SampleBlock> = Vec::new();
    loop {
        let page = store.blocks_from(recording, all.len() as u32, PAGE).await?;
        let last = page.len() < PAGE as usize;
        for received in page {
            let expected = all.len() as u32;
            ensure!(
                received.block.sequence == expected,
                "recording {recording}: block {} stands where {expected} belongs",
                received.block.sequence
            );
            all.push(received.block);
        }
        if last {
            return Ok(all);
        }
    }
}

/// The channels of a recording, glued together.
///
/// # Errors
/// As [`blocks`].
pub async fn channels(store: &Store, recording: RecordingId) -> Result<Channels> {
    let mut channels = Channels::default();
    for block in blocks(store, recording).await? {
        channels.fhr.resize_with(block.fhr.len(), Vec::new);
        for (whole, channel) in channels.fhr.iter_mut().zip(block.fhr) {
            whole.extend(channel.rates);
        }
        channels.toco.extend(block.toco.unwrap_or_default());
    }
    Ok(channels)
}
