use ctg::{RecordingId, Timestamp};
use serde::{Deserialize, Serialize};

use super::series::{Recording, Value};

/// What the service says to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// The stored watermark: the device may forget these blocks, and no others.
    Stored {
        /// The recording it is about.
        recording: RecordingId,
        /// Every block with a sequence up to and including this one is stored durably.
        through: u32,
    },
    /// This event is stored durably; the device may forget it.
    EventStored {
        /// The event's number.
        sequence: u64,
    },
    /// A packet could not be used. A device that has no better content for the block sends the
    /// sequence again with every sample absent, so that the watermark can pass.
    Refused {
        /// The recording, where the packet could be read that far.
        recording: Option<RecordingId>,
        /// The block's sequence, where the packet could be read that far.
        sequence: Option<u32>,
        /// What is wrong, in English, for the device's log; never for the mother.
        reason: String,
    },
    /// Begin a recording, if none is under way.
    Start {
        /// The request is void from this moment on, so that one delivered late does nothing.
        until: Timestamp,
    },
    /// End this recording; nothing to do if it is not the one under way.
    Stop {
        /// The recording to end.
        recording: RecordingId,
    },
    /// Show this to the mother.
    Message {
        /// A code for devices that have their own pictures or sounds, such as `check_sensors`.
        code: Option<String>,
        /// The text, in her language.
        text: String,
        /// Not to be shown from this moment on.
        until: Timestamp,
    },
}

/// A [`Control`] as it travels.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Travelling {
    Stored {
        rec: Recording,
        through: u32,
    },
    EventStored {
        seq: u64,
    },
    Refused {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rec: Option<Recording>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seq: Option<u32>,
        reason: String,
    },
    Start {
        until: Value<Timestamp>,
    },
    Stop {
        rec: Recording,
    },
    Message {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        text: String,
        until: Value<Timestamp>,
    },
}

impl From<Control> for Travelling {
    fn from(control: Control) -> Self {
        match control {
            Control::Stored { recording, through } => Self::Stored { rec: Recording(recording), through },
            Control::EventStored { sequence } => Self::EventStored { seq: sequence },
            Control::Refused { recording, sequence, reason } => {
                Self::Refused { rec: recording.map(Recording), seq: sequence, reason }
            }
            Control::Start { until } => Self::Start { until: Value(until) },
            Control::Stop { recording } => Self::Stop { rec: Recording(recording) },
            Control::Message { code, text, until } => Self::Message { code, text, until: Value(until) },
        }
    }
}

impl From<Travelling> for Control {
    fn from(message: Travelling) -> Self {
        match message {
            Travelling::Stored { rec, through } => Self::Stored { recording: rec.0, through },
            Travelling::EventStored { seq } => Self::EventStored { sequence: seq },
            Travelling::Refused { rec, seq, reason } => {
                Self::Refused { recording: rec.map(|recording| recording.0), sequence: seq, reason }
            }
            Travelling::Start { until } => Self::Start { until: until.0 },
            Travelling::Stop { rec } => Self::Stop { recording: rec.0 },
            Travelling::Message { code, text, until } => Self::Message { code, text, until: until.0 },
        }
    }
}
