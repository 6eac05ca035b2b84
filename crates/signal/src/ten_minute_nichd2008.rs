//! Baseline and events by the ten-minute definition.
//!
//! Macones GA et al., The 2008 NICHD workshop report on electronic fetal monitoring, Obstet Gynecol
//! 2008;112:661-666; the same words in the Chinese consensus of 2015: mean heart rate over ten minutes without
//! accelerations, decelerations and marked variability, from at least two minutes of baseline segment, else the
//! baseline before. Accelerations and decelerations leave it by 15 bpm for 15 s.

use std::collections::VecDeque;

use ctg::Stage;

use crate::Settings;
use crate::ledger::MethodName;
use crate::marks::{BaselineMark, Direction, EventMark, MorphologyStep, TICKS_PER_SECOND};
use crate::morphology::MorphologySecond;

/// The name under which findings of this file appear.
pub(crate) const METHOD: MethodName = MethodName { name: "ten_minute_nichd2008", version: 1 };

/// Look-ahead of final statements, s.
const LOOK_AHEAD_S: u32 = 60;
/// Rounds of excluding what is no baseline and taking the mean again; it settles within three.
const MEAN_ROUNDS: usize = 3;
/// Seconds over which the trace is smoothed before events are measured.
const SMOOTHING_S: usize = 5;
/// Seconds within the edge, or without signal, that end an event.
const END_S: (u32, u32) = (3, 30);
/// Seconds between two revisions of an event that goes on.
const REVISION_S: u32 = 5;
/// Events that wait for their final word; they last 15 s at least, so no more can end in 60 s.
const WAITING_MAX: usize = 8;

/// Baseline, accelerations and decelerations of one fetus.
#[derive(Clone, Debug)]
pub(crate) struct TenMinute {
    means: VecDeque<Option<f32>>,
    baseline: Option<f32>,
    baseline_age_s: u32,
    excursion: Option<Excursion>,
    waiting: VecDeque<EventMark>,
}

/// The trace is away from the baseline.
#[derive(Clone, Copy, Debug)]
struct Excursion {
    mark: EventMark,
    announced: bool,
    said_s: u32,
    inside_s: u32,
    lost_s: u32,
}

impl TenMinute {
    /// Nothing known yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            means: VecDeque::with_capacity(settings.baseline_window_s as usize + 1),
            baseline: None,
            baseline_age_s: 0,
            excursion: None,
            waiting: VecDeque::new(),
        }
    }

    /// Takes the next second.
    pub(crate) fn push(&mut self, second: &MorphologySecond, settings: &Settings) -> MorphologyStep {
        let mut step = MorphologyStep::default();
        self.means.push_back(mean_bpm(second));
        if self.means.len() > settings.baseline_window_s as usize {
            self.means.pop_front();
        }
        self.renew_baseline(settings);
        let point = |second, stage| BaselineMark { second, baseline_bpm: self.baseline, stage };
        step.baseline.push(point(second.index, Stage::Provisional));
        if let Some(settled) = second.index.checked_sub(LOOK_AHEAD_S) {
            step.baseline.push(point(settled, Stage::Final));
        }
        self.follow(second.index, settings, &mut step.events);
        self.settle(second.index, settings, &mut step.events);
        step
    }

    /// Ends what is going on; every mark becomes final.
    pub(crate) fn finish(&mut self, next_second: u32, settings: &Settings) -> MorphologyStep {
        let mut step = MorphologyStep::default();
        for second in next_second.saturating_sub(LOOK_AHEAD_S)..next_second {
            step.baseline.push(BaselineMark { second, baseline_bpm: self.baseline, stage: Stage::Final });
        }
        self.end_excursion(settings, &mut step.events);
        self.settle(u32::MAX, settings, &mut step.events);
        step
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.means.capacity() * size_of::<Option<f32>>() + self.waiting.capacity() * size_of::<EventMark>()
    }

    fn renew_baseline(&mut self, settings: &Settings) {
        match self.segment_mean(settings) {
            Some(mean) => {
                self.baseline = Some(mean);
                self.baseline_age_s = 0;
            }
            None => {
                self.baseline_age_s += 1;
                if self.baseline_age_s > settings.baseline_window_s {
                    self.baseline = None;
                }
            }
        }
    }

    /// Mean of the window without events; `None` without enough baseline segment.
    fn segment_mean(&self, settings: &Settings) -> Option<f32> {
        let mut center = self.commonest()?;
        for _ in 0..MEAN_ROUNDS {
            let inside =
                self.means.iter().flatten().filter(|bpm| (**bpm - center).abs() < settings.event_amplitude_bpm);
            let (sum, count) = inside.fold((0.0_f32, 0_u32), |(sum, count), bpm| (sum + bpm, count + 1));
            if count < settings.baseline_segment_min_s {
                return None;
            }
            center = sum / count as f32;
        }
        Some(center)
    }

    /// The commonest rate of the window: the middle of the 10 bpm that hold most seconds.
    fn commonest(&self) -> Option<f32> {
        const BINS: usize = 256;
        const WIDTH: usize = 10;
        let mut counts = [0_u16; BINS];
        for bpm in self.means.iter().flatten() {
            counts[(*bpm as usize).min(BINS - 1)] += 1;
        }
        let mut held: u32 = counts[..WIDTH].iter().map(|count| u32::from(*count)).sum();
        let (mut most, mut at) = (held, 0);
        for next in WIDTH..BINS {
            held = held + u32::from(counts[next]) - u32::from(counts[next - WIDTH]);
            if held > most {
                (most, at) = (held, next + 1 - WIDTH);
            }
        }
        (most > 0).then(|| (at + WIDTH / 2) as f32)
    }

    fn smooth(&self) -> Option<f32> {
        self.means.back().copied().flatten()?;
        let (sum, count) = self
            .means
            .iter()
            .rev()
            .take(SMOOTHING_S)
            .flatten()
            .fold((0.0_f32, 0_u32), |(sum, count), bpm| (sum + bpm, count + 1));
        (count > 0).then(|| sum / count as f32)
    }

    fn follow(&mut self, second: u32, settings: &Settings, events: &mut Vec<EventMark>) {
        let Some(smooth) = self.smooth() else {
            if let Some(excursion) = &mut self.excursion {
                excursion.lost_s += 1;
            }
            return self.end_if_over(settings, events);
        };
        match &mut self.excursion {
            Some(excursion) => excursion.take(second, smooth, settings),
            None => self.excursion = self.baseline.and_then(|baseline| begin(second, smooth, baseline, settings)),
        }
        self.end_if_over(settings, events);
        if let Some(excursion) = &mut self.excursion {
            events.extend(excursion.announcement(settings));
        }
    }

    fn end_if_over(&mut self, settings: &Settings, events: &mut Vec<EventMark>) {
        let over = self.excursion.is_some_and(|excursion| {
            excursion.inside_s >= END_S.0
                || excursion.lost_s >= END_S.1
                || excursion.mark.duration_s() >= settings.baseline_change_s as f32
        });
        if over {
            self.end_excursion(settings, events);
        }
    }

    fn end_excursion(&mut self, settings: &Settings, events: &mut Vec<EventMark>) {
        let Some(mut excursion) = self.excursion.take() else { return };
        excursion.mark.ongoing = false;
        if excursion.announced || excursion.is_event(settings) {
            events.push(excursion.mark);
            self.waiting.push_back(excursion.mark);
            if self.waiting.len() > WAITING_MAX {
                self.waiting.pop_front();
            }
        }
    }

    /// Says the last word on events that ended a look-ahead ago, against the baseline as it is known now.
    fn settle(&mut self, second: u32, settings: &Settings, events: &mut Vec<EventMark>) {
        while let Some(mark) = self.waiting.front().copied() {
            if mark.end / TICKS_PER_SECOND + LOOK_AHEAD_S > second {
                return;
            }
            self.waiting.pop_front();
            let stays = mark.amplitude_bpm() >= settings.event_amplitude_bpm
                && mark.duration_s() >= settings.event_duration_s as f32
                && mark.duration_s() < settings.baseline_change_s as f32
                && self.baseline.is_none_or(|now| {
                    (mark.extreme_bpm - now).abs() >= settings.event_amplitude_bpm
                        && (mark.extreme_bpm > now) == (mark.direction == Direction::Up)
                });
            events.push(EventMark { stage: if stays { Stage::Final } else { Stage::Withdrawn }, ..mark });
        }
    }
}

/// Mean of the second; `None` when fewer than half of its samples are there.
fn mean_bpm(second: &MorphologySecond) -> Option<f32> {
    let (sum, count) = second.fhr_bpm.iter().flatten().fold((0.0, 0.0), |(sum, count), bpm| (sum + bpm, count + 1.0));
    (count * 2.0 >= TICKS_PER_SECOND as f32).then(|| sum / count)
}

fn begin(second: u32, bpm: f32, baseline_bpm: f32, settings: &Settings) -> Option<Excursion> {
    let away = bpm - baseline_bpm;
    if away.abs() < settings.event_edge_bpm {
        return None;
    }
    let tick = second * TICKS_PER_SECOND;
    let mark = EventMark {
        key: tick,
        direction: if away > 0.0 { Direction::Up } else { Direction::Down },
        stage: Stage::Provisional,
        ongoing: true,
        start: tick,
        end: tick + TICKS_PER_SECOND,
        extreme: tick,
        extreme_bpm: bpm,
        baseline_bpm,
        area_beats: away.abs() / 60.0,
    };
    Some(Excursion { mark, announced: false, said_s: 0, inside_s: 0, lost_s: 0 })
}

impl Excursion {
    fn take(&mut self, second: u32, bpm: f32, settings: &Settings) {
        self.lost_s = 0;
        let away = match self.mark.direction {
            Direction::Up => bpm - self.mark.baseline_bpm,
            Direction::Down => self.mark.baseline_bpm - bpm,
        };
        if away < settings.event_edge_bpm {
            self.inside_s += 1;
            return;
        }
        self.inside_s = 0;
        self.mark.end = (second + 1) * TICKS_PER_SECOND;
        self.mark.area_beats += away / 60.0;
        if away > self.mark.amplitude_bpm() {
            self.mark.extreme = second * TICKS_PER_SECOND;
            self.mark.extreme_bpm = bpm;
        }
    }

    fn is_event(&self, settings: &Settings) -> bool {
        self.mark.amplitude_bpm() >= settings.event_amplitude_bpm
            && self.mark.duration_s() >= settings.event_duration_s as f32
    }

    fn announcement(&mut self, settings: &Settings) -> Option<EventMark> {
        let lasts_s = self.mark.duration_s() as u32;
        if !self.is_event(settings) || (self.announced && lasts_s < self.said_s + REVISION_S) {
            return None;
        }
        self.announced = true;
        self.said_s = lasts_s;
        Some(self.mark)
    }
}
