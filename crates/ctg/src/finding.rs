use std::borrow::Cow;

use crate::{FetusIndex, Interval, RecordingId, Timestamp};

/// What can be seen in the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// No block arrived for too long.
    CommunicationLoss,
    /// Blocks arrive, but too many samples are absent.
    SignalLoss,
    /// A transient rise above the baseline.
    Acceleration,
    /// A transient fall below the baseline.
    Deceleration(DecelerationKind),
    /// Uterine activity rose and fell.
    Contraction,
    /// More than five contractions in ten minutes, averaged over thirty.
    Tachysystole,
    /// Heart rate below the limit now, whatever the baseline.
    LowHeartRate,
    /// Baseline above the normal range.
    Tachycardia,
    /// Baseline below the normal range.
    Bradycardia,
    /// Baseline variability below the normal range.
    ReducedVariability,
    /// Baseline variability above the normal range.
    IncreasedVariability,
    /// A smooth sine wave of three to five cycles a minute.
    Sinusoidal,
    /// The fetal channel shows the mother's heart rate, or another false signal.
    FalseSignal,
    /// Two fetal channels show the same heart.
    TwinCoincidence,
    /// A sudden jump to double or half the rate.
    RateJump,
}

/// How a deceleration relates to time and contractions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DecelerationKind {
    /// Type not (yet) known.
    Untyped,
    /// Gradual, with its nadir at the contraction's peak.
    Early,
    /// Gradual, with its nadir after the contraction's peak.
    Late,
    /// Abrupt.
    Variable,
    /// Two minutes or longer.
    Prolonged,
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Said with no look-ahead; may be revised.
    Provisional,
    /// Said with at most 60 s of look-ahead; stays.
    Final,
    /// Taken back: was provisional, and what is now known speaks against it.
    Withdrawn,
}

/// What a number in a finding measures; the name ends in its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// Baseline heart rate, bpm.
    BaselineBpm,
    /// Greatest distance from the baseline, bpm, positive.
    AmplitudeBpm,
    /// Lowest heart rate, bpm.
    NadirBpm,
    /// Heart rate itself, bpm.
    FhrBpm,
    /// Maternal heart rate, bpm.
    MhrBpm,
    /// Length, s.
    DurationS,
    /// From onset to nadir or peak, s.
    OnsetToExtremeS,
    /// From contraction peak to nadir, s; positive when the nadir is later.
    LagS,
    /// Area between trace and baseline, beats.
    AreaBeats,
    /// Baseline variability (bandwidth), bpm.
    VariabilityBpm,
    /// Share of samples absent in the window, 0 to 1.
    LossRatio,
    /// Peak above resting tone, toco units.
    AmplitudeToco,
    /// Contractions per ten minutes.
    ContractionsPerTenMinutes,
    /// Cycles per minute of an oscillation.
    CyclesPerMinute,
    /// Probability given by a detector, 0 to 1.
    Probability,
    /// Time without a sample, s.
    SilenceS,
    /// The limit that the first other quantity was compared with, in that quantity's unit.
    Limit,
}

/// One visible number of a finding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// What is measured.
    pub quantity: Quantity,
    /// Its value in the unit that the quantity names.
    pub value: f64,
}

/// The published method or rule that made a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method {
    /// Author and year, or guideline and year, such as `weighted_median_boudet2019`.
    pub name: Cow<'static, str>,
    /// Version of our implementation; grows when answers can change.
    pub version: u16,
}

/// Something seen in the signal, with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The recording it was seen in.
    pub recording: RecordingId,
    /// Number of the finding in its recording; the same for all its revisions.
    pub number: u32,
    /// 0 when first said; grows with every change of what is known.
    pub revision: u16,
    /// Which fetus; `None` for what concerns the mother or the device.
    pub fetus: Option<FetusIndex>,
    /// What was seen.
    pub kind: FindingKind,
    /// How sure it is.
    pub stage: Stage,
    /// Where in the trace; for an ongoing finding, up to the last sample known.
    pub interval: Interval,
    /// True while it has not ended.
    pub ongoing: bool,
    /// Device time of the last sample that this revision knows of.
    pub known_until: Timestamp,
    /// The method that said so.
    pub method: Method,
    /// The numbers it rests on.
    pub measurements: Vec<Measurement>,
}

impl Finding {
    /// The number of one kind; `None` where the finding does not have it.
    pub fn value(&self, quantity: Quantity) -> Option<f64> {
        self.measurements.iter().find(|measurement| measurement.quantity == quantity).map(|found| found.value)
    }
}

/// The baseline at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BaselinePoint {
    /// Which fetus.
    pub fetus: FetusIndex,
    /// Device time; points lie one second apart.
    pub at: Timestamp,
    /// The baseline; `None` where it cannot be determined.
    pub baseline_bpm: Option<f32>,
    /// Provisional (no look-ahead) or final.
    pub stage: Stage,
}

/// How far a stretch of signal can be interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignalGrade {
    /// More than half of the samples are lost in some ten minutes: no conclusion may be drawn.
    Uninterpretable,
    /// A fifth to a half is lost: extend the recording.
    Limited,
    /// Less than a fifth is lost.
    Adequate,
}

/// What a bed shows as figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numerics {
    /// Which fetus.
    pub fetus: FetusIndex,
    /// Device time of the newest sample known.
    pub at: Timestamp,
    /// Current baseline; `None` while it cannot be determined.
    pub baseline_bpm: Option<f32>,
    /// Baseline variability (bandwidth) of the last minute that has one.
    pub variability_bpm: Option<f32>,
    /// Share of absent samples in the last ten minutes (or since the start), 0 to 1.
    pub loss_ratio: f32,
    /// What the loss means.
    pub grade: SignalGrade,
}

/// What became known by one step of the analysis of one recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analysis {
    /// New findings and revisions, in the order they became known.
    pub findings: Vec<Finding>,
    /// New baseline points, provisional and final.
    pub baseline: Vec<BaselinePoint>,
    /// The newest figures of each fetus, when they changed.
    pub numerics: Vec<Numerics>,
}

impl Analysis {
    /// True when nothing became known.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.baseline.is_empty() && self.numerics.is_empty()
    }
}
