use ctg::{DeviceEvent, DeviceEventKind, DeviceId, Interval, RecordingId, Timestamp};

use crate::database::{Change, bounded, commit, on, word};
use crate::recordings::{device_id, recording_id};
use crate::{Store, StoreError};

impl Store {
    /// Stores events of one device in one commit; true where the event is new. A `Stop` ends its recording.
    ///
    /// An event is known by its number: what came first under a number stays.
    pub async fn append_events(
        &self,
        device: &DeviceId,
        events: &[DeviceEvent],
        received: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let events: Vec<_> = events.iter().map(|event| (device, event, received)).collect();
        self.append_events_of_devices(&events).await
    }

    /// Stores events of many devices, each with its arrival, in one commit; true where the event is new.
    pub async fn append_events_of_devices(
        &self,
        events: &[(&DeviceId, &DeviceEvent, Timestamp)],
    ) -> Result<Vec<bool>, StoreError> {
        bounded(async {
            let mut change = self.database.change().await?;
            let mut new = Vec::with_capacity(events.len());
            for (device, event, received) in events {
                new.push(insert(&mut change, device, event, *received).await?);
            }
            commit(change).await?;
            Ok(new)
        })
        .await
    }

    /// Events of one recording in a stretch of time, in order; only those that its own device told.
    pub async fn events(&self, recording: RecordingId, within: Interval) -> Result<Vec<DeviceEvent>, StoreError> {
        const SELECT: &str = "select e.device, e.recording, e.sequence, e.at_us, e.kind from device_event e \
             left join recording r on r.id = e.recording \
             where e.recording = $1 and e.device = coalesce(r.device, e.device) and e.at_us >= $2 and e.at_us < $3 \
             order by e.at_us, e.sequence";
        bounded(async {
            let rows: Vec<EventRow> = on!(self.database.reader(), pool => sqlx::query_as(SELECT)
                .bind(recording.as_bytes().as_slice())
                .bind(within.start.as_micros())
                .bind(within.end.as_micros())
                .fetch_all(pool)
                .await)?;
            rows.into_iter().map(EventRow::event).collect()
        })
        .await
    }

    /// Events of all devices that arrived at or after `since`, in order of arrival, at most `limit`.
    pub async fn events_since(&self, since: Timestamp, limit: u32) -> Result<Vec<(DeviceId, DeviceEvent)>, StoreError> {
        const SELECT: &str = "select device, recording, sequence, at_us, kind from device_event \
             where received_us >= $1 order by received_us, device, sequence limit $2";
        bounded(async {
            let rows: Vec<EventRow> = on!(self.database.reader(), pool =>
                sqlx::query_as(SELECT).bind(since.as_micros()).bind(i64::from(limit)).fetch_all(pool).await)?;
            rows.into_iter().map(|row| Ok((device_id(&row.device)?, row.event()?))).collect()
        })
        .await
    }
}

/// True if the event is new.
async fn insert(
    change: &mut Change,
    device: &DeviceId,
    event: &DeviceEvent,
    received: Timestamp,
) -> Result<bool, StoreError> {
    const INSERT: &str = "insert into device_event (device, sequence, recording, at_us, kind, received_us) \
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
    let inserted = on!(change, transaction => sqlx::query(INSERT)
        .bind(device.as_str())
        // The databases' numbers have a sign: the upper half is stored as negative numbers.
        .bind(event.sequence.cast_signed())
        .bind(event.recording.as_ref().map(|id| id.as_bytes().as_slice()))
        .bind(event.at.as_micros())
        .bind(event.kind.code())
        .bind(received.as_micros())
        .execute(&mut **transaction)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(inserted == 1)
}

#[derive(sqlx::FromRow)]
struct EventRow {
    device: String,
    recording: Option<Vec<u8>>,
    sequence: i64,
    at_us: i64,
    kind: String,
}

impl EventRow {
    fn event(self) -> Result<DeviceEvent, StoreError> {
        Ok(DeviceEvent {
            recording: self.recording.as_deref().map(recording_id).transpose()?,
            sequence: self.sequence.cast_unsigned(),
            at: Timestamp::from_micros(self.at_us),
            kind: word(DeviceEventKind::from_code(&self.kind), "kind of an event")?,
        })
    }
}
