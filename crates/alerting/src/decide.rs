use ctg::Timestamp;

use crate::{Alert, AlertChange, AlertId, AlertState, Ladder, LogEntry, LogKind, Person, Policy, Raise};

/// Most characters of what a person writes when closing an alert.
pub const NOTE_LENGTH_MAX: usize = 500;

/// Something that may change an alert.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertEvent {
    /// The condition was detected, for the first time or again.
    Raise {
        /// What was detected.
        raise: Raise,
        /// The name that a new alert would get: 16 random bytes.
        id: AlertId,
    },
    /// The condition ended.
    Clear,
    /// A screen shows the alert.
    Present {
        /// Which screen.
        station: String,
        /// The version that it shows.
        version: u32,
    },
    /// A person answers for it.
    Acknowledge {
        /// Who.
        by: Person,
        /// The version that the person saw.
        version: u32,
    },
    /// A person closes it.
    Resolve {
        /// Who.
        by: Person,
        /// The version that the person saw.
        version: u32,
        /// What the person found or did.
        note: Option<String>,
    },
    /// Time passed; something happens only once the alert's deadline is reached.
    Deadline,
}

/// Why a person's action does not count, as a value to show to that person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such alert.
    #[error("there is no such alert")]
    Unknown,
    /// It is closed.
    #[error("the alert is closed already")]
    Closed {
        /// Who closed it; `None` if a technical alert closed by itself.
        by: Option<Person>,
    },
    /// It got worse, or an answer ran out, since the version that the person saw: look again.
    #[error("the alert changed since it was shown: look at it again")]
    Superseded {
        /// Who answers for it now, if anybody.
        owner: Option<Person>,
    },
    /// Somebody else answers for it.
    #[error("somebody else answers for the alert")]
    Taken {
        /// Who.
        owner: Person,
    },
    /// It can be closed only by who answers for it: acknowledge it first.
    #[error("acknowledge the alert before closing it")]
    NotAcknowledged,
    /// Nobody may act without a name.
    #[error("a person must have a name")]
    Nameless,
    /// The note is longer than [`NOTE_LENGTH_MAX`].
    #[error("a note may have at most 500 characters")]
    NoteTooLong,
}

/// Decides what an event means for an alert; `alert` is the open alert of the key, or `None`.
///
/// `Ok(None)` means that nothing changes: the event tells nothing new. The alert is changed nowhere else; what
/// is decided counts once it is saved over the version that it was decided on. `now` is the service's clock.
///
/// # Errors
/// Why a person's action does not count. Events of the service itself are never refused, except for want of an
/// alert.
pub fn decide(
    alert: Option<&Alert>,
    event: &AlertEvent,
    now: Timestamp,
    policy: &Policy,
) -> Result<Option<AlertChange>, Refusal> {
    let open = alert.filter(|alert| alert.is_open());
    match (event, open, alert) {
        (AlertEvent::Raise { raise, id }, None, _) => Ok(Some(first(raise, *id, now, policy))),
        (AlertEvent::Raise { raise, .. }, Some(open), _) => Ok(again(open, raise, now, policy)),
        (_, None, None) => Err(Refusal::Unknown),
        (AlertEvent::Clear | AlertEvent::Present { .. } | AlertEvent::Deadline, None, Some(_)) => Ok(None),
        (AlertEvent::Acknowledge { .. } | AlertEvent::Resolve { .. }, None, Some(closed)) => {
            Err(Refusal::Closed { by: closed.owner.clone() })
        }
        (AlertEvent::Clear, Some(open), _) => Ok(clear(open, now, policy)),
        (AlertEvent::Present { station, version }, Some(open), _) => Ok(present(open, station, *version, now, policy)),
        (AlertEvent::Acknowledge { by, version }, Some(open), _) => acknowledge(open, by, *version, now, policy),
        (AlertEvent::Resolve { by, version, note }, Some(open), _) => {
            resolve(open, by, *version, note.as_deref(), now).map(Some)
        }
        (AlertEvent::Deadline, Some(open), _) => Ok(escalate(open, now, policy)),
    }
}

/// The earliest moment at which one of these alerts needs [`AlertEvent::Deadline`].
pub fn next_deadline<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> Option<Timestamp> {
    alerts.into_iter().filter_map(|alert| alert.deadline).min()
}

fn first(raise: &Raise, id: AlertId, now: Timestamp, policy: &Policy) -> AlertChange {
    let ladder = policy.ladders.of(raise.priority);
    let alert = Alert {
        id,
        key: raise.key.clone(),
        priority: raise.priority,
        state: AlertState::Raised,
        step: 0,
        generation: 1,
        version: 1,
        cleared: None,
        late: raise.late,
        episodes: 1,
        raised: now,
        changed: now,
        deadline: Some(after(now, first_wait_s(ladder, 0))),
        owner: None,
        evidence: raise.evidence.clone(),
    };
    let entry = entry(&alert, LogKind::Raised, None, None);
    AlertChange { expected_version: None, expected_changed: None, alert, entry }
}

fn again(open: &Alert, raise: &Raise, now: Timestamp, policy: &Policy) -> Option<AlertChange> {
    let adds_live = open.late && !raise.late;
    let adds_only_late = raise.late && !open.late;
    if adds_live || (raise.priority > open.priority && !adds_only_late) {
        return Some(worsen(open, raise, now, policy));
    }
    let older = raise.evidence.interval.start < open.evidence.interval.start;
    if adds_only_late || older || (open.is_present() && same_episode(open, raise)) {
        return None;
    }
    let wait_s = policy.ladders.of(open.priority).wait_s(open.step);
    Some(change(open, now, LogKind::Repeated, None, None, |alert| {
        alert.cleared = None;
        alert.episodes = alert.episodes.saturating_add(1);
        alert.evidence = raise.evidence.clone();
        if alert.state != AlertState::Acknowledged {
            alert.deadline = earlier(alert.deadline, after(now, wait_s));
        }
    }))
}

fn worsen(open: &Alert, raise: &Raise, now: Timestamp, policy: &Policy) -> AlertChange {
    let priority = open.priority.max(raise.priority);
    let ladder = policy.ladders.of(priority);
    let was_answered = open.state == AlertState::Acknowledged;
    let is_new_episode = !open.is_present() || !same_episode(open, raise);
    change(open, now, LogKind::Worsened, None, None, |alert| {
        alert.priority = priority;
        alert.late = alert.late && raise.late;
        alert.cleared = None;
        alert.episodes = alert.episodes.saturating_add(u32::from(is_new_episode));
        alert.evidence = raise.evidence.clone();
        alert.step = alert.step.saturating_add(u8::from(was_answered)).min(ladder.last_step());
        let deadline = after(now, first_wait_s(ladder, alert.step));
        alert.deadline = if was_answered { Some(deadline) } else { earlier(alert.deadline, deadline) };
        demand_answer(alert);
    })
}

fn clear(open: &Alert, now: Timestamp, policy: &Policy) -> Option<AlertChange> {
    if !open.is_present() {
        return None;
    }
    let may_close = policy.rules.get(&open.key.condition).is_some_and(|rule| rule.closes_itself);
    let was_shown = open.state != AlertState::Raised;
    if may_close && was_shown && open.key.condition.is_technical() {
        return Some(change(open, now, LogKind::Closed, None, None, |alert| {
            alert.cleared = Some(now);
            alert.state = AlertState::Resolved;
            alert.deadline = None;
            alert.owner = None;
        }));
    }
    Some(change(open, now, LogKind::Cleared, None, None, |alert| alert.cleared = Some(now)))
}

fn present(open: &Alert, station: &str, version: u32, now: Timestamp, policy: &Policy) -> Option<AlertChange> {
    if open.state != AlertState::Raised || version < open.generation || version > open.version {
        return None;
    }
    let wait_s = policy.ladders.of(open.priority).wait_s(0);
    Some(change(open, now, LogKind::Presented, None, Some(station), |alert| {
        alert.state = AlertState::Presented;
        if alert.step == 0 {
            alert.deadline = Some(after(now, slowed(wait_s, alert, policy)));
        }
    }))
}

fn acknowledge(
    open: &Alert,
    by: &Person,
    version: u32,
    now: Timestamp,
    policy: &Policy,
) -> Result<Option<AlertChange>, Refusal> {
    check_actor(open, by, version)?;
    if open.state == AlertState::Acknowledged {
        return match &open.owner {
            Some(owner) if owner != by => Err(Refusal::Taken { owner: owner.clone() }),
            _ => Ok(None),
        };
    }
    let watch_s = policy.ladders.of(open.priority).watch_s;
    Ok(Some(change(open, now, LogKind::Acknowledged, Some(by), None, |alert| {
        alert.state = AlertState::Acknowledged;
        alert.owner = Some(by.clone());
        alert.deadline = Some(after(now, watch_s));
    })))
}

fn resolve(
    open: &Alert,
    by: &Person,
    version: u32,
    note: Option<&str>,
    now: Timestamp,
) -> Result<AlertChange, Refusal> {
    check_actor(open, by, version)?;
    if note.is_some_and(|note| note.chars().count() > NOTE_LENGTH_MAX) {
        return Err(Refusal::NoteTooLong);
    }
    match (&open.owner, open.state) {
        (Some(owner), AlertState::Acknowledged) if owner != by => {
            return Err(Refusal::Taken { owner: owner.clone() });
        }
        (_, AlertState::Raised | AlertState::Presented) if open.is_present() => return Err(Refusal::NotAcknowledged),
        _ => {}
    }
    Ok(change(open, now, LogKind::Resolved, Some(by), note, |alert| {
        alert.state = AlertState::Resolved;
        alert.owner = Some(by.clone());
        alert.deadline = None;
    }))
}

fn escalate(open: &Alert, now: Timestamp, policy: &Policy) -> Option<AlertChange> {
    if open.deadline.is_some_and(|deadline| deadline > now) {
        return None;
    }
    let ladder = policy.ladders.of(open.priority);
    let failed = open.owner.as_ref().map(|owner| owner.0.as_str());
    Some(change(open, now, LogKind::Escalated, None, failed, |alert| {
        alert.step = alert.step.saturating_add(1).min(ladder.last_step());
        alert.deadline = Some(after(now, slowed(ladder.wait_s(alert.step), alert, policy)));
        if alert.state == AlertState::Acknowledged {
            demand_answer(alert);
        }
        alert.state = AlertState::Raised;
    }))
}

/// What a person saw must still be what there is to answer.
fn check_actor(open: &Alert, by: &Person, version: u32) -> Result<(), Refusal> {
    if by.0.trim().is_empty() {
        return Err(Refusal::Nameless);
    }
    if version < open.generation || version > open.version {
        return Err(Refusal::Superseded { owner: open.owner.clone() });
    }
    Ok(())
}

/// Answers given before this version no longer count.
fn demand_answer(alert: &mut Alert) {
    alert.generation = alert.version;
    alert.state = AlertState::Raised;
    alert.owner = None;
}

/// Two detections belong together when they are one finding or share a moment.
fn same_episode(open: &Alert, raise: &Raise) -> bool {
    let (known, new) = (&open.evidence, &raise.evidence);
    (known.finding.is_some() && known.finding == new.finding)
        || known.interval == new.interval
        || known.interval.overlaps(new.interval)
}

fn change(
    open: &Alert,
    now: Timestamp,
    kind: LogKind,
    by: Option<&Person>,
    note: Option<&str>,
    edit: impl FnOnce(&mut Alert),
) -> AlertChange {
    let mut alert = open.clone();
    alert.version = open.version.saturating_add(1);
    alert.changed = now;
    edit(&mut alert);
    let entry = entry(&alert, kind, by, note);
    AlertChange { expected_version: Some(open.version), expected_changed: Some(open.changed), alert, entry }
}

fn entry(alert: &Alert, kind: LogKind, by: Option<&Person>, note: Option<&str>) -> LogEntry {
    LogEntry {
        version: alert.version,
        at: alert.changed,
        kind,
        by: by.cloned(),
        note: note.map(str::to_owned),
        priority: alert.priority,
        step: alert.step,
        deadline: alert.deadline,
    }
}

/// At the station a screen must first show that it has the alert; later steps have their time to answer.
fn first_wait_s(ladder: &Ladder, step: u8) -> u32 {
    let wait_s = ladder.wait_s(step);
    if step == 0 { wait_s.min(ladder.present_within_s) } else { wait_s }
}

/// What is over and unanswered may wait longer, but not for ever.
fn slowed(wait_s: u32, alert: &Alert, policy: &Policy) -> u32 {
    let factor = policy.ladders.of(alert.priority).cleared_factor;
    if alert.is_present() { wait_s } else { wait_s.saturating_mul(u32::from(factor)) }
}

fn after(now: Timestamp, seconds: u32) -> Timestamp {
    now.plus_seconds(i64::from(seconds))
}

fn earlier(deadline: Option<Timestamp>, other: Timestamp) -> Option<Timestamp> {
    Some(deadline.map_or(other, |deadline| deadline.min(other)))
}

#[cfg(test)]
mod tests;
