use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alerting::{Alert, AlertEvent, AlertId, AlertKey, Policy, Priority, Raise, decide};
use ctg::{Interval, Timestamp};

use super::{Decision, Effect};

/// How long after its deadline an alert is escalated from memory, s: the store's own list comes first.
const ESCALATE_GRACE_S: i64 = 3;
/// Answers are remembered for as long as a replay may find the same findings again, s.
const ANSWERS_KEPT_S: i64 = 2 * 3600;

/// Makes names of alerts that no other process makes: 8 random bytes of the process, then a count.
#[derive(Clone, Debug)]
pub struct AlertIds {
    process: [u8; 8],
    next: u64,
}

impl AlertIds {
    /// Names that begin with 8 random bytes, drawn once per process.
    pub const fn new(process: [u8; 8]) -> Self {
        Self { process, next: 0 }
    }

    fn take(&mut self) -> AlertId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.process);
        id[8..].copy_from_slice(&self.next.to_be_bytes());
        self.next += 1;
        AlertId(id)
    }
}

/// The open alerts as far as this process knows, and which episodes people have answered for good.
#[derive(Debug)]
pub(crate) struct Book {
    policy: Arc<Policy>,
    ids: AlertIds,
    open: BTreeMap<AlertKey, Alert>,
    answered: BTreeMap<AlertKey, Answered>,
    held: BTreeMap<AlertKey, Held>,
    wakes: BTreeSet<(Timestamp, AlertKey)>,
}

/// The alert of a key was closed.
#[derive(Clone, Copy, Debug)]
struct Answered {
    at: Timestamp,
    /// Its priority, if a person closed it: only a person's answer keeps the condition quiet for a while.
    by_person: Option<Priority>,
}

/// A detection soon after somebody answered for the condition.
#[derive(Clone, Debug)]
struct Held {
    raise: Raise,
    happened: Interval,
    due: Timestamp,
}

impl Book {
    /// A book with no alert in it.
    pub(crate) fn new(policy: Arc<Policy>, ids: AlertIds) -> Self {
        Self {
            policy,
            ids,
            open: BTreeMap::new(),
            answered: BTreeMap::new(),
            held: BTreeMap::new(),
            wakes: BTreeSet::new(),
        }
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Open alerts whose condition lasts and that a test of their key accepts.
    pub(crate) fn lasting(&self, accept: impl Fn(&AlertKey) -> bool) -> Vec<AlertKey> {
        self.open
            .values()
            .filter(|alert| alert.is_present() && accept(&alert.key))
            .map(|alert| alert.key.clone())
            .collect()
    }

    /// Takes a detection; `happened` is its stretch by the service's clock.
    ///
    /// What a person has answered for is not alarmed again; what lasts beyond the answer, or comes again, is,
    /// after the recheck time of the policy, or at once if it is worse.
    pub(crate) fn raise(&mut self, raise: Raise, happened: Interval, now: Timestamp) -> Option<Effect> {
        let answered = self.answered.get(&raise.key).copied();
        if let (None, Some(answered)) = (self.open.get(&raise.key), answered) {
            if happened.end <= answered.at {
                return None;
            }
            let held_until = answered.by_person.filter(|priority| raise.priority <= *priority);
            let due = held_until.map(|priority| self.recheck(answered.at, priority));
            if let Some(due) = due.filter(|due| now < *due) {
                self.hold(Held { raise, happened, due });
                return None;
            }
        }
        self.held.remove(&raise.key);
        let id = self.ids.take();
        self.apply(&raise.key.clone(), AlertEvent::Raise { raise, id }, now)
    }

    /// Takes the end of a condition; an alert that closes by itself counts as answered.
    pub(crate) fn clear(&mut self, key: &AlertKey, now: Timestamp) -> Option<Effect> {
        self.apply(key, AlertEvent::Clear, now)
    }

    /// Learns the state of an alert from elsewhere. `lasts`: whether its condition is known to last.
    pub(crate) fn learn(&mut self, alert: &Alert, lasts: bool, now: Timestamp) {
        let known = self.open.get(&alert.key);
        let is_old = known.is_some_and(|known| known.id == alert.id && known.version >= alert.version);
        if alert.is_open() {
            if !is_old && known.is_none_or(|known| known.id == alert.id || known.raised <= alert.raised) {
                self.put(alert.clone());
            }
        } else if !is_old {
            self.close(alert, lasts, now);
        }
    }

    /// Replaces what is known of a key by what the store holds.
    pub(crate) fn correct(&mut self, key: &AlertKey, current: Option<&Alert>, lasts: bool, now: Timestamp) {
        self.open.remove(key);
        match current {
            Some(alert) if alert.is_open() => self.put(alert.clone()),
            Some(alert) => self.close(alert, lasts, now),
            None => {}
        }
    }

    /// Decides an event for the open alert of a key.
    pub(crate) fn apply(&mut self, key: &AlertKey, event: AlertEvent, now: Timestamp) -> Option<Effect> {
        // Events of the service are refused only for want of an alert, and then there is nothing to change.
        let change = decide(self.open.get(key), &event, now, &self.policy).ok().flatten()?;
        if change.alert.is_open() {
            self.put(change.alert.clone());
        } else {
            self.close(&change.alert, false, now);
        }
        Some(Effect::Change(Decision { event, change }))
    }

    /// Does what is due; `lasts` tells whether a condition is known to last.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp, lasts: impl Fn(&AlertKey) -> bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some((due, key)) = self.wakes.first().cloned() {
            if due > now {
                break;
            }
            self.wakes.pop_first();
            effects.extend(self.release(&key, lasts(&key), now));
            effects.extend(self.escalate(&key, now));
        }
        effects
    }

    /// The next moment at which something may be due.
    pub(crate) fn next_timeout(&self) -> Option<Timestamp> {
        self.wakes.first().map(|(due, _)| *due)
    }

    /// Forgets answers that no replay can meet any more.
    pub(crate) fn forget_old_answers(&mut self, now: Timestamp) {
        self.answered.retain(|_, answered| answered.at.plus_seconds(ANSWERS_KEPT_S) > now);
    }

    /// Number of open alerts.
    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }

    fn put(&mut self, alert: Alert) {
        if let Some(deadline) = alert.deadline {
            self.wakes.insert((deadline.plus_seconds(ESCALATE_GRACE_S), alert.key.clone()));
        }
        self.open.insert(alert.key.clone(), alert);
    }

    fn close(&mut self, alert: &Alert, lasts: bool, now: Timestamp) {
        if self.open.get(&alert.key).is_some_and(|known| known.id == alert.id) {
            self.open.remove(&alert.key);
        }
        if self.answered.get(&alert.key).is_some_and(|answered| answered.at > alert.changed) {
            return;
        }
        let by_person = alert.owner.is_some().then_some(alert.priority);
        self.answered.insert(alert.key.clone(), Answered { at: alert.changed, by_person });
        if lasts && by_person.is_some() && !self.open.contains_key(&alert.key) {
            let raise = Raise {
                key: alert.key.clone(),
                priority: alert.priority,
                late: alert.late,
                evidence: alert.evidence.clone(),
            };
            let happened = Interval { start: alert.raised, end: now };
            let due = self.recheck(alert.changed, alert.priority).max(now);
            self.hold(Held { raise, happened, due });
        }
    }

    /// When a condition that a person answered for is looked at again.
    fn recheck(&self, answered_at: Timestamp, priority: Priority) -> Timestamp {
        answered_at.plus_seconds(i64::from(self.policy.ladders.of(priority).recheck_s))
    }

    fn hold(&mut self, held: Held) {
        self.wakes.insert((held.due, held.raise.key.clone()));
        self.held.insert(held.raise.key.clone(), held);
    }

    /// Alarms what was held back, if it lasts or began after the answer; as past, if it does not last.
    fn release(&mut self, key: &AlertKey, lasts: bool, now: Timestamp) -> Vec<Effect> {
        if self.held.get(key).is_none_or(|held| held.due > now) {
            return Vec::new();
        }
        let Some(held) = self.held.remove(key) else { return Vec::new() };
        let answered_at = self.answered.remove(key).map(|answered| answered.at);
        let began_after = answered_at.is_none_or(|answered_at| held.happened.start > answered_at);
        if !(lasts || began_after) {
            return Vec::new();
        }
        let id = self.ids.take();
        let raised = self.apply(key, AlertEvent::Raise { raise: held.raise, id }, now);
        let cleared = if lasts { None } else { self.clear(key, now) };
        raised.into_iter().chain(cleared).collect()
    }

    fn escalate(&mut self, key: &AlertKey, now: Timestamp) -> Option<Effect> {
        let deadline = self.open.get(key)?.deadline?;
        if deadline.plus_seconds(ESCALATE_GRACE_S) > now {
            return None;
        }
        self.apply(key, AlertEvent::Deadline, now)
    }
}
