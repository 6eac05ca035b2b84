//! Values to store.

use std::sync::Arc;

use alerting::{
    Alert, AlertChange, AlertId, AlertKey, AlertState, Condition, Evidence, LogEntry, LogKind, Person, Priority,
};
use ctg::{
    FetusIndex, FhrChannel, Finding, FindingKind, HalfToco, Interval, Measurement, Method, Quality, Quantity,
    QuarterBpm, ReceivedBlock, RecordingId, SampleBlock, SampleRate, Stage, Timestamp,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// When the recordings of these tests begin.
pub const START: Timestamp = Timestamp::from_micros(1_795_338_900_000_000);

/// A moment so many seconds after [`START`].
pub const fn second(seconds: i64) -> Timestamp {
    START.plus_seconds(seconds)
}

/// A stretch of seconds after [`START`].
pub const fn seconds(start: i64, end: i64) -> Interval {
    Interval { start: second(start), end: second(end) }
}

/// All of time.
pub const ALWAYS: Interval =
    Interval { start: Timestamp::from_micros(i64::MIN), end: Timestamp::from_micros(i64::MAX) };

/// A recording told apart by a number.
pub const fn recording(number: u8) -> RecordingId {
    RecordingId::from_bytes([number; 16])
}

/// A second of one fetus and toco, received half a second after it ended; its content follows from its sequence.
pub fn block(recording_number: u8, sequence: u32) -> ReceivedBlock {
    let quarters = 540 + (sequence % 80) as u16;
    ReceivedBlock {
        device: format!("belt-{recording_number}").parse().expect("a device's name"),
        received: second(sequence.into()).plus_micros(1_500_000),
        block: SampleBlock {
            recording: recording(recording_number),
            sequence,
            start: second(sequence.into()),
            block_length_ms: 1000,
            fhr_rate: SampleRate::FOUR_HZ,
            toco_rate: SampleRate::FOUR_HZ,
            fhr_step_quarter_bpm: 1,
            fhr: vec![FhrChannel {
                rates: vec![QuarterBpm::new(quarters), None, QuarterBpm::new(560), None],
                quality: None,
            }],
            mhr: None,
            toco: Some(vec![HalfToco::new(20); 4]),
        },
    }
}

/// Blocks of one recording.
pub fn blocks(recording_number: u8, sequences: impl IntoIterator<Item = u32>) -> Vec<Arc<ReceivedBlock>> {
    sequences.into_iter().map(|sequence| Arc::new(block(recording_number, sequence))).collect()
}

/// The blocks of any recording that a device may make, in order, the last of them perhaps short.
pub fn any_recording() -> impl Strategy<Value = Vec<ReceivedBlock>> {
    let rate = || prop_oneof![Just(1), Just(2), Just(4), Just(8)].prop_map(|hz| SampleRate::new(hz).expect("a rate"));
    let channels = (1..=3_usize, any::<bool>(), any::<bool>(), any::<bool>());
    (any::<[u8; 16]>(), rate(), rate(), 1..=8_u16, 1..=8_u8, channels, 1..12_u32).prop_flat_map(
        |(id, fhr_rate, toco_rate, length_s, step, (fetuses, quality, mhr, toco), count)| {
            let whole = vec(samples(fhr_rate, toco_rate, length_s, fetuses, quality, mhr, toco), count as usize - 1);
            let last = (1..=length_s)
                .prop_flat_map(move |kept_s| samples(fhr_rate, toco_rate, kept_s, fetuses, quality, mhr, toco));
            (whole, last, any::<u32>()).prop_map(move |(mut parts, last, delay_us)| {
                parts.push(last);
                let of_part = |(sequence, (fhr, mhr, toco)): (u32, Samples)| {
                    let start = second(i64::from(sequence) * i64::from(length_s));
                    let block = SampleBlock {
                        recording: RecordingId::from_bytes(id),
                        sequence,
                        start,
                        block_length_ms: length_s * 1000,
                        fhr_rate,
                        toco_rate,
                        fhr_step_quarter_bpm: step,
                        fhr,
                        mhr,
                        toco,
                    };
                    let received = start.plus_micros(delay_us.into());
                    ReceivedBlock { device: "belt-any".parse().expect("a device's name"), received, block }
                };
                (0..).zip(parts).map(of_part).collect()
            })
        },
    )
}

/// Fetal heart rates, maternal heart rate and toco of one block.
type Samples = (Vec<FhrChannel>, Option<Vec<Option<QuarterBpm>>>, Option<Vec<Option<HalfToco>>>);

fn samples(
    fhr_rate: SampleRate,
    toco_rate: SampleRate,
    length_s: u16,
    fetuses: usize,
    has_quality: bool,
    has_mhr: bool,
    has_toco: bool,
) -> impl Strategy<Value = Samples> {
    let count = usize::from(length_s) * usize::from(fhr_rate.hz());
    let toco_count = usize::from(length_s) * usize::from(toco_rate.hz());
    let rates = || vec((0..=QuarterBpm::MAX).prop_map(QuarterBpm::new), count);
    let quality = vec(prop_oneof![Just(Quality::Poor), Just(Quality::Fair), Just(Quality::Good)], count);
    let channel = (rates(), quality)
        .prop_map(move |(rates, quality)| FhrChannel { rates, quality: has_quality.then_some(quality) });
    let toco = vec(any::<u8>().prop_map(HalfToco::new), toco_count);
    (vec(channel, fetuses), rates(), toco)
        .prop_map(move |(fhr, mhr, toco)| (fhr, has_mhr.then_some(mhr), has_toco.then_some(toco)))
}

/// A revision of a finding over a stretch of seconds.
pub fn finding(recording_number: u8, number: u32, revision: u16, within: Interval) -> Finding {
    Finding {
        recording: recording(recording_number),
        number,
        revision,
        fetus: Some(FetusIndex::FIRST),
        kind: FindingKind::Acceleration,
        stage: if revision == 0 { Stage::Provisional } else { Stage::Final },
        interval: within,
        ongoing: revision == 0,
        known_until: within.end,
        method: Method { name: "test2026".into(), version: 1 },
        measurements: vec![
            Measurement { quantity: Quantity::AmplitudeBpm, value: 0.1 + f64::from(revision) },
            Measurement { quantity: Quantity::Limit, value: 15.0 },
        ],
    }
}

/// The decision that raises an alert of one condition in one recording.
pub fn raise(id: u8, recording_number: u8, kind: FindingKind) -> AlertChange {
    let raised = second(100);
    AlertChange {
        expected_version: None,
        expected_changed: None,
        alert: Alert {
            id: AlertId([id; 16]),
            key: AlertKey {
                device: Some(block(recording_number, 0).device),
                recording: Some(recording(recording_number)),
                fetus: Some(FetusIndex::FIRST),
                condition: Condition::Signal(kind),
            },
            priority: Priority::Medium,
            state: AlertState::Raised,
            step: 0,
            generation: 1,
            version: 1,
            cleared: None,
            late: false,
            episodes: 1,
            raised,
            changed: raised,
            deadline: Some(raised.plus_seconds(60)),
            owner: None,
            evidence: Evidence {
                policy: "ward".into(),
                policy_version: 3,
                method: Some(Method { name: "test2026".into(), version: 1 }),
                finding: Some(7),
                interval: seconds(10, 100),
                value: Some(Measurement { quantity: Quantity::BaselineBpm, value: 171.3 }),
                limit: Some(160.0),
            },
        },
        entry: LogEntry {
            version: 1,
            at: raised,
            kind: LogKind::Raised,
            by: None,
            note: None,
            priority: Priority::Medium,
            step: 0,
            deadline: Some(raised.plus_seconds(60)),
        },
    }
}

/// The decision by which a person brings an alert into a state.
pub fn answer(alert: &Alert, state: AlertState, kind: LogKind, person: &str, at: Timestamp) -> AlertChange {
    let deadline = if state == AlertState::Resolved { None } else { Some(at.plus_seconds(600)) };
    let owner = Some(Person(person.to_owned()));
    let version = alert.version + 1;
    let entry = LogEntry {
        version,
        at,
        kind,
        by: owner.clone(),
        note: Some("seen".into()),
        priority: alert.priority,
        step: alert.step,
        deadline,
    };
    let alert_after = Alert { state, version, changed: at, deadline, owner, ..alert.clone() };
    AlertChange {
        expected_version: Some(alert.version),
        expected_changed: Some(alert.changed),
        alert: alert_after,
        entry,
    }
}
