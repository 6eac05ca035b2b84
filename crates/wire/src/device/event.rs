use ctg::{DeviceEvent, DeviceEventKind, DeviceStatus, Timestamp};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::series::{Number, Recording, Value};

/// An event as it travels.
#[derive(Serialize, Deserialize)]
pub(super) struct Event {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rec: Option<Recording>,
    seq: u64,
    t: Value<Timestamp>,
    kind: Kind,
}

/// A status as it travels.
#[derive(Serialize, Deserialize)]
pub(super) struct Status {
    online: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<Value<Timestamp>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bat: Option<Value<Percent>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backlog: Option<u32>,
}

#[derive(Clone, Copy)]
struct Kind(DeviceEventKind);

#[derive(Clone, Copy)]
struct Percent(u8);

impl Event {
    pub(super) fn of(event: &DeviceEvent) -> Self {
        Self { rec: event.recording.map(Recording), seq: event.sequence, t: Value(event.at), kind: Kind(event.kind) }
    }

    pub(super) fn into_event(self) -> DeviceEvent {
        DeviceEvent {
            recording: self.rec.map(|recording| recording.0),
            sequence: self.seq,
            at: self.t.0,
            kind: self.kind.0,
        }
    }
}

impl Status {
    pub(super) fn of(status: &DeviceStatus) -> Self {
        Self {
            online: status.online,
            t: status.at.map(Value),
            bat: status.battery_percent.map(|percent| Value(Percent(percent))),
            backlog: status.backlog_blocks,
        }
    }

    pub(super) fn into_status(self) -> DeviceStatus {
        DeviceStatus {
            online: self.online,
            at: self.t.map(|time| time.0),
            battery_percent: self.bat.map(|percent| percent.0.0),
            backlog_blocks: self.backlog,
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.code())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        DeviceEventKind::from_code(&code).map(Self).ok_or_else(|| {
            let known: Vec<_> = DeviceEventKind::ALL.iter().map(|kind| kind.code()).collect();
            D::Error::custom(format_args!("kind must be one of {}", known.join(", ")))
        })
    }
}

impl Number for Percent {
    const RANGE: &'static str = "bat must be 0 to 100 percent; leave it out when not known";

    fn to_number(self) -> i64 {
        self.0.into()
    }

    fn from_number(number: i64) -> Option<Self> {
        u8::try_from(number).ok().filter(|percent| *percent <= 100).map(Self)
    }
}
