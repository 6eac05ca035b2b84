use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alerting::Policy;
use bus::{Bus, Next, Subscription};
use ctg::Timestamp;
use prometheus::Registry;
use storage::{SecretDigest, Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::access::{self, Access, AccessCode, Session};
use crate::board::Board;
use crate::metrics::Metrics;
use crate::page::Page;

/// Time between readings of devices and open alerts: what a lost piece of news can cost.
const REREAD_EVERY: Duration = Duration::from_secs(2);

/// What the gateway needs to know; the server fills it from its configuration.
pub struct Config {
    /// The code that opens a session, at least 22 random characters; made by the server at its first start.
    pub access_code: String,
    /// Further origins (`https://station.example`) under which a proxy serves the page.
    pub origins: Vec<String>,
    /// True if browsers reach the service through TLS: cookies are then sent only so.
    pub tls: bool,
    /// Version of the service, for the page.
    pub service: String,
    /// A block that arrives later than this after its last sample is shown as late, s.
    pub late_after_s: u32,
    /// The policy under which answers to alerts are decided.
    pub policy: Policy,
    /// What is not ready yet or any more, in words; empty when the service can do its work.
    pub unready: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
}

/// Why the gateway could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The access code is too weak.
    #[error("access code too short: give at least 22 characters that were made at random")]
    AccessCode,
    /// A metric is registered already.
    #[error("metrics cannot be registered: run one gateway per registry")]
    Metrics(#[from] prometheus::Error),
    /// The listener failed.
    #[error("listener failed")]
    Listener(#[source] std::io::Error),
}

/// Everything that connections share.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) all_metrics: Registry,
    pub(crate) metrics: Metrics,
    pub(crate) page: Page,
    /// Changes whenever queues may have been filled.
    pub(crate) filled: watch::Sender<()>,
    pub(crate) stop: CancellationToken,
    board: Mutex<Board>,
    access: Mutex<Access>,
}

impl App {
    /// The board, for a moment; never held while waiting.
    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sessions, for a moment.
    pub(crate) fn access(&self) -> MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a session over restarts; if the store cannot, the session lasts until the next one.
    pub(crate) async fn keep_session(&self, session: Session) {
        let Session { key, person, opened } = session;
        let session = storage::Session { token: SecretDigest(key), person, opened };
        if let Err(error) = self.store.put_session(&session, access::expired_before(opened)).await {
            tracing::warn!(error = %error, "a session will not outlive the service: people must log in again then");
        }
    }

    /// Takes over the sessions of an earlier life, so that no monitoring screen is logged out.
    async fn restore_sessions(&self) -> Result<(), StoreError> {
        let kept = self.store.sessions().await?.into_iter();
        let sessions = kept.map(|kept| Session { key: kept.token.0, person: kept.person, opened: kept.opened });
        self.access().restore(sessions);
        Ok(())
    }

    /// Reads open alerts and devices again, and tells viewers what changed.
    pub(crate) async fn reread(&self) -> Result<(), StoreError> {
        let devices = self.store.devices().await?.into_iter().map(|(device, _)| device).collect();
        let open = self.store.open_alerts().await?;
        let vanished = {
            let mut board = self.board();
            board.handle_devices(devices);
            board.handle_open_alerts(&open)
        };
        for id in vanished {
            match self.store.alert(id).await? {
                Some(alert) => self.board().handle_alert(&alert, true),
                None => self.board().forget_alert(id),
            }
        }
        self.filled.send_replace(());
        Ok(())
    }
}

/// Serves the page and its viewers until `stop`; `/metrics` shows `all_metrics`, its own go into `own_metrics`.
///
/// # Errors
/// If the access code is too weak, metrics are registered twice, or the listener fails.
pub async fn run(
    config: Config,
    listener: TcpListener,
    store: Store,
    bus: Bus,
    all_metrics: Registry,
    own_metrics: Registry,
    stop: CancellationToken,
) -> Result<(), Error> {
    let subscription = bus.subscribe();
    let app = Arc::new(App {
        board: Mutex::new(Board::new(config.late_after_s)),
        access: Mutex::new(Access::new(AccessCode::new(&config.access_code).map_err(|_| Error::AccessCode)?)),
        metrics: Metrics::new(&own_metrics)?,
        page: Page::built_in(),
        filled: watch::Sender::new(()),
        stop: stop.clone(),
        config,
        store,
        bus,
        all_metrics,
    });
    let restored = app.restore_sessions().await.is_ok();
    let router = crate::http::router(Arc::clone(&app)).into_make_service_with_connect_info::<SocketAddr>();
    let serve = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let (served, (), ()) = tokio::join!(
        async { serve.await.map_err(Error::Listener) },
        follow(&app, subscription),
        reread(&app, restored)
    );
    served
}

/// Takes over news, in order, until the bus or the service ends.
async fn follow(app: &App, mut subscription: Subscription) {
    loop {
        let next = tokio::select! {
            () = app.stop.cancelled() => return,
            next = subscription.next() => next,
        };
        match next {
            Next::News(news) => app.board().handle_news(&news, now()),
            Next::Missed(count) => {
                tracing::warn!(news.missed = count, "gateway was too slow for the bus: viewers are caught up");
                app.board().handle_missed(count);
            }
            Next::Closed => return,
        }
        app.filled.send_replace(());
    }
}

async fn reread(app: &App, mut restored: bool) {
    let mut every = tokio::time::interval(REREAD_EVERY);
    let mut failing = false;
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = every.tick() => {}
        }
        app.board().handle_timeout(now());
        restored = restored || app.restore_sessions().await.is_ok();
        let result = app.reread().await;
        match (&result, failing) {
            (Err(error), false) => tracing::warn!(error = %error, "open alerts cannot be read: live news goes on"),
            (Ok(()), true) => tracing::info!("open alerts can be read again"),
            (Err(_), true) | (Ok(()), false) => {}
        }
        failing = result.is_err();
    }
}

/// The service's clock.
pub(crate) fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
}
