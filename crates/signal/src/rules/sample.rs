//! Features written down for tests: a quiet hour, and changes to it.

use ctg::{DecelerationKind, FetusIndex, Timestamp};

use super::{Answer, Concern, Context, Labor, RuleSet};
use crate::features::{Contraction, Deceleration, Event, Features, Minute};

/// In labor, at term.
pub(super) const IN_LABOR: Context = Context { gestation_days: Some(39 * 7), labor: Labor::Intrapartum };
/// Before labor, at term.
pub(super) const BEFORE_LABOR: Context = Context { gestation_days: Some(39 * 7), labor: Labor::Antenatal };

/// A quiet trace of `minutes`: baseline 140, variability 12, a contraction every five minutes.
pub(super) fn quiet(minutes: u32) -> Features {
    let minute = |index| Minute {
        index,
        baseline_bpm: Some(140.0),
        variability_bpm: Some(12.0),
        oscillations: Some(7.0),
        stv16_ms: Some(8.0),
        stv240_ms: Some(1.0),
        ltv_ms: Some(45.0),
        range_bpm: Some(16.0),
        sinusoidal: false,
        loss_ratio: 0.0,
    };
    let contraction =
        |at: u32| Contraction { start_s: f64::from(at), peak_s: f64::from(at) + 30.0, end_s: f64::from(at) + 60.0 };
    Features {
        fetus: FetusIndex::FIRST,
        start: Timestamp::from_micros(0),
        until_s: f64::from(minutes) * 60.0,
        low_resolution: false,
        minutes: (0..minutes).map(minute).collect(),
        accelerations: Vec::new(),
        decelerations: Vec::new(),
        contractions: Some((0..minutes / 5).map(|number| contraction(number * 300 + 60)).collect()),
        movements_s: Vec::new(),
    }
}

impl Features {
    /// Changes the last `count` minutes.
    pub(super) fn last_minutes(mut self, count: usize, change: impl Fn(&mut Minute)) -> Self {
        let first = self.minutes.len().saturating_sub(count);
        self.minutes[first..].iter_mut().for_each(change);
        self
    }

    /// Adds an acceleration.
    pub(super) fn acceleration(mut self, start_s: f64, duration_s: f64, amplitude_bpm: f64) -> Self {
        self.accelerations.push(event(start_s, duration_s, amplitude_bpm));
        self
    }

    /// Adds a deceleration of 30 bpm.
    pub(super) fn deceleration(mut self, start_s: f64, duration_s: f64, kind: DecelerationKind) -> Self {
        self.decelerations.push(Deceleration { event: event(start_s, duration_s, 30.0), kind });
        self
    }

    /// Adds a deceleration of 60 s to each of the last `count` contractions.
    pub(super) fn with_contractions(mut self, count: usize, kind: DecelerationKind) -> Self {
        let all = self.contractions.clone().unwrap_or_default();
        for contraction in all.iter().rev().take(count) {
            self = self.deceleration(contraction.start_s + 20.0, 60.0, kind);
        }
        self
    }
}

fn event(start_s: f64, duration_s: f64, amplitude_bpm: f64) -> Event {
    Event {
        start_s,
        end_s: start_s + duration_s,
        extreme_s: start_s + duration_s / 2.0,
        amplitude_bpm,
        area_beats: amplitude_bpm * duration_s / 120.0,
    }
}

/// Compares the class that a rule set gives.
pub(super) fn check(rule_set: RuleSet, features: &Features, context: &Context, code: &'static str, concern: Concern) {
    let said = rule_set.classify(features, context);
    assert_eq!(said.answer, Answer::Class { code, concern }, "{:#?}", said.criteria);
    for criterion in &said.criteria {
        assert_eq!(criterion.value.is_some(), criterion.limit.is_some(), "{}", criterion.rule);
    }
}
