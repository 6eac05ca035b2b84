//! Reads stored blocks and pasts of recordings, a few at a time.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ctg::{Interval, MICROS_PER_SECOND, ReceivedBlock, RecordingId, Timestamp};
use signal::REPLAY_WINDOW_S;
use storage::{Store, StoreError};
use tokio::task::JoinSet;

use crate::ward::History;

/// Reads under way at once: the database has other work.
const READS_AT_ONCE: usize = 4;
/// Blocks in one read, so that one recording does not hold up the others.
const BLOCKS_MAX: u32 = 1200;

/// Something to be read of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// What the analysis needs to begin.
    History,
    /// Some blocks.
    Blocks,
}

/// First and last sequence of the blocks wished for.
type Span = (u32, u32);

/// What was read.
#[derive(Debug)]
pub(crate) enum Read {
    /// Some of the blocks that were wished for.
    Blocks(Vec<Arc<ReceivedBlock>>),
    /// A recording's past; `None` if it could not be read.
    History(RecordingId, Option<Box<History>>),
}

/// Reads under way and wished for.
#[derive(Debug)]
pub(crate) struct Reads {
    store: Store,
    /// In the order they were wished for; each also among `wishes`, so there are at most two per recording.
    order: VecDeque<(Wish, RecordingId)>,
    wishes: BTreeMap<(Wish, RecordingId), Span>,
    running: JoinSet<(Read, Result<(), StoreError>)>,
}

impl Reads {
    /// Nothing to read yet.
    pub(crate) fn new(store: Store) -> Self {
        Self { store, order: VecDeque::new(), wishes: BTreeMap::new(), running: JoinSet::new() }
    }

    /// Wishes for a recording's past.
    pub(crate) fn wish_history(&mut self, recording: RecordingId) {
        self.wish((Wish::History, recording), (0, u32::MAX));
    }

    /// Wishes for blocks, from a first to a last sequence.
    pub(crate) fn wish_blocks(&mut self, recording: RecordingId, from: u32, to: u32) {
        self.wish((Wish::Blocks, recording), (from, to));
    }

    /// The next thing that was read, and whether the store answered; never while there is nothing to read.
    pub(crate) async fn next(&mut self) -> (Read, Result<(), StoreError>) {
        loop {
            while self.running.len() < READS_AT_ONCE
                && let Some(key) = self.order.pop_front()
            {
                let Some(span) = self.wishes.remove(&key) else { continue };
                let store = self.store.clone();
                self.running.spawn(async move { read(&store, key, span).await });
            }
            match self.running.join_next().await {
                Some(Ok(read)) => return read,
                // Cut off only when the service stops.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// A wish that is repeated before it is met becomes the wider of the two.
    fn wish(&mut self, key: (Wish, RecordingId), (from, to): Span) {
        match self.wishes.entry(key) {
            Entry::Occupied(mut known) => {
                let span = known.get_mut();
                *span = (span.0.min(from), span.1.max(to));
            }
            Entry::Vacant(new) => {
                new.insert((from, to));
                self.order.push_back(key);
            }
        }
    }
}

async fn read(
    store: &Store,
    (wish, recording): (Wish, RecordingId),
    (from, to): Span,
) -> (Read, Result<(), StoreError>) {
    match wish {
        Wish::Blocks => match blocks(store, recording, from, to).await {
            Ok(blocks) => (Read::Blocks(blocks), Ok(())),
            Err(error) => (Read::Blocks(Vec::new()), Err(error)),
        },
        Wish::History => match history(store, recording).await {
            Ok(history) => (Read::History(recording, Some(Box::new(history))), Ok(())),
            Err(error) => (Read::History(recording, None), Err(error)),
        },
    }
}

/// What does not fit in one read is asked for again at the next reading of recordings.
async fn blocks(
    store: &Store,
    recording: RecordingId,
    from: u32,
    to: u32,
) -> Result<Vec<Arc<ReceivedBlock>>, StoreError> {
    let limit = to.saturating_sub(from).saturating_add(1).min(BLOCKS_MAX);
    let blocks = store.blocks_from(recording, from, limit).await?;
    Ok(blocks.into_iter().filter(|received| received.block.sequence <= to).map(Arc::new).collect())
}

/// A recording that the store does not know yet has an empty past.
async fn history(store: &Store, recording: RecordingId) -> Result<History, StoreError> {
    let progress = store.recording(recording).await?;
    let newest = progress.as_ref().and_then(|progress| progress.last_sample);
    let stopped = progress.is_some_and(|progress| progress.stopped.is_some());
    let Some(newest) = newest else {
        return Ok(History { blocks: Vec::new(), findings: Vec::new(), baseline_until: None, stopped });
    };
    let window = Interval {
        start: newest.plus_seconds(-i64::from(REPLAY_WINDOW_S)),
        // Blocks may be stored while this reads.
        end: newest.plus_seconds(i64::from(REPLAY_WINDOW_S)),
    };
    let baseline = store.baseline(recording, window).await?;
    Ok(History {
        blocks: window_of(store, recording, window).await?,
        findings: store.findings(recording, window).await?,
        baseline_until: baseline.last().map(|point| point.at),
        stopped,
    })
}

async fn window_of(store: &Store, recording: RecordingId, window: Interval) -> Result<Vec<ReceivedBlock>, StoreError> {
    let mut blocks: Vec<ReceivedBlock> = Vec::new();
    let mut start = window.start;
    loop {
        let page = store.blocks(recording, Interval { start, end: window.end }, BLOCKS_MAX).await?;
        let is_last = page.len() < BLOCKS_MAX as usize;
        blocks.extend(page);
        match blocks.last() {
            Some(last) if !is_last => start = last.block.end(),
            _ => return Ok(blocks),
        }
    }
}

/// The arrival since when recordings, alerts and events are of interest to a service that starts.
pub(crate) fn recent(now: Timestamp, window_s: i64) -> Timestamp {
    now.plus_micros(-window_s * MICROS_PER_SECOND)
}
