//! Scripted recordings, whose truth is known.

use ctg::FindingKind;
use recordings::{Artifact, Contraction, Fetus, Synthetic, TrueEvent, Woman};

/// Length of each recording, s.
const DURATION_S: f64 = 3600.0;
/// From one event to the next, s.
const PERIOD_S: f64 = 240.0;

/// A recording with events at clinical depth: 25 bpm and more, 40 s and longer, between contractions.
pub(crate) fn woman(seed: u64) -> Synthetic {
    let baseline_bpm = 120.0 + 5.0 * (seed % 8) as f64;
    let mut fetus = Fetus::new(baseline_bpm).variability(8.0 + (seed % 5) as f64, 1.0).drift(3.0).dropouts(0.02);
    let contractions: Vec<Contraction> = Contraction::series(180.0, PERIOD_S, 70.0, 45.0, DURATION_S - 300.0).collect();
    for (number, contraction) in contractions.iter().enumerate() {
        let kind = (seed + number as u64) % 4;
        let depth_bpm = 25.0 + 5.0 * kind as f64;
        fetus = match kind {
            0 => fetus.acceleration(contraction.start_s, 40.0, depth_bpm),
            1 => fetus.variable_deceleration(contraction.start_s, 45.0, depth_bpm),
            2 => fetus.late_deceleration(contraction, 30.0, depth_bpm),
            _ => fetus.acceleration(contraction.start_s, 60.0, depth_bpm),
        };
    }
    contractions.into_iter().fold(Woman::new(seed, DURATION_S), Woman::contraction).fetus(fetus).record()
}

/// What sensors show that see no heart: noise, one and the same rate, nothing.
pub(crate) fn without_a_heart(seed: u64) -> Vec<Synthetic> {
    const HALF_AN_HOUR_S: f64 = 1800.0;
    let shown = |artifact| {
        let fetus = Fetus::new(140.0).artifact(artifact, 0.0, HALF_AN_HOUR_S);
        Woman::new(seed, HALF_AN_HOUR_S).fetus(fetus).unplugged_toco().record()
    };
    [Artifact::Noise, Artifact::Flat(140.0), Artifact::Loss].map(shown).into()
}

/// The scripted events that `is_wanted` takes, from and to.
pub(crate) fn events_s(events: &[TrueEvent], is_wanted: impl Fn(FindingKind) -> bool) -> Vec<(f64, f64)> {
    events.iter().filter(|event| is_wanted(event.kind)).map(|event| (event.start_s, event.end_s)).collect()
}
