//! What the network for false signals sees of uterine activity: in a contraction the mother's rate rises and the
//! fetal one may fall.

/// Number of features.
pub(super) const TOCO_FEATURES: usize = 5;
/// Frames per second.
const FRAMES_PER_S: f32 = 2.0;
/// Least difference between top and resting tone, toco units.
const SPAN_MIN_TOCO: f32 = 8.0;
/// Restlessness of one frame is counted up to here, toco units.
const RESTLESS_MAX_TOCO: f32 = 10.0;
/// A frame that moved less than this, toco units, counts as flat.
const FLAT_STEP_TOCO: f32 = 0.05;
/// Flat frames are counted up to here.
const FLAT_MAX: f32 = 1200.0;
/// Scaled differences are held within this.
const DIFFERENCE_MAX: f32 = 3.0;

/// Running measures of the toco channel.
#[derive(Clone, Debug, Default)]
pub(super) struct TocoFeatures {
    started: bool,
    toco: f32,
    mean_3_s: f32,
    mean_30_s: f32,
    tone: f32,
    top: f32,
    restless: f32,
    flat: f32,
}

impl TocoFeatures {
    /// Takes the next frame; no signal reads as the bottom of the scale, as monitors store it.
    pub(super) fn push(&mut self, toco: f32) -> [f32; TOCO_FEATURES] {
        if !self.started {
            *self = Self { started: true, toco, mean_3_s: toco, mean_30_s: toco, tone: toco, top: toco, ..*self };
        }
        let step = (toco - self.toco).abs();
        self.toco = toco;
        approach(&mut self.mean_3_s, toco, 3.0);
        approach(&mut self.mean_30_s, toco, 30.0);
        let tone_s = if toco > self.tone { 240.0 } else { 8.0 };
        approach(&mut self.tone, toco, tone_s);
        let top_s = if toco > self.top { 8.0 } else { 400.0 };
        approach(&mut self.top, toco, top_s);
        approach(&mut self.restless, step.min(RESTLESS_MAX_TOCO), 10.0);
        self.flat = if step < FLAT_STEP_TOCO { (self.flat + 1.0).min(FLAT_MAX) } else { 0.0 };
        let span = (self.top - self.tone).max(SPAN_MIN_TOCO);
        [
            (self.mean_3_s - self.tone) / span,
            ((self.mean_3_s - self.mean_30_s) / 15.0).clamp(-DIFFERENCE_MAX, DIFFERENCE_MAX),
            self.restless / 2.0,
            span / 40.0,
            1.0 - (-self.flat / (FRAMES_PER_S * 30.0)).exp(),
        ]
    }
}

fn approach(mean: &mut f32, value: f32, time_s: f32) {
    *mean += (1.0 - (-1.0 / (FRAMES_PER_S * time_s)).exp()) * (value - *mean);
}
