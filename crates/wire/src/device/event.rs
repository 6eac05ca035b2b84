use ctg::{DeviceEvent, DeviceEventKind, DeviceStatus, Timestamp};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::series::{Number, Recording, Value};

/// An event as it travels.
#[derive(Serialize, Deserialize)]
pub(super) struct Event {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rec: Option<Recording>,
    seq: Value<EventNumber>,
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

/// Every JSON library holds these integers exactly.
#[derive(Clone, Copy)]
struct EventNumber(u64);

impl Event {
    pub(super) fn of(event: &DeviceEvent) -> Self {
        Self {
            rec: event.recording.map(Recording),
            seq: Value(EventNumber(event.sequence)),
            t: Value(event.at),
            kind: Kind(event.kind),
        }
    }

    /// `None` when a recording begins or ends and is not named.
    pub(super) fn into_event(self) -> Option<DeviceEvent> {
        let event = DeviceEvent {
            recording: self.rec.map(|recording| recording.0),
            sequence: self.seq.0.0,
            at: self.t.0,
            kind: self.kind.0,
        };
        let is_named = match event.kind {
            DeviceEventKind::Start | DeviceEventKind::Stop => event.recording.is_some(),
            DeviceEventKind::Movement | DeviceEventKind::Complaint(_) => true,
        };
        is_named.then_some(event)
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

impl Number for EventNumber {
    const RANGE: &'static str = "event number must be 0 to 2^53 - 1";

    fn to_number(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    fn from_number(number: i64) -> Option<Self> {
        u64::try_from(number).ok().filter(|number| *number < 1 << 53).map(Self)
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
