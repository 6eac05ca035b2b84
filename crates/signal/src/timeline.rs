//! Blocks in any order become seconds in order, on a regular 4 Hz grid of device time.

use std::collections::BTreeMap;

use ctg::{FETUSES_MAX, FhrChannel, HalfToco, Quality, QuarterBpm, Recording, SampleBlock, SampleRate};

use crate::marks::TICKS_PER_SECOND;

/// A block is waited for until this much newer signal has arrived, ms: the delay from which data counts as late.
const REORDER_WINDOW_MS: u32 = 10_000;
/// With long blocks at least this many newer ones are waited for, so that two swapped blocks never lose one.
const REORDER_BLOCKS_MIN: u32 = 2;
/// Longest gap that is analyzed second by second, s: longer than any window of the analysis.
pub(crate) const GAP_MAX_S: u32 = 90 * 60;
/// Longest recording, s: 30 days; beyond it positions would not fit and no woman wears a belt that long.
const RECORDING_MAX_S: u32 = 30 * 86_400;

const TICK_US: i64 = ctg::MICROS_PER_SECOND / TICKS_PER_SECOND as i64;
const TICKS: usize = TICKS_PER_SECOND as usize;

/// One second of all channels; what is absent or marked as poor by the device is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Second {
    /// Seconds since the recording began.
    pub(crate) index: u32,
    /// Fetal heart rates, by fetus.
    pub(crate) fhr: [[Option<QuarterBpm>; TICKS]; FETUSES_MAX],
    /// Maternal heart rate.
    pub(crate) mhr: [Option<QuarterBpm>; TICKS],
    /// Uterine activity.
    pub(crate) toco: [Option<HalfToco>; TICKS],
}

/// What the timeline gives out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The next second.
    Second(Second),
    /// Nothing for longer than any window: the analysis starts anew.
    Break,
}

/// Puts the blocks of one recording in order and on the grid.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    recording: Recording,
    window_blocks: u32,
    started: bool,
    next: u32,
    next_second: u32,
    pending: BTreeMap<u32, SampleBlock>,
    partial: Option<Cells>,
    newest_us: i64,
    late_blocks: u64,
}

impl Timeline {
    /// An empty timeline of one recording.
    pub(crate) fn new(recording: &Recording) -> Self {
        let length_ms = u32::from(recording.block_length_ms).max(1);
        Self {
            recording: recording.clone(),
            window_blocks: REORDER_WINDOW_MS.div_ceil(length_ms).max(REORDER_BLOCKS_MIN),
            started: false,
            next: 0,
            next_second: 0,
            pending: BTreeMap::new(),
            partial: None,
            newest_us: 0,
            late_blocks: 0,
        }
    }

    /// Takes one block; gives the seconds that are now complete, oldest first.
    ///
    /// A block that was already taken, or given up as lost, or belongs elsewhere, changes nothing.
    pub(crate) fn push(&mut self, block: &SampleBlock) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if !self.admits(block) {
            return pieces;
        }
        if block.sequence < self.next {
            self.late_blocks += 1;
            return pieces;
        }
        self.newest_us = self.newest_us.max(self.offset_us(block.sequence) + duration_us(block));
        if block.sequence == self.next {
            self.consume(block, &mut pieces);
        } else {
            self.pending.entry(block.sequence).or_insert_with(|| block.clone());
        }
        self.drain(false, &mut pieces);
        pieces
    }

    /// Gives out everything that is waiting, an incomplete second last.
    pub(crate) fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.drain(true, &mut pieces);
        if let Some(cells) = self.partial.take() {
            pieces.push(Piece::Second(cells.into_second()));
        }
        pieces
    }

    /// End of the newest signal taken, in microseconds since the recording began.
    pub(crate) fn newest_us(&self) -> i64 {
        self.newest_us
    }

    /// Blocks that came too late, or again.
    pub(crate) fn late_blocks(&self) -> u64 {
        self.late_blocks
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.pending.values().map(block_bytes).sum()
    }

    fn admits(&self, block: &SampleBlock) -> bool {
        let known = &self.recording;
        block.recording == known.id
            && block.block_length_ms == known.block_length_ms
            && block.fhr_rate == known.fhr_rate
            && block.toco_rate == known.toco_rate
            && block.fetuses() == known.fetuses
            && block.check().is_ok()
            && block.recording_start() == known.start
            && self.offset_us(block.sequence) / ctg::MICROS_PER_SECOND < i64::from(RECORDING_MAX_S)
    }

    fn offset_us(&self, sequence: u32) -> i64 {
        i64::from(sequence) * i64::from(self.recording.block_length_ms) * 1000
    }

    fn drain(&mut self, all: bool, pieces: &mut Vec<Piece>) {
        while let (Some((&first, _)), Some((&newest, _))) =
            (self.pending.first_key_value(), self.pending.last_key_value())
        {
            let given_up = newest - self.next >= self.window_blocks;
            if !(all || given_up || first == self.next) {
                return;
            }
            if let Some((_, block)) = self.pending.pop_first() {
                self.consume(&block, pieces);
            }
        }
    }

    fn consume(&mut self, block: &SampleBlock, pieces: &mut Vec<Piece>) {
        let start_us = self.offset_us(block.sequence);
        self.meet(second_of(start_us), pieces);
        self.next = block.sequence + 1;
        let end_us = self.offset_us(self.next).min(start_us + duration_us(block).max(TICK_US));
        let mut cells = self.take_cells(second_of(end_us - 1));
        write_block(&mut cells, block, start_us, self.recording.fhr_rate, self.recording.toco_rate);
        for cells in cells {
            if i64::from(cells.index + 1) * ctg::MICROS_PER_SECOND <= end_us {
                self.next_second = cells.index + 1;
                pieces.push(Piece::Second(cells.into_second()));
            } else {
                self.partial = Some(cells);
            }
        }
    }

    /// Makes `second` the next one, where nothing was given out before or the gap is longer than any window.
    fn meet(&mut self, second: u32, pieces: &mut Vec<Piece>) {
        let gap = second.saturating_sub(self.next_second) > GAP_MAX_S;
        if self.started && gap {
            pieces.extend(self.partial.take().map(|cells| Piece::Second(cells.into_second())));
            pieces.push(Piece::Break);
        }
        if gap || !self.started {
            self.next_second = second;
            self.started = true;
        }
    }

    fn take_cells(&mut self, last: u32) -> Vec<Cells> {
        let mut cells: Vec<Cells> = (self.next_second..=last.max(self.next_second)).map(Cells::new).collect();
        if let (Some(partial), Some(head)) = (self.partial.take(), cells.first_mut())
            && partial.index == head.index
        {
            *head = partial;
        }
        cells
    }
}

fn second_of(offset_us: i64) -> u32 {
    (offset_us / ctg::MICROS_PER_SECOND).clamp(0, i64::from(u32::MAX)) as u32
}

fn duration_us(block: &SampleBlock) -> i64 {
    block.sample_count() as i64 * block.fhr_rate.period_us()
}

fn block_bytes(block: &SampleBlock) -> usize {
    let channel = |channel: &FhrChannel| {
        channel.rates.capacity() * size_of::<Option<QuarterBpm>>()
            + channel.quality.as_ref().map_or(0, |quality| quality.capacity())
    };
    size_of::<(u32, SampleBlock)>()
        + block.fhr.iter().map(|one| channel(one) + size_of::<FhrChannel>()).sum::<usize>()
        + block.mhr.as_ref().map_or(0, |mhr| mhr.capacity() * size_of::<Option<QuarterBpm>>())
        + block.toco.as_ref().map_or(0, |toco| toco.capacity())
}

/// One second under construction: sums and counts, so that two samples of an 8 Hz source share a tick.
#[derive(Clone, Debug)]
struct Cells {
    index: u32,
    fhr: [[Cell; TICKS]; FETUSES_MAX],
    mhr: [Cell; TICKS],
    toco: [Cell; TICKS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    sum: u16,
    count: u8,
}

impl Cell {
    fn add(&mut self, value: u16) {
        self.sum += value;
        self.count += 1;
    }

    fn mean(self) -> Option<u16> {
        let count = u16::from(self.count);
        (count > 0).then(|| (self.sum + count / 2) / count)
    }
}

impl Cells {
    fn new(index: u32) -> Self {
        Self {
            index,
            fhr: [[Cell::default(); TICKS]; FETUSES_MAX],
            mhr: [Cell::default(); TICKS],
            toco: [Cell::default(); TICKS],
        }
    }

    fn into_second(self) -> Second {
        let rate = |cell: Cell| cell.mean().and_then(QuarterBpm::new);
        let toco = |cell: Cell| cell.mean().and_then(|halves| u8::try_from(halves).ok()).and_then(HalfToco::new);
        Second {
            index: self.index,
            fhr: self.fhr.map(|channel| channel.map(rate)),
            mhr: self.mhr.map(rate),
            toco: self.toco.map(toco),
        }
    }
}

fn write_block(cells: &mut [Cells], block: &SampleBlock, start_us: i64, fhr_rate: SampleRate, toco_rate: SampleRate) {
    for (fetus, channel) in block.fhr.iter().enumerate().take(FETUSES_MAX) {
        let values = channel.rates.iter().enumerate().map(|(at, rate)| usable(channel, at, *rate));
        write_channel(cells, start_us, fhr_rate, values, |cells| &mut cells.fhr[fetus]);
    }
    if let Some(mhr) = &block.mhr {
        let values = mhr.iter().map(|rate| rate.map(QuarterBpm::quarters));
        write_channel(cells, start_us, fhr_rate, values, |cells| &mut cells.mhr);
    }
    if let Some(toco) = &block.toco {
        let values = toco.iter().map(|value| value.map(|value| u16::from(value.halves())));
        write_channel(cells, start_us, toco_rate, values, |cells| &mut cells.toco);
    }
}

/// A rate that the device itself calls poor is not analyzed.
fn usable(channel: &FhrChannel, at: usize, rate: Option<QuarterBpm>) -> Option<u16> {
    let poor = channel.quality.as_ref().and_then(|quality| quality.get(at)) == Some(&Quality::Poor);
    rate.filter(|_| !poor).map(QuarterBpm::quarters)
}

fn write_channel(
    cells: &mut [Cells],
    start_us: i64,
    rate: SampleRate,
    values: impl Iterator<Item = Option<u16>>,
    channel: impl Fn(&mut Cells) -> &mut [Cell; TICKS],
) {
    let Some(first_second) = cells.first().map(|first| i64::from(first.index)) else { return };
    let ticks_per_sample = (rate.period_us() / TICK_US).max(1);
    for (at, value) in values.enumerate() {
        let Some(value) = value else { continue };
        let first_tick =
            (start_us + at as i64 * rate.period_us()) / TICK_US - first_second * i64::from(TICKS_PER_SECOND);
        for tick in first_tick..first_tick + ticks_per_sample {
            let second = usize::try_from(tick / i64::from(TICKS_PER_SECOND)).unwrap_or(usize::MAX);
            if let Some(cells) = cells.get_mut(second) {
                channel(cells)[(tick % i64::from(TICKS_PER_SECOND)) as usize].add(value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
