use ctg::{Analysis, BaselinePoint, FetusIndex, Finding, FindingKind, Interval, Method, RecordingId, Stage, Timestamp};

use crate::database::{Change, bounded, commit, number, on, storable, word};
use crate::{Store, StoreError, baseline, pack};

/// The columns of a finding, all but its recording.
macro_rules! select_finding {
    ($rest:literal) => {
        concat!(
            "select f.number, f.revision, f.fetus, f.kind, f.stage, f.start_us, f.end_us, f.ongoing, \
             f.known_until_us, f.method, f.method_version, f.measurements from finding f ",
            $rest
        )
    };
}

impl Store {
    /// Keeps what an analysis learned: findings (every revision) and final baseline points.
    ///
    /// What is there already stays: saying it again changes nothing, and of two final baseline points for one
    /// moment the first is kept.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], and nothing kept, if the recording is unknown or another content is stored under
    /// the same number and revision.
    pub async fn record_analysis(
        &self,
        recording: RecordingId,
        analysis: &Analysis,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.record_analyses(&[(recording, analysis)], now).await
    }

    /// The same for several analyses, in one commit.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], and nothing kept, if any of them would have been refused alone.
    pub async fn record_analyses(
        &self,
        analyses: &[(RecordingId, &Analysis)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let learned: Vec<_> = analyses.iter().filter(|(_, analysis)| is_worth_keeping(analysis)).collect();
        if learned.is_empty() {
            return Ok(());
        }
        bounded(async {
            let mut known = Vec::with_capacity(learned.len());
            for (recording, _) in &learned {
                known.push(self.known(*recording).await?.ok_or(StoreError::Conflict)?);
            }
            let mut change = self.database.change().await?;
            for ((recording, analysis), known) in learned.iter().zip(&known) {
                for finding in &analysis.findings {
                    assert_eq!(finding.recording, *recording, "an analysis speaks of one recording");
                    insert(&mut change, known.handle, finding, now).await?;
                }
                let points: Vec<_> = final_points(analysis).collect();
                baseline::insert(&mut change, known, &points, now).await?;
            }
            commit(change).await
        })
        .await
    }

    /// The newest revision of each finding that overlaps a stretch of device time, withdrawn ones too, in order.
    pub async fn findings(&self, recording: RecordingId, within: Interval) -> Result<Vec<Finding>, StoreError> {
        const SELECT: &str = select_finding!(
            "where f.recording = $1 and f.start_us < $3 and f.end_us > $2 \
               and not exists (select 1 from finding n where n.recording = f.recording and n.number = f.number \
                               and n.revision > f.revision) \
             order by f.start_us, f.number"
        );
        bounded(async {
            let Some(known) = self.known(recording).await? else { return Ok(Vec::new()) };
            let rows: Vec<FindingRow> = on!(self.database.reader(), pool => sqlx::query_as(SELECT)
                .bind(known.handle)
                .bind(within.start.as_micros())
                .bind(within.end.as_micros())
                .fetch_all(pool)
                .await)?;
            rows.into_iter().map(|row| row.finding(recording)).collect()
        })
        .await
    }

    /// Every revision of one finding, oldest first.
    pub async fn finding_history(&self, recording: RecordingId, number: u32) -> Result<Vec<Finding>, StoreError> {
        const SELECT: &str = select_finding!("where f.recording = $1 and f.number = $2 order by f.revision");
        bounded(async {
            let Some(known) = self.known(recording).await? else { return Ok(Vec::new()) };
            let rows: Vec<FindingRow> = on!(self.database.reader(), pool =>
                sqlx::query_as(SELECT).bind(known.handle).bind(i64::from(number)).fetch_all(pool).await)?;
            rows.into_iter().map(|row| row.finding(recording)).collect()
        })
        .await
    }
}

fn is_worth_keeping(analysis: &Analysis) -> bool {
    !analysis.findings.is_empty() || final_points(analysis).next().is_some()
}

fn final_points(analysis: &Analysis) -> impl Iterator<Item = &BaselinePoint> {
    analysis.baseline.iter().filter(|point| point.stage == Stage::Final)
}

/// Stores a revision, or makes sure that the stored one is the same.
async fn insert(change: &mut Change, handle: i64, finding: &Finding, now: Timestamp) -> Result<(), StoreError> {
    const INSERT: &str = "insert into finding (recording, number, revision, fetus, kind, stage, start_us, end_us, \
         ongoing, known_until_us, method, method_version, measurements, recorded_us) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict do nothing";
    let row = FindingRow::of(finding);
    let inserted = on!(&mut *change, transaction => sqlx::query(INSERT)
        .bind(handle)
        .bind(row.number)
        .bind(row.revision)
        .bind(row.fetus)
        .bind(row.kind.as_str())
        .bind(row.stage.as_str())
        .bind(row.start_us)
        .bind(row.end_us)
        .bind(row.ongoing)
        .bind(row.known_until_us)
        .bind(row.method.as_str())
        .bind(row.method_version)
        .bind(row.measurements.as_slice())
        .bind(now.as_micros())
        .execute(&mut **transaction)
        .await
        .map(|done| done.rows_affected()))?;
    if inserted == 1 || stored(change, handle, &row).await? == row { Ok(()) } else { Err(StoreError::Conflict) }
}

/// The stored revision of the same number.
async fn stored(change: &mut Change, handle: i64, row: &FindingRow) -> Result<FindingRow, StoreError> {
    const SELECT: &str = select_finding!("where f.recording = $1 and f.number = $2 and f.revision = $3");
    Ok(on!(change, transaction => sqlx::query_as(SELECT)
        .bind(handle)
        .bind(row.number)
        .bind(row.revision)
        .fetch_one(&mut **transaction)
        .await)?)
}

#[derive(PartialEq, sqlx::FromRow)]
struct FindingRow {
    number: i64,
    revision: i64,
    fetus: Option<i64>,
    kind: String,
    stage: String,
    start_us: i64,
    end_us: i64,
    ongoing: bool,
    known_until_us: i64,
    method: String,
    method_version: i64,
    measurements: Vec<u8>,
}

impl FindingRow {
    fn of(finding: &Finding) -> Self {
        Self {
            number: finding.number.into(),
            revision: finding.revision.into(),
            fetus: finding.fetus.map(|fetus| fetus.get().into()),
            kind: finding.kind.code().to_owned(),
            stage: finding.stage.code().to_owned(),
            start_us: finding.interval.start.as_micros(),
            end_us: finding.interval.end.as_micros(),
            ongoing: finding.ongoing,
            known_until_us: finding.known_until.as_micros(),
            method: storable(&finding.method.name),
            method_version: finding.method.version.into(),
            measurements: pack::pack_measurements(finding),
        }
    }

    fn finding(self, recording: RecordingId) -> Result<Finding, StoreError> {
        let (finding_number, revision) = (number(self.number, "finding")?, number(self.revision, "revision")?);
        let measurements = pack::measurements(&self.measurements, &recording, finding_number, revision);
        let damaged =
            || StoreError::corrupt(format!("finding {finding_number} of recording {recording} fails its checksum"));
        Ok(Finding {
            recording,
            number: finding_number,
            revision,
            fetus: self.fetus.map(fetus).transpose()?,
            kind: word(FindingKind::from_code(&self.kind), "kind of a finding")?,
            stage: word(Stage::from_code(&self.stage), "stage of a finding")?,
            interval: Interval {
                start: Timestamp::from_micros(self.start_us),
                end: Timestamp::from_micros(self.end_us),
            },
            ongoing: self.ongoing,
            known_until: Timestamp::from_micros(self.known_until_us),
            method: Method { name: self.method.into(), version: number(self.method_version, "method version")? },
            measurements: measurements.ok_or_else(damaged)?,
        })
    }
}

pub(crate) fn fetus(stored: i64) -> Result<FetusIndex, StoreError> {
    word(FetusIndex::new(number(stored, "fetus")?), "fetus")
}
