//! Fischer's score as used in China, 20 min.
//!
//! Fischer WM, Stude I, Brandt H. Ein Vorschlag zur Beurteilung des antepartualen Kardiotokogramms, Z Geburtshilfe
//! Perinatol 1976;180:117-123, with the counts of accelerations that Chinese products use. Prolonged decelerations get
//! no points, like late ones.

use super::score::{Bands, fewer, sum};
use super::table::{Limit, Table};
use super::view::{View, is_late, is_prolonged, is_variable, not_applicable, say};
use super::{Classification, Context, Labor, Level, Reason, RuleSet};
use crate::Features;

const BASELINE: Table = Table {
    rule: "baseline",
    unit: "bpm",
    rows: &[
        (Limit::Within(110.0, 160.0), Level::Points(2)),
        (Limit::Within(100.0, 180.0), Level::Points(1)),
        (Limit::Below(100.0), Level::Points(0)),
        (Limit::Above(180.0), Level::Points(0)),
    ],
};
const AMPLITUDE: Table = Table {
    rule: "amplitude",
    unit: "bpm",
    rows: &[
        (Limit::Below(5.0), Level::Points(0)),
        (Limit::Below(10.0), Level::Points(1)),
        (Limit::AtMost(30.0), Level::Points(2)),
        (Limit::Above(30.0), Level::Points(1)),
    ],
};
const FREQUENCY: Table = Table {
    rule: "oscillations",
    unit: "per min",
    rows: &[
        (Limit::Below(2.0), Level::Points(0)),
        (Limit::AtMost(6.0), Level::Points(1)),
        (Limit::Above(6.0), Level::Points(2)),
    ],
};
const ACCELERATIONS: Table = Table {
    rule: "accelerations",
    unit: "in 20 min",
    rows: &[
        (Limit::AtMost(0.0), Level::Points(0)),
        (Limit::AtMost(4.0), Level::Points(1)),
        (Limit::Above(4.0), Level::Points(2)),
    ],
};
const LATE: Table = Table {
    rule: "late_or_prolonged_decelerations",
    unit: "in 20 min",
    rows: &[(Limit::AtLeast(1.0), Level::Points(0)), (Limit::AtMost(0.0), Level::Points(2))],
};
const VARIABLE: Table = Table {
    rule: "variable_decelerations",
    unit: "in 20 min",
    rows: &[(Limit::AtLeast(1.0), Level::Points(1)), (Limit::AtMost(0.0), Level::Points(2))],
};
/// 8 to 10 normal, 5 to 7 doubtful, 4 and less pathological.
const BANDS: Bands = Bands { normal_from: 8, suspicious_from: 5 };
/// The stretch that is looked at, min.
const LOOKED_AT_MIN: usize = 20;

/// What Fischer's score says of a trace.
pub(super) fn classify(features: &Features, context: &Context) -> Classification {
    let view = View::last(features, LOOKED_AT_MIN);
    if context.labor == Labor::Intrapartum {
        return not_applicable(RuleSet::Fischer1976, &view, Reason::Intrapartum);
    }
    if let Some(refusal) = view.refusal(LOOKED_AT_MIN, "20 min") {
        return say(RuleSet::Fischer1976, &view, refusal, Vec::new());
    }
    let all = view.interval();
    let late = view.count(|one| is_late(one) || is_prolonged(one));
    let criteria = vec![
        BASELINE.judge(view.baseline_bpm(), all),
        AMPLITUDE.judge(view.variability_bpm(), all),
        FREQUENCY.judge(view.oscillations_per_min(), all),
        ACCELERATIONS.judge(Some(view.accelerations(context)), all),
        fewer(LATE.judge(Some(late), all), VARIABLE.judge(Some(view.count(is_variable)), all)),
    ];
    sum(RuleSet::Fischer1976, &view, criteria, BANDS)
}

#[cfg(test)]
mod tests {
    use ctg::DecelerationKind;

    use super::super::sample::{BEFORE_LABOR, quiet};
    use super::super::table::check;
    use super::super::{Answer, Concern};
    use super::*;

    #[test]
    fn rows() {
        use Level::Points;
        check(
            &BASELINE,
            &[
                (99.9, Points(0)),
                (100.0, Points(1)),
                (109.9, Points(1)),
                (110.0, Points(2)),
                (160.0, Points(2)),
                (160.1, Points(1)),
                (180.0, Points(1)),
                (180.1, Points(0)),
            ],
        );
        check(
            &AMPLITUDE,
            &[
                (4.9, Points(0)),
                (5.0, Points(1)),
                (9.9, Points(1)),
                (10.0, Points(2)),
                (30.0, Points(2)),
                (30.1, Points(1)),
            ],
        );
        check(&FREQUENCY, &[(1.9, Points(0)), (2.0, Points(1)), (6.0, Points(1)), (6.1, Points(2))]);
        check(&ACCELERATIONS, &[(0.0, Points(0)), (1.0, Points(1)), (4.0, Points(1)), (5.0, Points(2))]);
        check(&LATE, &[(0.0, Points(2)), (1.0, Points(0)), (2.0, Points(0))]);
        check(&VARIABLE, &[(0.0, Points(2)), (1.0, Points(1)), (2.0, Points(1))]);
    }

    fn check_points(features: &Features, points: u8, concern: Concern) {
        let said = RuleSet::Fischer1976.classify(features, &BEFORE_LABOR);
        assert_eq!(said.answer, Answer::Score { points, of: 10, concern }, "{:#?}", said.criteria);
    }

    #[test]
    fn sums() {
        let accelerating = |count: u32| {
            (0..count).fold(quiet(20), |features, number| features.acceleration(f64::from(number) * 200.0, 20.0, 20.0))
        };
        check_points(&accelerating(5), 10, Concern::Normal);
        check_points(&accelerating(0), 8, Concern::Normal);
        check_points(&accelerating(0).deceleration(600.0, 40.0, DecelerationKind::Variable), 7, Concern::Suspicious);
        let narrow = quiet(20).last_minutes(20, |minute| minute.variability_bpm = Some(5.0));
        let late = narrow.deceleration(600.0, 40.0, DecelerationKind::Late);
        check_points(&late, 5, Concern::Suspicious);
        let slow = late.last_minutes(20, |minute| minute.baseline_bpm = Some(100.0));
        check_points(&slow, 4, Concern::Pathological);
    }
}
