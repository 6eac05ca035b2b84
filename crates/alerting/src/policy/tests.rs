use super::*;
use crate::examples::{LOW_RATE, SILENCE, policy};

fn check(edit: impl FnOnce(&mut Policy), expect: Option<(PolicyPart, &str)>) {
    let mut policy = policy();
    edit(&mut policy);
    match (policy.check(), expect) {
        (Ok(()), None) => {}
        (Err(error), Some((part, words))) => {
            assert_eq!(error.part, part);
            assert!(error.fault.contains(words), "'{}' should say '{words}'", error.fault);
        }
        (outcome, expect) => panic!("{outcome:?} instead of {expect:?}"),
    }
}

fn rule(policy: &mut Policy, condition: Condition) -> &mut Rule {
    policy.rules.get_mut(&condition).unwrap()
}

#[test]
fn a_policy_without_holes_is_taken() {
    check(|_| {}, None);
}

#[test]
fn a_ladder_keeps_the_hard_limits() {
    let high = PolicyPart::Ladder(Priority::High);
    check(|policy| policy.ladders.high.response_s.clear(), Some((high, "1 to 8 steps")));
    check(|policy| policy.ladders.high.response_s = vec![60; 9], Some((high, "1 to 8 steps")));
    check(|policy| policy.ladders.high.response_s[1] = 121, Some((high, "response_s is 121 but must be 10 to 120")));
    check(|policy| policy.ladders.high.response_s[0] = 9, Some((high, "response_s is 9")));
    check(|policy| policy.ladders.high.present_within_s = 11, Some((high, "present_within_s")));
    check(|policy| policy.ladders.high.repeat_s = 0, Some((high, "repeat_s")));
    check(|policy| policy.ladders.high.watch_s = 901, Some((high, "watch_s")));
    check(|policy| policy.ladders.high.cleared_factor = 4, Some((high, "cleared_factor")));
    let medium = PolicyPart::Ladder(Priority::Medium);
    check(|policy| policy.ladders.medium.recheck_s = 901, Some((medium, "recheck_s")));
    check(|policy| policy.ladders.low.response_s = vec![86_401], Some((PolicyPart::Ladder(Priority::Low), "86400")));
}

#[test]
fn a_rule_can_be_reached_and_only_equipment_closes_by_itself() {
    let low_rate = PolicyPart::Rule(LOW_RATE);
    check(|policy| rule(policy, LOW_RATE).levels.clear(), Some((low_rate, "levels")));
    check(|policy| rule(policy, LOW_RATE).closes_itself = true, Some((low_rate, "closed by a person")));
    check(|policy| rule(policy, LOW_RATE).clear_after_s = 7201, Some((low_rate, "7200")));
    check(|policy| rule(policy, LOW_RATE).levels[0].after_s = 7201, Some((low_rate, "7200")));
    let unreachable = Some(Bound::AtLeast(Quantity::BaselineBpm, f64::NAN));
    check(|policy| rule(policy, LOW_RATE).levels[0].bound = unreachable, Some((low_rate, "finite")));
    check(|policy| rule(policy, SILENCE).closes_itself = false, None);
}

#[test]
fn silence_of_devices_and_of_the_store_must_be_alarmed() {
    let missing = |policy: &mut Policy, condition| {
        policy.rules.remove(&condition);
    };
    check(|policy| missing(policy, SILENCE), Some((PolicyPart::Whole, "communication_loss")));
    check(|policy| missing(policy, Condition::NotRecorded), Some((PolicyPart::Whole, "not_recorded")));
    check(|policy| missing(policy, Condition::NotAnalyzed), Some((PolicyPart::Whole, "not_analyzed")));
    check(|policy| policy.name = " ".to_owned(), Some((PolicyPart::Whole, "name")));
}
