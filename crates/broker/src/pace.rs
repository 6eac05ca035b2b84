use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// How many packets a device may send; more are delayed, never dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketRate {
    /// Packets per second in the long run.
    pub per_second: NonZeroU32,
    /// Packets at once after a pause, such as a backlog.
    pub burst: NonZeroU32,
}

/// A token bucket, kept as the moment at which it would be full again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    per_packet: Duration,
    depth: Duration,
    full_at: Instant,
}

impl Pace {
    pub(crate) fn new(rate: PacketRate, now: Instant) -> Self {
        let per_packet = Duration::from_secs(1) / rate.per_second.get();
        Self { per_packet, depth: per_packet * rate.burst.get(), full_at: now }
    }

    /// Tells whether there is a token.
    ///
    /// # Errors
    /// When there will be one.
    pub(crate) fn check(&self, now: Instant) -> Result<(), Instant> {
        let earliest = self.full_after(now).checked_sub(self.depth).unwrap_or(now);
        if earliest > now { Err(earliest) } else { Ok(()) }
    }

    /// Takes a token that is there.
    pub(crate) fn take(&mut self, now: Instant) {
        self.full_at = self.full_after(now);
    }

    fn full_after(&self, now: Instant) -> Instant {
        self.full_at.max(now) + self.per_packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_second: u32, burst: u32, now: Instant) -> Pace {
        let nonzero = |value| NonZeroU32::new(value).unwrap();
        Pace::new(PacketRate { per_second: nonzero(per_second), burst: nonzero(burst) }, now)
    }

    /// Takes tokens while there are some; returns how many and when the next comes.
    fn drain(pace: &mut Pace, now: Instant) -> (u32, Instant) {
        let mut taken = 0;
        loop {
            match pace.check(now) {
                Ok(()) => pace.take(now),
                Err(next) => return (taken, next),
            }
            taken += 1;
        }
    }

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let start = Instant::now();
        let mut pace = pace(20, 5, start);
        let next = start + Duration::from_millis(50);
        assert_eq!(drain(&mut pace, start), (5, next));
        assert_eq!(drain(&mut pace, next), (1, next + Duration::from_millis(50)));
    }

    #[test]
    fn a_pause_earns_no_more_than_the_burst() {
        let start = Instant::now();
        let mut pace = pace(10, 2, start);
        let later = start + Duration::from_secs(3600);
        assert_eq!(drain(&mut pace, later), (2, later + Duration::from_millis(100)));
    }
}
