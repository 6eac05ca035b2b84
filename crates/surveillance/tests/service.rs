//! The service against a real store and bus.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alerting::{Alert, AlertEvent, AlertState, Condition, Person, Policy, Priority};
use bus::{Bus, News, Next};
use ctg::{
    Complaint, DeviceEvent, DeviceEventKind, FhrChannel, FindingKind, QuarterBpm, ReceivedBlock, RecordingId,
    SampleBlock, SampleRate, Timestamp,
};
use storage::Store;
use surveillance::{Config, Metrics, policy_file};
use tokio_util::sync::CancellationToken;

const RECORDING: RecordingId = RecordingId::from_bytes([3; 16]);
/// Longest wait for something that must happen; only a failure takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

fn now() -> Timestamp {
    let us = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    Timestamp::from_micros(i64::try_from(us).unwrap())
}

/// A second of a recording that began at `start`, received as soon as it was over.
fn second(start: Timestamp, sequence: u32, bpm: u16) -> Arc<ReceivedBlock> {
    let block_start = start.plus_seconds(i64::from(sequence));
    let block = SampleBlock {
        recording: RECORDING,
        sequence,
        start: block_start,
        block_length_ms: 1000,
        fhr_rate: SampleRate::FOUR_HZ,
        toco_rate: SampleRate::FOUR_HZ,
        fhr_step_quarter_bpm: 1,
        fhr: vec![FhrChannel { rates: vec![QuarterBpm::new(bpm * 4); 4], quality: None }],
        mhr: None,
        toco: None,
    };
    Arc::new(ReceivedBlock { device: "belt-1".parse().unwrap(), received: block_start.plus_seconds(1), block })
}

struct Service {
    store: Store,
    bus: Bus,
    policy: Policy,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), surveillance::Error>>,
}

impl Service {
    async fn start(store: Store) -> Self {
        let policy = policy_file::parse(policy_file::DEFAULT).unwrap();
        let bus = Bus::in_process();
        let stop = CancellationToken::new();
        let config = Config { policy: policy.clone(), signal: signal::Settings::published() };
        let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
        let running = surveillance::run(config, store.clone(), bus.clone(), metrics, stop.clone());
        let task = tokio::spawn(running);
        Self { store, bus, policy, stop, task }
    }

    /// Waits for an open alert in the store that a test accepts.
    async fn open_alert(&self, accept: impl Fn(&Alert) -> bool) -> Alert {
        let look = async {
            loop {
                if let Some(found) = self.store.open_alerts().await.unwrap().into_iter().find(&accept) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("an alert")
    }

    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }
}

async fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(&format!("sqlite:{}", folder.path().join("maia.db").display())).await.unwrap()
}

fn is(kind: FindingKind) -> impl Fn(&Alert) -> bool {
    move |alert| alert.key.condition == Condition::Signal(kind)
}

#[tokio::test]
async fn from_stored_samples_to_a_closed_alert() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    // Four minutes that nobody watched, low to the end.
    let start = now().plus_seconds(-240);
    let blocks: Vec<_> =
        (0..240).map(|sequence| second(start, sequence, if sequence < 60 { 140 } else { 75 })).collect();
    store.append(&blocks).await.unwrap();

    let service = Service::start(store.clone()).await;
    let raised = service.open_alert(is(FindingKind::LowHeartRate)).await;
    assert_eq!((raised.priority, raised.late), (Priority::High, false));

    // Nobody shows it within 5 s: the store's deadline escalates it.
    let escalated = service.open_alert(|alert| alert.id == raised.id && alert.step >= 1).await;
    let by = Person("Lin".to_owned());
    let acknowledge = AlertEvent::Acknowledge { by: by.clone(), version: escalated.version };
    let change = alerting::decide(Some(&escalated), &acknowledge, now(), &service.policy).unwrap().unwrap();
    store.record_change(&change).await.unwrap();
    service.bus.publish(News::Alert { alert: Arc::new(change.alert.clone()), recorded: true });
    assert_eq!(change.alert.state, AlertState::Acknowledged);

    let findings = store.findings(RECORDING, ctg::Interval { start, end: now() }).await.unwrap();
    assert!(findings.iter().any(|finding| finding.kind == FindingKind::LowHeartRate));
    service.stop().await;

    let log = store.alert_log(raised.id).await.unwrap();
    assert!(log.windows(2).all(|pair| pair[1].version == pair[0].version + 1));
    assert!(log.iter().any(|line| line.by == Some(by.clone())));
}

#[tokio::test]
async fn live_blocks_become_findings_in_the_store_and_on_the_bus() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let service = Service::start(store.clone()).await;
    let mut news = service.bus.subscribe();
    // The first look at the store comes before the first block, or finds it: both are right.
    let start = now().plus_seconds(-120);
    for sequence in 0..120 {
        let block = second(start, sequence, if sequence < 30 { 140 } else { 75 });
        store.append(std::slice::from_ref(&block)).await.unwrap();
        service.bus.publish(News::Blocks(Arc::from([block])));
    }
    service.open_alert(is(FindingKind::LowHeartRate)).await;
    let heard = async {
        loop {
            if let Next::News(News::Alert { alert, recorded: true }) = news.next().await
                && is(FindingKind::LowHeartRate)(&alert)
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("news of the alert");
    let stored = async {
        while store.findings(RECORDING, ctg::Interval { start, end: now() }).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, stored).await.expect("findings in the store");
    service.stop().await;
}

#[tokio::test]
async fn a_complaint_that_was_only_stored_is_alarmed_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let bleeding = DeviceEvent {
        recording: None,
        sequence: 1,
        at: now().plus_seconds(-30),
        kind: DeviceEventKind::Complaint(Complaint::Bleeding),
    };
    store.append_events(&"belt-1".parse().unwrap(), &[bleeding], now().plus_seconds(-29)).await.unwrap();
    let service = Service::start(store.clone()).await;
    let raised = service.open_alert(|alert| alert.key.condition == Condition::Complaint(Complaint::Bleeding)).await;
    assert_eq!(raised.priority, Priority::High);
    service.stop().await;

    // A second start finds the alert and raises no other.
    let service = Service::start(store.clone()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(store.open_alerts().await.unwrap().len(), 1);
    service.stop().await;
}

#[tokio::test]
async fn an_alert_does_not_wait_for_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let service = Service::start(store.clone()).await;
    let mut news = service.bus.subscribe();
    tokio::time::sleep(Duration::from_millis(500)).await;
    store.close().await;
    let bleeding =
        DeviceEvent { recording: None, sequence: 1, at: now(), kind: DeviceEventKind::Complaint(Complaint::Bleeding) };
    service.bus.publish(News::Event("belt-1".parse().unwrap(), Arc::new(bleeding)));
    let mut missing = vec![Condition::Complaint(Complaint::Bleeding), Condition::NotRecorded];
    let heard = async {
        while !missing.is_empty() {
            if let Next::News(News::Alert { alert, recorded }) = news.next().await {
                assert!(!recorded, "nothing can be recorded");
                missing.retain(|condition| *condition != alert.key.condition);
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("both alerts, marked as not recorded");
    service.stop().await;
}
