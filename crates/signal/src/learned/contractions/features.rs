//! What the network for contractions sees of each second; the training script computes the same.

use crate::contractions::TocoSecond;

/// Number of features.
pub(super) const FEATURES: usize = 16;
/// Least difference between top and resting tone, toco units: below it, noise would be stretched to full scale.
const SPAN_MIN_TOCO: f32 = 8.0;
/// A second whose mean moved and whose samples spread less than these, toco units, counts as flat.
const FLAT_STEP_TOCO: f32 = 0.05;
const FLAT_SPREAD_TOCO: f32 = 0.3;
/// Flat seconds are counted up to here.
const FLAT_MAX_S: f32 = 600.0;
/// Restlessness of one second is counted up to here, toco units.
const RESTLESS_MAX_TOCO: f32 = 20.0;
/// Below this a channel stands at the bottom of its scale, toco units.
const BOTTOM_TOCO: f32 = 0.6;
/// Scaled differences are held within this.
const DIFFERENCE_MAX: f32 = 4.0;

/// Running measures of the toco channel.
#[derive(Clone, Debug, Default)]
pub(super) struct TocoFeatures {
    started: bool,
    toco: f32,
    mean_3_s: f32,
    mean_10_s: f32,
    mean_30_s: f32,
    mean_120_s: f32,
    tone: f32,
    top: f32,
    restless: f32,
    flat_s: f32,
}

impl TocoFeatures {
    /// Takes the next second; no signal reads as the bottom of the scale, as monitors store it.
    pub(super) fn push(&mut self, second: TocoSecond) -> [f32; FEATURES] {
        let toco = second.toco.unwrap_or(0.0);
        let spread = second.spread_toco;
        let first = !self.started;
        if first {
            *self = Self::starting_at(toco);
        }
        let step = toco - self.toco;
        self.toco = toco;
        for (mean, time_s) in [
            (&mut self.mean_3_s, 3.0),
            (&mut self.mean_10_s, 10.0),
            (&mut self.mean_30_s, 30.0),
            (&mut self.mean_120_s, 120.0),
        ] {
            approach(mean, toco, time_s);
        }
        let falling = toco <= self.tone;
        approach(&mut self.tone, toco, if falling { 8.0 } else { 240.0 });
        let rising = toco > self.top;
        approach(&mut self.top, toco, if rising { 8.0 } else { 400.0 });
        if !first {
            approach(&mut self.restless, (step.abs() + spread).min(RESTLESS_MAX_TOCO), 10.0);
        }
        let flat = step.abs() < FLAT_STEP_TOCO && spread < FLAT_SPREAD_TOCO;
        self.flat_s = if flat { (self.flat_s + 1.0).min(FLAT_MAX_S) } else { 0.0 };
        self.vector(step, spread)
    }

    /// Smoothed activity above resting tone, toco units.
    pub(super) fn height_toco(&self) -> f32 {
        self.mean_3_s - self.tone
    }

    fn starting_at(toco: f32) -> Self {
        Self {
            started: true,
            toco,
            mean_3_s: toco,
            mean_10_s: toco,
            mean_30_s: toco,
            mean_120_s: toco,
            tone: toco,
            top: toco,
            restless: 1.0,
            flat_s: 0.0,
        }
    }

    fn vector(&self, step: f32, spread: f32) -> [f32; FEATURES] {
        let span = (self.top - self.tone).max(SPAN_MIN_TOCO);
        [
            self.toco / 40.0,
            (self.mean_3_s - self.tone) / span,
            (self.mean_10_s - self.tone) / span,
            scaled(self.toco - self.mean_10_s, 10.0),
            scaled(self.mean_3_s - self.mean_30_s, 15.0),
            scaled(self.mean_10_s - self.mean_120_s, 20.0),
            self.tone / 30.0,
            span / 40.0,
            spread / 10.0,
            scaled(step, 5.0),
            self.restless / 4.0,
            1.0 - (-self.flat_s / 10.0).exp(),
            1.0 - (-self.flat_s / 120.0).exp(),
            if self.toco < BOTTOM_TOCO { 1.0 } else { 0.0 },
            scaled(self.mean_30_s - self.tone, 20.0),
            (self.toco - self.tone).max(0.0).ln_1p() / 3.0,
        ]
    }
}

fn approach(mean: &mut f32, value: f32, time_s: f32) {
    *mean += (1.0 - (-1.0 / time_s).exp()) * (value - *mean);
}

fn scaled(difference: f32, unit: f32) -> f32 {
    (difference / unit).clamp(-DIFFERENCE_MAX, DIFFERENCE_MAX)
}
