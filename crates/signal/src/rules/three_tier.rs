//! The three tiers that NICHD 2008 and the Chinese consensus of 2015 share.

use ctg::DecelerationKind;

use super::table::{Limit, Table};
use super::view::{View, is_late, is_prolonged, is_variable, not_applicable, say, worst};
use super::{Answer, Classification, Concern, Context, Criterion, Labor, Level, Reason, RuleSet};
use crate::Features;

/// What sets one reading of the tiers apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiers {
    pub(super) rule_set: RuleSet,
    /// Baseline that makes absent variability category III.
    pub(super) bradycardia: Table,
}

const BASELINE: Table = Table {
    rule: "baseline",
    unit: "bpm",
    rows: &[
        (Limit::Within(110.0, 160.0), Level::Normal),
        (Limit::Below(110.0), Level::Suspicious),
        (Limit::Above(160.0), Level::Suspicious),
    ],
};
const VARIABILITY: Table = Table {
    rule: "variability",
    unit: "bpm",
    rows: &[
        (Limit::AtMost(5.0), Level::Suspicious),
        (Limit::AtMost(25.0), Level::Normal),
        (Limit::Above(25.0), Level::Suspicious),
    ],
};
/// "Undetectable": two beats are within the resolution of the eye and of most sources.
const ABSENT_VARIABILITY: Table = Table {
    rule: "absent_variability",
    unit: "bpm",
    rows: &[(Limit::AtMost(2.0), Level::Pathological), (Limit::Above(2.0), Level::Normal)],
};
const DECELERATIONS: Table = Table {
    rule: "decelerations_not_early",
    unit: "",
    rows: &[(Limit::AtLeast(1.0), Level::Suspicious), (Limit::AtMost(0.0), Level::Normal)],
};
const PROLONGED: Table = Table {
    rule: "prolonged_decelerations",
    unit: "",
    rows: &[(Limit::AtLeast(1.0), Level::Suspicious), (Limit::AtMost(0.0), Level::Normal)],
};
const RECURRENT_LATE: Table = Table {
    rule: "recurrent_late",
    unit: "share of contractions in 20 min",
    rows: &[(Limit::AtLeast(0.5), Level::Pathological), (Limit::Below(0.5), Level::Normal)],
};
const RECURRENT_VARIABLE: Table = Table {
    rule: "recurrent_variable",
    unit: "share of contractions in 20 min",
    rows: &[(Limit::AtLeast(0.5), Level::Pathological), (Limit::Below(0.5), Level::Normal)],
};
const SINUSOIDAL: Table = Table {
    rule: "sinusoidal",
    unit: "min",
    rows: &[
        (Limit::AtLeast(20.0), Level::Pathological),
        (Limit::Above(0.0), Level::Suspicious),
        (Limit::AtMost(0.0), Level::Normal),
    ],
};

/// The stretch that is looked at, min.
const LOOKED_AT_MIN: usize = 40;
/// "In any 20 min".
const RECURRENT_MIN: usize = 20;

/// What the tiers say of a trace.
pub(super) fn classify(features: &Features, context: &Context, tiers: &Tiers) -> Classification {
    let view = View::last(features, LOOKED_AT_MIN);
    if context.labor == Labor::Antenatal {
        return not_applicable(tiers.rule_set, &view, Reason::Antenatal);
    }
    if let Some(refusal) = view.refusal(10, "10 min") {
        return say(tiers.rule_set, &view, refusal, Vec::new());
    }
    let now = view.tail(10);
    let all = view.interval();
    let absent = ABSENT_VARIABILITY.judge(now.variability_bpm(), now.interval());
    let with_absent = [
        tiers.bradycardia.judge(now.baseline_bpm(), now.interval()),
        RECURRENT_LATE.judge(view.greatest_share(RECURRENT_MIN, is_late), all),
        RECURRENT_VARIABLE.judge(view.greatest_share(RECURRENT_MIN, is_variable), all),
    ];
    let sinusoidal = SINUSOIDAL.judge(view.sinusoidal_min(), all);
    let plain = [
        BASELINE.judge(now.baseline_bpm(), now.interval()),
        VARIABILITY.judge(now.variability_bpm(), now.interval()),
        DECELERATIONS.judge(Some(view.count(|one| one.kind != DecelerationKind::Early)), all),
        PROLONGED.judge(Some(view.count(is_prolonged)), all),
    ];
    let concern = tier(&plain, &absent, &with_absent, &sinusoidal);
    let code = match concern {
        Concern::Normal => "category_1",
        Concern::Suspicious => "category_2",
        Concern::Pathological => "category_3",
    };
    let criteria = plain.into_iter().chain([absent]).chain(with_absent).chain([sinusoidal]).collect();
    say(tiers.rule_set, &view, Answer::Class { code, concern }, criteria)
}

/// Category III needs absent variability together with one of the three, or a sinusoidal trace.
fn tier(plain: &[Criterion], absent: &Criterion, with_absent: &[Criterion], sinusoidal: &Criterion) -> Concern {
    let holds = |criterion: &Criterion| criterion.level == Level::Pathological;
    if holds(sinusoidal) || (holds(absent) && with_absent.iter().any(holds)) {
        return Concern::Pathological;
    }
    worst(plain).max(worst(std::slice::from_ref(sinusoidal)))
}

#[cfg(test)]
mod tests {
    use super::super::table::check;
    use super::*;

    #[test]
    fn rows() {
        use Level::{Normal, Pathological, Suspicious};
        check(
            &BASELINE,
            &[
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
            &[(4.9, Suspicious), (5.0, Suspicious), (5.1, Normal), (24.9, Normal), (25.0, Normal), (25.1, Suspicious)],
        );
        check(&ABSENT_VARIABILITY, &[(1.9, Pathological), (2.0, Pathological), (2.1, Normal)]);
        check(&DECELERATIONS, &[(0.0, Normal), (1.0, Suspicious), (2.0, Suspicious)]);
        check(&PROLONGED, &[(0.0, Normal), (1.0, Suspicious), (2.0, Suspicious)]);
        check(&RECURRENT_LATE, &[(0.49, Normal), (0.5, Pathological), (0.51, Pathological)]);
        check(&RECURRENT_VARIABLE, &[(0.49, Normal), (0.5, Pathological), (0.51, Pathological)]);
        check(
            &SINUSOIDAL,
            &[(0.0, Normal), (1.0, Suspicious), (19.0, Suspicious), (20.0, Pathological), (21.0, Pathological)],
        );
    }
}
