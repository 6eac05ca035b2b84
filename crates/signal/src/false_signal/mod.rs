//! False signal in the fetal channel: the mother's heart rate, or another false Doppler signal.

mod coincidence2022;

use std::collections::VecDeque;

use coincidence2022::coincidence;

use crate::learned::false_signal::{LOOK_AHEAD_SAMPLES, LearnedFalseSignal, Sample};
use crate::ledger::MethodName;

/// Heart rates that can be a signal at all, bpm; others count as absent (30 to 300: what monitors transmit).
const RATES_BPM: std::ops::RangeInclusive<f32> = 30.0..=300.0;

/// Uterine activity that can be a measurement, relative units; other values count as absent.
const TOCO: std::ops::RangeInclusive<f32> = 0.0..=127.0;

/// How false signals are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FalseSignalMethod {
    /// The learned module, with or without a maternal channel.
    Learned2026,
    /// Fetal and maternal rate lie closer than five bpm; says nothing without a maternal rate.
    Coincidence2022,
}

impl FalseSignalMethod {
    /// The method as findings name it.
    pub(crate) const fn method(self) -> MethodName {
        let name = match self {
            Self::Learned2026 => "false_signal_learned_maia2026",
            Self::Coincidence2022 => "false_signal_coincidence2022",
        };
        MethodName { name, version: 1 }
    }
}

/// What is known after one more sample: probabilities from 0 to 1 that a sample is a false signal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct FalseSignalOpinion {
    /// Of the sample just pushed; `None` without fetal signal, or where the method has no opinion.
    pub(crate) now: Option<f32>,
    /// Of the sample ten seconds (40 samples) ago, knowing what followed; `None` likewise.
    pub(crate) settled: Option<f32>,
}

/// The state of one method; all share one signature.
#[derive(Clone, Debug)]
enum Detector {
    Learned(Box<LearnedFalseSignal>),
    Coincidence(VecDeque<Option<f32>>),
}

/// Judges one fetal channel, sample by sample.
#[derive(Clone, Debug)]
pub(crate) struct FalseSignal {
    detector: Detector,
    /// Whether the last samples had a fetal signal; bit 0 is the newest.
    present: u64,
}

impl FalseSignal {
    /// Starts a recording with one method.
    pub(crate) fn new(method: FalseSignalMethod) -> Self {
        let detector = match method {
            FalseSignalMethod::Learned2026 => Detector::Learned(Box::new(LearnedFalseSignal::new())),
            FalseSignalMethod::Coincidence2022 => Detector::Coincidence(VecDeque::new()),
        };
        Self { detector, present: 0 }
    }

    /// Takes the next sample of the 4 Hz grid; `None` where there was no signal.
    pub(crate) fn push(&mut self, fhr_bpm: Option<f32>, mhr_bpm: Option<f32>, toco: Option<f32>) -> FalseSignalOpinion {
        let fhr_bpm = fhr_bpm.filter(|bpm| RATES_BPM.contains(bpm));
        let mhr_bpm = mhr_bpm.filter(|bpm| RATES_BPM.contains(bpm));
        let toco = toco.filter(|toco| TOCO.contains(toco));
        self.present = (self.present << 1) | u64::from(fhr_bpm.is_some());
        let (now, settled) = match &mut self.detector {
            Detector::Learned(learned) => {
                let (now, settled) = learned.push(Sample { fhr_bpm, mhr_bpm, toco });
                (Some(now), settled)
            }
            Detector::Coincidence(past) => {
                let now = coincidence(fhr_bpm, mhr_bpm);
                past.push_back(now);
                let settled = if past.len() > LOOK_AHEAD_SAMPLES { past.pop_front() } else { None };
                (now, settled.flatten())
            }
        };
        let was_present = (self.present >> LOOK_AHEAD_SAMPLES) & 1 == 1;
        FalseSignalOpinion { now: now.filter(|_| fhr_bpm.is_some()), settled: settled.filter(|_| was_present) }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.detector {
            Detector::Learned(learned) => learned.heap_bytes(),
            Detector::Coincidence(past) => past.capacity() * size_of::<Option<f32>>(),
        }
    }
}

#[cfg(test)]
mod tests;
