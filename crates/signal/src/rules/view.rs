//! The stretch of trace that a rule set looks at, and what it measures there.

use ctg::{DecelerationKind, Interval};

use super::{Answer, Classification, Concern, Context, Criterion, Level, Reason, RuleSet};
use crate::Features;
use crate::features::{Contraction, Deceleration, Event, Minute};

/// Minutes over which loss is judged, and baseline variability counts as the present one.
const TEN_MINUTES: usize = 10;
/// Share of lost samples in ten minutes above which nothing is concluded.
const LOSS_MAX: f64 = 0.5;
/// A deceleration belongs to a contraction that ended at most this long before its onset, s.
const AFTER_CONTRACTION_S: f64 = 60.0;

/// The last minutes of a trace, without holes.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    features: &'a Features,
    minutes: &'a [Minute],
}

impl<'a> View<'a> {
    /// The last `most_min` minutes known.
    pub(super) fn last(features: &'a Features, most_min: usize) -> Self {
        let all = &features.minutes;
        let hole = all.windows(2).rposition(|pair| pair[1].index != pair[0].index + 1).map_or(0, |before| before + 1);
        let first = hole.max(all.len().saturating_sub(most_min));
        Self { features, minutes: &all[first..] }
    }

    /// The same stretch, only its last `most_min` minutes.
    pub(super) fn tail(&self, most_min: usize) -> Self {
        Self { minutes: &self.minutes[self.minutes.len().saturating_sub(most_min)..], ..*self }
    }

    /// The same stretch, only its first `most_min` minutes.
    pub(super) fn head(&self, most_min: usize) -> Self {
        Self { minutes: &self.minutes[..self.minutes.len().min(most_min)], ..*self }
    }

    /// Whole minutes known.
    pub(super) fn length_min(&self) -> usize {
        self.minutes.len()
    }

    /// The stretch itself.
    pub(super) fn interval(&self) -> Interval {
        self.features.interval(self.start_s(), self.end_s())
    }

    /// The minutes, oldest first.
    pub(super) fn minutes(&self) -> &'a [Minute] {
        self.minutes
    }

    /// Why nothing may be concluded; `None` if it may.
    pub(super) fn refusal(&self, needs_min: usize, needs: &'static str) -> Option<Answer> {
        let loss_ratio = self.worst_loss();
        if self.length_min() >= TEN_MINUTES && loss_ratio > LOSS_MAX {
            return Some(Answer::Uninterpretable { loss_ratio });
        }
        (self.length_min() < needs_min).then_some(Answer::Insufficient { needs })
    }

    /// Median baseline of the minutes.
    pub(super) fn baseline_bpm(&self) -> Option<f64> {
        self.median(|minute| minute.baseline_bpm)
    }

    /// Median baseline variability of the minutes.
    pub(super) fn variability_bpm(&self) -> Option<f64> {
        self.median(|minute| minute.variability_bpm)
    }

    /// Median number of oscillations a minute.
    pub(super) fn oscillations_per_min(&self) -> Option<f64> {
        self.median(|minute| minute.oscillations)
    }

    /// Most minutes in a row of which `holds` is true; minutes of which it is not known neither count nor end the row.
    pub(super) fn longest_row_min(&self, holds: impl Fn(&Minute) -> Option<bool>) -> Option<f64> {
        let known: Vec<bool> = self.minutes.iter().filter_map(holds).collect();
        let rows = known.split(|held| !held).map(<[bool]>::len);
        (!known.is_empty()).then(|| rows.max().unwrap_or(0) as f64)
    }

    /// Most minutes in a row with a sinusoidal trace.
    pub(super) fn sinusoidal_min(&self) -> Option<f64> {
        self.longest_row_min(|minute| Some(minute.sinusoidal))
    }

    /// Accelerations of the size that the gestational age asks for.
    pub(super) fn accelerations(&self, context: &Context) -> f64 {
        let (amplitude_bpm, duration_s) = context.acceleration_limits();
        let large = |event: &&Event| event.amplitude_bpm >= amplitude_bpm && event.duration_s() >= duration_s;
        self.all_accelerations().filter(large).count() as f64
    }

    /// Every acceleration.
    pub(super) fn all_accelerations(&self) -> impl Iterator<Item = &'a Event> {
        let (from_s, until_s) = (self.start_s(), self.end_s());
        self.features.accelerations.iter().filter(move |event| event.end_s > from_s && event.start_s < until_s)
    }

    /// Every deceleration.
    pub(super) fn decelerations(&self) -> impl Iterator<Item = &'a Deceleration> {
        let (from_s, until_s) = (self.start_s(), self.end_s());
        let inside = move |one: &&Deceleration| one.event.end_s > from_s && one.event.start_s < until_s;
        self.features.decelerations.iter().filter(inside)
    }

    /// Decelerations that `chosen` takes.
    pub(super) fn count(&self, chosen: impl Fn(&Deceleration) -> bool) -> f64 {
        self.decelerations().filter(|one| chosen(one)).count() as f64
    }

    /// Length of the longest deceleration that `chosen` takes; 0 without any.
    pub(super) fn longest_s(&self, chosen: impl Fn(&Deceleration) -> bool) -> f64 {
        self.decelerations().filter(|one| chosen(one)).map(|one| one.event.duration_s()).fold(0.0, f64::max)
    }

    /// Contractions; `None` when uterine activity is not measured.
    pub(super) fn contractions(&self) -> Option<Vec<&'a Contraction>> {
        let (from_s, until_s) = (self.start_s(), self.end_s());
        let inside = |one: &&Contraction| one.end_s > from_s && one.start_s < until_s;
        self.features.contractions.as_ref().map(|all| all.iter().filter(inside).collect())
    }

    /// Share of the contractions that have a deceleration which `chosen` takes; `None` without contractions.
    pub(super) fn share(&self, chosen: impl Fn(&Deceleration) -> bool) -> Option<f64> {
        let contractions = self.contractions().filter(|all| !all.is_empty())?;
        let has_one = |contraction: &&&Contraction| {
            let until_s = contraction.end_s + AFTER_CONTRACTION_S;
            let beside = |event: &Event| event.end_s > contraction.start_s && event.start_s < until_s;
            self.features.decelerations.iter().any(|one| chosen(one) && beside(&one.event))
        };
        Some(contractions.iter().filter(has_one).count() as f64 / contractions.len() as f64)
    }

    /// The greatest such share in any `most_min` minutes of the stretch.
    pub(super) fn greatest_share(&self, most_min: usize, chosen: impl Fn(&Deceleration) -> bool) -> Option<f64> {
        let windows = self.minutes.windows(most_min.min(self.minutes.len()).max(1));
        windows.filter_map(|minutes| Self { minutes, ..*self }.share(&chosen)).reduce(f64::max)
    }

    /// Contractions in ten minutes, averaged over the stretch; `None` when not measured.
    pub(super) fn contractions_per_ten_min(&self) -> Option<f64> {
        let begun = self.contractions()?.iter().filter(|one| one.start_s >= self.start_s()).count();
        (self.length_min() > 0).then(|| begun as f64 * TEN_MINUTES as f64 / self.length_min() as f64)
    }

    /// Movements that the mother felt.
    pub(super) fn movements_s(&self) -> Vec<f64> {
        let (from_s, until_s) = (self.start_s(), self.end_s());
        self.features.movements_s.iter().copied().filter(|at_s| (from_s..until_s).contains(at_s)).collect()
    }

    /// First second.
    pub(super) fn start_s(&self) -> f64 {
        self.minutes.first().map_or(self.features.until_s, |minute| f64::from(minute.index) * 60.0)
    }

    /// First second after.
    pub(super) fn end_s(&self) -> f64 {
        self.minutes.last().map_or(self.features.until_s, |minute| f64::from(minute.index + 1) * 60.0)
    }

    fn worst_loss(&self) -> f64 {
        let windows = self.minutes.windows(TEN_MINUTES.min(self.minutes.len()).max(1));
        let loss = windows.map(|minutes| {
            minutes.iter().map(|minute| f64::from(minute.loss_ratio)).sum::<f64>() / minutes.len() as f64
        });
        loss.fold(0.0, f64::max)
    }

    fn median(&self, value: impl Fn(&Minute) -> Option<f32>) -> Option<f64> {
        let mut values: Vec<f64> = self.minutes.iter().filter_map(value).map(f64::from).collect();
        values.sort_by(f64::total_cmp);
        let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
        Some(f64::midpoint(*low, *high))
    }
}

/// True for the types of a deceleration that stand beside none of the others.
pub(super) fn is_late(one: &Deceleration) -> bool {
    one.kind == DecelerationKind::Late
}

/// True for variable decelerations, and for those whose type is not known, which may be.
pub(super) fn is_variable(one: &Deceleration) -> bool {
    matches!(one.kind, DecelerationKind::Variable | DecelerationKind::Untyped)
}

/// True for prolonged decelerations.
pub(super) fn is_prolonged(one: &Deceleration) -> bool {
    one.kind == DecelerationKind::Prolonged
}

/// Gives an answer the shape that all rule sets share.
pub(super) fn say(rule_set: RuleSet, view: &View<'_>, answer: Answer, criteria: Vec<Criterion>) -> Classification {
    Classification { rule_set, version: rule_set.version(), answer, criteria, interval: view.interval() }
}

/// The answer of a rule set that is not made for this recording.
pub(super) fn not_applicable(rule_set: RuleSet, view: &View<'_>, reason: Reason) -> Classification {
    say(rule_set, view, Answer::NotApplicable { reason }, Vec::new())
}

/// The worst level decides; what is not known counts as suspicious, since normal would be a claim.
pub(super) fn worst(criteria: &[Criterion]) -> Concern {
    let concern = |criterion: &Criterion| match criterion.level {
        Level::Pathological => Concern::Pathological,
        Level::Suspicious | Level::Undetermined => Concern::Suspicious,
        Level::Normal | Level::Points(_) => Concern::Normal,
    };
    criteria.iter().map(concern).max().unwrap_or(Concern::Suspicious)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{BEFORE_LABOR, quiet};
    use super::*;

    #[test]
    fn a_hole_cuts_the_view() {
        let mut features = quiet(40);
        features.minutes.remove(24);
        assert_eq!(View::last(&features, 60).length_min(), 15);
        assert_eq!(View::last(&features, 60).start_s(), 25.0 * 60.0);
        assert_eq!(View::last(&features, 10).length_min(), 10);
    }

    #[test]
    fn rows_of_minutes_are_not_broken_by_unknown_ones() {
        let mut features = quiet(10);
        features.minutes[3].variability_bpm = None;
        features.minutes[7].variability_bpm = Some(3.0);
        let view = View::last(&features, 10);
        let moderate = |minute: &Minute| minute.variability_bpm.map(|bpm| bpm > 5.0);
        assert_eq!(view.longest_row_min(moderate), Some(6.0));
        assert_eq!(view.longest_row_min(|_| None), None);
    }

    #[test]
    fn shares_count_contractions_and_not_decelerations() {
        let both =
            quiet(20).with_contractions(1, DecelerationKind::Late).deceleration(1010.0, 30.0, DecelerationKind::Late);
        let view = View::last(&both, 20);
        assert_eq!(view.share(is_late), Some(0.25));
        assert_eq!(view.share(is_variable), Some(0.0));
        assert_eq!(view.greatest_share(10, is_late), Some(0.5));
        assert_eq!(view.contractions_per_ten_min(), Some(2.0));
        let none = Features { contractions: Some(Vec::new()), ..both };
        assert_eq!(View::last(&none, 20).share(is_late), None);
    }

    #[test]
    fn an_empty_trace_has_no_values() {
        let empty = quiet(0);
        let view = View::last(&empty, 60);
        assert_eq!(view.refusal(10, "10 min"), Some(Answer::Insufficient { needs: "10 min" }));
        assert_eq!((view.baseline_bpm(), view.sinusoidal_min(), view.contractions_per_ten_min()), (None, None, None));
        assert_eq!(view.accelerations(&BEFORE_LABOR), 0.0);
    }

    #[test]
    fn ten_lost_minutes_anywhere_forbid_a_conclusion() {
        let mut features = quiet(40);
        features.minutes[5..15].iter_mut().for_each(|minute| minute.loss_ratio = 0.51);
        assert!(View::last(&features, 40).refusal(10, "").is_some());
        assert!(View::last(&features, 25).refusal(10, "").is_none());
    }
}
