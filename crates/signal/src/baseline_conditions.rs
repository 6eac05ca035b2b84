//! Conditions of the baseline and its variability that count once they have lasted.
//!
//! Chinese consensus 2015, FIGO 2015, NICHD 2008: tachycardia above 160 and bradycardia below 110 bpm for ten minutes
//! or longer; minimal variability up to 5 bpm; marked variability above 25 bpm.

use ctg::{FindingKind, Quantity};

use crate::Settings;
use crate::lasting::{Lasting, Side, Watch};
use crate::ledger::{Draft, MethodName};
use crate::minutes::Minute;

const METHOD: MethodName = MethodName { name: "china2015", version: 1 };
/// Seconds between two revisions.
const REVISION_S: u32 = 60;
/// Seconds back inside the limits that end a rate condition.
const RATE_END_S: u32 = 60;
/// Seconds of another variability that end a variability condition: two minutes, since one may be a movement.
const VARIABILITY_END_S: u32 = 120;

/// Watches one fetus.
#[derive(Clone, Debug)]
pub(crate) struct BaselineConditions {
    rate: [Lasting; 2],
    variability: [Lasting; 2],
}

impl BaselineConditions {
    /// Nothing seen yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        let rate = |kind, side, limit| {
            Lasting::new(Watch {
                kind,
                method: METHOD,
                quantity: Quantity::BaselineBpm,
                side,
                limit,
                first_s: settings.baseline_rate_first_s,
                revision_s: REVISION_S,
                end_s: RATE_END_S,
            })
        };
        let variability = |kind, side, limit, first_s| {
            Lasting::new(Watch {
                kind,
                method: METHOD,
                quantity: Quantity::VariabilityBpm,
                side,
                limit,
                first_s,
                revision_s: REVISION_S,
                end_s: VARIABILITY_END_S,
            })
        };
        let (reduced, increased) = (settings.reduced_variability_bpm, settings.increased_variability_bpm);
        Self {
            rate: [
                rate(FindingKind::Tachycardia, Side::Above, settings.tachycardia_bpm),
                rate(FindingKind::Bradycardia, Side::Below, settings.bradycardia_bpm),
            ],
            variability: [
                variability(
                    FindingKind::ReducedVariability,
                    Side::AtMost,
                    reduced,
                    settings.reduced_variability_first_s,
                ),
                variability(
                    FindingKind::IncreasedVariability,
                    Side::Above,
                    increased,
                    settings.increased_variability_first_s,
                ),
            ],
        }
    }

    /// Takes the baseline of one second.
    pub(crate) fn push_baseline(&mut self, second: u32, baseline_bpm: Option<f32>) -> Vec<Draft> {
        self.rate.iter_mut().filter_map(|lasting| lasting.push(second, 1, baseline_bpm)).collect()
    }

    /// Takes the sums of one whole minute.
    pub(crate) fn push_minute(&mut self, minute: &Minute) -> Vec<Draft> {
        let second = minute.index * 60;
        self.variability.iter_mut().filter_map(|lasting| lasting.push(second, 60, minute.variability_bpm)).collect()
    }

    /// Ends what is going on.
    pub(crate) fn finish(&mut self) -> Vec<Draft> {
        self.rate.iter_mut().chain(&mut self.variability).filter_map(Lasting::finish).collect()
    }
}
