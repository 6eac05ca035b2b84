use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use alerting::AlertKey;
use ctg::{Analysis, Finding, ReceivedBlock, Recording, SampleBlock, Stage, Timestamp};
use signal::{Analyzer, Settings};

use super::arrivals::Arrivals;

/// Live blocks kept while the past of a recording is being read; more are read from the store afterwards.
const WAITING_MAX: usize = 64;
/// Findings whose last revision is remembered; more than a replay window holds of one recording.
const REVISIONS_MAX: usize = 1024;
/// Panics after which the analysis of a recording is given up: the next blocks would only repeat them.
const PANICS_MAX: u8 = 3;

/// One recording under surveillance.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) recording: Recording,
    pub(crate) arrivals: Arrivals,
    analyzer: Option<Analyzer>,
    panics: u8,
    /// Live blocks while the past is being read; `None` when it is known.
    waiting: Option<BTreeMap<u32, Arc<ReceivedBlock>>>,
    /// Last revision of each finding as stored; an analyzer that was rebuilt counts from 0 again.
    revisions: BTreeMap<u32, u16>,
    /// Findings that keep a condition up, by their number.
    pub(crate) holding: BTreeMap<u32, AlertKey>,
    /// Conditions that will count as ended.
    pub(crate) clears: BTreeMap<AlertKey, Timestamp>,
    /// When the alert of silence last began to count, by the service's clock; `None` if it is not to be heard of.
    pub(crate) silent_since: Option<Timestamp>,
    /// Levels of silence that were alarmed.
    pub(crate) silence_level: usize,
    /// An alert of silence may be open.
    pub(crate) silence_open: bool,
    /// When the store is to be asked for a missing block.
    pub(crate) ask_at: Option<Timestamp>,
    /// When the past is to be read anew.
    pub(crate) rebuild_at: Option<Timestamp>,
    /// When the past was read last.
    pub(crate) rebuilt: Option<Timestamp>,
    /// No live block is to come: it was stopped, or its device began another recording.
    pub(crate) stopped: bool,
    /// When it ends for want of blocks.
    pub(crate) finish_at: Timestamp,
    pub(crate) finished: bool,
    /// The moment for which a timer is set.
    pub(crate) timer: Option<Timestamp>,
}

/// An analysis that panicked; the analyzer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

impl Bed {
    /// A recording whose past is empty, or, while `analyzer` is `None`, not known yet.
    pub(crate) fn new(recording: Recording, analyzer: Option<Analyzer>, finish_at: Timestamp) -> Self {
        Self {
            recording,
            arrivals: Arrivals::default(),
            analyzer,
            panics: 0,
            waiting: None,
            revisions: BTreeMap::new(),
            holding: BTreeMap::new(),
            clears: BTreeMap::new(),
            silent_since: None,
            silence_level: 0,
            silence_open: true,
            ask_at: None,
            rebuild_at: None,
            rebuilt: None,
            stopped: false,
            finish_at,
            finished: false,
            timer: None,
        }
    }

    /// Begins to wait for the recording's past.
    pub(crate) fn await_history(&mut self) {
        self.waiting.get_or_insert_with(BTreeMap::new);
        self.rebuild_at = None;
    }

    /// True while the past is being read.
    pub(crate) fn awaits_history(&self) -> bool {
        self.waiting.is_some()
    }

    /// True if the analysis failed and has not begun again.
    pub(crate) fn has_failed(&self) -> bool {
        self.analyzer.is_none() && self.panics > 0
    }

    /// True if what the analysis says rests on all that is known of the recording.
    pub(crate) fn knows_its_past(&self) -> bool {
        self.waiting.is_none() && self.rebuild_at.is_none() && self.analyzer.is_some()
    }

    /// True if its device is not silent: it is heard of in time, or is not to be heard of.
    pub(crate) fn is_heard(&self, now: Timestamp, silence_after_s: u32) -> bool {
        let in_time = |since: Timestamp| now < since.plus_seconds(i64::from(silence_after_s));
        self.stopped || (self.silence_level == 0 && self.silent_since.is_some_and(in_time))
    }

    /// Keeps a live block for when the past is known.
    pub(crate) fn keep_waiting(&mut self, received: &Arc<ReceivedBlock>) {
        if let Some(waiting) = &mut self.waiting {
            waiting.insert(received.block.sequence, received.clone());
            if waiting.len() > WAITING_MAX {
                waiting.pop_first();
            }
        }
    }

    /// Begins the analysis with an empty past, if it has not begun; false if there is nothing to begin.
    pub(crate) fn start_without_history(&mut self, settings: &Settings) -> bool {
        let may_start = self.analyzer.is_none() && self.panics == 0;
        if may_start {
            self.analyzer = Some(Analyzer::new(&self.recording, settings));
        }
        may_start
    }

    /// The blocks that came while the past was being read.
    pub(crate) fn take_waiting(&mut self) -> Vec<Arc<ReceivedBlock>> {
        self.waiting.take().unwrap_or_default().into_values().collect()
    }

    /// True if blocks came that the analyzer did not take, because they came too late for it.
    pub(crate) fn missed_late_blocks(&self, before: u64) -> bool {
        self.analyzer.as_ref().is_some_and(|analyzer| analyzer.late_blocks() > before)
    }

    /// Blocks that the analyzer did not take so far.
    pub(crate) fn late_blocks(&self) -> u64 {
        self.analyzer.as_ref().map_or(0, Analyzer::late_blocks)
    }

    /// Analyzes one block.
    pub(crate) fn push(&mut self, block: &SampleBlock) -> Result<Analysis, Panicked> {
        self.guarded(|analyzer| analyzer.push(block))
    }

    /// Tells the analysis that nothing came until a moment of the device's clock.
    pub(crate) fn push_silence(&mut self, until: Timestamp) -> Result<Analysis, Panicked> {
        self.guarded(|analyzer| analyzer.handle_silence(until))
    }

    /// Ends the analysis.
    pub(crate) fn finish(&mut self) -> Result<Analysis, Panicked> {
        self.finished = true;
        self.guarded(Analyzer::finish)
    }

    /// Runs a step of the analysis; a panic is held to this recording, whose analyzer is then gone.
    pub(crate) fn guarded(&mut self, step: impl FnOnce(&mut Analyzer) -> Analysis) -> Result<Analysis, Panicked> {
        let mut analysis = self.attempt(step)?;
        self.number_revisions(&mut analysis.findings);
        Ok(analysis)
    }

    /// False once the analysis panicked so often that it is given up.
    pub(crate) fn may_rebuild(&self) -> bool {
        self.panics < PANICS_MAX
    }

    /// Builds the analysis anew from blocks in order of sequence. Gives what it knows at the end: the newest revision
    /// of each finding that differs from the stored one, and final baseline points.
    pub(crate) fn replay<'a>(
        &mut self,
        blocks: impl IntoIterator<Item = &'a SampleBlock>,
        stored: &[Finding],
        settings: &Settings,
    ) -> Result<(Analysis, Vec<Finding>), Panicked> {
        self.analyzer = Some(Analyzer::new(&self.recording, settings));
        let mut learned = Analysis::default();
        let mut newest: BTreeMap<u32, Finding> = BTreeMap::new();
        for block in blocks {
            // The revisions of a replay are no news: they are numbered at its end.
            let analysis = self.attempt(|analyzer| analyzer.push(block))?;
            newest.extend(analysis.findings.into_iter().map(|finding| (finding.number, finding)));
            learned.baseline.extend(analysis.baseline.into_iter().filter(|point| point.stage == Stage::Final));
            if !analysis.numerics.is_empty() {
                learned.numerics = analysis.numerics;
            }
        }
        for finding in stored {
            // Live revisions may have been made since the store was read.
            let last = self.revisions.entry(finding.number).or_insert(finding.revision);
            *last = finding.revision.max(*last);
        }
        let mut known: Vec<Finding> = newest.into_values().collect();
        learned.findings = differing(&known, stored);
        self.number_revisions(&mut learned.findings);
        known.retain(|finding| finding.stage != Stage::Withdrawn);
        Ok((learned, known))
    }

    /// The earliest moment at which something is due.
    pub(crate) fn next_timeout(&self, silence_due: Option<Timestamp>) -> Option<Timestamp> {
        let finish = (!self.finished).then_some(self.finish_at);
        let clear = self.clears.values().min().copied();
        [silence_due, self.ask_at, self.rebuild_at, finish, clear].into_iter().flatten().min()
    }

    fn attempt(&mut self, step: impl FnOnce(&mut Analyzer) -> Analysis) -> Result<Analysis, Panicked> {
        let Some(analyzer) = &mut self.analyzer else { return Ok(Analysis::default()) };
        // The analyzer is dropped after a panic, so nobody sees it half changed.
        catch_unwind(AssertUnwindSafe(|| step(analyzer))).map_err(|_| {
            self.analyzer = None;
            self.panics = self.panics.saturating_add(1);
            Panicked
        })
    }

    fn number_revisions(&mut self, findings: &mut [Finding]) {
        for finding in findings {
            let next = self.revisions.get(&finding.number).map_or(0, |last| last.saturating_add(1));
            finding.revision = next;
            self.revisions.insert(finding.number, next);
            // The lowest number is the oldest onset.
            if self.revisions.len() > REVISIONS_MAX {
                self.revisions.pop_first();
            }
        }
    }
}

/// What a replay knows otherwise than the store: changed or new findings, and stored ones that it does not make again.
fn differing(known: &[Finding], stored: &[Finding]) -> Vec<Finding> {
    let by_number: BTreeMap<u32, &Finding> = known.iter().map(|finding| (finding.number, finding)).collect();
    let stored_by_number: BTreeMap<u32, &Finding> = stored.iter().map(|finding| (finding.number, finding)).collect();
    let is_stored =
        |finding: &Finding| stored_by_number.get(&finding.number).is_some_and(|stored| same_content(finding, stored));
    let changed = known.iter().filter(|finding| !is_stored(finding)).cloned();
    let gone = stored.iter().filter(|finding| finding.ongoing && !by_number.contains_key(&finding.number)).map(ended);
    changed.chain(gone).collect()
}

fn same_content(one: &Finding, other: &Finding) -> bool {
    Finding { revision: other.revision, known_until: other.known_until, ..one.clone() } == *other
}

/// A stored finding that was going on when the process stopped and that the samples do not show again: silence ended
/// with the next block, anything else rested on what was known then.
fn ended(finding: &Finding) -> Finding {
    let silence = finding.kind == ctg::FindingKind::CommunicationLoss;
    let stage = if silence { Stage::Final } else { Stage::Withdrawn };
    Finding { ongoing: false, stage, ..finding.clone() }
}
