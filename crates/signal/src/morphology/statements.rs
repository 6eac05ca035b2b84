//! Which final event is which provisional one.

use std::collections::VecDeque;

use ctg::Stage;

use crate::marks::{EventMark, TICKS_PER_SECOND};

/// Provisional events that wait for their final word; the oldest is given up beyond.
const WAITING_MAX: usize = 32;

/// Provisional events without their final word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements {
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    mark: EventMark,
    /// False when it was withdrawn already.
    stands: bool,
}

impl Statements {
    /// Keeps a provisional event that ended.
    pub(crate) fn wait(&mut self, mark: EventMark, stands: bool) {
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting { mark, stands });
    }

    /// Gives a final event the key of the provisional one that it overlaps most, and that one its last word.
    pub(crate) fn settle(&mut self, mark: EventMark) -> EventMark {
        let overlap = |other: &EventMark| mark.end.min(other.end).saturating_sub(mark.start.max(other.start));
        let same = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, known)| known.mark.direction == mark.direction && overlap(&known.mark) > 0)
            .max_by_key(|(at, known)| (overlap(&known.mark), std::cmp::Reverse(*at)))
            .map(|(at, _)| at);
        let key = same.and_then(|at| self.waiting.remove(at)).map_or(mark.key, |known| known.mark.key);
        EventMark { key, ..mark }
    }

    /// Withdraws what ended before `second` and found no final event; `open_s` is where one may yet come from.
    pub(crate) fn expire(&mut self, second: u32, open_s: Option<u32>) -> Vec<EventMark> {
        let over = |known: &Waiting| {
            let end_s = known.mark.end / TICKS_PER_SECOND;
            end_s <= second && open_s.is_none_or(|open_s| open_s >= end_s)
        };
        let withdrawn = self.waiting.iter().filter(|known| over(known) && known.stands);
        let withdrawn = withdrawn.map(|known| EventMark { stage: Stage::Withdrawn, ..known.mark }).collect();
        self.waiting.retain(|known| !over(known));
        withdrawn
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.waiting.capacity() * size_of::<Waiting>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks::Direction;

    fn mark(direction: Direction, stage: Stage, start_s: u32, end_s: u32) -> EventMark {
        let (start, end) = (start_s * TICKS_PER_SECOND, end_s * TICKS_PER_SECOND);
        EventMark {
            key: start,
            direction,
            stage,
            ongoing: false,
            start,
            end,
            extreme: start,
            extreme_bpm: 100.0,
            baseline_bpm: 140.0,
            area_beats: 1.0,
        }
    }

    #[test]
    fn a_final_event_keeps_the_key_of_the_one_it_overlaps_most() {
        let mut statements = Statements::default();
        statements.wait(mark(Direction::Up, Stage::Provisional, 90, 140), true);
        statements.wait(mark(Direction::Down, Stage::Provisional, 95, 110), true);
        statements.wait(mark(Direction::Down, Stage::Provisional, 115, 150), true);
        let settled = statements.settle(mark(Direction::Down, Stage::Final, 100, 152));
        assert_eq!((settled.key, settled.stage), (115 * TICKS_PER_SECOND, Stage::Final));
        let keys: Vec<u32> = statements.expire(200, None).iter().map(|mark| mark.key / TICKS_PER_SECOND).collect();
        assert_eq!(keys, [90, 95]);
    }

    #[test]
    fn nothing_is_withdrawn_while_its_final_event_may_still_come() {
        let mut statements = Statements::default();
        statements.wait(mark(Direction::Down, Stage::Provisional, 100, 150), true);
        assert!(statements.expire(149, None).is_empty());
        assert!(statements.expire(170, Some(120)).is_empty());
        assert_eq!(statements.expire(170, Some(160)).len(), 1);
        assert!(statements.expire(171, None).is_empty());
    }

    #[test]
    fn what_was_withdrawn_at_once_is_not_withdrawn_again() {
        let mut statements = Statements::default();
        statements.wait(mark(Direction::Down, Stage::Withdrawn, 100, 150), false);
        assert!(statements.expire(300, None).is_empty());
    }
}
