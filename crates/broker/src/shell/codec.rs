//! rumqttc's MQTT 3.1.1 codec, behind the guard of [`crate::frame`].

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{self, ConnAck, ConnectReturnCode, Packet, PubAck, SubAck, SubscribeReasonCode, UnsubAck};

use crate::admission::Refusal;
use crate::frame::{Frame, FrameError, frame};
use crate::packet::{Connect, Delivery, Filter, Granted, Incoming, Publish, Will};

/// What the first bytes of a buffer hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    Packet(Incoming),
    /// At least so many bytes more are needed.
    Missing(usize),
}

/// Takes the first packet out of the buffer, if it is complete.
pub(crate) fn decode(buffer: &mut BytesMut) -> Result<Decoded, FrameError> {
    match frame(buffer)? {
        Frame::Missing(bytes) => Ok(Decoded::Missing(bytes)),
        Frame::Complete(length) => {
            let packet = Packet::read(buffer, length).map_err(|_| FrameError::Malformed)?;
            Ok(Decoded::Packet(incoming(packet)?))
        }
    }
}

fn incoming(packet: Packet) -> Result<Incoming, FrameError> {
    match packet {
        Packet::Connect(connect) => Ok(Incoming::Connect(self::connect(connect))),
        Packet::Publish(publish) => Ok(Incoming::Publish(self::publish(publish)?)),
        Packet::PubAck(PubAck { pkid }) => Ok(Incoming::Acknowledge { packet_id: pkid }),
        Packet::Subscribe(subscribe) if subscribe.pkid != 0 => {
            let filters = subscribe.filters.into_iter();
            let filters = filters.map(|f| Filter { path: f.path, at_least_once: f.qos != QoS::AtMostOnce }).collect();
            Ok(Incoming::Subscribe { packet_id: subscribe.pkid, filters })
        }
        Packet::Unsubscribe(unsubscribe) if unsubscribe.pkid != 0 => {
            Ok(Incoming::Unsubscribe { packet_id: unsubscribe.pkid, filters: unsubscribe.topics })
        }
        Packet::PingReq => Ok(Incoming::Ping),
        Packet::Disconnect => Ok(Incoming::Disconnect),
        Packet::Subscribe(_)
        | Packet::Unsubscribe(_)
        | Packet::ConnAck(_)
        | Packet::PubRec(_)
        | Packet::PubRel(_)
        | Packet::PubComp(_)
        | Packet::SubAck(_)
        | Packet::UnsubAck(_)
        | Packet::PingResp => Err(FrameError::Malformed),
    }
}

fn connect(connect: v4::Connect) -> Connect {
    let login = connect.login.unwrap_or_else(|| v4::Login::new("", ""));
    Connect {
        client_id: connect.client_id,
        username: login.username,
        secret: login.password,
        clean_session: connect.clean_session,
        keep_alive_s: connect.keep_alive,
        will: connect.last_will.map(|will| Will { topic: will.topic, retain: will.retain, payload: will.message }),
    }
}

fn publish(publish: v4::Publish) -> Result<Publish, FrameError> {
    let delivery = match publish.qos {
        QoS::AtMostOnce => Delivery::AtMostOnce,
        QoS::AtLeastOnce => Delivery::AtLeastOnce(publish.pkid),
        QoS::ExactlyOnce => return Err(FrameError::ExactlyOnce),
    };
    Ok(Publish { topic: publish.topic, delivery, retain: publish.retain, payload: publish.payload })
}

/// Says whether the client was let in.
pub(crate) fn encode_connack(buffer: &mut BytesMut, answer: Result<bool, Refusal>) {
    let (code, session_present) = match answer {
        Ok(session_present) => (ConnectReturnCode::Success, session_present),
        Err(Refusal::Version) => (ConnectReturnCode::RefusedProtocolVersion, false),
        Err(Refusal::ClientId) => (ConnectReturnCode::BadClientId, false),
        Err(Refusal::Credentials) => (ConnectReturnCode::BadUserNamePassword, false),
        Err(Refusal::Will) => (ConnectReturnCode::NotAuthorized, false),
    };
    encode(buffer, &Packet::ConnAck(ConnAck::new(code, session_present)));
}

pub(crate) fn encode_puback(buffer: &mut BytesMut, packet_id: u16) {
    encode(buffer, &Packet::PubAck(PubAck::new(packet_id)));
}

pub(crate) fn encode_pong(buffer: &mut BytesMut) {
    encode(buffer, &Packet::PingResp);
}

pub(crate) fn encode_suback(buffer: &mut BytesMut, packet_id: u16, granted: &[Granted]) {
    let code = |granted: &Granted| match granted {
        Granted::AtMostOnce => SubscribeReasonCode::Success(QoS::AtMostOnce),
        Granted::AtLeastOnce => SubscribeReasonCode::Success(QoS::AtLeastOnce),
        Granted::Refused => SubscribeReasonCode::Failure,
    };
    encode(buffer, &Packet::SubAck(SubAck::new(packet_id, granted.iter().map(code).collect())));
}

pub(crate) fn encode_unsuback(buffer: &mut BytesMut, packet_id: u16) {
    encode(buffer, &Packet::UnsubAck(UnsubAck::new(packet_id)));
}

/// Marks of a publish that depend on who gets it and why.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    /// Offered before, on a connection that ended.
    pub(crate) repeat: bool,
    /// Sent because of a new subscription.
    pub(crate) retained: bool,
}

pub(crate) fn encode_publish(buffer: &mut BytesMut, topic: &str, delivery: Delivery, marks: Marks, payload: &Bytes) {
    let (qos, pkid) = match delivery {
        Delivery::AtMostOnce => (QoS::AtMostOnce, 0),
        Delivery::AtLeastOnce(packet_id) => (QoS::AtLeastOnce, packet_id),
    };
    let mut publish = v4::Publish::from_bytes(topic, qos, payload.clone());
    (publish.pkid, publish.dup, publish.retain) = (pkid, marks.repeat, marks.retained);
    encode(buffer, &Packet::Publish(publish));
}

fn encode(buffer: &mut BytesMut, packet: &Packet) {
    let length = buffer.len();
    // Fails only for packet number 0 and for lengths that no packet accepted here has; then nothing is sent.
    if packet.write(buffer, usize::MAX).is_err() {
        buffer.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads packets until the bytes end or are refused, as a connection does.
    fn read_all(bytes: &[u8]) -> usize {
        let mut buffer = BytesMut::from(bytes);
        let mut packets = 0;
        while let Ok(Decoded::Packet(_)) = decode(&mut buffer) {
            packets += 1;
        }
        packets
    }

    fn valid() -> Vec<u8> {
        let mut buffer = BytesMut::new();
        let mut connect = v4::Connect::new("belt-1");
        connect.set_login("belt-1", "secret");
        connect.last_will = Some(v4::LastWill::new("ctg/v1/belt-1/status", "gone", QoS::AtLeastOnce, true));
        let mut publish = v4::Publish::new("ctg/v1/belt-1/samples", QoS::AtLeastOnce, "block");
        publish.pkid = 7;
        let mut subscribe = v4::Subscribe::new("ctg/v1/belt-1/control", QoS::AtLeastOnce);
        subscribe.pkid = 8;
        let mut unsubscribe = v4::Unsubscribe::new("ctg/v1/belt-1/control");
        unsubscribe.pkid = 9;
        for packet in [
            Packet::Connect(connect),
            Packet::Publish(publish),
            Packet::Subscribe(subscribe),
            Packet::Unsubscribe(unsubscribe),
            Packet::PubAck(PubAck::new(1)),
            Packet::PingReq,
            Packet::Disconnect,
        ] {
            encode(&mut buffer, &packet);
        }
        buffer.to_vec()
    }

    #[test]
    fn reads_every_packet_of_a_client() {
        assert_eq!(read_all(&valid()), 7);
    }

    #[test]
    fn a_packet_that_cannot_be_written_leaves_nothing() {
        let mut buffer = BytesMut::new();
        encode_publish(&mut buffer, "t", Delivery::AtLeastOnce(0), Marks::default(), &Bytes::new());
        assert!(buffer.is_empty());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            read_all(&bytes);
        }

        #[test]
        fn damaged_packets_do_no_harm(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = valid();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            read_all(&bytes[cut.index(bytes.len())..]);
            read_all(&bytes);
        }

        #[test]
        fn a_stream_reads_the_same_however_it_is_cut(cut in any::<prop::sample::Index>()) {
            let bytes = valid();
            let mut buffer = BytesMut::new();
            let mut packets = 0;
            for part in [&bytes[..cut.index(bytes.len())], &bytes[cut.index(bytes.len())..]] {
                buffer.extend_from_slice(part);
                while let Decoded::Packet(_) = decode(&mut buffer).unwrap() {
                    packets += 1;
                }
            }
            prop_assert_eq!(packets, 7);
        }
    }
}
