//! One device: measures, keeps, sends, hears.

use std::time::Duration;

use ctg::{DeviceEventKind, DeviceStatus, RecordingId, SampleBlock, Timestamp};
use recordings::Session;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::device::{self, Control};
use wire::topic::{self, Channel};

use crate::buffer::{Buffer, Moved};
use crate::link::{Heard, Link, LinkError};
use crate::outbox::Outbox;
use crate::play::{Play, wall_clock};
use crate::report::Shared;
use crate::{Address, DeviceConfig, Outage};

/// After connecting, a device that awaits a watermark gives the service this long to tell it, so that
/// it does not send what is stored already.
const WATERMARK_WAIT: Duration = Duration::from_secs(3);
/// The status is repeated this often, for battery and backlog.
const STATUS_EVERY: Duration = Duration::from_secs(60);
/// How long a device that is done waits for the service to confirm its last events, or to say goodbye.
const FAREWELL_WAIT: Duration = Duration::from_secs(5);
/// Pause before connecting again; doubles up to the longest.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// A full battery lasts for a day.
const BATTERY_LIFE_S: u64 = 86_400;
/// Longest wait when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

pub(crate) struct Device {
    config: DeviceConfig,
    broker: Address,
    report: Shared,
    stop: CancellationToken,
    begun: Instant,
    play: Play,
    session: Session,
    buffer: Buffer,
    outbox: Outbox,
    /// Movements that the mother already pressed.
    pressed: usize,
    /// Set when the recording has ended: no block beyond it is measured.
    total: Option<u32>,
    /// True once the stop event of the recording is in the outbox.
    ended: bool,
    covered_at: Duration,
    paced_until: Duration,
    status_at: Duration,
    silent_until: Duration,
}

/// How a connection ended.
#[derive(Debug)]
enum Ended {
    /// Everything is sent and covered, or the fleet stops.
    Farewell,
    /// The script cuts it.
    Outage(Outage),
}

impl Device {
    pub(crate) fn new(config: DeviceConfig, broker: Address, report: Shared, stop: CancellationToken) -> Self {
        let play = Play::new(&config, wall_clock());
        let session = session_of(&config, &play);
        Self {
            outbox: Outbox::new(config.first_event),
            buffer: Buffer::new(),
            total: play.total(),
            config,
            broker,
            report,
            stop,
            begun: Instant::now(),
            play,
            session,
            pressed: 0,
            ended: false,
            covered_at: Duration::ZERO,
            paced_until: Duration::ZERO,
            status_at: Duration::ZERO,
            silent_until: Duration::ZERO,
        }
    }

    /// Plays until there is nothing left to send, or until the fleet stops.
    pub(crate) async fn run(mut self) {
        self.begin();
        let mut retry = RETRY_FIRST;
        while !self.stop.is_cancelled() {
            self.wait(self.outage_left()).await;
            let will = self.status_payload(&offline(None));
            let opened = tokio::select! {
                opened = Link::open(&self.config, &self.broker, will) => opened,
                () = self.stop.cancelled() => break,
            };
            let error = match opened {
                Ok(link) => {
                    retry = RETRY_FIRST;
                    self.report.lock().connections += 1;
                    match self.converse(link).await {
                        Ok(true) => break,
                        Ok(false) => continue,
                        Err(error) => error,
                    }
                }
                Err(error) => {
                    self.report.lock().failures += 1;
                    error
                }
            };
            tracing::debug!(device.id = %self.config.id, error = %error, "connection lost");
            self.report.lock().last_error = Some(error.to_string());
            self.wait(jittered(retry)).await;
            retry = (retry * 2).min(RETRY_MAX);
        }
    }

    /// The clock of play begins when the device does, not when it was made.
    fn begin(&mut self) {
        self.begun = Instant::now();
        self.play = Play::new(&self.config, wall_clock());
        self.session = session_of(&self.config, &self.play);
        self.total = self.play.total();
        self.outbox.push(self.session.recording, self.play.start, DeviceEventKind::Start);
        self.measure();
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    async fn wait(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// One connection, from hello to its end; true when the device is through.
    async fn converse(&mut self, mut link: Link) -> Result<bool, LinkError> {
        let silent = self.buffer.awaits_watermark();
        let now = self.elapsed();
        self.buffer.handle_connected(now);
        self.outbox.handle_connected();
        self.silent_until = if silent { now + WATERMARK_WAIT } else { now };
        self.publish_status(&mut link)?;
        match self.exchange(&mut link).await? {
            Ended::Farewell => {
                self.say_goodbye(link).await;
                Ok(true)
            }
            Ended::Outage(outage) => {
                // A silent outage keeps the socket open without serving it, and so sends nothing.
                self.wait(if outage.silent { self.outage_left() } else { Duration::ZERO }).await;
                drop(link);
                Ok(false)
            }
        }
    }

    async fn exchange(&mut self, link: &mut Link) -> Result<Ended, LinkError> {
        loop {
            self.measure();
            let now = self.elapsed();
            if let Some(outage) = self.outage_at(now) {
                return Ok(Ended::Outage(outage));
            }
            if self.stop.is_cancelled() || self.is_through(now) {
                return Ok(Ended::Farewell);
            }
            self.buffer.handle_timeout(now);
            self.outbox.handle_timeout(now);
            self.send(link)?;
            let wake = self.begun + self.next_timeout();
            tokio::select! {
                heard = link.hear() => match heard? {
                    Heard::Control(payload) => self.handle_control(&payload),
                    Heard::Acknowledged | Heard::Other => {}
                },
                () = tokio::time::sleep_until(wake) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// Takes note of what happened since the last look.
    fn measure(&mut self) {
        let now = self.elapsed();
        let measured = self.play.measured(now).min(self.total.unwrap_or(u32::MAX));
        self.buffer.handle_measured(measured);
        self.report.lock().measured = measured;
        while self.config.movements_s.get(self.pressed).is_some_and(|at| Duration::from_secs_f64(*at) <= now) {
            let at = self.play.recorded_until(Duration::from_secs_f64(self.config.movements_s[self.pressed]));
            self.pressed += 1;
            if !self.ended {
                self.outbox.push(self.session.recording, at, DeviceEventKind::Movement);
            }
        }
        if !self.ended && self.total.is_some_and(|total| measured >= total) {
            self.ended = true;
            let end = self.end_of_recording(measured);
            self.outbox.push(self.session.recording, end, DeviceEventKind::Stop);
        }
    }

    fn end_of_recording(&self, blocks: u32) -> Timestamp {
        let last = blocks.checked_sub(1).and_then(|last| self.session.block(&self.config.trace, last));
        last.map_or(self.session.start, |block| block.end())
    }

    /// Sends what may be sent now: events first, then the oldest blocks.
    fn send(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let now = self.elapsed();
        if self.status_at + STATUS_EVERY <= now && link.has_room() {
            self.publish_status(link)?;
        }
        while link.has_room() && self.paced_until <= now {
            if let Some(event) = self.outbox.take_next(now) {
                let topic = topic::build(&self.config.id, Channel::Events);
                link.publish(&topic, false, device::encode_event(&event, self.config.encoding))?;
                self.report.lock().events_published += 1;
            } else if let Some(sequence) = self.take_block(now) {
                self.publish_block(link, sequence)?;
            } else {
                break;
            }
            self.pace(now);
        }
        Ok(())
    }

    fn take_block(&mut self, now: Duration) -> Option<u32> {
        if now < self.silent_until { None } else { self.buffer.take_next(now) }
    }

    fn publish_block(&mut self, link: &mut Link, sequence: u32) -> Result<(), LinkError> {
        let Some(mut block) = self.session.block(&self.config.trace, sequence) else {
            return Ok(());
        };
        if self.buffer.is_void(sequence) {
            clear(&mut block);
        }
        let topic = topic::build(&self.config.id, Channel::Samples);
        link.publish(&topic, false, device::encode_samples(&block, self.config.encoding))?;
        self.report.lock().published += 1;
        Ok(())
    }

    /// Packets may come in bursts of a second, and at the configured rate in the long run.
    fn pace(&mut self, now: Duration) {
        let earliest = now.saturating_sub(Duration::from_secs(1));
        self.paced_until =
            self.paced_until.max(earliest) + Duration::from_secs_f64(1.0 / self.config.packets_per_second);
    }

    /// When to look again, if nothing is heard before.
    fn next_timeout(&self) -> Duration {
        let now = self.elapsed();
        let measured = self.play.measured(now);
        let grows = self.total.is_none_or(|total| measured < total);
        let waits_for_pace = self.paced_until > now && (self.buffer.has_next() || self.outbox.has_next());
        let press = self.config.movements_s.get(self.pressed).map(|at| Duration::from_secs_f64(*at));
        let outages = self.config.outages.iter().map(|outage| Duration::from_secs_f64(outage.at_s));
        [
            grows.then(|| self.play.ready_at(measured)),
            waits_for_pace.then_some(self.paced_until),
            press,
            outages.filter(|at| *at > now).min(),
            (self.silent_until > now).then_some(self.silent_until),
            self.buffer.next_timeout(),
            self.outbox.next_timeout(),
            Some(self.status_at + STATUS_EVERY),
            self.ended.then_some(self.covered_at + FAREWELL_WAIT).filter(|at| *at > now),
            Some(now + IDLE),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(now + IDLE)
    }

    fn handle_control(&mut self, payload: &[u8]) {
        let now = self.elapsed();
        match device::decode_control(payload) {
            Ok(Control::Stored { recording, through }) => self.handle_stored(recording, through, now),
            Ok(Control::EventStored { sequence }) => {
                if self.outbox.handle_stored(sequence) {
                    self.report.lock().events_stored += 1;
                }
            }
            Ok(Control::Refused { recording, sequence, reason }) => {
                tracing::warn!(device.id = %self.config.id, reason, "packet refused");
                let mut report = self.report.lock();
                report.refused += 1;
                report.last_refusal = Some(reason);
                if let (true, Some(sequence)) = (recording == Some(self.session.recording), sequence) {
                    self.buffer.handle_refused(sequence);
                }
            }
            Ok(Control::Start { until }) => self.handle_start(until, now),
            Ok(Control::Stop { recording }) => self.handle_stop(recording, now),
            Ok(Control::Message { text, until, .. }) => {
                if self.play.now(now) < until {
                    tracing::info!(device.id = %self.config.id, text, "message to the mother");
                    self.report.lock().messages += 1;
                }
            }
            // A later version of the protocol may say more; a device ignores what it does not know.
            Err(error) => tracing::debug!(device.id = %self.config.id, error = %error, "control ignored"),
        }
    }

    fn handle_stored(&mut self, recording: RecordingId, through: u32, now: Duration) {
        if recording != self.session.recording {
            return;
        }
        self.silent_until = now;
        match self.buffer.handle_stored(through, now) {
            Moved::Forward => {
                self.covered_at = now;
                self.report.lock().covered_through = self.buffer.covered().checked_sub(1);
            }
            Moved::Back => self.report.lock().moved_back += 1,
            Moved::Not => {}
        }
    }

    /// Ends the recording under way; what is measured still goes out.
    fn handle_stop(&mut self, recording: RecordingId, now: Duration) {
        if recording == self.session.recording && !self.ended {
            self.total = Some(self.play.measured(now));
        }
    }

    /// Begins a new recording of the same trace, if none is under way and nothing of the last is kept.
    fn handle_start(&mut self, until: Timestamp, now: Duration) {
        if !self.ended || self.buffer.kept() > 0 || self.play.now(now) >= until {
            return;
        }
        self.config.recording = RecordingId::from_bytes(rand::random());
        self.config.history_s = 0.0;
        self.begin_again();
    }

    fn begin_again(&mut self) {
        self.config.outages.clear();
        self.pressed = self.config.movements_s.len();
        self.buffer = Buffer::new();
        self.ended = false;
        self.status_at = Duration::ZERO;
        self.paced_until = Duration::ZERO;
        self.silent_until = Duration::ZERO;
        self.covered_at = Duration::ZERO;
        self.begin();
        let mut report = self.report.lock();
        report.recording = self.session.recording;
        report.covered_through = None;
    }

    /// True when everything is covered, and the last events are stored or were given their time.
    fn is_through(&self, now: Duration) -> bool {
        let played_out = self.ended && self.play.total() == self.total;
        played_out && self.buffer.kept() == 0 && (self.outbox.is_empty() || self.covered_at + FAREWELL_WAIT <= now)
    }

    fn outage_at(&self, now: Duration) -> Option<Outage> {
        let covers = |outage: &&Outage| {
            let start = Duration::from_secs_f64(outage.at_s);
            (start..start + Duration::from_secs_f64(outage.duration_s)).contains(&now)
        };
        self.config.outages.iter().find(covers).copied()
    }

    fn outage_left(&self) -> Duration {
        let now = self.elapsed();
        let end = self.outage_at(now).map(|outage| Duration::from_secs_f64(outage.at_s + outage.duration_s));
        end.map_or(Duration::ZERO, |end| end.saturating_sub(now))
    }

    fn publish_status(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let now = self.elapsed();
        self.status_at = now;
        let spent = now.as_secs().min(BATTERY_LIFE_S) * 100 / BATTERY_LIFE_S;
        let status = DeviceStatus {
            online: true,
            at: Some(self.play.now(now)),
            battery_percent: Some(100 - spent as u8),
            backlog_blocks: Some(self.buffer.kept()),
        };
        link.publish(&topic::build(&self.config.id, Channel::Status), true, self.status_payload(&status))
    }

    async fn say_goodbye(&mut self, mut link: Link) {
        self.report.lock().complete = self.ended && self.buffer.kept() == 0;
        let payload = self.status_payload(&offline(Some(self.play.now(self.elapsed()))));
        let topic = topic::build(&self.config.id, Channel::Status);
        let goodbye = async {
            link.publish(&topic, true, payload)?;
            link.close().await
        };
        match tokio::time::timeout(FAREWELL_WAIT, goodbye).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(device.id = %self.config.id, error = %error, "no goodbye"),
            Err(_) => tracing::debug!(device.id = %self.config.id, "no goodbye in time"),
        }
    }

    fn status_payload(&self, status: &DeviceStatus) -> Vec<u8> {
        device::encode_status(status, self.config.encoding)
    }
}

fn session_of(config: &DeviceConfig, play: &Play) -> Session {
    Session {
        recording: config.recording,
        start: play.start,
        block_length_ms: config.block_length_ms,
        repeat: config.repeat,
    }
}

fn offline(at: Option<Timestamp>) -> DeviceStatus {
    DeviceStatus { online: false, at, battery_percent: None, backlog_blocks: None }
}

/// Half to one and a half times as long, so that devices do not come back all at once.
fn jittered(time: Duration) -> Duration {
    time.mul_f64(0.5 + rand::random::<f64>())
}

/// Leaves no sample in a block, and its shape as it is.
fn clear(block: &mut SampleBlock) {
    for channel in &mut block.fhr {
        channel.rates.fill(None);
        channel.quality = None;
    }
    for channel in block.mhr.iter_mut() {
        channel.fill(None);
    }
    for channel in block.toco.iter_mut() {
        channel.fill(None);
    }
}
