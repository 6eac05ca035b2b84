use alerting::{AlertState, LogKind, Person, Priority};
use ctg::{Complaint, Finding, SampleBlock, Stage};

use super::examples::{RECORDING, at, block, block_at, received, wrap};
use super::*;
use crate::policy_file;

mod restart;

const LOW_RATE: Condition = Condition::Signal(FindingKind::LowHeartRate);
const SILENCE: Condition = Condition::Signal(FindingKind::CommunicationLoss);

/// A ward, its time, and everything it wanted done.
struct Bench {
    ward: Ward,
    now: i64,
    changes: Vec<AlertChange>,
    other: Vec<Effect>,
    findings: Vec<Finding>,
}

impl Bench {
    fn started_at(now: i64) -> Self {
        let policy = Arc::new(policy_file::parse(policy_file::DEFAULT).unwrap());
        let ward = Ward::new(policy, Settings::published(), AlertIds::new([7; 8]), at(now));
        Self { ward, now, changes: Vec::new(), other: Vec::new(), findings: Vec::new() }
    }

    fn new() -> Self {
        Self::started_at(0)
    }

    fn note(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Change(decision) => self.changes.push(decision.change),
                Effect::Learned(_, analysis) => self.findings.extend(analysis.findings.iter().cloned()),
                Effect::Read { .. } | Effect::ReadHistory(_) | Effect::Panicked(_) => self.other.push(effect),
            }
        }
    }

    /// Lets time pass, waking the ward whenever it asks to be woken.
    fn wait_until(&mut self, until: i64) {
        while let Some(due) = self.ward.next_timeout().filter(|due| *due <= at(until)) {
            let effects = self.ward.handle_timeout(due);
            self.note(effects);
        }
        self.now = self.now.max(until);
    }

    fn push(&mut self, block: SampleBlock, arrived: i64) {
        self.wait_until(arrived);
        let effects = self.ward.handle_blocks([&wrap(block, arrived)], at(arrived));
        self.note(effects);
    }

    /// Blocks at one rate that arrive in time.
    fn push_live(&mut self, sequences: std::ops::Range<u32>, bpm: u16) {
        for sequence in sequences {
            self.push(block_at(sequence, bpm), i64::from(sequence) + 1);
        }
    }

    fn of(&self, condition: Condition) -> Vec<&AlertChange> {
        self.changes.iter().filter(|change| change.alert.key.condition == condition).collect()
    }

    fn kinds(&self, condition: Condition) -> Vec<LogKind> {
        self.of(condition).iter().map(|change| change.entry.kind).collect()
    }

    /// A person's answer, as a gateway would decide and tell it.
    fn act(&mut self, condition: Condition, event: impl Fn(&Alert) -> AlertEvent) -> Alert {
        let alert = self.of(condition).last().unwrap().alert.clone();
        let policy = policy_file::parse(policy_file::DEFAULT).unwrap();
        let change = alerting::decide(Some(&alert), &event(&alert), at(self.now), &policy).unwrap().unwrap();
        self.ward.handle_alert(&change.alert, at(self.now));
        self.changes.push(change.clone());
        change.alert
    }

    fn acknowledge_and_resolve(&mut self, condition: Condition) {
        let by = || Person("Lin".to_owned());
        self.act(condition, |alert| AlertEvent::Acknowledge { by: by(), version: alert.version });
        self.act(condition, |alert| AlertEvent::Resolve { by: by(), version: alert.version, note: None });
    }
}

fn event(kind: DeviceEventKind, sequence: u64, at_s: i64) -> DeviceEvent {
    DeviceEvent { recording: Some(RECORDING), sequence, at: at(at_s), kind }
}

fn device() -> DeviceId {
    "belt-1".parse().unwrap()
}

#[test]
fn a_low_rate_is_alarmed_after_its_time_and_becomes_high() {
    let mut bench = Bench::new();
    bench.push_live(0..60, 140);
    bench.push_live(60..300, 90);
    let alerts: Vec<(LogKind, Priority)> =
        bench.of(LOW_RATE).iter().map(|change| (change.entry.kind, change.alert.priority)).collect();
    assert_eq!(alerts.first(), Some(&(LogKind::Raised, Priority::Medium)));
    assert!(alerts.contains(&(LogKind::Worsened, Priority::High)), "{alerts:?}");
    let raised = &bench.of(LOW_RATE)[0].alert;
    let after_s = raised.raised.seconds_since(at(60));
    assert!((60.0..70.0).contains(&after_s), "raised after {after_s} s");
    assert!(!raised.late);
    assert_eq!(raised.evidence.limit, Some(100.0));
}

#[test]
fn the_end_of_a_low_rate_clears_but_never_closes() {
    let mut bench = Bench::new();
    bench.push_live(0..60, 140);
    bench.push_live(60..140, 90);
    bench.push_live(140..240, 140);
    let last = bench.of(LOW_RATE).last().copied().unwrap().clone();
    assert!(bench.kinds(LOW_RATE).contains(&LogKind::Cleared));
    assert!(last.alert.is_open() && !last.alert.is_present());
}

#[test]
fn an_alert_that_nobody_answers_is_escalated_from_memory() {
    let mut bench = Bench::new();
    bench.push_live(0..60, 140);
    bench.push_live(60..130, 70);
    bench.push_live(130..200, 140);
    let steps: Vec<u8> = bench.of(LOW_RATE).iter().map(|change| change.alert.step).collect();
    assert!(steps.contains(&1), "{steps:?}");
}

#[test]
fn silence_is_alarmed_by_the_clock_and_ends_with_a_live_block() {
    let mut bench = Bench::new();
    bench.push_live(0..30, 140);
    bench.wait_until(95);
    let raised: Vec<(LogKind, Priority, i64)> = bench
        .of(SILENCE)
        .iter()
        .filter(|change| change.entry.kind != LogKind::Escalated)
        .map(|change| (change.entry.kind, change.alert.priority, change.alert.changed.micros_since(at(30)) / 1_000_000))
        .collect();
    assert_eq!(raised, [(LogKind::Raised, Priority::Low, 10), (LogKind::Worsened, Priority::Medium, 60)]);
    assert!(bench.findings.iter().any(|finding| finding.kind == FindingKind::CommunicationLoss && finding.ongoing));

    bench.push_live(95..102, 140);
    assert_eq!(bench.kinds(SILENCE).last(), Some(&LogKind::Cleared));
    assert!(
        bench
            .findings
            .iter()
            .any(|finding| { finding.kind == FindingKind::CommunicationLoss && finding.stage == Stage::Final })
    );
}

#[test]
fn a_shown_silence_closes_by_itself_and_may_come_again() {
    let mut bench = Bench::new();
    bench.push_live(0..30, 140);
    bench.wait_until(41);
    bench.act(SILENCE, |alert| AlertEvent::Present { station: "ward-2".to_owned(), version: alert.version });
    bench.push_live(41..50, 140);
    assert_eq!(bench.kinds(SILENCE).last(), Some(&LogKind::Closed));
    bench.wait_until(61);
    assert_eq!(bench.kinds(SILENCE).last(), Some(&LogKind::Raised));
}

#[test]
fn a_backlog_does_not_end_the_silence() {
    let mut bench = Bench::new();
    bench.push_live(0..30, 140);
    bench.wait_until(89);
    for sequence in 30..60 {
        bench.push(block(sequence), 90);
    }
    bench.wait_until(99);
    assert_ne!(bench.kinds(SILENCE).last(), Some(&LogKind::Cleared));
    bench.push(block(99), 100);
    bench.wait_until(106);
    assert!(bench.kinds(SILENCE).contains(&LogKind::Cleared));
}

#[test]
fn a_stopped_recording_is_not_silent() {
    let mut bench = Bench::new();
    bench.push_live(0..30, 140);
    let effects = bench.ward.handle_event(&device(), &event(DeviceEventKind::Stop, 1, 30), at(31));
    bench.note(effects);
    bench.wait_until(4000);
    assert_eq!(bench.kinds(SILENCE), []);
    assert_eq!(bench.ward.recording_count(), 0);
}

#[test]
fn another_device_cannot_stop_a_recording() {
    let mut bench = Bench::new();
    bench.push_live(0..30, 140);
    let stranger: DeviceId = "belt-2".parse().unwrap();
    let effects = bench.ward.handle_event(&stranger, &event(DeviceEventKind::Stop, 1, 30), at(31));
    bench.note(effects);
    bench.wait_until(60);
    assert_eq!(bench.kinds(SILENCE).first(), Some(&LogKind::Raised));
}

#[test]
fn a_recording_that_the_device_left_for_a_new_one_is_over() {
    let mut bench = Bench::new();
    bench.push_live(0..30, 140);
    let mut second = block(0);
    second.recording = RecordingId::from_bytes([6; 16]);
    second.start = at(40);
    bench.push(second, 41);
    bench.wait_until(45);
    bench.wait_until(60);
    let silent: Vec<_> = bench.of(SILENCE).iter().filter_map(|change| change.alert.key.recording).collect();
    assert_eq!(silent.iter().filter(|id| **id == RECORDING).count(), 2, "raised at 40 s and cleared");
    assert_eq!(bench.of(SILENCE)[1].entry.kind, LogKind::Cleared);
}

#[test]
fn late_samples_never_raise_a_live_alert() {
    let mut bench = Bench::new();
    bench.push_live(0..60, 140);
    bench.wait_until(400);
    for sequence in 60..400 {
        let bpm = if (100..300).contains(&sequence) { 70 } else { 140 };
        bench.push(block_at(sequence, bpm), 401);
    }
    bench.push_live(401..420, 140);
    let raised: Vec<_> =
        bench.of(LOW_RATE).iter().filter(|change| change.entry.kind == LogKind::Raised).copied().collect();
    assert_eq!(raised.len(), 1, "one entry for what happened");
    assert!(raised[0].alert.late && raised[0].alert.priority == Priority::Low);
    assert!(bench.of(LOW_RATE).iter().all(|change| change.alert.late));
    assert_eq!(raised[0].alert.evidence.interval.start, at(100));
}

#[test]
fn a_low_rate_that_began_in_the_backlog_and_lasts_becomes_live() {
    let mut bench = Bench::new();
    bench.push_live(0..60, 140);
    bench.wait_until(200);
    for sequence in 60..200 {
        bench.push(block_at(sequence, if sequence < 100 { 140 } else { 70 }), 201);
    }
    bench.push_live(200..230, 70);
    let last = &bench.of(LOW_RATE).last().copied().unwrap().alert;
    assert!(!last.late && last.priority == Priority::High);
}

#[test]
fn a_hole_is_asked_for_after_the_reorder_time() {
    let mut bench = Bench::new();
    bench.push_live(0..10, 140);
    bench.push_live(12..13, 140);
    bench.wait_until(14);
    assert_eq!(bench.other, []);
    bench.wait_until(15);
    assert_eq!(bench.other, [Effect::Read { recording: RECORDING, from: 10, to: 11 }]);
}

#[test]
fn a_block_that_comes_too_late_for_the_analysis_makes_it_read_the_past_once() {
    let mut bench = Bench::new();
    bench.push_live(0..10, 140);
    bench.push_live(20..50, 140);
    bench.other.clear();
    for sequence in 10..20 {
        bench.push(block(sequence), 50);
    }
    bench.wait_until(70);
    assert_eq!(bench.other, [Effect::ReadHistory(RECORDING)]);
}

#[test]
fn a_complaint_is_alarmed_once_however_often_it_is_heard() {
    let mut bench = Bench::new();
    let bleeding = event(DeviceEventKind::Complaint(Complaint::Bleeding), 4, 10);
    for _ in 0..3 {
        let effects = bench.ward.handle_event(&device(), &bleeding, at(11));
        bench.note(effects);
    }
    let effects = bench.ward.handle_stored_events(&[(device(), bleeding)], at(20));
    bench.note(effects);
    assert_eq!(bench.kinds(Condition::Complaint(Complaint::Bleeding)), [LogKind::Raised]);
    assert_eq!(bench.changes[0].alert.priority, Priority::High);
}

#[test]
fn what_was_answered_is_alarmed_again_when_it_lasts_beyond_the_recheck() {
    let mut bench = Bench::new();
    bench.push_live(0..60, 140);
    bench.push_live(60..250, 90);
    bench.acknowledge_and_resolve(LOW_RATE);
    bench.push_live(250..540, 90);
    assert_eq!(bench.kinds(LOW_RATE).last(), Some(&LogKind::Resolved), "quiet for 300 s");
    bench.push_live(540..560, 90);
    assert!(bench.kinds(LOW_RATE).iter().filter(|kind| **kind == LogKind::Raised).count() == 2);
}

#[test]
fn what_was_answered_and_ends_stays_quiet() {
    let mut bench = Bench::new();
    bench.push_live(0..60, 140);
    bench.push_live(60..250, 90);
    bench.acknowledge_and_resolve(LOW_RATE);
    bench.push_live(250..700, 140);
    assert_eq!(bench.kinds(LOW_RATE).last(), Some(&LogKind::Resolved));
}

#[test]
fn what_came_again_after_the_answer_is_told_as_past_when_it_is_over() {
    let mut bench = Bench::new();
    bench.push_live(0..60, 140);
    bench.push_live(60..250, 90);
    bench.acknowledge_and_resolve(LOW_RATE);
    bench.push_live(250..300, 140);
    bench.push_live(300..380, 90);
    bench.push_live(380..560, 140);
    let kinds = bench.kinds(LOW_RATE);
    assert_eq!(kinds[kinds.len() - 3..], [LogKind::Resolved, LogKind::Raised, LogKind::Cleared]);
}

#[test]
fn silence_that_was_answered_and_lasts_is_alarmed_again() {
    let mut bench = Bench::new();
    bench.push_live(0..30, 140);
    bench.wait_until(95);
    bench.acknowledge_and_resolve(SILENCE);
    bench.wait_until(94 + 900);
    assert_eq!(bench.kinds(SILENCE).last(), Some(&LogKind::Resolved));
    bench.wait_until(95 + 901);
    assert!(bench.kinds(SILENCE).iter().filter(|kind| **kind == LogKind::Raised).count() == 2);
}

#[test]
fn an_unreachable_store_is_itself_an_alert() {
    let mut bench = Bench::new();
    let effects = bench.ward.handle_store(false, at(10));
    bench.note(effects);
    bench.wait_until(14);
    assert_eq!(bench.kinds(Condition::NotRecorded), []);
    bench.wait_until(15);
    assert_eq!(bench.kinds(Condition::NotRecorded), [LogKind::Raised]);
    let effects = bench.ward.handle_store(true, at(20));
    bench.note(effects);
    assert_eq!(bench.kinds(Condition::NotRecorded).last(), Some(&LogKind::Cleared));
}

#[test]
fn a_store_that_goes_away_again_is_alarmed_again() {
    let mut bench = Bench::new();
    for start in [10, 40] {
        let effects = bench.ward.handle_store(false, at(start));
        bench.note(effects);
        bench.wait_until(start + 8);
        let effects = bench.ward.handle_store(true, at(start + 10));
        bench.note(effects);
    }
    let kinds = bench.kinds(Condition::NotRecorded);
    assert!(kinds.contains(&LogKind::Repeated), "{kinds:?}");
    assert_eq!(kinds.last(), Some(&LogKind::Cleared));
}

#[test]
fn a_short_absence_of_the_store_is_none() {
    let mut bench = Bench::new();
    let mut effects = bench.ward.handle_store(false, at(10));
    effects.extend(bench.ward.handle_store(true, at(12)));
    bench.note(effects);
    bench.wait_until(60);
    assert_eq!(bench.changes, []);
}

#[test]
fn whoever_was_second_decides_anew() {
    let mut bench = Bench::new();
    bench.push_live(0..60, 140);
    bench.push_live(60..130, 90);
    let mine = bench.of(LOW_RATE)[0].clone();
    let theirs = Alert { id: alerting::AlertId([1; 16]), state: AlertState::Presented, ..mine.alert.clone() };
    let raise = alerting::Raise {
        key: mine.alert.key.clone(),
        priority: mine.alert.priority,
        late: false,
        evidence: mine.alert.evidence.clone(),
    };
    let id = mine.alert.id;
    let decision = Decision { event: AlertEvent::Raise { raise, id }, change: mine };
    let effects = bench.ward.handle_conflict(decision, Some(&theirs), at(131));
    assert_eq!(effects, [], "theirs says it all");
    bench.changes.clear();
    bench.push_live(130..260, 90);
    assert!(bench.of(LOW_RATE).iter().all(|change| change.alert.id == theirs.id));
}

#[test]
fn a_panic_is_held_to_its_recording() {
    let mut bench = Bench::new();
    bench.push_live(0..30, 140);
    let bed = bench.ward.beds.get_mut(&RECORDING).unwrap();
    let outcome = bed.guarded(|_| panic!("as a test wants"));
    bench.ward.learn(RECORDING, outcome, false, at(30));
    let effects = bench.ward.take_effects();
    assert_eq!(effects[0], Effect::Panicked(RECORDING));
    bench.note(effects);
    assert_eq!(bench.kinds(Condition::NotAnalyzed), [LogKind::Raised]);
    bench.push_live(30..70, 140);
    bench.wait_until(70);
    assert!(bench.other.contains(&Effect::ReadHistory(RECORDING)), "{:?}", bench.other);
    bench.wait_until(85);
    assert_eq!(bench.kinds(SILENCE), [LogKind::Raised], "silence is watched without an analysis");

    let blocks = (0..70).map(|sequence| received(sequence, i64::from(sequence) + 1).as_ref().clone()).collect();
    let history = History { blocks, findings: Vec::new(), baseline_until: None, stopped: false };
    let effects = bench.ward.handle_history(RECORDING, &history, at(86));
    bench.note(effects);
    assert_eq!(bench.kinds(Condition::NotAnalyzed).last(), Some(&LogKind::Cleared));
}

#[test]
fn a_stranger_cannot_add_to_a_recording() {
    let mut bench = Bench::new();
    bench.push_live(0..10, 140);
    let mut foreign = received(10, 11).as_ref().clone();
    foreign.device = "belt-2".parse().unwrap();
    let effects = bench.ward.handle_blocks([&Arc::new(foreign)], at(11));
    bench.note(effects);
    bench.wait_until(21);
    assert_eq!(bench.kinds(SILENCE), [LogKind::Raised]);
}
