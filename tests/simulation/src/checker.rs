//! What must never happen, watched from outside with knowledge of what was true.

use std::collections::{BTreeMap, BTreeSet};

use alerting::{Alert, AlertChange, AlertKey, AlertState, Condition, LogEntry, LogKind, Person, Priority};
use ctg::{FindingKind, Interval, RecordingId, Timestamp};

use crate::device::{Device, Episode};
use crate::store::SimStore;

/// The service's clock may be this far from the true time, s.
const CLOCK_SLACK_S: i64 = 6;

const LOW_RATE: Condition = Condition::Signal(FindingKind::LowHeartRate);
const SILENCE: Condition = Condition::Signal(FindingKind::CommunicationLoss);

/// An escalation may come this long after its deadline, s: a look every second, the save, a jump of the clock.
const ESCALATION_SLACK_S: i64 = 10;
/// Silence is alarmed after 10 s; beyond it the save and a jump of the clock.
const SILENCE_SLACK_S: i64 = 25;
/// A store that is down is alarmed after 5 s.
const NOT_RECORDED_SLACK_S: i64 = 9;
/// A low rate is alarmed after 60 s of it, said every 5 s, and up to 12 s later if a block was lost on the way.
const LOW_RATE_SLACK_S: u32 = 85;
/// A low rate has high priority after this long, s; below 80 earlier.
const HIGH_AFTER_S: u32 = 180;
const VERY_LOW_HIGH_AFTER_S: u32 = 60;
const VERY_LOW_BPM: u16 = 80;
/// A high priority is saved this long after its time, s: said every 5 s, held up by lost blocks, saved.
const HIGH_SLACK_S: u32 = 25;
/// No block of what must be alarmed at once may be later than this, s.
const PROMPT_DELAY_MAX_S: i64 = 8;
/// A block may be this late, s, and count as live: the delay put down to the line and what is late beyond it.
const LIVE_DELAY_MAX_S: i64 = 46;
/// A condition that a person answered for may be quiet for this long, s: the longest recheck time of its priorities.
const RECHECK_S: i64 = 900;

/// Sees everything and changes nothing.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    /// What was found, in words.
    pub(crate) violations: Vec<String>,
    /// When each block first reached a process, in true time.
    arrivals: BTreeMap<(usize, u32), Timestamp>,
    /// The newest arrival of a device that nobody may call late.
    heard: BTreeMap<usize, Timestamp>,
    stopped: BTreeMap<usize, Timestamp>,
    watermarks: BTreeMap<RecordingId, u32>,
    /// Since when everything worked, in true time.
    healthy_since: Option<Timestamp>,
    /// Seconds in which something did not work, in true time.
    unhealthy: BTreeSet<Timestamp>,
    store_down_since: Option<Timestamp>,
    told_not_recorded: bool,
    /// Episodes that had to be alarmed.
    pub(crate) episodes_checked: u32,
    /// Episodes that had to be alarmed with high priority at a certain time.
    pub(crate) severities_checked: u32,
}

impl Checker {
    fn fault(&mut self, words: String) {
        // The first is the cause, a few more show the pattern.
        if self.violations.len() < 5 {
            self.violations.push(words);
        }
    }

    /// A block reached the service.
    pub(crate) fn note_arrival(&mut self, device: usize, sequence: u32, now: Timestamp, taken: Timestamp) {
        self.arrivals.entry((device, sequence)).or_insert(now);
        if now.micros_since(taken) < LIVE_DELAY_MAX_S * ctg::MICROS_PER_SECOND {
            self.heard.insert(device, now);
        }
    }

    /// The service heard that a recording ended.
    pub(crate) fn note_stopped(&mut self, device: usize, now: Timestamp) {
        self.stopped.insert(device, now);
    }

    /// True once the service heard that a recording ended.
    pub(crate) fn has_stopped(&self, device: usize) -> bool {
        self.stopped.contains_key(&device)
    }

    /// A screen was told of an alert.
    pub(crate) fn note_told(&mut self, alert: &Alert) {
        self.told_not_recorded |= alert.key.condition == Condition::NotRecorded;
    }

    /// A watermark is about to be sent.
    pub(crate) fn note_watermark(&mut self, store: &SimStore, device: &Device, through: u32) {
        let known = self.watermarks.get(&device.recording).copied().unwrap_or(0);
        let missing = (known..=through).find(|sequence| !store.is_stored(device.recording, *sequence));
        self.watermarks.insert(device.recording, through);
        if let Some(missing) = missing {
            self.fault(format!("{}: watermark {through} covers block {missing}, which is not stored", device.id));
        }
    }

    /// A person or screen acted on what it had seen.
    pub(crate) fn note_action(&mut self, before: &Alert, change: &AlertChange, seen: Option<u32>) {
        if change.entry.kind == LogKind::Acknowledged && seen.is_some_and(|seen| seen < before.generation) {
            self.fault(format!("an answer to version {seen:?} was taken for generation {}", before.generation));
        }
    }

    /// Looks once a second. `healthy`: a process runs, has read the store, and the store answers.
    pub(crate) fn look(
        &mut self,
        store: &SimStore,
        devices: &[Device],
        healthy: bool,
        process_up: bool,
        times: (Timestamp, Timestamp),
    ) {
        let (now, service_now) = times;
        self.healthy_since = if healthy { self.healthy_since.or(Some(now)) } else { None };
        if !healthy {
            self.unhealthy.insert(now);
        }
        self.check_not_recorded(store, process_up, now);
        self.check_keys(store);
        let Some(since) = self.healthy_since else { return };
        if since.plus_seconds(ESCALATION_SLACK_S) < now {
            self.check_deadlines(store, service_now);
        }
        for (number, device) in devices.iter().enumerate() {
            self.check_silence(store, number, device, since, now);
        }
    }

    fn check_not_recorded(&mut self, store: &SimStore, process_up: bool, now: Timestamp) {
        if store.up || !process_up {
            (self.store_down_since, self.told_not_recorded) = (None, false);
            return;
        }
        let since = *self.store_down_since.get_or_insert(now);
        let is_answered = store.histories().any(|(alert, _)| {
            alert.key.condition == Condition::NotRecorded
                && alert.changed.plus_seconds(RECHECK_S) > now
                && !alert.is_open()
        });
        if since.plus_seconds(NOT_RECORDED_SLACK_S) < now && !self.told_not_recorded && !is_answered {
            self.fault("the store is down and nobody was told".to_owned());
        }
    }

    /// At most one alert of a key is open.
    fn check_keys(&mut self, store: &SimStore) {
        let mut keys: Vec<&AlertKey> =
            store.histories().filter(|(alert, _)| alert.is_open()).map(|(alert, _)| &alert.key).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            self.fault("two alerts of one key are open".to_owned());
        }
    }

    /// Nobody waits in silence: an open alert has a deadline and it is kept.
    fn check_deadlines(&mut self, store: &SimStore, service_now: Timestamp) {
        for (alert, _) in store.histories().filter(|(alert, _)| alert.is_open()) {
            match alert.deadline {
                None => self.fault(format!("{} is open without a deadline", alert.key.condition.code())),
                Some(deadline) if deadline.plus_seconds(ESCALATION_SLACK_S) < service_now => {
                    let overdue_s = service_now.seconds_since(deadline);
                    let (code, state) = (alert.key.condition.code(), alert.state.code());
                    self.fault(format!("{code} ({state}, step {}) is overdue by {overdue_s} s", alert.step));
                }
                Some(_) => {}
            }
        }
    }

    /// A device that is not heard of is alarmed.
    fn check_silence(&mut self, store: &SimStore, number: usize, device: &Device, since: Timestamp, now: Timestamp) {
        let Some(heard) = self.heard.get(&number).filter(|_| !self.stopped.contains_key(&number)) else { return };
        if heard.max(&since).plus_seconds(SILENCE_SLACK_S) >= now {
            return;
        }
        let is_known = store.histories().any(|(alert, _)| {
            alert.key.recording == Some(device.recording)
                && alert.key.condition == SILENCE
                && (alert.is_open() || alert.changed.plus_seconds(RECHECK_S) > now)
        });
        if !is_known {
            self.fault(format!("{} is silent for {} s and nobody was told", device.id, now.seconds_since(*heard)));
        }
    }

    /// Looks back when everything has settled.
    pub(crate) fn conclude(&mut self, store: &SimStore, devices: &[Device]) {
        for (number, device) in devices.iter().enumerate() {
            self.check_samples(store, device);
            for episode in &device.episodes {
                self.check_episode(store, number, device, *episode);
                self.check_severity(store, number, device, *episode);
            }
        }
        for (alert, history) in store.histories() {
            self.check_history(alert, history);
            // The recordings are over and the store works: nothing can last.
            if alert.is_open() && alert.is_present() {
                let lines: Vec<String> =
                    history.iter().map(|(_, line)| format!("{} {}", line.at, line.kind.code())).collect();
                let code = alert.key.condition.code();
                self.fault(format!("{code} is said to last and does not: {}", lines.join(", ")));
            }
            if alert.key.condition == LOW_RATE {
                self.check_cause(alert, history, devices);
            }
        }
    }

    /// Every sample is stored once, as it was made, or still kept by its device.
    fn check_samples(&mut self, store: &SimStore, device: &Device) {
        let stored = store.all_blocks(device.recording);
        for sequence in 0..device.made() {
            let copies = stored.get(&sequence).map_or(0, Vec::len);
            let is_kept = device.buffer.contains_key(&sequence);
            if copies > 1 || (copies == 0 && !is_kept) {
                self.fault(format!("{}: block {sequence} is stored {copies} times", device.id));
            }
            if stored
                .get(&sequence)
                .and_then(|copies| copies.first())
                .is_some_and(|c| c.block != device.block(sequence))
            {
                self.fault(format!("{}: block {sequence} was changed", device.id));
            }
        }
    }

    /// The reference: a low rate that lasted was told to somebody.
    fn check_episode(&mut self, store: &SimStore, number: usize, device: &Device, episode: Episode) {
        let lasted_s = episode.end_s - episode.start_s;
        let known =
            (episode.start_s..episode.end_s).filter_map(|sequence| self.arrivals.get(&(number, sequence))).max();
        let (Some(known), true) = (known.copied(), lasted_s >= LOW_RATE_SLACK_S) else { return };
        let happened = stretch(device, episode);
        let of_key = || {
            store
                .histories()
                .filter(|(alert, _)| alert.key.recording == Some(device.recording) && alert.key.condition == LOW_RATE)
        };
        let first = device.began.plus_seconds(i64::from(episode.start_s));
        let answered_before = of_key().any(|(alert, _)| {
            alert.state == AlertState::Resolved
                && alert.changed.plus_seconds(RECHECK_S) > first
                && alert.raised < known.plus_seconds(RECHECK_S)
        });
        if answered_before {
            return;
        }
        self.episodes_checked += 1;
        let told = of_key().any(|(alert, history)| {
            let named = history.iter().any(|(row, _)| row.evidence.interval.overlaps(happened));
            // An alert that was open all the time covers what came back.
            named || (alert.raised <= known && alert.is_open())
        });
        if !told {
            self.fault(format!(
                "{}: a low rate of {lasted_s} s from second {} on was told to nobody",
                device.id, episode.start_s
            ));
        }
    }

    /// What was seen in time by a service that worked had its priority in time.
    fn check_severity(&mut self, store: &SimStore, number: usize, device: &Device, episode: Episode) {
        let high_after_s = if episode.bpm < VERY_LOW_BPM { VERY_LOW_HIGH_AFTER_S } else { HIGH_AFTER_S };
        let due_s = episode.start_s + high_after_s + HIGH_SLACK_S;
        let true_time = |second: u32| device.began.plus_seconds(i64::from(second));
        let (begins, due) = (true_time(episode.start_s), true_time(due_s));
        let came_in_time = (episode.start_s..due_s).all(|sequence| {
            let taken = true_time(sequence + 1);
            let arrived = self.arrivals.get(&(number, sequence));
            arrived.is_some_and(|arrived| arrived.micros_since(taken) <= PROMPT_DELAY_MAX_S * ctg::MICROS_PER_SECOND)
        });
        let worked = self.unhealthy.range(begins..due).next().is_none();
        if episode.end_s < due_s || !came_in_time || !worked {
            return;
        }
        let of_key = || {
            store
                .histories()
                .filter(|(alert, _)| alert.key.recording == Some(device.recording) && alert.key.condition == LOW_RATE)
        };
        let answered_before = of_key().any(|(alert, _)| {
            !alert.is_open() && alert.changed < due && alert.changed.plus_seconds(RECHECK_S) > begins
        });
        let was_high = of_key().flat_map(|(_, history)| history).any(|(row, _)| {
            row.priority == Priority::High && !row.late && row.changed <= due.plus_seconds(CLOCK_SLACK_S)
        });
        self.severities_checked += u32::from(!answered_before);
        if !was_high && !answered_before {
            self.fault(format!("{}: the low rate from second {} on was not high in time", device.id, episode.start_s));
        }
    }

    /// A history has no hole, ends in its row, and keeps the promises of an alert.
    fn check_history(&mut self, alert: &Alert, history: &[(Alert, LogEntry)]) {
        let code = alert.key.condition.code();
        let versions: Vec<u32> = history.iter().map(|(_, line)| line.version).collect();
        if !versions.iter().copied().eq(1..=alert.version) {
            self.fault(format!("{code}: versions {versions:?} do not lead to {}", alert.version));
        }
        if history.last().map(|(row, _)| row) != Some(alert) {
            self.fault(format!("{code}: the history does not end in the row"));
        }
        let mut standing: Option<(AlertState, Option<Person>)> = None;
        for (row, line) in history {
            standing = Some(follow(standing, line));
            if standing != Some((row.state, row.owner.clone())) {
                let (kind, version) = (line.kind.code(), line.version);
                self.fault(format!("{code}: '{kind}' (version {version}) made {:?} of {standing:?}", row.state));
            }
        }
        for pair in history.windows(2) {
            if pair[1].0.priority < pair[0].0.priority || (pair[1].0.late && !pair[0].0.late) {
                self.fault(format!("{code}: priority or lateness went back"));
            }
        }
        if let Some((_, line)) = history.iter().find(|(row, _)| !row.is_open())
            && line.by.is_none()
            && !alert.key.condition.is_technical()
        {
            self.fault(format!("{code} was closed by nobody"));
        }
    }

    /// An alert has a cause, and one that sounds rests on samples that came in time.
    fn check_cause(&mut self, alert: &Alert, history: &[(Alert, LogEntry)], devices: &[Device]) {
        let found = devices.iter().enumerate().find(|(_, device)| Some(device.recording) == alert.key.recording);
        let Some((number, device)) = found else { return };
        let overlaps =
            |evidence: Interval| device.episodes.iter().any(|episode| stretch(device, *episode).overlaps(evidence));
        if let Some((row, _)) = history.iter().find(|(row, _)| !overlaps(row.evidence.interval)) {
            self.fault(format!("{}: an alert without a cause at {}", device.id, row.evidence.interval.start));
        }
        let Some((row, _)) = history.iter().find(|(row, _)| !row.late) else { return };
        let end_us = row.evidence.interval.end.micros_since(device.device_time(device.began));
        let newest = u32::try_from((end_us - 1) / ctg::MICROS_PER_SECOND).unwrap_or(0);
        let taken = device.began.plus_seconds(i64::from(newest) + 1);
        let Some(arrived) = self.arrivals.get(&(number, newest)) else { return };
        let delay_s = arrived.micros_since(taken) / ctg::MICROS_PER_SECOND;
        if delay_s > LIVE_DELAY_MAX_S {
            self.fault(format!("{}: samples that were {delay_s} s late raised a live alert", device.id));
        }
    }
}

/// State and owner after one more line of a history, by the words of the line alone.
fn follow(standing: Option<(AlertState, Option<Person>)>, line: &LogEntry) -> (AlertState, Option<Person>) {
    let (state, owner) = standing.unwrap_or((AlertState::Raised, None));
    match line.kind {
        LogKind::Raised | LogKind::Worsened => (AlertState::Raised, None),
        LogKind::Repeated | LogKind::Cleared => (state, owner),
        LogKind::Presented => (AlertState::Presented, owner),
        LogKind::Escalated if state == AlertState::Acknowledged => (AlertState::Raised, None),
        LogKind::Escalated => (AlertState::Raised, owner),
        LogKind::Acknowledged => (AlertState::Acknowledged, line.by.clone()),
        LogKind::Resolved => (AlertState::Resolved, line.by.clone()),
        LogKind::Closed => (AlertState::Resolved, None),
    }
}

/// Where an episode lies by its device's clock.
fn stretch(device: &Device, episode: Episode) -> Interval {
    let at = |second: u32| device.device_time(device.began.plus_seconds(i64::from(second)));
    Interval { start: at(episode.start_s), end: at(episode.end_s) }
}
