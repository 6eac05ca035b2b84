use std::collections::VecDeque;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use ctg::DeviceId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Sleep;
use wire::topic::{self, Channel};

use super::codec::{self, Marks};
use super::hub::{Downstream, Handover, Hub, Subscribed};
use super::line::Line;
use crate::metrics::Counted;
use crate::packet::{Delivery, Filter, Granted, Incoming, Publish};
use crate::session::{CloseReason, Control};

/// Bytes that wait to be written to the service before no more packets are taken for it.
const UNWRITTEN_BYTES_MAX: usize = 128 * 1024;

/// Most packets taken from the devices at once.
const TAKEN_AT_ONCE_MAX: usize = 256;

/// Free room for one read: acknowledgements of hundreds of packets, or one control message.
const READ_BYTES: usize = 16 * 1024;

/// Serves one connection of the service until it ends or a newer one comes.
pub(crate) async fn serve<S>(hub: &Hub, line: Line<S>, resumes: bool, silence_max: Duration)
where
    S: AsyncRead + AsyncWrite,
{
    let newer = hub.take_over_service();
    let mut downstream = tokio::select! {
        () = newer.cancelled() => return,
        downstream = hub.downstream.lock() => downstream,
    };
    let _counted = Counted::new(&hub.metrics.connections, "service");
    let mut connection = Connection::new(hub, line, &mut downstream, resumes);
    let reason = tokio::select! {
        () = newer.cancelled() => CloseReason::TakenOver,
        reason = connection.serve(silence_max) => reason,
    };
    let line = connection.line;
    drop(downstream);
    hub.metrics.closed.with_label_values(&[reason.label()]).inc();
    tracing::info!(reason = reason.label(), "service left");
    line.close().await;
}

struct Connection<'a, S> {
    hub: &'a Hub,
    line: Line<S>,
    downstream: &'a mut Downstream,
    /// From where on the window is still to be offered again; `None` when all of it was.
    repeat_from: Option<u64>,
    retained: VecDeque<(DeviceId, Bytes)>,
    taken: Vec<Handover>,
    heard: Instant,
}

impl<'a, S: AsyncRead + AsyncWrite> Connection<'a, S> {
    fn new(hub: &'a Hub, mut line: Line<S>, downstream: &'a mut Downstream, resumes: bool) -> Self {
        if !resumes {
            downstream.subscribed = Subscribed::default();
        }
        let session_present = downstream.subscribed != Subscribed::default();
        codec::encode_connack(&mut line.outgoing, Ok(session_present));
        tracing::info!(unacknowledged = downstream.window.len(), session_present, "service connected");
        let taken = Vec::with_capacity(TAKEN_AT_ONCE_MAX);
        let retained = VecDeque::new();
        Self { hub, line, downstream, repeat_from: Some(0), retained, taken, heard: Instant::now() }
    }

    /// Returns why the connection ends. Dropping it midway loses nothing that was not written.
    async fn serve(&mut self, silence_max: Duration) -> CloseReason {
        let mut alarm = Box::pin(tokio::time::sleep(silence_max));
        loop {
            if let Err(reason) = self.read_packets() {
                return reason;
            }
            self.offer_again();
            self.write_retained();
            let event = self.next_event(&mut alarm).await;
            let now = Instant::now();
            match event {
                Event::Written(true) => {}
                Event::Taken => self.offer_taken(),
                Event::Read(1..) => self.heard = now,
                Event::Written(false) | Event::Read(0) => return CloseReason::Lost,
                Event::Alarm if now >= self.heard + silence_max => return CloseReason::Silent,
                Event::Alarm => alarm.as_mut().reset((self.heard + silence_max).into()),
            }
        }
    }

    async fn next_event(&mut self, alarm: &mut Pin<Box<Sleep>>) -> Event {
        let at_once = self.downstream.window.room().min(TAKEN_AT_ONCE_MAX);
        let ready = self.downstream.subscribed.all()
            && self.repeat_from.is_none()
            && self.line.outgoing.len() < UNWRITTEN_BYTES_MAX
            && at_once > 0;
        let Line { reader, writer, incoming, outgoing } = &mut self.line;
        tokio::select! {
            read = reader.read_buf(incoming) => Event::Read(read.unwrap_or(0)),
            written = writer.write_buf(outgoing), if !outgoing.is_empty() => Event::Written(written.is_ok()),
            _ = self.downstream.handovers.recv_many(&mut self.taken, at_once), if ready => Event::Taken,
            () = alarm => Event::Alarm,
        }
    }

    fn read_packets(&mut self) -> Result<(), CloseReason> {
        while let Some(packet) = self.line.next_packet().map_err(|_| CloseReason::Malformed)? {
            self.handle_packet(packet)?;
        }
        self.line.incoming.reserve(READ_BYTES);
        let unacknowledged = i64::try_from(self.downstream.window.len()).unwrap_or(i64::MAX);
        self.hub.metrics.unacknowledged.set(unacknowledged);
        Ok(())
    }

    fn handle_packet(&mut self, packet: Incoming) -> Result<(), CloseReason> {
        match packet {
            Incoming::Acknowledge { packet_id } => self.handle_acknowledged(packet_id),
            Incoming::Publish(publish) => return self.handle_control(publish),
            Incoming::Ping => codec::encode_pong(&mut self.line.outgoing),
            Incoming::Subscribe { packet_id, filters } => {
                let granted: Vec<Granted> = filters.iter().map(|filter| self.grant(filter)).collect();
                codec::encode_suback(&mut self.line.outgoing, packet_id, &granted);
            }
            Incoming::Unsubscribe { packet_id, filters } => {
                for filter in filters {
                    self.subscribe(&filter, false);
                }
                codec::encode_unsuback(&mut self.line.outgoing, packet_id);
            }
            Incoming::Disconnect => return Err(CloseReason::Goodbye),
            Incoming::Connect(_) => return Err(CloseReason::Malformed),
        }
        Ok(())
    }

    fn handle_acknowledged(&mut self, packet_id: u16) {
        // An unknown number is a second acknowledgement of a repeat.
        let Some(handover) = self.downstream.window.acknowledge(packet_id) else { return };
        self.hub.metrics.acknowledged.inc();
        if let Some((mailbox, packet_id)) = handover.sender {
            mailbox.acknowledge(packet_id);
        }
    }

    /// Hands a message to a device, or forgets it when the device is away: the service says it again
    /// when the device reports that it is back.
    fn handle_control(&mut self, publish: Publish) -> Result<(), CloseReason> {
        let Some((device, Channel::Control)) = topic::parse(&publish.topic) else {
            return Err(CloseReason::Forbidden);
        };
        if publish.retain {
            return Err(CloseReason::Forbidden);
        }
        self.hub.metrics.controls.inc();
        let at_least_once = publish.delivery != Delivery::AtMostOnce;
        if !self.hub.control(&device, Control { payload: publish.payload, at_least_once }) {
            self.hub.metrics.controls_lost.inc();
        }
        if let Delivery::AtLeastOnce(packet_id) = publish.delivery {
            codec::encode_puback(&mut self.line.outgoing, packet_id);
        }
        Ok(())
    }

    /// "At most once" is refused: the acknowledgement to the device rests on the service's.
    fn grant(&mut self, filter: &Filter) -> Granted {
        if filter.at_least_once && self.subscribe(&filter.path, true) {
            if filter.path == Channel::Status.filter() {
                self.retained = self.hub.retained().into();
            }
            return Granted::AtLeastOnce;
        }
        Granted::Refused
    }

    /// False when the filter is none of the three that a service may use.
    fn subscribe(&mut self, path: &str, wanted: bool) -> bool {
        let subscribed = &mut self.downstream.subscribed;
        let found = [
            (Channel::Samples, &mut subscribed.samples),
            (Channel::Events, &mut subscribed.events),
            (Channel::Status, &mut subscribed.status),
        ]
        .into_iter()
        .find(|(channel, _)| channel.filter() == path);
        found.map(|(_, flag)| *flag = wanted).is_some()
    }

    /// Offers what the last connection left unacknowledged.
    fn offer_again(&mut self) {
        let Some(mut from) = self.repeat_from else { return };
        if !self.downstream.subscribed.all() {
            return;
        }
        while self.line.outgoing.len() < UNWRITTEN_BYTES_MAX {
            let Some((next, packet_id, handover)) = self.downstream.window.offered_from(from) else {
                self.repeat_from = None;
                return;
            };
            let marks = Marks { repeat: true, retained: false };
            write(&mut self.line.outgoing, handover, Delivery::AtLeastOnce(packet_id), marks);
            self.hub.metrics.repeated.inc();
            from = next;
        }
        self.repeat_from = Some(from);
    }

    /// Writes statuses that a subscription asked for: "at most once", for what is lost with the
    /// connection comes again with the next one's subscription.
    fn write_retained(&mut self) {
        while self.repeat_from.is_none() && self.line.outgoing.len() < UNWRITTEN_BYTES_MAX {
            let Some((device, status)) = self.retained.pop_front() else { return };
            let topic = topic::build(&device, Channel::Status);
            let marks = Marks { repeat: false, retained: true };
            codec::encode_publish(&mut self.line.outgoing, &topic, Delivery::AtMostOnce, marks, &status);
        }
    }

    fn offer_taken(&mut self) {
        for handover in self.taken.drain(..) {
            if !handover.at_least_once {
                write(&mut self.line.outgoing, &handover, Delivery::AtMostOnce, Marks::default());
            } else if let Ok((packet_id, handover)) = self.downstream.window.offer(handover) {
                // Refuses nothing: no more were taken than there was room for.
                write(&mut self.line.outgoing, handover, Delivery::AtLeastOnce(packet_id), Marks::default());
            }
        }
    }
}

enum Event {
    /// So many bytes were read; 0 = none will come.
    Read(usize),
    /// Something was written, or the line is dead.
    Written(bool),
    /// Packets of devices were taken.
    Taken,
    Alarm,
}

fn write(outgoing: &mut BytesMut, handover: &Handover, delivery: Delivery, marks: Marks) {
    codec::encode_publish(outgoing, &handover.topic, delivery, marks, &handover.payload);
}
