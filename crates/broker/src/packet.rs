//! What the decisions of this crate see of MQTT; `shell/codec.rs` makes it of bytes and bytes of it.

use bytes::Bytes;

/// How often a publish is delivered. "Exactly once" is refused: the store makes repeats harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    AtMostOnce,
    /// With the number by which the sender expects the acknowledgement.
    AtLeastOnce(u16),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) topic: String,
    pub(crate) delivery: Delivery,
    pub(crate) retain: bool,
    pub(crate) payload: Bytes,
}

/// What shall be published for a client that went without saying goodbye.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Will {
    pub(crate) topic: String,
    pub(crate) retain: bool,
    pub(crate) payload: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Connect {
    pub(crate) client_id: String,
    pub(crate) username: String,
    pub(crate) secret: String,
    pub(crate) clean_session: bool,
    /// 0 = the client promises nothing.
    pub(crate) keep_alive_s: u16,
    pub(crate) will: Option<Will>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) path: String,
    /// False when the subscriber asks for "at most once".
    pub(crate) at_least_once: bool,
}

/// A packet from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    Connect(Connect),
    Publish(Publish),
    Acknowledge { packet_id: u16 },
    Subscribe { packet_id: u16, filters: Vec<Filter> },
    Unsubscribe { packet_id: u16, filters: Vec<String> },
    Ping,
    Disconnect,
}

/// Answer to one filter of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    AtMostOnce,
    AtLeastOnce,
    Refused,
}
