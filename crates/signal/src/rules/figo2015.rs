//! FIGO 2015, intrapartum.
//!
//! Ayres-de-Campos D, Spong CY, Chandraharan E. FIGO consensus guidelines on intrapartum fetal monitoring:
//! cardiotocography. Int J Gynaecol Obstet 2015;131:13-24, table 3. Recurring decelerations are "repetitive" when
//! they come with more than half of the contractions.

use ctg::DecelerationKind;

use super::table::{Limit, Table};
use super::view::{View, is_late, is_prolonged, not_applicable, say, worst};
use super::{Answer, Classification, Concern, Context, Criterion, Labor, Level, Reason, RuleSet};
use crate::Features;
use crate::features::Deceleration;

const BASELINE: Table = Table {
    rule: "baseline",
    unit: "bpm",
    rows: &[
        (Limit::Within(110.0, 160.0), Level::Normal),
        (Limit::Below(100.0), Level::Pathological),
        (Limit::AtLeast(100.0), Level::Suspicious),
    ],
};
const VARIABILITY: Table = Table {
    rule: "variability",
    unit: "bpm",
    rows: &[(Limit::Within(5.0, 25.0), Level::Normal), (Limit::AtLeast(0.0), Level::Suspicious)],
};
const REDUCED_VARIABILITY: Table = Table {
    rule: "reduced_variability",
    unit: "min",
    rows: &[(Limit::Above(50.0), Level::Pathological), (Limit::AtMost(50.0), Level::Normal)],
};
const INCREASED_VARIABILITY: Table = Table {
    rule: "increased_variability",
    unit: "min",
    rows: &[(Limit::Above(30.0), Level::Pathological), (Limit::AtMost(30.0), Level::Normal)],
};
const SINUSOIDAL: Table = Table {
    rule: "sinusoidal",
    unit: "min",
    rows: &[
        (Limit::Above(30.0), Level::Pathological),
        (Limit::Above(0.0), Level::Suspicious),
        (Limit::AtMost(0.0), Level::Normal),
    ],
};
const REPETITIVE: Table = Table {
    rule: "repetitive_decelerations",
    unit: "share of contractions",
    rows: &[(Limit::Above(0.5), Level::Suspicious), (Limit::AtMost(0.5), Level::Normal)],
};
const REPETITIVE_LATE_30_MIN: Table = Table {
    rule: "repetitive_late_or_prolonged_30_min",
    unit: "share of contractions",
    rows: &[(Limit::Above(0.5), Level::Pathological), (Limit::AtMost(0.5), Level::Normal)],
};
const REPETITIVE_LATE_20_MIN: Table = Table {
    rule: "repetitive_late_or_prolonged_20_min_with_reduced_variability",
    unit: "share of contractions",
    rows: &[(Limit::Above(0.5), Level::Pathological), (Limit::AtMost(0.5), Level::Normal)],
};
const PROLONGED: Table = Table {
    rule: "longest_deceleration",
    unit: "s",
    rows: &[
        (Limit::Above(300.0), Level::Pathological),
        (Limit::Above(180.0), Level::Suspicious),
        (Limit::AtMost(180.0), Level::Normal),
    ],
};
/// Where uterine activity is not measured, nobody can say whether decelerations are repetitive.
const WITHOUT_TOCO: Table = Table {
    rule: "decelerations_without_uterine_activity",
    unit: "",
    rows: &[(Limit::AtLeast(1.0), Level::Suspicious), (Limit::AtMost(0.0), Level::Normal)],
};

/// Below it variability is reduced, bpm.
const REDUCED_BELOW_BPM: f32 = 5.0;
/// Above it variability is increased, bpm.
const INCREASED_ABOVE_BPM: f32 = 25.0;
/// The longest stretch that any rule asks for, min.
const LOOKED_AT_MIN: usize = 60;

/// What FIGO 2015 says of a trace.
pub(super) fn classify(features: &Features, context: &Context) -> Classification {
    let view = View::last(features, LOOKED_AT_MIN);
    if context.labor == Labor::Antenatal {
        return not_applicable(RuleSet::Figo2015, &view, Reason::Antenatal);
    }
    if let Some(refusal) = view.refusal(10, "10 min") {
        return say(RuleSet::Figo2015, &view, refusal, Vec::new());
    }
    let now = view.tail(10);
    let mut criteria = vec![
        BASELINE.judge(now.baseline_bpm(), now.interval()),
        VARIABILITY.judge(now.variability_bpm(), now.interval()),
        REDUCED_VARIABILITY.judge(reduced_min(&view), view.interval()),
        INCREASED_VARIABILITY.judge(increased_min(&view), view.interval()),
        SINUSOIDAL.judge(view.sinusoidal_min(), view.interval()),
        PROLONGED.judge(Some(view.longest_s(|_| true)), view.interval()),
    ];
    criteria.extend(repetitive(&view, now.variability_bpm()));
    let concern = worst(&criteria);
    let code = match concern {
        Concern::Normal => "normal",
        Concern::Suspicious => "suspicious",
        Concern::Pathological => "pathological",
    };
    say(RuleSet::Figo2015, &view, Answer::Class { code, concern }, criteria)
}

fn reduced_min(view: &View<'_>) -> Option<f64> {
    view.longest_row_min(|minute| minute.variability_bpm.map(|bpm| bpm < REDUCED_BELOW_BPM))
}

fn increased_min(view: &View<'_>) -> Option<f64> {
    view.longest_row_min(|minute| minute.variability_bpm.map(|bpm| bpm > INCREASED_ABOVE_BPM))
}

fn repetitive(view: &View<'_>, variability_bpm: Option<f64>) -> Vec<Criterion> {
    let half_hour = view.tail(30);
    let Some(share) = half_hour.share(|one| one.kind != DecelerationKind::Early) else {
        let seen = half_hour.count(|_| true);
        return vec![WITHOUT_TOCO.judge(Some(seen), half_hour.interval())];
    };
    let grave = |one: &Deceleration| is_late(one) || is_prolonged(one);
    let mut criteria = vec![REPETITIVE.judge(Some(share), half_hour.interval())];
    if view.length_min() >= 30 {
        criteria.push(REPETITIVE_LATE_30_MIN.judge(half_hour.share(grave), half_hour.interval()));
    }
    let reduced = variability_bpm.is_some_and(|bpm| bpm < f64::from(REDUCED_BELOW_BPM));
    if reduced && view.length_min() >= 20 {
        let twenty = view.tail(20);
        criteria.push(REPETITIVE_LATE_20_MIN.judge(twenty.share(grave), twenty.interval()));
    }
    criteria
}

#[cfg(test)]
mod tests {
    use super::super::sample::{BEFORE_LABOR, IN_LABOR, check as check_class, quiet};
    use super::super::table::check;
    use super::*;

    const FIGO: RuleSet = RuleSet::Figo2015;

    #[test]
    fn rows() {
        use Level::{Normal, Pathological, Suspicious};
        check(
            &BASELINE,
            &[
                (99.9, Pathological),
                (100.0, Suspicious),
                (100.1, Suspicious),
                (109.9, Suspicious),
                (110.0, Normal),
                (110.1, Normal),
                (159.9, Normal),
                (160.0, Normal),
                (160.1, Suspicious),
            ],
        );
        check(
            &VARIABILITY,
            &[(4.9, Suspicious), (5.0, Normal), (5.1, Normal), (24.9, Normal), (25.0, Normal), (25.1, Suspicious)],
        );
        check(&REDUCED_VARIABILITY, &[(49.0, Normal), (50.0, Normal), (51.0, Pathological)]);
        check(&INCREASED_VARIABILITY, &[(29.0, Normal), (30.0, Normal), (31.0, Pathological)]);
        check(
            &SINUSOIDAL,
            &[(0.0, Normal), (1.0, Suspicious), (29.0, Suspicious), (30.0, Suspicious), (31.0, Pathological)],
        );
        for (table, beyond) in [
            (&REPETITIVE, Suspicious),
            (&REPETITIVE_LATE_30_MIN, Pathological),
            (&REPETITIVE_LATE_20_MIN, Pathological),
        ] {
            check(table, &[(0.49, Normal), (0.5, Normal), (0.51, beyond)]);
        }
        check(
            &PROLONGED,
            &[
                (179.0, Normal),
                (180.0, Normal),
                (181.0, Suspicious),
                (299.0, Suspicious),
                (300.0, Suspicious),
                (301.0, Pathological),
            ],
        );
        check(&WITHOUT_TOCO, &[(0.0, Normal), (1.0, Suspicious), (2.0, Suspicious)]);
    }

    #[test]
    fn traces() {
        use Concern::{Normal, Pathological, Suspicious};
        check_class(FIGO, &quiet(60), &IN_LABOR, "normal", Normal);
        check_class(FIGO, &quiet(60).with_contractions(6, DecelerationKind::Early), &IN_LABOR, "normal", Normal);
        check_class(FIGO, &quiet(60).with_contractions(3, DecelerationKind::Variable), &IN_LABOR, "normal", Normal);
        check_class(
            FIGO,
            &quiet(60).with_contractions(4, DecelerationKind::Variable),
            &IN_LABOR,
            "suspicious",
            Suspicious,
        );
        check_class(
            FIGO,
            &quiet(60).with_contractions(4, DecelerationKind::Late),
            &IN_LABOR,
            "pathological",
            Pathological,
        );
        check_class(FIGO, &quiet(25).with_contractions(5, DecelerationKind::Late), &IN_LABOR, "suspicious", Suspicious);
        let reduced = quiet(25).last_minutes(25, |minute| minute.variability_bpm = Some(4.0));
        check_class(FIGO, &reduced, &IN_LABOR, "suspicious", Suspicious);
        let both = reduced.with_contractions(5, DecelerationKind::Late);
        check_class(FIGO, &both, &IN_LABOR, "pathological", Pathological);
        check_class(
            FIGO,
            &quiet(60).deceleration(2000.0, 301.0, DecelerationKind::Prolonged),
            &IN_LABOR,
            "pathological",
            Pathological,
        );
        let unmeasured = Features { contractions: None, ..quiet(60) };
        check_class(FIGO, &unmeasured, &IN_LABOR, "normal", Normal);
        let unknown = unmeasured.deceleration(3000.0, 60.0, DecelerationKind::Variable);
        check_class(FIGO, &unknown, &IN_LABOR, "suspicious", Suspicious);
    }

    #[test]
    fn refusals() {
        let answer = |features: &Features, context| FIGO.classify(features, context).answer;
        assert_eq!(answer(&quiet(60), &BEFORE_LABOR), Answer::NotApplicable { reason: Reason::Antenatal });
        assert_eq!(answer(&quiet(9), &IN_LABOR), Answer::Insufficient { needs: "10 min" });
        let lost = quiet(60).last_minutes(10, |minute| minute.loss_ratio = 0.51);
        assert!(matches!(answer(&lost, &IN_LABOR), Answer::Uninterpretable { .. }));
        let half = quiet(60).last_minutes(10, |minute| minute.loss_ratio = 0.5);
        assert_eq!(answer(&half, &IN_LABOR).concern(), Some(Concern::Normal));
    }
}
