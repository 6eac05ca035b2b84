//! Alerts whose deadline has passed, whoever raised them, from the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alerting::{Alert, AlertEvent, AlertId, Policy, decide};
use ctg::Timestamp;
use storage::Store;
use tokio::sync::mpsc::Sender;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::shell::{Answer, Part, chain, now};
use crate::ward::Decision;

/// Time between looks at the store: what an escalation can be late by.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Alerts escalated at one look; the rest follows at the next.
const DUE_MAX: u32 = 1000;

/// Decides what the passing of deadlines means for alerts, and skips those whose decision is still on its way.
#[derive(Debug, Default)]
pub struct Escalation {
    decided: BTreeMap<AlertId, u32>,
}

impl Escalation {
    /// The decisions for the alerts that are due at `now`.
    pub fn escalate(&mut self, due: &[Alert], now: Timestamp, policy: &Policy) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for alert in due.iter().filter(|alert| self.decided.get(&alert.id) != Some(&alert.version)) {
            let event = AlertEvent::Deadline;
            // Deadlines are refused only for want of an alert.
            if let Some(change) = decide(Some(alert), &event, now, policy).ok().flatten() {
                decisions.push(Decision { event, change });
            }
        }
        self.decided = due.iter().map(|alert| (alert.id, alert.version)).collect();
        decisions
    }
}

/// Looks every second until `stop`.
pub(crate) async fn run(
    store: Store,
    policy: Arc<Policy>,
    decisions: Sender<Decision>,
    answers: Sender<Answer>,
    stop: CancellationToken,
) {
    let mut escalation = Escalation::default();
    let mut failing = false;
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        let now = now();
        let due = store.alerts_due(now, DUE_MAX).await;
        if due.is_err() != failing {
            failing = due.is_err();
            // An error means only that the service is stopping.
            let _ = answers.send(Answer::Store(Part::Reads, !failing)).await;
        }
        match due {
            Ok(due) => {
                for decision in escalation.escalate(&due, now, &policy) {
                    if decisions.send(decision).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => warn!(error = chain(&error), "the store does not tell which alerts are due"),
        }
    }
}
