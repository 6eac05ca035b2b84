//! Baseline by a weighted median, in real time.
//!
//! Boudet S, Houzé de l'Aulnoit A, Demailly R, et al., Fetal heart rate baseline computation with a weighted
//! median filter, Comput Biol Med 2019;114:103468. The baseline is the median of the trace in a long window
//! whose samples count more the nearer they are in time, the stationarier the trace is around them, and the
//! nearer they lie to the baseline of the pass before; the passes grow narrower. Published for whole recordings.
//!
//! Ours runs on points of 6 s as they arrive: every point of the look-ahead is passed again with each new one,
//! older points keep what they said last. The provisional baseline is that of the newest complete point, the final
//! one that of the point a look-ahead ago. The constants below were fitted to the offline method's baseline of a
//! third of the recordings in FHRMA's training set. Run on whole recordings with constants near the published ones,
//! the same passes differ from the offline method by 1.4 % (MADI, median of 66 recordings): how much of
//! the rest is the missing future and how much our own making is not known.

use std::sync::LazyLock;

use crate::learned::layers::sigmoid;

/// Length of a point, s.
pub(crate) const POINT_S: u32 = 6;
/// Points after a point that its final baseline looks at: 48 s, 57 s with the point and the interpolation.
pub(crate) const LOOK_AHEAD_POINTS: u32 = 8;
/// Half of the window, in points: 20 min.
const HALF_WINDOW: u32 = 200;
/// Share of the half window that is looked back at when nothing lies ahead.
const PAST_SHARE: f32 = 0.97;
/// Passes, each with the exponent of its falling weights and the closeness (log odds) of a sample on the baseline.
const PASSES: [Pass; 6] = [
    Pass { exponent: 1, closeness: 0.0 },
    Pass { exponent: 2, closeness: 2.78 },
    Pass { exponent: 8, closeness: 2.36 },
    Pass { exponent: 8, closeness: 2.46 },
    Pass { exponent: 22, closeness: 1.13 },
    Pass { exponent: 15, closeness: 0.72 },
];
/// Passes that judge closeness on the smoother of the two traces.
const SMOOTH_PASSES: usize = 3;
/// Fall of closeness (log odds) per bpm from the baseline of the pass before.
const CLOSENESS_PER_BPM: f32 = 0.162;
/// Stationarity (log odds) of a level trace.
const STATIONARITY: f32 = 1.33;
/// Its fall per bpm/min of slope.
const STATIONARITY_PER_SLOPE: f32 = 0.029;
/// Its fall per bpm of standard deviation within a point.
const STATIONARITY_PER_DEVIATION: f32 = 0.132;
/// Share of the first pass's weight that the pass before is held with where the trace says too little.
const INERTIA: f32 = 0.3;
/// Points on either side in the smoother trace and in the slope.
const SMOOTH_REACH: u32 = 2;
/// Points on either side in the finer trace.
const FINE_REACH: u32 = 1;
/// Points that are remembered: a power of two above the window.
const RING: u32 = 256;
/// Points that are remembered whole: the look-ahead and what smoothing reaches before it.
const RECENT: u32 = 16;
/// After so many points without signal there is no baseline: 10 min (NICHD 2008: the baseline before holds so long).
const LOST_POINTS_MAX: u32 = 100;
/// Bins of the median, per bpm, and the lowest rate in bpm.
const BINS_PER_BPM: f32 = 2.0;
const LOWEST_BPM: f32 = 50.0;
const BINS: usize = 341;

const PASS_COUNT: usize = PASSES.len();

struct Pass {
    exponent: i32,
    closeness: f32,
}

/// Weights of one pass by distance in time, and their sums up to each distance.
struct Kernel {
    weights: Vec<f32>,
    sums: Vec<f32>,
}

static KERNELS: LazyLock<Vec<Kernel>> = LazyLock::new(|| PASSES.iter().map(Kernel::new).collect());

impl Kernel {
    fn new(pass: &Pass) -> Self {
        let nearness = |distance| 1.0 - distance as f32 / (HALF_WINDOW + 1) as f32;
        let weights: Vec<f32> = (0..=HALF_WINDOW).map(|distance| nearness(distance).powi(pass.exponent)).collect();
        let sums = weights.iter().scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self { sums: sums.collect(), weights }
    }

    /// Sum of the weights of a window with so many points before and after its own.
    fn window_sum(&self, past: u32, future: u32) -> f32 {
        self.sums[past as usize] + self.sums[future as usize] - self.weights[0]
    }
}

/// A point that may still change.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    mean_bpm: f32,
    deviation_bpm: f32,
    /// Share of its seconds that are there; 0 where nothing is.
    coverage: f32,
    smooth_bpm: f32,
    stationarity: f32,
    first_pass_share: f32,
    levels_bpm: [Option<f32>; PASS_COUNT],
    /// No signal for so long that there is no baseline.
    lost: bool,
}

impl Point {
    fn baseline_bpm(&self) -> Option<f32> {
        self.levels_bpm[PASS_COUNT - 1].filter(|_| !self.lost)
    }
}

/// The seconds of a point that is not complete.
#[derive(Clone, Copy, Debug, Default)]
struct Gathering {
    first_bpm: f32,
    sum: f32,
    square_sum: f32,
    count: u8,
}

/// What a complete point made known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BaselineStep {
    /// Baseline as far as the newest point knows, bpm.
    pub(crate) newest_bpm: Option<f32>,
    /// Baseline of the point [`LOOK_AHEAD_POINTS`] ago, bpm; `None` also while there is none.
    pub(crate) settled_bpm: Option<f32>,
}

/// The weighted median baseline of one trace.
#[derive(Clone, Debug)]
pub(crate) struct WeightedMedian {
    gathering: Gathering,
    points: u32,
    recent: [Point; RECENT as usize],
    /// The finer trace, point by point.
    fine_bpm: Vec<f32>,
    /// Weight of each point in each pass.
    weights: [Vec<f32>; PASS_COUNT],
    /// Points since one had signal.
    lost_points: u32,
}

impl Default for WeightedMedian {
    fn default() -> Self {
        Self {
            gathering: Gathering::default(),
            points: 0,
            recent: [Point::default(); RECENT as usize],
            fine_bpm: vec![0.0; RING as usize],
            weights: std::array::from_fn(|_| vec![0.0; RING as usize]),
            lost_points: LOST_POINTS_MAX,
        }
    }
}

impl WeightedMedian {
    /// Takes the trusted rate of second `second`; gives a step where a point is complete.
    pub(crate) fn push(&mut self, second: u32, trusted_bpm: Option<f32>) -> Option<BaselineStep> {
        if let Some(bpm) = trusted_bpm {
            self.gathering.add(bpm);
        }
        (second + 1).is_multiple_of(POINT_S).then(|| self.complete())
    }

    /// Baseline of the points of the look-ahead as they are known now, oldest first.
    pub(crate) fn unsettled_bpm(&self) -> impl Iterator<Item = Option<f32>> + '_ {
        let first = self.points.saturating_sub(LOOK_AHEAD_POINTS);
        (first..self.points).map(|index| self.recent[at(index, RECENT)].baseline_bpm())
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        (1 + PASS_COUNT) * RING as usize * size_of::<f32>()
    }

    fn complete(&mut self) -> BaselineStep {
        let newest = self.points;
        self.points += 1;
        let gathered = std::mem::take(&mut self.gathering);
        self.lost_points = if gathered.count > 0 { 0 } else { self.lost_points.saturating_add(1) };
        let lost = self.lost_points >= LOST_POINTS_MAX;
        self.recent[at(newest, RECENT)] = Point { lost, ..gathered.into_point() };
        for index in newest.saturating_sub(SMOOTH_REACH + 1)..=newest {
            self.smooth(index, newest);
        }
        for pass in 0..PASS_COUNT {
            self.run_pass(pass, newest);
        }
        let baseline = |index: u32| self.recent[at(index, RECENT)].baseline_bpm();
        BaselineStep {
            newest_bpm: baseline(newest),
            settled_bpm: newest.checked_sub(LOOK_AHEAD_POINTS).and_then(baseline),
        }
    }

    /// The points around `index` that are known and there.
    fn around(&self, index: u32, reach: u32, newest: u32) -> impl Iterator<Item = (f32, &Point)> {
        (index.saturating_sub(reach)..=newest.min(index + reach))
            .map(move |near| (near as f32 - index as f32, &self.recent[at(near, RECENT)]))
            .filter(|(_, point)| point.coverage > 0.0)
    }

    /// Renews the two smooth traces and the stationarity of a point.
    fn smooth(&mut self, index: u32, newest: u32) {
        let line = Line::through(self.around(index, SMOOTH_REACH, newest));
        let fine = Line::through(self.around(index, FINE_REACH, newest));
        if fine.weight > 0.0 {
            self.fine_bpm[at(index, RING)] = fine.mean_bpm();
        }
        let point = &mut self.recent[at(index, RECENT)];
        if line.weight > 0.0 {
            point.smooth_bpm = line.mean_bpm();
        }
        let odds = STATIONARITY
            - STATIONARITY_PER_SLOPE * line.slope_bpm_per_min().abs()
            - STATIONARITY_PER_DEVIATION * line.deviation_bpm();
        point.stationarity = point.coverage * sigmoid(odds);
    }

    fn run_pass(&mut self, pass: usize, newest: u32) {
        let first = newest.saturating_sub(LOOK_AHEAD_POINTS);
        for index in first..=newest {
            self.weights[pass][at(index, RING)] = self.weight(pass, index);
        }
        let mut bins = Bins::default();
        for index in first..=newest {
            let level = self.level(pass, index, newest, &mut bins);
            let before = index.checked_sub(1).and_then(|before| self.recent[at(before, RECENT)].levels_bpm[pass]);
            self.recent[at(index, RECENT)].levels_bpm[pass] = level.or(before);
        }
    }

    fn weight(&self, pass: usize, index: u32) -> f32 {
        const UNKNOWN_DISTANCE_BPM: f32 = 20.0;
        let point = &self.recent[at(index, RECENT)];
        if pass == 0 {
            return point.stationarity;
        }
        let trace = if pass < SMOOTH_PASSES { point.smooth_bpm } else { self.fine_bpm[at(index, RING)] };
        let distance = point.levels_bpm[pass - 1].map_or(UNKNOWN_DISTANCE_BPM, |level| (trace - level).abs());
        point.stationarity * sigmoid(PASSES[pass].closeness - CLOSENESS_PER_BPM * distance)
    }

    /// The weighted median around a point; `None` where nothing has weight.
    fn level(&mut self, pass: usize, index: u32, newest: u32, bins: &mut Bins) -> Option<f32> {
        let kernel = &KERNELS[pass];
        let future = (newest - index).min(HALF_WINDOW);
        let past = index.min(future.max(((HALF_WINDOW - future) as f32 * PAST_SHARE) as u32));
        bins.clear();
        let mut sum = 0.0;
        for near in index - past..=index + future {
            let cell = at(near, RING);
            let weight = kernel.weights[near.abs_diff(index) as usize] * self.weights[pass][cell];
            sum += weight;
            bins.add(self.fine_bpm[cell], weight);
        }
        let window = kernel.window_sum(past, future);
        let point = &mut self.recent[at(index, RECENT)];
        if pass == 0 {
            point.first_pass_share = sum / window;
        } else if let Some(level) = point.levels_bpm[pass - 1] {
            bins.add(level, (INERTIA * point.first_pass_share * window - sum).max(0.0));
        }
        bins.median()
    }
}

impl Gathering {
    /// Sums distances from the first value, which stay small.
    fn add(&mut self, bpm: f32) {
        if self.count == 0 {
            self.first_bpm = bpm;
        }
        let distance = bpm - self.first_bpm;
        self.sum += distance;
        self.square_sum += distance * distance;
        self.count += 1;
    }

    fn into_point(self) -> Point {
        if self.count == 0 {
            return Point::default();
        }
        let count = f32::from(self.count);
        let mean = self.sum / count;
        let variance = (self.square_sum / count - mean * mean).max(0.0);
        Point {
            mean_bpm: self.first_bpm + mean,
            deviation_bpm: variance.sqrt(),
            coverage: count / POINT_S as f32,
            ..Point::default()
        }
    }
}

/// A line fitted to weighted points, times in points from the one in the middle.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    weight: f32,
    time: f32,
    time_square: f32,
    bpm: f32,
    time_bpm: f32,
    deviation: f32,
}

impl Line {
    fn through<'a>(points: impl Iterator<Item = (f32, &'a Point)>) -> Self {
        points.fold(Self::default(), |line, (time, point)| Self {
            weight: line.weight + point.coverage,
            time: line.time + time * point.coverage,
            time_square: line.time_square + time * time * point.coverage,
            bpm: line.bpm + point.mean_bpm * point.coverage,
            time_bpm: line.time_bpm + time * point.mean_bpm * point.coverage,
            deviation: line.deviation + point.deviation_bpm * point.coverage,
        })
    }

    fn mean_bpm(&self) -> f32 {
        self.bpm / self.weight
    }

    fn deviation_bpm(&self) -> f32 {
        if self.weight > 0.0 { self.deviation / self.weight } else { 0.0 }
    }

    fn slope_bpm_per_min(&self) -> f32 {
        const POINTS_PER_MIN: f32 = 60.0 / POINT_S as f32;
        const DETERMINANT_MIN: f32 = 1e-3;
        let determinant = self.weight * self.time_square - self.time * self.time;
        if determinant < DETERMINANT_MIN {
            return 0.0;
        }
        (self.weight * self.time_bpm - self.time * self.bpm) / determinant * POINTS_PER_MIN
    }
}

/// Weights by rate, from which the median is read.
struct Bins {
    weights: [f32; BINS],
    total: f32,
}

impl Default for Bins {
    fn default() -> Self {
        Self { weights: [0.0; BINS], total: 0.0 }
    }
}

impl Bins {
    fn clear(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, bpm: f32, weight: f32) {
        let bin = ((bpm - LOWEST_BPM) * BINS_PER_BPM).max(0.0) as usize;
        self.weights[bin.min(BINS - 1)] += weight;
        self.total += weight;
    }

    fn median(&self) -> Option<f32> {
        let half = self.total / 2.0;
        let mut below = 0.0;
        for (bin, weight) in self.weights.iter().enumerate() {
            if *weight > 0.0 && below + weight >= half {
                return Some(LOWEST_BPM + (bin as f32 + (half - below) / weight) / BINS_PER_BPM);
            }
            below += weight;
        }
        None
    }
}

fn at(index: u32, ring: u32) -> usize {
    (index % ring) as usize
}
