use alerting::{AlertKey, AlertState, Condition, Evidence, Priority};
use ctg::{DeviceStatus, FetusIndex, FhrChannel, Interval, QuarterBpm, SampleBlock, SampleRate, Stage};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_795_338_900_000_000).plus_seconds(seconds)
}

fn recording(number: u8) -> RecordingId {
    RecordingId::from_bytes([number; 16])
}

fn block(number: u8, sequence: u32, delay_s: i64) -> Arc<ReceivedBlock> {
    let block = SampleBlock {
        recording: recording(number),
        sequence,
        start: at(i64::from(sequence)),
        block_length_ms: 1000,
        fhr_rate: SampleRate::FOUR_HZ,
        toco_rate: SampleRate::FOUR_HZ,
        fhr_step_quarter_bpm: 1,
        fhr: vec![FhrChannel { rates: vec![QuarterBpm::new(560); 4], quality: None }],
        mhr: None,
        toco: None,
    };
    let device = format!("belt-{number:02}").parse().unwrap();
    Arc::new(ReceivedBlock { device, received: block.end().plus_seconds(delay_s), block })
}

fn news(blocks: &[(u8, u32)]) -> News {
    News::Blocks(blocks.iter().map(|(number, sequence)| block(*number, *sequence, 0)).collect())
}

fn alert(version: u32, state: AlertState) -> Alert {
    Alert {
        id: AlertId([9; 16]),
        key: AlertKey {
            device: Some("belt-01".parse().unwrap()),
            recording: Some(recording(1)),
            fetus: Some(FetusIndex::FIRST),
            condition: Condition::NotRecorded,
        },
        priority: Priority::High,
        state,
        step: 0,
        generation: 1,
        version,
        cleared: None,
        late: false,
        episodes: 1,
        raised: at(0),
        changed: at(0),
        deadline: Some(at(60)),
        owner: None,
        evidence: Evidence {
            policy: "test".to_owned(),
            policy_version: 1,
            method: None,
            finding: None,
            interval: Interval { start: at(0), end: at(1) },
            value: None,
            limit: None,
        },
    }
}

fn sequences(board: &mut Board, viewer: ViewerId) -> Vec<(u32, u32)> {
    let outgoing = board.viewer(viewer).unwrap().take();
    outgoing.frames.iter().map(|frame| (frame.index, frame.sequence)).collect()
}

fn texts(board: &mut Board, viewer: ViewerId, kind: &str) -> Vec<String> {
    let outgoing = board.viewer(viewer).unwrap().take();
    let kind = format!("\"type\":\"{kind}\"");
    outgoing.texts.iter().filter(|text| text.contains(&kind)).map(|text| text.to_string()).collect()
}

#[test]
fn a_viewer_who_comes_after_the_news_and_before_the_store_still_gets_the_block() {
    let mut board = Board::new(10);
    board.handle_news(&news(&[(1, 0), (2, 5)]), at(6));
    let viewer = board.join(&[]);
    board.handle_news(&news(&[(1, 1), (1, 1)]), at(7));
    assert_eq!(sequences(&mut board, viewer), [(0, 0), (1, 5), (0, 1)]);
}

#[test]
fn a_viewer_who_comes_back_gets_only_what_it_lacks() {
    let mut board = Board::new(10);
    board.handle_news(&news(&[(1, 0), (1, 1), (1, 2)]), at(3));
    let viewer = board.join(&[Held { recording: recording(1), ranges: vec![(0, 0), (2, 7)] }]);
    assert_eq!(sequences(&mut board, viewer), [(0, 1)]);
}

#[test]
fn a_recording_is_announced_once_and_before_its_frames() {
    let mut board = Board::new(10);
    let viewer = board.join(&[]);
    board.handle_news(&news(&[(1, 0), (1, 1)]), at(2));
    let announced = texts(&mut board, viewer, "recording");
    assert_eq!(announced.len(), 1);
    assert!(announced[0].contains("\"device\":\"belt-01\""));
}

#[test]
fn late_blocks_are_marked_by_their_delay() {
    for (delay_s, late) in [(10, 0), (11, 1)] {
        assert_eq!(frame(0, &block(1, 0, delay_s), 10).bytes[24] & 1, late, "{delay_s}");
    }
}

#[test]
fn an_alert_is_told_once_per_version_and_again_when_it_is_recorded() {
    let mut board = Board::new(10);
    let viewer = board.join(&[]);
    board.handle_alert(&alert(1, AlertState::Raised), false);
    board.handle_alert(&alert(1, AlertState::Raised), false);
    board.handle_alert(&alert(1, AlertState::Raised), true);
    board.handle_alert(&alert(2, AlertState::Presented), true);
    board.handle_alert(&alert(1, AlertState::Raised), true);
    assert_eq!(texts(&mut board, viewer, "alert").len(), 3);
}

#[test]
fn alerts_that_vanished_from_the_store_are_named_unless_never_recorded() {
    let mut board = Board::new(10);
    board.handle_alert(&alert(1, AlertState::Raised), false);
    assert!(board.handle_open_alerts(&[]).is_empty());
    assert!(board.handle_open_alerts(&[alert(1, AlertState::Raised)]).is_empty());
    assert_eq!(board.handle_open_alerts(&[]), [AlertId([9; 16])]);
    board.handle_alert(&alert(2, AlertState::Resolved), true);
    let viewer = board.join(&[]);
    assert_eq!(texts(&mut board, viewer, "alerts"), ["{\"alerts\":[],\"type\":\"alerts\"}"]);
}

#[test]
fn lost_news_means_that_every_viewer_must_catch_up() {
    let mut board = Board::new(10);
    let viewer = board.join(&[]);
    board.handle_missed(3);
    assert_eq!(board.viewer(viewer).unwrap().take().dropped, 3);
}

#[test]
fn figures_and_states_reach_viewers_who_come_later() {
    let mut board = Board::new(10);
    let device: DeviceId = "belt-01".parse().unwrap();
    let status = DeviceStatus { online: true, at: None, battery_percent: None, backlog_blocks: None };
    board.handle_news(&News::Status(device, Arc::new(status)), at(0));
    let viewer = board.join(&[]);
    assert_eq!(texts(&mut board, viewer, "status").len(), 1);
    board.refresh(viewer);
    assert_eq!(texts(&mut board, viewer, "status").len(), 1);
}

#[test]
fn silent_recordings_are_forgotten() {
    let mut board = Board::new(10);
    board.handle_news(&news(&[(1, 0)]), at(0));
    board.handle_timeout(at(IDLE_MAX_S));
    assert_eq!(board.index(recording(1)), Some(0));
    board.handle_timeout(at(IDLE_MAX_S + 1));
    assert_eq!(board.index(recording(1)), None);
}

#[test]
fn baseline_points_are_told_in_stretches() {
    let point = |second: i64, stage| BaselinePoint {
        fetus: FetusIndex::FIRST,
        at: at(second),
        baseline_bpm: Some(140.0),
        stage,
    };
    let points = [point(0, Stage::Final), point(1, Stage::Final), point(3, Stage::Final), point(4, Stage::Provisional)];
    let texts = baseline_texts(0, &points);
    assert_eq!(texts.len(), 3);
    assert!(texts[0].contains("[140.0,140.0]"), "{}", texts[0]);
}
