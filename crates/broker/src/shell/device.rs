use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ctg::DeviceId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::OwnedPermit;
use tokio::sync::mpsc::error::{SendError, TrySendError};
use tokio::time::Sleep;
use wire::topic::{self, Channel};

use super::codec::{self, Marks};
use super::hub::{Handover, Hub};
use super::line::Line;
use super::mailbox::{Mailbox, Post};
use crate::metrics::Counted;
use crate::pace::Pace;
use crate::packet::Delivery;
use crate::session::{CloseReason, Effect, Forward, Session};

/// Answers that a device may leave unread before it is no longer read itself, in bytes.
const UNREAD_BYTES_MAX: usize = 8 * 1024;

/// A device that was let in.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) id: DeviceId,
    pub(crate) farewell: Option<Bytes>,
    pub(crate) silence_max: Duration,
    /// The digest that it was let in by.
    pub(crate) digest: [u8; 32],
}

/// A place in the queue to the service, once there is one.
type Place = Pin<Box<dyn Future<Output = Result<OwnedPermit<Handover>, SendError<()>>> + Send>>;

/// Serves one connection of a device until it ends.
pub(crate) async fn serve<S>(hub: Arc<Hub>, line: Line<S>, arrival: Arrival)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let Arrival { id, farewell, silence_max, digest } = arrival;
    let mailbox = Arc::new(Mailbox::default());
    let entered = hub.enter(&id, &mailbox, digest);
    let presence = Presence { hub: &hub, id: &id, mailbox: Arc::clone(&mailbox) };
    let counted = Counted::new(&hub.metrics.connections, "device");
    let mut connection = Connection::new(&hub, line, id.clone(), mailbox, silence_max);
    let reason = if entered { connection.serve().await } else { CloseReason::Revoked };
    let line = connection.line;
    drop((presence, counted));
    hub.metrics.closed.with_label_values(&[reason.label()]).inc();
    tracing::debug!(device.id = %id, reason = reason.label(), "device left");
    line.close().await;
    if let (Some(status), true) = (farewell, reason != CloseReason::Goodbye) {
        hub.farewell(id, status).await;
    }
}

/// Keeps the device connected for as long as it lives, whatever ends it.
struct Presence<'a> {
    hub: &'a Hub,
    id: &'a DeviceId,
    mailbox: Arc<Mailbox>,
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.hub.leave(self.id, &self.mailbox);
    }
}

struct Connection<'a, S> {
    hub: &'a Hub,
    line: Line<S>,
    session: Session,
    pace: Pace,
    mailbox: Arc<Mailbox>,
    post: Post,
    place: Option<Place>,
    heard: Instant,
    silence_max: Duration,
}

impl<'a, S: AsyncRead + AsyncWrite> Connection<'a, S> {
    fn new(hub: &'a Hub, line: Line<S>, id: DeviceId, mailbox: Arc<Mailbox>, silence_max: Duration) -> Self {
        let now = Instant::now();
        Self {
            hub,
            line,
            session: Session::new(id),
            pace: Pace::new(hub.packet_rate, now),
            mailbox,
            post: Post::default(),
            place: None,
            heard: now,
            silence_max,
        }
    }

    /// Returns why the connection ends.
    async fn serve(&mut self) -> CloseReason {
        let mut alarm = Box::pin(tokio::time::sleep(self.silence_max));
        loop {
            let resume_at = match self.read_packets() {
                Ok(resume_at) => resume_at,
                Err(reason) => return reason,
            };
            self.hand_over();
            self.write_control();
            let reading = resume_at.is_none() && self.may_read();
            set_alarm(&mut alarm, resume_at.unwrap_or(self.heard + self.silence_max));
            let event = self.next_event(reading, &mut alarm).await;
            if let Err(reason) = self.handle_event(event, reading) {
                return reason;
            }
        }
    }

    fn may_read(&self) -> bool {
        self.session.may_read() && self.line.outgoing.len() < UNREAD_BYTES_MAX
    }

    /// Takes packets out of what was read, as fast as the device may send and as far as there is room.
    /// Returns when to go on, if it must wait for that.
    fn read_packets(&mut self) -> Result<Option<Instant>, CloseReason> {
        let now = Instant::now();
        while self.may_read() {
            if self.line.incoming.is_empty() {
                // Reserves room for the next read.
                return self.line.next_packet().map(|_| None).map_err(|_| CloseReason::Malformed);
            }
            if let Err(resume_at) = self.pace.check(now) {
                return Ok(Some(resume_at));
            }
            let Some(packet) = self.line.next_packet().map_err(|_| CloseReason::Malformed)? else { break };
            self.pace.take(now);
            let effect = self.session.handle_packet(packet);
            self.apply(effect)?;
        }
        Ok(None)
    }

    fn apply(&mut self, effect: Effect) -> Result<(), CloseReason> {
        match effect {
            Effect::Nothing => {}
            Effect::Wait(forward) => self.wait(forward),
            Effect::Pong => codec::encode_pong(&mut self.line.outgoing),
            Effect::Subscribed { packet_id, granted } => {
                codec::encode_suback(&mut self.line.outgoing, packet_id, &granted);
            }
            Effect::Unsubscribed { packet_id } => codec::encode_unsuback(&mut self.line.outgoing, packet_id),
            Effect::Close(reason) => return Err(reason),
        }
        Ok(())
    }

    fn wait(&mut self, forward: Forward) {
        self.hub.metrics.publishes.inc();
        if forward.channel == Channel::Status && forward.publish.retain {
            self.hub.retain(self.session.device(), &forward.publish.payload);
        }
        self.session.wait(forward);
    }

    /// Hands waiting packets to the service as far as there is room, and queues for more.
    fn hand_over(&mut self) {
        while self.place.is_none() && self.session.has_waiting() {
            match self.hub.handovers.clone().try_reserve_owned() {
                Ok(permit) => self.hand_over_at(permit),
                Err(TrySendError::Full(sender)) => self.place = Some(Box::pin(sender.reserve_owned())),
                Err(TrySendError::Closed(_)) => return,
            }
        }
    }

    fn hand_over_at(&mut self, permit: OwnedPermit<Handover>) {
        let Some(Forward { publish, .. }) = self.session.hand_over() else { return };
        let sender = match publish.delivery {
            Delivery::AtMostOnce => None,
            Delivery::AtLeastOnce(packet_id) => Some((Arc::clone(&self.mailbox), packet_id)),
        };
        let at_least_once = sender.is_some();
        permit.send(Handover { topic: publish.topic, payload: publish.payload, at_least_once, sender });
    }

    fn write_control(&mut self) {
        while self.line.outgoing.len() < UNREAD_BYTES_MAX {
            let Some((payload, delivery)) = self.session.next_control() else { return };
            let topic = topic::build(self.session.device(), Channel::Control);
            codec::encode_publish(&mut self.line.outgoing, &topic, delivery, Marks::default(), &payload);
        }
    }

    async fn next_event(&mut self, reading: bool, alarm: &mut Pin<Box<Sleep>>) -> Event {
        let Line { reader, writer, incoming, outgoing } = &mut self.line;
        tokio::select! {
            biased;
            () = self.mailbox.rung() => Event::Rung,
            written = writer.write_buf(outgoing), if !outgoing.is_empty() => Event::Written(written.is_ok()),
            permit = placed(&mut self.place) => Event::Placed(permit.ok()),
            read = reader.read_buf(incoming), if reading => Event::Read(read.unwrap_or(0)),
            () = alarm => Event::Alarm,
        }
    }

    fn handle_event(&mut self, event: Event, reading: bool) -> Result<(), CloseReason> {
        let now = Instant::now();
        if !reading {
            // Whoever is not read cannot be blamed for silence.
            self.heard = now;
        }
        match event {
            Event::Rung => self.handle_post(),
            Event::Written(true) => Ok(()),
            Event::Placed(Some(permit)) => {
                self.place = None;
                self.hand_over_at(permit);
                Ok(())
            }
            Event::Placed(None) => Err(CloseReason::Stopping),
            Event::Written(false) | Event::Read(0) => Err(CloseReason::Lost),
            Event::Read(_) => {
                self.heard = now;
                Ok(())
            }
            Event::Alarm if reading && now >= self.heard + self.silence_max => Err(CloseReason::Silent),
            Event::Alarm => Ok(()),
        }
    }

    fn handle_post(&mut self) -> Result<(), CloseReason> {
        self.mailbox.collect(&mut self.post);
        self.session.handle_acknowledged(self.post.acknowledged.len());
        for packet_id in self.post.acknowledged.drain(..) {
            codec::encode_puback(&mut self.line.outgoing, packet_id);
        }
        for control in self.post.control.drain(..) {
            if !self.session.handle_control(control) {
                self.hub.metrics.controls_lost.inc();
            }
        }
        self.post.close.take().map_or(Ok(()), Err)
    }
}

enum Event {
    /// Something lies in the mailbox.
    Rung,
    /// Something was written, or the line is dead.
    Written(bool),
    /// There is room in the queue to the service, or no queue any more.
    Placed(Option<OwnedPermit<Handover>>),
    /// So many bytes were read; 0 = none will come.
    Read(usize),
    Alarm,
}

/// Waits for the place in the queue, for ever if none is asked for.
async fn placed(place: &mut Option<Place>) -> Result<OwnedPermit<Handover>, SendError<()>> {
    match place {
        Some(place) => place.await,
        None => std::future::pending().await,
    }
}

/// Moves the alarm forward at once, back only when it rings: an alarm that is set anew for every packet costs more.
fn set_alarm(alarm: &mut Pin<Box<Sleep>>, at: Instant) {
    let at = at.into();
    if at < alarm.deadline() || alarm.is_elapsed() {
        alarm.as_mut().reset(at);
    }
}
