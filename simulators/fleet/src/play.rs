//! Which blocks exist at which moment of play. Pure, but for the one reading of the clock.

use std::time::{Duration, SystemTime};

use ctg::Timestamp;

use crate::DeviceConfig;

/// UTC now, as the device's own clock would say.
pub(crate) fn wall_clock() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
}

/// How a recording grows while it is played; `elapsed` counts from the beginning of play.
#[derive(Clone, Debug)]
pub(crate) struct Play {
    /// When sample 0 was taken.
    pub(crate) start: Timestamp,
    begun: Timestamp,
    history_us: i64,
    speed: f64,
    block_us: i64,
    /// Length of the trace; `None` when it repeats.
    length_us: Option<i64>,
}

impl Play {
    pub(crate) fn new(config: &DeviceConfig, begun: Timestamp) -> Self {
        let trace_us = config.trace.sample_count() as i64 * config.trace.rate.period_us();
        let length_us = (!config.repeat).then_some(trace_us);
        let history_us = micros(config.history_s).min(length_us.unwrap_or(i64::MAX));
        let to_play_us = length_us.map_or(0, |length| length - history_us);
        let early_us = (to_play_us as f64 * (1.0 - 1.0 / config.speed)) as i64;
        Self {
            start: begun.plus_micros(-history_us - early_us),
            begun,
            history_us,
            speed: config.speed,
            block_us: i64::from(config.block_length_ms) * 1000,
            length_us,
        }
    }

    /// The device's clock.
    pub(crate) fn now(&self, elapsed: Duration) -> Timestamp {
        self.begun.plus_micros(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
    }

    /// The moment that is being recorded, by the clock of the recording.
    pub(crate) fn recorded_until(&self, elapsed: Duration) -> Timestamp {
        self.start.plus_micros(self.recorded_us(elapsed))
    }

    /// Number of blocks that are measured to their end.
    pub(crate) fn measured(&self, elapsed: Duration) -> u32 {
        let recorded_us = self.recorded_us(elapsed);
        match self.length_us {
            Some(length_us) if recorded_us >= length_us => self.blocks_in(length_us),
            _ => u32::try_from(recorded_us / self.block_us).unwrap_or(u32::MAX),
        }
    }

    /// Number of blocks of the whole recording; `None` when it never ends.
    pub(crate) fn total(&self) -> Option<u32> {
        self.length_us.map(|length_us| self.blocks_in(length_us))
    }

    /// When a block is measured to its end; the last one may be shorter and so be ready earlier.
    pub(crate) fn ready_at(&self, sequence: u32) -> Duration {
        let end_us = (i64::from(sequence) + 1) * self.block_us;
        let end_us = end_us.min(self.length_us.unwrap_or(i64::MAX));
        let to_play_us = (end_us - self.history_us).max(0);
        Duration::from_micros((to_play_us as f64 / self.speed).ceil() as u64)
    }

    fn recorded_us(&self, elapsed: Duration) -> i64 {
        let played_us = elapsed.as_micros() as f64 * self.speed;
        self.history_us.saturating_add(played_us as i64).min(self.length_us.unwrap_or(i64::MAX))
    }

    fn blocks_in(&self, length_us: i64) -> u32 {
        u32::try_from((length_us + self.block_us - 1) / self.block_us).unwrap_or(u32::MAX)
    }
}

fn micros(seconds: f64) -> i64 {
    (seconds * 1e6) as i64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use recordings::{Fetus, Woman};

    use super::*;

    const BEGUN: Timestamp = Timestamp::from_micros(1_795_338_900_000_000);

    fn play(change: impl FnOnce(&mut DeviceConfig)) -> Play {
        let trace = Arc::new(Woman::new(1, 120.5).fetus(Fetus::new(140.0)).record().trace);
        let mut config = DeviceConfig::new("a".parse().unwrap(), String::new(), trace);
        change(&mut config);
        Play::new(&config, BEGUN)
    }

    #[test]
    fn at_speed_one_the_newest_sample_is_from_now() {
        let play = play(|c| c.history_s = 60.0);
        assert_eq!(play.start, BEGUN.plus_seconds(-60));
        assert_eq!((play.measured(Duration::ZERO), play.total()), (60, Some(121)));
        assert_eq!(play.measured(Duration::from_millis(999)), 60);
        assert_eq!(play.ready_at(60), Duration::from_secs(1));
        assert_eq!(play.measured(play.ready_at(60)), 61);
        assert_eq!(play.recorded_until(Duration::from_secs(5)), play.now(Duration::from_secs(5)));
        assert_eq!(play.measured(Duration::from_secs(1000)), 121);
    }

    #[test]
    fn a_faster_recording_ends_now() {
        let play = play(|c| c.speed = 60.0);
        let end = play.ready_at(120);
        assert_eq!(play.measured(end), 121);
        assert_eq!(play.measured(end - Duration::from_micros(1)), 120);
        let behind = play.now(end).micros_since(play.recorded_until(end)).abs();
        assert!(behind <= 60, "{behind} microseconds");
        assert!(play.start < BEGUN);
    }

    #[test]
    fn a_repeated_trace_never_ends() {
        let play = play(|c| c.repeat = true);
        assert_eq!((play.total(), play.measured(Duration::from_secs(86_400))), (None, 86_400));
    }

    #[test]
    fn history_ends_with_the_trace() {
        let play = play(|c| c.history_s = 1e9);
        assert_eq!((play.measured(Duration::ZERO), play.ready_at(120)), (121, Duration::ZERO));
    }
}
