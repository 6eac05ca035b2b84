use std::collections::BTreeMap;

use ctg::{ReceivedBlock, Timestamp};

/// Data that is this much older at its arrival than the device's data usually is counts as late, s.
const LATE_AFTER_S: i64 = 10;
/// Most of a constant delay that is put down to the device's clock or line and not to lateness, s.
const USUAL_DELAY_MAX_S: i64 = 30;
/// Missing stretches of one recording that are remembered; more mean that the device forgets blocks at random.
const HOLES_MAX: usize = 256;

/// Which blocks of a recording have come, and how late they usually are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals {
    newest: Option<u32>,
    /// Missing sequences below the newest: first to last.
    holes: BTreeMap<u32, u32>,
    usual_delay_us: Option<i64>,
    newest_end: Option<Timestamp>,
    heard: Option<Timestamp>,
    live: Option<Live>,
    late_until: Option<Timestamp>,
}

/// The newest block that came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Live {
    /// When it came, by the service's clock.
    pub(crate) heard: Timestamp,
    /// When its last sample was taken, by the device's clock.
    pub(crate) end: Timestamp,
}

/// What one block is in its recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// False for a repeat.
    pub(crate) new: bool,
    /// True when it came so late that nobody may be alarmed as if it were happening now.
    pub(crate) late: bool,
    /// True when it leaves a hole before it that was not there.
    pub(crate) makes_hole: bool,
}

impl Arrivals {
    /// Takes note of a block.
    pub(crate) fn take(&mut self, received: &ReceivedBlock) -> Arrival {
        let sequence = received.block.sequence;
        let end = received.block.end();
        let delay_us = received.received.micros_since(end);
        let usual_us = self.usual_delay_us.map_or(delay_us, |usual| usual.min(delay_us));
        self.usual_delay_us = Some(usual_us);
        let late =
            delay_us - usual_us.min(USUAL_DELAY_MAX_S * ctg::MICROS_PER_SECOND) > LATE_AFTER_S * ctg::MICROS_PER_SECOND;
        let makes_hole = self.newest.is_some_and(|newest| sequence > newest.saturating_add(1));
        let new = self.enter(sequence);
        if new {
            self.heard = self.heard.max(Some(received.received));
            self.newest_end = self.newest_end.max(Some(end));
        }
        if new && !late && self.live.is_none_or(|live| end > live.end) {
            self.live = Some(Live { heard: received.received, end });
        }
        if new && late {
            self.late_until = self.late_until.max(Some(end));
        }
        Arrival { new, late, makes_hole }
    }

    /// Device time just after the newest sample.
    pub(crate) fn newest_end(&self) -> Option<Timestamp> {
        self.newest_end
    }

    /// When the newest block came, by the service's clock.
    pub(crate) fn heard(&self) -> Option<Timestamp> {
        self.heard
    }

    /// The newest block that came in time.
    pub(crate) fn live(&self) -> Option<Live> {
        self.live
    }

    /// True if the samples up to this moment of the device's clock end in such that came late.
    pub(crate) fn ends_late(&self, until: Timestamp) -> bool {
        self.late_until.is_some_and(|late_until| until <= late_until)
    }

    /// The highest sequence that came.
    pub(crate) fn newest(&self) -> Option<u32> {
        self.newest
    }

    /// The first missing stretch of sequences.
    pub(crate) fn first_hole(&self) -> Option<(u32, u32)> {
        self.holes.first_key_value().map(|(first, last)| (*first, *last))
    }

    /// The service's clock at a moment of the device's clock, as far as the usual delay tells.
    pub(crate) fn service_time(&self, device_time: Timestamp) -> Timestamp {
        device_time.plus_micros(self.usual_delay_us.unwrap_or(0))
    }

    /// True if the sequence had not come before.
    fn enter(&mut self, sequence: u32) -> bool {
        match self.newest {
            Some(newest) if sequence <= newest => return self.fill(sequence),
            Some(newest) if sequence > newest + 1 => {
                self.holes.insert(newest + 1, sequence - 1);
            }
            _ => {}
        }
        self.newest = Some(sequence);
        if self.holes.len() > HOLES_MAX {
            self.holes.pop_first();
        }
        true
    }

    fn fill(&mut self, sequence: u32) -> bool {
        let around = self.holes.range(..=sequence).next_back().map(|(first, last)| (*first, *last));
        let Some((first, last)) = around.filter(|(_, last)| sequence <= *last) else { return false };
        self.holes.remove(&first);
        if first < sequence {
            self.holes.insert(first, sequence - 1);
        }
        if sequence < last {
            self.holes.insert(sequence + 1, last);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ward::examples::{at, received};

    fn arrive(arrivals: &mut Arrivals, sequence: u32, delay_s: i64) -> Arrival {
        let end_s = i64::from(sequence) + 1;
        arrivals.take(&received(sequence, end_s + delay_s))
    }

    #[test]
    fn repeats_are_not_new_and_fillers_are() {
        let mut arrivals = Arrivals::default();
        assert!(arrive(&mut arrivals, 0, 0).new);
        let jump = arrive(&mut arrivals, 5, 0);
        assert!(jump.new && jump.makes_hole);
        assert_eq!(arrivals.first_hole(), Some((1, 4)));
        assert!(!arrive(&mut arrivals, 0, 1).new);
        assert!(arrive(&mut arrivals, 3, 2).new);
        assert!(!arrive(&mut arrivals, 3, 2).new);
        assert_eq!(arrivals.first_hole(), Some((1, 2)));
        assert!(arrive(&mut arrivals, 1, 4).new && arrive(&mut arrivals, 2, 4).new && arrive(&mut arrivals, 4, 4).new);
        assert_eq!(arrivals.first_hole(), None);
        assert_eq!(arrivals.newest(), Some(5));
    }

    #[test]
    fn a_slow_clock_does_not_make_everything_late() {
        let mut arrivals = Arrivals::default();
        assert!(!arrive(&mut arrivals, 0, 20).late);
        assert!(!arrive(&mut arrivals, 1, 25).late);
        assert!(arrive(&mut arrivals, 2, 31).late);
        assert_eq!(arrivals.live().map(|live| live.end), Some(at(2)));
        assert_eq!(arrivals.newest_end(), Some(at(3)));
    }

    #[test]
    fn what_begins_with_a_backlog_is_late_from_the_start() {
        let mut arrivals = Arrivals::default();
        assert!(arrive(&mut arrivals, 0, 600).late);
        assert!(arrive(&mut arrivals, 1, 300).late);
        assert_eq!(arrivals.live(), None);
        assert!(!arrive(&mut arrivals, 2, 0).late);
    }

    #[test]
    fn a_fast_clock_does_not_hide_lateness() {
        let mut arrivals = Arrivals::default();
        assert!(!arrive(&mut arrivals, 0, -100).late);
        assert!(arrive(&mut arrivals, 1, -60).late);
        assert_eq!(arrivals.service_time(at(200)), at(100));
    }

    #[test]
    fn holes_are_bounded() {
        let mut arrivals = Arrivals::default();
        for sequence in 0..2000 {
            arrive(&mut arrivals, sequence * 2, 0);
        }
        assert_eq!(arrivals.holes.len(), HOLES_MAX);
    }
}
