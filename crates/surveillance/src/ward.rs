//! Decides what live recordings mean: analysis, silence, alerts. Knows no clock, store, bus or task.
//!
//! Whoever drives a [`Ward`] hands it what happened with the time, carries out the [`Effect`]s in order, and calls
//! [`Ward::handle_timeout`] when [`Ward::next_timeout`] has come.

mod arrivals;
mod assess;
mod bed;
mod book;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alerting::{Alert, AlertChange, AlertEvent, AlertKey, Condition, Policy};
use ctg::{
    Analysis, DeviceEvent, DeviceEventKind, DeviceId, FindingKind, ReceivedBlock, Recording, RecordingId, Timestamp,
};
use signal::{Analyzer, Settings};
use storage::RecordingProgress;

use bed::Bed;
pub use book::AlertIds;
use book::Book;

/// A missing block may still come by itself for this long, s; then the store is asked.
const REORDER_WAIT_S: i64 = 2;
/// After a block that came too late for the analysis more may follow for this long, s; then the past is read anew.
const REBUILD_WAIT_S: i64 = 15;
/// Shortest time between two readings of a recording's past, s: each costs as much as minutes of live analysis.
const REBUILD_EVERY_S: i64 = 60;
/// Time after which a failed reading of the past is tried again, s.
const REBUILD_RETRY_S: i64 = 30;
/// A stopped recording ends when no block came for this long, s: its device may still be sending its backlog.
const FINISH_STOPPED_S: i64 = 10;
/// A recording that was never stopped is given up after this silence, s; its alert stays open.
const FINISH_SILENT_S: i64 = 1800;
/// A recording that was silent for longer than this when the service started is not alarmed as silent anew, s.
const SILENCE_OLD_S: i64 = 300;
/// Complaints of one device that are remembered, so that a repeat is no new complaint.
const COMPLAINTS_MAX: usize = 32;

/// An alert's change, with the event that it was decided for: if somebody was faster, the event is decided anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What happened.
    pub event: AlertEvent,
    /// What follows.
    pub change: AlertChange,
}

/// What a [`Ward`] wants done.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "effects are few and live for one call; a box each would cost more")]
pub enum Effect {
    /// Store and publish what the analysis of a recording learned.
    Learned(RecordingId, Arc<Analysis>),
    /// Save and publish an alert's change; on a conflict call [`Ward::handle_conflict`].
    Change(Decision),
    /// Read stored blocks and hand them to [`Ward::handle_blocks`].
    Read {
        /// Of which recording.
        recording: RecordingId,
        /// First sequence.
        from: u32,
        /// Last sequence.
        to: u32,
    },
    /// Read a recording's past and hand it to [`Ward::handle_history`].
    ReadHistory(RecordingId),
    /// Tell an operator that the analysis of a recording panicked.
    Panicked(RecordingId),
}

/// What the store knows of the recent past of a recording.
#[derive(Clone, Debug)]
pub struct History {
    /// Blocks of the replay window, in order of sequence.
    pub blocks: Vec<ReceivedBlock>,
    /// The newest revision of each finding in that window.
    pub findings: Vec<ctg::Finding>,
    /// The newest final baseline point that is stored.
    pub baseline_until: Option<Timestamp>,
    /// True if its device said that it ended.
    pub stopped: bool,
}

/// The store does not take what it is given.
#[derive(Clone, Copy, Debug)]
struct Unrecorded {
    since: Timestamp,
    alarmed: bool,
}

/// Everything under surveillance by one process.
#[derive(Debug)]
pub struct Ward {
    settings: Settings,
    started: Timestamp,
    silence_levels_s: Vec<u32>,
    beds: BTreeMap<RecordingId, Bed>,
    newest_of: BTreeMap<DeviceId, RecordingId>,
    complaints: BTreeMap<DeviceId, BTreeSet<(Timestamp, u64)>>,
    timers: BTreeSet<(Timestamp, RecordingId)>,
    book: Book,
    unrecorded: Option<Unrecorded>,
    effects: Vec<Effect>,
}

impl Ward {
    /// A ward with no recording in it, from `started` on by the service's clock.
    pub fn new(policy: Arc<Policy>, settings: Settings, ids: AlertIds, started: Timestamp) -> Self {
        let silence = policy.rules.get(&Condition::Signal(FindingKind::CommunicationLoss));
        let mut silence_levels_s: Vec<u32> =
            silence.iter().flat_map(|rule| &rule.levels).map(|level| level.after_s).collect();
        silence_levels_s.sort_unstable();
        silence_levels_s.dedup();
        Self {
            settings,
            started,
            silence_levels_s,
            beds: BTreeMap::new(),
            newest_of: BTreeMap::new(),
            complaints: BTreeMap::new(),
            timers: BTreeSet::new(),
            book: Book::new(policy, ids),
            unrecorded: None,
            effects: Vec::new(),
        }
    }

    /// Learns the alerts in the store, open ones and those closed of late.
    pub fn handle_alerts(&mut self, alerts: &[Alert], now: Timestamp) {
        for alert in alerts {
            self.handle_alert(alert, now);
        }
        self.book.forget_old_answers(now);
    }

    /// Learns an alert's state from elsewhere.
    pub fn handle_alert(&mut self, alert: &Alert, now: Timestamp) {
        let lasts = assess::lasts(&self.beds, self.unrecorded.is_some(), &alert.key);
        self.book.learn(alert, lasts, now);
    }

    /// Learns how far recordings have come in the store. `all`: also take up those that are over, because their end
    /// may not have been seen by anybody.
    pub fn handle_recordings(&mut self, recordings: &[RecordingProgress], all: bool, now: Timestamp) -> Vec<Effect> {
        for progress in recordings {
            let id = progress.recording.id;
            let is_over = progress.stopped.is_some();
            if !self.beds.contains_key(&id) && progress.last_sample.is_some() && (all || !is_over) {
                self.open_bed(progress.recording.clone(), false, now);
            }
            if is_over {
                self.stop(id, now);
            }
            self.ask_for_stored(progress);
            self.rearm(id);
        }
        self.take_effects()
    }

    /// Ends conditions that alerts say last and that nothing keeps up, however that came about; `over` are recordings
    /// that their devices stopped.
    pub fn handle_over(&mut self, over: &BTreeSet<RecordingId>, now: Timestamp) -> Vec<Effect> {
        self.clear_what_is_over(over, now);
        self.take_effects()
    }

    /// Takes blocks, live or read from the store, in any order.
    pub fn handle_blocks<'a>(
        &mut self,
        blocks: impl IntoIterator<Item = &'a Arc<ReceivedBlock>>,
        now: Timestamp,
    ) -> Vec<Effect> {
        for received in blocks {
            self.take_block(received, now);
            self.rearm(received.block.recording);
        }
        self.take_effects()
    }

    /// Takes a recording's past, as [`Effect::ReadHistory`] asked.
    pub fn handle_history(&mut self, recording: RecordingId, history: &History, now: Timestamp) -> Vec<Effect> {
        if history.stopped {
            self.stop(recording, now);
        }
        self.take_history(recording, history, now);
        self.rearm(recording);
        self.take_effects()
    }

    /// Learns that a recording's past cannot be read now: analysis begins with what came since.
    pub fn handle_history_failed(&mut self, recording: RecordingId, now: Timestamp) -> Vec<Effect> {
        if let Some(bed) = self.beds.get_mut(&recording) {
            let waiting = bed.take_waiting();
            bed.rebuild_at = Some(now.plus_seconds(REBUILD_RETRY_S));
            if bed.start_without_history(&self.settings) {
                for received in waiting {
                    self.analyze(&received, now);
                }
            }
            self.arm_silence(recording);
        }
        self.rearm(recording);
        self.take_effects()
    }

    /// Takes an event of a device, heard at `now`.
    pub fn handle_event(&mut self, device: &DeviceId, event: &DeviceEvent, now: Timestamp) -> Vec<Effect> {
        match (event.kind, event.recording) {
            (DeviceEventKind::Complaint(complaint), _) => self.take_complaint(device, event, complaint, now, now),
            (DeviceEventKind::Stop, Some(recording)) if self.is_of(recording, device) => {
                self.stop(recording, now);
                self.rearm(recording);
            }
            (DeviceEventKind::Stop | DeviceEventKind::Start | DeviceEventKind::Movement, _) => {}
        }
        self.take_effects()
    }

    /// Takes events read from the store, some of them perhaps unheard.
    pub fn handle_stored_events(&mut self, events: &[(DeviceId, DeviceEvent)], now: Timestamp) -> Vec<Effect> {
        for (device, event) in events {
            if let DeviceEventKind::Complaint(complaint) = event.kind {
                self.take_complaint(device, event, complaint, event.at, now);
            }
        }
        self.take_effects()
    }

    /// Learns that somebody else changed an alert first; `current` is the alert as the store has it.
    pub fn handle_conflict(&mut self, decision: Decision, current: Option<&Alert>, now: Timestamp) -> Vec<Effect> {
        let key = decision.change.alert.key;
        let lasts = assess::lasts(&self.beds, self.unrecorded.is_some(), &key);
        self.book.correct(&key, current, lasts, now);
        let effect = match decision.event {
            AlertEvent::Raise { raise, .. } => {
                self.book.raise(raise, ctg::Interval { start: now, end: now.plus_micros(1) }, now)
            }
            AlertEvent::Clear => self.book.clear(&key, now),
            event @ (AlertEvent::Deadline
            | AlertEvent::Present { .. }
            | AlertEvent::Acknowledge { .. }
            | AlertEvent::Resolve { .. }) => self.book.apply(&key, event, now),
        };
        self.effects.extend(effect);
        self.take_effects()
    }

    /// Learns whether the store takes what it is given.
    pub fn handle_store(&mut self, available: bool, now: Timestamp) -> Vec<Effect> {
        if available && self.unrecorded.take().is_some() {
            let effect = self.book.clear(&assess::NOT_RECORDED, now);
            self.effects.extend(effect);
        } else if !available {
            self.unrecorded.get_or_insert(Unrecorded { since: now, alarmed: false });
        }
        self.take_effects()
    }

    /// Does everything that is due.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Vec<Effect> {
        while let Some((due, recording)) = self.timers.first().copied() {
            if due > now {
                break;
            }
            self.timers.pop_first();
            if let Some(bed) = self.beds.get_mut(&recording) {
                bed.timer = None;
                self.handle_bed_timeout(recording, now);
                self.rearm(recording);
            }
        }
        self.check_recorded(now);
        let (beds, unrecorded) = (&self.beds, self.unrecorded.is_some());
        let effects = self.book.handle_timeout(now, |key| assess::lasts(beds, unrecorded, key));
        self.effects.extend(effects);
        self.take_effects()
    }

    /// The next moment at which something is due.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        let bed = self.timers.first().map(|(due, _)| *due);
        [bed, self.book.next_timeout(), self.not_recorded_due()].into_iter().flatten().min()
    }

    /// Number of recordings under surveillance.
    pub fn recording_count(&self) -> usize {
        self.beds.len()
    }

    /// Number of open alerts as far as this process knows.
    pub fn open_alert_count(&self) -> usize {
        self.book.open_count()
    }

    fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn is_of(&self, recording: RecordingId, device: &DeviceId) -> bool {
        self.beds.get(&recording).is_some_and(|bed| bed.recording.device == *device)
    }

    /// Takes a recording under surveillance; `whole`: nothing of it was missed. A device makes one recording at a
    /// time: an older one of the same device is over.
    fn open_bed(&mut self, recording: Recording, whole: bool, now: Timestamp) {
        let (id, device, start) = (recording.id, recording.device.clone(), recording.start);
        let analyzer = whole.then(|| Analyzer::new(&recording, &self.settings));
        let mut bed = Bed::new(recording, analyzer, now.plus_seconds(FINISH_SILENT_S));
        if !whole {
            bed.await_history();
            self.effects.push(Effect::ReadHistory(id));
        }
        let older = self.newest_of.get(&device).copied();
        let newest_start = older.and_then(|older| self.beds.get(&older)).map(|bed| bed.recording.start);
        self.beds.insert(id, bed);
        if newest_start.is_none_or(|newest| newest <= start) {
            self.newest_of.insert(device, id);
            if let Some(older) = older.filter(|older| *older != id) {
                self.stop(older, now);
                self.rearm(older);
            }
        } else {
            self.stop(id, now);
        }
    }

    /// No live block of this recording is to come any more.
    fn stop(&mut self, recording: RecordingId, now: Timestamp) {
        let Some(bed) = self.beds.get_mut(&recording) else { return };
        if bed.stopped {
            return;
        }
        bed.stopped = true;
        bed.finish_at = bed.finish_at.min(now.plus_seconds(FINISH_STOPPED_S));
        self.end_silence(recording, now);
    }

    /// Asks for stored blocks that never came by the bus.
    fn ask_for_stored(&mut self, progress: &RecordingProgress) {
        let Some(bed) = self.beds.get(&progress.recording.id).filter(|bed| !bed.awaits_history()) else { return };
        let recording = progress.recording.id;
        if let Some((from, to)) = bed.arrivals.first_hole()
            && progress.stored_through.is_some_and(|through| through >= from)
        {
            self.effects.push(Effect::Read { recording, from, to });
        }
        if progress.last_sample > bed.arrivals.newest_end() {
            let from = bed.arrivals.newest().map_or(0, |newest| newest.saturating_add(1));
            self.effects.push(Effect::Read { recording, from, to: u32::MAX });
        }
    }

    /// Time after which a device counts as silent, s.
    fn silence_after_s(&self) -> u32 {
        self.silence_levels_s.first().copied().unwrap_or(u32::MAX)
    }

    fn handle_bed_timeout(&mut self, recording: RecordingId, now: Timestamp) {
        self.check_silence(recording, now);
        let Some(bed) = self.beds.get_mut(&recording) else { return };
        if bed.ask_at.is_some_and(|due| due <= now) {
            bed.ask_at = None;
            let hole = bed.arrivals.first_hole();
            self.effects.extend(hole.map(|(from, to)| Effect::Read { recording, from, to }));
        }
        if bed.rebuild_at.is_some_and(|due| due <= now) {
            bed.await_history();
            self.effects.push(Effect::ReadHistory(recording));
        }
        if !bed.finished && bed.finish_at <= now {
            self.finish(recording, now);
        }
        self.clear_due(recording, now);
        self.drop_if_over(recording);
    }

    fn finish(&mut self, recording: RecordingId, now: Timestamp) {
        let Some(bed) = self.beds.get_mut(&recording) else { return };
        if bed.awaits_history() || bed.rebuild_at.is_some() {
            bed.finish_at = now.plus_seconds(FINISH_STOPPED_S);
            return;
        }
        let outcome = bed.finish();
        self.learn(recording, outcome, true, now);
        self.let_go_of_all(recording, now);
    }

    fn drop_if_over(&mut self, recording: RecordingId) {
        let Some(bed) = self.beds.get(&recording).filter(|bed| bed.finished && bed.clears.is_empty()) else { return };
        let device = bed.recording.device.clone();
        if self.newest_of.get(&device) == Some(&recording) {
            self.newest_of.remove(&device);
            self.complaints.remove(&device);
        }
        self.beds.remove(&recording);
    }

    /// Sets the timer of a recording to the earliest thing that is due; a timer that comes too early does no harm.
    fn rearm(&mut self, recording: RecordingId) {
        let Some(bed) = self.beds.get_mut(&recording) else { return };
        let level = self.silence_levels_s.get(bed.silence_level);
        let silence_due = bed.silent_since.zip(level).map(|(since, level)| since.plus_seconds(i64::from(*level)));
        let Some(next) = bed.next_timeout(silence_due) else { return };
        if bed.timer.is_some_and(|timer| timer <= next) {
            return;
        }
        if let Some(timer) = bed.timer.replace(next) {
            self.timers.remove(&(timer, recording));
        }
        self.timers.insert((next, recording));
    }

    /// True if the key is one of a recording that the ward has.
    fn keys_of(&self, recording: RecordingId) -> Vec<AlertKey> {
        self.book.lasting(|key| {
            key.recording == Some(recording)
                && match key.condition {
                    Condition::Signal(kind) => kind != FindingKind::CommunicationLoss,
                    Condition::Complaint(_) | Condition::NotRecorded | Condition::NotAnalyzed => false,
                }
        })
    }
}
