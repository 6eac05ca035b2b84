//! One MQTT connection of one device.

use std::pin::Pin;
use std::time::Duration;

use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, NetworkOptions, Packet, QoS};
use wire::topic::{self, Channel};

use crate::{Address, DeviceConfig};

/// Packets that are sent and not acknowledged, at most.
pub(crate) const IN_FLIGHT_MAX: u16 = 20;
/// Requests that wait for the event loop: those in flight, a status, a subscription, a goodbye.
const REQUESTS_MAX: usize = IN_FLIGHT_MAX as usize + 4;
/// The broker hears from an idle device this often.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// A connection must come about within this time.
const CONNECT_TIMEOUT_S: u64 = 10;
/// Room for the topic and MQTT's own bytes beside the payload.
const PACKET_MAX: usize = wire::device::PAYLOAD_MAX + 1024;

/// What the broker says.
pub(crate) enum Heard {
    /// Something is acknowledged.
    Acknowledged,
    /// A payload on the device's control topic.
    Control(Vec<u8>),
    /// Anything else.
    Other,
}

/// Why a connection did not come about, or broke. Boxed, because it is large and seldom.
pub(crate) type LinkError = Box<ConnectionError>;

type Polled = (Box<EventLoop>, Result<Event, ConnectionError>);

pub(crate) struct Link {
    client: AsyncClient,
    /// The connection's next event. Kept across calls, because dropping it half-way could lose a packet.
    polling: Pin<Box<dyn Future<Output = Polled> + Send>>,
    in_flight: u16,
}

impl Link {
    /// Connects and subscribes to the device's control topic.
    pub(crate) async fn open(config: &DeviceConfig, broker: &Address, will: Vec<u8>) -> Result<Self, LinkError> {
        let (client, mut event_loop) = AsyncClient::new(options(config, broker, will), REQUESTS_MAX);
        let mut network = NetworkOptions::new();
        network.set_connection_timeout(CONNECT_TIMEOUT_S);
        network.set_tcp_nodelay(true);
        event_loop.set_network_options(network);
        let mut link = Self { client, polling: Box::pin(poll(Box::new(event_loop))), in_flight: 0 };
        while !matches!(link.event().await?, Event::Incoming(Packet::ConnAck(_))) {}
        let control = topic::build(&config.id, Channel::Control);
        link.client.try_subscribe(control, QoS::AtLeastOnce).map_err(|_| full())?;
        while !matches!(link.event().await?, Event::Incoming(Packet::SubAck(_))) {}
        Ok(link)
    }

    /// True when one more packet may be sent.
    pub(crate) fn has_room(&self) -> bool {
        self.in_flight < IN_FLIGHT_MAX
    }

    /// Sends a packet at QoS 1; the caller made sure that there is room.
    pub(crate) fn publish(&mut self, topic: &str, retain: bool, payload: Vec<u8>) -> Result<(), LinkError> {
        self.in_flight = self.in_flight.saturating_add(1);
        let sent = self.client.try_publish(topic, QoS::AtLeastOnce, retain, payload);
        sent.map_err(|_| full())
    }

    /// Waits for what the broker says. Cancel-safe.
    pub(crate) async fn hear(&mut self) -> Result<Heard, LinkError> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "of MQTT's many packets a device acts on two")]
        Ok(match self.event().await? {
            Event::Incoming(Packet::PubAck(_)) => {
                self.in_flight = self.in_flight.saturating_sub(1);
                Heard::Acknowledged
            }
            Event::Incoming(Packet::Publish(publish)) => Heard::Control(publish.payload.to_vec()),
            _ => Heard::Other,
        })
    }

    /// Waits until everything is acknowledged, then ends the connection in good order.
    pub(crate) async fn close(mut self) -> Result<(), LinkError> {
        while self.in_flight > 0 {
            self.hear().await?;
        }
        self.client.try_disconnect().map_err(|_| full())?;
        while !matches!(self.event().await?, Event::Outgoing(rumqttc::Outgoing::Disconnect)) {}
        Ok(())
    }

    async fn event(&mut self) -> Result<Event, LinkError> {
        let (event_loop, event) = self.polling.as_mut().await;
        self.polling = Box::pin(poll(event_loop));
        event.map_err(Box::new)
    }
}

/// More requests than [`REQUESTS_MAX`], which never happens while callers ask for room.
fn full() -> LinkError {
    Box::new(ConnectionError::RequestsDone)
}

async fn poll(mut event_loop: Box<EventLoop>) -> Polled {
    let event = event_loop.poll().await;
    (event_loop, event)
}

fn options(config: &DeviceConfig, broker: &Address, will: Vec<u8>) -> MqttOptions {
    let mut options = MqttOptions::new(config.id.as_str(), broker.host.as_str(), broker.port);
    let status = topic::build(&config.id, Channel::Status);
    options
        .set_credentials(config.id.as_str(), config.secret.as_str())
        .set_keep_alive(KEEP_ALIVE)
        .set_clean_session(false)
        .set_max_packet_size(PACKET_MAX, PACKET_MAX)
        .set_last_will(LastWill::new(status, will, QoS::AtLeastOnce, true));
    options
}
