use std::time::Duration;

/// First pause after a failure.
const FIRST: Duration = Duration::from_millis(100);

/// Longest pause: a broker or store that is back is used again within this time.
const LONGEST: Duration = Duration::from_secs(5);

/// Pauses between tries that go on for ever: nobody else would take the packets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause before the next try; each is twice as long as the one before.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u128> = (0..8).map(|_| backoff.pause().as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(Backoff { failures: u32::MAX }.pause(), LONGEST);
    }
}
