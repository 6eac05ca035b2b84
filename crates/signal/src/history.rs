//! Minutes and events of one fetus as long as some rule may ask for them.

use std::collections::VecDeque;

use ctg::{DecelerationKind, FetusIndex, Stage, Timestamp};

use crate::features::{Contraction, Deceleration, Event, Features};
use crate::marks::{ContractionMark, Direction, EventMark, TICKS_PER_SECOND};
use crate::minutes::Minute;
use crate::timeline::GAP_MAX_S;
use crate::uterus::Uterus;

/// Minutes remembered.
const MINUTES_MAX: usize = GAP_MAX_S as usize / 60;
/// Events remembered; each lasts 10 s at least, and no trace has one in every half minute for long.
const EVENTS_MAX: usize = 128;

/// The history of one fetus.
#[derive(Clone, Debug)]
pub(crate) struct History {
    minutes: VecDeque<Minute>,
    events: VecDeque<(EventMark, DecelerationKind)>,
}

/// What a recording has beside the fetal channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'a> {
    pub(crate) start: Timestamp,
    pub(crate) low_resolution: bool,
    pub(crate) uterus: &'a Uterus,
    pub(crate) movements: &'a VecDeque<u32>,
}

impl History {
    /// Nothing known yet.
    pub(crate) fn new() -> Self {
        Self { minutes: VecDeque::with_capacity(MINUTES_MAX), events: VecDeque::with_capacity(EVENTS_MAX) }
    }

    /// Learns of a minute, new or revised.
    pub(crate) fn note_minute(&mut self, minute: Minute) {
        if let Some(known) = self.minutes.iter_mut().rev().find(|known| known.index == minute.index) {
            *known = minute;
            return;
        }
        if self.minutes.len() == MINUTES_MAX {
            self.minutes.pop_front();
        }
        self.minutes.push_back(minute);
    }

    /// Learns how a minute stays; whether it was sinusoidal is known already.
    pub(crate) fn settle_minute(&mut self, minute: Minute) {
        let known = self.minutes.iter().rev().find(|known| known.index == minute.index);
        let sinusoidal = known.is_some_and(|known| known.sinusoidal);
        self.note_minute(Minute { sinusoidal, ..minute });
    }

    /// Learns of an event, new, revised or withdrawn.
    pub(crate) fn note_event(&mut self, mark: &EventMark, kind: DecelerationKind) {
        self.events.retain(|(known, _)| known.key != mark.key || known.direction != mark.direction);
        if mark.stage == Stage::Withdrawn {
            return;
        }
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back((*mark, kind));
    }

    /// Everything that rules may ask for.
    pub(crate) fn features(&self, fetus: FetusIndex, until_s: u32, around: Surroundings<'_>) -> Features {
        let oldest = until_s.saturating_sub(GAP_MAX_S) * TICKS_PER_SECOND;
        let known = || self.events.iter().filter(|(mark, _)| mark.end > oldest);
        let mut accelerations: Vec<Event> =
            known().filter(|(mark, _)| mark.direction == Direction::Up).map(|(mark, _)| event(mark)).collect();
        let mut decelerations: Vec<Deceleration> = known()
            .filter(|(mark, _)| mark.direction == Direction::Down)
            .map(|(mark, kind)| Deceleration { event: event(mark), kind: *kind })
            .collect();
        accelerations.sort_by(|one, other| one.start_s.total_cmp(&other.start_s));
        decelerations.sort_by(|one, other| one.event.start_s.total_cmp(&other.event.start_s));
        Features {
            fetus,
            start: around.start,
            until_s: f64::from(until_s),
            low_resolution: around.low_resolution,
            minutes: self.minutes.iter().copied().collect(),
            accelerations,
            decelerations,
            contractions: around.uterus.is_measured().then(|| contractions(around.uterus)),
            movements_s: around.movements.iter().map(|tick| seconds(*tick)).collect(),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.minutes.capacity() * size_of::<Minute>()
            + self.events.capacity() * size_of::<(EventMark, DecelerationKind)>()
    }
}

fn seconds(tick: u32) -> f64 {
    f64::from(tick) / f64::from(TICKS_PER_SECOND)
}

fn event(mark: &EventMark) -> Event {
    Event {
        start_s: seconds(mark.start),
        end_s: seconds(mark.end),
        extreme_s: seconds(mark.extreme),
        amplitude_bpm: f64::from(mark.amplitude_bpm()),
        area_beats: f64::from(mark.area_beats),
    }
}

fn contractions(uterus: &Uterus) -> Vec<Contraction> {
    let known = |mark: &ContractionMark| Contraction {
        start_s: seconds(mark.start),
        peak_s: seconds(mark.peak),
        end_s: seconds(mark.end),
    };
    let mut all: Vec<Contraction> = uterus.contractions().map(known).collect();
    all.sort_by(|one, other| one.start_s.total_cmp(&other.start_s));
    all
}
