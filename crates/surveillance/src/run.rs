use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use alerting::{Alert, Policy};
use bus::{Bus, News, Next, Subscription};
use ctg::{Analysis, RecordingId, Timestamp};
use signal::Settings;
use storage::{RecordingProgress, Store, StoreError};
use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::escalation;
use crate::metrics::Metrics;
use crate::shell::analyses::{ANALYSES_MAX, Analyses};
use crate::shell::changes::{CHANGES_MAX, Changes};
use crate::shell::reads::{Read, Reads, recent};
use crate::shell::{ANSWERS_MAX, Answer, Part, chain, now};
use crate::ward::{AlertIds, Decision, Effect, Ward};

/// Recordings that received a block this recently are taken up at a start, s.
const ACTIVE_WITHIN_S: i64 = 900;
/// Answers and events of this long are read at a start, s: longer than the replay window, so that what was answered
/// for is not alarmed again.
const ANSWERED_WITHIN_S: i64 = 2 * 3600;
/// Alerts and events read at once; more in that time mean that something else is wrong.
const ROWS_MAX: u32 = 10_000;
/// Recordings with lasting alerts that were not heard of for long, looked up at one reading.
const OLD_RECORDINGS_MAX: usize = 100;
/// Time between readings of what the bus may have lost.
const REREAD_EVERY: Duration = Duration::from_secs(30);
/// Events that arrived this long before the last reading are read again, s: their commit may have come after it.
const EVENTS_OVERLAP_S: i64 = 60;
/// Longest sleep; the clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// Pause before the store is asked again at a start.
const START_RETRY: Duration = Duration::from_secs(1);

/// What surveillance needs to know; the server fills it from its configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is alarmed and how.
    pub policy: Policy,
    /// The thresholds of the analysis.
    pub signal: Settings,
}

/// Why surveillance could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The policy breaks its own rules.
    #[error("alert policy not usable")]
    Policy(#[from] alerting::PolicyError),
    /// The operating system gives no random bytes.
    #[error("no random bytes")]
    Random(#[from] getrandom::Error),
    /// The bus has closed.
    #[error("nobody publishes any more")]
    Closed,
}

/// Keeps recordings under surveillance until `stop`.
///
/// # Errors
/// When it cannot begin, or the bus closes. A store that does not answer is waited for and alarmed.
pub async fn run(
    config: Config,
    store: Store,
    bus: Bus,
    metrics: Metrics,
    stop: CancellationToken,
) -> Result<(), Error> {
    config.policy.check()?;
    let mut process = [0; 8];
    getrandom::fill(&mut process)?;
    let policy = Arc::new(config.policy);
    let (answer, answers) = mpsc::channel(ANSWERS_MAX);
    let (change, changes) = mpsc::channel(CHANGES_MAX);
    let (learn, learned) = mpsc::channel(ANALYSES_MAX);

    let mut tasks = JoinSet::new();
    let recorder = Changes::new(store.clone(), bus.clone(), metrics.clone(), answer.clone());
    tasks.spawn(recorder.run(changes));
    tasks.spawn(Analyses::new(store.clone(), metrics.clone(), answer.clone()).run(learned));
    tasks.spawn(escalation::run(store.clone(), policy.clone(), change.clone(), answer, stop.clone()));

    // Before the store is read, so that nothing falls between.
    let news = bus.subscribe();
    let shell = Shell {
        ward: Ward::new(policy, config.signal, AlertIds::new(process), now()),
        reads: Reads::new(store.clone()),
        store,
        bus,
        metrics,
        change,
        learn,
        failing: BTreeSet::new(),
        events_read: None,
    };
    let outcome = shell.run(news, answers, stop.clone()).await;
    stop.cancel();
    // They end once nobody sends to them any more.
    while tasks.join_next().await.is_some() {}
    outcome
}

/// The ward with its hands and ears.
struct Shell {
    ward: Ward,
    reads: Reads,
    store: Store,
    bus: Bus,
    metrics: Metrics,
    change: Sender<Decision>,
    learn: Sender<(RecordingId, Arc<Analysis>)>,
    failing: BTreeSet<Part>,
    events_read: Option<Timestamp>,
}

impl Shell {
    async fn run(
        mut self,
        mut news: Subscription,
        mut answers: Receiver<Answer>,
        stop: CancellationToken,
    ) -> Result<(), Error> {
        let mut reread = interval(REREAD_EVERY);
        reread.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut started = false;
        loop {
            let sleep_for = self.sleep_for();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                next = news.next() => match next {
                    Next::News(news) => self.handle_news(news),
                    Next::Missed(count) => self.handle_missed(count).await,
                    Next::Closed => return Err(Error::Closed),
                },
                Some(answer) = answers.recv() => self.handle_answer(answer),
                (read, outcome) = self.reads.next() => self.handle_read(read, outcome),
                () = sleep(sleep_for) => self.handle_timeout(),
                _ = reread.tick() => {
                    started = self.reread(!started).await || started;
                    if !started {
                        reread.reset_after(START_RETRY);
                    }
                }
            }
            self.metrics.recordings.set(count(self.ward.recording_count()));
            self.metrics.alerts_open.set(count(self.ward.open_alert_count()));
        }
    }

    fn sleep_for(&self) -> Duration {
        let wait_us = self.ward.next_timeout().map_or(i64::MAX, |due| due.micros_since(now()));
        Duration::from_micros(wait_us.max(0).unsigned_abs()).min(SLEEP_MAX)
    }

    fn handle_news(&mut self, news: News) {
        let now = now();
        let effects = match news {
            News::Blocks(blocks) => {
                let _timer = self.metrics.analysis_s.start_timer();
                self.metrics.blocks.inc_by(blocks.len() as u64);
                self.ward.handle_blocks(blocks.iter(), now)
            }
            News::Event(device, event) => self.ward.handle_event(&device, &event, now),
            News::Alert { alert, .. } => {
                self.ward.handle_alert(&alert, now);
                return;
            }
            News::Analysis(..) | News::Status(..) => return,
        };
        self.carry_out(effects);
    }

    async fn handle_missed(&mut self, count: u64) {
        warn!(count, "surveillance was too slow for the bus and reads the store again");
        self.metrics.news_missed.inc_by(count);
        self.reread(true).await;
    }

    fn handle_answer(&mut self, answer: Answer) {
        let now = now();
        let effects = match answer {
            Answer::Conflict(decision, current) => self.ward.handle_conflict(*decision, current.as_deref(), now),
            Answer::Store(part, true) => {
                self.failing.remove(&part);
                if !self.failing.is_empty() {
                    return;
                }
                self.ward.handle_store(true, now)
            }
            Answer::Store(part, false) => {
                self.failing.insert(part);
                self.ward.handle_store(false, now)
            }
        };
        self.carry_out(effects);
    }

    fn handle_read(&mut self, read: Read, outcome: Result<(), StoreError>) {
        if let Err(error) = outcome {
            warn!(error = chain(&error), "stored samples cannot be read for the analysis");
        }
        let now = now();
        let effects = match read {
            Read::Blocks(blocks) => self.ward.handle_blocks(&blocks, now),
            Read::History(recording, Some(history)) => {
                self.metrics.histories.inc();
                self.ward.handle_history(recording, &history, now)
            }
            Read::History(recording, None) => self.ward.handle_history_failed(recording, now),
        };
        self.carry_out(effects);
    }

    fn handle_timeout(&mut self) {
        let effects = self.ward.handle_timeout(now());
        self.carry_out(effects);
    }

    /// Reads what the bus may have lost; false if the store does not answer. `all`: recordings that are over as well.
    async fn reread(&mut self, all: bool) -> bool {
        match self.try_reread(all).await {
            Ok(()) => true,
            Err(error) => {
                warn!(error = chain(&error), "recordings and alerts cannot be read");
                false
            }
        }
    }

    async fn try_reread(&mut self, all: bool) -> Result<(), StoreError> {
        let asked = now();
        let answered_since = recent(asked, ANSWERED_WITHIN_S);
        let closed = self.store.resolved_alerts_since(answered_since, ROWS_MAX).await?;
        let open = self.store.open_alerts().await?;
        let recordings = self.store.recordings_since(recent(asked, ACTIVE_WITHIN_S)).await?;
        let over = self.over(&open, &recordings).await?;
        let events_since = self.events_read.map_or(answered_since, |read| recent(read, EVENTS_OVERLAP_S));
        let events = self.store.events_since(events_since, ROWS_MAX).await?;
        self.events_read = Some(asked);
        if all {
            info!(count = recordings.len(), "recordings are taken up from the store");
        }
        let now = now();
        self.ward.handle_alerts(&closed, now);
        self.ward.handle_alerts(&open, now);
        let effects = self.ward.handle_recordings(&recordings, all, now);
        self.carry_out(effects);
        let effects = self.ward.handle_over(&over, now);
        self.carry_out(effects);
        let effects = self.ward.handle_stored_events(&events, now);
        self.carry_out(effects);
        Ok(())
    }

    /// Recordings of lasting alerts that their devices stopped; `known` are those looked up already.
    async fn over(&self, open: &[Alert], known: &[RecordingProgress]) -> Result<BTreeSet<RecordingId>, StoreError> {
        let is_over = |progress: &&RecordingProgress| progress.stopped.is_some();
        let mut over: BTreeSet<RecordingId> =
            known.iter().filter(is_over).map(|progress| progress.recording.id).collect();
        let listed: BTreeSet<RecordingId> = known.iter().map(|progress| progress.recording.id).collect();
        let lasting = open.iter().filter(|alert| alert.is_present()).filter_map(|alert| alert.key.recording);
        let missing: BTreeSet<RecordingId> = lasting.filter(|id| !listed.contains(id)).collect();
        for id in missing.into_iter().take(OLD_RECORDINGS_MAX) {
            let progress = self.store.recording(id).await?;
            over.extend(progress.iter().filter(is_over).map(|progress| progress.recording.id));
        }
        Ok(over)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Learned(recording, analysis) => self.pass_on(recording, analysis),
                Effect::Change(decision) => self.save(decision),
                Effect::Read { recording, from, to } => self.reads.wish_blocks(recording, from, to),
                Effect::ReadHistory(recording) => self.reads.wish_history(recording),
                Effect::Panicked(recording) => {
                    self.metrics.panics.inc();
                    error!(recording.id = %recording, "the analysis of a recording panicked and begins again");
                }
            }
        }
    }

    fn pass_on(&mut self, recording: RecordingId, analysis: Arc<Analysis>) {
        self.metrics.findings.inc_by(analysis.findings.len() as u64);
        self.bus.publish(News::Analysis(recording, analysis.clone()));
        if self.learn.try_send((recording, analysis)).is_err() {
            self.metrics.analyses_lost.inc();
        }
    }

    fn save(&mut self, decision: Decision) {
        let Err(TrySendError::Full(decision) | TrySendError::Closed(decision)) = self.change.try_send(decision) else {
            return;
        };
        // Shown, if it cannot be saved.
        self.metrics.changes_lost.inc();
        self.bus.publish(News::Alert { alert: Arc::new(decision.change.alert), recorded: false });
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
