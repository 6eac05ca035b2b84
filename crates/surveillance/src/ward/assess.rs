use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alerting::{AlertKey, Condition, Fact, evaluate, key_of};
use ctg::{
    Analysis, Complaint, DeviceEvent, DeviceId, Finding, FindingKind, Interval, ReceivedBlock, Recording, RecordingId,
    SampleBlock, Stage, Timestamp,
};

use super::bed::{Bed, Panicked};
use super::{
    COMPLAINTS_MAX, Effect, FINISH_SILENT_S, FINISH_STOPPED_S, History, REBUILD_EVERY_S, REBUILD_RETRY_S,
    REBUILD_WAIT_S, REORDER_WAIT_S, SILENCE_OLD_S, Ward,
};

/// What an alert about the store is about.
pub(crate) const NOT_RECORDED: AlertKey =
    AlertKey { device: None, recording: None, fetus: None, condition: Condition::NotRecorded };

/// What ended this long ago is past even if it was found only now, s: twice the longest look-ahead of the analysis.
const PAST_AFTER_S: i64 = 120;
/// Time between blocks that is no silence, ms: one second, as every device can send.
const BLOCK_USUAL_MS: i64 = 1000;

/// True if the condition of a key is known to last now.
pub(crate) fn lasts(beds: &BTreeMap<RecordingId, Bed>, unrecorded: bool, key: &AlertKey) -> bool {
    let bed = key.recording.and_then(|recording| beds.get(&recording));
    match key.condition {
        Condition::NotRecorded => unrecorded,
        Condition::NotAnalyzed => bed.is_some_and(Bed::has_failed),
        Condition::Complaint(_) => false,
        Condition::Signal(FindingKind::CommunicationLoss) => bed.is_some_and(|bed| bed.silence_level > 0),
        Condition::Signal(_) => bed.is_some_and(|bed| bed.holding.values().any(|held| held == key)),
    }
}

impl Ward {
    pub(super) fn take_block(&mut self, received: &Arc<ReceivedBlock>, now: Timestamp) {
        let id = received.block.recording;
        if self.beds.get(&id).is_none_or(|bed| bed.finished) {
            let recording = Recording::from_block(received.device.clone(), &received.block, received.received);
            let is_first = received.block.sequence == 0 && !self.beds.contains_key(&id);
            self.open_bed(recording, is_first, now);
        }
        let Some(bed) = self.beds.get_mut(&id) else { return };
        if !bed.recording.admits(&received.device, &received.block) {
            return;
        }
        let arrival = bed.arrivals.take(received);
        if !arrival.new {
            return;
        }
        let patience_s = if bed.stopped { FINISH_STOPPED_S } else { FINISH_SILENT_S };
        bed.finish_at = now.plus_seconds(patience_s);
        if arrival.makes_hole {
            bed.ask_at.get_or_insert(now.plus_seconds(REORDER_WAIT_S));
        }
        bed.keep_waiting(received);
        if !arrival.late {
            self.hear(id, received.received, now);
        }
        self.analyze_arrived(received, arrival.late, now);
    }

    /// Analyzes a block that was waiting.
    pub(super) fn analyze(&mut self, received: &Arc<ReceivedBlock>, now: Timestamp) {
        let late = self
            .beds
            .get(&received.block.recording)
            .is_none_or(|bed| bed.arrivals.live().is_none_or(|live| received.block.end() > live.end));
        self.analyze_arrived(received, late, now);
    }

    pub(super) fn take_history(&mut self, id: RecordingId, history: &History, now: Timestamp) {
        let Some(bed) = self.beds.get_mut(&id) else { return };
        let waiting = bed.take_waiting();
        bed.arrivals = Default::default();
        let mut blocks: Vec<&SampleBlock> = Vec::with_capacity(history.blocks.len() + waiting.len());
        for received in history.blocks.iter().chain(waiting.iter().map(Arc::as_ref)) {
            if bed.recording.admits(&received.device, &received.block) && bed.arrivals.take(received).new {
                blocks.push(&received.block);
            }
        }
        bed.rebuilt = Some(now);
        if bed.arrivals.first_hole().is_some() {
            bed.ask_at.get_or_insert(now.plus_seconds(REORDER_WAIT_S));
        }
        match bed.replay(blocks, &history.findings, &self.settings) {
            Ok((mut learned, known)) => {
                learned.baseline.retain(|point| history.baseline_until.is_none_or(|until| point.at > until));
                self.publish(id, learned);
                self.assess_anew(id, &known, now);
                let recovered =
                    self.book.lasting(|key| key.recording == Some(id) && key.condition == Condition::NotAnalyzed);
                for key in recovered {
                    self.effects.extend(self.book.clear(&key, now));
                }
            }
            Err(Panicked) => self.panicked(id, now),
        }
        self.arm_silence(id);
    }

    /// Learns an outcome of the analysis.
    pub(super) fn learn(&mut self, id: RecordingId, outcome: Result<Analysis, Panicked>, late: bool, now: Timestamp) {
        match outcome {
            Ok(analysis) => {
                for finding in &analysis.findings {
                    self.assess(id, finding, late, now);
                }
                self.publish(id, analysis);
            }
            Err(Panicked) => self.panicked(id, now),
        }
    }

    /// Alarms a complaint unless it was heard before; `happened` is when, by the service's clock.
    pub(super) fn take_complaint(
        &mut self,
        device: &DeviceId,
        event: &DeviceEvent,
        complaint: Complaint,
        happened: Timestamp,
        now: Timestamp,
    ) {
        let heard = self.complaints.entry(device.clone()).or_default();
        if !heard.insert((event.at, event.sequence)) {
            return;
        }
        if heard.len() > COMPLAINTS_MAX {
            heard.pop_first();
        }
        let fact = Fact::Complaint { device, recording: event.recording, complaint, at: event.at, late: false };
        if let Some(raise) = evaluate(&fact, self.book.policy()) {
            let effect = self.book.raise(raise, Interval { start: happened, end: happened }, now);
            self.effects.extend(effect);
        }
    }

    /// Alarms silence where its time has come.
    pub(super) fn check_silence(&mut self, id: RecordingId, now: Timestamp) {
        let Some(bed) = self.beds.get_mut(&id) else { return };
        let (Some(since), Some(live)) = (bed.silent_since, bed.arrivals.live()) else { return };
        let silent_us = now.micros_since(since);
        let reached = |level: &&u32| silent_us >= i64::from(**level) * ctg::MICROS_PER_SECOND;
        let level = self.silence_levels_s.iter().take_while(reached).count();
        if level <= bed.silence_level {
            return;
        }
        bed.silence_level = level;
        bed.silence_open = true;
        let heard = bed.arrivals.heard().unwrap_or(live.heard);
        let newest_end = bed.arrivals.newest_end().unwrap_or(live.end);
        let interval = Interval { start: live.end, end: live.end.plus_micros(now.micros_since(live.heard)) };
        let fact = Fact::Silence { device: &bed.recording.device, recording: id, interval };
        bed.clears.remove(&key_of(&fact));
        if let Some(raise) = evaluate(&fact, self.book.policy()) {
            let effect = self.book.raise(raise, Interval { start: live.heard, end: now }, now);
            self.effects.extend(effect);
        }
        let outcome = bed.push_silence(newest_end.plus_micros(now.micros_since(heard)));
        self.learn(id, outcome, false, now);
    }

    /// A live block came, or none is to come any more: there is no silence.
    pub(super) fn end_silence(&mut self, id: RecordingId, now: Timestamp) {
        let Some(bed) = self.beds.get_mut(&id) else { return };
        bed.silent_since = None;
        bed.silence_level = 0;
        if std::mem::take(&mut bed.silence_open) {
            let key = silence_key(&bed.recording);
            let clear_after_s = self.book.policy().rules.get(&key.condition).map_or(0, |rule| rule.clear_after_s);
            bed.clears.insert(key, now.plus_seconds(i64::from(clear_after_s)));
        }
    }

    /// Begins to count silence from the newest live block that is known.
    pub(super) fn arm_silence(&mut self, id: RecordingId) {
        let started = self.started;
        let Some(bed) = self.beds.get_mut(&id) else { return };
        let known = bed.arrivals.live().filter(|live| live.heard.plus_seconds(SILENCE_OLD_S) >= started);
        if let Some(live) = known.filter(|_| !bed.stopped) {
            bed.silent_since = Some(live.heard.max(started).plus_micros(extra_us(&bed.recording)));
        }
    }

    /// Lets every condition of a recording end.
    pub(super) fn let_go_of_all(&mut self, id: RecordingId, now: Timestamp) {
        let keys = self.keys_of(id);
        let Some(bed) = self.beds.get_mut(&id) else { return };
        bed.holding.clear();
        for key in keys {
            bed.clears.entry(key).or_insert(now);
        }
    }

    /// Clears lasting alerts without a cause.
    pub(super) fn clear_what_is_over(&mut self, over: &BTreeSet<RecordingId>, now: Timestamp) {
        let unrecorded = self.unrecorded.is_some();
        let is_over = |key: &AlertKey| match (key.condition, key.recording) {
            (Condition::Complaint(_), _) | (Condition::Signal(_) | Condition::NotAnalyzed, None) => false,
            (Condition::NotRecorded, _) => !unrecorded,
            (Condition::NotAnalyzed, Some(recording)) => {
                self.beds.get(&recording).map_or_else(|| over.contains(&recording), |bed| !bed.has_failed())
            }
            (Condition::Signal(kind), Some(recording)) => match self.beds.get(&recording) {
                None => over.contains(&recording),
                Some(bed) if bed.clears.contains_key(key) || !bed.knows_its_past() => false,
                Some(bed) if kind == FindingKind::CommunicationLoss => bed.is_heard(now, self.silence_after_s()),
                Some(bed) => !bed.holding.values().any(|held| held == key),
            },
        };
        for key in self.book.lasting(is_over) {
            self.effects.extend(self.book.clear(&key, now));
        }
    }

    pub(super) fn clear_due(&mut self, id: RecordingId, now: Timestamp) {
        let Some(bed) = self.beds.get_mut(&id) else { return };
        let due: Vec<AlertKey> =
            bed.clears.iter().filter(|(_, due)| **due <= now).map(|(key, _)| key.clone()).collect();
        for key in due {
            bed.clears.remove(&key);
            self.effects.extend(self.book.clear(&key, now));
        }
    }

    /// Alarms that nothing is recorded, where its time has come.
    pub(super) fn check_recorded(&mut self, now: Timestamp) {
        if self.not_recorded_due().is_none_or(|due| due > now) {
            return;
        }
        let Some(unrecorded) = &mut self.unrecorded else { return };
        unrecorded.alarmed = true;
        let interval = Interval { start: unrecorded.since, end: now };
        if let Some(raise) = evaluate(&Fact::NotRecorded { interval }, self.book.policy()) {
            let effect = self.book.raise(raise, interval, now);
            self.effects.extend(effect);
        }
    }

    /// When the store has been away for long enough to alarm it; `None` once it is alarmed.
    pub(super) fn not_recorded_due(&self) -> Option<Timestamp> {
        let since = self.unrecorded.filter(|unrecorded| !unrecorded.alarmed)?.since;
        let levels = &self.book.policy().rules.get(&Condition::NotRecorded)?.levels;
        levels.iter().map(|level| since.plus_seconds(i64::from(level.after_s))).min()
    }

    fn analyze_arrived(&mut self, received: &Arc<ReceivedBlock>, late: bool, now: Timestamp) {
        let id = received.block.recording;
        let Some(bed) = self.beds.get_mut(&id) else { return };
        let before = bed.late_blocks();
        let outcome = bed.push(&received.block);
        if bed.missed_late_blocks(before) && bed.rebuild_at.is_none() && !bed.awaits_history() {
            let soonest = bed.rebuilt.map(|rebuilt| rebuilt.plus_seconds(REBUILD_EVERY_S));
            bed.rebuild_at = Some(now.plus_seconds(REBUILD_WAIT_S)).max(soonest);
        }
        self.learn(id, outcome, late, now);
    }

    /// A live block came.
    fn hear(&mut self, id: RecordingId, heard: Timestamp, now: Timestamp) {
        let Some(bed) = self.beds.get(&id).filter(|bed| !bed.stopped) else { return };
        let since = heard.plus_micros(extra_us(&bed.recording));
        if bed.silent_since.is_some_and(|known| known >= since) {
            return;
        }
        if bed.silence_open {
            self.end_silence(id, now);
        }
        if let Some(bed) = self.beds.get_mut(&id) {
            bed.silent_since = Some(since);
        }
    }

    fn assess(&mut self, id: RecordingId, finding: &Finding, late: bool, now: Timestamp) {
        // Silence is judged by the clock, not by the analysis, which a backlog also interrupts.
        if finding.kind == FindingKind::CommunicationLoss {
            return;
        }
        let Some(bed) = self.beds.get_mut(&id) else { return };
        let service_end = bed.arrivals.service_time(finding.interval.end);
        let is_past = !finding.ongoing && now.micros_since(service_end) > PAST_AFTER_S * ctg::MICROS_PER_SECOND;
        let late = late || is_past || bed.arrivals.ends_late(finding.interval.end);
        let key = key_of(&Fact::Finding { device: &bed.recording.device, finding, late });
        if bed.holding.get(&finding.number).is_some_and(|held| *held != key) {
            self.let_go(id, finding.number, service_end, now);
        }
        let Some(bed) = self.beds.get_mut(&id) else { return };
        let fact = Fact::Finding { device: &bed.recording.device, finding, late };
        if let Some(raise) = evaluate(&fact, self.book.policy()) {
            let happened = Interval { start: bed.arrivals.service_time(finding.interval.start), end: service_end };
            bed.clears.remove(&key);
            bed.holding.insert(finding.number, key);
            self.effects.extend(self.book.raise(raise, happened, now));
        }
        if !finding.ongoing || finding.stage == Stage::Withdrawn {
            self.let_go(id, finding.number, service_end, now);
        }
    }

    /// A finding no longer keeps its condition up; without another that does, the condition ends after a while.
    fn let_go(&mut self, id: RecordingId, number: u32, ended: Timestamp, now: Timestamp) {
        let Some(bed) = self.beds.get_mut(&id) else { return };
        let Some(key) = bed.holding.remove(&number) else { return };
        if bed.holding.values().any(|held| *held == key) {
            return;
        }
        let clear_after_s = self.book.policy().rules.get(&key.condition).map_or(0, |rule| rule.clear_after_s);
        bed.clears.insert(key, ended.plus_seconds(i64::from(clear_after_s)).max(now));
    }

    /// Judges a replayed recording. What goes on is live if its samples came in time; the rest is past.
    fn assess_anew(&mut self, id: RecordingId, known: &[Finding], now: Timestamp) {
        let Some(bed) = self.beds.get_mut(&id) else { return };
        let newest_is_live = bed.arrivals.live().map(|live| live.end) == bed.arrivals.newest_end();
        let is_live = !bed.stopped && newest_is_live;
        bed.holding.clear();
        for finding in known {
            self.assess(id, finding, !(is_live && finding.ongoing), now);
        }
        let lasting = self.keys_of(id);
        let Some(bed) = self.beds.get_mut(&id) else { return };
        for key in lasting {
            if !bed.holding.values().any(|held| *held == key) {
                bed.clears.entry(key).or_insert(now);
            }
        }
    }

    fn publish(&mut self, id: RecordingId, analysis: Analysis) {
        if !analysis.is_empty() {
            self.effects.push(Effect::Learned(id, Arc::new(analysis)));
        }
    }

    fn panicked(&mut self, id: RecordingId, now: Timestamp) {
        self.effects.push(Effect::Panicked(id));
        let Some(bed) = self.beds.get_mut(&id) else { return };
        if bed.may_rebuild() {
            bed.rebuild_at = Some(now.plus_seconds(REBUILD_RETRY_S));
        }
        let at = bed.arrivals.newest_end().unwrap_or(bed.recording.start);
        let fact = Fact::NotAnalyzed { device: &bed.recording.device, recording: id, at };
        if let Some(raise) = evaluate(&fact, self.book.policy()) {
            let effect = self.book.raise(raise, Interval { start: now, end: now.plus_micros(1) }, now);
            self.effects.extend(effect);
        }
    }
}

fn silence_key(recording: &Recording) -> AlertKey {
    let start = Interval { start: recording.start, end: recording.start };
    key_of(&Fact::Silence { device: &recording.device, recording: recording.id, interval: start })
}

/// Blocks longer than usual come less often, which is no silence.
fn extra_us(recording: &Recording) -> i64 {
    (i64::from(recording.block_length_ms) - BLOCK_USUAL_MS).max(0) * 1000
}
