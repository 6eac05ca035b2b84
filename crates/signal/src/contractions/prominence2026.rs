//! Contractions as rises above the resting tone, judged against the recording's own contractions.
//!
//! Our own rule (Maia 2026), built from the textbook description of a tocogram: a contraction is a bell on top
//! of the resting tone, and what counts as one depends on how the belt lies. Resting tone is the mean of the
//! lowest three tenths of the last four minutes. A contraction opens when smoothed activity stands above it by
//! both an absolute height and a share of the usual height in this recording, and ends when it has fallen to a
//! share of its own peak. It needs no sample after its end.

use std::collections::VecDeque;

use super::{Register, Span, TocoSecond};

/// Time constant of the smoothing, s.
const SMOOTHING_S: f32 = 8.0;
/// Length of the history that resting tone is taken from, s (four minutes, as in doi 10.2478/joeb-2022-0002).
const TONE_WINDOW_S: usize = 240;
/// Share of the history, its lowest values, whose mean is the resting tone.
const TONE_SHARE: f32 = 0.3;
/// Resting tone is taken anew this often, s.
const TONE_PERIOD_S: u32 = 5;
/// Least height above resting tone at which a contraction opens, toco units.
const OPENING_HEIGHT_TOCO: f32 = 16.0;
/// Share of the usual height at which a contraction opens.
const OPENING_SHARE: f32 = 0.55;
/// Share of its own peak below which a contraction has ended.
const CLOSING_SHARE: f32 = 0.35;
/// It has ended below this share of the least opening height, however low its peak.
const CLOSING_FLOOR_SHARE: f32 = 0.7;
/// How far one more contraction moves the usual height towards its own.
const USUAL_HEIGHT_RATE: f32 = 0.6;
/// Time constant with which the usual height is forgotten, s.
const USUAL_HEIGHT_MEMORY_S: f32 = 1200.0;
/// A rise that ends because resting tone came up to it, still at this share of its peak above the tone it rose
/// from, was a change of level.
const LEVEL_SHARE: f32 = 0.8;
/// A rise shorter than this is not (yet) called a contraction, s.
const DURATION_MIN_S: u32 = 20;
/// A rise longer than this is a moved belt or hypertonus without relief, not one contraction, s.
const DURATION_MAX_S: u32 = 300;
/// After this long without signal nothing before it counts, s.
const ABSENCE_MAX_S: u32 = 120;
/// An ongoing contraction ends when the signal stays away this long, s.
const ABSENCE_IN_CONTRACTION_S: u32 = 15;

/// A rise above resting tone that has not ended.
#[derive(Clone, Copy, Debug)]
struct Rise {
    span: Span,
    /// Resting tone when it opened.
    tone_toco: f32,
    /// True once it was long enough to be said.
    said: bool,
    /// True once it was too long to be a contraction.
    rejected: bool,
}

/// State of the rule for one recording.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prominence2026 {
    history: VecDeque<f32>,
    sorted: Vec<f32>,
    smoothed_toco: Option<f32>,
    tone_toco: f32,
    usual_height_toco: f32,
    absent_s: u32,
    rise: Option<Rise>,
}

impl Prominence2026 {
    /// Takes the next second.
    pub(crate) fn push(&mut self, second: TocoSecond, register: &mut Register) {
        self.usual_height_toco *= (-1.0 / USUAL_HEIGHT_MEMORY_S).exp();
        let Some(toco) = second.toco else { return self.push_absent(second.index, register) };
        self.absent_s = 0;
        self.remember(toco, second.index);
        let step = 1.0 - (-1.0 / SMOOTHING_S).exp();
        let smoothed = self.smoothed_toco.map_or(toco, |smoothed| smoothed + step * (toco - smoothed));
        self.smoothed_toco = Some(smoothed);
        self.judge(smoothed - self.tone_toco, second.index, register);
    }

    /// Ends the recording after `end_s` seconds.
    pub(crate) fn finish(&mut self, end_s: u32, register: &mut Register) {
        self.end_rise(end_s, register);
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        (self.history.capacity() + self.sorted.capacity()) * size_of::<f32>()
    }

    fn push_absent(&mut self, now_s: u32, register: &mut Register) {
        self.absent_s = self.absent_s.saturating_add(1);
        if self.absent_s == ABSENCE_IN_CONTRACTION_S {
            self.end_rise(now_s + 1, register);
        }
        if self.absent_s == ABSENCE_MAX_S {
            self.history.clear();
            self.smoothed_toco = None;
        }
    }

    fn remember(&mut self, toco: f32, now_s: u32) {
        if self.history.len() > TONE_WINDOW_S {
            self.history.pop_front();
        }
        self.history.push_back(toco);
        if now_s.is_multiple_of(TONE_PERIOD_S) || self.history.len() == 1 {
            self.tone_toco = self.resting_tone();
        }
    }

    /// Mean of the lowest share of the history.
    fn resting_tone(&mut self) -> f32 {
        let count = ((self.history.len() as f32 * TONE_SHARE) as usize).max(1);
        self.sorted.clear();
        self.sorted.extend(&self.history);
        self.sorted.select_nth_unstable_by(count - 1, f32::total_cmp);
        let lowest = self.sorted.get(..count).unwrap_or_default();
        lowest.iter().sum::<f32>() / count as f32
    }

    fn judge(&mut self, height_toco: f32, now_s: u32, register: &mut Register) {
        match &mut self.rise {
            None => {
                let limit = OPENING_HEIGHT_TOCO.max(OPENING_SHARE * self.usual_height_toco);
                if height_toco >= limit {
                    let span = Span { start_s: now_s, peak_s: now_s, end_s: now_s + 1, amplitude_toco: height_toco };
                    let tone_toco = self.tone_toco;
                    self.rise = Some(Rise { span, tone_toco, said: false, rejected: false });
                }
            }
            Some(rise) => {
                if height_toco > rise.span.amplitude_toco {
                    rise.span.amplitude_toco = height_toco;
                    rise.span.peak_s = now_s;
                }
                let floor = CLOSING_FLOOR_SHARE * OPENING_HEIGHT_TOCO;
                let closing = floor.max(CLOSING_SHARE * rise.span.amplitude_toco);
                if height_toco < closing {
                    let above_opening = height_toco + self.tone_toco - rise.tone_toco;
                    if above_opening >= rise.span.amplitude_toco * LEVEL_SHARE {
                        rise.reject(register);
                    }
                    self.end_rise(now_s, register);
                } else {
                    rise.go_on(now_s + 1, register);
                }
            }
        }
    }

    fn end_rise(&mut self, end_s: u32, register: &mut Register) {
        let Some(rise) = self.rise.take() else { return };
        let span = Span { end_s, ..rise.span };
        if !rise.said || rise.rejected {
            return;
        }
        register.close(span);
        register.finalize(span);
        let first = self.usual_height_toco == 0.0;
        let rate = if first { 1.0 } else { USUAL_HEIGHT_RATE };
        self.usual_height_toco += rate * (span.amplitude_toco - self.usual_height_toco);
    }
}

impl Rise {
    fn go_on(&mut self, end_s: u32, register: &mut Register) {
        self.span.end_s = end_s;
        let duration_s = end_s - self.span.start_s;
        if !self.said && duration_s >= DURATION_MIN_S {
            self.said = true;
            register.open(self.span);
        }
        if duration_s > DURATION_MAX_S {
            self.reject(register);
        }
    }

    fn reject(&mut self, register: &mut Register) {
        if !self.rejected && self.said {
            register.withdraw_open();
        }
        self.rejected = true;
    }
}
