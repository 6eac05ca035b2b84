//! NICE guideline NG229, Fetal monitoring in labour, December 2022, with the amendment on late decelerations.
//!
//! White, amber and red per feature; normal when all are white, suspicious with one amber, pathological with one red
//! or two amber. Since the amendment of recommendation 1.4.24 any late deceleration is red. Of the concerning
//! characteristics of variable decelerations only their length above 60 s is measured here.

use super::table::{Limit, Table};
use super::view::{View, is_late, is_variable, not_applicable, say};
use super::{Answer, Classification, Concern, Context, Criterion, Labor, Level, Reason, RuleSet};
use crate::Features;
use crate::features::Deceleration;

const CONTRACTIONS: Table = Table {
    rule: "contractions",
    unit: "per 10 min",
    rows: &[(Limit::Below(5.0), Level::Normal), (Limit::AtLeast(5.0), Level::Suspicious)],
};
const BASELINE: Table = Table {
    rule: "baseline",
    unit: "bpm",
    rows: &[
        (Limit::Below(100.0), Level::Pathological),
        (Limit::Below(110.0), Level::Suspicious),
        (Limit::AtMost(160.0), Level::Normal),
        (Limit::Above(160.0), Level::Pathological),
    ],
};
const BASELINE_RISE: Table = Table {
    rule: "baseline_rise",
    unit: "bpm in the last hour",
    rows: &[(Limit::AtLeast(20.0), Level::Suspicious), (Limit::Below(20.0), Level::Normal)],
};
const REDUCED_VARIABILITY: Table = Table {
    rule: "reduced_variability",
    unit: "min",
    rows: &[
        (Limit::Above(50.0), Level::Pathological),
        (Limit::AtLeast(30.0), Level::Suspicious),
        (Limit::Below(30.0), Level::Normal),
    ],
};
const INCREASED_VARIABILITY: Table = Table {
    rule: "increased_variability",
    unit: "min",
    rows: &[
        (Limit::Above(10.0), Level::Pathological),
        (Limit::Above(0.0), Level::Suspicious),
        (Limit::AtMost(0.0), Level::Normal),
    ],
};
const SINUSOIDAL: Table = Table {
    rule: "sinusoidal",
    unit: "min",
    rows: &[(Limit::Above(0.0), Level::Pathological), (Limit::AtMost(0.0), Level::Normal)],
};
const LATE: Table = Table {
    rule: "late_decelerations",
    unit: "",
    rows: &[(Limit::AtLeast(1.0), Level::Pathological), (Limit::AtMost(0.0), Level::Normal)],
};
const LONGEST: Table = Table {
    rule: "longest_deceleration",
    unit: "s",
    rows: &[(Limit::AtLeast(180.0), Level::Pathological), (Limit::Below(180.0), Level::Normal)],
};
const CONCERNING: Table = Table {
    rule: "concerning_variable_decelerations",
    unit: "min from the first to now",
    rows: &[(Limit::Above(30.0), Level::Suspicious), (Limit::AtMost(30.0), Level::Normal)],
};
const REPETITIVE_CONCERNING: Table = Table {
    rule: "repetitive_concerning_variable_decelerations",
    unit: "min from the first to now",
    rows: &[
        (Limit::Above(30.0), Level::Pathological),
        (Limit::Above(0.0), Level::Suspicious),
        (Limit::AtMost(0.0), Level::Normal),
    ],
};

/// The stretch that is looked at: the last hour.
const LOOKED_AT_MIN: usize = 60;
/// Variability below it is reduced, and above it increased, bpm.
const VARIABILITY_BPM: (f32, f32) = (5.0, 25.0);
/// A variable deceleration longer than this is of concern, s.
const CONCERNING_ABOVE_S: f64 = 60.0;
/// Decelerations with at least this share of contractions are repetitive.
const REPETITIVE_SHARE: f64 = 0.5;

/// What NG229 says of a trace.
pub(super) fn classify(features: &Features, context: &Context) -> Classification {
    let view = View::last(features, LOOKED_AT_MIN);
    if context.labor == Labor::Antenatal {
        return not_applicable(RuleSet::NiceNg229, &view, Reason::Antenatal);
    }
    if let Some(refusal) = view.refusal(10, "10 min") {
        return say(RuleSet::NiceNg229, &view, refusal, Vec::new());
    }
    let criteria = criteria(&view);
    let at = |level: Level| criteria.iter().filter(|criterion| criterion.level == level).count();
    let ambers = at(Level::Suspicious) + at(Level::Undetermined);
    let (code, concern) = match (at(Level::Pathological), ambers) {
        (0, 0) => ("normal", Concern::Normal),
        (0, 1) => ("suspicious", Concern::Suspicious),
        _ => ("pathological", Concern::Pathological),
    };
    say(RuleSet::NiceNg229, &view, Answer::Class { code, concern }, criteria)
}

fn criteria(view: &View<'_>) -> Vec<Criterion> {
    let (now, all) = (view.tail(10), view.interval());
    let (low_bpm, high_bpm) = VARIABILITY_BPM;
    let reduced = view.longest_row_min(|minute| minute.variability_bpm.map(|bpm| bpm < low_bpm));
    let increased = view.longest_row_min(|minute| minute.variability_bpm.map(|bpm| bpm > high_bpm));
    let mut criteria = vec![
        BASELINE.judge(now.baseline_bpm(), now.interval()),
        REDUCED_VARIABILITY.judge(reduced, all),
        INCREASED_VARIABILITY.judge(increased, all),
        SINUSOIDAL.judge(view.sinusoidal_min(), all),
        LATE.judge(Some(view.count(is_late)), all),
        LONGEST.judge(Some(view.longest_s(|_| true)), all),
        concerning(view),
    ];
    if view.length_min() >= 20 {
        let rise = now.baseline_bpm().zip(view.head(10).baseline_bpm()).map(|(now_bpm, then_bpm)| now_bpm - then_bpm);
        criteria.push(BASELINE_RISE.judge(rise, all));
    }
    let half_hour = view.tail(30);
    if let Some(frequency) = half_hour.contractions_per_ten_min() {
        criteria.push(CONTRACTIONS.judge(Some(frequency), half_hour.interval()));
    }
    criteria
}

fn concerning(view: &View<'_>) -> Criterion {
    let is_concerning = |one: &Deceleration| is_variable(one) && one.event.duration_s() > CONCERNING_ABOVE_S;
    let first_s = view.decelerations().find(|one| is_concerning(one)).map(|one| one.event.start_s);
    let minutes = first_s.map_or(0.0, |first_s| (view.end_s() - first_s.max(view.start_s())) / 60.0);
    let repetitive = view.tail(30).share(is_concerning).is_some_and(|share| share >= REPETITIVE_SHARE);
    let table = if repetitive { REPETITIVE_CONCERNING } else { CONCERNING };
    table.judge(Some(minutes), view.interval())
}

#[cfg(test)]
mod tests {
    use ctg::DecelerationKind;

    use super::super::sample::{IN_LABOR, check as check_class, quiet};
    use super::super::table::check;
    use super::*;

    const NICE: RuleSet = RuleSet::NiceNg229;

    #[test]
    fn rows() {
        use Level::{Normal, Pathological, Suspicious};
        check(&CONTRACTIONS, &[(4.9, Normal), (5.0, Suspicious), (5.1, Suspicious)]);
        check(
            &BASELINE,
            &[
                (99.9, Pathological),
                (100.0, Suspicious),
                (100.1, Suspicious),
                (109.9, Suspicious),
                (110.0, Normal),
                (159.9, Normal),
                (160.0, Normal),
                (160.1, Pathological),
            ],
        );
        check(&BASELINE_RISE, &[(19.9, Normal), (20.0, Suspicious), (20.1, Suspicious)]);
        check(
            &REDUCED_VARIABILITY,
            &[(29.0, Normal), (30.0, Suspicious), (49.0, Suspicious), (50.0, Suspicious), (51.0, Pathological)],
        );
        check(
            &INCREASED_VARIABILITY,
            &[(0.0, Normal), (1.0, Suspicious), (9.0, Suspicious), (10.0, Suspicious), (11.0, Pathological)],
        );
        check(&SINUSOIDAL, &[(0.0, Normal), (1.0, Pathological)]);
        check(&LATE, &[(0.0, Normal), (1.0, Pathological), (2.0, Pathological)]);
        check(&LONGEST, &[(179.0, Normal), (180.0, Pathological), (181.0, Pathological)]);
        check(&CONCERNING, &[(29.0, Normal), (30.0, Normal), (30.1, Suspicious)]);
        check(&REPETITIVE_CONCERNING, &[(0.0, Normal), (0.1, Suspicious), (30.0, Suspicious), (30.1, Pathological)]);
    }

    #[test]
    fn traces() {
        use Concern::{Normal, Pathological, Suspicious};
        check_class(NICE, &quiet(60), &IN_LABOR, "normal", Normal);
        check_class(
            NICE,
            &quiet(60).with_contractions(1, DecelerationKind::Late),
            &IN_LABOR,
            "pathological",
            Pathological,
        );
        check_class(NICE, &quiet(60).with_contractions(9, DecelerationKind::Variable), &IN_LABOR, "normal", Normal);
        let long = |at_s: f64| quiet(60).deceleration(at_s, 61.0, DecelerationKind::Variable);
        check_class(NICE, &long(3000.0), &IN_LABOR, "normal", Normal);
        check_class(NICE, &long(600.0), &IN_LABOR, "suspicious", Suspicious);
        let reduced = quiet(60).last_minutes(30, |minute| minute.variability_bpm = Some(4.9));
        check_class(NICE, &reduced, &IN_LABOR, "suspicious", Suspicious);
        let two = reduced.last_minutes(10, |minute| minute.baseline_bpm = Some(105.0));
        check_class(NICE, &two, &IN_LABOR, "pathological", Pathological);
        let risen = quiet(60).last_minutes(10, |minute| minute.baseline_bpm = Some(160.0));
        check_class(NICE, &risen, &IN_LABOR, "suspicious", Suspicious);
    }

    #[test]
    fn repetitive_concerning_decelerations_turn_red_after_half_an_hour() {
        let repeated = |from_s: f64| {
            let mut features = quiet(60);
            for number in 0..12 {
                let at_s = 80.0 + 300.0 * f64::from(number);
                if at_s >= from_s {
                    features = features.deceleration(at_s, 70.0, DecelerationKind::Variable);
                }
            }
            features
        };
        check_class(NICE, &repeated(0.0), &IN_LABOR, "pathological", Concern::Pathological);
        check_class(NICE, &repeated(1900.0), &IN_LABOR, "suspicious", Concern::Suspicious);
    }
}
