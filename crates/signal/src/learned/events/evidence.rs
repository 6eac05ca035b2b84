//! What the events forests weigh: the shape of an excursion and what surrounds it, as numbers.

use ctg::Stage;

use super::Situation;
use super::inputs::Surroundings;
use crate::marks::Direction;
use crate::morphology::{Excursion, mean};

/// Distances whose durations count, bpm.
const BEYOND_BPM: [f32; 4] = [10.0, 15.0, 20.0, 30.0];
/// Seconds between the two rates of a slope.
const SLOPE_S: u32 = 5;
/// Longest time since an excursion before, s.
const SINCE_MAX_S: u32 = 1800;
/// Excursions of the last 20 min are compared with; those of the last 10 min are summed.
const COMPARED_S: u32 = 1200;
const SUMMED_S: u32 = 600;
/// An opposite excursion that ends so little into this one was before it, s.
const OVERLAP_S: u32 = 10;
/// Seconds beyond 15 bpm from which an excursion before counts as a clear one.
const CLEAR_S: u32 = 15;

/// What is remembered of an excursion that ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    pub(crate) direction: Direction,
    pub(crate) end_s: u32,
    pub(crate) peak_bpm: f32,
    pub(crate) area_bpm_s: f32,
    pub(crate) beyond_s: u32,
}

impl Past {
    /// Remembers an excursion.
    pub(crate) fn of(excursion: &Excursion) -> Self {
        Self {
            direction: excursion.direction,
            end_s: excursion.end_s,
            peak_bpm: excursion.peak_bpm,
            area_bpm_s: excursion.area_bpm_s,
            beyond_s: excursion.beyond_s,
        }
    }
}

/// Puts the numbers together; their order is that of training.
pub(crate) struct Evidence<'a> {
    situation: &'a Situation<'a>,
    around: Surroundings,
    numbers: Vec<f32>,
}

impl<'a> Evidence<'a> {
    /// The numbers of one excursion.
    pub(crate) fn of<'p>(
        situation: &'a Situation<'a>,
        around: Surroundings,
        past: impl Iterator<Item = &'p Past> + Clone,
    ) -> Vec<f32> {
        let mut evidence = Self { situation, around, numbers: Vec::new() };
        evidence.shape();
        evidence.slopes();
        evidence.rates();
        evidence.flanks();
        evidence.losses();
        evidence.uterus();
        evidence.past(past.clone(), situation.excursion.direction);
        evidence.past(past, situation.excursion.direction.opposite());
        if situation.stage == Stage::Final {
            evidence.aftermath();
        }
        evidence.numbers
    }

    fn excursion(&self) -> &'a Excursion {
        self.situation.excursion
    }

    /// The first second after the last one known.
    fn known_end_s(&self) -> u32 {
        self.situation.now_s + 1
    }

    fn baseline_bpm(&self, second: u32) -> Option<f32> {
        let traces = self.situation.traces;
        match self.situation.stage {
            Stage::Final => traces.settled_bpm.get(second).or(traces.provisional_bpm.get(second)),
            Stage::Provisional | Stage::Withdrawn => traces.provisional_bpm.get(second),
        }
    }

    /// Signed so that it is positive on the excursion's side.
    fn toward(&self, difference_bpm: f32) -> f32 {
        self.excursion().direction.away_bpm(difference_bpm, 0.0)
    }

    /// Distances from the baseline, positive on the excursion's side.
    fn away(&self, start_s: u32, end_s: u32) -> impl Iterator<Item = f32> + Clone + '_ {
        (start_s..end_s).filter_map(|second| {
            let bpm = self.situation.traces.smooth_bpm.get(second)?;
            Some(self.excursion().direction.away_bpm(bpm, self.baseline_bpm(second)?))
        })
    }

    fn shape(&mut self) {
        let excursion = self.excursion();
        let away: Vec<f32> = self.away(excursion.start_s, excursion.end_s).collect();
        let (first, last) = (away.first().copied().unwrap_or(0.0), away.last().copied().unwrap_or(0.0));
        let rise = (last - first) / (away.len().max(2) - 1) as f32;
        let chord = away.iter().enumerate().map(|(at, away)| away - first - rise * at as f32);
        let durations = BEYOND_BPM.map(|limit| away.iter().filter(|away| **away >= limit).count() as f32);
        self.numbers.extend([
            excursion.peak_bpm,
            mean(away.iter().copied()).unwrap_or(0.0),
            excursion.area_bpm_s,
            excursion.duration_s() as f32,
            first,
            last,
            chord.fold(0.0, f32::max),
        ]);
        self.numbers.extend(durations);
    }

    fn slopes(&mut self) {
        let (excursion, smooth) = (self.excursion(), &self.situation.traces.smooth_bpm);
        let slopes = (excursion.start_s + SLOPE_S..excursion.end_s)
            .filter_map(|second| Some(self.toward(smooth.get(second)? - smooth.get(second - SLOPE_S)?)));
        let (low, high) = slopes.fold((0.0_f32, 0.0_f32), |(low, high), slope| (low.min(slope), high.max(slope)));
        self.numbers.extend([
            (excursion.extreme_s - excursion.start_s) as f32,
            excursion.end_s.saturating_sub(excursion.extreme_s) as f32,
            high,
            low,
        ]);
    }

    fn rates(&mut self) {
        let excursion = self.excursion();
        let baseline = |second| self.baseline_bpm(second).unwrap_or(excursion.baseline_bpm);
        let drift = self.toward(baseline(excursion.start_s) - baseline(excursion.end_s - 1));
        let around = self.around;
        let [lowest, low, _, high, highest] = around.rates_bpm;
        let from = |bpm: f32| self.toward(excursion.extreme_bpm - bpm);
        let distances = around.rates_bpm.map(from);
        let long = from(around.long_median_bpm);
        let baseline_shift = self.toward(excursion.baseline_bpm - around.long_median_bpm);
        self.numbers.extend([excursion.baseline_bpm, drift, excursion.extreme_bpm]);
        self.numbers.extend(distances);
        self.numbers.extend([highest - lowest, high - low, long, baseline_shift]);
    }

    fn flanks(&mut self) {
        let excursion = self.excursion();
        let before = |seconds: u32| excursion.start_s.saturating_sub(seconds);
        let smooth =
            |seconds| mean(self.situation.traces.smooth_bpm.range(before(seconds), excursion.start_s).flatten());
        let baseline = self.baseline_bpm(excursion.start_s).unwrap_or(excursion.baseline_bpm);
        let half_minute = smooth(30).unwrap_or(baseline);
        let minute = smooth(60).unwrap_or(baseline);
        let shoulder = self.away(before(30), excursion.start_s).fold(f32::INFINITY, f32::min);
        let highest = self.away(before(60), excursion.start_s).fold(f32::NEG_INFINITY, f32::max);
        let known = |value: f32| if value.is_finite() { value } else { 0.0 };
        self.numbers.extend([
            self.toward(excursion.extreme_bpm - half_minute),
            self.toward(minute - baseline),
            known(-shoulder),
            known(highest),
        ]);
    }

    /// Share of the seconds that are absent; all of none.
    fn loss(&self, start_s: u32, end_s: u32) -> f32 {
        let median = &self.situation.traces.median_bpm;
        mean(median.range(start_s, end_s).map(|bpm| f32::from(u8::from(bpm.is_none())))).unwrap_or(1.0)
    }

    /// Mean step from second to second, bpm.
    fn roughness(&self, start_s: u32, end_s: u32) -> f32 {
        let median = &self.situation.traces.median_bpm;
        let steps =
            (start_s + 1..end_s).filter_map(|second| Some((median.get(second)? - median.get(second - 1)?).abs()));
        mean(steps).unwrap_or(0.0)
    }

    fn deviation(&self, start_s: u32, end_s: u32) -> f32 {
        let median = &self.situation.traces.median_bpm;
        let center = mean(median.range(start_s, end_s).flatten()).unwrap_or(0.0);
        let squares = median.range(start_s, end_s).flatten().map(|bpm| (bpm - center) * (bpm - center));
        mean(squares).unwrap_or(0.0).sqrt()
    }

    fn losses(&mut self) {
        let excursion = self.excursion();
        let (start_s, end_s) = (excursion.start_s, excursion.end_s);
        let before = |seconds: u32| start_s.saturating_sub(seconds);
        self.numbers.extend([
            self.loss(start_s, end_s),
            self.loss(before(60), start_s),
            self.loss(before(300), start_s),
            self.roughness(start_s, end_s),
            self.roughness(before(120), start_s),
            self.deviation(before(120), start_s),
        ]);
    }

    /// Highest toco of some seconds, and when; the lowest with it.
    fn toco_extremes(&self, start_s: u32, end_s: u32) -> (f32, u32, f32) {
        let toco = (start_s..end_s).map(|second| (self.toco(second), second));
        toco.fold((f32::NEG_INFINITY, start_s, f32::INFINITY), |(high, at, low), (toco, second)| {
            let (high, at) = if toco > high { (toco, second) } else { (high, at) };
            (high, at, low.min(toco))
        })
    }

    fn toco(&self, second: u32) -> f32 {
        let toco = &self.situation.traces.toco;
        let first = second.saturating_sub(7);
        mean(toco.range(first, second + 1).flatten()).unwrap_or(0.0)
    }

    fn uterus(&mut self) {
        let (excursion, around) = (self.excursion(), self.around);
        let (start_s, end_s) = (excursion.start_s, excursion.end_s);
        let (highest, at, _) = self.toco_extremes(start_s.saturating_sub(60), end_s);
        let (_, _, lowest_before) = self.toco_extremes(start_s.saturating_sub(45), start_s + 1);
        let (highest_within, _, _) = self.toco_extremes(start_s, end_s);
        let within = mean((start_s..end_s).map(|second| self.toco(second))).unwrap_or(0.0);
        self.numbers.extend([
            around.range_toco,
            around.height(self.toco(start_s)),
            around.height(self.toco(excursion.extreme_s)),
            around.height(self.toco(end_s - 1)),
            around.height(highest),
            excursion.extreme_s as f32 - at as f32,
            around.height(within),
            around.height(highest_within) - around.height(lowest_before),
            self.toco(excursion.extreme_s),
        ]);
    }

    fn past<'p>(&mut self, past: impl Iterator<Item = &'p Past> + Clone, direction: Direction) {
        let excursion = self.excursion();
        let start_s = excursion.start_s;
        let before = past.filter(move |past| past.direction == direction && past.end_s <= start_s + OVERLAP_S);
        let last = before.clone().last();
        let recent = before.filter(move |past| past.end_s + COMPARED_S > start_s);
        let count = recent.clone().count() as f32;
        let clear = recent.clone().filter(|past| past.beyond_s >= CLEAR_S).count() as f32;
        let summed = recent.clone().filter(|past| past.end_s + SUMMED_S > start_s);
        let smaller = recent.clone().filter(|past| past.area_bpm_s < excursion.area_bpm_s).count() as f32;
        self.numbers.extend([
            last.map_or(SINCE_MAX_S, |past| start_s.saturating_sub(past.end_s).min(SINCE_MAX_S)) as f32,
            last.map_or(0.0, |past| past.peak_bpm),
            count,
            clear,
            summed.map(|past| past.area_bpm_s).sum(),
            recent.clone().map(|past| past.peak_bpm).fold(0.0, f32::max),
            if count > 0.0 { smaller / count } else { 0.5 },
            mean(recent.map(|past| past.area_bpm_s)).unwrap_or(0.0),
        ]);
    }

    /// What followed within the look-ahead, and how the excursion looked without it.
    fn aftermath(&mut self) {
        let (excursion, traces) = (self.excursion(), self.situation.traces);
        let (end_s, known_s) = (excursion.end_s, self.known_end_s());
        let after = self.away(end_s, known_s);
        let highest = after.clone().fold(f32::NEG_INFINITY, f32::max);
        let lowest = after.clone().fold(f32::INFINITY, f32::min);
        let known = |value: f32| if value.is_finite() { value } else { 0.0 };
        let (toco, at, _) = self.toco_extremes(excursion.extreme_s, known_s);
        let without = (excursion.start_s..end_s).filter_map(|second| {
            Some(excursion.direction.away_bpm(traces.smooth_bpm.get(second)?, traces.provisional_bpm.get(second)?))
        });
        let without: Vec<f32> = without.collect();
        self.numbers.extend([
            mean(after).unwrap_or(0.0),
            known(highest),
            known(lowest),
            self.loss(end_s, known_s),
            self.around.height(toco),
            at.saturating_sub(excursion.extreme_s) as f32,
            known(without.iter().copied().fold(f32::NEG_INFINITY, f32::max)),
            mean(without.iter().copied()).unwrap_or(0.0),
        ]);
    }
}
