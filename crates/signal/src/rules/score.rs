//! What scores share: criteria with points, a sum, and bands of the sum.

use super::view::{View, say};
use super::{Answer, Classification, Concern, Criterion, Level, RuleSet};

/// The sum from which a score is normal, and from which it is suspicious.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bands {
    pub(super) normal_from: u8,
    pub(super) suspicious_from: u8,
}

/// Adds the points; a criterion that could not be determined gets none.
pub(super) fn sum(rule_set: RuleSet, view: &View<'_>, criteria: Vec<Criterion>, bands: Bands) -> Classification {
    const POINTS_MAX: u8 = 2;
    let points = criteria.iter().map(points).sum();
    let of = POINTS_MAX * u8::try_from(criteria.len()).unwrap_or(u8::MAX / POINTS_MAX);
    let concern = if points >= bands.normal_from {
        Concern::Normal
    } else if points >= bands.suspicious_from {
        Concern::Suspicious
    } else {
        Concern::Pathological
    };
    say(rule_set, view, Answer::Score { points, of, concern }, criteria)
}

/// The criterion with fewer points of two that share one place in the sum.
pub(super) fn fewer(one: Criterion, other: Criterion) -> Criterion {
    if points(&other) < points(&one) { other } else { one }
}

fn points(criterion: &Criterion) -> u8 {
    match criterion.level {
        Level::Points(points) => points,
        Level::Normal | Level::Suspicious | Level::Pathological | Level::Undetermined => 0,
    }
}
