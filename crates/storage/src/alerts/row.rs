use alerting::{Alert, AlertId, AlertKey, AlertState, Condition, Evidence, LogEntry, LogKind, Person, Priority};
use ctg::{Interval, Measurement, Method, Quantity, Timestamp};

use crate::StoreError;
use crate::database::{number, storable, word};
use crate::findings::fetus;
use crate::recordings::{device_id, recording_id};

/// The columns of an alert.
macro_rules! select_alert {
    ($rest:literal) => {
        concat!(
            "select id, recording, fetus, condition, device, priority, state, step, generation, version, cleared_us, \
             late, episodes, raised_us, changed_us, deadline_us, owner, policy, policy_version, method, \
             method_version, finding, start_us, end_us, quantity, value, value_limit from alert ",
            $rest
        )
    };
}
pub(super) use select_alert;

/// The parts of an alert that need a form of their own to be stored.
pub(super) struct Words {
    pub(super) recording: Option<Vec<u8>>,
    pub(super) owner: Option<String>,
    pub(super) policy: String,
    pub(super) method: Option<String>,
    pub(super) method_version: Option<i64>,
    pub(super) quantity: Option<&'static str>,
    pub(super) value: Option<f64>,
    pub(super) value_limit: Option<f64>,
}

impl Words {
    pub(super) fn of(alert: &Alert) -> Self {
        let evidence = &alert.evidence;
        // SQLite stores what is not a number as null: it counts as absent everywhere.
        let value = evidence.value.filter(|measurement| !measurement.value.is_nan());
        Self {
            recording: alert.key.recording.map(|id| id.as_bytes().to_vec()),
            owner: alert.owner.as_ref().map(|person| storable(&person.0)),
            policy: storable(&evidence.policy),
            method: evidence.method.as_ref().map(|method| storable(&method.name)),
            method_version: evidence.method.as_ref().map(|method| method.version.into()),
            quantity: value.map(|measurement| measurement.quantity.code()),
            value: value.map(|measurement| measurement.value),
            value_limit: evidence.limit.filter(|limit| !limit.is_nan()),
        }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct AlertRow {
    id: Vec<u8>,
    recording: Option<Vec<u8>>,
    fetus: Option<i64>,
    condition: String,
    device: Option<String>,
    priority: String,
    state: String,
    step: i64,
    generation: i64,
    version: i64,
    cleared_us: Option<i64>,
    late: bool,
    episodes: i64,
    raised_us: i64,
    changed_us: i64,
    deadline_us: Option<i64>,
    owner: Option<String>,
    #[sqlx(flatten)]
    evidence: EvidenceRow,
}

impl AlertRow {
    pub(super) fn alert(self) -> Result<Alert, StoreError> {
        let id = self.id.try_into().map_err(|_| StoreError::corrupt("an alert's id has not 16 bytes"))?;
        Ok(Alert {
            id: AlertId(id),
            key: AlertKey {
                device: self.device.as_deref().map(device_id).transpose()?,
                recording: self.recording.as_deref().map(recording_id).transpose()?,
                fetus: self.fetus.map(fetus).transpose()?,
                condition: word(Condition::from_code(&self.condition), "condition of an alert")?,
            },
            priority: priority(&self.priority)?,
            state: word(AlertState::from_code(&self.state), "state of an alert")?,
            step: number(self.step, "step")?,
            generation: number(self.generation, "generation")?,
            version: number(self.version, "version")?,
            cleared: self.cleared_us.map(Timestamp::from_micros),
            late: self.late,
            episodes: number(self.episodes, "episodes")?,
            raised: Timestamp::from_micros(self.raised_us),
            changed: Timestamp::from_micros(self.changed_us),
            deadline: self.deadline_us.map(Timestamp::from_micros),
            owner: self.owner.map(Person),
            evidence: self.evidence.evidence()?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct EvidenceRow {
    policy: String,
    policy_version: i64,
    method: Option<String>,
    method_version: Option<i64>,
    finding: Option<i64>,
    start_us: i64,
    end_us: i64,
    quantity: Option<String>,
    value: Option<f64>,
    value_limit: Option<f64>,
}

impl EvidenceRow {
    fn evidence(self) -> Result<Evidence, StoreError> {
        let method = |(name, version): (String, i64)| {
            number(version, "method version").map(|version| Method { name: name.into(), version })
        };
        let measurement = |(quantity, value): (String, f64)| {
            word(Quantity::from_code(&quantity), "quantity").map(|quantity| Measurement { quantity, value })
        };
        Ok(Evidence {
            policy: self.policy,
            policy_version: number(self.policy_version, "policy version")?,
            method: self.method.zip(self.method_version).map(method).transpose()?,
            finding: self.finding.map(|finding| number(finding, "finding")).transpose()?,
            interval: Interval {
                start: Timestamp::from_micros(self.start_us),
                end: Timestamp::from_micros(self.end_us),
            },
            value: self.quantity.zip(self.value).map(measurement).transpose()?,
            limit: self.value_limit,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct LogRow {
    version: i64,
    at_us: i64,
    kind: String,
    person: Option<String>,
    note: Option<String>,
    priority: String,
    step: i64,
    deadline_us: Option<i64>,
}

impl LogRow {
    pub(super) fn entry(self) -> Result<LogEntry, StoreError> {
        Ok(LogEntry {
            version: number(self.version, "version")?,
            at: Timestamp::from_micros(self.at_us),
            kind: word(LogKind::from_code(&self.kind), "kind of a log line")?,
            by: self.person.map(Person),
            note: self.note,
            priority: priority(&self.priority)?,
            step: number(self.step, "step")?,
            deadline: self.deadline_us.map(Timestamp::from_micros),
        })
    }
}

fn priority(stored: &str) -> Result<Priority, StoreError> {
    word(Priority::from_code(stored), "priority")
}
