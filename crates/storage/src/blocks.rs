use ctg::{Interval, ReceivedBlock, RecordingId, Timestamp};

use crate::database::{bounded, on};
use crate::recordings::KnownRecording;
use crate::{Store, StoreError, pack};

impl Store {
    /// Blocks of one recording that overlap a stretch of device time, in order, at most `limit`.
    pub async fn blocks(
        &self,
        recording: RecordingId,
        within: Interval,
        limit: u32,
    ) -> Result<Vec<ReceivedBlock>, StoreError> {
        bounded(async {
            let Some(known) = self.known(recording).await? else { return Ok(Vec::new()) };
            let length_us = i64::from(known.recording.block_length_ms) * 1000;
            // The first may be a short one that ends before the stretch begins.
            let first = within.start.plus_micros(1 - length_us);
            let mut blocks = self.read_blocks(&known, first, within.end, i64::from(limit) + 1).await?;
            blocks.retain(|received| received.block.end() > within.start);
            blocks.truncate(limit as usize);
            Ok(blocks)
        })
        .await
    }

    /// Blocks of one recording from a sequence on, in order, at most `limit`.
    pub async fn blocks_from(
        &self,
        recording: RecordingId,
        sequence: u32,
        limit: u32,
    ) -> Result<Vec<ReceivedBlock>, StoreError> {
        bounded(async {
            let Some(known) = self.known(recording).await? else { return Ok(Vec::new()) };
            let length_us = i64::from(known.recording.block_length_ms) * 1000;
            let first = known.recording.start.plus_micros(i64::from(sequence) * length_us);
            self.read_blocks(&known, first, Timestamp::from_micros(i64::MAX), i64::from(limit)).await
        })
        .await
    }

    /// Blocks that start from `first` to before `end`.
    async fn read_blocks(
        &self,
        known: &KnownRecording,
        first: Timestamp,
        end: Timestamp,
        limit: i64,
    ) -> Result<Vec<ReceivedBlock>, StoreError> {
        const SELECT: &str = "select start_us, received_us, payload from block \
             where recording = $1 and start_us >= $2 and start_us < $3 order by start_us limit $4";
        let rows: Vec<(i64, i64, Vec<u8>)> = on!(self.database.reader(), pool => sqlx::query_as(SELECT)
            .bind(known.handle)
            .bind(first.as_micros())
            .bind(end.as_micros())
            .bind(limit)
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(|(start_us, received_us, payload)| read(known, start_us, received_us, &payload)).collect()
    }
}

fn read(known: &KnownRecording, start_us: i64, received_us: i64, payload: &[u8]) -> Result<ReceivedBlock, StoreError> {
    let (start, received) = (Timestamp::from_micros(start_us), Timestamp::from_micros(received_us));
    let Some(block) = pack::block(payload, &known.recording, start, received) else {
        let id = known.recording.id;
        return Err(StoreError::corrupt(format!("block of recording {id} at {start} fails its checksum")));
    };
    Ok(ReceivedBlock { device: known.recording.device.clone(), received, block })
}
