//! Contractions as values above a threshold from the distribution of the last four minutes.
//!
//! Source: "Identification of contractions from electrohysterography for prediction of prolonged labor",
//! Journal of Electrical Bioimpedance 2022 (doi 10.2478/joeb-2022-0002), its table on segmenting contractions:
//! threshold = 1.2 × (basal tone + 25 % of the range), basal tone = mean of the lowest tenth, windows of four
//! minutes moved by one, longer than ten seconds. Written for the envelope of the electrohysterogram; here on
//! toco, with the last complete window, so that no later sample is needed.

use std::collections::VecDeque;

use super::{Register, Span, TocoSecond};

/// Length of the window, s (source, step 2).
const WINDOW_S: usize = 240;
/// The window moves by this, s (source, step 9).
const WINDOW_STEP_S: u32 = 60;
/// Share of the window, its lowest values, whose mean is the basal tone (source, step 4).
const BASAL_SHARE: f32 = 0.1;
/// Share of the range that is added to the basal tone (source, step 4).
const RANGE_SHARE: f32 = 0.25;
/// Factor on the sum (source, step 4).
const THRESHOLD_FACTOR: f32 = 1.2;
/// Values must stay above the threshold longer than this, s (source, step 5).
const DURATION_MIN_S: u32 = 10;
/// A window with a smaller range holds no contraction, toco units (ours: a flat channel has noise).
const RANGE_MIN_TOCO: f32 = 5.0;
/// A contraction ends when the signal stays away this long, s (ours).
const ABSENCE_MAX_S: u32 = 15;

/// State of the method for one recording.
#[derive(Clone, Debug, Default)]
pub(crate) struct LowDecile2022 {
    window: VecDeque<f32>,
    sorted: Vec<f32>,
    basal_toco: f32,
    threshold_toco: Option<f32>,
    absent_s: u32,
    span: Option<Span>,
    said: bool,
}

impl LowDecile2022 {
    /// Takes the next second.
    pub(crate) fn push(&mut self, second: TocoSecond, register: &mut Register) {
        if second.index > 0 && second.index.is_multiple_of(WINDOW_STEP_S) {
            self.set_threshold();
        }
        match second.toco {
            Some(toco) => {
                self.absent_s = 0;
                self.judge(toco, second.index, register);
                if self.window.len() == WINDOW_S {
                    self.window.pop_front();
                }
                self.window.push_back(toco);
            }
            None => {
                self.absent_s = self.absent_s.saturating_add(1);
                if self.absent_s >= ABSENCE_MAX_S {
                    self.end(second.index + 1, register);
                }
            }
        }
    }

    /// Ends the recording after `end_s` seconds.
    pub(crate) fn finish(&mut self, end_s: u32, register: &mut Register) {
        self.end(end_s, register);
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        (self.window.capacity() + self.sorted.capacity()) * size_of::<f32>()
    }

    fn set_threshold(&mut self) {
        self.sorted.clear();
        self.sorted.extend(&self.window);
        self.sorted.sort_unstable_by(f32::total_cmp);
        let count = ((self.sorted.len() as f32 * BASAL_SHARE) as usize).max(1);
        let lowest = self.sorted.get(..count).unwrap_or_default();
        self.basal_toco = lowest.iter().sum::<f32>() / count as f32;
        let range = self.sorted.last().map_or(0.0, |highest| highest - self.basal_toco);
        let threshold = THRESHOLD_FACTOR * (self.basal_toco + RANGE_SHARE * range);
        self.threshold_toco = (range >= RANGE_MIN_TOCO).then_some(threshold);
    }

    fn judge(&mut self, toco: f32, now_s: u32, register: &mut Register) {
        if self.threshold_toco.is_none_or(|threshold| toco <= threshold) {
            return self.end(now_s, register);
        }
        let height = toco - self.basal_toco;
        let fresh = Span { start_s: now_s, peak_s: now_s, end_s: now_s, amplitude_toco: height };
        let span = self.span.get_or_insert(fresh);
        if height > span.amplitude_toco {
            span.amplitude_toco = height;
            span.peak_s = now_s;
        }
        span.end_s = now_s + 1;
        if !self.said && span.end_s - span.start_s >= DURATION_MIN_S {
            self.said = true;
            register.open(*span);
        }
    }

    fn end(&mut self, end_s: u32, register: &mut Register) {
        if let Some(span) = self.span.take().filter(|_| self.said) {
            register.close(Span { end_s, ..span });
            register.finalize(Span { end_s, ..span });
        }
        self.said = false;
    }
}
