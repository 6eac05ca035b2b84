//! Runs the streaming engine over recordings, on all cores.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ctg::{FetusIndex, Recording, RecordingId, Timestamp};
use recordings::{Session, Trace};
use signal::report::{LookAhead, Report, Scored};
use signal::{Analyzer, Settings};

/// Every recording is replayed as if it began at 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// What was said at once and what stayed.
#[derive(Clone, Debug)]
pub struct Opinions {
    /// 0 s of look-ahead.
    pub at_once: Scored,
    /// 60 s at most.
    pub in_a_minute: Scored,
}

/// Analyzes one recording, a block a second.
pub fn analyze(trace: &Trace, settings: &Settings) -> Opinions {
    let session =
        Session { recording: RecordingId::from_bytes([1; 16]), start: START, block_length_ms: 1000, repeat: false };
    let mut report = Report::new(START, FetusIndex::FIRST);
    let mut blocks = session.blocks(trace).peekable();
    if let (Some(first), Ok(device)) = (blocks.peek(), "accuracy".parse()) {
        let mut analyzer = Analyzer::new(&Recording::from_block(device, first, START), settings);
        for block in blocks {
            report.take(&analyzer.push(&block));
        }
        report.take(&analyzer.finish());
    }
    Opinions { at_once: report.scored(LookAhead::None), in_a_minute: report.scored(LookAhead::Minute) }
}

/// Applies `work` to every item, on all cores, and keeps their order.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let mut all: Vec<(usize, R)> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        running
            .into_iter()
            .flat_map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}
