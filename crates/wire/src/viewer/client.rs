//! What a viewer says: one JSON object per text frame.

use alerting::AlertId;
use ctg::RecordingId;
use serde::Deserialize;

use super::{FILL_MAX, PROTOCOL, WINDOW_S};

/// Most recordings that `hello` may name.
const RECORDINGS_HELD_MAX: usize = 500;
/// Most ranges in one `hello`, over all recordings.
const RANGES_HELD_MAX: usize = 1_500;
/// Longest note of a person, in characters.
const NOTE_MAX: usize = 500;

/// What a viewer has of one recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which recording.
    pub recording: RecordingId,
    /// Sequences from the first up to and including the last of each pair.
    pub ranges: Vec<(u32, u32)>,
}

/// A message of a viewer, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// The first message of a connection.
    Hello {
        /// Length of the trace wanted, in seconds.
        window_s: u32,
        /// What the viewer has from before.
        held: Vec<Held>,
    },
    /// Asks for what is stored of a hole.
    Fill {
        /// Which recording.
        recording: RecordingId,
        /// First sequence wanted.
        from: u32,
        /// Last sequence wanted.
        to: u32,
    },
    /// The alert is painted on a visible screen.
    Presented {
        /// Which alert.
        alert: AlertId,
        /// The version that is painted.
        version: u32,
    },
    /// The person of the session answers for the alert.
    Acknowledge {
        /// Number to repeat in the answer.
        request: u32,
        /// Which alert.
        alert: AlertId,
        /// The version that the person saw.
        version: u32,
    },
    /// The person of the session closes the alert.
    Resolve {
        /// Number to repeat in the answer.
        request: u32,
        /// Which alert.
        alert: AlertId,
        /// The version that the person saw.
        version: u32,
        /// What the person wrote.
        note: String,
    },
    /// The viewer lives.
    Beat,
}

/// Why a message of a viewer was not taken; the text is the reason of the close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientMessageError {
    /// No JSON object of a known type with exactly its fields.
    #[error("message must be a JSON object of a documented type with exactly its fields")]
    Shape,
    /// The viewer speaks another version.
    #[error("protocol must be 1: reload the page")]
    Protocol,
    /// An identifier is no UUID.
    #[error("recordings and alerts are named by UUID")]
    Id,
    /// The window is too short or too long.
    #[error("window_s must be 60 to 14400")]
    Window,
    /// Ranges are inverted, or too many.
    #[error("ranges must be [first, last] pairs, at most 1500 in 500 recordings")]
    Ranges,
    /// A fill is inverted or too long.
    #[error("fill must ask for 1 to 1200 blocks")]
    Fill,
    /// The note is too long.
    #[error("note must have at most 500 characters")]
    Note,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum RawMessage {
    Hello { protocol: u32, window_s: u32, held: Vec<RawHeld> },
    Fill { recording: String, from: u32, to: u32 },
    Presented { alert: String, version: u32 },
    Acknowledge { request: u32, alert: String, version: u32 },
    Resolve { request: u32, alert: String, version: u32, note: String },
    Beat {},
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeld {
    recording: String,
    ranges: Vec<(u32, u32)>,
}

impl ClientMessage {
    /// Reads and checks one text frame.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn decode(text: &str) -> Result<Self, ClientMessageError> {
        let raw: RawMessage = serde_json::from_str(text).map_err(|_| ClientMessageError::Shape)?;
        match raw {
            RawMessage::Hello { protocol, window_s, held } => decode_hello(protocol, window_s, held),
            RawMessage::Fill { recording, from, to } => decode_fill(&recording, from, to),
            RawMessage::Presented { alert, version } => Ok(Self::Presented { alert: alert_id(&alert)?, version }),
            RawMessage::Acknowledge { request, alert, version } => {
                Ok(Self::Acknowledge { request, alert: alert_id(&alert)?, version })
            }
            RawMessage::Resolve { request, alert, version, note } => {
                if note.chars().count() > NOTE_MAX {
                    return Err(ClientMessageError::Note);
                }
                Ok(Self::Resolve { request, alert: alert_id(&alert)?, version, note })
            }
            RawMessage::Beat {} => Ok(Self::Beat),
        }
    }
}

fn decode_hello(protocol: u32, window_s: u32, held: Vec<RawHeld>) -> Result<ClientMessage, ClientMessageError> {
    if protocol != PROTOCOL {
        return Err(ClientMessageError::Protocol);
    }
    if !WINDOW_S.contains(&window_s) {
        return Err(ClientMessageError::Window);
    }
    let ranges = held.iter().flat_map(|held| &held.ranges);
    if held.len() > RECORDINGS_HELD_MAX
        || ranges.clone().count() > RANGES_HELD_MAX
        || ranges.into_iter().any(|(first, last)| first > last)
    {
        return Err(ClientMessageError::Ranges);
    }
    let checked = |held: RawHeld| Ok(Held { recording: recording_id(&held.recording)?, ranges: held.ranges });
    Ok(ClientMessage::Hello { window_s, held: held.into_iter().map(checked).collect::<Result<_, _>>()? })
}

fn decode_fill(recording: &str, from: u32, to: u32) -> Result<ClientMessage, ClientMessageError> {
    if to < from || to - from >= FILL_MAX {
        return Err(ClientMessageError::Fill);
    }
    Ok(ClientMessage::Fill { recording: recording_id(recording)?, from, to })
}

fn recording_id(text: &str) -> Result<RecordingId, ClientMessageError> {
    text.parse().map_err(|_| ClientMessageError::Id)
}

fn alert_id(text: &str) -> Result<AlertId, ClientMessageError> {
    text.parse().map_err(|_| ClientMessageError::Id)
}
