//! Chinese consensus 2015, antenatal non-stress test.
//!
//! Chinese Society of Perinatal Medicine, 电子胎心监护应用专家共识, 中华围产医学杂志 2015;18(7):486-490: reactive with
//! two accelerations in 20 min (15 bpm × 15 s; 10 × 10 before 32 weeks), extended to 40 min otherwise; the graded table
//! (after SOGC 2007) as fielded products code it. "Baseline rising" is in that table without a figure and is not
//! judged.

use super::table::{Limit, Table};
use super::view::{View, is_late, is_prolonged, is_variable, not_applicable, say, worst};
use super::{Answer, Classification, Concern, Context, Criterion, Labor, Level, Reason, RuleSet};
use crate::Features;

const BASELINE: Table = Table {
    rule: "baseline",
    unit: "bpm",
    rows: &[
        (Limit::Below(100.0), Level::Pathological),
        (Limit::Below(110.0), Level::Suspicious),
        (Limit::AtMost(160.0), Level::Normal),
        (Limit::Above(160.0), Level::Suspicious),
    ],
};
const TACHYCARDIA: Table = Table {
    rule: "tachycardia",
    unit: "min above 160 bpm",
    rows: &[(Limit::AtLeast(30.0), Level::Pathological), (Limit::Below(30.0), Level::Normal)],
};
const REDUCED_VARIABILITY: Table = Table {
    rule: "reduced_variability",
    unit: "min up to 5 bpm",
    rows: &[
        (Limit::Above(80.0), Level::Pathological),
        (Limit::AtLeast(40.0), Level::Suspicious),
        (Limit::Below(40.0), Level::Normal),
    ],
};
const INCREASED_VARIABILITY: Table = Table {
    rule: "increased_variability",
    unit: "min above 25 bpm",
    rows: &[(Limit::Above(10.0), Level::Pathological), (Limit::AtMost(10.0), Level::Normal)],
};
const SINUSOIDAL: Table = Table {
    rule: "sinusoidal",
    unit: "min",
    rows: &[(Limit::AtLeast(10.0), Level::Pathological), (Limit::Below(10.0), Level::Normal)],
};
const VARIABLE: Table = Table {
    rule: "longest_variable_deceleration",
    unit: "s",
    rows: &[
        (Limit::Above(60.0), Level::Pathological),
        (Limit::AtLeast(30.0), Level::Suspicious),
        (Limit::Below(30.0), Level::Normal),
    ],
};
const LATE: Table = Table {
    rule: "late_or_prolonged_decelerations",
    unit: "",
    rows: &[(Limit::AtLeast(1.0), Level::Pathological), (Limit::AtMost(0.0), Level::Normal)],
};
const REACTIVE: Table = Table {
    rule: "accelerations_20_min",
    unit: "",
    rows: &[(Limit::AtLeast(2.0), Level::Normal), (Limit::Below(2.0), Level::Undetermined)],
};
const ACCELERATIONS_40_MIN: Table = Table {
    rule: "accelerations_40_min",
    unit: "",
    rows: &[(Limit::AtLeast(2.0), Level::Normal), (Limit::Below(2.0), Level::Suspicious)],
};
const ACCELERATIONS_80_MIN: Table = Table {
    rule: "accelerations_80_min",
    unit: "",
    rows: &[(Limit::AtLeast(2.0), Level::Normal), (Limit::Below(2.0), Level::Pathological)],
};

/// The longest stretch that any rule asks for, min.
const LOOKED_AT_MIN: usize = 90;

/// What the non-stress test of the Chinese consensus of 2015 says of a trace.
pub(super) fn classify(features: &Features, context: &Context) -> Classification {
    let view = View::last(features, LOOKED_AT_MIN);
    if context.labor == Labor::Intrapartum {
        return not_applicable(RuleSet::China2015Nst, &view, Reason::Intrapartum);
    }
    if let Some(refusal) = view.refusal(20, "20 min") {
        return say(RuleSet::China2015Nst, &view, refusal, Vec::new());
    }
    let mut criteria = criteria(&view);
    let accelerations = accelerations(&view, context);
    let waits = accelerations.level == Level::Undetermined;
    criteria.push(accelerations);
    let judged = if waits { &criteria[..criteria.len() - 1] } else { &criteria[..] };
    let answer = match worst(judged) {
        Concern::Pathological => Answer::Class { code: "abnormal", concern: Concern::Pathological },
        Concern::Suspicious | Concern::Normal if waits => Answer::Insufficient { needs: "40 min" },
        Concern::Suspicious => Answer::Class { code: "atypical", concern: Concern::Suspicious },
        Concern::Normal => Answer::Class { code: "normal", concern: Concern::Normal },
    };
    say(RuleSet::China2015Nst, &view, answer, criteria)
}

fn criteria(view: &View<'_>) -> Vec<Criterion> {
    let (now, all) = (view.tail(10), view.interval());
    let row = |holds: fn(f32) -> bool, value: fn(&crate::Minute) -> Option<f32>| {
        view.longest_row_min(|minute| value(minute).map(holds))
    };
    let above_160 = row(|bpm| bpm > 160.0, |minute| minute.baseline_bpm);
    let reduced = row(|bpm| bpm <= 5.0, |minute| minute.variability_bpm);
    let increased = row(|bpm| bpm > 25.0, |minute| minute.variability_bpm);
    vec![
        BASELINE.judge(now.baseline_bpm(), now.interval()),
        TACHYCARDIA.judge(above_160, all),
        REDUCED_VARIABILITY.judge(reduced, all),
        INCREASED_VARIABILITY.judge(increased, all),
        SINUSOIDAL.judge(view.sinusoidal_min(), all),
        VARIABLE.judge(Some(view.longest_s(is_variable)), all),
        LATE.judge(Some(view.count(|one| is_late(one) || is_prolonged(one))), all),
    ]
}

/// Reactive in any 20 min, or else judged by how long the wait has been.
fn accelerations(view: &View<'_>, context: &Context) -> Criterion {
    let waited_min = view.length_min();
    if waited_min > 80 {
        let last = view.tail(80);
        return ACCELERATIONS_80_MIN.judge(Some(last.accelerations(context)), last.interval());
    }
    if waited_min >= 40 {
        let last = view.tail(40);
        return ACCELERATIONS_40_MIN.judge(Some(last.accelerations(context)), last.interval());
    }
    REACTIVE.judge(Some(view.accelerations(context)), view.interval())
}

#[cfg(test)]
mod tests {
    use ctg::DecelerationKind;

    use super::super::sample::{BEFORE_LABOR, IN_LABOR, check as check_class, quiet};
    use super::super::table::check;
    use super::*;

    const NST: RuleSet = RuleSet::China2015Nst;

    fn reactive(minutes: u32) -> Features {
        let end_s = f64::from(minutes) * 60.0;
        quiet(minutes).acceleration(end_s - 900.0, 20.0, 20.0).acceleration(end_s - 500.0, 15.0, 15.0)
    }

    #[test]
    fn rows() {
        use Level::{Normal, Pathological, Suspicious, Undetermined};
        check(
            &BASELINE,
            &[
                (99.9, Pathological),
                (100.0, Suspicious),
                (109.9, Suspicious),
                (110.0, Normal),
                (160.0, Normal),
                (160.1, Suspicious),
            ],
        );
        check(&TACHYCARDIA, &[(29.0, Normal), (30.0, Pathological), (31.0, Pathological)]);
        check(
            &REDUCED_VARIABILITY,
            &[(39.0, Normal), (40.0, Suspicious), (41.0, Suspicious), (80.0, Suspicious), (81.0, Pathological)],
        );
        check(&INCREASED_VARIABILITY, &[(9.0, Normal), (10.0, Normal), (11.0, Pathological)]);
        check(&SINUSOIDAL, &[(9.0, Normal), (10.0, Pathological), (11.0, Pathological)]);
        check(
            &VARIABLE,
            &[(29.9, Normal), (30.0, Suspicious), (30.1, Suspicious), (60.0, Suspicious), (60.1, Pathological)],
        );
        check(&LATE, &[(0.0, Normal), (1.0, Pathological), (2.0, Pathological)]);
        check(&REACTIVE, &[(1.0, Undetermined), (2.0, Normal), (3.0, Normal)]);
        check(&ACCELERATIONS_40_MIN, &[(1.0, Suspicious), (2.0, Normal), (3.0, Normal)]);
        check(&ACCELERATIONS_80_MIN, &[(1.0, Pathological), (2.0, Normal), (3.0, Normal)]);
    }

    #[test]
    fn a_reactive_trace_is_normal_after_20_minutes() {
        check_class(NST, &reactive(20), &BEFORE_LABOR, "normal", Concern::Normal);
        let answer = |features: &Features, context| NST.classify(features, context).answer;
        assert_eq!(answer(&reactive(19), &BEFORE_LABOR), Answer::Insufficient { needs: "20 min" });
        assert_eq!(answer(&quiet(20), &BEFORE_LABOR), Answer::Insufficient { needs: "40 min" });
        assert_eq!(answer(&quiet(39), &BEFORE_LABOR), Answer::Insufficient { needs: "40 min" });
        assert_eq!(answer(&quiet(39), &IN_LABOR), Answer::NotApplicable { reason: Reason::Intrapartum });
    }

    #[test]
    fn a_trace_without_accelerations_worsens_with_time() {
        check_class(NST, &quiet(40), &BEFORE_LABOR, "atypical", Concern::Suspicious);
        check_class(NST, &quiet(80), &BEFORE_LABOR, "atypical", Concern::Suspicious);
        check_class(NST, &quiet(81), &BEFORE_LABOR, "abnormal", Concern::Pathological);
    }

    #[test]
    fn before_32_weeks_ten_by_ten_is_enough() {
        let small = quiet(40).acceleration(1800.0, 10.0, 10.0).acceleration(2000.0, 10.0, 10.0);
        let at = |days| Context { gestation_days: Some(days), ..BEFORE_LABOR };
        check_class(NST, &small, &at(32 * 7 - 1), "normal", Concern::Normal);
        check_class(NST, &small, &at(32 * 7), "atypical", Concern::Suspicious);
        let smaller = quiet(40).acceleration(1800.0, 9.9, 10.0).acceleration(2000.0, 10.0, 9.9);
        check_class(NST, &smaller, &at(32 * 7 - 1), "atypical", Concern::Suspicious);
    }

    #[test]
    fn a_late_deceleration_is_abnormal_however_reactive() {
        let late = reactive(20).deceleration(600.0, 40.0, DecelerationKind::Late);
        check_class(NST, &late, &BEFORE_LABOR, "abnormal", Concern::Pathological);
        let waits = quiet(20).deceleration(600.0, 61.0, DecelerationKind::Variable);
        check_class(NST, &waits, &BEFORE_LABOR, "abnormal", Concern::Pathological);
    }
}
