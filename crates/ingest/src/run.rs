use std::time::{SystemTime, UNIX_EPOCH};

use bus::Bus;
use ctg::Timestamp;
use storage::Store;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::mqtt::{Item, Link, Outgoing, Settled};
use crate::store::{Committer, Keeper, Note};

/// Lots between intake and commit: one is committed while the next one is collected.
const LOTS_MAX: usize = 1;

/// Answers between commit and intake: more than lots can be under way.
const SETTLED_MAX: usize = 4;

/// Notes between commit and watermarks, of a thousand blocks each.
const NOTES_MAX: usize = 16;

/// Messages that wait to be written to the broker.
const OUTGOING_MAX: usize = 1024;

/// Why the intake ended without being told to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of its tasks failed; start it again.
    #[error("a task of the intake failed")]
    Task,
}

/// The ends of the channels at which the link to the broker sits.
pub(crate) struct Ends {
    pub(crate) lots: mpsc::Sender<Vec<Item>>,
    pub(crate) settled: mpsc::Receiver<Settled>,
    pub(crate) outgoing: mpsc::Receiver<Outgoing>,
}

/// Takes packets in until `stop`; then what was received is committed and acknowledged, if the store lets it.
///
/// # Errors
/// When it cannot go on; nothing that was acknowledged is lost, and it may be started again.
pub async fn run(
    config: Config,
    bus: Bus,
    store: Store,
    metrics: Metrics,
    health: watch::Sender<Health>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let (lots, lots_end) = mpsc::channel::<Vec<Item>>(LOTS_MAX);
    let (settled, settled_end) = mpsc::channel::<Settled>(SETTLED_MAX);
    let (notes, notes_end) = mpsc::channel::<Note>(NOTES_MAX);
    let (outgoing, outgoing_end) = mpsc::channel::<Outgoing>(OUTGOING_MAX);
    let mut tasks = JoinSet::new();
    let committer = Committer {
        store: store.clone(),
        metrics: metrics.clone(),
        health: health.clone(),
        settled,
        notes,
        outgoing: outgoing.clone(),
    };
    tasks.spawn(committer.run(lots_end));
    tasks.spawn(Keeper::new(store, metrics.clone(), outgoing).run(notes_end));
    let ends = Ends { lots, settled: settled_end, outgoing: outgoing_end };
    let link = Link::new(&config, bus, metrics, health);
    tokio::select! {
        () = link.run(ends, stop.clone()) => Ok(()),
        () = failure(&mut tasks, &stop) => Err(Error::Task),
    }
}

/// Waits for a task that ends although nobody told it to.
async fn failure(tasks: &mut JoinSet<()>, stop: &CancellationToken) {
    if let Some(Err(error)) = tasks.join_next().await {
        tracing::error!(%error, "task of the intake failed");
    }
    if stop.is_cancelled() {
        std::future::pending::<()>().await;
    }
}

/// The service's clock.
pub(crate) fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
}
