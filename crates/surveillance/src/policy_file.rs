//! The policy file, as `deploy/policy/default.toml` explains it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use alerting::{Bound, Condition, Ladder, Ladders, Level, Policy, PolicyError, PolicyPart, Priority, Rule};
use ctg::Quantity;
use serde::Deserialize;
use toml::Spanned;

/// The commented default policy file.
pub const DEFAULT: &str = include_str!("../../../deploy/policy/default.toml");

/// Why a policy file is refused: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFileError {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for PolicyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for PolicyFileError {}

/// Reads a policy from the text of a policy file.
///
/// # Errors
/// The first fault: syntax, an unknown word, or a value beyond its limits.
pub fn parse(text: &str) -> Result<Policy, PolicyFileError> {
    let refuse = |at: usize, message: String| PolicyFileError { line: line(text, at), message };
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        refuse(at, error.message().trim_end().replace('\n', "; "))
    })?;
    let places = Places::of(&file);
    let policy = file.policy().map_err(|fault| refuse(fault.at.start, fault.message))?;
    policy.check().map_err(|error| refuse(places.of_fault(&error), error.fault))?;
    Ok(policy)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    version: u16,
    late_priority: Spanned<String>,
    ladder: LaddersFile,
    condition: BTreeMap<Spanned<String>, RuleFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LaddersFile {
    low: Spanned<LadderFile>,
    medium: Spanned<LadderFile>,
    high: Spanned<LadderFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LadderFile {
    present_within_s: u32,
    response_s: Vec<u32>,
    repeat_s: u32,
    watch_s: u32,
    recheck_s: u32,
    cleared_factor: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    levels: Vec<LevelFile>,
    clear_after_s: u32,
    #[serde(default)]
    closes_itself: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelFile {
    after_s: u32,
    number: Option<Spanned<String>>,
    at_most: Option<f64>,
    at_least: Option<f64>,
    priority: Spanned<String>,
}

struct Fault {
    at: Range<usize>,
    message: String,
}

/// Where the parts of a policy stand in the text.
struct Places {
    name: usize,
    ladders: [(Priority, usize); 3],
    rules: Vec<(String, usize)>,
}

impl Places {
    fn of(file: &File) -> Self {
        let ladder = &file.ladder;
        Self {
            name: file.name.span().start,
            ladders: [
                (Priority::Low, ladder.low.span().start),
                (Priority::Medium, ladder.medium.span().start),
                (Priority::High, ladder.high.span().start),
            ],
            rules: file.condition.keys().map(|code| (code.get_ref().clone(), code.span().start)).collect(),
        }
    }

    fn of_fault(&self, error: &PolicyError) -> usize {
        let found = match error.part {
            PolicyPart::Whole => None,
            PolicyPart::Ladder(priority) => self.ladders.iter().find(|(of, _)| *of == priority).map(|(_, at)| *at),
            PolicyPart::Rule(condition) => {
                self.rules.iter().find(|(code, _)| code == condition.code()).map(|(_, at)| *at)
            }
        };
        found.unwrap_or(self.name)
    }
}

impl File {
    fn policy(self) -> Result<Policy, Fault> {
        let mut rules = BTreeMap::new();
        for (code, rule) in self.condition {
            let condition = Condition::from_code(code.get_ref()).ok_or_else(|| Fault {
                message: format!("no condition is called '{}'", code.get_ref()),
                at: code.span(),
            })?;
            rules.insert(condition, rule.rule()?);
        }
        Ok(Policy {
            name: self.name.into_inner(),
            version: self.version,
            late_priority: priority(&self.late_priority)?,
            ladders: Ladders {
                low: self.ladder.low.into_inner().ladder(),
                medium: self.ladder.medium.into_inner().ladder(),
                high: self.ladder.high.into_inner().ladder(),
            },
            rules,
        })
    }
}

impl LadderFile {
    fn ladder(self) -> Ladder {
        Ladder {
            present_within_s: self.present_within_s,
            response_s: self.response_s,
            repeat_s: self.repeat_s,
            watch_s: self.watch_s,
            recheck_s: self.recheck_s,
            cleared_factor: self.cleared_factor,
        }
    }
}

impl RuleFile {
    fn rule(self) -> Result<Rule, Fault> {
        let levels = self.levels.iter().map(LevelFile::level).collect::<Result<_, _>>()?;
        Ok(Rule { levels, clear_after_s: self.clear_after_s, closes_itself: self.closes_itself })
    }
}

impl LevelFile {
    fn level(&self) -> Result<Level, Fault> {
        Ok(Level { after_s: self.after_s, bound: self.bound()?, priority: priority(&self.priority)? })
    }

    fn bound(&self) -> Result<Option<Bound>, Fault> {
        let Some(number) = &self.number else {
            return if self.at_most.is_none() && self.at_least.is_none() {
                Ok(None)
            } else {
                let message = "at_most and at_least need `number`, the name of what is compared".to_owned();
                Err(Fault { message, at: self.priority.span() })
            };
        };
        let fault = |message: String| Fault { message, at: number.span() };
        let quantity = Quantity::from_code(number.get_ref())
            .ok_or_else(|| fault(format!("no number of a finding is called '{}'", number.get_ref())))?;
        match (self.at_most, self.at_least) {
            (Some(value), None) => Ok(Some(Bound::AtMost(quantity, value))),
            (None, Some(value)) => Ok(Some(Bound::AtLeast(quantity, value))),
            _ => Err(fault("a number needs exactly one of at_most and at_least".to_owned())),
        }
    }
}

fn priority(code: &Spanned<String>) -> Result<Priority, Fault> {
    Priority::from_code(code.get_ref()).ok_or_else(|| Fault {
        message: format!("'{}' is no priority: write low, medium or high", code.get_ref()),
        at: code.span(),
    })
}

/// The line of a byte of the text, from 1.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses the default with one replacement and gives the refused line's text and the message.
    fn refused(replace: &str, with: &str) -> (String, String) {
        assert!(DEFAULT.contains(replace), "the default has '{replace}'");
        let text = DEFAULT.replacen(replace, with, 1);
        let error = parse(&text).unwrap_err();
        (text.lines().nth(error.line - 1).unwrap().to_owned(), error.message)
    }

    fn check(replace: &str, with: &str, line: &str, message: &str) {
        let found = refused(replace, with);
        assert!(found.0.contains(line), "'{}' should be the line '{line}' ({})", found.0, found.1);
        assert!(found.1.contains(message), "'{}' should say '{message}'", found.1);
    }

    #[test]
    fn the_default_is_a_policy() {
        let policy = parse(DEFAULT).unwrap();
        assert_eq!((policy.name.as_str(), policy.version), ("default", 1));
        assert_eq!(policy.ladders.high.response_s, [60, 60, 120]);
        let low_rate = &policy.rules[&Condition::Signal(ctg::FindingKind::LowHeartRate)];
        assert_eq!(low_rate.levels[2].bound, Some(Bound::AtMost(Quantity::Limit, 80.0)));
        assert_eq!(policy.rules.len(), 20);
    }

    #[test]
    fn unknown_words_are_refused_with_their_line() {
        check("present_within_s = 5 ", "present_in_s = 5 ", "present_in_s", "unknown field");
        check("[condition.pain]", "[condition.pian]", "[condition.pian]", "no condition is called 'pian'");
        check("number = \"limit\"", "number = \"limits\"", "limits", "no number of a finding is called 'limits'");
        check("late_priority = \"low\"", "late_priority = \"none\"", "none", "write low, medium or high");
        check("version = 1", "version = \"one\"", "version = \"one\"", "invalid type");
        check("name = \"default\"", "name = \"default", "name", "");
    }

    #[test]
    fn values_beyond_their_limits_are_refused_with_their_part() {
        check("response_s = [60, 60, 120]", "response_s = [60, 600]", "[ladder.high]", "must be 10 to 120");
        check(
            "levels = [{ after_s = 600, priority = \"medium\" }]",
            "levels = []",
            "[condition.bradycardia]",
            "levels",
        );
        check("clear_after_s = 30", "clear_after_s = 30\ncloses_itself = true", "low_heart_rate", "by a person");
    }

    #[test]
    fn what_is_indispensable_is_missed() {
        let (without, _) = DEFAULT.split_once("[condition.not_recorded]").unwrap();
        let error = parse(without).unwrap_err();
        assert!(without.lines().nth(error.line - 1).unwrap().contains("name = \"default\""));
        assert!(error.message.contains("not_recorded"), "{}", error.message);
    }

    #[test]
    fn a_bound_is_whole() {
        check("number = \"limit\", at_most = 80.0", "at_most = 80.0", "at_most", "need `number`");
        check("at_most = 80.0", "at_most = 80.0, at_least = 1.0", "at_least", "exactly one");
    }
}
