//! Chinese consensus 2015, three tiers in labor.
//!
//! Chinese Society of Perinatal Medicine, 电子胎心监护应用专家共识, 中华围产医学杂志 2015;18(7):486-490, as fielded
//! products code its table: tier III needs absent variability together with a baseline below 100 bpm or recurrent late
//! or variable decelerations, or a sinusoidal trace; a prolonged deceleration is tier II.

use super::table::{Limit, Table};
use super::three_tier::{self, Tiers};
use super::{Classification, Context, Level, RuleSet};
use crate::Features;

const TIERS: Tiers = Tiers {
    rule_set: RuleSet::China2015Tiers,
    bradycardia: Table {
        rule: "bradycardia",
        unit: "bpm",
        rows: &[(Limit::Below(100.0), Level::Pathological), (Limit::AtLeast(100.0), Level::Normal)],
    },
};

/// What the tiers of the Chinese consensus of 2015 say of a trace.
pub(super) fn classify(features: &Features, context: &Context) -> Classification {
    three_tier::classify(features, context, &TIERS)
}

#[cfg(test)]
mod tests {
    use ctg::DecelerationKind;

    use super::super::Concern::{Normal, Pathological, Suspicious};
    use super::super::sample::{IN_LABOR, check, quiet};
    use super::super::table;
    use super::*;

    const CHINA: RuleSet = RuleSet::China2015Tiers;

    #[test]
    fn rows() {
        table::check(
            &TIERS.bradycardia,
            &[(99.9, Level::Pathological), (100.0, Level::Normal), (100.1, Level::Normal)],
        );
    }

    #[test]
    fn tiers() {
        check(CHINA, &quiet(40), &IN_LABOR, "category_1", Normal);
        let prolonged = quiet(40).deceleration(2000.0, 200.0, DecelerationKind::Prolonged);
        check(CHINA, &prolonged, &IN_LABOR, "category_2", Suspicious);
        let absent = |bpm| {
            quiet(40).last_minutes(10, |minute| {
                minute.variability_bpm = Some(1.0);
                minute.baseline_bpm = Some(bpm);
            })
        };
        check(CHINA, &absent(105.0), &IN_LABOR, "category_2", Suspicious);
        check(CHINA, &absent(99.0), &IN_LABOR, "category_3", Pathological);
    }
}
