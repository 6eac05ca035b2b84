use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ctg::{ReceivedBlock, Recording, RecordingId, Timestamp};

use crate::database::{Change, On, bounded, commit, on};
use crate::recordings::{KnownRecording, find_or_create, touch};
use crate::{Store, StoreError, pack, postgres, sqlite};

/// What became of one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// On disk now.
    Stored,
    /// Was there already, with the same content.
    Duplicate,
    /// Another content is stored under the same sequence; that one stays.
    Conflicting,
    /// The recording belongs to another device, its start, rates or fetuses differ, or the block breaks a rule
    /// of [`ctg::SampleBlock`].
    Inadmissible,
}

/// One row of `block`.
#[derive(Debug)]
pub(crate) struct Row {
    /// Place of the block in the caller's list.
    place: usize,
    /// The recording's number in the tables.
    pub(crate) handle: i64,
    /// Device time of the first sample.
    pub(crate) start_us: i64,
    /// Arrival.
    pub(crate) received_us: i64,
    /// Content and checksum.
    pub(crate) payload: Vec<u8>,
}

/// How the rows of a batch are inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hope {
    /// Nothing is there yet: many rows at once.
    AllNew,
    /// Some rows are there: find out which.
    SomeKnown,
}

impl Store {
    /// Stores blocks in one commit; the answer has one entry per block, in order.
    /// Creates the recording with its first block.
    pub async fn append(&self, blocks: &[Arc<ReceivedBlock>]) -> Result<Vec<Appended>, StoreError> {
        if blocks.is_empty() {
            return Ok(Vec::new());
        }
        bounded(async {
            if let Some(appended) = self.append_with(blocks, Hope::AllNew).await? {
                return Ok(appended);
            }
            self.append_with(blocks, Hope::SomeKnown).await?.ok_or(StoreError::Conflict)
        })
        .await
    }

    /// `None`, and nothing stored, if the hope was wrong.
    async fn append_with(
        &self,
        blocks: &[Arc<ReceivedBlock>],
        hope: Hope,
    ) -> Result<Option<Vec<Appended>>, StoreError> {
        let mut appended = vec![Appended::Inadmissible; blocks.len()];
        let mut change = self.database.change().await?;
        let recordings = self.recordings_of(&mut change, blocks).await?;
        let mut batch = Batch::of(recordings, blocks);
        let repeats = batch.take_repeats();
        let Some(new) = insert(&mut change, &batch.rows, hope).await? else { return Ok(None) };
        for (row, is_new) in batch.rows.iter().zip(new) {
            appended[row.place] = if is_new { Appended::Stored } else { compare(&mut change, row).await? };
        }
        for row in &repeats {
            appended[row.place] = compare(&mut change, row).await?;
        }
        batch.touch(&mut change, blocks).await?;
        commit(change).await?;
        self.known.put(batch.recordings.into_values());
        Ok(Some(appended))
    }

    /// The recordings of all blocks, made where they are new; in a fixed order, so that concurrent batches cannot
    /// wait for one another in a circle.
    async fn recordings_of(
        &self,
        change: &mut Change,
        blocks: &[Arc<ReceivedBlock>],
    ) -> Result<HashMap<RecordingId, KnownRecording>, StoreError> {
        let mut firsts: BTreeMap<RecordingId, &ReceivedBlock> = BTreeMap::new();
        for received in blocks.iter().filter(|received| received.block.check().is_ok()) {
            firsts.entry(received.block.recording).or_insert(received);
        }
        let mut recordings = HashMap::with_capacity(firsts.len());
        for (id, ReceivedBlock { device, received, block }) in firsts {
            let known = match self.known.get(id) {
                Some(known) => known,
                None => find_or_create(change, Recording::from_block(device.clone(), block, *received)).await?,
            };
            recordings.insert(id, known);
        }
        Ok(recordings)
    }
}

/// The blocks of one call that may be stored.
struct Batch {
    recordings: HashMap<RecordingId, KnownRecording>,
    rows: Vec<Row>,
}

impl Batch {
    /// The blocks that their recordings take.
    fn of(recordings: HashMap<RecordingId, KnownRecording>, blocks: &[Arc<ReceivedBlock>]) -> Self {
        let mut rows = Vec::with_capacity(blocks.len());
        for (place, received) in blocks.iter().enumerate() {
            let ReceivedBlock { device, received, block } = received.as_ref();
            let known = recordings.get(&block.recording).filter(|known| known.recording.admits(device, block));
            if let Some(known) = known
                && block.check().is_ok()
            {
                rows.push(Row {
                    place,
                    handle: known.handle,
                    start_us: block.start.as_micros(),
                    received_us: received.as_micros(),
                    payload: pack::seal_block(pack::block_content(block), block, *received),
                });
            }
        }
        Self { recordings, rows }
    }

    /// Sorts the rows by key, again a fixed order, and takes out those whose key came before in the same batch.
    fn take_repeats(&mut self) -> Vec<Row> {
        self.rows.sort_by_key(|row| (row.handle, row.start_us, row.place));
        let mut last = None;
        let (repeats, rows) = std::mem::take(&mut self.rows).into_iter().partition(|row: &Row| {
            let key = Some((row.handle, row.start_us));
            std::mem::replace(&mut last, key) == key
        });
        self.rows = rows;
        repeats
    }

    /// Touches the recordings that are due, in the order of their numbers.
    async fn touch(&mut self, change: &mut Change, blocks: &[Arc<ReceivedBlock>]) -> Result<(), StoreError> {
        let mut newest: HashMap<RecordingId, (u32, Timestamp)> = HashMap::new();
        for row in &self.rows {
            let ReceivedBlock { block, received, .. } = blocks[row.place].as_ref();
            let (sequence, arrival) = newest.entry(block.recording).or_insert((block.sequence, *received));
            (*sequence, *arrival) = ((*sequence).max(block.sequence), (*arrival).max(*received));
        }
        let mut due: Vec<(i64, RecordingId, u32, Timestamp)> = newest
            .into_iter()
            .map(|(id, (sequence, received))| (self.recordings[&id].handle, id, sequence, received))
            .filter(|(_, id, sequence, received)| self.recordings[id].is_due(*sequence, *received))
            .collect();
        due.sort_unstable();
        for (handle, id, sequence, received) in due {
            touch(change, handle, received).await?;
            if let Some(known) = self.recordings.get_mut(&id) {
                *known = known.clone().checked(sequence, received);
            }
        }
        Ok(())
    }
}

/// Says for each row whether it is new; `None` if the hope was wrong.
async fn insert(change: &mut Change, rows: &[Row], hope: Hope) -> Result<Option<Vec<bool>>, StoreError> {
    match (change, hope) {
        (On::Sqlite(transaction), Hope::AllNew) => {
            let new = sqlite::insert(transaction, rows).await?;
            Ok((new == rows.len() as u64).then(|| vec![true; rows.len()]))
        }
        (On::Sqlite(transaction), Hope::SomeKnown) => sqlite::insert_singly(transaction, rows).await.map(Some),
        (On::Postgres(transaction), Hope::AllNew | Hope::SomeKnown) => {
            postgres::insert(transaction, rows).await.map(Some)
        }
    }
}

/// What a block is to the one that is stored under its key.
async fn compare(change: &mut Change, row: &Row) -> Result<Appended, StoreError> {
    const SELECT: &str = "select payload from block where recording = $1 and start_us = $2";
    let stored: Vec<u8> = on!(change, transaction => sqlx::query_scalar(SELECT)
        .bind(row.handle)
        .bind(row.start_us)
        .fetch_one(&mut **transaction)
        .await)?;
    let same = pack::same_content(&stored, &row.payload);
    Ok(if same { Appended::Duplicate } else { Appended::Conflicting })
}
