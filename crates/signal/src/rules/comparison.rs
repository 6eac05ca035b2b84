use crate::Features;

use super::{Classification, Context, RuleSet};

/// Several rule sets side by side on one trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What each says, in the order asked.
    pub classifications: Vec<Classification>,
    /// Pairs whose conclusions worry differently; rule sets that draw none are in no pair.
    pub disagreements: Vec<(RuleSet, RuleSet)>,
}

/// Asks several rule sets about one trace.
pub fn compare(rule_sets: &[RuleSet], features: &Features, context: &Context) -> Comparison {
    let classifications: Vec<Classification> =
        rule_sets.iter().map(|rule_set| rule_set.classify(features, context)).collect();
    let concluded: Vec<_> = classifications
        .iter()
        .filter_map(|said| said.answer.concern().map(|concern| (said.rule_set, concern)))
        .collect();
    let disagreements = concluded.iter().enumerate().flat_map(|(at, (one, concern))| {
        let others = concluded.iter().skip(at + 1).filter(move |(_, other)| other != concern);
        others.map(move |(other, _)| (*one, *other))
    });
    Comparison { disagreements: disagreements.collect(), classifications }
}

#[cfg(test)]
mod tests {
    use ctg::DecelerationKind;

    use super::super::sample::{IN_LABOR, quiet};
    use super::*;

    #[test]
    fn a_single_late_deceleration_parts_nice_from_the_others() {
        let asked = [RuleSet::Figo2015, RuleSet::Nichd2008, RuleSet::NiceNg229, RuleSet::DawesRedman];
        let late = quiet(60).with_contractions(1, DecelerationKind::Late);
        let comparison = compare(&asked, &late, &IN_LABOR);
        assert_eq!(comparison.classifications.len(), asked.len());
        let expect = [
            (RuleSet::Figo2015, RuleSet::Nichd2008),
            (RuleSet::Figo2015, RuleSet::NiceNg229),
            (RuleSet::Nichd2008, RuleSet::NiceNg229),
        ];
        assert_eq!(comparison.disagreements, expect);
    }

    #[test]
    fn on_a_quiet_trace_all_agree() {
        let moving = Features { movements_s: vec![2000.0, 2600.0], ..quiet(60) };
        assert_eq!(compare(&RuleSet::ALL, &moving, &IN_LABOR).disagreements, []);
    }

    #[test]
    fn lost_signal_is_uninterpretable_to_all() {
        let lost = quiet(60).last_minutes(60, |minute| minute.loss_ratio = 0.6);
        for labor in [super::super::Labor::Antenatal, super::super::Labor::Intrapartum] {
            let context = Context { labor, ..IN_LABOR };
            let said = compare(&RuleSet::ALL, &lost, &context).classifications;
            assert!(said.iter().all(|said| said.answer.concern().is_none()), "{said:#?}");
        }
    }
}
