//! Gives findings their number and revision.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ctg::{FetusIndex, Finding, FindingKind, Interval, Measurement, Method, Quantity, RecordingId, Stage, Timestamp};

use crate::marks::TICKS_PER_SECOND;

/// Findings whose revisions are remembered; more than can change within a minute.
const REMEMBERED_MAX: usize = 256;
/// Kinds of findings that may begin in the same second of one fetus.
const SLOTS: u32 = 16;
/// Fetuses, and one place for what concerns no fetus.
const OWNERS: u32 = 4;

/// A method as the parts of the analysis name themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MethodName {
    /// Author and year, or guideline and year.
    pub(crate) name: &'static str,
    /// Grows when answers can change.
    pub(crate) version: u16,
}

/// A finding before it has a number; positions in ticks since the recording began.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    /// Tick of the onset as first announced.
    pub(crate) key: u32,
    pub(crate) fetus: Option<FetusIndex>,
    pub(crate) kind: FindingKind,
    pub(crate) stage: Stage,
    pub(crate) ongoing: bool,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) method: MethodName,
    pub(crate) measurements: Vec<Measurement>,
}

/// Numbers the findings of one recording.
///
/// The number says when and what: second of the onset × 64 + kind × 4 + fetus. An analyzer that was rebuilt
/// from a replay therefore gives the same finding the same number without having been told.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    recording: RecordingId,
    start: Timestamp,
    revisions: BTreeMap<u32, u16>,
}

impl Ledger {
    /// An empty ledger.
    pub(crate) fn new(recording: RecordingId, start: Timestamp) -> Self {
        Self { recording, start, revisions: BTreeMap::new() }
    }

    /// The finding that a draft becomes, known of up to tick `known_until`.
    pub(crate) fn enter(&mut self, draft: Draft, known_until: u32) -> Finding {
        let number = number(&draft);
        let revision = *self.revisions.entry(number).and_modify(|last| *last = last.saturating_add(1)).or_insert(0);
        if self.revisions.len() > REMEMBERED_MAX {
            self.revisions.pop_first();
        }
        Finding {
            recording: self.recording,
            number,
            revision,
            fetus: draft.fetus,
            kind: draft.kind,
            stage: draft.stage,
            interval: Interval { start: self.time(draft.start), end: self.time(draft.end) },
            ongoing: draft.ongoing,
            known_until: self.time(known_until),
            method: Method { name: Cow::Borrowed(draft.method.name), version: draft.method.version },
            measurements: draft.measurements,
        }
    }

    /// The moment of a tick.
    pub(crate) fn time(&self, tick: u32) -> Timestamp {
        self.start.plus_micros(i64::from(tick) * (ctg::MICROS_PER_SECOND / i64::from(TICKS_PER_SECOND)))
    }

    /// The tick of a moment; `None` before the recording began.
    pub(crate) fn tick(&self, moment: Timestamp) -> Option<u32> {
        let ticks = moment.micros_since(self.start).checked_mul(i64::from(TICKS_PER_SECOND))?;
        u32::try_from(ticks.div_euclid(ctg::MICROS_PER_SECOND)).ok()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.revisions.len() * 2 * size_of::<(u32, u16)>()
    }
}

/// A number with its unit.
pub(crate) fn measure(quantity: Quantity, value: f32) -> Measurement {
    Measurement { quantity, value: f64::from(value) }
}

fn number(draft: &Draft) -> u32 {
    let owner = draft.fetus.map_or(0, |fetus| u32::from(fetus.get()) + 1);
    (draft.key / TICKS_PER_SECOND).saturating_mul(SLOTS * OWNERS) | (slot(draft) * OWNERS) | owner
}

fn slot(draft: &Draft) -> u32 {
    match draft.kind {
        FindingKind::CommunicationLoss => 0,
        FindingKind::SignalLoss => 1,
        FindingKind::Acceleration => 2,
        FindingKind::Deceleration(_) => 3,
        FindingKind::Contraction => 4,
        FindingKind::Tachysystole => 5,
        FindingKind::LowHeartRate if is_very_low(draft) => 7,
        FindingKind::LowHeartRate => 6,
        FindingKind::Tachycardia => 8,
        FindingKind::Bradycardia => 9,
        FindingKind::ReducedVariability => 10,
        FindingKind::IncreasedVariability => 11,
        FindingKind::Sinusoidal => 12,
        FindingKind::FalseSignal => 13,
        FindingKind::TwinCoincidence => 14,
        FindingKind::RateJump => 15,
    }
}

/// Two low rates may begin in one second: below the higher and below the lower limit.
fn is_very_low(draft: &Draft) -> bool {
    const BETWEEN_LIMITS_BPM: f64 = 90.0;
    draft.measurements.iter().any(|found| found.quantity == Quantity::Limit && found.value < BETWEEN_LIMITS_BPM)
}
