use std::fmt;

use ctg::Interval;

use super::{Criterion, Level};

/// Which values a row of a table takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Less than.
    Below(f64),
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
    /// More than.
    Above(f64),
    /// From the first to the second, both inside.
    Within(f64, f64),
}

impl Limit {
    /// True for a value that the row takes.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::Below(limit) => value < limit,
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
            Self::Above(limit) => value > limit,
            Self::Within(low, high) => (low..=high).contains(&value),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below(limit) => write!(f, "< {limit}"),
            Self::AtMost(limit) => write!(f, "≤ {limit}"),
            Self::AtLeast(limit) => write!(f, "≥ {limit}"),
            Self::Above(limit) => write!(f, "> {limit}"),
            Self::Within(low, high) => write!(f, "{low}–{high}"),
        }
    }
}

/// One rule as a table: the first row that takes the value decides; the last one takes every value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) rule: &'static str,
    pub(super) unit: &'static str,
    pub(super) rows: &'static [(Limit, Level)],
}

impl Table {
    /// Applies the rule.
    pub(super) fn judge(&self, value: Option<f64>, interval: Interval) -> Criterion {
        let row = value.and_then(|value| self.rows.iter().find(|(limit, _)| limit.holds(value)));
        Criterion {
            rule: self.rule,
            unit: self.unit,
            value,
            limit: row.map(|(limit, _)| *limit),
            level: row.map_or(Level::Undetermined, |(_, level)| *level),
            interval,
        }
    }
}

/// Checks each row of a table: values with the level expected.
#[cfg(test)]
pub(super) fn check(table: &Table, expect: &[(f64, Level)]) {
    let moment = ctg::Timestamp::from_micros(0);
    for (value, level) in expect {
        let criterion = table.judge(Some(*value), Interval { start: moment, end: moment });
        assert_eq!(criterion.level, *level, "{} {value} {}", table.rule, table.unit);
    }
    let decided_by = |limit: &Limit| {
        expect
            .iter()
            .any(|(value, _)| table.rows.iter().find(|row| row.0.holds(*value)).is_some_and(|row| row.0 == *limit))
    };
    for (limit, _) in table.rows {
        assert!(decided_by(limit), "{}: no case for the row {limit}", table.rule);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_say_what_they_take() {
        let cases = [
            (Limit::Below(110.0), "< 110", [true, false, false]),
            (Limit::AtMost(110.0), "≤ 110", [true, true, false]),
            (Limit::AtLeast(110.0), "≥ 110", [false, true, true]),
            (Limit::Above(110.0), "> 110", [false, false, true]),
            (Limit::Within(110.0, 160.0), "110–160", [false, true, true]),
        ];
        for (limit, text, holds) in cases {
            assert_eq!(limit.to_string(), text);
            assert_eq!([109.9, 110.0, 110.1].map(|value| limit.holds(value)), holds, "{text}");
        }
    }
}
