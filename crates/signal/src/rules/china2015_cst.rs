//! Chinese consensus 2015, contraction stress test (CST, OCT).
//!
//! Chinese Society of Perinatal Medicine, 电子胎心监护应用专家共识, 中华围产医学杂志 2015;18(7):486-490, after ACOG
//! Practice Bulletin 145: three contractions of 40 s in 10 min are needed; positive with late decelerations at half of
//! the contractions; suspicious with fewer, or with significant variable decelerations; not to be read that way while
//! contractions are closer than 2 min or longer than 90 s.

use super::table::{Limit, Table};
use super::view::{View, is_late, is_prolonged, is_variable, say};
use super::{Answer, Classification, Concern, Context, Criterion, Level, RuleSet};
use crate::Features;
use crate::features::{Contraction, Deceleration};

const CONTRACTIONS: Table = Table {
    rule: "contractions_of_40_s",
    unit: "in 10 min",
    rows: &[(Limit::AtLeast(3.0), Level::Normal), (Limit::Below(3.0), Level::Undetermined)],
};
const LATE_SHARE: Table = Table {
    rule: "late_decelerations",
    unit: "share of contractions",
    rows: &[
        (Limit::AtLeast(0.5), Level::Pathological),
        (Limit::Above(0.0), Level::Suspicious),
        (Limit::AtMost(0.0), Level::Normal),
    ],
};
/// Longer than a minute, as in the graded table of the same consensus; a prolonged deceleration is significant too.
const SIGNIFICANT: Table = Table {
    rule: "longest_variable_or_prolonged_deceleration",
    unit: "s",
    rows: &[(Limit::Above(60.0), Level::Suspicious), (Limit::AtMost(60.0), Level::Normal)],
};
const SHORTEST_INTERVAL: Table = Table {
    rule: "shortest_contraction_interval",
    unit: "s",
    rows: &[(Limit::Below(120.0), Level::Suspicious), (Limit::AtLeast(120.0), Level::Normal)],
};
const LONGEST_CONTRACTION: Table = Table {
    rule: "longest_contraction",
    unit: "s",
    rows: &[(Limit::Above(90.0), Level::Suspicious), (Limit::AtMost(90.0), Level::Normal)],
};

/// The stretch that is looked at, min.
const LOOKED_AT_MIN: usize = 30;
/// Least length of a contraction that counts, s.
const CONTRACTION_S: f64 = 40.0;

/// What the contraction stress test says of a trace.
pub(super) fn classify(features: &Features, _: &Context) -> Classification {
    let view = View::last(features, LOOKED_AT_MIN);
    if let Some(refusal) = view.refusal(10, "10 min") {
        return say(RuleSet::China2015Cst, &view, refusal, Vec::new());
    }
    let Some(contractions) = view.contractions() else {
        let needs = "uterine activity";
        return say(RuleSet::China2015Cst, &view, Answer::Insufficient { needs }, Vec::new());
    };
    let criteria = criteria(&view, &contractions);
    let answer = answer(&criteria);
    say(RuleSet::China2015Cst, &view, answer, criteria.into())
}

fn criteria(view: &View<'_>, contractions: &[&Contraction]) -> [Criterion; 5] {
    let all = view.interval();
    let apart_s = contractions.windows(2).map(|pair| pair[1].start_s - pair[0].start_s).reduce(f64::min);
    let longest_s = contractions.iter().map(|one| one.end_s - one.start_s).reduce(f64::max);
    let significant = |one: &Deceleration| is_variable(one) || is_prolonged(one);
    [
        CONTRACTIONS.judge(Some(most_in_ten_minutes(contractions)), all),
        LATE_SHARE.judge(view.share(is_late), all),
        SIGNIFICANT.judge(Some(view.longest_s(significant)), all),
        SHORTEST_INTERVAL.judge(apart_s, all),
        LONGEST_CONTRACTION.judge(longest_s, all),
    ]
}

fn answer([contractions, late, significant, interval, longest]: &[Criterion; 5]) -> Answer {
    if contractions.level != Level::Normal {
        return Answer::Insufficient { needs: "3 contractions of 40 s in 10 min" };
    }
    let (decelerates, too_close) = (
        late.level != Level::Normal || significant.level != Level::Normal,
        interval.level == Level::Suspicious || longest.level == Level::Suspicious,
    );
    let (code, concern) = match (decelerates, too_close) {
        (false, _) => ("negative", Concern::Normal),
        (true, true) => ("suspicious_tachysystole", Concern::Suspicious),
        (true, false) if late.level == Level::Pathological => ("positive", Concern::Pathological),
        (true, false) => ("suspicious", Concern::Suspicious),
    };
    Answer::Class { code, concern }
}

/// Most contractions of the least length that begin within ten minutes.
fn most_in_ten_minutes(contractions: &[&Contraction]) -> f64 {
    let long: Vec<f64> =
        contractions.iter().filter(|one| one.end_s - one.start_s >= CONTRACTION_S).map(|one| one.start_s).collect();
    let within = |from_s: &f64| long.iter().filter(|at_s| (*from_s..*from_s + 600.0).contains(*at_s)).count();
    long.iter().map(within).max().unwrap_or(0) as f64
}

#[cfg(test)]
mod tests {
    use ctg::DecelerationKind;

    use super::super::sample::{BEFORE_LABOR, check as check_class, quiet};
    use super::super::table::check;
    use super::*;

    const CST: RuleSet = RuleSet::China2015Cst;

    /// Contractions every `every_s`, each `length_s` long.
    fn stressed(every_s: f64, length_s: f64) -> Features {
        let count = (1800.0 / every_s) as u32;
        let contraction = |number: u32| {
            let start_s = f64::from(number) * every_s;
            Contraction { start_s, peak_s: start_s + length_s / 2.0, end_s: start_s + length_s }
        };
        Features { contractions: Some((0..count).map(contraction).collect()), ..quiet(30) }
    }

    #[test]
    fn rows() {
        use Level::{Normal, Pathological, Suspicious, Undetermined};
        check(&CONTRACTIONS, &[(2.0, Undetermined), (3.0, Normal), (4.0, Normal)]);
        check(
            &LATE_SHARE,
            &[(0.0, Normal), (0.1, Suspicious), (0.49, Suspicious), (0.5, Pathological), (0.51, Pathological)],
        );
        check(&SIGNIFICANT, &[(59.0, Normal), (60.0, Normal), (61.0, Suspicious)]);
        check(&SHORTEST_INTERVAL, &[(119.0, Suspicious), (120.0, Normal), (121.0, Normal)]);
        check(&LONGEST_CONTRACTION, &[(89.0, Normal), (90.0, Normal), (91.0, Suspicious)]);
    }

    #[test]
    fn classes() {
        use Concern::{Normal, Pathological, Suspicious};
        check_class(CST, &stressed(180.0, 40.0), &BEFORE_LABOR, "negative", Normal);
        let late = |count| stressed(180.0, 60.0).with_contractions(count, DecelerationKind::Late);
        check_class(CST, &late(4), &BEFORE_LABOR, "suspicious", Suspicious);
        check_class(CST, &late(5), &BEFORE_LABOR, "positive", Pathological);
        let close = stressed(100.0, 60.0).with_contractions(18, DecelerationKind::Late);
        check_class(CST, &close, &BEFORE_LABOR, "suspicious_tachysystole", Suspicious);
        let variable = stressed(180.0, 60.0).deceleration(1000.0, 61.0, DecelerationKind::Variable);
        check_class(CST, &variable, &BEFORE_LABOR, "suspicious", Suspicious);
    }

    #[test]
    fn too_few_contractions_are_unsatisfactory() {
        let needs = "3 contractions of 40 s in 10 min";
        for features in [stressed(300.0, 60.0), stressed(180.0, 39.0)] {
            assert_eq!(CST.classify(&features, &BEFORE_LABOR).answer, Answer::Insufficient { needs });
        }
        let unmeasured = Features { contractions: None, ..quiet(30) };
        assert_eq!(CST.classify(&unmeasured, &BEFORE_LABOR).answer, Answer::Insufficient { needs: "uterine activity" });
    }
}
