use std::fmt;

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;

/// A moment in UTC, in microseconds since 1970-01-01T00:00:00Z.
///
/// Devices stamp samples with their own clock; the difference to the receiver's clock is measured
/// beside the samples and never mixed into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `us` microseconds after the start of 1970 in UTC.
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }

    /// Microseconds since the start of 1970 in UTC.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The moment `us` microseconds later; stops at the ends of the representable range.
    #[must_use]
    pub const fn plus_micros(self, us: i64) -> Self {
        Self(self.0.saturating_add(us))
    }

    /// The moment `seconds` later; stops at the ends of the representable range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_micros(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Microseconds from `earlier` to this moment; negative when `earlier` is in fact later.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Seconds from `earlier` to this moment; negative when `earlier` is in fact later.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.micros_since(earlier) as f64 / MICROS_PER_SECOND as f64
    }
}

impl fmt::Display for Timestamp {
    /// Writes ISO 8601 in UTC with milliseconds, such as `2026-11-22T09:15:00.250Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, micros_of_day) =
            (self.0.div_euclid(86_400 * MICROS_PER_SECOND), self.0.rem_euclid(86_400 * MICROS_PER_SECOND));
        let (year, month, day) = civil_from_days(days);
        let seconds = micros_of_day / MICROS_PER_SECOND;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            micros_of_day % MICROS_PER_SECOND / 1000,
        )
    }
}

/// Year, month and day of the proleptic Gregorian calendar, counted in 400-year eras from 0000-03-01.
fn civil_from_days(days_since_1970: i64) -> (i64, i64, i64) {
    const DAYS_TO_1970: i64 = 719_468;
    const DAYS_PER_ERA: i64 = 146_097;
    let days = days_since_1970 + DAYS_TO_1970;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: i64, expect: &str) {
        assert_eq!(Timestamp::from_micros(seconds * MICROS_PER_SECOND).to_string(), expect);
    }

    #[test]
    fn displays_iso_8601() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_400, "2000-02-29T00:00:00.000Z");
        check(1_795_338_900, "2026-11-22T09:15:00.000Z");
        check(4_107_542_399, "2100-02-28T23:59:59.000Z");
        check(-1, "1969-12-31T23:59:59.000Z");
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(last.plus_seconds(1), last);
        assert_eq!(Timestamp::from_micros(i64::MIN).micros_since(last), i64::MIN);
    }
}
