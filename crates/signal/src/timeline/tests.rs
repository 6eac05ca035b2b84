use ctg::{RecordingId, Timestamp};

use super::*;

const START: Timestamp = Timestamp::from_micros(1_795_338_900_000_000);

/// A block at `hz` whose samples hold these quarters of a bpm, 0 for loss.
fn block(hz: u8, block_length_ms: u16, sequence: u32, quarters: &[u16]) -> SampleBlock {
    SampleBlock {
        recording: RecordingId::from_bytes([7; 16]),
        sequence,
        start: START.plus_micros(i64::from(sequence) * i64::from(block_length_ms) * 1000),
        block_length_ms,
        fhr_rate: SampleRate::new(hz).unwrap(),
        toco_rate: SampleRate::new(hz).unwrap(),
        fhr_step_quarter_bpm: 1,
        fhr: vec![FhrChannel { rates: quarters.iter().map(|value| QuarterBpm::new(*value)).collect(), quality: None }],
        mhr: None,
        toco: None,
    }
}

fn timeline(block: &SampleBlock) -> Timeline {
    Timeline::new(&Recording::from_block("belt-07".parse().unwrap(), block, START))
}

/// The seconds given out as `index:quarters`, 0 for loss, `|` for a break.
fn text(pieces: &[Piece]) -> String {
    let rates = |second: &Second| second.fhr[0].map(|rate| rate.map_or(0, QuarterBpm::quarters).to_string()).join(",");
    let piece = |piece: &Piece| match piece {
        Piece::Second(second) => format!("{}:{}", second.index, rates(second)),
        Piece::Break => "|".to_owned(),
    };
    pieces.iter().map(piece).collect::<Vec<_>>().join(" ")
}

fn check(blocks: &[SampleBlock], expect: &str) {
    let mut timeline = timeline(&blocks[0]);
    let mut pieces: Vec<Piece> = blocks.iter().flat_map(|block| timeline.push(block)).collect();
    pieces.extend(timeline.finish());
    assert_eq!(text(&pieces), expect);
}

#[test]
fn every_native_rate_lands_on_the_grid() {
    check(&[block(4, 1000, 0, &[1, 2, 3, 4])], "0:1,2,3,4");
    check(&[block(1, 2000, 0, &[500, 600])], "0:500,500,500,500 1:600,600,600,600");
    check(&[block(2, 1000, 0, &[500, 600])], "0:500,500,600,600");
    check(&[block(8, 1000, 0, &[500, 502, 600, 0, 0, 700, 0, 0])], "0:501,600,700,0");
}

#[test]
fn a_tick_may_be_made_of_two_blocks() {
    let blocks =
        [block(8, 375, 0, &[400, 402, 500]), block(8, 375, 1, &[502, 600, 602]), block(8, 375, 2, &[700, 702, 800])];
    check(&blocks, "0:401,501,601,701 1:800,0,0,0");
}

#[test]
fn order_and_repeats_do_not_matter() {
    let one = |sequence: u32| block(4, 1000, sequence, &[sequence as u16 + 400; 4]);
    let expect = "0:400,400,400,400 1:401,401,401,401 2:402,402,402,402";
    check(&[one(0), one(1), one(2)], expect);
    check(&[one(2), one(0), one(1)], expect);
    check(&[one(1), one(1), one(0), one(0), one(2), one(1)], expect);
}

#[test]
fn a_missing_block_is_waited_for_and_then_a_gap() {
    let one = |sequence: u32| block(4, 1000, sequence, &[400; 4]);
    let mut timeline = timeline(&one(0));
    timeline.push(&one(0));
    for sequence in 2..11 {
        assert_eq!(timeline.push(&one(sequence)), [], "waits at {sequence}");
    }
    let given_up = timeline.push(&one(11));
    assert_eq!(given_up.len(), 11);
    assert!(text(&given_up).starts_with("1:0,0,0,0 2:400,400,400,400 "));
    assert_eq!(timeline.push(&one(1)), []);
    assert_eq!(timeline.late_blocks(), 1);
}

#[test]
fn long_blocks_may_be_swapped_too() {
    let one = |sequence: u32| block(1, 60_000, sequence, &[sequence as u16 + 400; 60]);
    let mut timeline = timeline(&one(0));
    assert_eq!(timeline.push(&one(1)), []);
    assert_eq!(timeline.push(&one(0)).len(), 120);
}

#[test]
fn a_recording_may_be_joined_in_its_middle() {
    let mut timeline = timeline(&block(4, 1000, 0, &[400; 4]));
    assert_eq!(text(&timeline.push(&block(4, 1000, 5000, &[401; 4]))), "5000:401,401,401,401");
    assert_eq!(text(&timeline.push(&block(4, 1000, 5001, &[402; 4]))), "5001:402,402,402,402");
}

#[test]
fn a_gap_beyond_every_window_starts_anew() {
    let mut timeline = timeline(&block(4, 1000, 0, &[400; 4]));
    timeline.push(&block(4, 1000, 0, &[400; 4]));
    let next = GAP_MAX_S + 2;
    assert_eq!(text(&timeline.push(&block(4, 1000, next, &[401; 4]))), format!("| {next}:401,401,401,401"));
    let after = 2 * GAP_MAX_S + 3;
    assert_eq!(timeline.push(&block(4, 1000, after, &[401; 4])).len(), GAP_MAX_S as usize + 1);
}

#[test]
fn what_the_device_calls_poor_is_lost() {
    let mut poor = block(4, 1000, 0, &[400; 4]);
    poor.fhr[0].quality = Some(vec![Quality::Good, Quality::Poor, Quality::Fair, Quality::Poor]);
    check(&[poor], "0:400,0,400,0");
}

#[test]
fn a_short_block_leaves_a_gap_before_the_next() {
    check(
        &[block(4, 3000, 0, &[400; 4]), block(4, 3000, 1, &[401; 4])],
        "0:400,400,400,400 1:0,0,0,0 2:0,0,0,0 3:401,401,401,401",
    );
}

#[test]
fn blocks_of_another_recording_or_shape_change_nothing() {
    let first = block(4, 1000, 0, &[400; 4]);
    let mut timeline = timeline(&first);
    let mut other = first.clone();
    other.recording = RecordingId::from_bytes([8; 16]);
    assert_eq!(timeline.push(&other), []);
    assert_eq!(timeline.push(&block(2, 1000, 0, &[400; 2])), []);
    assert_eq!(timeline.push(&block(4, 2000, 0, &[400; 8])), []);
    let moved = SampleBlock { start: START.plus_seconds(5), ..first.clone() };
    assert_eq!(timeline.push(&moved), []);
    let far = RECORDING_MAX_S;
    assert_eq!(timeline.push(&block(4, 1000, far, &[400; 4])), []);
    assert_eq!(timeline.push(&first).len(), 1);
}
