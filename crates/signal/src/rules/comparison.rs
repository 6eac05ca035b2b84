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
