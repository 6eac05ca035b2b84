//! Krebs's score, 30 min, six items.
//!
//! Krebs HB, Petres RE, Dunn LJ et al., Intrapartum fetal heart rate monitoring I: classification and prognosis of fetal
//! heart rate patterns, Am J Obstet Gynecol 1979;133:762-772; applied before labor with the mother's movements.
//! Prolonged decelerations count as late ones.

use super::score::{Bands, sum};
use super::table::{Limit, Table};
use super::view::{View, is_late, is_prolonged, is_variable, say};
use super::{Classification, Context, Level, RuleSet};
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
        (Limit::AtMost(25.0), Level::Points(2)),
        (Limit::Above(25.0), Level::Points(1)),
    ],
};
const FREQUENCY: Table = Table {
    rule: "oscillations",
    unit: "per min",
    rows: &[
        (Limit::Below(3.0), Level::Points(0)),
        (Limit::AtMost(6.0), Level::Points(1)),
        (Limit::Above(6.0), Level::Points(2)),
    ],
};
const ACCELERATIONS: Table = Table {
    rule: "accelerations",
    unit: "in 30 min",
    rows: &[
        (Limit::AtMost(0.0), Level::Points(0)),
        (Limit::AtMost(4.0), Level::Points(1)),
        (Limit::Above(4.0), Level::Points(2)),
    ],
};
const DECELERATIONS: Table = Table {
    rule: "late_and_variable_decelerations",
    unit: "in 30 min",
    rows: &[
        (Limit::AtLeast(2.0), Level::Points(0)),
        (Limit::AtLeast(1.0), Level::Points(1)),
        (Limit::AtMost(0.0), Level::Points(2)),
    ],
};
const MOVEMENTS: Table = Table {
    rule: "movements",
    unit: "in 30 min",
    rows: &[
        (Limit::AtMost(0.0), Level::Points(0)),
        (Limit::AtMost(4.0), Level::Points(1)),
        (Limit::Above(4.0), Level::Points(2)),
    ],
};
/// 9 to 12 good, 6 to 8 caution, 5 and less threat.
const BANDS: Bands = Bands { normal_from: 9, suspicious_from: 6 };
/// The stretch that is looked at, min.
const LOOKED_AT_MIN: usize = 30;

/// What Krebs's score says of a trace.
pub(super) fn classify(features: &Features, context: &Context) -> Classification {
    let view = View::last(features, LOOKED_AT_MIN);
    if let Some(refusal) = view.refusal(LOOKED_AT_MIN, "30 min") {
        return say(RuleSet::Krebs1979, &view, refusal, Vec::new());
    }
    let all = view.interval();
    let decelerations = view.count(|one| is_late(one) || is_prolonged(one) || is_variable(one));
    let criteria = vec![
        BASELINE.judge(view.baseline_bpm(), all),
        AMPLITUDE.judge(view.variability_bpm(), all),
        FREQUENCY.judge(view.oscillations_per_min(), all),
        ACCELERATIONS.judge(Some(view.accelerations(context)), all),
        DECELERATIONS.judge(Some(decelerations), all),
        MOVEMENTS.judge(Some(view.movements_s().len() as f64), all),
    ];
    sum(RuleSet::Krebs1979, &view, criteria, BANDS)
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
                (25.0, Points(2)),
                (25.1, Points(1)),
            ],
        );
        check(&FREQUENCY, &[(2.9, Points(0)), (3.0, Points(1)), (6.0, Points(1)), (6.1, Points(2))]);
        check(&DECELERATIONS, &[(0.0, Points(2)), (1.0, Points(1)), (2.0, Points(0)), (3.0, Points(0))]);
        for table in [&ACCELERATIONS, &MOVEMENTS] {
            check(table, &[(0.0, Points(0)), (1.0, Points(1)), (4.0, Points(1)), (5.0, Points(2))]);
        }
    }

    #[test]
    fn sums() {
        let check_points = |features: &Features, points, concern| {
            let said = RuleSet::Krebs1979.classify(features, &BEFORE_LABOR);
            assert_eq!(said.answer, Answer::Score { points, of: 12, concern }, "{:#?}", said.criteria);
        };
        let moving =
            |count: u32| Features { movements_s: (0..count).map(|at| f64::from(at) * 60.0).collect(), ..quiet(30) };
        check_points(&moving(5).acceleration(900.0, 20.0, 20.0), 11, Concern::Normal);
        check_points(&moving(1), 9, Concern::Normal);
        check_points(&moving(0), 8, Concern::Suspicious);
        let decelerating = quiet(30).with_contractions(2, DecelerationKind::Late);
        check_points(&decelerating, 6, Concern::Suspicious);
        check_points(
            &decelerating.last_minutes(30, |minute| minute.variability_bpm = Some(9.0)),
            5,
            Concern::Pathological,
        );
    }
}
