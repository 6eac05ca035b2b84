use std::collections::BTreeMap;

use ctg::{BaselinePoint, FetusIndex, Interval, MICROS_PER_SECOND, RecordingId, Stage, Timestamp};

use crate::database::{Change, bounded, on};
use crate::findings::fetus;
use crate::pack::{self, Point};
use crate::recordings::KnownRecording;
use crate::{Store, StoreError};

/// Time whose points share a row, in microseconds: a row per second would be mostly overhead.
const MINUTE_US: i64 = 60 * MICROS_PER_SECOND;

impl Store {
    /// Final baseline points in a stretch of device time, in order.
    pub async fn baseline(&self, recording: RecordingId, within: Interval) -> Result<Vec<BaselinePoint>, StoreError> {
        const SELECT: &str = "select fetus, minute_us, points from baseline \
             where recording = $1 and minute_us >= $2 and minute_us < $3";
        bounded(async {
            let Some(known) = self.known(recording).await? else { return Ok(Vec::new()) };
            let rows: Vec<(i64, i64, Vec<u8>)> = on!(self.database.reader(), pool => sqlx::query_as(SELECT)
                .bind(known.handle)
                .bind(minute(within.start).as_micros())
                .bind(within.end.as_micros())
                .fetch_all(pool)
                .await)?;
            let mut points = Vec::new();
            for (fetus_index, minute_us, stored) in rows {
                let fetus = fetus(fetus_index)?;
                let of_minute = read(&known, fetus, Timestamp::from_micros(minute_us), &stored)?;
                points.extend(of_minute.into_iter().map(|Point { at, baseline_bpm }| BaselinePoint {
                    fetus,
                    at,
                    baseline_bpm,
                    stage: Stage::Final,
                }));
            }
            points.retain(|point| (within.start..within.end).contains(&point.at));
            points.sort_by_key(|point| (point.at, point.fetus));
            Ok(points)
        })
        .await
    }
}

/// Adds points to the minutes that they belong to; a point that is there stays as it is.
pub(crate) async fn insert(
    change: &mut Change,
    known: &KnownRecording,
    points: &[&BaselinePoint],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut minutes: BTreeMap<(FetusIndex, Timestamp), Vec<Point>> = BTreeMap::new();
    for point in points {
        let of_minute = minutes.entry((point.fetus, minute(point.at))).or_default();
        of_minute.push(Point { at: point.at, baseline_bpm: point.baseline_bpm });
    }
    for ((fetus, minute), new) in minutes {
        let before = select(change, known.handle, fetus, minute).await?;
        let mut merged = match &before {
            Some(stored) => read(known, fetus, minute, stored)?,
            None => Vec::new(),
        };
        merged.extend(new);
        // Stable: of two points at one moment the stored one comes first and stays.
        merged.sort_by_key(|point| point.at);
        merged.dedup_by_key(|point| point.at);
        let packed = pack::pack_points(&merged, &known.recording.id, fetus, minute);
        replace(change, (known.handle, fetus, minute), before, packed, now).await?;
    }
    Ok(())
}

fn minute(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_micros().saturating_sub(at.as_micros().rem_euclid(MINUTE_US)))
}

fn read(known: &KnownRecording, fetus: FetusIndex, minute: Timestamp, stored: &[u8]) -> Result<Vec<Point>, StoreError> {
    let id = known.recording.id;
    pack::points(stored, &id, fetus, minute)
        .ok_or_else(|| StoreError::corrupt(format!("baseline of recording {id} at {minute} fails its checksum")))
}

async fn select(
    change: &mut Change,
    handle: i64,
    fetus: FetusIndex,
    minute: Timestamp,
) -> Result<Option<Vec<u8>>, StoreError> {
    const SELECT: &str = "select points from baseline where recording = $1 and fetus = $2 and minute_us = $3";
    Ok(on!(change, transaction => sqlx::query_scalar(SELECT)
        .bind(handle)
        .bind(i64::from(fetus.get()))
        .bind(minute.as_micros())
        .fetch_optional(&mut **transaction)
        .await)?)
}

/// Puts a minute's points in the place of those read before; [`StoreError::Conflict`] if they changed meanwhile.
async fn replace(
    change: &mut Change,
    (handle, fetus, minute): (i64, FetusIndex, Timestamp),
    before: Option<Vec<u8>>,
    packed: Vec<u8>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const REPLACE: &str = "insert into baseline (recording, fetus, minute_us, points, recorded_us) \
         values ($1, $2, $3, $4, $5) on conflict (recording, fetus, minute_us) do update \
         set points = excluded.points, recorded_us = excluded.recorded_us where baseline.points = $6";
    let done = on!(change, transaction => sqlx::query(REPLACE)
        .bind(handle)
        .bind(i64::from(fetus.get()))
        .bind(minute.as_micros())
        .bind(packed)
        .bind(now.as_micros())
        .bind(before)
        .execute(&mut **transaction)
        .await
        .map(|done| done.rows_affected()))?;
    if done == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}
