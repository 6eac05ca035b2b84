//! A smooth sine wave in the heart rate.
//!
//! Ayres-de-Campos D et al., FIGO consensus guidelines on intrapartum fetal monitoring, Int J Gynaecol Obstet
//! 2015;131:13-24, and NICHD 2008: three to five cycles a minute of 5 to 15 bpm. Every minute the two minutes
//! before it are fitted with one sine; it counts when the sine explains nearly all of the movement.

use std::collections::VecDeque;

use ctg::{FindingKind, Quantity};
use ndarray::{Array1, ArrayView1};

use crate::Settings;
use crate::lasting::{Lasting, Side, Watch};
use crate::ledger::{Draft, MethodName};

const METHOD: MethodName = MethodName { name: "sinusoidal_figo2015", version: 1 };
/// Seconds that one sine is fitted to: six to ten cycles.
const FIT_S: usize = 120;
/// Frequencies tried, cycles per minute: from the slowest to the fastest, and the step.
const CYCLES_PER_MINUTE: (f32, f32, f32) = (3.0, 5.0, 0.25);
/// Least and greatest distance from trough to crest, bpm: 5 to 15, read as amplitude by some, so up to 30.
const HEIGHT_BPM: (f32, f32) = (5.0, 30.0);
/// Share of the movement that the sine must explain; normal variability stays below a half.
const EXPLAINED_MIN: f32 = 0.75;
/// Share of the seconds that must be there.
const PRESENT_SHARE: f32 = 0.8;
/// A sine that is gone this long has ended, s.
const END_S: u32 = 60;
/// Seconds between two revisions.
const REVISION_S: u32 = 60;

/// Looks for a sine in one fetal channel.
#[derive(Clone, Debug)]
pub(crate) struct Sinusoidal {
    means: VecDeque<Option<f32>>,
    lasting: Lasting,
}

impl Sinusoidal {
    /// Nothing seen yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        let lasting = Lasting::new(Watch {
            kind: FindingKind::Sinusoidal,
            method: METHOD,
            quantity: Quantity::CyclesPerMinute,
            side: Side::AtLeast,
            limit: CYCLES_PER_MINUTE.0,
            first_s: settings.sinusoidal_first_s,
            revision_s: REVISION_S,
            end_s: END_S,
        });
        Self { means: VecDeque::with_capacity(FIT_S), lasting }
    }

    /// Takes the mean rate of the next second; gives what there is to say, and at the end of a minute whether it
    /// was sinusoidal.
    pub(crate) fn push(&mut self, second: u32, mean_bpm: Option<f32>) -> (Option<Draft>, Option<bool>) {
        if self.means.len() == FIT_S {
            self.means.pop_front();
        }
        self.means.push_back(mean_bpm);
        if !(second + 1).is_multiple_of(60) {
            return (None, None);
        }
        let cycles_per_minute = self.fit();
        (self.lasting.push(second - second % 60, 60, cycles_per_minute), Some(cycles_per_minute.is_some()))
    }

    /// Ends what is going on.
    pub(crate) fn finish(&mut self) -> Option<Draft> {
        self.lasting.finish()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.means.capacity() * size_of::<Option<f32>>()
    }

    /// Frequency of the sine; `None` if the trace is not sinusoidal.
    fn fit(&self) -> Option<f32> {
        let present: Vec<(f32, f32)> =
            self.means.iter().enumerate().filter_map(|(at, bpm)| Some((at as f32, (*bpm)?))).collect();
        if self.means.len() < FIT_S || (present.len() as f32) < PRESENT_SHARE * FIT_S as f32 {
            return None;
        }
        let at = Array1::from_iter(present.iter().map(|(at, _)| *at));
        let bpm = without_trend(at.view(), Array1::from_iter(present.iter().map(|(_, bpm)| *bpm)));
        let (slowest, fastest, step) = CYCLES_PER_MINUTE;
        let tried = ((fastest - slowest) / step) as u32;
        let fits = (0..=tried).map(|number| {
            let cycles_per_minute = slowest + number as f32 * step;
            (cycles_per_minute, amplitude(at.view(), bpm.view(), cycles_per_minute))
        });
        let (best, amplitude_bpm) = fits.max_by(|one, other| one.1.total_cmp(&other.1))?;
        let power = bpm.mapv(|value| value * value).mean()?;
        let explained = amplitude_bpm * amplitude_bpm / 2.0 / power.max(f32::MIN_POSITIVE);
        let height = 2.0 * amplitude_bpm;
        (explained >= EXPLAINED_MIN && (HEIGHT_BPM.0..=HEIGHT_BPM.1).contains(&height)).then_some(best)
    }
}

fn without_trend(at: ArrayView1<'_, f32>, bpm: Array1<f32>) -> Array1<f32> {
    let count = bpm.len().max(1) as f32;
    let centered = &at - at.sum() / count;
    let level = bpm.sum() / count;
    let slope = centered.dot(&bpm) / centered.dot(&centered).max(f32::MIN_POSITIVE);
    bpm - level - centered * slope
}

fn amplitude(at: ArrayView1<'_, f32>, bpm: ArrayView1<'_, f32>, cycles_per_minute: f32) -> f32 {
    let phase = at.mapv(|second| second * cycles_per_minute / 60.0 * std::f32::consts::TAU);
    let (sine, cosine) = (phase.mapv(f32::sin).dot(&bpm), phase.mapv(f32::cos).dot(&bpm));
    2.0 * sine.hypot(cosine) / bpm.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bpm: impl Fn(f32) -> Option<f32>, expect: Option<f32>) {
        let mut sinusoidal = Sinusoidal::new(&Settings::published());
        for second in 0..120 {
            sinusoidal.push(second, bpm(second as f32));
        }
        assert_eq!(sinusoidal.fit(), expect);
    }

    fn sine(at_s: f32, cycles_per_minute: f32, height_bpm: f32) -> f32 {
        140.0 + height_bpm / 2.0 * (at_s * cycles_per_minute / 60.0 * std::f32::consts::TAU).sin()
    }

    #[test]
    fn frequency_and_height_must_fit() {
        check(|at| Some(sine(at, 4.0, 10.0)), Some(4.0));
        check(|at| Some(sine(at, 4.0, 10.0) + 0.1 * at), Some(4.0));
        check(|at| Some(sine(at, 1.5, 10.0)), None);
        check(|at| Some(sine(at, 7.0, 10.0)), None);
        check(|at| Some(sine(at, 4.0, 4.0)), None);
        check(|at| Some(sine(at, 4.0, 34.0)), None);
    }

    #[test]
    fn two_waves_or_a_broken_trace_are_no_sine() {
        check(|at| Some(sine(at, 4.0, 10.0) + sine(at, 9.0, 8.0) - 140.0), None);
        check(|at| (!(at as u32).is_multiple_of(4)).then(|| sine(at, 4.0, 10.0)), None);
        check(|_| Some(140.0), None);
    }
}
