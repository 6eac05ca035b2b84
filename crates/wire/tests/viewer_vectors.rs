//! The vectors of `vectors/viewer/`, which the page's own tests read too.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::borrow::Cow;

use alerting::{Alert, AlertId, AlertKey, AlertState, Condition, Evidence, LogEntry, LogKind, Person, Priority};
use ctg::{
    BaselinePoint, DecelerationKind, Device, DeviceEvent, DeviceEventKind, DeviceStatus, FetusIndex, FhrChannel,
    Finding, FindingKind, HalfToco, Interval, Measurement, Method, Numerics, Quality, Quantity, QuarterBpm,
    ReceivedBlock, Recording, RecordingId, SampleBlock, SampleRate, SignalGrade, Stage, Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use wire::viewer::{
    BlocksError, ClientMessage, Refused, ServerMessage, ViewerBlock, Welcome, decode_blocks, encode_block,
    history_json, join_blocks, join_messages,
};

const BLOCKS: &str = include_str!("../vectors/viewer/blocks.json");
const MESSAGES: &str = include_str!("../vectors/viewer/messages.json");
const CLIENT: &str = include_str!("../vectors/viewer/client.json");

const START_US: i64 = 1_795_338_900_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(START_US).plus_seconds(seconds)
}

fn rates(quarters: &[u16]) -> Vec<Option<QuarterBpm>> {
    quarters.iter().map(|quarters| QuarterBpm::new(*quarters)).collect()
}

fn toco(halves: &[u8]) -> Vec<Option<HalfToco>> {
    halves.iter().map(|halves| HalfToco::new(*halves)).collect()
}

fn received(sequence: u32, delay_ms: i64, change: impl FnOnce(&mut SampleBlock)) -> ReceivedBlock {
    let mut block = SampleBlock {
        recording: RecordingId::from_bytes([7; 16]),
        sequence,
        start: at(i64::from(sequence)),
        block_length_ms: 1000,
        fhr_rate: SampleRate::FOUR_HZ,
        toco_rate: SampleRate::FOUR_HZ,
        fhr_step_quarter_bpm: 1,
        fhr: vec![FhrChannel { rates: rates(&[560, 561, 0, 1200]), quality: None }],
        mhr: None,
        toco: Some(toco(&[20, 0, 255, 254])),
    };
    change(&mut block);
    assert_eq!(block.check(), Ok(()));
    ReceivedBlock { device: "belt-01".parse().unwrap(), received: block.end().plus_micros(delay_ms * 1000), block }
}

fn twins(block: &mut SampleBlock) {
    let quality = vec![Quality::Good, Quality::Fair, Quality::Poor, Quality::Good];
    block.fhr.push(FhrChannel { rates: rates(&[600, 604, 608, 0]), quality: Some(quality) });
    block.mhr = Some(rates(&[320, 0, 324, 328]));
    block.toco = None;
}

fn slow_and_short(block: &mut SampleBlock) {
    block.fhr_rate = SampleRate::new(2).unwrap();
    block.toco_rate = SampleRate::new(1).unwrap();
    block.block_length_ms = 3000;
    block.start = at(90);
    block.fhr = vec![FhrChannel { rates: rates(&[0, 0]), quality: None }];
    block.toco = Some(toco(&[255]));
}

fn block_messages() -> Vec<(&'static str, Vec<u8>)> {
    let plain = encode_block(0, &received(0, 250, |_| ()), false);
    let twins = encode_block(70_000, &received(4_000_000, -1500, twins), false);
    let late = encode_block(3, &received(30, 3_600_000, slow_and_short), true);
    let join = |frames: &[&[u8]]| join_blocks(frames.iter().copied());
    vec![
        ("none", join(&[])),
        ("one fetus with toco", join(&[&plain])),
        ("twins with maternal rate and quality", join(&[&twins])),
        ("several, one late", join(&[&plain, &twins, &late])),
    ]
}

fn block_value(block: &ViewerBlock) -> Value {
    json!({
        "recording": block.recording, "sequence": block.sequence, "start_us": block.start_us,
        "delay_ms": block.delay_ms, "late": block.late, "fhr_hz": block.fhr_hz, "toco_hz": block.toco_hz,
        "fhr": block.fhr, "mhr": block.mhr, "toco": block.toco, "quality": block.quality,
    })
}

#[test]
fn blocks_are_the_bytes_of_the_vectors() {
    let cases: Vec<Value> = block_messages()
        .iter()
        .map(|(name, bytes)| {
            let blocks = decode_blocks(bytes).unwrap();
            json!({"name": name, "hex": hex(bytes), "blocks": blocks.iter().map(block_value).collect::<Vec<_>>()})
        })
        .collect();
    check(BLOCKS, "cases", &json!(cases));
}

#[test]
fn broken_blocks_are_refused() {
    let vectors: Value = serde_json::from_str(BLOCKS).unwrap();
    let broken = vectors["broken"].as_array().unwrap();
    assert!(broken.len() >= 5);
    for case in broken {
        assert!(decode_blocks(&unhex(case["hex"].as_str().unwrap())).is_err(), "{}", case["name"]);
    }
    assert_eq!(decode_blocks(&[2, 1, 0, 0, 0, 0, 0, 0]), Err(BlocksError::Kind));
}

fn method() -> Method {
    Method { name: Cow::Borrowed("prolonged_deceleration_figo2015"), version: 2 }
}

fn finding() -> Finding {
    Finding {
        recording: RecordingId::from_bytes([7; 16]),
        number: 4,
        revision: 1,
        fetus: Some(FetusIndex::FIRST),
        kind: FindingKind::Deceleration(DecelerationKind::Prolonged),
        stage: Stage::Provisional,
        interval: Interval { start: at(100), end: at(230) },
        ongoing: true,
        known_until: at(230),
        method: method(),
        measurements: vec![
            Measurement { quantity: Quantity::AmplitudeBpm, value: 42.25 },
            Measurement { quantity: Quantity::DurationS, value: 130.0 },
        ],
    }
}

fn alert() -> Alert {
    Alert {
        id: AlertId(*b"0123456789abcdef"),
        key: AlertKey {
            device: Some("belt-01".parse().unwrap()),
            recording: Some(RecordingId::from_bytes([7; 16])),
            fetus: Some(FetusIndex::FIRST),
            condition: Condition::Signal(FindingKind::Deceleration(DecelerationKind::Prolonged)),
        },
        priority: Priority::High,
        state: AlertState::Acknowledged,
        step: 1,
        generation: 1,
        version: 3,
        cleared: None,
        late: false,
        episodes: 1,
        raised: at(232),
        changed: at(240),
        deadline: Some(at(840)),
        owner: Some(Person("值班助产士".to_owned())),
        evidence: Evidence {
            policy: "china2015".to_owned(),
            policy_version: 1,
            method: Some(method()),
            finding: Some(4),
            interval: Interval { start: at(100), end: at(230) },
            value: Some(Measurement { quantity: Quantity::DurationS, value: 130.0 }),
            limit: Some(120.0),
        },
    }
}

fn service_alert() -> Alert {
    let mut alert = alert();
    alert.key = AlertKey { device: None, recording: None, fetus: None, condition: Condition::NotRecorded };
    (alert.state, alert.priority, alert.cleared) = (AlertState::Raised, Priority::Medium, Some(at(250)));
    (alert.owner, alert.evidence.method, alert.evidence.finding) = (None, None, None);
    (alert.evidence.value, alert.evidence.limit) = (None, None);
    alert
}

fn baseline() -> Vec<BaselinePoint> {
    [Some(140.04), None, Some(139.5)]
        .into_iter()
        .zip(0..)
        .map(|(baseline_bpm, second)| BaselinePoint {
            fetus: FetusIndex::FIRST,
            at: at(second),
            baseline_bpm,
            stage: Stage::Final,
        })
        .collect()
}

fn about_devices() -> Vec<String> {
    let device = "belt-01".parse().unwrap();
    let recording = Recording::from_block("belt-01".parse().unwrap(), &received(0, 0, twins).block, at(1));
    let status = DeviceStatus { online: true, at: Some(at(5)), battery_percent: Some(80), backlog_blocks: Some(0) };
    let event = DeviceEvent { recording: None, sequence: 9, at: at(6), kind: DeviceEventKind::Movement };
    let devices = [Device { id: "belt-01".parse().unwrap(), label: "A 01 <床>".to_owned(), simulated: true }];
    let (stored_through, stopped) = (Some(41), None);
    vec![
        ServerMessage::Devices(&devices).to_json(),
        ServerMessage::Recording { index: 2, recording: &recording, stored_through, stopped }.to_json(),
        ServerMessage::Status(&device, &status).to_json(),
        ServerMessage::Event(&device, &event).to_json(),
    ]
}

fn about_signals() -> Vec<String> {
    let numerics = Numerics {
        fetus: FetusIndex::FIRST,
        at: at(41),
        baseline_bpm: Some(138.46),
        variability_bpm: None,
        loss_ratio: 0.25,
        grade: SignalGrade::Limited,
    };
    vec![
        ServerMessage::Findings(2, &[finding()]).to_json(),
        ServerMessage::Baseline(2, &baseline()).to_json(),
        ServerMessage::Numerics(2, &numerics).to_json(),
    ]
}

fn about_alerts() -> Vec<String> {
    let refused = Refused {
        reason: "already_acknowledged",
        by: Some("值班助产士".to_owned()),
        detail: "值班助产士 answers for this alert since 09:19".to_owned(),
    };
    vec![
        ServerMessage::Alerts(&[(&alert(), true), (&service_alert(), false)]).to_json(),
        ServerMessage::Alert { alert: &alert(), recorded: true }.to_json(),
        ServerMessage::Answer(7, Ok(())).to_json(),
        ServerMessage::Answer(8, Err(&refused)).to_json(),
    ]
}

fn about_the_connection() -> Vec<String> {
    let welcome = Welcome {
        server: at(42),
        service: "0.1.0".to_owned(),
        person: "值班助产士".to_owned(),
        window_s: 1800,
        beat_ms: 1000,
        not_live_ms: 5000,
        late_after_s: 10,
    };
    vec![
        ServerMessage::Welcome(&welcome).to_json(),
        ServerMessage::Filled { recording: 2, from: 5, to: 9 }.to_json(),
        ServerMessage::Resync { dropped: 1200 }.to_json(),
        ServerMessage::CaughtUp.to_json(),
        ServerMessage::Beat(at(43)).to_json(),
    ]
}

#[test]
fn messages_are_those_of_the_vectors() {
    let messages = [about_devices(), about_signals(), about_alerts(), about_the_connection()].concat();
    let joined = join_messages(messages.iter().map(String::as_str));
    check(MESSAGES, "messages", &serde_json::from_str(&joined).unwrap());
    let entry = LogEntry {
        version: 3,
        at: at(240),
        kind: LogKind::Acknowledged,
        by: Some(Person("值班助产士".to_owned())),
        note: None,
        priority: Priority::High,
        step: 1,
        deadline: Some(at(840)),
    };
    check(MESSAGES, "history", &serde_json::from_str(&history_json(&[entry])).unwrap());
}

#[test]
fn nothing_joins_to_an_empty_list() {
    assert_eq!(join_messages([].into_iter()), "[]");
}

#[test]
fn good_messages_of_viewers_are_taken_and_bad_ones_refused_with_the_rule() {
    let vectors: Value = serde_json::from_str(CLIENT).unwrap();
    for message in vectors["valid"].as_array().unwrap() {
        assert!(ClientMessage::decode(&message.to_string()).is_ok(), "{message}");
    }
    for case in vectors["invalid"].as_array().unwrap() {
        let error = ClientMessage::decode(case["text"].as_str().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), case["error"].as_str().unwrap(), "{}", case["text"]);
    }
    let fill = ClientMessage::decode(&vectors["valid"][2].to_string());
    assert_eq!(fill, Ok(ClientMessage::Fill { recording: RecordingId::from_bytes([7; 16]), from: 5, to: 1204 }));
}

proptest! {
    #[test]
    fn no_bytes_panic_the_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_blocks(&bytes);
    }

    #[test]
    fn changed_bytes_never_panic_the_decoder(position in 0_usize..200, byte in any::<u8>(), cut in 0_usize..200) {
        let (_, mut bytes) = block_messages().pop().unwrap();
        let length = bytes.len();
        bytes[position % length] = byte;
        bytes.truncate(length - cut % length);
        let _ = decode_blocks(&bytes);
    }

    #[test]
    fn no_text_panics_the_reader(text in ".{0,80}") {
        let _ = ClientMessage::decode(&text);
    }
}

fn check(vectors: &str, key: &str, actual: &Value) {
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    assert!(vectors[key] == *actual, "vectors differ; {key} would now be:\n{actual}\n");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
