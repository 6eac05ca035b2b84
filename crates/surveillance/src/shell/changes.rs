//! Saves changes of alerts in the order they were decided, and publishes them; an alert never waits for a disk.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use alerting::{Alert, AlertChange};
use bus::{Bus, News};
use storage::{Store, StoreError};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{error, info, warn};

use super::{Answer, Part, chain};
use crate::metrics::Metrics;
use crate::ward::Decision;

/// Changes that may wait for the store: an hour of escalations of a thousand open alerts.
pub(crate) const CHANGES_MAX: usize = 60_000;
/// A change that is not saved by then is published as not recorded.
const PUBLISH_AFTER: Duration = Duration::from_millis(500);
/// Pauses between attempts to save: short at first, then long enough to leave a struggling store alone.
const RETRY_FIRST: Duration = Duration::from_millis(250);
const RETRY_LONGEST: Duration = Duration::from_secs(2);
/// What waits when the service stops is tried for this long.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// A change on its way into the store.
struct Waiting {
    decision: Decision,
    publish_at: Instant,
    published: bool,
}

type Save = Pin<Box<dyn Future<Output = Saved> + Send>>;

/// What became of an attempt to save.
enum Saved {
    Done,
    Faster(Option<Box<Alert>>),
    Failed(StoreError),
}

/// The queue of changes and where they go.
pub(crate) struct Changes {
    store: Store,
    bus: Bus,
    metrics: Metrics,
    answers: Sender<Answer>,
    queue: VecDeque<Waiting>,
    save: Option<Save>,
    retry_at: Instant,
    pause: Duration,
    failing: bool,
}

impl Changes {
    /// An empty queue.
    pub(crate) fn new(store: Store, bus: Bus, metrics: Metrics, answers: Sender<Answer>) -> Self {
        Self {
            store,
            bus,
            metrics,
            answers,
            queue: VecDeque::new(),
            save: None,
            retry_at: Instant::now(),
            pause: RETRY_FIRST,
            failing: false,
        }
    }

    /// Takes changes until nobody sends any more, then saves what it can.
    pub(crate) async fn run(mut self, mut decisions: Receiver<Decision>) {
        loop {
            self.begin_save();
            let wake = self.next_wake();
            tokio::select! {
                decision = decisions.recv() => match decision {
                    Some(decision) => self.take(decision),
                    None => break,
                },
                saved = saving(&mut self.save) => self.handle_saved(saved).await,
                () = sleep_until(wake), if !self.queue.is_empty() => self.publish_overdue(),
            }
        }
        // Nobody hears answers any more.
        drop(decisions);
        if timeout(STOP_WAIT, self.drain()).await.is_err() {
            error!(count = self.queue.len(), "alert changes not recorded at stop");
        }
    }

    async fn drain(&mut self) {
        while !self.queue.is_empty() {
            self.begin_save();
            if self.save.is_some() {
                let saved = saving(&mut self.save).await;
                self.handle_saved(saved).await;
            } else {
                sleep_until(self.retry_at).await;
            }
        }
    }

    fn take(&mut self, decision: Decision) {
        let publish_at = if self.failing { Instant::now() } else { Instant::now() + PUBLISH_AFTER };
        self.queue.push_back(Waiting { decision, publish_at, published: false });
        if self.queue.len() > CHANGES_MAX {
            // The newest would have no version to stand on: it is shown, and the store keeps what came before.
            if let Some(waiting) = self.queue.pop_back() {
                self.publish(&waiting.decision.change, false);
                self.metrics.changes_lost.inc();
            }
        }
        self.publish_overdue();
    }

    fn begin_save(&mut self) {
        if self.save.is_some() || self.retry_at > Instant::now() {
            return;
        }
        let Some(first) = self.queue.front() else { return };
        let (store, change) = (self.store.clone(), first.decision.change.clone());
        self.save = Some(Box::pin(async move { save(&store, &change).await }));
    }

    fn next_wake(&self) -> Instant {
        let publish = self.queue.iter().find(|waiting| !waiting.published).map(|waiting| waiting.publish_at);
        let retry = self.save.is_none().then_some(self.retry_at);
        [publish, retry].into_iter().flatten().min().unwrap_or_else(Instant::now)
    }

    async fn handle_saved(&mut self, saved: Saved) {
        self.save = None;
        match saved {
            Saved::Done => {
                self.recover().await;
                if let Some(done) = self.queue.pop_front() {
                    self.metrics.changes_saved.inc();
                    self.publish(&done.decision.change, true);
                    log(&done.decision.change);
                }
            }
            Saved::Faster(current) => {
                self.recover().await;
                if let Some(second) = self.queue.pop_front() {
                    self.metrics.changes_conflicting.inc();
                    if let Some(current) = &current {
                        self.bus.publish(News::Alert { alert: Arc::new(Alert::clone(current)), recorded: true });
                    }
                    self.tell(Answer::Conflict(Box::new(second.decision), current)).await;
                }
            }
            Saved::Failed(StoreError::Corrupt(what)) => {
                error!(error = what, "an alert's change cannot be recorded");
                if let Some(waiting) = self.queue.pop_front() {
                    self.metrics.changes_lost.inc();
                    self.publish(&waiting.decision.change, false);
                }
            }
            Saved::Failed(failure @ (StoreError::Unavailable(_) | StoreError::Conflict)) => self.fail(&failure).await,
        }
        let unrecorded = self.queue.iter().filter(|waiting| waiting.published).count();
        self.metrics.changes_unrecorded.set(unrecorded.try_into().unwrap_or(i64::MAX));
    }

    async fn fail(&mut self, failure: &StoreError) {
        if !std::mem::replace(&mut self.failing, true) {
            warn!(error = chain(failure), "alerts are shown but not recorded");
        }
        self.retry_at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(RETRY_LONGEST);
        for waiting in &mut self.queue {
            waiting.publish_at = Instant::now();
        }
        self.publish_overdue();
        self.tell(Answer::Store(Part::Changes, false)).await;
    }

    async fn recover(&mut self) {
        self.pause = RETRY_FIRST;
        if std::mem::replace(&mut self.failing, false) {
            info!("alerts are recorded again");
            self.tell(Answer::Store(Part::Changes, true)).await;
        }
    }

    fn publish_overdue(&mut self) {
        let now = Instant::now();
        let mut queue = std::mem::take(&mut self.queue);
        for waiting in queue.iter_mut().filter(|waiting| !waiting.published && waiting.publish_at <= now) {
            waiting.published = true;
            self.publish(&waiting.decision.change, false);
        }
        self.queue = queue;
    }

    fn publish(&self, change: &AlertChange, recorded: bool) {
        self.bus.publish(News::Alert { alert: Arc::new(change.alert.clone()), recorded });
    }

    async fn tell(&mut self, answer: Answer) {
        // An error means only that the service is stopping.
        let _ = self.answers.send(answer).await;
    }
}

/// The save under way, or for ever nothing.
async fn saving(save: &mut Option<Save>) -> Saved {
    match save {
        Some(save) => save.await,
        None => std::future::pending().await,
    }
}

/// Saves a change. One that was saved in an attempt whose answer got lost counts as saved.
async fn save(store: &Store, change: &AlertChange) -> Saved {
    match store.record_change(change).await {
        Ok(()) => Saved::Done,
        Err(StoreError::Conflict) => match current(store, change).await {
            Ok(Some(current)) if *current == change.alert => Saved::Done,
            Ok(current) => Saved::Faster(current),
            Err(error) => Saved::Failed(error),
        },
        Err(error) => Saved::Failed(error),
    }
}

/// The alert that stands in the way of a change: the same one, or another of its key.
async fn current(store: &Store, change: &AlertChange) -> Result<Option<Box<Alert>>, StoreError> {
    let same = store.alert(change.alert.id).await?.map(Box::new);
    if same.is_some() {
        return Ok(same);
    }
    let open = store.open_alerts().await?;
    Ok(open.into_iter().find(|alert| alert.key == change.alert.key).map(Box::new))
}

fn log(change: &AlertChange) {
    info!(
        alert.id = %change.alert.id,
        alert.condition = change.alert.key.condition.code(),
        alert.priority = change.alert.priority.code(),
        alert.step = change.alert.step,
        device.id = change.alert.key.device.as_ref().map(tracing::field::display),
        "alert {}",
        change.entry.kind.code(),
    );
}
