use crate::Timestamp;

/// A stretch of time, from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// The first moment inside.
    pub start: Timestamp,
    /// The first moment after.
    pub end: Timestamp,
}

impl Interval {
    /// Length in seconds; 0 when `end` is not after `start`.
    pub fn duration_s(self) -> f64 {
        self.end.seconds_since(self.start).max(0.0)
    }

    /// True when the two share at least one moment.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start: i64, end: i64) -> Interval {
        Interval { start: Timestamp::from_micros(start), end: Timestamp::from_micros(end) }
    }

    #[test]
    fn touching_intervals_do_not_overlap() {
        assert!(!interval(0, 10).overlaps(interval(10, 20)));
        assert!(interval(0, 11).overlaps(interval(10, 20)));
    }

    #[test]
    fn an_inverted_interval_has_no_length() {
        assert_eq!(interval(5_000_000, 1_000_000).duration_s(), 0.0);
        assert_eq!(interval(1_000_000, 5_000_000).duration_s(), 4.0);
    }
}
