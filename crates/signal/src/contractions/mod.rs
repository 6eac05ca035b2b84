//! Contractions from the toco channel: one file per method, one register for provisional and final opinions.

mod low_decile2022;
mod prominence2026;
mod register;
mod seconds;

use low_decile2022::LowDecile2022;
use prominence2026::Prominence2026;
pub(crate) use register::{Register, Span};
use seconds::Seconds;
pub(crate) use seconds::TocoSecond;

use crate::learned::contractions::LearnedContractions;
use crate::ledger::MethodName;
use crate::marks::ContractionMark;

/// How contractions are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContractionMethod {
    /// Rise above the resting tone, measured against the recording's own contractions (our rule).
    Prominence2026,
    /// Threshold from the lowest tenth and the range of four minutes (doi 10.2478/joeb-2022-0002).
    LowDecile2022,
    /// The learned module, trained on the experts' marks of CTU-UHB.
    Learned2026,
}

impl ContractionMethod {
    /// The method as findings name it.
    pub(crate) const fn method(self) -> MethodName {
        let name = match self {
            Self::Prominence2026 => "contraction_prominence_maia2026",
            Self::LowDecile2022 => "contraction_low_decile2022",
            Self::Learned2026 => "contraction_learned_maia2026",
        };
        MethodName { name, version: 1 }
    }
}

/// The state of one method; all share one signature.
#[derive(Clone, Debug)]
enum Detector {
    Prominence(Prominence2026),
    LowDecile(LowDecile2022),
    Learned(Box<LearnedContractions>),
}

/// Finds the contractions of one recording, sample by sample.
#[derive(Clone, Debug)]
pub(crate) struct Contractions {
    seconds: Seconds,
    detector: Detector,
    register: Register,
}

impl Contractions {
    /// Starts with one method; the first sample to come is the first of second `first_s` of the recording.
    pub(crate) fn new(method: ContractionMethod, first_s: u32) -> Self {
        let detector = match method {
            ContractionMethod::Prominence2026 => Detector::Prominence(Prominence2026::default()),
            ContractionMethod::LowDecile2022 => Detector::LowDecile(LowDecile2022::default()),
            ContractionMethod::Learned2026 => Detector::Learned(Box::new(LearnedContractions::new())),
        };
        Self { seconds: Seconds::starting_at(first_s), detector, register: Register::new() }
    }

    /// Takes the next sample of the 4 Hz grid, relative units; `None` where there was no signal.
    pub(crate) fn push(&mut self, toco: Option<f32>) {
        if let Some(second) = self.seconds.push(toco) {
            match &mut self.detector {
                Detector::Prominence(method) => method.push(second, &mut self.register),
                Detector::LowDecile(method) => method.push(second, &mut self.register),
                Detector::Learned(method) => method.push(second, &mut self.register),
            }
        }
    }

    /// Says that no sample will follow: whatever is still ongoing or provisional becomes final.
    pub(crate) fn finish(&mut self) {
        let end_s = self.seconds.complete_s();
        match &mut self.detector {
            Detector::Prominence(method) => method.finish(end_s, &mut self.register),
            Detector::LowDecile(method) => method.finish(end_s, &mut self.register),
            Detector::Learned(method) => method.finish(&mut self.register),
        }
    }

    /// What became known since the last call, in the order it became known.
    pub(crate) fn drain_events(&mut self) -> impl Iterator<Item = ContractionMark> + '_ {
        self.register.drain()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let detector = match &self.detector {
            Detector::Prominence(method) => method.heap_bytes(),
            Detector::LowDecile(method) => method.heap_bytes(),
            Detector::Learned(method) => method.heap_bytes(),
        };
        detector + self.register.heap_bytes()
    }
}

#[cfg(test)]
mod tests;
