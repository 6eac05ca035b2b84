use std::collections::VecDeque;
use std::sync::Arc;

use alerting::{Alert, AlertEvent, Policy};
use ctg::{DeviceEvent, DeviceId, ReceivedBlock, RecordingId, Timestamp};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use signal::Settings;
use surveillance::Escalation;
use surveillance::ward::{AlertIds, Decision, Effect, Ward};

use crate::Fault;
use crate::store::{Refused, SimStore};

/// Microseconds between looks at the store for alerts that are due.
const LOOK_EVERY_US: i64 = 1_000_000;
/// Microseconds between readings of what the bus may have lost.
const REREAD_EVERY_US: i64 = 30_000_000;
/// Changes saved in one step.
const SAVES_AT_ONCE: usize = 20;

/// An alert as a process tells it to everybody.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) alert: Alert,
}

/// Reading from the store, which takes its time.
#[derive(Debug)]
enum Read {
    Blocks(RecordingId, u32, u32),
    History(RecordingId),
}

/// A running surveillance process: the real ward, with simulated hands.
#[derive(Debug)]
pub(crate) struct Process {
    ward: Ward,
    escalation: Escalation,
    policy: Arc<Policy>,
    fault: Option<Fault>,
    queue: VecDeque<(Decision, bool)>,
    reads: Vec<(Timestamp, Read)>,
    /// When the save under way is through.
    save_at: Timestamp,
    look_at: Timestamp,
    reread_at: Timestamp,
    started: bool,
    failing: bool,
}

impl Process {
    pub(crate) fn start(policy: Arc<Policy>, fault: Option<Fault>, now: Timestamp, rng: &mut ChaCha8Rng) -> Self {
        let ids = AlertIds::new(rng.random());
        Self {
            ward: Ward::new(policy.clone(), settings(), ids, now),
            escalation: Escalation::default(),
            policy,
            fault,
            queue: VecDeque::new(),
            reads: Vec::new(),
            save_at: now,
            look_at: now,
            reread_at: now,
            started: false,
            failing: false,
        }
    }

    pub(crate) fn hear_block(
        &mut self,
        store: &mut SimStore,
        block: &Arc<ReceivedBlock>,
        now: Timestamp,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Told> {
        let effects = self.ward.handle_blocks([block], now);
        self.learn_and_carry_out(store, effects, now, rng)
    }

    pub(crate) fn hear_event(
        &mut self,
        device: &DeviceId,
        event: &DeviceEvent,
        now: Timestamp,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Told> {
        let effects = self.ward.handle_event(device, event, now);
        self.carry_out(effects, now, rng)
    }

    pub(crate) fn hear_alert(&mut self, alert: &Alert, now: Timestamp) {
        self.ward.handle_alert(alert, now);
    }

    /// News were lost on the bus, and the bus said so.
    pub(crate) fn miss(&mut self, now: Timestamp) {
        if self.fault != Some(Fault::MissedNewsIgnored) {
            self.started = false;
            self.reread_at = now;
        }
    }

    /// Does what the shell of the service does when time passes.
    pub(crate) fn step(&mut self, store: &mut SimStore, now: Timestamp, rng: &mut ChaCha8Rng) -> Vec<Told> {
        let mut told = Vec::new();
        if self.reread_at <= now {
            told.extend(self.reread(store, now, rng));
        }
        told.extend(self.read(store, now, rng));
        if self.ward.next_timeout().is_some_and(|due| due <= now) && self.fault != Some(Fault::TimersStopped) {
            let effects = self.ward.handle_timeout(now);
            told.extend(self.learn_and_carry_out(store, effects, now, rng));
        }
        if self.look_at <= now {
            self.look_at = now.plus_micros(LOOK_EVERY_US);
            match store.alerts_due(now) {
                Ok(due) => {
                    let decisions = self.escalation.escalate(&due, now, &self.policy);
                    let effects = decisions.into_iter().map(Effect::Change).collect();
                    told.extend(self.carry_out(effects, now, rng));
                }
                Err(_) => told.extend(self.note_store(false, now, rng)),
            }
        }
        told.extend(self.save(store, now, rng));
        told
    }

    fn reread(&mut self, store: &mut SimStore, now: Timestamp, rng: &mut ChaCha8Rng) -> Vec<Told> {
        self.reread_at = now.plus_micros(REREAD_EVERY_US);
        let (Ok(closed), Ok(open), Ok(progress)) = (store.closed_alerts(), store.open_alerts(), store.progress())
        else {
            if !self.started {
                self.reread_at = now.plus_micros(LOOK_EVERY_US);
            }
            return Vec::new();
        };
        self.ward.handle_alerts(&closed, now);
        self.ward.handle_alerts(&open, now);
        let all = !std::mem::replace(&mut self.started, true);
        // Nothing else would find what a silent loss of news leaves behind.
        if self.fault == Some(Fault::PastIgnored) || (self.fault == Some(Fault::MissedNewsIgnored) && !all) {
            return Vec::new();
        }
        let over = progress.iter().filter(|progress| progress.stopped.is_some());
        let over = over.map(|progress| progress.recording.id).collect();
        let mut effects = self.ward.handle_recordings(&progress, all, now);
        effects.extend(self.ward.handle_over(&over, now));
        self.learn_and_carry_out(store, effects, now, rng)
    }

    fn read(&mut self, store: &mut SimStore, now: Timestamp, rng: &mut ChaCha8Rng) -> Vec<Told> {
        let (due, later) = std::mem::take(&mut self.reads).into_iter().partition(|(at, _)| *at <= now);
        self.reads = later;
        let due: Vec<(Timestamp, Read)> = due;
        let mut told = Vec::new();
        for (_, read) in due {
            let effects = match read {
                Read::Blocks(recording, from, to) => match store.blocks_from(recording, from, to) {
                    Ok(blocks) => self.ward.handle_blocks(&blocks, now),
                    Err(_) => Vec::new(),
                },
                Read::History(recording) if self.fault == Some(Fault::PastIgnored) => {
                    self.ward.handle_history_failed(recording, now)
                }
                Read::History(recording) => match store.history(recording) {
                    Ok(history) => self.ward.handle_history(recording, &history, now),
                    Err(_) => self.ward.handle_history_failed(recording, now),
                },
            };
            told.extend(self.learn_and_carry_out(store, effects, now, rng));
        }
        told
    }

    fn learn_and_carry_out(
        &mut self,
        store: &mut SimStore,
        effects: Vec<Effect>,
        now: Timestamp,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Told> {
        for effect in &effects {
            if let Effect::Learned(recording, analysis) = effect {
                // While the store is down analyses wait in the product; here a restart finds them again.
                let _ = store.record_analysis(*recording, analysis);
            }
        }
        self.carry_out(effects, now, rng)
    }

    fn carry_out(&mut self, effects: Vec<Effect>, now: Timestamp, rng: &mut ChaCha8Rng) -> Vec<Told> {
        let mut told = Vec::new();
        for effect in effects {
            let takes_us = rng.random_range(10_000..600_000);
            match effect {
                Effect::Change(decision) if self.is_lost(&decision) => {}
                Effect::Change(decision) => {
                    if self.failing {
                        told.push(Told { alert: decision.change.alert.clone() });
                    }
                    self.queue.push_back((decision, self.failing));
                }
                Effect::Read { .. } if self.fault == Some(Fault::MissedNewsIgnored) => {}
                Effect::Read { recording, from, to } => {
                    self.reads.push((now.plus_micros(takes_us), Read::Blocks(recording, from, to)));
                }
                Effect::ReadHistory(recording) => {
                    self.reads.push((now.plus_micros(takes_us), Read::History(recording)));
                }
                Effect::Learned(..) => {}
                Effect::Panicked(recording) => panic!("the analysis of {recording} panicked"),
            }
        }
        told
    }

    /// Faults that make a deadline pass without consequence.
    fn is_lost(&self, decision: &Decision) -> bool {
        let is_deadline = decision.event == AlertEvent::Deadline;
        let last = self.policy.ladders.of(decision.change.alert.priority).last_step();
        match self.fault {
            Some(Fault::DeadlinesIgnored) => is_deadline,
            Some(Fault::LadderEnds) => is_deadline && decision.change.alert.step == last,
            Some(Fault::AcknowledgedForever) => {
                is_deadline && decision.change.alert.generation == decision.change.alert.version
            }
            _ => false,
        }
    }

    fn save(&mut self, store: &mut SimStore, now: Timestamp, rng: &mut ChaCha8Rng) -> Vec<Told> {
        let mut told = Vec::new();
        for _ in 0..SAVES_AT_ONCE {
            let Some((decision, _)) = self.queue.front() else { break };
            if self.save_at > now {
                break;
            }
            self.save_at = now.plus_micros(rng.random_range(store.save_ms()) * 1000);
            let outcome = store.record_change(&decision.change);
            // An answer may get lost after the commit: the change is tried again.
            if outcome == Ok(()) && rng.random_bool(0.02) {
                break;
            }
            match outcome {
                Ok(()) => told.extend(self.saved()),
                Err(Refused::Conflict) => {
                    let current = store.current(&decision.change);
                    if current.as_ref() == Some(&decision.change.alert) {
                        told.extend(self.saved());
                        continue;
                    }
                    told.extend(current.clone().map(|alert| Told { alert }));
                    let Some((decision, _)) = self.queue.pop_front() else { break };
                    if self.fault != Some(Fault::ConflictsForgotten) {
                        let effects = self.ward.handle_conflict(decision, current.as_ref(), now);
                        told.extend(self.carry_out(effects, now, rng));
                    }
                }
                Err(Refused::Down) => {
                    if self.fault == Some(Fault::ChangesForgotten) {
                        self.queue.pop_front();
                    }
                    told.extend(self.publish_unrecorded());
                    told.extend(self.note_store(false, now, rng));
                    return told;
                }
            }
        }
        if store.up {
            told.extend(self.note_store(true, now, rng));
        }
        told
    }

    fn saved(&mut self) -> Option<Told> {
        self.queue.pop_front().map(|(decision, _)| Told { alert: decision.change.alert })
    }

    fn publish_unrecorded(&mut self) -> Vec<Told> {
        let waiting = self.queue.iter_mut().filter(|(_, published)| !published);
        waiting
            .map(|(decision, published)| {
                *published = true;
                Told { alert: decision.change.alert.clone() }
            })
            .collect()
    }

    fn note_store(&mut self, available: bool, now: Timestamp, rng: &mut ChaCha8Rng) -> Vec<Told> {
        self.failing = !available;
        let effects = self.ward.handle_store(available, now);
        self.carry_out(effects, now, rng)
    }
}

/// The published settings without the costliest method, whose findings no scene here shows.
fn settings() -> Settings {
    Settings { false_signal_method: None, ..Settings::published() }
}
