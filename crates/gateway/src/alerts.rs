//! What persons and screens do about alerts: reload, decide, save over the version decided on, tell everybody.

use alerting::{AlertEvent, AlertId, Policy, Refusal, decide};
use bus::{Bus, News};
use ctg::Timestamp;
use std::sync::Arc;
use storage::{Store, StoreError};
use wire::viewer::Refused;

/// Times that a decision is made anew because somebody else was faster.
const CONFLICTS_MAX: u32 = 8;

/// Does to one alert what a person or a screen asks for. Nothing new to say is no refusal.
pub(crate) async fn act(
    store: &Store,
    bus: &Bus,
    policy: &Policy,
    id: AlertId,
    event: &AlertEvent,
    now: Timestamp,
) -> Result<(), Refused> {
    for _ in 0..CONFLICTS_MAX {
        let alert = store.alert(id).await.map_err(|error| unavailable(&error))?;
        let Some(change) = decide(alert.as_ref(), event, now, policy).map_err(|refusal| refused(&refusal))? else {
            return Ok(());
        };
        match store.record_change(&change).await {
            Ok(()) => {
                bus.publish(News::Alert { alert: Arc::new(change.alert), recorded: true });
                return Ok(());
            }
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(unavailable(&error)),
        }
    }
    Err(unavailable(&StoreError::Conflict))
}

fn unavailable(error: &StoreError) -> Refused {
    tracing::warn!(error = %error, "an answer to an alert could not be saved");
    let detail = "the service could not save this now: try again, and act by telephone meanwhile".to_owned();
    Refused { reason: "unavailable", by: None, detail }
}

fn refused(refusal: &Refusal) -> Refused {
    let (reason, by) = match refusal {
        Refusal::Unknown => ("unknown_alert", None),
        Refusal::Closed { by } => ("already_resolved", by.as_ref()),
        Refusal::Superseded { owner } => ("superseded", owner.as_ref()),
        Refusal::Taken { owner } => ("already_acknowledged", Some(owner)),
        Refusal::NotAcknowledged => ("not_acknowledged", None),
        Refusal::Nameless => ("nameless", None),
        Refusal::NoteTooLong => ("note_too_long", None),
    };
    Refused { reason, by: by.map(|person| person.0.clone()), detail: refusal.to_string() }
}
