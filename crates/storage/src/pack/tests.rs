use ctg::{
    DeviceId, FETUSES_MAX, FetusIndex, FhrChannel, Finding, FindingKind, HalfToco, Interval, Measurement, Method,
    Quality, Quantity, QuarterBpm, Recording, RecordingId, SampleBlock, SampleRate, Stage, Timestamp,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Point, block, block_content, measurements, pack_measurements, pack_points, points, seal_block};

const START_US: i64 = 1_795_338_900_000_000;

fn sample_rate() -> impl Strategy<Value = SampleRate> {
    prop_oneof![Just(1), Just(2), Just(4), Just(8)].prop_map(|hz| SampleRate::new(hz).unwrap())
}

fn rates(count: usize) -> impl Strategy<Value = Vec<Option<QuarterBpm>>> {
    vec(prop_oneof![Just(0), 0..=QuarterBpm::MAX, 540..600_u16].prop_map(QuarterBpm::new), count)
}

fn channel(count: usize) -> impl Strategy<Value = FhrChannel> {
    let quality = prop_oneof![Just(Quality::Poor), Just(Quality::Fair), Just(Quality::Good)];
    (rates(count), proptest::option::of(vec(quality, count))).prop_map(|(rates, quality)| FhrChannel { rates, quality })
}

fn toco(count: usize) -> impl Strategy<Value = Vec<Option<HalfToco>>> {
    vec(any::<u8>().prop_map(HalfToco::new), count)
}

/// Any block that a device may send, full or short.
fn any_block() -> impl Strategy<Value = SampleBlock> {
    let frame = (sample_rate(), sample_rate(), 1..=20_u16, 1..=FETUSES_MAX, 0..100_000_u32, 1..=8_u8);
    frame.prop_flat_map(|(fhr_rate, toco_rate, seconds, fetuses, sequence, step)| {
        (1..=usize::from(seconds)).prop_flat_map(move |kept_s| {
            let (count, toco_count) = (kept_s * usize::from(fhr_rate.hz()), kept_s * usize::from(toco_rate.hz()));
            let options = (proptest::option::of(rates(count)), proptest::option::of(toco(toco_count)));
            (vec(channel(count), fetuses), options).prop_map(move |(fhr, (mhr, toco))| SampleBlock {
                recording: RecordingId::from_bytes([7; 16]),
                sequence,
                start: Timestamp::from_micros(START_US + i64::from(sequence) * i64::from(seconds) * 1_000_000),
                block_length_ms: seconds * 1000,
                fhr_rate,
                toco_rate,
                fhr_step_quarter_bpm: step,
                fhr,
                mhr,
                toco,
            })
        })
    })
}

fn recording_of(block: &SampleBlock) -> Recording {
    Recording::from_block("belt".parse::<DeviceId>().unwrap(), block, Timestamp::from_micros(START_US))
}

proptest! {
    #[test]
    fn a_block_comes_back_bit_by_bit(block_in in any_block(), received_us in any::<i64>()) {
        prop_assert_eq!(block_in.check(), Ok(()));
        let received = Timestamp::from_micros(received_us);
        let sealed = seal_block(block_content(&block_in), &block_in, received);
        prop_assert_eq!(block(&sealed, &recording_of(&block_in), block_in.start, received), Some(block_in));
    }

    #[test]
    fn a_changed_bit_is_found(block_in in any_block(), place in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let received = Timestamp::from_micros(START_US);
        let mut sealed = seal_block(block_content(&block_in), &block_in, received);
        let changed = place.index(sealed.len());
        sealed[changed] ^= 1 << bit;
        prop_assert_eq!(block(&sealed, &recording_of(&block_in), block_in.start, received), None);
    }

    #[test]
    fn a_block_under_another_key_is_found(block_in in any_block()) {
        let received = Timestamp::from_micros(START_US);
        let recording = recording_of(&block_in);
        let sealed = seal_block(block_content(&block_in), &block_in, received);
        let next = block_in.start.plus_micros(i64::from(block_in.block_length_ms) * 1000);
        prop_assert_eq!(block(&sealed, &recording, next, received), None);
        prop_assert_eq!(block(&sealed, &recording, block_in.start, received.plus_micros(1)), None);
        let other = Recording { id: RecordingId::from_bytes([8; 16]), ..recording };
        prop_assert_eq!(block(&sealed, &other, block_in.start, received), None);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..200), block_in in any_block()) {
        let received = Timestamp::from_micros(START_US);
        // With a right checksum, so that the reader behind it is reached.
        let sealed = seal_block(bytes, &block_in, received);
        let _ = block(&sealed, &recording_of(&block_in), block_in.start, received);
    }

    #[test]
    fn baseline_points_come_back_bit_by_bit(
        offsets_us in vec(0..60_000_000_i64, 0..80),
        bits in vec(proptest::option::of(any::<u32>()), 80),
    ) {
        let (recording, minute) = (RecordingId::from_bytes([7; 16]), Timestamp::from_micros(START_US));
        let points_in: Vec<Point> = offsets_us.iter().zip(&bits)
            .map(|(offset, bits)| Point { at: minute.plus_micros(*offset), baseline_bpm: bits.map(f32::from_bits) })
            .collect();
        let sealed = pack_points(&points_in, &recording, FetusIndex::FIRST, minute);
        let points_out = points(&sealed, &recording, FetusIndex::FIRST, minute).unwrap();
        let bits_of = |points: &[Point]| -> Vec<_> {
            points.iter().map(|point| (point.at, point.baseline_bpm.map(f32::to_bits))).collect()
        };
        prop_assert_eq!(bits_of(&points_out), bits_of(&points_in));
    }
}

#[test]
fn a_typical_second_is_small() {
    let block = SampleBlock {
        recording: RecordingId::from_bytes([7; 16]),
        sequence: 0,
        start: Timestamp::from_micros(START_US),
        block_length_ms: 1000,
        fhr_rate: SampleRate::FOUR_HZ,
        toco_rate: SampleRate::FOUR_HZ,
        fhr_step_quarter_bpm: 1,
        fhr: vec![FhrChannel { rates: vec![QuarterBpm::new(571), QuarterBpm::new(560), None, None], quality: None }],
        mhr: None,
        toco: Some(vec![HalfToco::new(20); 4]),
    };
    // Version, shape, four rates, four toco values, checksum.
    assert_eq!(seal_block(block_content(&block), &block, Timestamp::from_micros(0)).len(), 2 + 4 + 4 + 4);
}

#[test]
fn measurements_come_back_bit_by_bit_or_not_at_all() {
    let measurement = |quantity, value| Measurement { quantity, value };
    let finding = Finding {
        recording: RecordingId::from_bytes([7; 16]),
        number: 3,
        revision: 1,
        fetus: None,
        kind: FindingKind::Acceleration,
        stage: Stage::Final,
        interval: Interval { start: Timestamp::from_micros(0), end: Timestamp::from_micros(1) },
        ongoing: false,
        known_until: Timestamp::from_micros(1),
        method: Method { name: "test2026".into(), version: 1 },
        measurements: Quantity::ALL.iter().map(|quantity| measurement(*quantity, 0.1)).collect(),
    };
    let sealed = pack_measurements(&finding);
    assert_eq!(measurements(&sealed, &finding.recording, 3, 1).as_ref(), Some(&finding.measurements));
    assert_eq!(measurements(&sealed, &finding.recording, 3, 2), None);
    assert_eq!(measurements(&sealed[..sealed.len() - 1], &finding.recording, 3, 1), None);
    let not_a_number = Finding { measurements: vec![measurement(Quantity::Limit, f64::NAN)], ..finding };
    let back = measurements(&pack_measurements(&not_a_number), &not_a_number.recording, 3, 1).unwrap();
    assert_eq!(back[0].value.to_bits(), f64::NAN.to_bits());
}
