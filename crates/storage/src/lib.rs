//! The only SQL: SQLite for one machine, PostgreSQL (with TimescaleDB where the server has it) for many.
//!
//! The store is the truth. Every method either leaves its whole effect on disk or none of it.
#![forbid(unsafe_code)]

use alerting::{Alert, AlertChange, AlertId, LogEntry};
use ctg::{
    Analysis, BaselinePoint, Device, DeviceEvent, DeviceId, FetusIndex, Finding, Interval, ReceivedBlock, Recording,
    RecordingId, Timestamp,
};

/// Why the store did not do as asked, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody was faster: reload and decide again.
    #[error("changed by somebody else meanwhile")]
    Conflict,
    /// The database does not answer: retry later, show "not recorded".
    #[error("store unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// What was read cannot be right: stop and tell an operator.
    #[error("store corrupt: {0}")]
    Corrupt(String),
}

/// What became of one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// On disk now.
    Stored,
    /// Was there already, with the same content.
    Duplicate,
    /// Another content is stored under the same sequence; that one stays.
    Conflicting,
    /// The recording belongs to another device, or its start, rates or fetuses differ.
    Inadmissible,
}

/// A packet that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// When it arrived.
    pub received: Timestamp,
    /// Its topic, as received.
    pub topic: String,
    /// Why it could not be used.
    pub reason: String,
    /// Its bytes, cut at [`Quarantined::PAYLOAD_MAX`].
    pub payload: Vec<u8>,
}

impl Quarantined {
    /// Most bytes of a payload that are kept.
    pub const PAYLOAD_MAX: usize = 65_536;
}

/// A secret's SHA-256; the secret itself is never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretDigest(pub [u8; 32]);

/// A recording and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingProgress {
    /// The recording.
    pub recording: Recording,
    /// Every block up to and including this sequence is stored; `None` while block 0 is missing.
    pub stored_through: Option<u32>,
    /// Device time just after the last stored sample.
    pub last_sample: Option<Timestamp>,
    /// When the device said that it ended.
    pub stopped: Option<Timestamp>,
}

/// The place of everything that must survive.
#[derive(Clone, Debug)]
pub struct Store {}

#[expect(unused_variables, clippy::todo, reason = "signatures first: the bodies follow in the next commits")]
impl Store {
    /// Opens `sqlite:PATH` or `postgres://…` and brings its schema up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        todo!()
    }

    /// Registers a device, or gives a known one a new label and secret.
    pub async fn put_device(&self, device: &Device, secret: SecretDigest, now: Timestamp) -> Result<(), StoreError> {
        todo!()
    }
    /// Bars a device; its history stays. False if there is none of that name.
    pub async fn revoke_device(&self, device: &DeviceId, now: Timestamp) -> Result<bool, StoreError> {
        todo!()
    }
    /// Every device that is not revoked, with its secret's digest.
    pub async fn devices(&self) -> Result<Vec<(Device, SecretDigest)>, StoreError> {
        todo!()
    }

    /// Stores blocks in one commit; the answer has one entry per block, in order.
    /// Creates the recording with its first block.
    pub async fn append(&self, blocks: &[std::sync::Arc<ReceivedBlock>]) -> Result<Vec<Appended>, StoreError> {
        todo!()
    }
    /// Keeps packets that could not be used, in one commit.
    pub async fn quarantine(&self, packets: &[Quarantined]) -> Result<(), StoreError> {
        todo!()
    }
    /// Number of packets in quarantine and the newest ones, newest first.
    pub async fn quarantined(&self, limit: u32) -> Result<(u64, Vec<Quarantined>), StoreError> {
        todo!()
    }
    /// Stores events of one device in one commit; true where the event is new. A `Stop` ends its recording.
    pub async fn append_events(
        &self,
        device: &DeviceId,
        events: &[DeviceEvent],
        received: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        todo!()
    }
    /// Events of one recording in a stretch of time, in order.
    pub async fn events(&self, recording: RecordingId, within: Interval) -> Result<Vec<DeviceEvent>, StoreError> {
        todo!()
    }

    /// One recording; `None` if unknown.
    pub async fn recording(&self, id: RecordingId) -> Result<Option<RecordingProgress>, StoreError> {
        todo!()
    }
    /// Recordings that received a block at or after `since`, newest first.
    pub async fn recordings_since(&self, since: Timestamp) -> Result<Vec<RecordingProgress>, StoreError> {
        todo!()
    }
    /// Blocks of one recording that overlap a stretch of device time, in order, at most `limit`.
    pub async fn blocks(
        &self,
        recording: RecordingId,
        within: Interval,
        limit: u32,
    ) -> Result<Vec<ReceivedBlock>, StoreError> {
        todo!()
    }
    /// Blocks of one recording from a sequence on, in order, at most `limit`.
    pub async fn blocks_from(
        &self,
        recording: RecordingId,
        sequence: u32,
        limit: u32,
    ) -> Result<Vec<ReceivedBlock>, StoreError> {
        todo!()
    }

    /// Keeps what an analysis learned: findings (every revision) and final baseline points.
    pub async fn record_analysis(
        &self,
        recording: RecordingId,
        analysis: &Analysis,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        todo!()
    }
    /// The newest revision of each finding that overlaps a stretch of device time.
    pub async fn findings(&self, recording: RecordingId, within: Interval) -> Result<Vec<Finding>, StoreError> {
        todo!()
    }
    /// Every revision of one finding, oldest first.
    pub async fn finding_history(&self, recording: RecordingId, number: u32) -> Result<Vec<Finding>, StoreError> {
        todo!()
    }
    /// Final baseline points in a stretch of device time.
    pub async fn baseline(&self, recording: RecordingId, within: Interval) -> Result<Vec<BaselinePoint>, StoreError> {
        todo!()
    }

    /// Saves a decision: alert, version and history in one commit.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the version moved on, or another alert of the same key is open.
    pub async fn record_change(&self, change: &AlertChange) -> Result<(), StoreError> {
        todo!()
    }
    /// One alert; `None` if unknown.
    pub async fn alert(&self, id: AlertId) -> Result<Option<Alert>, StoreError> {
        todo!()
    }
    /// Every open alert.
    pub async fn open_alerts(&self) -> Result<Vec<Alert>, StoreError> {
        todo!()
    }
    /// Open alerts whose deadline is at or before `now`, earliest first.
    pub async fn alerts_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Alert>, StoreError> {
        todo!()
    }
    /// Alerts resolved at or after `since`, newest first.
    pub async fn resolved_alerts_since(&self, since: Timestamp, limit: u32) -> Result<Vec<Alert>, StoreError> {
        todo!()
    }
    /// The history of one alert, oldest first.
    pub async fn alert_log(&self, id: AlertId) -> Result<Vec<LogEntry>, StoreError> {
        todo!()
    }

    /// Asks the database for a trivial answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        todo!()
    }
    /// Finishes what is under way and closes the database.
    pub async fn close(&self) {
        todo!()
    }
}
