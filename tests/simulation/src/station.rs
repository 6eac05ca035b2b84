use std::collections::BTreeMap;
use std::sync::Arc;

use alerting::{Alert, AlertEvent, AlertId, AlertState, Person, Policy, decide};
use ctg::Timestamp;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::Fault;
use crate::checker::Checker;
use crate::store::SimStore;

/// Microseconds between readings of the open alerts.
const REREAD_EVERY_US: i64 = 2_000_000;

/// The screens of the ward and the people before them, seen through one gateway.
#[derive(Debug)]
pub(crate) struct Station {
    policy: Arc<Policy>,
    fault: Option<Fault>,
    seen: BTreeMap<AlertId, Alert>,
    plans: BTreeMap<(Timestamp, u64), Plan>,
    planned: u64,
    reread_at: Timestamp,
    /// How many alerts of a hundred somebody answers.
    attention_percent: u32,
}

/// What somebody is going to do.
#[derive(Clone, Debug)]
enum Plan {
    Present { id: AlertId, version: u32 },
    Acknowledge { id: AlertId, version: u32, by: &'static str },
    Resolve { id: AlertId, by: &'static str },
}

impl Station {
    pub(crate) fn new(policy: Arc<Policy>, fault: Option<Fault>, now: Timestamp, rng: &mut ChaCha8Rng) -> Self {
        Self {
            policy,
            fault,
            seen: BTreeMap::new(),
            plans: BTreeMap::new(),
            planned: 0,
            reread_at: now,
            attention_percent: rng.random_range(0..=100),
        }
    }

    /// Hears of an alert as it is now.
    pub(crate) fn hear(&mut self, alert: &Alert, now: Timestamp, rng: &mut ChaCha8Rng) {
        let known = self.seen.get(&alert.id);
        if known.is_some_and(|known| known.version >= alert.version) {
            return;
        }
        let is_new = known.is_none_or(|known| known.generation < alert.generation);
        self.seen.insert(alert.id, alert.clone());
        let (id, version) = (alert.id, alert.version);
        if alert.state == AlertState::Raised {
            self.plan(Plan::Present { id, version }, now, rng.random_range(200..2500));
        }
        if is_new && alert.is_open() && rng.random_range(0..100) < self.attention_percent {
            let by = if rng.random_bool(0.5) { "Lin" } else { "Wu" };
            self.plan(Plan::Acknowledge { id, version, by }, now, rng.random_range(2000..90_000));
            if rng.random_bool(0.3) {
                self.plan(Plan::Acknowledge { id, version, by: "Zhao" }, now, rng.random_range(2000..90_000));
            }
        }
    }

    /// Does what is due; gives the alerts that changed.
    pub(crate) fn step(
        &mut self,
        store: &mut SimStore,
        checker: &mut Checker,
        now: Timestamp,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Alert> {
        if self.reread_at <= now {
            self.reread_at = now.plus_micros(REREAD_EVERY_US);
            for alert in store.open_alerts().unwrap_or_default() {
                self.hear(&alert, now, rng);
            }
        }
        let later = self.plans.split_off(&(now.plus_micros(1), 0));
        let due = std::mem::replace(&mut self.plans, later);
        due.into_values().filter_map(|plan| self.act(&plan, store, checker, now, rng)).collect()
    }

    fn plan(&mut self, plan: Plan, now: Timestamp, wait_ms: i64) {
        self.plans.insert((now.plus_micros(wait_ms * 1000), self.planned), plan);
        self.planned += 1;
    }

    /// What a gateway does with an action: load, decide, save over the version.
    fn act(
        &mut self,
        plan: &Plan,
        store: &mut SimStore,
        checker: &mut Checker,
        now: Timestamp,
        rng: &mut ChaCha8Rng,
    ) -> Option<Alert> {
        let id = match plan {
            Plan::Present { id, .. } | Plan::Acknowledge { id, .. } | Plan::Resolve { id, .. } => *id,
        };
        let stored = store.alert(id).ok()??;
        let event = self.event(plan, &stored);
        let change = decide(Some(&stored), &event, now, &self.policy).ok()??;
        store.record_change(&change).ok()?;
        checker.note_action(&stored, &change, plan_version(plan));
        if let Plan::Acknowledge { id, by, .. } = plan
            && rng.random_bool(0.6)
        {
            self.plan(Plan::Resolve { id: *id, by }, now, rng.random_range(20_000..400_000));
        }
        Some(change.alert)
    }

    fn event(&self, plan: &Plan, stored: &Alert) -> AlertEvent {
        let version = |seen: u32| if self.fault == Some(Fault::GenerationsUnchecked) { stored.version } else { seen };
        match plan {
            Plan::Present { version: seen, .. } => {
                AlertEvent::Present { station: "ward-2".to_owned(), version: version(*seen) }
            }
            Plan::Acknowledge { version: seen, by, .. } => {
                AlertEvent::Acknowledge { by: Person((*by).to_owned()), version: version(*seen) }
            }
            Plan::Resolve { by, .. } => {
                AlertEvent::Resolve { by: Person((*by).to_owned()), version: stored.version, note: None }
            }
        }
    }
}

/// The version that the person or screen saw; `None` where the newest was looked at.
fn plan_version(plan: &Plan) -> Option<u32> {
    match plan {
        Plan::Present { version, .. } | Plan::Acknowledge { version, .. } => Some(*version),
        Plan::Resolve { .. } => None,
    }
}
