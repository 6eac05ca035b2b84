//! What becomes of one packet, before and after the commit.

use std::sync::Arc;

use bytes::Bytes;
use ctg::{DeviceEvent, DeviceId, DeviceStatus, ReceivedBlock, Timestamp};
use storage::{Appended, Quarantined};
use wire::device::{self, Control, DecodeError, Encoding};
use wire::topic::{self, Channel};

use crate::watermarks::StoredBlock;

/// A publish as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) received: Timestamp,
}

/// What an arrival holds. The device is the topic's: payloads name none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Block(Arc<ReceivedBlock>),
    Event(DeviceId, Arc<DeviceEvent>),
    Status(DeviceId, Arc<DeviceStatus>),
    Unusable(Rejection),
}

/// Why a packet is kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// The outcome, for counting.
    pub(crate) outcome: Outcome,
    /// For the quarantine and the device's log.
    pub(crate) reason: String,
}

/// How a packet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Stored,
    Duplicate,
    Conflicting,
    Inadmissible,
    Undecodable,
    Foreign,
    Event,
    Status,
}

impl Outcome {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Conflicting => "conflicting",
            Self::Inadmissible => "inadmissible",
            Self::Undecodable => "undecodable",
            Self::Foreign => "foreign",
            Self::Event => "event",
            Self::Status => "status",
        }
    }
}

/// Reads a packet.
pub(crate) fn read(arrival: &Arrival) -> Content {
    let Some((device, channel)) = topic::parse(&arrival.topic) else {
        let reason = "topic is none of the device protocol".to_owned();
        return Content::Unusable(Rejection { outcome: Outcome::Foreign, reason });
    };
    let content = match channel {
        Channel::Samples => block(device, arrival),
        Channel::Events => device::decode_event(&arrival.payload).map(|event| Content::Event(device, Arc::new(event))),
        Channel::Status => {
            device::decode_status(&arrival.payload).map(|status| Content::Status(device, Arc::new(status)))
        }
        Channel::Control => {
            let reason = "control is spoken to devices, not by them".to_owned();
            return Content::Unusable(Rejection { outcome: Outcome::Foreign, reason });
        }
    };
    content.unwrap_or_else(|error| {
        Content::Unusable(Rejection { outcome: Outcome::Undecodable, reason: error.to_string() })
    })
}

fn block(device: DeviceId, arrival: &Arrival) -> Result<Content, DecodeError> {
    let block = device::decode_samples(&arrival.payload)?;
    Ok(Content::Block(Arc::new(ReceivedBlock { device, received: arrival.received, block })))
}

/// What follows from what the store did with a block.
pub(crate) fn settle_block(
    received: &ReceivedBlock,
    arrival: &Arrival,
    appended: Appended,
) -> (Outcome, Option<StoredBlock>, Option<Rejection>) {
    let stored = |repeated| StoredBlock {
        device: received.device.clone(),
        encoding: Encoding::of(&arrival.payload),
        recording: received.block.recording,
        sequence: received.block.sequence,
        repeated,
    };
    let rejection = |outcome, reason: &str| Some(Rejection { outcome, reason: reason.to_owned() });
    match appended {
        Appended::Stored => (Outcome::Stored, Some(stored(false)), None),
        Appended::Duplicate => (Outcome::Duplicate, Some(stored(true)), None),
        Appended::Conflicting => {
            let outcome = Outcome::Conflicting;
            let reason = "other content is stored under this sequence; the first stays";
            // The sequence is stored, so the watermark may pass it.
            (outcome, Some(stored(true)), rejection(outcome, reason))
        }
        Appended::Inadmissible => {
            let outcome = Outcome::Inadmissible;
            let reason = "the recording is another device's, or its start, block length, rates, step or number of \
                          fetuses differ; begin a new recording";
            (outcome, None, rejection(outcome, reason))
        }
    }
}

/// The packet as it is kept apart.
pub(crate) fn quarantined(arrival: &Arrival, rejection: &Rejection) -> Quarantined {
    Quarantined {
        received: arrival.received,
        topic: arrival.topic.clone(),
        reason: rejection.reason.clone(),
        payload: arrival.payload.to_vec(),
    }
}

/// What the device is told about an event that is stored, so that it may forget it: its topic and payload.
/// `None` for anything else.
pub(crate) fn confirmation(arrival: &Arrival, content: &Content) -> Option<(String, Vec<u8>)> {
    match content {
        Content::Event(device, event) => {
            let control = Control::EventStored { sequence: event.sequence };
            let payload = device::encode_control(&control, Encoding::of(&arrival.payload));
            Some((topic::build(device, Channel::Control), payload))
        }
        Content::Block(_) | Content::Status(..) | Content::Unusable(_) => None,
    }
}

/// What the device is told about a packet that is kept apart: its topic and payload. `None` when the
/// topic names no device.
pub(crate) fn refusal(arrival: &Arrival, content: &Content, rejection: &Rejection) -> Option<(String, Vec<u8>)> {
    let (device, _) = topic::parse(&arrival.topic)?;
    let (recording, sequence) = match content {
        Content::Block(received) => (Some(received.block.recording), Some(received.block.sequence)),
        Content::Event(..) | Content::Status(..) | Content::Unusable(_) => (None, None),
    };
    let control = Control::Refused { recording, sequence, reason: rejection.reason.clone() };
    let payload = device::encode_control(&control, Encoding::of(&arrival.payload));
    Some((topic::build(&device, Channel::Control), payload))
}

#[cfg(test)]
mod tests {
    use wire::device::{decode_control, encode_status};

    use super::*;

    fn arrival(topic: &str, payload: impl Into<Bytes>) -> Arrival {
        Arrival { topic: topic.into(), payload: payload.into(), received: Timestamp::from_micros(5) }
    }

    fn rejected(arrival: &Arrival) -> Rejection {
        let Content::Unusable(rejection) = read(arrival) else { panic!("usable") };
        rejection
    }

    #[test]
    fn the_topic_says_who_speaks_and_of_what() {
        let status = DeviceStatus { online: false, at: None, battery_percent: None, backlog_blocks: None };
        let payload = encode_status(&status, Encoding::Json);
        let read = read(&arrival("ctg/v1/belt-1/status", payload));
        assert_eq!(read, Content::Status("belt-1".parse().unwrap(), Arc::new(status)));
    }

    #[test]
    fn what_cannot_be_used_says_why_and_is_answered_in_its_own_encoding() {
        let check = |topic: &str, payload: &'static [u8], expect, answered: bool| {
            let arrival = arrival(topic, payload);
            let rejection = rejected(&arrival);
            assert_eq!(rejection.outcome, expect, "{topic}");
            let kept = quarantined(&arrival, &rejection);
            assert_eq!((kept.topic.as_str(), kept.payload.as_slice()), (topic, payload));
            let answer = refusal(&arrival, &read(&arrival), &rejection);
            assert_eq!(answer.is_some(), answered, "{topic}");
            let Some((topic, payload)) = answer else { return };
            assert_eq!(topic, "ctg/v1/belt-1/control");
            let reason = rejection.reason;
            assert_eq!(decode_control(&payload), Ok(Control::Refused { recording: None, sequence: None, reason }));
        };
        check("ctg/v1/belt-1/samples", b"", Outcome::Undecodable, true);
        check("ctg/v1/belt-1/samples", b"{}", Outcome::Undecodable, true);
        check("ctg/v1/belt-1/events", b"\xff", Outcome::Undecodable, true);
        check("ctg/v1/belt-1/status", b"[]", Outcome::Undecodable, true);
        check("ctg/v1/belt-1/control", b"{}", Outcome::Foreign, true);
        check("ctg/v2/belt-1/samples", b"{}", Outcome::Foreign, false);
    }
}
