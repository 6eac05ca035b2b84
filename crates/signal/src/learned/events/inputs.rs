//! What the events network reads: twenty numbers every four seconds.

use crate::morphology::{TraceSecond, mean};

/// Numbers per block.
pub(crate) const INPUTS: usize = ROW + 4;
/// Length of a block, s.
pub(crate) const BLOCK_S: u32 = 4;
/// Length of a half of a block, s.
const HALF_S: u32 = 2;
/// Numbers per half.
const ROW: usize = 16;
/// Numbers that the first half adds to those of the second.
const FIRST_HALF: [usize; 4] = [14, 6, 8, 10];
/// Windows of the rate's distribution, in halves: 3, 10 and 25 min.
const WINDOWS: [usize; 3] = [90, 300, 750];
/// Window of the resting tone and range of the toco, in halves: 10 min.
const TOCO_WINDOW: usize = 300;
/// Shares of the window below the resting tone and below the upper end of the toco's range.
const TOCO_SHARES: [f32; 2] = [0.1, 0.95];
/// Toco ranges below count as this much, units.
const TOCO_RANGE_MIN: f32 = 8.0;
/// Toco ranges below are a flat channel, units.
const TOCO_FLAT: f32 = 4.0;
/// The rate before the first one is known, bpm.
const USUAL_BPM: f32 = 140.0;
/// Lowest rate that is told apart, bpm.
const LOWEST_BPM: f32 = 50.0;
const RATE_BINS: usize = 171;
const TOCO_BINS: usize = 130;
/// Halves between the two rates of the slower slope.
const SLOPE_HALVES: usize = 5;

/// How often each whole number occurred in a moving window.
#[derive(Clone, Debug)]
struct Distribution<const BINS: usize> {
    counts: [u16; BINS],
    total: u16,
}

impl<const BINS: usize> Default for Distribution<BINS> {
    fn default() -> Self {
        Self { counts: [0; BINS], total: 0 }
    }
}

impl<const BINS: usize> Distribution<BINS> {
    /// Moves the window on by one value.
    fn shift(&mut self, entering: Option<u8>, leaving: Option<u8>) {
        if let Some(bin) = entering {
            self.counts[usize::from(bin)] += 1;
            self.total += 1;
        }
        if let Some(bin) = leaving {
            self.counts[usize::from(bin)] -= 1;
            self.total -= 1;
        }
    }

    /// Bin and place within it below which the share of values lies; `None` of nothing.
    fn percentile(&self, share: f32) -> Option<(usize, f32)> {
        let target = share * f32::from(self.total);
        let mut below = 0.0;
        for (bin, count) in self.counts.iter().enumerate() {
            let count = f32::from(*count);
            if self.total > 0 && below + count >= target {
                return Some((bin, if count > 0.0 { (target - below) / count } else { 0.0 }));
            }
            below += count;
        }
        None
    }
}

/// The last values of a moving window, one byte each.
#[derive(Clone, Debug)]
struct Ring {
    cells: Vec<u8>,
    next: usize,
}

impl Ring {
    fn new(length: usize) -> Self {
        Self { cells: vec![0; length], next: 0 }
    }

    /// The value that was entered `age` values ago; 1 is the newest.
    fn get(&self, age: usize) -> Option<u8> {
        self.cells[(self.next + self.cells.len() - age) % self.cells.len()].checked_sub(1)
    }

    fn push(&mut self, value: Option<u8>) {
        self.cells[self.next] = value.map_or(0, |bin| bin + 1);
        self.next = (self.next + 1) % self.cells.len();
    }
}

/// Where the rate and the toco lie in the minutes before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Surroundings {
    /// Rates below which 10, 20, 50, 80 and 90 % of ten minutes lie, bpm.
    pub(crate) rates_bpm: [f32; 5],
    /// Median of 25 minutes, bpm.
    pub(crate) long_median_bpm: f32,
    /// Resting tone of ten minutes, toco units.
    pub(crate) resting_toco: f32,
    /// Range of the toco in ten minutes, toco units.
    pub(crate) range_toco: f32,
}

impl Surroundings {
    /// Height of a toco value above the resting tone, as a share of the range.
    pub(crate) fn height(&self, toco: f32) -> f32 {
        (toco - self.resting_toco) / self.range_toco.max(TOCO_RANGE_MIN)
    }
}

/// A half of a block that is being gathered.
#[derive(Clone, Copy, Debug, Default)]
struct Half {
    trusted: [Option<f32>; HALF_S as usize],
    toco: [Option<f32>; HALF_S as usize],
    present: bool,
    spread_bpm: f32,
}

/// Makes the network's inputs, second by second.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    half: Half,
    rates: Ring,
    distributions: [Distribution<RATE_BINS>; WINDOWS.len()],
    toco_values: Ring,
    toco_distribution: Distribution<TOCO_BINS>,
    held_bpm: [f32; SLOPE_HALVES + 1],
    started: bool,
    held_toco: f32,
    medians_bpm: [f32; WINDOWS.len()],
    first: Option<[f32; ROW]>,
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            half: Half::default(),
            rates: Ring::new(WINDOWS[WINDOWS.len() - 1]),
            distributions: std::array::from_fn(|_| Distribution::default()),
            toco_values: Ring::new(TOCO_WINDOW),
            toco_distribution: Distribution::default(),
            held_bpm: [USUAL_BPM; SLOPE_HALVES + 1],
            started: false,
            held_toco: 0.0,
            medians_bpm: [USUAL_BPM; WINDOWS.len()],
            first: None,
        }
    }
}

impl Inputs {
    /// Takes the next second; gives the inputs where a block is complete.
    pub(crate) fn push(
        &mut self,
        second: u32,
        trace: &TraceSecond,
        baseline_bpm: Option<f32>,
        toco: Option<f32>,
    ) -> Option<[f32; INPUTS]> {
        let at = (second % HALF_S) as usize;
        self.half.trusted[at] = trace.trusted_bpm;
        self.half.toco[at] = toco;
        self.half.present |= trace.median_bpm.is_some();
        self.half.spread_bpm = self.half.spread_bpm.max(trace.spread_bpm);
        if !(second + 1).is_multiple_of(HALF_S) {
            return None;
        }
        let row = self.row(baseline_bpm);
        if !(second + 1).is_multiple_of(BLOCK_S) {
            self.first = Some(row);
            return None;
        }
        let first = self.first.take().unwrap_or(row);
        let mut inputs = [0.0; INPUTS];
        inputs[..ROW].copy_from_slice(&row);
        for (input, from) in inputs[ROW..].iter_mut().zip(FIRST_HALF) {
            *input = first[from];
        }
        Some(inputs)
    }

    /// Where the rate and the toco lie now.
    pub(crate) fn surroundings(&self) -> Surroundings {
        let rate = |share| self.rate_bpm(1, share).unwrap_or(self.medians_bpm[1]);
        let [resting_toco, high_toco] = self.toco_limits();
        Surroundings {
            rates_bpm: [0.1, 0.2, 0.5, 0.8, 0.9].map(rate),
            long_median_bpm: self.medians_bpm[2],
            resting_toco,
            range_toco: high_toco - resting_toco,
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.rates.cells.capacity() + self.toco_values.cells.capacity()
    }

    fn rate_bpm(&self, window: usize, share: f32) -> Option<f32> {
        self.distributions[window].percentile(share).map(|(bin, within)| LOWEST_BPM + bin as f32 + within)
    }

    fn toco_limits(&self) -> [f32; 2] {
        TOCO_SHARES.map(|share| self.toco_distribution.percentile(share).map_or(0.0, |(bin, _)| bin as f32))
    }

    fn row(&mut self, baseline_bpm: Option<f32>) -> [f32; ROW] {
        let half = std::mem::take(&mut self.half);
        let rate = mean(half.trusted.iter().flatten().copied());
        let toco = mean(half.toco.iter().flatten().copied()).unwrap_or(self.held_toco);
        self.enter_rate(rate);
        self.enter_toco(toco);
        let held = self.hold(rate);
        let outer = |share| self.rate_bpm(1, share).unwrap_or(self.medians_bpm[1]);
        let [resting_toco, high_toco] = self.toco_limits();
        let range_toco = high_toco - resting_toco;
        let baseline_bpm = baseline_bpm.unwrap_or(held);
        let flag = |condition: bool| f32::from(u8::from(condition));
        [
            (held - self.medians_bpm[1]) / 20.0,
            (held - outer(0.8)) / 20.0,
            (held - outer(0.2)) / 20.0,
            (held - self.medians_bpm[0]) / 20.0,
            (held - self.medians_bpm[2]) / 20.0,
            (held - USUAL_BPM) / 40.0,
            (held - self.held_bpm[SLOPE_HALVES - 1]).clamp(-20.0, 20.0) / 5.0,
            (held - self.held_bpm[0]).clamp(-40.0, 40.0) / 20.0,
            flag(rate.is_some()),
            flag(!half.present),
            half.spread_bpm.clamp(0.0, 20.0) / 5.0,
            ((toco - resting_toco) / range_toco.max(TOCO_RANGE_MIN)).clamp(-0.5, 2.0),
            (toco / 50.0).clamp(0.0, 2.0),
            flag(range_toco < TOCO_FLAT),
            (held - baseline_bpm) / 20.0,
            (baseline_bpm - USUAL_BPM) / 40.0,
        ]
    }

    fn enter_rate(&mut self, rate: Option<f32>) {
        let bin = rate.map(|bpm| (bpm - LOWEST_BPM).clamp(0.0, (RATE_BINS - 1) as f32) as u8);
        for (distribution, window) in self.distributions.iter_mut().zip(WINDOWS) {
            distribution.shift(bin, self.rates.get(window));
        }
        self.rates.push(bin);
        for window in 0..WINDOWS.len() {
            if let Some(median) = self.rate_bpm(window, 0.5) {
                self.medians_bpm[window] = median;
            }
        }
    }

    fn enter_toco(&mut self, toco: f32) {
        let bin = Some(toco.clamp(0.0, (TOCO_BINS - 1) as f32) as u8);
        self.toco_distribution.shift(bin, self.toco_values.get(TOCO_WINDOW));
        self.toco_values.push(bin);
        self.held_toco = toco;
    }

    /// The newest rate, or the one before it; the slopes look back over the last five.
    fn hold(&mut self, rate: Option<f32>) -> f32 {
        let newest = rate.unwrap_or(self.held_bpm[SLOPE_HALVES]);
        if !self.started {
            self.held_bpm = [newest; SLOPE_HALVES + 1];
            self.started = true;
        }
        self.held_bpm.rotate_left(1);
        self.held_bpm[SLOPE_HALVES] = newest;
        newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(bpm: f32) -> TraceSecond {
        TraceSecond { median_bpm: Some(bpm), trusted_bpm: Some(bpm), smooth_bpm: Some(bpm), spread_bpm: 0.0 }
    }

    #[test]
    fn windows_forget_what_left_them() {
        let mut inputs = Inputs::default();
        for second in 0..1500 {
            inputs.push(second, &level(150.0), Some(150.0), Some(10.0));
        }
        for second in 1500..1500 + 600 {
            inputs.push(second, &level(120.0), Some(120.0), Some(30.0));
        }
        let now = inputs.surroundings();
        assert!(now.rates_bpm.iter().all(|bpm| (120.0..=121.0).contains(bpm)), "{now:?}");
        assert!((150.0..=151.0).contains(&now.long_median_bpm), "{now:?}");
        assert_eq!((now.resting_toco, now.range_toco), (30.0, 0.0));
    }

    #[test]
    fn a_block_joins_its_halves() {
        let mut inputs = Inputs::default();
        let rows: Vec<_> = (0..8).filter_map(|second| inputs.push(second, &level(140.0), Some(130.0), None)).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[1][14], rows[1][ROW]), (0.5, 0.5));
        assert_eq!((rows[1][8], rows[1][9], rows[1][13]), (1.0, 0.0, 1.0));
    }
}
