//! The trace that morphology looks at: one trusted value a second, smoothed, remembered for a bounded time.

use crate::marks::TICKS_PER_SECOND;

/// Samples of one channel in one second; `None` where there was no signal.
pub(crate) type Samples = [Option<f32>; SAMPLES];

const SAMPLES: usize = TICKS_PER_SECOND as usize;

/// Rates outside are no fetal heart rate, bpm (preprocessing of Boudet 2019).
const RANGE_BPM: std::ops::RangeInclusive<f32> = 50.0..=220.0;
/// A step from the last trusted second beyond which a second is doubted, bpm (Dawes 1981, Boudet 2019).
const JUMP_BPM: f32 = 25.0;
/// Only the first seconds after a gap are doubted, s (Boudet 2019 drops bursts below 5 s).
const JUMP_CONFIRM_S: u32 = 5;
/// After so long without a trusted second the next one is believed, s.
const MEMORY_S: u32 = 60;
/// Length of the trailing mean in which excursions are measured, s.
const SMOOTHING_S: usize = 5;
/// How much later than the trace the trailing mean is, s.
pub(crate) const SMOOTHING_DELAY_S: u32 = SMOOTHING_S as u32 / 2;

/// Gives one value per second and doubts a new level at the start of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditioner {
    trusted_bpm: Option<f32>,
    run_s: u32,
    untrusted_s: u32,
    last: [Option<f32>; SMOOTHING_S],
}

/// One second of the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TraceSecond {
    /// Median of the samples in range, bpm.
    pub(crate) median_bpm: Option<f32>,
    /// The median, unless a run just began on another level, bpm.
    pub(crate) trusted_bpm: Option<f32>,
    /// Mean of the trusted values of the last seconds, bpm.
    pub(crate) smooth_bpm: Option<f32>,
    /// Highest minus lowest sample in range, bpm.
    pub(crate) spread_bpm: f32,
}

impl Conditioner {
    /// Takes the samples of the next second.
    pub(crate) fn push(&mut self, samples: &Samples) -> TraceSecond {
        let mut present: Vec<f32> = samples.iter().flatten().copied().filter(|bpm| RANGE_BPM.contains(bpm)).collect();
        present.sort_by(f32::total_cmp);
        let median_bpm = median(&present);
        let trusted_bpm = median_bpm.filter(|bpm| self.trusts(*bpm));
        if median_bpm.is_none() {
            self.run_s = 0;
        }
        if trusted_bpm.is_none() {
            self.untrusted_s = self.untrusted_s.saturating_add(1);
        }
        self.last.rotate_left(1);
        self.last[SMOOTHING_S - 1] = trusted_bpm;
        let spread_bpm = present.last().zip(present.first()).map_or(0.0, |(high, low)| high - low);
        TraceSecond { median_bpm, trusted_bpm, smooth_bpm: mean(self.last.iter().flatten().copied()), spread_bpm }
    }

    fn trusts(&mut self, bpm: f32) -> bool {
        self.run_s += 1;
        let near = self.trusted_bpm.is_none_or(|last| (bpm - last).abs() <= JUMP_BPM);
        if !(near || self.untrusted_s > MEMORY_S || self.run_s >= JUMP_CONFIRM_S) {
            return false;
        }
        self.trusted_bpm = Some(bpm);
        self.untrusted_s = 0;
        true
    }
}

/// Mean of what is there; `None` of nothing.
pub(crate) fn mean(values: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, count) = values.fold((0.0_f32, 0_u16), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f32::from(count))
}

fn median(sorted: &[f32]) -> Option<f32> {
    let high = sorted.get(sorted.len() / 2)?;
    let low = sorted.get((sorted.len() - 1) / 2)?;
    Some((high + low) / 2.0)
}

/// The last seconds of one quantity, two bytes each.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    cells: Vec<u16>,
    next_s: u32,
}

/// Seconds that a [`Memory`] holds: the longest excursion, what is looked at before it and the look-ahead after it.
const MEMORY_LENGTH_S: u32 = 1024;
/// Steps of one bpm (or toco unit) that a [`Memory`] tells apart.
const MEMORY_STEPS: f32 = 128.0;

impl Memory {
    /// Remembers nothing; the first second to come is `first_s`.
    pub(crate) fn starting_at(first_s: u32) -> Self {
        Self { cells: vec![0; MEMORY_LENGTH_S as usize], next_s: first_s }
    }

    /// Remembers the value of the next second.
    pub(crate) fn push(&mut self, value: Option<f32>) {
        let at = (self.next_s % MEMORY_LENGTH_S) as usize;
        self.cells[at] =
            value.map_or(0, |value| (value * MEMORY_STEPS).round() as u16).saturating_add(u16::from(value.is_some()));
        self.next_s += 1;
    }

    /// The value of a second; `None` where it was absent, is forgotten, or is yet to come.
    pub(crate) fn get(&self, second: u32) -> Option<f32> {
        if second >= self.next_s || self.next_s - second > MEMORY_LENGTH_S {
            return None;
        }
        let cell = self.cells[(second % MEMORY_LENGTH_S) as usize];
        cell.checked_sub(1).map(|steps| f32::from(steps) / MEMORY_STEPS)
    }

    /// The values of the seconds from `start` up to but not including `end`.
    pub(crate) fn range(&self, start: u32, end: u32) -> impl Iterator<Item = Option<f32>> + '_ {
        (start..end).map(|second| self.get(second))
    }

    /// The second that comes next.
    pub(crate) fn next_s(&self) -> u32 {
        self.next_s
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<u16>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(seconds: &[Option<f32>]) -> Vec<Option<f32>> {
        let mut conditioner = Conditioner::default();
        seconds.iter().map(|bpm| conditioner.push(&[*bpm; 4]).trusted_bpm).collect()
    }

    #[test]
    fn a_second_is_the_median_of_what_is_in_range() {
        let mut conditioner = Conditioner::default();
        let second = conditioner.push(&[Some(140.0), None, Some(30.0), Some(143.0)]);
        assert_eq!(second.median_bpm, Some(141.5));
        assert_eq!(second.spread_bpm, 3.0);
        assert_eq!(conditioner.push(&[None, Some(240.0), Some(f32::NAN), Some(0.0)]).median_bpm, None);
    }

    #[test]
    fn another_level_after_a_gap_is_trusted_once_it_lasts() {
        let (known, other) = (Some(140.0), Some(80.0));
        assert_eq!(condition(&[known, None, other, other, None, known])[1..], [None, None, None, None, known]);
        let lasting = [known, None, other, other, other, other, other, other];
        assert_eq!(condition(&lasting)[2..], [None, None, None, None, other, other]);
        let early = [other, known];
        assert_eq!(condition(&early), [other, None]);
    }

    #[test]
    fn memory_gives_back_what_it_holds_and_forgets_the_rest() {
        let mut memory = Memory::starting_at(7);
        for second in 7..7 + 2 * MEMORY_LENGTH_S {
            memory.push((!second.is_multiple_of(3)).then(|| second as f32 / 16.0));
        }
        let newest = memory.next_s() - 1;
        assert_eq!(memory.get(newest), (!newest.is_multiple_of(3)).then(|| newest as f32 / 16.0));
        assert_eq!(memory.get(newest + 1), None);
        assert_eq!(memory.get(newest - MEMORY_LENGTH_S), None);
        assert_eq!(memory.get(0), None);
    }
}
