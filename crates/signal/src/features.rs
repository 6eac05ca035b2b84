//! What rule sets look at: the last ninety minutes of one fetus in minutes and events.

use ctg::{DecelerationKind, FetusIndex, Interval, Timestamp};

pub use crate::minutes::Minute;

/// An acceleration or deceleration; times in seconds since the recording began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Onset.
    pub start_s: f64,
    /// Return to the baseline, or the last moment known.
    pub end_s: f64,
    /// Peak or nadir.
    pub extreme_s: f64,
    /// Greatest distance from the baseline, bpm, positive.
    pub amplitude_bpm: f64,
    /// Area between trace and baseline, beats.
    pub area_beats: f64,
}

impl Event {
    /// Length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.end_s - self.start_s
    }
}

/// A deceleration with its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deceleration {
    /// Where and how deep.
    pub event: Event,
    /// How it relates to time and contractions.
    pub kind: DecelerationKind,
}

/// A contraction; times in seconds since the recording began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contraction {
    /// Onset.
    pub start_s: f64,
    /// Highest activity.
    pub peak_s: f64,
    /// End, or the last moment known.
    pub end_s: f64,
}

/// What is known of one fetus over the last ninety minutes at most.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Which fetus.
    pub fetus: FetusIndex,
    /// When the recording began: zero of all seconds.
    pub start: Timestamp,
    /// The last second known.
    pub until_s: f64,
    /// True when the source is coarser than 4 Hz or 0.25 bpm, which forbids short-term variation.
    pub low_resolution: bool,
    /// Whole minutes without holes, oldest first; the last one may still be revised.
    pub minutes: Vec<Minute>,
    /// Accelerations, oldest first.
    pub accelerations: Vec<Event>,
    /// Decelerations, oldest first.
    pub decelerations: Vec<Deceleration>,
    /// Contractions, oldest first; `None` when uterine activity is not measured.
    pub contractions: Option<Vec<Contraction>>,
    /// When the mother pressed the movement button, s.
    pub movements_s: Vec<f64>,
}

impl Features {
    /// The interval between two moments in seconds since the recording began.
    pub fn interval(&self, from_s: f64, until_s: f64) -> Interval {
        let at = |seconds: f64| self.start.plus_micros((seconds * ctg::MICROS_PER_SECOND as f64) as i64);
        Interval { start: at(from_s), end: at(until_s) }
    }
}
