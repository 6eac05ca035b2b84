//! The methods of baseline and events, all behind one signature.

use crate::Settings;
use crate::ledger::MethodName;
use crate::marks::MorphologyStep;
use crate::morphology::{LEARNED_METHOD, Morphology, MorphologySecond, MorphologySettings};
use crate::ten_minute_nichd2008::{self, TenMinute};

/// How baseline, accelerations and decelerations are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MorphologyMethod {
    /// The ten-minute definition of NICHD 2008 and the Chinese consensus of 2015, word for word.
    TenMinuteNichd2008,
    /// The weighted median of Boudet 2019 in real time, with events by the amplitude and duration of FIGO 2015.
    WeightedMedianBoudet2019,
    /// The same baseline; a learned module, trained on the experts' marks of CTU-UHB, chooses among the excursions.
    Learned2026,
}

/// The state of one method.
#[derive(Clone, Debug)]
pub(crate) enum TraceMethod {
    TenMinute(TenMinute),
    WeightedMedian(Box<Morphology>),
}

impl TraceMethod {
    /// Nothing known yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        let weighted = |learned| {
            Self::WeightedMedian(Box::new(Morphology::new(MorphologySettings {
                event_amplitude_bpm: settings.event_amplitude_bpm,
                event_duration_s: settings.event_duration_s,
                event_reading: settings.event_reading,
                event_edge_bpm: settings.event_edge_bpm,
                event_gap_s: settings.event_gap_s,
                baseline_change_s: settings.baseline_change_s,
                learned,
            })))
        };
        match settings.morphology_method {
            MorphologyMethod::TenMinuteNichd2008 => Self::TenMinute(TenMinute::new(settings)),
            MorphologyMethod::WeightedMedianBoudet2019 => weighted(false),
            MorphologyMethod::Learned2026 => weighted(true),
        }
    }

    /// The method as findings name it.
    pub(crate) fn method(&self) -> MethodName {
        match self {
            Self::TenMinute(_) => ten_minute_nichd2008::METHOD,
            Self::WeightedMedian(method) => method.method(),
        }
    }

    /// True for the method that was trained on what the device sent, jumps and broken minutes included.
    pub(crate) fn reads_whole_signal(&self) -> bool {
        match self {
            Self::TenMinute(_) => false,
            Self::WeightedMedian(method) => method.method() == LEARNED_METHOD,
        }
    }

    /// Takes the next second; seconds come without holes.
    pub(crate) fn push(&mut self, second: &MorphologySecond, settings: &Settings) -> MorphologyStep {
        match self {
            Self::TenMinute(method) => method.push(second, settings),
            Self::WeightedMedian(method) => method.push(second),
        }
    }

    /// Ends what is going on; every mark becomes final.
    pub(crate) fn finish(&mut self, next_second: u32, settings: &Settings) -> MorphologyStep {
        match self {
            Self::TenMinute(method) => method.finish(next_second, settings),
            Self::WeightedMedian(method) => method.finish(next_second),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::TenMinute(method) => method.heap_bytes(),
            Self::WeightedMedian(method) => size_of::<Morphology>() + method.heap_bytes(),
        }
    }
}
