//! The link to the broker: receives, acknowledges, writes to devices.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, News};
use ctg::ReceivedBlock;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, PubAck, Publish, Subscribe, SubscribeFilter, SubscribeReasonCode};
use rumqttc::{ConnectionError, Event, EventLoop, MqttOptions, NetworkOptions, Request, StateError};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::device::PAYLOAD_MAX;
use wire::topic::Channel;

use crate::backoff::Backoff;
use crate::config::Config;
use crate::health::Health;
use crate::intake::{self, Arrival, Content};
use crate::metrics::Metrics;
use crate::run::{Ends, now};

/// Longest time that a block waits for others before it is published.
const COLLECT_TIME: Duration = Duration::from_millis(5);

/// Most packets published together, and most committed together: larger commits gain nothing.
const LOT_MAX: usize = 1000;

/// Most packets received and not acknowledged; beyond it nothing more is read, and the broker keeps the
/// rest. Two and a half seconds of a city, and more than the embedded endpoint offers at once.
const HELD_MAX: usize = 50_000;

/// Most payload bytes received and not acknowledged.
const HELD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most messages to devices written at once.
const WRITTEN_AT_ONCE_MAX: usize = 256;

/// The broker is asked for a sign of life so often.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Longest time that the broker may refuse to read.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);

/// Longest time for the last commit after the order to stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

/// Topic, lengths and numbers of a packet beside its payload.
const OVERHEAD_BYTES_MAX: usize = 256;

/// rumqttc's own queue of requests; unused, as everything is written directly, in batches.
const REQUESTS_MAX: usize = 1;

/// A packet on its way through the service.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) arrival: Arrival,
    pub(crate) content: Content,
    ticket: Option<Ticket>,
}

/// What is needed to acknowledge a packet; void once its connection has ended, for then the number may
/// name another packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    connection: u64,
    packet_id: u16,
}

/// A lot that is committed.
#[derive(Debug)]
pub(crate) struct Settled {
    tickets: Vec<Ticket>,
    packets: usize,
    bytes: usize,
}

impl Settled {
    pub(crate) fn of(lot: &[Item]) -> Self {
        let tickets = lot.iter().filter_map(|item| item.ticket).collect();
        let bytes = lot.iter().map(|item| item.arrival.payload.len()).sum();
        Self { tickets, packets: lot.len(), bytes }
    }
}

/// A message to a device. "At most once": what is lost is said again when the device comes back, or
/// repeats what is stored.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
}

/// The connection to the broker and what came through it.
pub(crate) struct Link {
    events: EventLoop,
    bus: Bus,
    metrics: Metrics,
    health: watch::Sender<Health>,
    /// Number of the connection, counted from 1; tickets of earlier ones are void.
    connection: u64,
    backoff: Backoff,
    retry_at: Instant,
    /// Received, not yet published.
    fresh: Vec<Item>,
    publish_at: Instant,
    /// Published, not yet handed to the commit.
    waiting: VecDeque<Item>,
    held: usize,
    held_bytes: usize,
}

impl Link {
    pub(crate) fn new(config: &Config, bus: Bus, metrics: Metrics, health: watch::Sender<Health>) -> Self {
        let now = Instant::now();
        Self {
            events: event_loop(config),
            bus,
            metrics,
            health,
            connection: 0,
            backoff: Backoff::default(),
            retry_at: now,
            fresh: Vec::new(),
            publish_at: now,
            waiting: VecDeque::new(),
            held: 0,
            held_bytes: 0,
        }
    }

    /// Runs until `stop`, then until what was received is settled.
    pub(crate) async fn run(mut self, mut ends: Ends, stop: CancellationToken) {
        let mut outgoing = Vec::with_capacity(WRITTEN_AT_ONCE_MAX);
        loop {
            let may_read = self.held < HELD_MAX && self.held_bytes < HELD_BYTES_MAX;
            let (retry_at, publish_at) = (self.retry_at, self.publish_at);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(settled) = ends.settled.recv() => self.handle_settled(settled).await,
                _ = ends.outgoing.recv_many(&mut outgoing, WRITTEN_AT_ONCE_MAX) => {
                    self.handle_outgoing(outgoing.drain(..)).await;
                }
                Ok(permit) = ends.lots.reserve(), if !self.waiting.is_empty() => permit.send(self.next_lot()),
                () = tokio::time::sleep_until(publish_at), if !self.fresh.is_empty() => self.publish(),
                event = poll(&mut self.events, retry_at), if may_read => self.handle_event(event).await,
            }
        }
        let _ = tokio::time::timeout(STOP_TIME_MAX, self.finish(ends)).await;
        self.set_connected(false);
    }

    async fn handle_event(&mut self, event: Result<Event, ConnectionError>) {
        match event {
            Ok(Event::Incoming(packet)) => self.handle_packet(packet).await,
            Ok(Event::Outgoing(_)) => {}
            Err(error) => return self.lose(&error),
        }
        // The rest of what one read brought; none of this waits.
        while !self.events.state.events.is_empty() && self.fresh.len() < LOT_MAX {
            if let Ok(Event::Incoming(packet)) = self.events.poll().await {
                self.handle_packet(packet).await;
            }
        }
        if self.fresh.len() >= LOT_MAX {
            self.publish();
        }
    }

    async fn handle_packet(&mut self, packet: Packet) {
        match packet {
            Packet::Publish(publish) => self.receive(publish),
            Packet::ConnAck(_) => self.subscribe().await,
            Packet::SubAck(answer) if answer.return_codes.contains(&SubscribeReasonCode::Failure) => {
                self.events.clean();
                self.lose(&"subscription refused; let this client subscribe to samples, events and status");
            }
            Packet::SubAck(_) => {
                self.backoff = Backoff::default();
                self.set_connected(true);
                tracing::info!("receiving from the broker");
            }
            Packet::Connect(_)
            | Packet::PubAck(_)
            | Packet::PubRec(_)
            | Packet::PubRel(_)
            | Packet::PubComp(_)
            | Packet::Subscribe(_)
            | Packet::Unsubscribe(_)
            | Packet::UnsubAck(_)
            | Packet::PingReq
            | Packet::PingResp
            | Packet::Disconnect => {}
        }
    }

    fn receive(&mut self, publish: Publish) {
        let ticket = match publish.qos {
            QoS::AtMostOnce => None,
            QoS::AtLeastOnce | QoS::ExactlyOnce => {
                Some(Ticket { connection: self.connection, packet_id: publish.pkid })
            }
        };
        let arrival = Arrival { topic: publish.topic, payload: publish.payload, received: now() };
        if self.fresh.is_empty() {
            self.publish_at = Instant::now() + COLLECT_TIME;
        }
        self.held += 1;
        self.held_bytes += arrival.payload.len();
        let content = intake::read(&arrival);
        self.fresh.push(Item { arrival, content, ticket });
    }

    /// Live first: tells everybody, before anything waits for a disk.
    fn publish(&mut self) {
        let blocks: Vec<Arc<ReceivedBlock>> = self.fresh.iter().filter_map(|item| block(&item.content)).collect();
        for block in &blocks {
            self.metrics.delay.observe(block.delay_s());
        }
        if !blocks.is_empty() {
            self.bus.publish(News::Blocks(blocks.into()));
        }
        for item in &self.fresh {
            match &item.content {
                Content::Event(device, event) => self.bus.publish(News::Event(device.clone(), event.clone())),
                Content::Status(device, status) => self.bus.publish(News::Status(device.clone(), status.clone())),
                Content::Block(_) | Content::Unusable(_) => {}
            }
        }
        self.waiting.extend(self.fresh.drain(..));
        self.metrics.held.set(self.held as i64);
    }

    fn next_lot(&mut self) -> Vec<Item> {
        self.waiting.drain(..self.waiting.len().min(LOT_MAX)).collect()
    }

    async fn handle_settled(&mut self, settled: Settled) {
        self.held -= settled.packets;
        self.held_bytes -= settled.bytes;
        self.metrics.held.set(self.held as i64);
        let connection = self.connection;
        let valid = settled.tickets.into_iter().filter(|ticket| ticket.connection == connection);
        let packets = valid.map(|ticket| Packet::PubAck(PubAck::new(ticket.packet_id)));
        self.write(packets).await;
    }

    async fn handle_outgoing(&mut self, messages: impl Iterator<Item = Outgoing>) {
        let packets =
            messages.map(|message| Packet::Publish(Publish::new(message.topic, QoS::AtMostOnce, message.payload)));
        self.write(packets).await;
    }

    async fn subscribe(&mut self) {
        self.connection += 1;
        self.metrics.connections.inc();
        let channels = [Channel::Samples, Channel::Events, Channel::Status];
        let filters = channels.map(|channel| SubscribeFilter::new(channel.filter(), QoS::AtLeastOnce));
        let request = Request::Subscribe(Subscribe::new_many(filters));
        match self.events.state.handle_outgoing_packet(request) {
            Ok(packet) => self.write(packet.into_iter()).await,
            Err(error) => self.lose(&error),
        }
    }

    /// Writes packets in one go. rumqttc's own way flushes after each, which costs a system call for
    /// every acknowledgement.
    async fn write(&mut self, packets: impl Iterator<Item = Packet>) {
        let Some(network) = self.events.network.as_mut() else { return };
        let written = async {
            for packet in packets {
                network.write(packet).await?;
            }
            network.flush().await
        };
        let written: Result<Result<(), StateError>, _> = tokio::time::timeout(WRITE_TIME_MAX, written).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.events.clean();
                self.lose(&error);
            }
            Err(_) => {
                self.events.clean();
                self.lose(&"broker does not read");
            }
        }
    }

    fn lose(&mut self, error: &dyn std::fmt::Display) {
        let pause = self.backoff.pause();
        self.retry_at = Instant::now() + pause;
        self.set_connected(false);
        tracing::warn!(%error, retry_ms = pause.as_millis(), "no connection to the broker");
    }

    fn set_connected(&self, connected: bool) {
        self.health.send_if_modified(|health| {
            let changed = health.connected != connected;
            health.connected = connected;
            changed
        });
    }

    /// Settles what was received, tells the devices, then says goodbye.
    async fn finish(&mut self, ends: Ends) {
        let Ends { lots, mut settled, outgoing: mut messages } = ends;
        let mut lots = Some(lots);
        let mut outgoing = Vec::new();
        self.publish();
        loop {
            if self.waiting.is_empty() {
                lots = None;
            }
            tokio::select! {
                Some(settled) = settled.recv() => self.handle_settled(settled).await,
                written = messages.recv_many(&mut outgoing, WRITTEN_AT_ONCE_MAX) => {
                    if written == 0 {
                        break;
                    }
                    self.handle_outgoing(outgoing.drain(..)).await;
                }
                Some(permit) = room(lots.as_ref()) => permit.send(self.next_lot()),
            }
        }
        self.write(std::iter::once(Packet::Disconnect)).await;
    }
}

async fn room(lots: Option<&mpsc::Sender<Vec<Item>>>) -> Option<mpsc::Permit<'_, Vec<Item>>> {
    match lots {
        Some(lots) => lots.reserve().await.ok(),
        None => std::future::pending().await,
    }
}

fn block(content: &Content) -> Option<Arc<ReceivedBlock>> {
    match content {
        Content::Block(block) => Some(Arc::clone(block)),
        Content::Event(..) | Content::Status(..) | Content::Unusable(_) => None,
    }
}

async fn poll(events: &mut EventLoop, not_before: Instant) -> Result<Event, ConnectionError> {
    if events.network.is_none() {
        tokio::time::sleep_until(not_before).await;
    }
    events.poll().await
}

fn event_loop(config: &Config) -> EventLoop {
    let mut options = MqttOptions::new(&config.client_id, &config.host, config.port);
    options.set_credentials(&config.username, &config.secret);
    options.set_clean_session(false);
    options.set_manual_acks(true);
    options.set_keep_alive(KEEP_ALIVE);
    options.set_max_packet_size(PAYLOAD_MAX + OVERHEAD_BYTES_MAX, PAYLOAD_MAX + OVERHEAD_BYTES_MAX);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    let mut events = EventLoop::new(options, REQUESTS_MAX);
    events.set_network_options(network);
    events
}
