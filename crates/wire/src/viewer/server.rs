//! What the gateway says in text: JSON arrays of messages.

use alerting::{Alert, Evidence, LogEntry};
use ctg::{
    BaselinePoint, Device, DeviceEvent, DeviceId, DeviceStatus, FetusIndex, Finding, Measurement, Numerics, Recording,
    Timestamp,
};
use serde_json::{Value, json};

/// The first message to a viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The service's clock.
    pub server: Timestamp,
    /// Version of the service.
    pub service: String,
    /// Who is logged in.
    pub person: String,
    /// Length of trace that will be sent, in seconds.
    pub window_s: u32,
    /// Time between beats, in milliseconds.
    pub beat_ms: u32,
    /// Silence after which a viewer must say that it is not live, in milliseconds.
    pub not_live_ms: u32,
    /// Delay from which on a block is late, in seconds.
    pub late_after_s: u32,
}

/// Why the gateway did not do what a person asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Stable code, as documented.
    pub reason: &'static str,
    /// Who was first, where somebody was.
    pub by: Option<String>,
    /// What to do.
    pub detail: String,
}

/// One message to viewers.
#[derive(Clone, Debug)]
pub enum ServerMessage<'a> {
    /// The first message.
    Welcome(&'a Welcome),
    /// Every device.
    Devices(&'a [Device]),
    /// A recording and the index of its frames.
    Recording {
        /// Index on this connection.
        index: u32,
        /// The recording.
        recording: &'a Recording,
        /// Last sequence up to which everything is stored.
        stored_through: Option<u32>,
        /// When the device said that it ended.
        stopped: Option<Timestamp>,
    },
    /// What a device said of itself.
    Status(&'a DeviceId, &'a DeviceStatus),
    /// Something happened at a device.
    Event(&'a DeviceId, &'a DeviceEvent),
    /// Findings of one recording.
    Findings(u32, &'a [Finding]),
    /// Baseline points of one fetus and stage, one second apart.
    Baseline(u32, &'a [BaselinePoint]),
    /// Figures of one fetus.
    Numerics(u32, &'a Numerics),
    /// Every open alert, each with whether it is recorded.
    Alerts(&'a [(&'a Alert, bool)]),
    /// One alert as it is now.
    Alert {
        /// The alert.
        alert: &'a Alert,
        /// Whether this version is in the store.
        recorded: bool,
    },
    /// The answer to a `fill` has been sent whole.
    Filled {
        /// Index of the recording.
        recording: u32,
        /// First sequence asked for.
        from: u32,
        /// Last sequence asked for.
        to: u32,
    },
    /// The answer to a person's request.
    Answer(u32, Result<(), &'a Refused>),
    /// Messages were dropped because the viewer was too slow.
    Resync {
        /// How many.
        dropped: u64,
    },
    /// What the window holds has been sent.
    CaughtUp,
    /// The service lives.
    Beat(Timestamp),
}

impl ServerMessage<'_> {
    /// The message as a JSON object.
    pub fn to_json(&self) -> String {
        self.value().to_string()
    }

    fn value(&self) -> Value {
        match self {
            Self::Welcome(welcome) => welcome_value(welcome),
            Self::Devices(devices) => {
                json!({"type": "devices", "devices": devices.iter().map(device_value).collect::<Vec<_>>()})
            }
            Self::Recording { index, recording, stored_through, stopped } => {
                recording_value(*index, recording, *stored_through, *stopped)
            }
            Self::Status(device, status) => status_value(device, status),
            Self::Event(device, event) => event_value(device, event),
            Self::Findings(index, findings) => json!({
                "type": "findings", "recording": index,
                "findings": findings.iter().map(finding_value).collect::<Vec<_>>(),
            }),
            Self::Baseline(index, points) => baseline_value(*index, points),
            Self::Numerics(index, numerics) => numerics_value(*index, numerics),
            Self::Alerts(alerts) => {
                let values = alerts.iter().map(|(alert, recorded)| alert_value(alert, *recorded));
                json!({"type": "alerts", "alerts": values.collect::<Vec<_>>()})
            }
            Self::Alert { alert, recorded } => {
                let mut value = alert_value(alert, *recorded);
                value["type"] = json!("alert");
                value
            }
            Self::Filled { recording, from, to } => {
                json!({"type": "filled", "recording": recording, "from": from, "to": to})
            }
            Self::Answer(request, Ok(())) => json!({"type": "answer", "request": request, "ok": true}),
            Self::Answer(request, Err(refused)) => json!({
                "type": "answer", "request": request, "ok": false,
                "reason": refused.reason, "by": refused.by, "detail": refused.detail,
            }),
            Self::Resync { dropped } => json!({"type": "resync", "dropped": dropped}),
            Self::CaughtUp => json!({"type": "caught_up"}),
            Self::Beat(at) => json!({"type": "beat", "server_us": at.as_micros()}),
        }
    }
}

/// A text frame of these messages, in order.
pub fn join_messages<'a>(messages: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for (position, message) in messages.enumerate() {
        if position > 0 {
            text.push(',');
        }
        text.push_str(message);
    }
    text.push(']');
    text
}

/// The history of one alert as a JSON array, in the order given.
pub fn history_json(entries: &[LogEntry]) -> String {
    let line = |entry: &LogEntry| {
        json!({
            "version": entry.version, "at_us": entry.at.as_micros(), "kind": entry.kind.code(),
            "by": entry.by.as_ref().map(|person| &person.0), "note": entry.note,
            "priority": entry.priority.code(), "step": entry.step, "deadline_us": micros(entry.deadline),
        })
    };
    Value::Array(entries.iter().map(line).collect()).to_string()
}

fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}

fn fetus(fetus: Option<FetusIndex>) -> Option<u8> {
    fetus.map(FetusIndex::get)
}

fn welcome_value(welcome: &Welcome) -> Value {
    json!({
        "type": "welcome", "protocol": super::PROTOCOL, "server_us": welcome.server.as_micros(),
        "service": welcome.service, "person": welcome.person, "window_s": welcome.window_s,
        "beat_ms": welcome.beat_ms, "not_live_ms": welcome.not_live_ms, "late_after_s": welcome.late_after_s,
    })
}

fn device_value(device: &Device) -> Value {
    json!({"device": device.id.as_str(), "label": device.label, "simulated": device.simulated})
}

fn recording_value(index: u32, recording: &Recording, through: Option<u32>, stopped: Option<Timestamp>) -> Value {
    json!({
        "type": "recording", "index": index, "id": recording.id.to_string(), "device": recording.device.as_str(),
        "start_us": recording.start.as_micros(), "block_length_ms": recording.block_length_ms,
        "fhr_hz": recording.fhr_rate.hz(), "toco_hz": recording.toco_rate.hz(),
        "fhr_step_quarter_bpm": recording.fhr_step_quarter_bpm, "fetuses": recording.fetuses,
        "stored_through": through, "stopped_us": micros(stopped),
    })
}

fn status_value(device: &DeviceId, status: &DeviceStatus) -> Value {
    json!({
        "type": "status", "device": device.as_str(), "online": status.online, "at_us": micros(status.at),
        "battery_percent": status.battery_percent, "backlog_blocks": status.backlog_blocks,
    })
}

fn event_value(device: &DeviceId, event: &DeviceEvent) -> Value {
    json!({
        "type": "event", "device": device.as_str(), "recording": event.recording.map(|id| id.to_string()),
        "sequence": event.sequence, "at_us": event.at.as_micros(), "kind": event.kind.code(),
    })
}

fn finding_value(finding: &Finding) -> Value {
    json!({
        "number": finding.number, "revision": finding.revision, "fetus": fetus(finding.fetus),
        "kind": finding.kind.code(), "stage": finding.stage.code(),
        "start_us": finding.interval.start.as_micros(), "end_us": finding.interval.end.as_micros(),
        "ongoing": finding.ongoing, "known_until_us": finding.known_until.as_micros(),
        "method": {"name": finding.method.name, "version": finding.method.version},
        "measurements": finding.measurements.iter().map(measurement_value).collect::<Vec<_>>(),
    })
}

fn measurement_value(measurement: &Measurement) -> Value {
    json!([measurement.quantity.code(), measurement.value])
}

/// The points must be of one fetus and stage, and one second apart; their first says which.
fn baseline_value(index: u32, points: &[BaselinePoint]) -> Value {
    let first = points.first();
    json!({
        "type": "baseline", "recording": index,
        "fetus": first.map_or(0, |point| point.fetus.get()),
        "stage": first.map(|point| point.stage.code()),
        "start_us": first.map(|point| point.at.as_micros()),
        "bpm": points.iter().map(|point| point.baseline_bpm.map(tenths)).collect::<Vec<_>>(),
    })
}

/// Rounded to a tenth, which is finer than any screen and saves half of the bytes.
fn tenths(bpm: f32) -> f64 {
    (f64::from(bpm) * 10.0).round() / 10.0
}

fn numerics_value(index: u32, numerics: &Numerics) -> Value {
    json!({
        "type": "numerics", "recording": index, "fetus": numerics.fetus.get(), "at_us": numerics.at.as_micros(),
        "baseline_bpm": numerics.baseline_bpm.map(tenths), "variability_bpm": numerics.variability_bpm.map(tenths),
        "loss_ratio": (f64::from(numerics.loss_ratio) * 1000.0).round() / 1000.0, "grade": numerics.grade.code(),
    })
}

fn alert_value(alert: &Alert, recorded: bool) -> Value {
    json!({"recorded": recorded, "alert": {
        "id": alert.id.to_string(), "recording": alert.key.recording.map(|id| id.to_string()),
        "device": alert.key.device.as_ref().map(DeviceId::as_str), "fetus": fetus(alert.key.fetus),
        "condition": alert.key.condition.code(), "priority": alert.priority.code(), "state": alert.state.code(),
        "step": alert.step, "generation": alert.generation, "version": alert.version,
        "present": alert.is_present(), "cleared_us": micros(alert.cleared), "late": alert.late,
        "episodes": alert.episodes, "raised_us": alert.raised.as_micros(), "changed_us": alert.changed.as_micros(),
        "deadline_us": micros(alert.deadline), "owner": alert.owner.as_ref().map(|person| &person.0),
        "evidence": evidence_value(&alert.evidence),
    }})
}

fn evidence_value(evidence: &Evidence) -> Value {
    let method = evidence.method.as_ref().map(|method| json!({"name": method.name, "version": method.version}));
    json!({
        "policy": evidence.policy, "policy_version": evidence.policy_version, "method": method,
        "finding": evidence.finding, "start_us": evidence.interval.start.as_micros(),
        "end_us": evidence.interval.end.as_micros(),
        "value": evidence.value.as_ref().map(measurement_value), "limit": evidence.limit,
    })
}
