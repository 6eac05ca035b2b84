//! Saves what the analysis learned, many recordings in one commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ctg::{Analysis, BaselinePoint, RecordingId, Stage};
use storage::{Store, StoreError};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{info, warn};

use super::{Answer, Part, chain, now};
use crate::metrics::Metrics;

/// Analyses that may wait to be handed over: 2 s of 20,000 recordings.
pub(crate) const ANALYSES_MAX: usize = 40_000;
/// Recordings whose analyses may wait for the store; the samples give the rest again.
const RECORDINGS_MAX: usize = 40_000;
/// Findings and baseline points of one recording that may wait for the store: an hour of them.
const ITEMS_MAX: usize = 8_000;
/// Time between commits.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// Commits without findings wait until a recording has this many baseline points: fewer writes of the same minute.
const POINTS_WORTH_A_COMMIT: usize = 15;
/// Recordings in one commit; more would hold up the writers of samples.
const BATCH_MAX: usize = 500;
/// Attempts to save an analysis whose recording the store does not know yet, one per commit.
const ATTEMPTS_MAX: u8 = 30;
/// What waits when the service stops is tried for this long.
const STOP_WAIT: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Waiting {
    analysis: Analysis,
    attempts: u8,
}

/// Analyses on their way into the store.
pub(crate) struct Analyses {
    store: Store,
    metrics: Metrics,
    answers: Sender<Answer>,
    waiting: BTreeMap<RecordingId, Waiting>,
    failing: bool,
}

impl Analyses {
    /// Nothing waits.
    pub(crate) fn new(store: Store, metrics: Metrics, answers: Sender<Answer>) -> Self {
        Self { store, metrics, answers, waiting: BTreeMap::new(), failing: false }
    }

    /// Takes analyses until nobody sends any more, then saves what it can.
    pub(crate) async fn run(mut self, mut learned: Receiver<(RecordingId, Arc<Analysis>)>) {
        let mut commits = interval(COMMIT_EVERY);
        commits.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                next = learned.recv() => match next {
                    Some((recording, analysis)) => self.take(recording, &analysis),
                    None => break,
                },
                _ = commits.tick() => self.save(POINTS_WORTH_A_COMMIT).await,
            }
        }
        if timeout(STOP_WAIT, self.save(0)).await.is_err() {
            warn!(
                count = self.waiting.len(),
                "analyses not saved at stop: they follow from the samples at the next start"
            );
        }
    }

    fn take(&mut self, recording: RecordingId, analysis: &Analysis) {
        let is_full = self.waiting.len() >= RECORDINGS_MAX && !self.waiting.contains_key(&recording);
        let points = analysis.baseline.iter().filter(|point| point.stage == Stage::Final);
        if is_full || (analysis.findings.is_empty() && points.clone().next().is_none()) {
            self.metrics.analyses_lost.inc_by(u64::from(is_full));
            return;
        }
        let waiting = &mut self.waiting.entry(recording).or_default().analysis;
        if waiting.findings.len() + waiting.baseline.len() >= ITEMS_MAX {
            self.metrics.analyses_lost.inc();
            return;
        }
        waiting.findings.extend(analysis.findings.iter().cloned());
        waiting.baseline.extend(points.copied());
    }

    async fn save(&mut self, points_min: usize) {
        let is_worth = |(_, waiting): &(&RecordingId, &Waiting)| {
            !waiting.analysis.findings.is_empty() || points(&waiting.analysis) >= points_min
        };
        let due: Vec<RecordingId> = self.waiting.iter().filter(is_worth).map(|(recording, _)| *recording).collect();
        for batch in due.chunks(BATCH_MAX) {
            let outcome = self.save_batch(batch).await;
            let stop = matches!(outcome, Err(StoreError::Unavailable(_)));
            self.note(outcome.err()).await;
            if stop {
                break;
            }
        }
        self.metrics.analyses_waiting.set(self.waiting.len().try_into().unwrap_or(i64::MAX));
    }

    async fn save_batch(&mut self, batch: &[RecordingId]) -> Result<(), StoreError> {
        let together: Vec<(RecordingId, &Analysis)> =
            batch.iter().filter_map(|id| self.waiting.get(id).map(|waiting| (*id, &waiting.analysis))).collect();
        match self.store.record_analyses(&together, now()).await {
            Ok(()) => {
                for recording in batch {
                    self.waiting.remove(recording);
                }
                Ok(())
            }
            Err(StoreError::Conflict) => self.save_one_by_one(batch).await,
            Err(error) => Err(error),
        }
    }

    /// One of a batch was refused: each is tried alone.
    async fn save_one_by_one(&mut self, batch: &[RecordingId]) -> Result<(), StoreError> {
        for recording in batch {
            let Some(waiting) = self.waiting.get_mut(recording) else { continue };
            match self.store.record_analysis(*recording, &waiting.analysis, now()).await {
                Ok(()) => {
                    self.waiting.remove(recording);
                }
                // The first blocks may be on their way into the store still.
                Err(StoreError::Conflict) if waiting.attempts < ATTEMPTS_MAX => waiting.attempts += 1,
                Err(StoreError::Conflict) => {
                    warn!(recording.id = %recording, "an analysis was refused by the store");
                    self.metrics.analyses_lost.inc();
                    self.waiting.remove(recording);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn note(&mut self, error: Option<StoreError>) {
        let failing = error.is_some();
        if std::mem::replace(&mut self.failing, failing) != failing {
            match error {
                Some(error) => warn!(error = chain(&error), "analyses are shown but not saved"),
                None => info!("analyses are saved again"),
            }
        } else if !failing {
            return;
        }
        // An error means only that the service is stopping.
        let _ = self.answers.send(Answer::Store(Part::Analyses, !failing)).await;
    }
}

fn points(analysis: &Analysis) -> usize {
    let counts = |point: &&BaselinePoint| point.stage == Stage::Final;
    analysis.baseline.iter().filter(counts).count()
}
