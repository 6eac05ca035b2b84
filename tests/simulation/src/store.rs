use std::collections::BTreeMap;
use std::sync::Arc;

use alerting::{Alert, AlertChange, AlertId, AlertKey, LogEntry};
use ctg::{Finding, ReceivedBlock, Recording, RecordingId, Stage, Timestamp};
use storage::RecordingProgress;
use surveillance::ward::History;

use crate::Fault;

/// The store did not do as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Somebody was faster.
    Conflict,
    /// It does not answer.
    Down,
}

/// The promises of the real store, in memory.
#[derive(Debug, Default)]
pub(crate) struct SimStore {
    pub(crate) up: bool,
    /// Every save takes seconds.
    pub(crate) slow: bool,
    fault: Option<Fault>,
    recordings: BTreeMap<RecordingId, Recording>,
    stopped: BTreeMap<RecordingId, Timestamp>,
    /// Blocks, in order of storing; a list, so that storing one twice shows.
    blocks: BTreeMap<RecordingId, BTreeMap<u32, Vec<Arc<ReceivedBlock>>>>,
    /// How far each recording is stored without a hole.
    through: BTreeMap<RecordingId, u32>,
    /// Written but not committed; a crash loses it.
    uncommitted: Vec<Arc<ReceivedBlock>>,
    findings: BTreeMap<(RecordingId, u32), Vec<Finding>>,
    baseline_until: BTreeMap<RecordingId, Timestamp>,
    alerts: BTreeMap<AlertId, Alert>,
    log: BTreeMap<AlertId, Vec<(Alert, LogEntry)>>,
    /// Findings that came with a number and revision that were taken by another content.
    pub(crate) clashes: u32,
}

impl SimStore {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Self { up: true, fault, ..Self::default() }
    }

    /// How long a save takes, in milliseconds.
    pub(crate) fn save_ms(&self) -> std::ops::Range<i64> {
        if self.slow { 1000..8000 } else { 0..100 }
    }

    fn answer(&self) -> Result<(), Refused> {
        if self.up { Ok(()) } else { Err(Refused::Down) }
    }

    /// Takes a block into the next commit.
    pub(crate) fn write(&mut self, block: Arc<ReceivedBlock>) -> Result<(), Refused> {
        self.answer()?;
        self.uncommitted.push(block);
        Ok(())
    }

    /// Puts on disk what was written; gives the recordings whose blocks those were.
    pub(crate) fn commit(&mut self) -> Vec<RecordingId> {
        if !self.up {
            return Vec::new();
        }
        let written = std::mem::take(&mut self.uncommitted);
        let mut touched = Vec::new();
        for received in written {
            let id = received.block.recording;
            self.recordings
                .entry(id)
                .or_insert_with(|| Recording::from_block(received.device.clone(), &received.block, received.received));
            let copies = self.blocks.entry(id).or_default().entry(received.block.sequence).or_default();
            if copies.is_empty() || self.fault == Some(Fault::BlocksWithoutKey) {
                copies.push(received);
            }
            touched.push(id);
        }
        for id in &touched {
            let next = self.through.get(id).map_or(0, |through| through + 1);
            if let Some(through) = (next..).take_while(|sequence| self.is_stored(*id, *sequence)).last() {
                self.through.insert(*id, through);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    /// The process or the disk dies: what was not committed is gone.
    pub(crate) fn crash(&mut self) {
        self.uncommitted.clear();
    }

    pub(crate) fn put_stopped(&mut self, recording: RecordingId, at: Timestamp) {
        self.stopped.entry(recording).or_insert(at);
    }

    /// Every sequence up to this one is stored.
    pub(crate) fn stored_through(&self, recording: RecordingId) -> Option<u32> {
        self.through.get(&recording).copied()
    }

    /// The same, uncommitted blocks included: what must never be told.
    pub(crate) fn written_through(&self, recording: RecordingId) -> Option<u32> {
        let written = |sequence: u32| {
            let same = |received: &&Arc<ReceivedBlock>| {
                received.block.recording == recording && received.block.sequence == sequence
            };
            self.is_stored(recording, sequence) || self.uncommitted.iter().any(|received| same(&received))
        };
        let stored = self.stored_through(recording);
        let next = stored.map_or(0, |stored| stored + 1);
        (next..).take_while(|sequence| written(*sequence)).last().or(stored)
    }

    /// Copies of every stored block.
    pub(crate) fn all_blocks(&self, recording: RecordingId) -> BTreeMap<u32, Vec<Arc<ReceivedBlock>>> {
        self.blocks.get(&recording).cloned().unwrap_or_default()
    }

    pub(crate) fn is_stored(&self, recording: RecordingId, sequence: u32) -> bool {
        self.blocks.get(&recording).is_some_and(|blocks| blocks.contains_key(&sequence))
    }

    pub(crate) fn progress(&self) -> Result<Vec<RecordingProgress>, Refused> {
        self.answer()?;
        let progress = self.recordings.values().map(|recording| RecordingProgress {
            recording: recording.clone(),
            stored_through: self.stored_through(recording.id),
            last_sample: self.newest(recording.id).map(|received| received.block.end()),
            stopped: self.stopped.get(&recording.id).copied(),
        });
        Ok(progress.collect())
    }

    pub(crate) fn blocks_from(
        &self,
        recording: RecordingId,
        from: u32,
        to: u32,
    ) -> Result<Vec<Arc<ReceivedBlock>>, Refused> {
        self.answer()?;
        let blocks = self.blocks.get(&recording);
        Ok(blocks
            .into_iter()
            .flat_map(|blocks| blocks.range(from..=to))
            .flat_map(|(_, copies)| copies.first().cloned())
            .collect())
    }

    pub(crate) fn history(&self, recording: RecordingId) -> Result<History, Refused> {
        let blocks = self.blocks_from(recording, 0, u32::MAX)?;
        let newest_revisions =
            self.findings.range((recording, 0)..=(recording, u32::MAX)).filter_map(|(_, revisions)| revisions.last());
        Ok(History {
            blocks: blocks.iter().map(|received| received.as_ref().clone()).collect(),
            findings: newest_revisions.cloned().collect(),
            baseline_until: self.baseline_until.get(&recording).copied(),
            stopped: self.stopped.contains_key(&recording),
        })
    }

    pub(crate) fn record_analysis(&mut self, id: RecordingId, analysis: &ctg::Analysis) -> Result<(), Refused> {
        self.answer()?;
        for finding in &analysis.findings {
            let revisions = self.findings.entry((id, finding.number)).or_default();
            match revisions.iter().find(|known| known.revision == finding.revision) {
                Some(known) if known != finding => self.clashes += 1,
                Some(_) => {}
                None => revisions.push(finding.clone()),
            }
        }
        let points = analysis.baseline.iter().filter(|point| point.stage == Stage::Final).map(|point| point.at);
        if let Some(newest) = points.max() {
            let known = self.baseline_until.entry(id).or_insert(newest);
            *known = (*known).max(newest);
        }
        Ok(())
    }

    pub(crate) fn record_change(&mut self, change: &AlertChange) -> Result<(), Refused> {
        self.answer()?;
        let alert = &change.alert;
        let stored = self.alerts.get(&alert.id);
        let same_version = stored.map(|stored| stored.version) == change.expected_version
            || self.fault == Some(Fault::VersionsUnchecked);
        let same_hand = stored.map(|stored| stored.changed) == change.expected_changed
            || matches!(self.fault, Some(Fault::VersionsUnchecked | Fault::HandsUnchecked));
        if !(same_version && same_hand) {
            return Err(Refused::Conflict);
        }
        let other_open = self.open_of(&alert.key).is_some_and(|open| open.id != alert.id);
        if alert.is_open() && other_open && self.fault != Some(Fault::KeysUnchecked) {
            return Err(Refused::Conflict);
        }
        self.alerts.insert(alert.id, alert.clone());
        self.log.entry(alert.id).or_default().push((alert.clone(), change.entry.clone()));
        Ok(())
    }

    fn open_of(&self, key: &AlertKey) -> Option<&Alert> {
        self.alerts.values().find(|alert| alert.is_open() && alert.key == *key)
    }

    pub(crate) fn alert(&self, id: AlertId) -> Result<Option<Alert>, Refused> {
        self.answer()?;
        Ok(self.alerts.get(&id).cloned())
    }

    /// The alert that stands in the way of a change.
    pub(crate) fn current(&self, change: &AlertChange) -> Option<Alert> {
        self.alerts.get(&change.alert.id).or_else(|| self.open_of(&change.alert.key)).cloned()
    }

    pub(crate) fn open_alerts(&self) -> Result<Vec<Alert>, Refused> {
        self.answer()?;
        Ok(self.alerts.values().filter(|alert| alert.is_open()).cloned().collect())
    }

    pub(crate) fn closed_alerts(&self) -> Result<Vec<Alert>, Refused> {
        self.answer()?;
        Ok(self.alerts.values().filter(|alert| !alert.is_open()).cloned().collect())
    }

    pub(crate) fn alerts_due(&self, now: Timestamp) -> Result<Vec<Alert>, Refused> {
        let open = self.open_alerts()?;
        Ok(open.into_iter().filter(|alert| alert.deadline.is_some_and(|deadline| deadline <= now)).collect())
    }

    /// Every alert with its history, for the checker: rows after each change beside the lines.
    pub(crate) fn histories(&self) -> impl Iterator<Item = (&Alert, &[(Alert, LogEntry)])> {
        self.alerts.values().map(|alert| (alert, self.log.get(&alert.id).map_or(&[][..], Vec::as_slice)))
    }

    fn newest(&self, recording: RecordingId) -> Option<&Arc<ReceivedBlock>> {
        self.blocks.get(&recording)?.last_key_value()?.1.first()
    }
}
