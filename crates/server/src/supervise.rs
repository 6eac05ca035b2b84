//! Keeps roles running: a role that ends before it was asked to is started again.

use std::time::Duration;

use prometheus::IntCounterVec;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Pause before a role is started again the first time.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause: a role that cannot run is tried again this often for ever, since devices wait for it.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A role that ran this long is healthy: the next pause is short again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// A role's work from its start to its end.
pub(crate) type Work = JoinHandle<anyhow::Result<()>>;

/// Runs a role until `stop`; whatever else ends it, a panic included, starts it again.
pub(crate) fn supervise(
    role: &'static str,
    restarts: IntCounterVec,
    stop: CancellationToken,
    mut start: impl FnMut(CancellationToken) -> Work + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut pause = PAUSE_MIN;
        loop {
            let started = tokio::time::Instant::now();
            let ended = start(stop.clone()).await;
            if stop.is_cancelled() {
                report_last(role, ended);
                return;
            }
            restarts.with_label_values(&[role]).inc();
            pause = if started.elapsed() >= HEALTHY_AFTER { PAUSE_MIN } else { pause };
            report(role, ended, pause);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    })
}

fn report(role: &str, ended: Result<anyhow::Result<()>, tokio::task::JoinError>, pause: Duration) {
    let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    match ended {
        Ok(Ok(())) => tracing::error!(role, pause_ms, "role ended by itself; starting it again"),
        Ok(Err(error)) => {
            tracing::error!(role, pause_ms, error = format!("{error:#}"), "role failed; starting it again");
        }
        Err(panic) => tracing::error!(role, pause_ms, error = %panic, "role panicked; starting it again"),
    }
}

fn report_last(role: &str, ended: Result<anyhow::Result<()>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => tracing::info!(role, "role stopped"),
        Ok(Err(error)) => tracing::warn!(role, error = format!("{error:#}"), "role failed while stopping"),
        Err(panic) => tracing::error!(role, error = %panic, "role panicked while stopping"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use prometheus::Opts;

    use super::*;

    fn counter() -> IntCounterVec {
        IntCounterVec::new(Opts::new("restarts", "test"), &["role"]).unwrap()
    }

    #[tokio::test]
    async fn a_role_that_fails_or_panics_is_started_again() {
        let (stop, starts, restarts) = (CancellationToken::new(), Arc::new(AtomicU32::new(0)), counter());
        let (counted, last) = (starts.clone(), stop.clone());
        let supervised = supervise("role", restarts.clone(), stop, move |stop| {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            let last = last.clone();
            tokio::spawn(async move {
                match number {
                    0 => anyhow::bail!("broken"),
                    1 => panic!("worse"),
                    _ => last.cancel(),
                }
                stop.cancelled().await;
                Ok(())
            })
        });
        supervised.await.unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), 3);
        assert_eq!(restarts.with_label_values(&["role"]).get(), 2);
    }
}
