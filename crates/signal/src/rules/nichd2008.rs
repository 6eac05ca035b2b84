//! NICHD 2008, as ACOG uses it, intrapartum.
//!
//! Macones GA et al., The 2008 National Institute of Child Health and Human Development workshop report on electronic
//! fetal monitoring, Obstet Gynecol 2008;112:661-666. Category I: baseline 110 to 160, moderate variability, no late
//! or variable decelerations. Category III: absent variability with recurrent late or variable decelerations or
//! bradycardia, or a sinusoidal trace. Category II: everything else.

use super::table::{Limit, Table};
use super::three_tier::{self, Tiers};
use super::{Classification, Context, Level, RuleSet};
use crate::Features;

const TIERS: Tiers = Tiers {
    rule_set: RuleSet::Nichd2008,
    bradycardia: Table {
        rule: "bradycardia",
        unit: "bpm",
        rows: &[(Limit::Below(110.0), Level::Pathological), (Limit::AtLeast(110.0), Level::Normal)],
    },
};

/// What NICHD 2008 says of a trace.
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

    const NICHD: RuleSet = RuleSet::Nichd2008;

    #[test]
    fn rows() {
        table::check(
            &TIERS.bradycardia,
            &[(109.9, Level::Pathological), (110.0, Level::Normal), (110.1, Level::Normal)],
        );
    }

    #[test]
    fn categories() {
        let absent = || quiet(40).last_minutes(10, |minute| minute.variability_bpm = Some(1.0));
        check(NICHD, &quiet(40), &IN_LABOR, "category_1", Normal);
        check(NICHD, &quiet(40).with_contractions(8, DecelerationKind::Early), &IN_LABOR, "category_1", Normal);
        check(NICHD, &quiet(40).with_contractions(1, DecelerationKind::Variable), &IN_LABOR, "category_2", Suspicious);
        check(NICHD, &quiet(40).with_contractions(8, DecelerationKind::Late), &IN_LABOR, "category_2", Suspicious);
        check(NICHD, &absent(), &IN_LABOR, "category_2", Suspicious);
        check(NICHD, &absent().with_contractions(2, DecelerationKind::Late), &IN_LABOR, "category_3", Pathological);
        check(NICHD, &absent().with_contractions(1, DecelerationKind::Late), &IN_LABOR, "category_2", Suspicious);
        check(NICHD, &absent().with_contractions(2, DecelerationKind::Variable), &IN_LABOR, "category_3", Pathological);
        let slow = absent().last_minutes(10, |minute| minute.baseline_bpm = Some(105.0));
        check(NICHD, &slow, &IN_LABOR, "category_3", Pathological);
        let sine = quiet(40).last_minutes(20, |minute| minute.sinusoidal = true);
        check(NICHD, &sine, &IN_LABOR, "category_3", Pathological);
        let short = quiet(40).last_minutes(19, |minute| minute.sinusoidal = true);
        check(NICHD, &short, &IN_LABOR, "category_2", Suspicious);
    }
}
