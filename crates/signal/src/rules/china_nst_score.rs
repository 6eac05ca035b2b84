//! The Chinese score of the non-stress test (NST 评分), 20 min, five items.
//!
//! As in Chinese textbooks of obstetrics (妇产科学, People's Medical Publishing House) and the products that code it: how
//! long and how high the rate rises with a movement is taken from the accelerations beside the mother's movements.

use super::score::{Bands, sum};
use super::table::{Limit, Table};
use super::view::{View, not_applicable, say};
use super::{Classification, Context, Labor, Level, Reason, RuleSet};
use crate::Features;
use crate::features::Event;

const BASELINE: Table = Table {
    rule: "baseline",
    unit: "bpm",
    rows: &[
        (Limit::Below(100.0), Level::Points(0)),
        (Limit::Below(110.0), Level::Points(1)),
        (Limit::AtMost(160.0), Level::Points(2)),
        (Limit::Above(160.0), Level::Points(1)),
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
const RISE_DURATION: Table = Table {
    rule: "rise_with_movement_duration",
    unit: "s",
    rows: &[
        (Limit::Below(10.0), Level::Points(0)),
        (Limit::Below(15.0), Level::Points(1)),
        (Limit::AtLeast(15.0), Level::Points(2)),
    ],
};
const RISE_AMPLITUDE: Table = Table {
    rule: "rise_with_movement_amplitude",
    unit: "bpm",
    rows: &[
        (Limit::Below(10.0), Level::Points(0)),
        (Limit::Below(15.0), Level::Points(1)),
        (Limit::AtLeast(15.0), Level::Points(2)),
    ],
};
const MOVEMENTS: Table = Table {
    rule: "movements",
    unit: "in 20 min",
    rows: &[
        (Limit::AtMost(0.0), Level::Points(0)),
        (Limit::AtMost(2.0), Level::Points(1)),
        (Limit::AtLeast(3.0), Level::Points(2)),
    ],
};
/// 8 to 10 normal, 5 to 7 doubtful, 4 and less pathological.
const BANDS: Bands = Bands { normal_from: 8, suspicious_from: 5 };
/// The stretch that is looked at, min.
const LOOKED_AT_MIN: usize = 20;
/// An acceleration belongs to a movement that was felt this long before its onset up to this long after its end, s.
const BESIDE_S: f64 = 30.0;

/// What the Chinese score of the non-stress test says of a trace.
pub(super) fn classify(features: &Features, context: &Context) -> Classification {
    let view = View::last(features, LOOKED_AT_MIN);
    if context.labor == Labor::Intrapartum {
        return not_applicable(RuleSet::ChinaNstScore, &view, Reason::Intrapartum);
    }
    if let Some(refusal) = view.refusal(LOOKED_AT_MIN, "20 min") {
        return say(RuleSet::ChinaNstScore, &view, refusal, Vec::new());
    }
    let (all, movements_s) = (view.interval(), view.movements_s());
    let rises: Vec<&Event> = view.all_accelerations().filter(|event| is_beside(event, &movements_s)).collect();
    let greatest = |value: fn(&Event) -> f64| rises.iter().map(|event| value(event)).fold(0.0, f64::max);
    let criteria = vec![
        BASELINE.judge(view.baseline_bpm(), all),
        AMPLITUDE.judge(view.variability_bpm(), all),
        RISE_DURATION.judge(Some(greatest(Event::duration_s)), all),
        RISE_AMPLITUDE.judge(Some(greatest(|event| event.amplitude_bpm)), all),
        MOVEMENTS.judge(Some(movements_s.len() as f64), all),
    ];
    sum(RuleSet::ChinaNstScore, &view, criteria, BANDS)
}

fn is_beside(event: &Event, movements_s: &[f64]) -> bool {
    movements_s.iter().any(|at_s| (event.start_s - BESIDE_S..event.end_s + BESIDE_S).contains(at_s))
}

#[cfg(test)]
mod tests {
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
        for table in [&RISE_DURATION, &RISE_AMPLITUDE] {
            check(
                table,
                &[(9.9, Points(0)), (10.0, Points(1)), (14.9, Points(1)), (15.0, Points(2)), (15.1, Points(2))],
            );
        }
        check(&MOVEMENTS, &[(0.0, Points(0)), (1.0, Points(1)), (2.0, Points(1)), (3.0, Points(2)), (4.0, Points(2))]);
    }

    #[test]
    fn sums() {
        let check_points = |movements_s: Vec<f64>, points, concern| {
            let features = Features { movements_s, ..quiet(20).acceleration(600.0, 20.0, 20.0) };
            let said = RuleSet::ChinaNstScore.classify(&features, &BEFORE_LABOR);
            assert_eq!(said.answer, Answer::Score { points, of: 10, concern }, "{:#?}", said.criteria);
        };
        check_points(vec![100.0, 595.0, 900.0], 10, Concern::Normal);
        check_points(vec![571.0], 9, Concern::Normal);
        check_points(vec![569.0], 5, Concern::Suspicious);
        check_points(Vec::new(), 4, Concern::Pathological);
    }
}
