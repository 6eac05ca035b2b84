//! What the parts of the analysis tell each other, in ticks of the 4 Hz grid since the recording began.

use ctg::Stage;

/// Ticks of the grid in one second.
pub(crate) const TICKS_PER_SECOND: u32 = 4;

/// Which way an event leaves the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// An acceleration.
    Up,
    /// A deceleration.
    Down,
}

/// The baseline of one second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BaselineMark {
    /// Seconds since the recording began.
    pub(crate) second: u32,
    /// `None` where it cannot be determined.
    pub(crate) baseline_bpm: Option<f32>,
    /// Provisional or final.
    pub(crate) stage: Stage,
}

/// What is now known of one acceleration or deceleration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EventMark {
    /// Tick of the onset as first announced: names the event in all its revisions.
    pub(crate) key: u32,
    /// Which way it goes.
    pub(crate) direction: Direction,
    /// How sure it is.
    pub(crate) stage: Stage,
    /// True while the trace has not come back.
    pub(crate) ongoing: bool,
    /// First tick inside.
    pub(crate) start: u32,
    /// First tick after, or after the last one known.
    pub(crate) end: u32,
    /// Tick of the peak or nadir.
    pub(crate) extreme: u32,
    /// Heart rate at the peak or nadir.
    pub(crate) extreme_bpm: f32,
    /// Baseline that it leaves.
    pub(crate) baseline_bpm: f32,
    /// Area between trace and baseline, beats.
    pub(crate) area_beats: f32,
}

impl EventMark {
    /// Greatest distance from the baseline, positive.
    pub(crate) fn amplitude_bpm(&self) -> f32 {
        (self.extreme_bpm - self.baseline_bpm).abs()
    }

    /// Length in seconds.
    pub(crate) fn duration_s(&self) -> f32 {
        self.end.saturating_sub(self.start) as f32 / TICKS_PER_SECOND as f32
    }

    /// Time from onset to peak or nadir.
    pub(crate) fn onset_to_extreme_s(&self) -> f32 {
        self.extreme.saturating_sub(self.start) as f32 / TICKS_PER_SECOND as f32
    }
}

/// What one second of trace made known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MorphologyStep {
    /// New baseline points.
    pub(crate) baseline: Vec<BaselineMark>,
    /// New and revised events.
    pub(crate) events: Vec<EventMark>,
}

/// What is now known of one contraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ContractionMark {
    /// Tick of the onset as first announced: names the contraction in all its revisions.
    pub(crate) key: u32,
    /// How sure it is.
    pub(crate) stage: Stage,
    /// True while it has not ended.
    pub(crate) ongoing: bool,
    /// First tick inside.
    pub(crate) start: u32,
    /// Tick of the highest activity.
    pub(crate) peak: u32,
    /// First tick after, or after the last one known.
    pub(crate) end: u32,
    /// Peak above resting tone, toco units.
    pub(crate) amplitude_toco: f32,
}
