mod row;

use alerting::{Alert, AlertChange, AlertId, LogEntry};
use ctg::Timestamp;

use crate::database::{Change, bounded, commit, on, storable};
use crate::{Store, StoreError};
use row::{AlertRow, LogRow, Words, select_alert};

impl Store {
    /// Saves a decision: alert, version and history in one commit.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the version moved on or is another's, or another alert of the same key is open.
    pub async fn record_change(&self, change: &AlertChange) -> Result<(), StoreError> {
        bounded(async {
            let mut writes = self.database.change().await?;
            let written = match (change.expected_version, change.expected_changed) {
                (Some(version), Some(changed)) => update(&mut writes, &change.alert, version, changed).await?,
                (_, _) => insert(&mut writes, &change.alert).await?,
            };
            if written != 1 {
                return Err(StoreError::Conflict);
            }
            log(&mut writes, change.alert.id, &change.entry).await?;
            commit(writes).await
        })
        .await
    }

    /// One alert; `None` if unknown.
    pub async fn alert(&self, id: AlertId) -> Result<Option<Alert>, StoreError> {
        const SELECT: &str = select_alert!("where id = $1");
        bounded(async {
            let row: Option<AlertRow> = on!(self.database.reader(), pool =>
                sqlx::query_as(SELECT).bind(id.0.as_slice()).fetch_optional(pool).await)?;
            row.map(AlertRow::alert).transpose()
        })
        .await
    }

    /// Every open alert, oldest first.
    pub async fn open_alerts(&self) -> Result<Vec<Alert>, StoreError> {
        const SELECT: &str = select_alert!("where state <> 'resolved' order by raised_us, id");
        bounded(async { alerts(on!(self.database.reader(), pool => sqlx::query_as(SELECT).fetch_all(pool).await)?) })
            .await
    }

    /// Open alerts whose deadline is at or before `now`, earliest first.
    pub async fn alerts_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Alert>, StoreError> {
        const SELECT: &str =
            select_alert!("where state <> 'resolved' and deadline_us <= $1 order by deadline_us, id limit $2");
        bounded(async {
            alerts(on!(self.database.reader(), pool =>
                sqlx::query_as(SELECT).bind(now.as_micros()).bind(i64::from(limit)).fetch_all(pool).await)?)
        })
        .await
    }

    /// Alerts resolved at or after `since`, newest first.
    pub async fn resolved_alerts_since(&self, since: Timestamp, limit: u32) -> Result<Vec<Alert>, StoreError> {
        const SELECT: &str =
            select_alert!("where state = 'resolved' and changed_us >= $1 order by changed_us desc, id limit $2");
        bounded(async {
            alerts(on!(self.database.reader(), pool =>
                sqlx::query_as(SELECT).bind(since.as_micros()).bind(i64::from(limit)).fetch_all(pool).await)?)
        })
        .await
    }

    /// The history of one alert, oldest first.
    pub async fn alert_log(&self, id: AlertId) -> Result<Vec<LogEntry>, StoreError> {
        const SELECT: &str = "select version, at_us, kind, person, note, priority, step, deadline_us \
             from alert_log where alert = $1 order by version";
        bounded(async {
            let rows: Vec<LogRow> = on!(self.database.reader(), pool =>
                sqlx::query_as(SELECT).bind(id.0.as_slice()).fetch_all(pool).await)?;
            rows.into_iter().map(LogRow::entry).collect()
        })
        .await
    }
}

fn alerts(rows: Vec<AlertRow>) -> Result<Vec<Alert>, StoreError> {
    rows.into_iter().map(AlertRow::alert).collect()
}

/// Binds everything of an alert, in the order of both statements below.
macro_rules! bind_alert {
    ($statement:expr, $alert:expr) => {{
        let (alert, words) = ($alert, Words::of($alert));
        sqlx::query($statement)
            .bind(alert.id.0.as_slice())
            .bind(words.recording)
            .bind(alert.key.fetus.map(|fetus| i64::from(fetus.get())))
            .bind(alert.key.condition.code())
            .bind(alert.key.device.as_ref().map(|device| device.as_str()))
            .bind(alert.priority.code())
            .bind(alert.state.code())
            .bind(i64::from(alert.step))
            .bind(i64::from(alert.generation))
            .bind(i64::from(alert.version))
            .bind(alert.cleared.map(Timestamp::as_micros))
            .bind(alert.late)
            .bind(i64::from(alert.episodes))
            .bind(alert.raised.as_micros())
            .bind(alert.changed.as_micros())
            .bind(alert.deadline.map(Timestamp::as_micros))
            .bind(words.owner)
            .bind(words.policy)
            .bind(i64::from(alert.evidence.policy_version))
            .bind(words.method)
            .bind(words.method_version)
            .bind(alert.evidence.finding.map(i64::from))
            .bind(alert.evidence.interval.start.as_micros())
            .bind(alert.evidence.interval.end.as_micros())
            .bind(words.quantity)
            .bind(words.value)
            .bind(words.value_limit)
    }};
}

/// Rows written: 0 if the name is taken, or an alert of the same key is open.
async fn insert(change: &mut Change, alert: &Alert) -> Result<u64, StoreError> {
    const INSERT: &str = "insert into alert (id, recording, fetus, condition, device, priority, state, step, \
         generation, version, cleared_us, late, episodes, raised_us, changed_us, deadline_us, owner, policy, \
         policy_version, method, method_version, finding, start_us, end_us, quantity, value, value_limit) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
         $22, $23, $24, $25, $26, $27) on conflict do nothing";
    Ok(on!(change, transaction =>
        bind_alert!(INSERT, alert).execute(&mut **transaction).await.map(|done| done.rows_affected()))?)
}

/// Rows written: 0 if the version moved on, or is one that somebody else made.
async fn update(
    change: &mut Change,
    alert: &Alert,
    expected_version: u32,
    expected_changed: Timestamp,
) -> Result<u64, StoreError> {
    const UPDATE: &str = "update alert set recording = $2, fetus = $3, condition = $4, device = $5, priority = $6, \
         state = $7, step = $8, generation = $9, version = $10, cleared_us = $11, late = $12, episodes = $13, \
         raised_us = $14, changed_us = $15, deadline_us = $16, owner = $17, policy = $18, policy_version = $19, \
         method = $20, method_version = $21, finding = $22, start_us = $23, end_us = $24, quantity = $25, \
         value = $26, value_limit = $27 where id = $1 and version = $28 and changed_us = $29";
    Ok(on!(change, transaction => bind_alert!(UPDATE, alert)
        .bind(i64::from(expected_version))
        .bind(expected_changed.as_micros())
        .execute(&mut **transaction)
        .await
        .map(|done| done.rows_affected()))?)
}

async fn log(change: &mut Change, alert: AlertId, entry: &LogEntry) -> Result<(), StoreError> {
    const INSERT: &str = "insert into alert_log (alert, version, at_us, kind, person, note, priority, step, \
         deadline_us) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    on!(change, transaction => sqlx::query(INSERT)
        .bind(alert.0.as_slice())
        .bind(i64::from(entry.version))
        .bind(entry.at.as_micros())
        .bind(entry.kind.code())
        .bind(entry.by.as_ref().map(|person| storable(&person.0)))
        .bind(entry.note.as_deref().map(storable))
        .bind(entry.priority.code())
        .bind(i64::from(entry.step))
        .bind(entry.deadline.map(Timestamp::as_micros))
        .execute(&mut **transaction)
        .await
        .map(|_| ()))?;
    Ok(())
}
