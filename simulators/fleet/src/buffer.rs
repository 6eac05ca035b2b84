//! What a device keeps, and what it sends next. Pure.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

/// The watermark stands still for so long before blocks are sent again.
const PAUSE_FIRST: Duration = Duration::from_secs(30);
/// Longest pause: it doubles each time that sending again does not help, as when a store is down.
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// Blocks that are sent again at once: enough to fill a hole, few enough not to burden a service in trouble.
const REPAIR_MAX: u32 = 64;
/// Refused blocks that are remembered.
const VOID_MAX: usize = 1024;

/// The blocks of one recording, as numbers: a simulated device can measure any block again, and so needs
/// no memory for its content, but sends none that it was allowed to forget.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    measured: u32,
    covered: u32,
    /// First block that was not yet sent on this connection.
    next: u32,
    /// Blocks to be sent again before new ones.
    repair: Range<u32>,
    void: BTreeSet<u32>,
    progress_at: Duration,
    pause: Duration,
}

/// What a watermark changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    Forward,
    Not,
    Back,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        Self {
            measured: 0,
            covered: 0,
            next: 0,
            repair: 0..0,
            void: BTreeSet::new(),
            progress_at: Duration::ZERO,
            pause: PAUSE_FIRST,
        }
    }

    /// Blocks that are kept because no watermark covers them.
    pub(crate) fn kept(&self) -> u32 {
        self.measured - self.covered
    }

    /// Number of blocks that the watermark covers.
    pub(crate) fn covered(&self) -> u32 {
        self.covered
    }

    /// True when a block was sent before on any connection and is not covered.
    pub(crate) fn awaits_watermark(&self) -> bool {
        self.next > self.covered
    }

    /// True when the block was refused and is to be sent with every sample absent.
    pub(crate) fn is_void(&self, sequence: u32) -> bool {
        self.void.contains(&sequence)
    }

    pub(crate) fn handle_measured(&mut self, measured: u32) {
        self.measured = self.measured.max(measured);
    }

    /// A new connection: whatever is not covered is to be sent, oldest first.
    pub(crate) fn handle_connected(&mut self, now: Duration) {
        self.next = self.covered;
        self.repair = 0..0;
        self.progress_at = now;
        self.pause = PAUSE_FIRST;
    }

    /// Blocks up to and including `through` are stored.
    pub(crate) fn handle_stored(&mut self, through: u32, now: Duration) -> Moved {
        let covered = through.saturating_add(1).min(self.measured);
        if covered <= self.covered {
            return if covered < self.covered { Moved::Back } else { Moved::Not };
        }
        self.covered = covered;
        self.next = self.next.max(covered);
        self.void = self.void.split_off(&covered);
        self.progress_at = now;
        self.pause = PAUSE_FIRST;
        let filled_the_hole = covered == self.repair.end;
        self.repair =
            if filled_the_hole { self.repair_from(covered) } else { self.repair.start.max(covered)..self.repair.end };
        Moved::Forward
    }

    /// The service cannot use a block: from now on it has every sample absent.
    pub(crate) fn handle_refused(&mut self, sequence: u32) {
        if (self.covered..self.next).contains(&sequence) && self.void.len() < VOID_MAX && self.void.insert(sequence) {
            self.repair = if self.repair.is_empty() { sequence..sequence + 1 } else { self.repair.clone() };
        }
    }

    /// Sends the oldest blocks again when the watermark stood still for too long.
    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        if self.next_timeout().is_some_and(|due| due <= now) {
            self.repair = self.repair_from(self.covered);
            self.progress_at = now;
            self.pause = (self.pause * 2).min(PAUSE_MAX);
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub(crate) fn next_timeout(&self) -> Option<Duration> {
        self.awaits_watermark().then_some(self.progress_at + self.pause)
    }

    /// True when there is a block to send.
    pub(crate) fn has_next(&self) -> bool {
        !self.repair.is_empty() || self.next < self.measured
    }

    /// The block to send now.
    pub(crate) fn take_next(&mut self, now: Duration) -> Option<u32> {
        if let Some(again) = self.repair.next() {
            return Some(again);
        }
        if self.next >= self.measured {
            return None;
        }
        if !self.awaits_watermark() {
            self.progress_at = now;
        }
        self.next += 1;
        Some(self.next - 1)
    }

    fn repair_from(&self, first: u32) -> Range<u32> {
        first..first.saturating_add(REPAIR_MAX).min(self.next).max(first)
    }
}

#[cfg(test)]
mod tests;
