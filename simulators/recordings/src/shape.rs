//! Curves over time that scripts are made of.

use std::f64::consts::{PI, TAU};

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Sine waves of a slow oscillation, enough of them not to look regular.
const WAVES: usize = 7;

/// From 0 to 1 and back to 0: a rise, a plateau, a fall, each without corners.
pub(crate) fn hump(t: f64, duration: f64, rise: f64, fall: f64) -> f64 {
    if t <= 0.0 || t >= duration {
        0.0
    } else if t < rise {
        smooth_step(t / rise)
    } else if t > duration - fall {
        smooth_step((duration - t) / fall)
    } else {
        1.0
    }
}

/// From 0 before 0 to 1 after 1, without corners.
pub(crate) fn smooth_step(x: f64) -> f64 {
    (1.0 - (PI * x.clamp(0.0, 1.0)).cos()) / 2.0
}

/// An oscillation without a period, with a spread (standard deviation) of 1.
pub(crate) struct Wander {
    waves: [(f64, f64); WAVES],
}

impl Wander {
    /// Frequencies lie between these, in cycles per minute.
    pub(crate) fn new(random: &mut ChaCha8Rng, from_cpm: f64, to_cpm: f64) -> Self {
        let mut wave = |index: usize| {
            let share = (index as f64 + random.random::<f64>()) / WAVES as f64;
            ((from_cpm + share * (to_cpm - from_cpm)) / 60.0, random.random::<f64>())
        };
        Self { waves: std::array::from_fn(&mut wave) }
    }

    pub(crate) fn at(&self, t_s: f64) -> f64 {
        let sum: f64 = self.waves.iter().map(|(hz, phase)| (TAU * (hz * t_s + phase)).sin()).sum();
        sum * (2.0 / WAVES as f64).sqrt()
    }
}

/// A number with mean 0 and standard deviation 1 (sum of twelve uniform numbers).
pub(crate) fn gauss(random: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}
