//! Baseline, accelerations and decelerations of one fetus in real time: one file per method.
//!
//! Everything is followed twice: on the baseline as it is known now, for what is provisional, and a little less
//! than a minute later on the baseline that has seen what followed, for what is final.

mod event_figo2015;
mod excursion;
mod statements;
mod trace;
mod weighted_median_boudet2019;

use ctg::Stage;

pub use event_figo2015::EventReading;
use event_figo2015::EventRule;
pub(crate) use excursion::Excursion;
use excursion::{Bounds, Follower};
use statements::Statements;
use trace::Conditioner;
pub(crate) use trace::{Memory, SMOOTHING_DELAY_S, Samples, TraceSecond, mean};
use weighted_median_boudet2019::{POINT_S, WeightedMedian};

use crate::learned::events::{LearnedEvents, Situation};
use crate::ledger::MethodName;
use crate::marks::{BaselineMark, EventMark, MorphologyStep, TICKS_PER_SECOND};

/// Method name of events by the published rule on this baseline.
pub(crate) const RULE_METHOD: MethodName = MethodName { name: "weighted_median_boudet2019+event_figo2015", version: 1 };
/// Method name of events that the learned module chose.
pub(crate) const LEARNED_METHOD: MethodName = MethodName { name: "events_learned_maia2026", version: 1 };

/// Seconds between two revisions of an event that goes on.
const REVISION_S: u32 = 5;
/// Signal that must have been there before a baseline is said, s.
const SIGNAL_MIN_S: u32 = 30;

/// Limits and switches of morphology.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MorphologySettings {
    /// Least amplitude of an acceleration or deceleration, bpm (FIGO 2015, NICHD 2008, China 2015: 15).
    pub(crate) event_amplitude_bpm: f32,
    /// Least duration of an acceleration or deceleration, s (the same: 15).
    pub(crate) event_duration_s: u32,
    /// What that duration is the duration of.
    pub(crate) event_reading: EventReading,
    /// Distance from the baseline at which an event begins and ends, bpm (fluctuation within 5 bpm is baseline).
    pub(crate) event_edge_bpm: f32,
    /// Signal loss that ends an event, s.
    pub(crate) event_gap_s: u32,
    /// Duration from which an event is a change of baseline, s (NICHD 2008: 10 min).
    pub(crate) baseline_change_s: u32,
    /// True to let the learned module choose among excursions instead of the rule.
    pub(crate) learned: bool,
}

impl MorphologySettings {
    fn bounds(&self) -> Bounds {
        Bounds {
            edge_bpm: self.event_edge_bpm,
            amplitude_bpm: self.event_amplitude_bpm,
            gap_s: self.event_gap_s,
            change_s: self.baseline_change_s,
        }
    }

    fn rule(&self) -> EventRule {
        EventRule {
            amplitude_bpm: self.event_amplitude_bpm,
            duration_s: self.event_duration_s,
            reading: self.event_reading,
        }
    }
}

/// One second of one fetus and of the uterus.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct MorphologySecond {
    /// Seconds since the recording began.
    pub(crate) index: u32,
    /// Heart rates; false signal is `None`.
    pub(crate) fhr_bpm: Samples,
    /// Uterine activity, relative units.
    pub(crate) toco: Samples,
}

/// What is remembered of the last minutes, second by second.
#[derive(Clone, Debug)]
pub(crate) struct Traces {
    /// Median rate of the second.
    pub(crate) median_bpm: Memory,
    /// Trailing mean of trusted rates.
    pub(crate) smooth_bpm: Memory,
    /// Baseline as it was known then.
    pub(crate) provisional_bpm: Memory,
    /// Baseline as it is known a look-ahead later; ends a look-ahead before the others.
    pub(crate) settled_bpm: Memory,
    /// Uterine activity, relative units.
    pub(crate) toco: Memory,
}

/// Baseline and events of one fetus.
#[derive(Clone, Debug)]
pub(crate) struct Morphology {
    settings: MorphologySettings,
    conditioner: Conditioner,
    baseline: WeightedMedian,
    signal_s: u32,
    newest_bpm: Option<f32>,
    settled_bpm: Option<f32>,
    traces: Option<Traces>,
    now: Follower,
    said_s: Option<u32>,
    later: Follower,
    statements: Statements,
    learned: Option<Box<LearnedEvents>>,
}

impl Morphology {
    /// Nothing known yet.
    pub(crate) fn new(settings: MorphologySettings) -> Self {
        Self {
            settings,
            conditioner: Conditioner::default(),
            baseline: WeightedMedian::default(),
            signal_s: 0,
            newest_bpm: None,
            settled_bpm: None,
            traces: None,
            now: Follower::default(),
            said_s: None,
            later: Follower::default(),
            statements: Statements::default(),
            learned: settings.learned.then(Box::default),
        }
    }

    /// The method that chooses events.
    pub(crate) fn method(&self) -> MethodName {
        if self.learned.is_some() { LEARNED_METHOD } else { RULE_METHOD }
    }

    /// Takes the next second; seconds come without holes.
    pub(crate) fn push(&mut self, second: &MorphologySecond) -> MorphologyStep {
        let mut step = MorphologyStep::default();
        let trace = self.conditioner.push(&second.fhr_bpm);
        let toco = mean(second.toco.iter().flatten().copied());
        self.signal_s = self.signal_s.saturating_add(u32::from(trace.trusted_bpm.is_some()));
        let known_bpm = self.newest_bpm.filter(|_| self.signal_s > SIGNAL_MIN_S);
        step.baseline.push(BaselineMark { second: second.index, baseline_bpm: known_bpm, stage: Stage::Provisional });
        self.remember(second.index, &trace, toco, known_bpm);
        self.follow_now(second.index, &trace, known_bpm, &mut step);
        if let Some(point) = self.baseline.push(second.index, trace.trusted_bpm) {
            self.newest_bpm = point.newest_bpm;
            self.settle_point(
                second.index,
                weighted_median_boudet2019::LOOK_AHEAD_POINTS,
                point.settled_bpm,
                &mut step,
            );
        }
        step
    }

    /// Ends what is going on; everything becomes final.
    pub(crate) fn finish(&mut self, next_second: u32) -> MorphologyStep {
        let mut step = MorphologyStep::default();
        let Some(last) = next_second.checked_sub(1).filter(|_| self.traces.is_some()) else { return step };
        self.close_now(last, &mut step);
        let complete = last.saturating_sub((last + 1) % POINT_S);
        let unsettled: Vec<Option<f32>> = self.baseline.unsettled_bpm().collect();
        for (later, baseline_bpm) in (0..unsettled.len() as u32).rev().zip(unsettled) {
            self.settle_point(complete, later, baseline_bpm, &mut step);
        }
        self.settle_until(next_second, self.settled_bpm, self.settled_bpm, last, &mut step);
        let ended = self.later.close(&self.settings.bounds());
        self.say_final(ended, last, &mut step);
        step.events.extend(self.statements.expire(u32::MAX, None));
        step
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.baseline.heap_bytes()
            + self.traces.as_ref().map_or(0, Traces::heap_bytes)
            + self.statements.heap_bytes()
            + self.learned.as_ref().map_or(0, |learned| size_of::<LearnedEvents>() + learned.heap_bytes())
    }

    /// What the learned module saw.
    #[cfg(test)]
    pub(crate) fn journal(&self) -> &crate::learned::events::Journal {
        &self.learned.as_ref().unwrap().journal
    }

    fn remember(&mut self, second: u32, trace: &TraceSecond, toco: Option<f32>, known_bpm: Option<f32>) {
        let traces = self.traces.get_or_insert_with(|| Traces::starting_at(second));
        traces.median_bpm.push(trace.median_bpm);
        traces.smooth_bpm.push(trace.smooth_bpm);
        traces.provisional_bpm.push(known_bpm);
        traces.toco.push(toco);
        if let Some(learned) = &mut self.learned {
            learned.push(second, trace, known_bpm, toco);
        }
    }

    fn follow_now(&mut self, second: u32, trace: &TraceSecond, known_bpm: Option<f32>, step: &mut MorphologyStep) {
        let before = self.now;
        let bounds = self.settings.bounds();
        let ended = self.now.push(second, trace.smooth_bpm, known_bpm, &bounds);
        if before.open().map(|open| open.start_s) != self.now.open().map(|open| open.start_s) {
            self.say_ended(before.open().copied(), ended, second, step);
        }
        self.say_ongoing(second, step);
    }

    fn close_now(&mut self, second: u32, step: &mut MorphologyStep) {
        let open = self.now.open().copied();
        let ended = self.now.close(&self.settings.bounds());
        self.say_ended(open, ended, second, step);
    }

    /// Announces an excursion that goes on, and how far it got.
    fn say_ongoing(&mut self, second: u32, step: &mut MorphologyStep) {
        let Some(open) = self.now.open().copied() else { return };
        let due =
            self.said_s.map_or(open.duration_s() >= self.settings.event_duration_s, |said| second >= said + REVISION_S);
        if due && open.duration_s() < self.settings.baseline_change_s && self.admits(&open, Stage::Provisional, second)
        {
            self.said_s = Some(second);
            step.events.push(provisional(&open, true));
        }
    }

    /// Says what became of an excursion that ended, and withdraws it where it is none or no event.
    fn say_ended(&mut self, open: Option<Excursion>, ended: Option<Excursion>, second: u32, step: &mut MorphologyStep) {
        let said = self.said_s.take().is_some();
        let admitted = ended.filter(|excursion| self.admits(excursion, Stage::Provisional, second));
        if let Some(excursion) = &ended {
            self.record(excursion, Stage::Provisional, second);
        }
        if let Some(excursion) = admitted {
            let mark = provisional(&excursion, false);
            self.statements.wait(mark, true);
            step.events.push(mark);
        } else if let Some(excursion) = open.filter(|_| said) {
            let mark = EventMark { stage: Stage::Withdrawn, ..provisional(&excursion, false) };
            self.statements.wait(mark, false);
            step.events.push(mark);
        }
    }

    /// Takes the final baseline of the point that was complete `later` points before second `complete`.
    fn settle_point(&mut self, complete: u32, later: u32, baseline_bpm: Option<f32>, step: &mut MorphologyStep) {
        let Some(center) = (complete + 1 + POINT_S / 2).checked_sub((later + 1) * POINT_S) else { return };
        let before = std::mem::replace(&mut self.settled_bpm, baseline_bpm);
        self.settle_until(center, before.or(baseline_bpm), baseline_bpm, complete, step);
    }

    /// Settles the seconds up to `until` on a line from one baseline to the other.
    fn settle_until(&mut self, until: u32, from: Option<f32>, to: Option<f32>, now: u32, step: &mut MorphologyStep) {
        let Some(first) = self.traces.as_ref().map(|traces| traces.settled_bpm.next_s()) else { return };
        let start = until.saturating_sub(POINT_S);
        for second in first..until {
            let share = second.saturating_sub(start) as f32 / POINT_S as f32;
            let known = from.zip(to).map(|(from, to)| from + (to - from) * share);
            self.settle_second(second, known.filter(|_| self.signal_s > SIGNAL_MIN_S), now, step);
        }
    }

    fn settle_second(&mut self, second: u32, baseline_bpm: Option<f32>, now: u32, step: &mut MorphologyStep) {
        let Some(traces) = &mut self.traces else { return };
        traces.settled_bpm.push(baseline_bpm);
        step.baseline.push(BaselineMark { second, baseline_bpm, stage: Stage::Final });
        let bounds = self.settings.bounds();
        let smooth_bpm = traces.smooth_bpm.get(second);
        let next_bpm = (second..=second + bounds.gap_s).find_map(|ahead| traces.smooth_bpm.get(ahead));
        let ended = self.later.push(second, smooth_bpm, baseline_bpm, &bounds);
        let ended = ended.or(self.later.close_unless(next_bpm, baseline_bpm, &bounds));
        self.say_final(ended, now, step);
        let open_start = self.later.open().map(|open| open.start_s);
        step.events.extend(self.statements.expire(second, open_start));
    }

    fn say_final(&mut self, ended: Option<Excursion>, now: u32, step: &mut MorphologyStep) {
        let Some(excursion) = ended else { return };
        if self.admits(&excursion, Stage::Final, now) {
            step.events.push(self.statements.settle(settled(&excursion)));
        }
        self.record(&excursion, Stage::Final, now);
    }

    fn record(&mut self, excursion: &Excursion, stage: Stage, now: u32) {
        if let (Some(learned), Some(traces)) = (&mut self.learned, &self.traces) {
            learned.record(&Situation { excursion, stage, traces, now_s: now });
        }
    }

    fn admits(&self, excursion: &Excursion, stage: Stage, now: u32) -> bool {
        match (&self.learned, &self.traces) {
            (Some(learned), Some(traces)) => learned.admits(&Situation { excursion, stage, traces, now_s: now }),
            _ => self.settings.rule().admits(excursion),
        }
    }
}

impl Traces {
    fn starting_at(second: u32) -> Self {
        let memory = Memory::starting_at(second);
        Self {
            median_bpm: memory.clone(),
            smooth_bpm: memory.clone(),
            provisional_bpm: memory.clone(),
            settled_bpm: memory.clone(),
            toco: memory,
        }
    }

    fn heap_bytes(&self) -> usize {
        [&self.median_bpm, &self.smooth_bpm, &self.provisional_bpm, &self.settled_bpm, &self.toco]
            .into_iter()
            .map(Memory::heap_bytes)
            .sum()
    }
}

/// What can be said without look-ahead: the end is the last second outside, as far as smoothing shows it.
fn provisional(excursion: &Excursion, ongoing: bool) -> EventMark {
    let start = excursion.start_s.saturating_sub(SMOOTHING_DELAY_S) * TICKS_PER_SECOND;
    EventMark {
        key: start,
        direction: excursion.direction,
        stage: Stage::Provisional,
        ongoing,
        start,
        end: excursion.end_s * TICKS_PER_SECOND,
        extreme: (excursion.extreme_s.saturating_sub(SMOOTHING_DELAY_S) * TICKS_PER_SECOND).max(start),
        extreme_bpm: excursion.extreme_bpm,
        baseline_bpm: excursion.baseline_bpm,
        area_beats: excursion.area_bpm_s / SECONDS_PER_MINUTE,
    }
}

/// The last word: smoothing made the end late, which can now be made good.
fn settled(excursion: &Excursion) -> EventMark {
    let mark = provisional(excursion, false);
    EventMark { stage: Stage::Final, end: mark.end - SMOOTHING_DELAY_S * TICKS_PER_SECOND, ..mark }
}

const SECONDS_PER_MINUTE: f32 = 60.0;

#[cfg(test)]
mod tests;
