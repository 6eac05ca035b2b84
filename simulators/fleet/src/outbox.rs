//! Events that a device keeps until each is stored. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use ctg::{DeviceEvent, DeviceEventKind, RecordingId, Timestamp};

/// Events that are kept: a button pressed every two minutes for eight hours.
const EVENTS_MAX: usize = 256;
/// An event that is not said to be stored is sent again after so long, and then ever more seldom.
const PAUSE_FIRST: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    next_number: u64,
    events: VecDeque<Kept>,
    pause: Duration,
    sent_at: Duration,
}

#[derive(Clone, Debug)]
struct Kept {
    event: DeviceEvent,
    sent: bool,
}

impl Outbox {
    pub(crate) fn new(first_number: u64) -> Self {
        Self { next_number: first_number, events: VecDeque::new(), pause: PAUSE_FIRST, sent_at: Duration::ZERO }
    }

    pub(crate) fn push(&mut self, recording: RecordingId, at: Timestamp, kind: DeviceEventKind) {
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        let event = DeviceEvent { recording: Some(recording), sequence: self.next_number, at, kind };
        self.events.push_back(Kept { event, sent: false });
        self.next_number += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(crate) fn handle_connected(&mut self) {
        self.pause = PAUSE_FIRST;
        self.events.iter_mut().for_each(|kept| kept.sent = false);
    }

    /// True when the event was kept until now.
    pub(crate) fn handle_stored(&mut self, number: u64) -> bool {
        let before = self.events.len();
        self.events.retain(|kept| kept.event.sequence != number);
        self.events.len() < before
    }

    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        if self.next_timeout().is_some_and(|due| due <= now) {
            self.events.iter_mut().for_each(|kept| kept.sent = false);
            self.pause = (self.pause * 2).min(PAUSE_MAX);
            self.sent_at = now;
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Duration> {
        self.events.iter().any(|kept| kept.sent).then_some(self.sent_at + self.pause)
    }

    pub(crate) fn has_next(&self) -> bool {
        self.events.iter().any(|kept| !kept.sent)
    }

    pub(crate) fn take_next(&mut self, now: Duration) -> Option<DeviceEvent> {
        let kept = self.events.iter_mut().find(|kept| !kept.sent)?;
        kept.sent = true;
        self.sent_at = now;
        Some(kept.event.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Outbox {
        let mut outbox = Outbox::new(7);
        for second in 0..3 {
            let at = Timestamp::from_micros(1_795_338_900_000_000).plus_seconds(second);
            outbox.push(RecordingId::from_bytes([1; 16]), at, DeviceEventKind::Movement);
        }
        outbox
    }

    fn drain(outbox: &mut Outbox, now_s: u64) -> Vec<u64> {
        std::iter::from_fn(|| outbox.take_next(Duration::from_secs(now_s))).map(|event| event.sequence).collect()
    }

    #[test]
    fn events_go_out_in_order_and_stay_until_stored() {
        let mut outbox = outbox();
        assert_eq!(drain(&mut outbox, 0), [7, 8, 9]);
        assert!(outbox.handle_stored(8) && !outbox.handle_stored(8));
        outbox.handle_connected();
        assert_eq!(drain(&mut outbox, 5), [7, 9]);
    }

    #[test]
    fn unanswered_events_are_repeated_ever_more_seldom() {
        let mut outbox = outbox();
        drain(&mut outbox, 0);
        outbox.handle_timeout(Duration::from_secs(29));
        assert!(!outbox.has_next());
        outbox.handle_timeout(Duration::from_secs(30));
        assert_eq!(drain(&mut outbox, 30), [7, 8, 9]);
        assert_eq!(outbox.next_timeout(), Some(Duration::from_secs(90)));
    }
}
