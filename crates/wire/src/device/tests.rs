use ctg::{BlockError, Complaint, DeviceEventKind, FhrChannel, HalfToco, Quality, QuarterBpm, RecordingId, SampleRate};
use ctg::{SampleBlock, Timestamp};
use proptest::prelude::*;

use super::*;

const RECORDING: RecordingId = RecordingId::from_bytes([
    0x01, 0x8f, 0x3a, 0x5c, 0x1e, 0x70, 0x7c, 0x3e, 0x9a, 0x55, 0x2b, 0x1d, 0x6f, 0x80, 0x42, 0xc7,
]);
const T: Timestamp = Timestamp::from_micros(1_795_338_903_000_000);

/// One meaning, written independently of this crate in both encodings.
struct Vector {
    json: &'static str,
    cbor_hex: &'static str,
}

macro_rules! vector {
    ($name:literal) => {
        Vector {
            json: include_str!(concat!("../../vectors/device/", $name, ".json")),
            cbor_hex: include_str!(concat!("../../vectors/device/", $name, ".cbor.hex")),
        }
    };
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn rates(quarters: &[u16]) -> Vec<Option<QuarterBpm>> {
    quarters.iter().map(|quarters| QuarterBpm::new(*quarters)).collect()
}

fn toco(halves: &[u8]) -> Vec<Option<HalfToco>> {
    halves.iter().map(|halves| HalfToco::new(*halves)).collect()
}

fn one_second() -> SampleBlock {
    SampleBlock {
        recording: RECORDING,
        sequence: 3,
        start: T,
        block_length_ms: 1000,
        fhr_rate: SampleRate::FOUR_HZ,
        toco_rate: SampleRate::FOUR_HZ,
        fhr_step_quarter_bpm: 1,
        fhr: vec![FhrChannel {
            rates: rates(&[560, 561, 0, 563]),
            quality: Some(vec![Quality::Good, Quality::Good, Quality::Poor, Quality::Fair]),
        }],
        mhr: Some(rates(&[328, 328, 328, 0])),
        toco: Some(toco(&[20, 20, 21, 255])),
    }
}

fn twins_short_last_block() -> SampleBlock {
    SampleBlock {
        sequence: 600,
        start: T.plus_seconds(1194),
        block_length_ms: 2000,
        fhr_rate: SampleRate::new(2).unwrap(),
        toco_rate: SampleRate::new(1).unwrap(),
        fhr_step_quarter_bpm: 4,
        fhr: vec![
            FhrChannel { rates: rates(&[540, 544]), quality: None },
            FhrChannel { rates: rates(&[0, 0]), quality: None },
        ],
        mhr: None,
        toco: Some(toco(&[254])),
        ..one_second()
    }
}

fn check_vector<T: PartialEq + std::fmt::Debug>(
    vector: &Vector,
    expect: &T,
    decode: fn(&[u8]) -> Result<T, DecodeError>,
    encode: fn(&T, Encoding) -> Vec<u8>,
) {
    let (json, cbor) = (vector.json.trim_end().as_bytes(), from_hex(vector.cbor_hex));
    assert_eq!(decode(json).as_ref(), Ok(expect));
    assert_eq!(decode(&cbor).as_ref(), Ok(expect));
    assert_eq!(String::from_utf8(encode(expect, Encoding::Json)).unwrap(), String::from_utf8_lossy(json));
    assert_eq!(encode(expect, Encoding::Cbor), cbor);
    assert_eq!((Encoding::of(json), Encoding::of(&cbor)), (Encoding::Json, Encoding::Cbor));
}

#[test]
fn vectors_of_samples() {
    check_vector(&vector!("samples-one-second"), &one_second(), decode_samples, encode_samples);
    check_vector(&vector!("samples-twins"), &twins_short_last_block(), decode_samples, encode_samples);
}

#[test]
fn vectors_of_events_and_status() {
    let event = |recording, sequence, kind| DeviceEvent { recording, sequence, at: T, kind };
    let started = event(Some(RECORDING), 41, DeviceEventKind::Start);
    check_vector(&vector!("event-start"), &started, decode_event, encode_event);
    let complaint = event(None, 42, DeviceEventKind::Complaint(Complaint::NoMovement));
    check_vector(&vector!("event-no-movement"), &complaint, decode_event, encode_event);
    let online = DeviceStatus { online: true, at: Some(T), battery_percent: Some(87), backlog_blocks: Some(90) };
    check_vector(&vector!("status-online"), &online, decode_status, encode_status);
    let gone = DeviceStatus { online: false, at: None, battery_percent: None, backlog_blocks: None };
    check_vector(&vector!("status-last-will"), &gone, decode_status, encode_status);
}

#[test]
fn vectors_of_control() {
    let until = T.plus_seconds(60);
    let stored = Control::Stored { recording: RECORDING, through: 3 };
    check_vector(&vector!("control-stored"), &stored, decode_control, encode_control);
    let refused = Control::Refused {
        recording: Some(RECORDING),
        sequence: Some(4),
        reason: BlockError::ChannelLength.to_string(),
    };
    check_vector(&vector!("control-refused"), &refused, decode_control, encode_control);
    check_vector(&vector!("control-start"), &Control::Start { until }, decode_control, encode_control);
    check_vector(
        &vector!("control-event-stored"),
        &Control::EventStored { sequence: 41 },
        decode_control,
        encode_control,
    );
    check_vector(&vector!("control-stop"), &Control::Stop { recording: RECORDING }, decode_control, encode_control);
    let message =
        Control::Message { code: Some("check_sensors".into()), text: "请检查探头位置。".into(), until };
    check_vector(&vector!("control-message"), &message, decode_control, encode_control);
}

#[test]
fn fields_of_later_versions_are_ignored() {
    let old = vector!("samples-one-second").json;
    let newer = old.replacen('{', r#"{"ecg":{"hz":500,"mv":[[1.5,null],{"a":[]}]},"#, 1);
    assert_eq!(decode_samples(newer.trim_end().as_bytes()), Ok(one_second()));
    let newer = newer.replace(r#""fhr":[{"#, r#""fhr":[{"probe":"us","#);
    assert_eq!(decode_samples(newer.trim_end().as_bytes()), Ok(one_second()));
    let mut cbor = from_hex(vector!("samples-one-second").cbor_hex);
    cbor[0] += 1;
    // "x": { "y": [1.5, h'00'] }
    cbor.extend(from_hex("61 78 a1 61 79 82 f9 3e00 41 00"));
    assert_eq!(decode_samples(&cbor), Ok(one_second()));
}

#[test]
fn indefinite_lengths_and_uuid_as_text_are_cbor_too() {
    let mut status = from_hex("bf 66 6f6e6c696e65 f5 ff");
    assert!(decode_status(&status).unwrap().online);
    status.push(0);
    assert!(decode_status(&status).unwrap_err().to_string().contains("bytes follow the map"));
    let text = RECORDING.to_string();
    let mut stop = from_hex("a2 62 646f 64 73746f70 63 726563 78 24");
    stop.extend(text.as_bytes());
    assert_eq!(decode_control(&stop), Ok(Control::Stop { recording: RECORDING }));
}

fn check_refused(from: &str, to: &str, expect: &str) {
    let json = vector!("samples-one-second").json;
    assert!(json.contains(from), "{from}");
    let error = decode_samples(json.trim_end().replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
    assert!(error.contains(expect), "{error}");
}

#[test]
fn refusals_say_what_is_wrong_and_what_to_do() {
    check_refused("561", "0", "1 to 1200 quarters of a bpm, or null for no signal (got 0)");
    check_refused("561", "1201", "(got 1201)");
    check_refused("561", "140.25", "floating point `140.25`");
    check_refused("21,", "255,", "toco must be 0 to 254 half units");
    check_refused("[2,2,0,1]", "[2,2,3,1]", "quality must be 0 (poor), 1 (fair) or 2 (good)");
    check_refused(r#""fhz":4"#, r#""fhz":3"#, "rate must be 1, 2, 4 or 8");
    check_refused("1795338903000000", "1795338903", "microseconds since 1970");
    check_refused("018f3a5c", "zz", "UUID");
    check_refused(r#""seq":3,"#, "", "missing field `seq`");
    check_refused(r#""seq":3,"#, r#""seq":3,"seq":3,"#, "duplicate field `seq`");
    check_refused(r#""seq":3"#, r#""seq":-1"#, "-1");
    check_refused(r#""len":1000"#, r#""len":1100"#, "whole number of samples");
    check_refused("[2,2,0,1]", "[2,2,0]", "channels must be non-empty");
    check_refused("null]}", "null]", "line 1 column");
}

#[test]
fn nothing_long_or_deep_is_taken() {
    assert_eq!(decode_samples(&[]), Err(DecodeError::Empty));
    assert_eq!(decode_samples(&[b'{'; PAYLOAD_MAX + 1]), Err(DecodeError::TooLong { length: PAYLOAD_MAX + 1 }));
    let many = format!("[{}]", vec!["560"; series::SAMPLES_MAX + 1].join(","));
    check_refused("[560,561,null,563]", &many, "more than 480");
    let fetuses = [r#"{"r":[560]}"#; 4].join(",");
    check_refused(r#""fhr":["#, &format!(r#""fhr":[{fetuses},"#), "more than 3");
    let deep = format!(r#"{{"x":{}"#, "[".repeat(60_000));
    assert!(decode_samples(deep.as_bytes()).is_err());
    let deep = [from_hex("a1 61 78"), vec![0x81; 60_000]].concat();
    assert!(decode_samples(&deep).unwrap_err().to_string().contains("nested too deeply"));
    // "fhr": an array that claims 2^32 - 1 entries.
    assert!(decode_samples(&from_hex("a1 63 666872 9a ffffffff")).unwrap_err().to_string().contains("too early"));
}

#[test]
fn events_and_status_out_of_range_are_told_so() {
    let error = decode_event(br#"{"seq":1,"t":5000000,"kind":"movement"}"#).unwrap_err().to_string();
    assert!(error.contains("between the years 2000 and 2100"), "{error}");
    let error = decode_event(br#"{"seq":1,"t":1795338903000000,"kind":"hiccup"}"#).unwrap_err().to_string();
    assert!(error.contains("kind must be one of start, stop, movement"), "{error}");
    let error = decode_event(br#"{"seq":1,"t":1795338903000000,"kind":"stop"}"#).unwrap_err().to_string();
    assert!(error.contains("rec must be given for start and stop"), "{error}");
    let error = decode_event(br#"{"seq":9007199254740992,"t":1795338903000000,"kind":"pain"}"#).unwrap_err();
    assert!(error.to_string().contains("0 to 2^53 - 1"), "{error}");
    let error = decode_status(br#"{"online":true,"bat":101}"#).unwrap_err().to_string();
    assert!(error.contains("0 to 100 percent"), "{error}");
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (1_000_000_000_000_000_i64..4_000_000_000_000_000).prop_map(Timestamp::from_micros)
}

fn any_rates(count: usize) -> impl Strategy<Value = Vec<Option<QuarterBpm>>> {
    prop::collection::vec(
        prop::option::of((1..=QuarterBpm::MAX).prop_map(|rate| QuarterBpm::new(rate).unwrap())),
        count,
    )
}

fn any_block() -> impl Strategy<Value = SampleBlock> {
    let quality = prop::sample::select(vec![Quality::Poor, Quality::Fair, Quality::Good]);
    (1_usize..=480, 1_usize..=3)
        .prop_flat_map(move |(count, fetuses)| {
            let quality = prop::option::of(prop::collection::vec(quality.clone(), count));
            let channel = (any_rates(count), quality).prop_map(|(rates, quality)| FhrChannel { rates, quality });
            let toco = prop::collection::vec(
                prop::option::of((0..=HalfToco::MAX).prop_map(|h| HalfToco::new(h).unwrap())),
                count,
            );
            (
                (any::<[u8; 16]>(), 0_u32..10_000, any_time(), 1_u8..=8),
                (prop::collection::vec(channel, fetuses), prop::option::of(any_rates(count)), prop::option::of(toco)),
            )
        })
        .prop_map(|((id, sequence, start, step), (fhr, mhr, toco))| SampleBlock {
            recording: RecordingId::from_bytes(id),
            sequence,
            start,
            block_length_ms: 60_000,
            fhr_rate: SampleRate::new(8).unwrap(),
            toco_rate: SampleRate::new(8).unwrap(),
            fhr_step_quarter_bpm: step,
            fhr,
            mhr,
            toco,
        })
}

proptest! {
    #[test]
    fn every_block_survives_both_encodings(block in any_block()) {
        for encoding in [Encoding::Cbor, Encoding::Json] {
            let payload = encode_samples(&block, encoding);
            prop_assert!(payload.len() <= PAYLOAD_MAX);
            prop_assert_eq!(Encoding::of(&payload), encoding);
            prop_assert_eq!(decode_samples(&payload), Ok(block.clone()));
        }
    }

    #[test]
    fn events_and_status_survive(
        (id, sequence, at) in (any::<[u8; 16]>(), 0_u64..1 << 53, any_time()),
        kind in prop::sample::select(DeviceEventKind::ALL),
        (online, battery_percent, backlog_blocks) in (any::<bool>(), prop::option::of(0_u8..=100), any::<Option<u32>>()),
    ) {
        let event = DeviceEvent { recording: Some(RecordingId::from_bytes(id)), sequence, at, kind };
        let status = DeviceStatus { online, at: Some(at), battery_percent, backlog_blocks };
        for encoding in [Encoding::Cbor, Encoding::Json] {
            prop_assert_eq!(decode_event(&encode_event(&event, encoding)), Ok(event.clone()));
            prop_assert_eq!(decode_status(&encode_status(&status, encoding)), Ok(status.clone()));
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = (decode_samples(&bytes), decode_event(&bytes), decode_status(&bytes), decode_control(&bytes));
    }

    #[test]
    fn no_damaged_packet_panics(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
        json in any::<bool>(),
    ) {
        let mut bytes = encode_samples(&one_second(), if json { Encoding::Json } else { Encoding::Cbor });
        *at.get_mut(&mut bytes) = byte;
        if let Ok(block) = decode_samples(&bytes) {
            prop_assert_eq!(block.check(), Ok(()));
        }
        prop_assert!(decode_samples(&bytes[..cut.index(bytes.len())]).is_err());
    }
}
