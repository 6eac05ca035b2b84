use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ctg::{DeviceId, Recording, RecordingId, SampleRate, Timestamp};

use crate::database::{Change, bounded, number, on, word};
use crate::{Store, StoreError, pack};

/// Recordings kept in memory: more than a city has open; beyond it all are forgotten and read again.
const KNOWN_MAX: usize = 100_000;
/// A recording is touched when a block arrives so much later than the last touch, in microseconds.
const TOUCH_EVERY_US: i64 = 60_000_000;
/// A recording is checked for missing blocks when its sequence has grown by so much, at the latest.
const CHECK_EVERY_BLOCKS: u32 = 256;

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

/// The columns of a recording that a block is compared with.
macro_rules! select_recording {
    ($rest:literal) => {
        concat!(
            "select handle, id, device, start_us, block_length_ms, fhr_hz, toco_hz, fhr_step_quarter_bpm, fetuses, \
             received_us from recording ",
            $rest
        )
    };
}

/// Start of the last block before the first hole, walking from the block last checked, or from the start.
macro_rules! through_us {
    () => {
        "(select b.start_us from block b \
          where b.recording = r.handle and b.start_us >= coalesce(r.checked_us, r.start_us) \
            and exists (select 1 from block a \
                        where a.recording = r.handle and a.start_us = coalesce(r.checked_us, r.start_us)) \
            and not exists (select 1 from block n \
                            where n.recording = r.handle and n.start_us = b.start_us + r.block_length_ms * 1000) \
          order by b.start_us limit 1)"
    };
}

/// Recordings with their progress. Costs one probe of the block index for each block since the last check, a
/// few hundred at most unless a hole was filled later, and one read of the last block.
macro_rules! select_progress {
    ($rest:literal) => {
        concat!(
            "select r.handle, r.id, r.device, r.start_us, r.block_length_ms, r.fhr_hz, r.toco_hz, \
             r.fhr_step_quarter_bpm, r.fetuses, r.received_us, ",
            through_us!(),
            " as through_us, l.start_us as last_start_us, l.received_us as last_received_us, \
             l.payload as last_payload, \
             (select max(e.at_us) from device_event e \
              where e.recording = r.id and e.device = r.device and e.kind = 'stop') as stopped_us \
             from recording r \
             left join block l on l.recording = r.handle \
              and l.start_us = (select max(b.start_us) from block b where b.recording = r.handle) ",
            $rest
        )
    };
}

impl Store {
    /// One recording; `None` if unknown.
    pub async fn recording(&self, id: RecordingId) -> Result<Option<RecordingProgress>, StoreError> {
        const SELECT: &str = select_progress!("where r.id = $1");
        bounded(async {
            let row: Option<ProgressRow> = on!(self.database.reader(), pool =>
                sqlx::query_as(SELECT).bind(id.as_bytes().as_slice()).fetch_optional(pool).await)?;
            row.map(ProgressRow::progress).transpose()
        })
        .await
    }

    /// Recordings that received a block at or after `since`, newest first.
    pub async fn recordings_since(&self, since: Timestamp) -> Result<Vec<RecordingProgress>, StoreError> {
        // A touch is at most one interval older than the newest block: only those in doubt are looked through.
        const SELECT: &str = select_progress!(
            "where r.touched_us > $2 and (r.touched_us >= $1 or exists \
              (select 1 from block s where s.recording = r.handle and s.received_us >= $1)) \
             order by r.received_us desc, r.handle desc"
        );
        bounded(async {
            let in_doubt = since.plus_micros(-TOUCH_EVERY_US);
            let rows: Vec<ProgressRow> = on!(self.database.reader(), pool =>
                sqlx::query_as(SELECT).bind(since.as_micros()).bind(in_doubt.as_micros()).fetch_all(pool).await)?;
            rows.into_iter().map(ProgressRow::progress).collect()
        })
        .await
    }

    /// What is fixed of a recording, from memory where it is known; `None` if there is none.
    pub(crate) async fn known(&self, id: RecordingId) -> Result<Option<KnownRecording>, StoreError> {
        if let Some(known) = self.known.get(id) {
            return Ok(Some(known));
        }
        let row: Option<RecordingRow> = on!(self.database.reader(), pool =>
            sqlx::query_as(SELECT_KNOWN).bind(id.as_bytes().as_slice()).fetch_optional(pool).await)?;
        let known = row.map(RecordingRow::known).transpose()?;
        if let Some(known) = &known {
            self.known.put([known.clone()]);
        }
        Ok(known)
    }
}

const SELECT_KNOWN: &str = select_recording!("where id = $1");

/// A recording as one process remembers it. Rows never change what is kept here, so memory cannot be wrong.
#[derive(Clone, Debug)]
pub(crate) struct KnownRecording {
    /// Its number in the tables.
    pub(crate) handle: i64,
    /// What its blocks must agree with.
    pub(crate) recording: Arc<Recording>,
    /// Touch and check it with a block that arrived at or after this.
    touch_due: Timestamp,
    /// Check it with a block of this sequence or a later one.
    check_due: u32,
}

impl KnownRecording {
    fn new(handle: i64, recording: Recording) -> Self {
        // Spread over the interval: recordings that began together are not touched together.
        let spread_us = (handle.rem_euclid(60) + 1) * (TOUCH_EVERY_US / 60);
        let touch_due = recording.received.plus_micros(spread_us);
        let check_due = CHECK_EVERY_BLOCKS + (handle.rem_euclid(i64::from(CHECK_EVERY_BLOCKS)) as u32);
        Self { handle, recording: Arc::new(recording), touch_due, check_due }
    }

    /// True if a stored block makes it due to be touched and checked.
    pub(crate) fn is_due(&self, sequence: u32, received: Timestamp) -> bool {
        received >= self.touch_due || sequence >= self.check_due
    }

    /// The same after it was touched and checked with such a block.
    pub(crate) fn checked(self, sequence: u32, received: Timestamp) -> Self {
        Self {
            touch_due: self.touch_due.max(received.plus_micros(TOUCH_EVERY_US)),
            check_due: self.check_due.max(sequence.saturating_add(CHECK_EVERY_BLOCKS)),
            ..self
        }
    }
}

/// The recordings that a process remembers.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<HashMap<RecordingId, KnownRecording>>);

impl Known {
    pub(crate) fn get(&self, id: RecordingId) -> Option<KnownRecording> {
        self.lock().get(&id).cloned()
    }

    /// Remembers recordings that are in the database for certain.
    pub(crate) fn put(&self, recordings: impl IntoIterator<Item = KnownRecording>) {
        let mut known = self.lock();
        for recording in recordings {
            if known.len() >= KNOWN_MAX {
                known.clear();
            }
            known.insert(recording.recording.id, recording);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RecordingId, KnownRecording>> {
        // Whoever panicked left whole entries.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds a recording, or makes it; the answer is what is in the database, whoever made it.
pub(crate) async fn find_or_create(change: &mut Change, recording: Recording) -> Result<KnownRecording, StoreError> {
    if let Some(found) = find(change, recording.id).await? {
        return Ok(found);
    }
    match create(change, &recording).await? {
        Some(handle) => Ok(KnownRecording::new(handle, recording)),
        // Another process was faster between the two questions.
        None => find(change, recording.id).await?.ok_or(StoreError::Conflict),
    }
}

/// Notes when the recording was last heard of and how far it is without a hole.
pub(crate) async fn touch(change: &mut Change, handle: i64, received: Timestamp) -> Result<(), StoreError> {
    const UPDATE: &str = concat!(
        "update recording as r set touched_us = case when touched_us < $2 then $2 else touched_us end, \
         checked_us = coalesce(",
        through_us!(),
        ", checked_us) where handle = $1"
    );
    on!(change, transaction => sqlx::query(UPDATE)
        .bind(handle)
        .bind(received.as_micros())
        .execute(&mut **transaction)
        .await
        .map(|_| ()))?;
    Ok(())
}

async fn find(change: &mut Change, id: RecordingId) -> Result<Option<KnownRecording>, StoreError> {
    let row: Option<RecordingRow> = on!(change, transaction =>
        sqlx::query_as(SELECT_KNOWN).bind(id.as_bytes().as_slice()).fetch_optional(&mut **transaction).await)?;
    row.map(RecordingRow::known).transpose()
}

async fn create(change: &mut Change, recording: &Recording) -> Result<Option<i64>, StoreError> {
    const INSERT: &str = "insert into recording (id, device, start_us, block_length_ms, fhr_hz, toco_hz, \
         fhr_step_quarter_bpm, fetuses, received_us, touched_us) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) on conflict do nothing returning handle";
    let handle = on!(change, transaction => sqlx::query_scalar(INSERT)
        .bind(recording.id.as_bytes().as_slice())
        .bind(recording.device.as_str())
        .bind(recording.start.as_micros())
        .bind(i64::from(recording.block_length_ms))
        .bind(i64::from(recording.fhr_rate.hz()))
        .bind(i64::from(recording.toco_rate.hz()))
        .bind(i64::from(recording.fhr_step_quarter_bpm))
        .bind(i64::from(recording.fetuses))
        .bind(recording.received.as_micros())
        .fetch_optional(&mut **transaction)
        .await)?;
    Ok(handle)
}

#[derive(sqlx::FromRow)]
struct RecordingRow {
    handle: i64,
    id: Vec<u8>,
    device: String,
    start_us: i64,
    block_length_ms: i64,
    fhr_hz: i64,
    toco_hz: i64,
    fhr_step_quarter_bpm: i64,
    fetuses: i64,
    received_us: i64,
}

impl RecordingRow {
    fn known(self) -> Result<KnownRecording, StoreError> {
        Ok(KnownRecording::new(self.handle, self.recording()?))
    }

    fn recording(self) -> Result<Recording, StoreError> {
        Ok(Recording {
            id: recording_id(&self.id)?,
            device: device_id(&self.device)?,
            start: Timestamp::from_micros(self.start_us),
            block_length_ms: number(self.block_length_ms, "block length")?,
            fhr_rate: rate(self.fhr_hz)?,
            toco_rate: rate(self.toco_hz)?,
            fhr_step_quarter_bpm: number(self.fhr_step_quarter_bpm, "heart-rate step")?,
            fetuses: number(self.fetuses, "number of fetuses")?,
            received: Timestamp::from_micros(self.received_us),
        })
    }
}

#[derive(sqlx::FromRow)]
struct ProgressRow {
    #[sqlx(flatten)]
    recording: RecordingRow,
    through_us: Option<i64>,
    last_start_us: Option<i64>,
    last_received_us: Option<i64>,
    last_payload: Option<Vec<u8>>,
    stopped_us: Option<i64>,
}

impl ProgressRow {
    fn progress(self) -> Result<RecordingProgress, StoreError> {
        let recording = self.recording.recording()?;
        let length_us = i64::from(recording.block_length_ms) * 1000;
        let through = |through_us: i64| match (through_us - recording.start.as_micros()).checked_div(length_us) {
            Some(sequence) => number(sequence, "block sequence"),
            None => Err(StoreError::corrupt("block length is zero")),
        };
        let last = self.last_start_us.zip(self.last_received_us).zip(self.last_payload);
        let last_sample = last.map(|((start_us, received_us), payload)| {
            let (start, received) = (Timestamp::from_micros(start_us), Timestamp::from_micros(received_us));
            // A damaged block is reported by who reads it; here it counts as having no samples.
            pack::block(&payload, &recording, start, received).map_or(start, |block| block.end())
        });
        Ok(RecordingProgress {
            stored_through: self.through_us.map(through).transpose()?,
            last_sample,
            stopped: self.stopped_us.map(Timestamp::from_micros),
            recording,
        })
    }
}

pub(crate) fn recording_id(stored: &[u8]) -> Result<RecordingId, StoreError> {
    RecordingId::try_from(stored).map_err(|error| StoreError::corrupt(error.to_string()))
}

pub(crate) fn device_id(stored: &str) -> Result<DeviceId, StoreError> {
    stored.parse().map_err(|error: ctg::DeviceIdError| StoreError::corrupt(error.to_string()))
}

fn rate(stored_hz: i64) -> Result<SampleRate, StoreError> {
    word(SampleRate::new(number(stored_hz, "sample rate")?), "sample rate")
}
