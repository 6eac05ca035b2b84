//! What the network for false signals sees of each half second; the training script computes the same.

use super::toco::{TOCO_FEATURES, TocoFeatures};

/// Number of features.
pub(super) const FEATURES: usize = RATE_FEATURES + TOCO_FEATURES;
/// Features of the heart rates.
const RATE_FEATURES: usize = 31;
/// Frames per second.
const FRAMES_PER_S: f32 = 2.0;
/// Frames of maternal rate that a fetal rate may coincide with: eight seconds, for monitors average it.
const MATERNAL_HISTORY: usize = 16;
/// A maternal rate older than this is not compared with the fetal rate any more, frames.
const MATERNAL_AGE_MAX: f32 = 4.0;
/// Ages are counted up to here, frames.
const AGE_MAX: f32 = 10_000.0;
/// Jumps between frames count up to here, bpm.
const JUMP_MAX_BPM: f32 = 20.0;
/// Distances between the two rates, or from the recent mean, count up to here, bpm.
const DISTANCE_MAX_BPM: f32 = 30.0;
/// Scaled differences are held within this.
const DIFFERENCE_MAX: f32 = 3.0;

/// One sample of the 4 Hz grid.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Rate in the fetal channel, bpm.
    pub(crate) fhr_bpm: Option<f32>,
    /// Maternal rate, bpm.
    pub(crate) mhr_bpm: Option<f32>,
    /// Uterine activity, relative units.
    pub(crate) toco: Option<f32>,
}

/// A heart rate that is held while absent, with its running means.
#[derive(Clone, Copy, Debug)]
struct Rate {
    seen: bool,
    bpm: f32,
    age: f32,
    mean_10_s: f32,
    mean_middle: f32,
    mean_300_s: f32,
}

impl Rate {
    const UNSEEN: Self =
        Self { seen: false, bpm: 0.0, age: AGE_MAX, mean_10_s: 0.0, mean_middle: 0.0, mean_300_s: 0.0 };

    /// Takes a frame; `middle_s` is the time constant of the middle mean. Gives the step from the rate before.
    fn push(&mut self, bpm: Option<f32>, middle_s: f32) -> f32 {
        let Some(bpm) = bpm else {
            self.age = (self.age + 1.0).min(AGE_MAX);
            return 0.0;
        };
        if !self.seen {
            *self = Self { seen: true, bpm, age: 0.0, mean_10_s: bpm, mean_middle: bpm, mean_300_s: bpm };
        }
        let step = bpm - self.bpm;
        self.bpm = bpm;
        self.age = 0.0;
        approach(&mut self.mean_10_s, bpm, 10.0);
        approach(&mut self.mean_middle, bpm, middle_s);
        approach(&mut self.mean_300_s, bpm, 300.0);
        step
    }
}

/// Running measures of the two heart rates.
#[derive(Clone, Debug)]
pub(super) struct RateFeatures {
    fetal: Rate,
    maternal: Rate,
    maternal_history_bpm: [f32; MATERNAL_HISTORY],
    roughness_bpm: f32,
    distance_5_s_bpm: f32,
    distance_40_s_bpm: f32,
    spread_bpm: f32,
    toco: TocoFeatures,
    frames: f32,
}

impl Default for RateFeatures {
    fn default() -> Self {
        Self {
            fetal: Rate::UNSEEN,
            maternal: Rate::UNSEEN,
            maternal_history_bpm: [0.0; MATERNAL_HISTORY],
            roughness_bpm: 2.0,
            distance_5_s_bpm: 5.0,
            distance_40_s_bpm: 5.0,
            spread_bpm: 3.0,
            toco: TocoFeatures::default(),
            frames: 0.0,
        }
    }
}

impl RateFeatures {
    /// Takes the two samples of a frame.
    pub(super) fn push(&mut self, [earlier, later]: [Sample; 2]) -> [f32; FEATURES] {
        let fhr_bpm = [earlier.fhr_bpm, later.fhr_bpm];
        let mhr_bpm = [earlier.mhr_bpm, later.mhr_bpm];
        let fetal_bpm = fhr_bpm[1].or(fhr_bpm[0]);
        let maternal_bpm = mhr_bpm[1].or(mhr_bpm[0]);
        let first_maternal = !self.maternal.seen;
        let step_bpm = self.fetal.push(fetal_bpm, 60.0);
        self.maternal.push(maternal_bpm, 30.0);
        if first_maternal {
            self.maternal_history_bpm = [self.maternal.bpm; MATERNAL_HISTORY];
        }
        self.maternal_history_bpm.rotate_left(1);
        self.maternal_history_bpm[MATERNAL_HISTORY - 1] = self.maternal.bpm;
        if fetal_bpm.is_some() {
            self.measure(step_bpm);
        }
        let within_bpm = fhr_bpm[0].zip(fhr_bpm[1]).map(|(earlier, later)| later - earlier);
        let rates = self.vector(fetal_bpm.is_some(), maternal_bpm.is_some(), step_bpm, within_bpm);
        self.frames = (self.frames + 1.0).min(AGE_MAX);
        let toco = self.toco.push((earlier.toco.unwrap_or(0.0) + later.toco.unwrap_or(0.0)) / 2.0);
        let mut vector = [0.0; FEATURES];
        for (feature, value) in vector.iter_mut().zip(rates.into_iter().chain(toco)) {
            *feature = value;
        }
        vector
    }

    /// True once a maternal rate was seen.
    pub(super) fn has_maternal(&self) -> bool {
        self.maternal.seen
    }

    fn measure(&mut self, step_bpm: f32) {
        approach(&mut self.roughness_bpm, step_bpm.abs().min(JUMP_MAX_BPM), 10.0);
        if self.maternal.age < MATERNAL_AGE_MAX {
            let distance = (self.fetal.bpm - self.maternal.bpm).abs().min(DISTANCE_MAX_BPM);
            approach(&mut self.distance_5_s_bpm, distance, 5.0);
            approach(&mut self.distance_40_s_bpm, distance, 40.0);
        }
        let from_mean = (self.fetal.bpm - self.fetal.mean_10_s).abs().min(DISTANCE_MAX_BPM);
        approach(&mut self.spread_bpm, from_mean, 30.0);
    }

    /// How far the fetal rate lies outside the maternal rates of the last seconds, bpm.
    fn outside_maternal_bpm(&self) -> f32 {
        let lowest = self.maternal_history_bpm.iter().copied().fold(f32::INFINITY, f32::min);
        let highest = self.maternal_history_bpm.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let fetal_bpm = self.fetal.bpm;
        if fetal_bpm > highest { fetal_bpm - highest } else { (fetal_bpm - lowest).min(0.0) }
    }

    fn vector(&self, fetal: bool, maternal: bool, step_bpm: f32, within_bpm: Option<f32>) -> [f32; RATE_FEATURES] {
        let (fhr, mhr) = (&self.fetal, &self.maternal);
        let present = flag(fetal);
        let fetal_seen = flag(fhr.seen);
        let maternal_seen = flag(mhr.seen);
        let both = maternal_seen * present;
        let difference = fhr.bpm - mhr.bpm;
        let outside = self.outside_maternal_bpm();
        let deviations = (fhr.bpm - fhr.mean_10_s) - (mhr.bpm - mhr.mean_10_s);
        [
            present,
            flag(within_bpm.is_some()),
            (fhr.bpm - 120.0) / 40.0 * fetal_seen,
            scaled(step_bpm, 10.0),
            scaled(within_bpm.unwrap_or(0.0), 5.0),
            flag(maternal),
            (mhr.bpm - 90.0) / 30.0 * maternal_seen,
            faded(mhr.age, 15.0),
            faded(mhr.age, 180.0),
            scaled(difference, 10.0) * maternal_seen,
            near(difference, 4.0) * both,
            near(difference, 1.5) * both,
            scaled(fhr.bpm - 2.0 * mhr.bpm, 15.0) * maternal_seen,
            scaled(2.0 * fhr.bpm - mhr.bpm, 15.0) * maternal_seen,
            (fhr.mean_10_s - 120.0) / 40.0 * fetal_seen,
            (fhr.mean_middle - 120.0) / 40.0 * fetal_seen,
            (fhr.mean_300_s - 120.0) / 40.0 * fetal_seen,
            scaled(fhr.bpm - fhr.mean_10_s, 15.0),
            scaled(fhr.bpm - fhr.mean_300_s, 20.0),
            scaled(mhr.bpm - mhr.mean_middle, 10.0) * maternal_seen,
            scaled(fhr.bpm - mhr.mean_300_s, 20.0) * maternal_seen,
            faded(fhr.age, 5.0),
            faded(fhr.age, 60.0),
            self.roughness_bpm / 3.0,
            self.distance_5_s_bpm / 10.0,
            self.distance_40_s_bpm / 10.0,
            self.spread_bpm / 5.0,
            scaled(outside, 5.0) * maternal_seen,
            near(outside, 3.0) * both,
            scaled(deviations, 8.0) * maternal_seen,
            faded(self.frames, 120.0),
        ]
    }
}

fn flag(set: bool) -> f32 {
    if set { 1.0 } else { 0.0 }
}

fn approach(mean: &mut f32, value: f32, time_s: f32) {
    *mean += (1.0 - (-1.0 / (FRAMES_PER_S * time_s)).exp()) * (value - *mean);
}

fn scaled(difference: f32, unit: f32) -> f32 {
    (difference / unit).clamp(-DIFFERENCE_MAX, DIFFERENCE_MAX)
}

/// One at age zero, fading with the time constant.
fn faded(age_frames: f32, time_s: f32) -> f32 {
    (-age_frames / (FRAMES_PER_S * time_s)).exp()
}

/// One for equal rates, falling as a bell.
fn near(difference_bpm: f32, width_bpm: f32) -> f32 {
    (-(difference_bpm / width_bpm).powi(2)).exp()
}
