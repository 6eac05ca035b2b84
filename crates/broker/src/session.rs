//! What one connected device may do, and what follows from it.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use ctg::DeviceId;
use wire::topic::{self, Channel};

use crate::admission::STATUS_BYTES_MAX;
use crate::packet::{Delivery, Filter, Granted, Incoming, Publish};

/// Most publishes of one device that may wait for their acknowledgement before its socket is no longer
/// read: more than common clients send ahead (paho 20, rumqttc 100), so that their pings stay answered.
pub(crate) const IN_FLIGHT_MAX: usize = 128;

/// Most payload bytes of one device that may wait to be handed to the service before its socket is no
/// longer read.
pub(crate) const WAITING_BYTES_MAX: usize = 16 * 1024;

/// Most control messages to one device that may be unacknowledged.
const CONTROL_IN_FLIGHT_MAX: usize = 8;

/// Most control messages that wait for one device; the oldest gives way, newer watermarks include it.
const CONTROL_WAITING_MAX: usize = 32;

/// Something for the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forward {
    pub(crate) channel: Channel,
    pub(crate) publish: Publish,
}

/// What follows from a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    /// Keep the packet waiting for the service.
    Wait(Forward),
    Pong,
    Subscribed {
        packet_id: u16,
        granted: Vec<Granted>,
    },
    Unsubscribed {
        packet_id: u16,
    },
    Close(CloseReason),
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The client said goodbye; no will is published.
    Goodbye,
    /// The network failed, or the client went without a goodbye.
    Lost,
    /// Nothing was heard for one and a half keep-alives.
    Silent,
    /// A newer connection of the same client took over.
    TakenOver,
    /// The device is no longer in the directory, or has a new secret.
    Revoked,
    /// A publish on a topic that is not the client's, or retained where that is not allowed.
    Forbidden,
    /// A packet that is no MQTT 3.1.1, out of order, too long, or "exactly once".
    Malformed,
    /// The endpoint stops.
    Stopping,
}

impl CloseReason {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Goodbye => "goodbye",
            Self::Lost => "lost",
            Self::Silent => "silent",
            Self::TakenOver => "taken_over",
            Self::Revoked => "revoked",
            Self::Forbidden => "forbidden",
            Self::Malformed => "malformed",
            Self::Stopping => "stopping",
        }
    }
}

/// A control message on its way to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Control {
    pub(crate) payload: Bytes,
    pub(crate) at_least_once: bool,
}

/// The state of one connection of one device.
#[derive(Debug)]
pub(crate) struct Session {
    device: DeviceId,
    in_flight: usize,
    waiting: VecDeque<Forward>,
    waiting_bytes: usize,
    /// How control messages are wanted; `None` while not subscribed.
    wanted: Option<Granted>,
    control_waiting: VecDeque<Control>,
    control_in_flight: BTreeSet<u16>,
    last_control_id: u16,
}

impl Session {
    pub(crate) fn new(device: DeviceId) -> Self {
        Self {
            device,
            in_flight: 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            wanted: None,
            control_waiting: VecDeque::new(),
            control_in_flight: BTreeSet::new(),
            last_control_id: 0,
        }
    }

    pub(crate) fn device(&self) -> &DeviceId {
        &self.device
    }

    /// False while the device must wait: its socket is then not read.
    pub(crate) fn may_read(&self) -> bool {
        self.in_flight + self.waiting.len() < IN_FLIGHT_MAX && self.waiting_bytes < WAITING_BYTES_MAX
    }

    /// Decides what a packet of the device leads to.
    pub(crate) fn handle_packet(&mut self, packet: Incoming) -> Effect {
        match packet {
            Incoming::Publish(publish) => self.handle_publish(publish),
            Incoming::Acknowledge { packet_id } => {
                self.control_in_flight.remove(&packet_id);
                Effect::Nothing
            }
            Incoming::Subscribe { packet_id, filters } => {
                let granted = filters.iter().map(|filter| self.grant(filter)).collect();
                Effect::Subscribed { packet_id, granted }
            }
            Incoming::Unsubscribe { packet_id, filters } => {
                if filters.contains(&topic::build(&self.device, Channel::Control)) {
                    self.wanted = None;
                    self.control_waiting.clear();
                }
                Effect::Unsubscribed { packet_id }
            }
            Incoming::Ping => Effect::Pong,
            Incoming::Disconnect => Effect::Close(CloseReason::Goodbye),
            Incoming::Connect(_) => Effect::Close(CloseReason::Malformed),
        }
    }

    /// Keeps a packet until the service takes it.
    pub(crate) fn wait(&mut self, forward: Forward) {
        self.waiting_bytes += forward.publish.payload.len();
        self.waiting.push_back(forward);
    }

    /// True when something waits for the service.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Hands the oldest waiting packet over to the service.
    pub(crate) fn hand_over(&mut self) -> Option<Forward> {
        let forward = self.waiting.pop_front()?;
        self.waiting_bytes -= forward.publish.payload.len();
        if matches!(forward.publish.delivery, Delivery::AtLeastOnce(_)) {
            self.in_flight += 1;
        }
        Some(forward)
    }

    /// The service acknowledged so many packets of this connection.
    pub(crate) fn handle_acknowledged(&mut self, packets: usize) {
        self.in_flight = self.in_flight.saturating_sub(packets);
    }

    /// Queues a control message. False when it, or an older one, is lost by that.
    pub(crate) fn handle_control(&mut self, control: Control) -> bool {
        if self.wanted.is_none() {
            return false;
        }
        let crowded = self.control_waiting.len() >= CONTROL_WAITING_MAX;
        if crowded {
            self.control_waiting.pop_front();
        }
        self.control_waiting.push_back(control);
        !crowded
    }

    /// The next control message that may be written now.
    pub(crate) fn next_control(&mut self) -> Option<(Bytes, Delivery)> {
        if self.control_in_flight.len() >= CONTROL_IN_FLIGHT_MAX {
            return None;
        }
        let control = self.control_waiting.pop_front()?;
        if !control.at_least_once || self.wanted != Some(Granted::AtLeastOnce) {
            return Some((control.payload, Delivery::AtMostOnce));
        }
        let packet_id = self.free_control_id();
        self.control_in_flight.insert(packet_id);
        Some((control.payload, Delivery::AtLeastOnce(packet_id)))
    }

    fn handle_publish(&mut self, publish: Publish) -> Effect {
        let own = topic::parse(&publish.topic).filter(|(device, _)| *device == self.device);
        let Some((_, channel)) = own else { return Effect::Close(CloseReason::Forbidden) };
        let allowed = match channel {
            Channel::Samples | Channel::Events => !publish.retain,
            Channel::Status => publish.payload.len() <= STATUS_BYTES_MAX,
            Channel::Control => false,
        };
        if allowed { Effect::Wait(Forward { channel, publish }) } else { Effect::Close(CloseReason::Forbidden) }
    }

    fn grant(&mut self, filter: &Filter) -> Granted {
        if filter.path != topic::build(&self.device, Channel::Control) {
            return Granted::Refused;
        }
        let granted = if filter.at_least_once { Granted::AtLeastOnce } else { Granted::AtMostOnce };
        self.wanted = Some(granted);
        granted
    }

    fn free_control_id(&mut self) -> u16 {
        // Ends: fewer than [`CONTROL_IN_FLIGHT_MAX`] numbers are taken.
        loop {
            self.last_control_id = self.last_control_id.wrapping_add(1).max(1);
            if !self.control_in_flight.contains(&self.last_control_id) {
                return self.last_control_id;
            }
        }
    }
}

#[cfg(test)]
mod tests;
