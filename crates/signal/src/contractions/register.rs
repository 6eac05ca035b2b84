//! Keeps the provisional and the final opinion on each contraction together.

use std::collections::VecDeque;

use ctg::Stage;

use crate::marks::{ContractionMark, TICKS_PER_SECOND};

/// Most contractions that may wait for their final opinion: each lasts seconds, the wait is a minute.
const PENDING_MAX: usize = 16;

/// A stretch of seconds that a method takes for a contraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    /// First second.
    pub(crate) start_s: u32,
    /// Second of the highest smoothed activity.
    pub(crate) peak_s: u32,
    /// One past the last second.
    pub(crate) end_s: u32,
    /// Peak above resting tone, toco units.
    pub(crate) amplitude_toco: f32,
}

impl Span {
    fn overlaps(&self, other: &Self) -> bool {
        self.start_s < other.end_s && other.start_s < self.end_s
    }
}

/// One contraction that has no final opinion yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    /// Second of the onset as first announced.
    key_s: u32,
    span: Span,
    ongoing: bool,
}

/// The contractions of one recording as said so far.
#[derive(Clone, Debug)]
pub(crate) struct Register {
    pending: VecDeque<Pending>,
    said: Vec<ContractionMark>,
}

impl Register {
    /// Nothing said yet.
    pub(crate) fn new() -> Self {
        Self { pending: VecDeque::with_capacity(PENDING_MAX), said: Vec::new() }
    }

    /// Says that a contraction has begun and still goes on.
    pub(crate) fn open(&mut self, span: Span) {
        if self.pending.len() == PENDING_MAX {
            let oldest = self.pending.pop_front();
            self.withdraw(oldest);
        }
        let pending = Pending { key_s: span.start_s, span, ongoing: true };
        self.pending.push_back(pending);
        self.say(pending, Stage::Provisional);
    }

    /// Says that the ongoing contraction has ended as `span`, provisionally.
    pub(crate) fn close(&mut self, span: Span) {
        let open = self.pending.iter_mut().find(|pending| pending.ongoing);
        let Some(pending) = open else { return };
        pending.span = span;
        pending.ongoing = false;
        let closed = *pending;
        self.say(closed, Stage::Provisional);
    }

    /// Takes the ongoing contraction back.
    pub(crate) fn withdraw_open(&mut self) {
        self.withdraw_where(|pending| pending.ongoing);
    }

    /// Takes back what ended before `before_s` and did not become final.
    pub(crate) fn withdraw_before(&mut self, before_s: u32) {
        self.withdraw_where(|pending| !pending.ongoing && pending.span.end_s <= before_s);
    }

    /// Says the final opinion: the first provisional contraction that it overlaps takes it on, others that it
    /// covers are taken back, and without any it is a new one.
    pub(crate) fn finalize(&mut self, span: Span) {
        let matching = self.pending.iter().position(|pending| pending.span.overlaps(&span));
        let known = matching.and_then(|index| self.pending.remove(index));
        let key_s = known.map_or(span.start_s, |pending| pending.key_s);
        self.say(Pending { key_s, span, ongoing: false }, Stage::Final);
        self.withdraw_where(|pending| !pending.ongoing && pending.span.overlaps(&span));
    }

    /// `span` together with the provisional contractions that it overlaps.
    pub(crate) fn joined(&self, span: Span) -> Span {
        let overlapping = self.pending.iter().map(|pending| pending.span).filter(|known| known.overlaps(&span));
        overlapping.fold(span, |joined, known| {
            let highest = if known.amplitude_toco > joined.amplitude_toco { known } else { joined };
            Span { start_s: joined.start_s, end_s: joined.end_s.max(known.end_s), ..highest }
        })
    }

    /// Makes every provisional contraction final as it stands: nothing more will be known.
    pub(crate) fn finalize_rest(&mut self) {
        while let Some(pending) = self.pending.pop_front() {
            self.say(Pending { ongoing: false, ..pending }, Stage::Final);
        }
    }

    /// What was said since the last call.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = ContractionMark> + '_ {
        self.said.drain(..)
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.pending.capacity() * size_of::<Pending>() + self.said.capacity() * size_of::<ContractionMark>()
    }

    fn withdraw_where(&mut self, gone: impl Fn(&Pending) -> bool) {
        while let Some(index) = self.pending.iter().position(&gone) {
            let withdrawn = self.pending.remove(index);
            self.withdraw(withdrawn);
        }
    }

    fn withdraw(&mut self, pending: Option<Pending>) {
        if let Some(pending) = pending {
            self.say(Pending { ongoing: false, ..pending }, Stage::Withdrawn);
        }
    }

    fn say(&mut self, pending: Pending, stage: Stage) {
        self.said.push(ContractionMark {
            key: pending.key_s.saturating_mul(TICKS_PER_SECOND),
            stage,
            ongoing: pending.ongoing,
            start: pending.span.start_s.saturating_mul(TICKS_PER_SECOND),
            peak: pending.span.peak_s.saturating_mul(TICKS_PER_SECOND),
            end: pending.span.end_s.saturating_mul(TICKS_PER_SECOND),
            amplitude_toco: pending.span.amplitude_toco,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start_s: u32, end_s: u32) -> Span {
        Span { start_s, peak_s: start_s, end_s, amplitude_toco: 30.0 }
    }

    fn said(register: &mut Register) -> Vec<(u32, Stage, bool)> {
        register.drain().map(|mark| (mark.key / TICKS_PER_SECOND, mark.stage, mark.ongoing)).collect()
    }

    #[test]
    fn one_contraction_goes_from_ongoing_to_final() {
        let mut register = Register::new();
        register.open(span(10, 30));
        register.close(span(10, 60));
        register.finalize(span(12, 58));
        let expected = [(10, Stage::Provisional, true), (10, Stage::Provisional, false), (10, Stage::Final, false)];
        assert_eq!(said(&mut register), expected);
    }

    #[test]
    fn a_final_opinion_over_two_takes_one_back() {
        let mut register = Register::new();
        for (start_s, end_s) in [(10, 40), (45, 80)] {
            register.open(span(start_s, end_s - 1));
            register.close(span(start_s, end_s));
        }
        said(&mut register);
        register.finalize(span(10, 80));
        assert_eq!(said(&mut register), [(10, Stage::Final, false), (45, Stage::Withdrawn, false)]);
    }

    #[test]
    fn what_no_final_opinion_confirms_is_taken_back() {
        let mut register = Register::new();
        register.open(span(10, 30));
        register.close(span(10, 40));
        register.withdraw_before(39);
        said(&mut register);
        register.withdraw_before(40);
        register.finalize(span(200, 240));
        assert_eq!(said(&mut register), [(10, Stage::Withdrawn, false), (200, Stage::Final, false)]);
    }

    #[test]
    fn the_register_stays_bounded() {
        let mut register = Register::new();
        for start_s in 0..1000 {
            register.open(span(start_s, start_s + 1));
            register.close(span(start_s, start_s + 1));
            assert!(register.pending.len() <= PENDING_MAX);
        }
    }
}
