//! What each whole minute of one fetus adds up to: baseline, bandwidth, variation, oscillations, loss.

use std::collections::VecDeque;

use ctg::QuarterBpm;
use ndarray::{Array1, ArrayView1};

use crate::marks::{Direction, EventMark, TICKS_PER_SECOND};
use crate::quality::CleanSecond;

/// Samples of one minute.
pub(crate) const MINUTE_TICKS: usize = 60 * TICKS_PER_SECOND as usize;
/// Minutes that stay provisional: events that reach into them may still be revised.
const OPEN_MINUTES: usize = 2;
/// Events remembered while minutes are open.
const EVENTS_MAX: usize = 16;
/// Samples of one epoch: 1/16 minute, 3.75 s (Dawes 1981).
const EPOCH_TICKS: usize = 15;
/// Share of a minute or an epoch that must be there.
const PRESENT_SHARE: f32 = 0.5;
/// An oscillation crosses the minute's mean by more than this, bpm; less is measurement noise.
const CROSSING_BPM: f32 = 0.5;

/// The sums of one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Minute {
    /// Minutes since the recording began.
    pub index: u32,
    /// Mean baseline; `None` where it could not be determined.
    pub baseline_bpm: Option<f32>,
    /// Baseline variability: highest minus lowest heart rate (1-s means) outside of events, against the baseline;
    /// `None` when less than half of the minute is left.
    pub variability_bpm: Option<f32>,
    /// Oscillations about the minute's mean; `None` as above.
    pub oscillations: Option<f32>,
    /// Short-term variation from 16 epochs (Dawes 1981); `None` in minutes with decelerations or much loss.
    pub stv16_ms: Option<f32>,
    /// The same from 240 samples; not comparable with `stv16_ms`.
    pub stv240_ms: Option<f32>,
    /// Long-term variation: range of the 16 epochs (minute range, Dawes 1981); `None` as `stv16_ms`.
    pub ltv_ms: Option<f32>,
    /// The same range in bpm.
    pub range_bpm: Option<f32>,
    /// True when the trace was sinusoidal up to the end of this minute.
    pub sinusoidal: bool,
    /// Share of lost samples, 0 to 1.
    pub loss_ratio: f32,
}

/// Samples, baseline and events of the minutes that are not settled yet.
#[derive(Clone, Debug)]
pub(crate) struct Minutes {
    low_resolution: bool,
    first_second: u32,
    samples: VecDeque<Option<QuarterBpm>>,
    baseline: VecDeque<Option<f32>>,
    events: VecDeque<EventMark>,
}

impl Minutes {
    /// Nothing seen yet; a source of low resolution gets no short-term variation.
    pub(crate) fn new(low_resolution: bool) -> Self {
        Self {
            low_resolution,
            first_second: 0,
            samples: VecDeque::with_capacity(OPEN_MINUTES * MINUTE_TICKS),
            baseline: VecDeque::with_capacity(OPEN_MINUTES * 60),
            events: VecDeque::with_capacity(EVENTS_MAX),
        }
    }

    /// Learns of an event.
    pub(crate) fn note(&mut self, mark: &EventMark) {
        self.events.retain(|known| known.key != mark.key || known.direction != mark.direction);
        if mark.stage == ctg::Stage::Withdrawn {
            return;
        }
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(*mark);
    }

    /// Takes the next second; at the end of a minute gives its sums as known now, and those of the minute before
    /// as they stay.
    pub(crate) fn push(&mut self, second: &CleanSecond, baseline_bpm: Option<f32>) -> Option<(Minute, Option<Minute>)> {
        if self.samples.is_empty() && !second.index.is_multiple_of(60) {
            return None;
        }
        if self.samples.is_empty() {
            self.first_second = second.index;
        }
        self.samples.extend(second.trace_bpm.map(|bpm| bpm.and_then(quarters)));
        self.baseline.push_back(baseline_bpm);
        if !(second.index + 1).is_multiple_of(60) {
            return None;
        }
        let newest = self.sum(self.baseline.len() / 60 - 1);
        let settled = (self.baseline.len() == OPEN_MINUTES * 60).then(|| self.settle());
        Some((newest, settled))
    }

    /// The minutes that are complete and not settled, as known now.
    pub(crate) fn finish(&mut self) -> Vec<Minute> {
        let complete = self.baseline.len() / 60;
        let rest = (0..complete).map(|at| self.sum(at)).collect();
        self.samples.clear();
        self.baseline.clear();
        rest
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.samples.capacity() * size_of::<Option<QuarterBpm>>()
            + self.baseline.capacity() * size_of::<Option<f32>>()
            + self.events.capacity() * size_of::<EventMark>()
    }

    fn settle(&mut self) -> Minute {
        let settled = self.sum(0);
        self.samples.drain(..MINUTE_TICKS);
        self.baseline.drain(..60);
        self.first_second += 60;
        let first_tick = self.first_second * TICKS_PER_SECOND;
        self.events.retain(|event| event.end > first_tick);
        settled
    }

    fn sum(&self, at: usize) -> Minute {
        let samples: Array1<Option<f32>> = self
            .samples
            .range(at * MINUTE_TICKS..(at + 1) * MINUTE_TICKS)
            .map(|rate| rate.map(QuarterBpm::bpm))
            .collect();
        let baseline: Vec<f32> = self.baseline.range(at * 60..(at + 1) * 60).flatten().copied().collect();
        let baseline_bpm = mean(&baseline);
        let first_tick = (self.first_second + at as u32 * 60) * TICKS_PER_SECOND;
        let inside = |event: &&EventMark, tick: u32| event.start <= tick && tick < event.end;
        let quiet: Vec<Option<f32>> = seconds(samples.view())
            .enumerate()
            .map(|(second, bpm)| {
                let tick = first_tick + second as u32 * TICKS_PER_SECOND;
                bpm.filter(|_| !self.events.iter().any(|event| inside(&event, tick)))
            })
            .collect();
        let decelerates = self.events.iter().any(|event| {
            event.direction == Direction::Down
                && event.start < first_tick + MINUTE_TICKS as u32
                && event.end > first_tick
        });
        let epochs = epochs(samples.view());
        let varies = !decelerates && !self.low_resolution && is_enough(epochs.iter().flatten().count(), epochs.len());
        Minute {
            index: (self.first_second / 60) + at as u32,
            baseline_bpm,
            variability_bpm: bandwidth(&quiet),
            oscillations: oscillations(&quiet),
            stv16_ms: mean_step_ms(&epochs).filter(|_| varies),
            stv240_ms: mean_step_ms(&intervals(samples.view())).filter(|_| varies),
            ltv_ms: range(epochs.iter().flatten().copied()).filter(|_| varies),
            range_bpm: range(epochs.iter().flatten().map(|interval_ms| 60_000.0 / interval_ms)).filter(|_| varies),
            sinusoidal: false,
            loss_ratio: samples.iter().filter(|sample| sample.is_none()).count() as f32 / MINUTE_TICKS as f32,
        }
    }
}

/// The rate as the device sent it, which takes less room.
fn quarters(bpm: f32) -> Option<QuarterBpm> {
    QuarterBpm::new((bpm * 4.0).round() as u16)
}

fn is_enough(present: usize, of: usize) -> bool {
    present as f32 >= PRESENT_SHARE * of as f32
}

fn mean(values: &[f32]) -> Option<f32> {
    (!values.is_empty()).then(|| values.iter().sum::<f32>() / values.len() as f32)
}

fn present(window: ArrayView1<'_, Option<f32>>) -> Option<f32> {
    let values: Vec<f32> = window.iter().flatten().copied().collect();
    mean(&values).filter(|_| is_enough(values.len(), window.len()))
}

fn seconds(samples: ArrayView1<'_, Option<f32>>) -> impl Iterator<Item = Option<f32>> {
    samples.exact_chunks(TICKS_PER_SECOND as usize).into_iter().map(present).collect::<Vec<_>>().into_iter()
}

/// Mean pulse interval of each sixteenth of the minute.
fn epochs(samples: ArrayView1<'_, Option<f32>>) -> Vec<Option<f32>> {
    let intervals = Array1::from(intervals(samples));
    intervals.exact_chunks(EPOCH_TICKS).into_iter().map(present).collect()
}

fn intervals(samples: ArrayView1<'_, Option<f32>>) -> Vec<Option<f32>> {
    samples.iter().map(|sample| sample.map(|bpm| 60_000.0 / bpm)).collect()
}

fn range(values: impl Iterator<Item = f32>) -> Option<f32> {
    let ends = values.fold(None, |ends: Option<(f32, f32)>, value| {
        Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
    });
    ends.map(|(low, high)| high - low)
}

fn bandwidth(quiet: &[Option<f32>]) -> Option<f32> {
    range(quiet.iter().flatten().copied()).filter(|_| is_enough(quiet.iter().flatten().count(), quiet.len()))
}

/// Upward crossings of the mean, scaled to the whole minute.
fn oscillations(quiet: &[Option<f32>]) -> Option<f32> {
    let values: Vec<f32> = quiet.iter().flatten().copied().collect();
    let middle = mean(&values).filter(|_| is_enough(values.len(), quiet.len()))?;
    let (mut below, mut crossings) = (false, 0_u32);
    for value in &values {
        if *value < middle - CROSSING_BPM {
            below = true;
        } else if *value > middle + CROSSING_BPM && below {
            below = false;
            crossings += 1;
        }
    }
    Some(crossings as f32 * quiet.len() as f32 / values.len() as f32)
}

/// Mean distance between neighbors that are both there.
fn mean_step_ms(intervals: &[Option<f32>]) -> Option<f32> {
    let steps: Vec<f32> = intervals.windows(2).filter_map(|pair| Some((pair[1]? - pair[0]?).abs())).collect();
    mean(&steps).filter(|_| is_enough(steps.len(), intervals.len() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute_of(bpm: impl Fn(usize) -> Option<f32>, low_resolution: bool) -> Minute {
        let mut minutes = Minutes::new(low_resolution);
        let mut last = None;
        for second in 0..60 {
            let trace_bpm = std::array::from_fn(|at| bpm(second * 4 + at));
            let clean =
                CleanSecond { index: second as u32, valid_bpm: trace_bpm, true_bpm: trace_bpm, trace_bpm, jump: None };
            last = minutes.push(&clean, Some(140.0));
        }
        last.unwrap().0
    }

    #[test]
    fn a_flat_minute_has_no_variation() {
        let minute = minute_of(|_| Some(140.0), false);
        assert_eq!(minute.variability_bpm, Some(0.0));
        assert_eq!(minute.stv16_ms, Some(0.0));
        assert_eq!(minute.stv240_ms, Some(0.0));
        assert_eq!(minute.ltv_ms, Some(0.0));
    }

    #[test]
    fn variation_of_epochs_that_alternate_is_their_distance() {
        let minute = minute_of(|tick| Some(if tick / 15 % 2 == 0 { 120.0 } else { 125.0 }), false);
        assert_eq!(minute.stv16_ms, Some(20.0));
        assert_eq!(minute.ltv_ms, Some(20.0));
        assert_eq!(minute.range_bpm, Some(5.0));
        assert_eq!(minute.variability_bpm, Some(5.0));
        let steps_240 = 15.0 * 20.0 / 239.0;
        assert!((minute.stv240_ms.unwrap() - steps_240).abs() < 1e-3);
    }

    #[test]
    fn a_coarse_source_gets_no_variation_but_a_bandwidth() {
        let minute = minute_of(|tick| Some(if tick / 20 % 2 == 0 { 120.0 } else { 130.0 }), true);
        assert_eq!((minute.stv16_ms, minute.stv240_ms, minute.ltv_ms), (None, None, None));
        assert_eq!(minute.variability_bpm, Some(10.0));
        assert_eq!(minute.oscillations, Some(6.0));
    }

    #[test]
    fn half_a_minute_lost_is_the_limit() {
        assert!(minute_of(|tick| (tick < 120).then_some(140.0), false).variability_bpm.is_some());
        let less = minute_of(|tick| (tick < 116).then_some(140.0), false);
        assert_eq!((less.variability_bpm, less.stv16_ms), (None, None));
    }
}
