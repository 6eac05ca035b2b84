//! What a new process makes of what the store knows.

use super::*;

/// Samples as the store has them.
fn history(sequences: std::ops::Range<u32>, bpm: impl Fn(u32) -> u16) -> History {
    let blocks =
        sequences.map(|sequence| wrap(block_at(sequence, bpm(sequence)), i64::from(sequence) + 1).as_ref().clone());
    History { blocks: blocks.collect(), findings: Vec::new(), baseline_until: None, stopped: false }
}

fn progress(history: &History, stopped: Option<i64>) -> RecordingProgress {
    let first = &history.blocks[0];
    let last = &history.blocks[history.blocks.len() - 1];
    RecordingProgress {
        recording: Recording::from_block(first.device.clone(), &first.block, first.received),
        stored_through: Some(last.block.sequence),
        last_sample: Some(last.block.end()),
        stopped: stopped.map(at),
    }
}

/// A process that starts `now` and takes up a recording from the store.
fn restarted(history: &History, known: &[Alert], stopped: Option<i64>, now: i64) -> Bench {
    let mut bench = Bench::started_at(now);
    bench.ward.handle_alerts(known, at(now));
    let effects = bench.ward.handle_recordings(&[progress(history, stopped)], true, at(now));
    assert_eq!(effects, [Effect::ReadHistory(RECORDING)]);
    let effects = bench.ward.handle_history(RECORDING, history, at(now));
    bench.note(effects);
    bench
}

/// Findings and alerts that the first process left in the store.
fn first_life(until: u32, bpm: impl Fn(u32) -> u16) -> Bench {
    let mut bench = Bench::new();
    for sequence in 0..until {
        bench.push(block_at(sequence, bpm(sequence)), i64::from(sequence) + 1);
    }
    bench
}

fn newest(findings: &[Finding]) -> Vec<Finding> {
    let by_number: BTreeMap<u32, Finding> = findings.iter().map(|finding| (finding.number, finding.clone())).collect();
    by_number.into_values().collect()
}

fn low_from_60(sequence: u32) -> u16 {
    if sequence < 60 { 140 } else { 90 }
}

#[test]
fn an_open_alert_goes_on_and_nothing_is_raised_twice() {
    let before = first_life(150, low_from_60);
    let open = before.of(LOW_RATE).last().unwrap().alert.clone();
    let mut stored = history(0..150, low_from_60);
    stored.findings = newest(&before.findings);
    let mut after = restarted(&stored, std::slice::from_ref(&open), None, 155);
    assert_eq!(after.kinds(LOW_RATE), []);
    after.push_live(155..260, 90);
    let worse = after.of(LOW_RATE).iter().find(|change| change.entry.kind == LogKind::Worsened).copied().unwrap();
    assert_eq!((worse.alert.id, worse.alert.priority), (open.id, Priority::High));
}

#[test]
fn revisions_go_on_where_the_store_ends() {
    let before = first_life(150, low_from_60);
    let mut stored = history(0..150, low_from_60);
    stored.findings = newest(&before.findings);
    let mut after = restarted(&stored, &[], None, 151);
    after.push_live(150..200, 90);
    let mut seen: BTreeSet<(u32, u16)> =
        before.findings.iter().map(|finding| (finding.number, finding.revision)).collect();
    for finding in &after.findings {
        assert!(seen.insert((finding.number, finding.revision)), "{} {}", finding.number, finding.revision);
    }
}

#[test]
fn what_happened_while_nobody_watched_is_told_as_past() {
    let stored = history(0..600, |sequence| if (100..300).contains(&sequence) { 90 } else { 140 });
    let bench = restarted(&stored, &[], None, 601);
    let raised = bench.of(LOW_RATE);
    assert_eq!(raised.len(), 1);
    assert!(raised[0].alert.late);
}

#[test]
fn what_goes_on_is_told_as_present() {
    let stored = history(0..300, low_from_60);
    let bench = restarted(&stored, &[], None, 302);
    let raised = bench.of(LOW_RATE);
    assert_eq!((raised.len(), raised[0].alert.late, raised[0].alert.priority), (1, false, Priority::High));
}

#[test]
fn what_people_answered_for_is_not_raised_again() {
    let mut before = first_life(250, |sequence| if (60..200).contains(&sequence) { 90 } else { 140 });
    before.acknowledge_and_resolve(LOW_RATE);
    let closed = before.changes.last().unwrap().alert.clone();
    let stored = history(0..260, |sequence| if (60..200).contains(&sequence) { 90 } else { 140 });
    let bench = restarted(&stored, &[closed], None, 262);
    assert_eq!(bench.kinds(LOW_RATE), []);
}

#[test]
fn a_condition_that_ended_while_nobody_watched_is_cleared() {
    let before = first_life(150, low_from_60);
    let open = before.of(LOW_RATE).last().unwrap().alert.clone();
    let stored = history(0..400, |sequence| if (60..200).contains(&sequence) { 90 } else { 140 });
    let mut bench = restarted(&stored, &[open], None, 402);
    bench.wait_until(404);
    assert_eq!(bench.kinds(LOW_RATE).last(), Some(&LogKind::Cleared));
}

#[test]
fn what_an_earlier_process_left_standing_is_cleared() {
    let mut before = Bench::new();
    let effects = before.ward.handle_store(false, at(10));
    before.note(effects);
    before.push_live(0..30, 140);
    before.wait_until(45);
    let standing: Vec<Alert> =
        [Condition::NotRecorded, SILENCE].map(|condition| before.of(condition).last().unwrap().alert.clone()).into();
    let mut bench = Bench::started_at(100);
    bench.ward.handle_alerts(&standing, at(100));
    let effects = bench.ward.handle_over(&BTreeSet::from([RECORDING]), at(100));
    bench.note(effects);
    assert_eq!(bench.kinds(Condition::NotRecorded), [LogKind::Cleared]);
    assert_eq!(bench.kinds(SILENCE), [LogKind::Cleared]);
}

#[test]
fn a_device_that_stays_away_after_a_start_is_silent_and_one_long_gone_is_not_alarmed_anew() {
    let stored = history(0..60, |_| 140);
    let mut soon = restarted(&stored, &[], None, 100);
    soon.wait_until(109);
    assert_eq!(soon.kinds(SILENCE), []);
    soon.wait_until(110);
    assert_eq!(soon.kinds(SILENCE), [LogKind::Raised]);
    assert_eq!(soon.changes[0].alert.priority, Priority::Low);

    let mut long_gone = restarted(&stored, &[], None, 400);
    long_gone.wait_until(1000);
    assert_eq!(long_gone.kinds(SILENCE), []);
    long_gone.push_live(1000..1001, 140);
    long_gone.wait_until(1012);
    assert_eq!(long_gone.kinds(SILENCE), [LogKind::Raised]);
}

#[test]
fn a_stopped_recording_is_looked_through_and_left() {
    let stored = history(0..300, |sequence| if (100..200).contains(&sequence) { 70 } else { 140 });
    let mut bench = restarted(&stored, &[], Some(300), 400);
    assert!(bench.of(LOW_RATE)[0].alert.late);
    bench.wait_until(2400);
    assert_eq!(bench.kinds(SILENCE), []);
    assert_eq!(bench.ward.recording_count(), 0);
}

#[test]
fn live_blocks_that_come_while_the_past_is_read_are_not_lost() {
    let stored = history(0..250, low_from_60);
    let mut bench = Bench::started_at(250);
    let effects = bench.ward.handle_recordings(&[progress(&stored, None)], true, at(250));
    assert_eq!(effects, [Effect::ReadHistory(RECORDING)]);
    bench.push_live(250..255, 90);
    assert_eq!(bench.findings, [], "the analysis waits for the past");
    let effects = bench.ward.handle_history(RECORDING, &stored, at(255));
    bench.note(effects);
    let low = bench.findings.iter().rfind(|finding| finding.kind == FindingKind::LowHeartRate).unwrap();
    assert!(low.interval.end > at(250));
    assert_eq!(bench.of(LOW_RATE).len(), 1);
}

#[test]
fn without_a_store_the_analysis_begins_with_what_comes() {
    let stored = history(0..60, |_| 140);
    let mut bench = Bench::started_at(60);
    bench.note(Vec::new());
    let _ = bench.ward.handle_recordings(&[progress(&stored, None)], true, at(60));
    bench.push_live(60..70, 70);
    let effects = bench.ward.handle_history_failed(RECORDING, at(70));
    bench.note(effects);
    bench.push_live(70..130, 70);
    assert!(bench.of(LOW_RATE).iter().any(|change| change.alert.priority == Priority::High));
    assert!(bench.other.contains(&Effect::ReadHistory(RECORDING)), "tried again");
}

#[test]
fn news_that_was_missed_is_read_from_the_store() {
    let mut bench = Bench::new();
    bench.push_live(0..30, 140);
    let ahead = RecordingProgress { last_sample: Some(at(60)), ..progress(&history(0..60, |_| 140), None) };
    let effects = bench.ward.handle_recordings(&[ahead], false, at(60));
    assert_eq!(effects, [Effect::Read { recording: RECORDING, from: 30, to: u32::MAX }]);
}
