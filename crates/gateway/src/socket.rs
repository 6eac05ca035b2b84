use std::collections::VecDeque;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use alerting::{AlertEvent, AlertId};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use ctg::{Interval, RecordingId};
use storage::StoreError;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use wire::viewer::{ClientMessage, Held, ServerMessage, Welcome, join_blocks, join_messages};

use crate::alerts::act;
use crate::board::{Progress, ViewerId, baseline_texts, frame};
use crate::http::Caller;
use crate::run::{App, now};
use crate::viewer::{Frame, Text};

/// A viewer says hello within this time.
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// Time between beats of the service; a page that misses five says that it is not live.
const BEAT_EVERY: Duration = Duration::from_secs(1);
/// Silence after which a page must say that it is not live.
const NOT_LIVE_AFTER: Duration = Duration::from_secs(5);
/// A viewer that says nothing for so long is gone: it beats every 5 s.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// A socket that takes no byte for so long is gone.
const SEND_WITHIN: Duration = Duration::from_secs(10);
/// Messages are collected for so long before they are sent together.
const FLUSH_EVERY: Duration = Duration::from_millis(30);
/// Blocks read from the store at once, so that live news is never far behind.
const PAGE_BLOCKS: u32 = 600;
/// Holes that a viewer may have asked for at once.
const FILLS_MAX: usize = 64;
/// Pause before the store is asked again after it failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Messages that a viewer may send at once: a thousand alerts may be painted together.
const BURST_MAX: f64 = 1_000.0;
/// Messages a second that a viewer may send in the long run.
const MESSAGES_PER_SECOND: f64 = 100.0;

/// Close codes, as documented.
const GOING_AWAY: u16 = 1001;
const PROTOCOL_BROKEN: u16 = 1008;
const TOO_SLOW: u16 = 1013;
const SESSION_ENDED: u16 = 4401;

/// Why a connection ends.
enum End {
    /// The other side is gone, or takes nothing.
    Gone,
    /// With a close code and its reason.
    Close(u16, String),
}

/// One recording whose stored blocks are being sent.
struct Reading {
    index: u32,
    recording: RecordingId,
    next: u32,
}

/// What is still to be sent from the store.
#[derive(Default)]
struct CatchUp {
    waiting: VecDeque<RecordingId>,
    reading: Option<Reading>,
    fills: VecDeque<(RecordingId, u32, u32)>,
    since: Option<Instant>,
    not_before: Option<Instant>,
}

struct Connection {
    app: Arc<App>,
    socket: WebSocket,
    caller: Caller,
    viewer: ViewerId,
    window_s: u32,
    catch_up: CatchUp,
    heard: Instant,
    budget: f64,
}

/// Serves one viewer until either side ends it.
pub(crate) async fn serve(app: Arc<App>, mut socket: WebSocket, caller: Caller) {
    let hello = match timeout(HELLO_WITHIN, hello(&mut socket)).await {
        Ok(hello) => hello,
        Err(_) => Err(End::Close(PROTOCOL_BROKEN, "the first message must be hello, within 5 s".to_owned())),
    };
    let (window_s, held) = match hello {
        Ok(hello) => hello,
        Err(end) => return close(&mut socket, end).await,
    };
    let waiting = announce(&app, window_s).await;
    let viewer = app.board().join(&held);
    app.metrics.viewers_open.inc();
    let catch_up = CatchUp { waiting, since: Some(Instant::now()), ..CatchUp::default() };
    let (heard, budget) = (Instant::now(), BURST_MAX);
    let mut connection = Connection { app, socket, caller, viewer, window_s, catch_up, heard, budget };
    let end = connection.run().await;
    connection.app.board().leave(viewer);
    connection.app.metrics.viewers_open.dec();
    close(&mut connection.socket, end).await;
}

async fn hello(socket: &mut WebSocket) -> Result<(u32, Vec<Held>), End> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => match ClientMessage::decode(&text) {
                Ok(ClientMessage::Hello { window_s, held }) => return Ok((window_s, held)),
                Ok(_) => return Err(End::Close(PROTOCOL_BROKEN, "the first message must be hello".to_owned())),
                Err(error) => return Err(End::Close(PROTOCOL_BROKEN, error.to_string())),
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_))) => {
                return Err(End::Close(PROTOCOL_BROKEN, "viewers send text only".to_owned()));
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
        }
    }
}

/// Puts every recording of the window on the board, and reads alerts again, before the viewer's queue opens.
async fn announce(app: &App, window_s: u32) -> VecDeque<RecordingId> {
    // What the store cannot say now, catching up will ask again.
    let _ = app.reread().await;
    let since = now().plus_seconds(-i64::from(window_s));
    let mut recordings = app.store.recordings_since(since).await.unwrap_or_default();
    recordings.sort_by(|one, other| one.recording.device.cmp(&other.recording.device));
    let mut board = app.board();
    for found in &recordings {
        let progress = Progress { stored_through: found.stored_through, stopped: found.stopped };
        board.show(&found.recording, progress, now());
    }
    recordings.into_iter().map(|found| found.recording.id).collect()
}

async fn close(socket: &mut WebSocket, end: End) {
    if let End::Close(code, reason) = end {
        let frame = CloseFrame { code, reason: reason.into() };
        // The other side may be gone already, which is what closing wants.
        let _ = timeout(SEND_WITHIN, socket.send(Message::Close(Some(frame)))).await;
    }
}

impl Connection {
    async fn run(&mut self) -> End {
        match self.serve().await {
            Ok(()) => End::Gone,
            Err(end) => end,
        }
    }

    async fn serve(&mut self) -> Result<(), End> {
        self.welcome().await?;
        let mut filled = self.app.filled.subscribe();
        let mut beat = interval(BEAT_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = self.app.stop.clone();
        let mut waiting = true;
        let mut flush_at = Instant::now();
        loop {
            let catching_up = self.catch_up.is_due();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(End::Close(GOING_AWAY, "the service stops".to_owned())),
                message = self.socket.recv() => self.handle(message).await?,
                _ = beat.tick() => self.beat().await?,
                () = sleep_until(flush_at), if waiting => {
                    waiting = false;
                    self.flush().await?;
                    flush_at = Instant::now() + FLUSH_EVERY;
                }
                Ok(()) = filled.changed(), if !waiting => waiting = true,
                () = ready(()), if catching_up => self.catch_up_step().await?,
            }
        }
    }

    async fn welcome(&mut self) -> Result<(), End> {
        let welcome = Welcome {
            server: now(),
            service: self.app.config.service.clone(),
            person: self.caller.person.0.clone(),
            window_s: self.window_s,
            beat_ms: BEAT_EVERY.as_millis() as u32,
            not_live_ms: NOT_LIVE_AFTER.as_millis() as u32,
            late_after_s: self.app.config.late_after_s,
        };
        self.send_message(&ServerMessage::Welcome(&welcome)).await?;
        self.flush().await
    }

    async fn beat(&mut self) -> Result<(), End> {
        if self.app.access().person(self.caller.session, now()).is_none() {
            return Err(End::Close(SESSION_ENDED, "the session has ended: log in".to_owned()));
        }
        if self.heard.elapsed() > SILENCE_MAX {
            return Err(End::Close(PROTOCOL_BROKEN, "a viewer beats every 5 s".to_owned()));
        }
        self.budget = (self.budget + MESSAGES_PER_SECOND).min(BURST_MAX);
        self.send_message(&ServerMessage::Beat(now())).await
    }

    /// Sends what waits in the queue.
    async fn flush(&mut self) -> Result<(), End> {
        let (outgoing, overflowed) = {
            let mut board = self.app.board();
            let Some(viewer) = board.viewer(self.viewer) else { return Err(End::Gone) };
            (viewer.take(), viewer.is_overflowed())
        };
        if overflowed {
            self.app.metrics.overflows.inc();
            return Err(End::Close(TOO_SLOW, "too slow even for alerts: connect again".to_owned()));
        }
        if outgoing.is_empty() {
            return Ok(());
        }
        if outgoing.dropped > 0 {
            self.resync(outgoing.dropped).await?;
        }
        self.send_texts(&outgoing.texts).await?;
        self.send_frames(&outgoing.frames).await
    }

    async fn resync(&mut self, dropped: u64) -> Result<(), End> {
        self.app.metrics.resyncs.inc();
        self.send_message(&ServerMessage::Resync { dropped }).await?;
        let waiting = announce(&self.app, self.window_s).await;
        self.app.board().refresh(self.viewer);
        self.catch_up.waiting = waiting;
        self.catch_up.reading = None;
        self.catch_up.since.get_or_insert_with(Instant::now);
        Ok(())
    }

    async fn handle(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        self.budget -= 1.0;
        if self.budget < 0.0 {
            return Err(End::Close(PROTOCOL_BROKEN, "too many messages: at most 100 a second".to_owned()));
        }
        match message {
            Some(Ok(Message::Text(text))) => match ClientMessage::decode(&text) {
                Ok(message) => self.handle_message(message).await,
                Err(error) => Err(End::Close(PROTOCOL_BROKEN, error.to_string())),
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Binary(_))) => Err(End::Close(PROTOCOL_BROKEN, "viewers send text only".to_owned())),
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
        }
    }

    async fn handle_message(&mut self, message: ClientMessage) -> Result<(), End> {
        match message {
            ClientMessage::Hello { .. } => Err(End::Close(PROTOCOL_BROKEN, "hello is said once".to_owned())),
            ClientMessage::Beat => Ok(()),
            ClientMessage::Fill { recording, from, to } => {
                if self.catch_up.fills.len() >= FILLS_MAX {
                    return Err(End::Close(PROTOCOL_BROKEN, "wait for filled before asking for more".to_owned()));
                }
                self.catch_up.fills.push_back((recording, from, to));
                Ok(())
            }
            ClientMessage::Presented { alert, version } => {
                let station = self.caller.person.0.clone();
                // Nobody waits for an answer: an alert that is not presented in time escalates.
                let _ = self.act(alert, AlertEvent::Present { station, version }).await;
                Ok(())
            }
            ClientMessage::Acknowledge { request, alert, version } => {
                let by = self.caller.person.clone();
                self.answer(request, alert, AlertEvent::Acknowledge { by, version }).await
            }
            ClientMessage::Resolve { request, alert, version, note } => {
                let by = self.caller.person.clone();
                let note = Some(note).filter(|note| !note.trim().is_empty());
                self.answer(request, alert, AlertEvent::Resolve { by, version, note }).await
            }
        }
    }

    async fn answer(&mut self, request: u32, alert: AlertId, event: AlertEvent) -> Result<(), End> {
        let done = self.act(alert, event).await;
        self.send_message(&ServerMessage::Answer(request, done.as_ref().copied())).await
    }

    async fn act(&mut self, alert: AlertId, event: AlertEvent) -> Result<(), wire::viewer::Refused> {
        let App { store, bus, config, .. } = &*self.app;
        act(store, bus, &config.policy, alert, &event, now()).await
    }

    /// One read of the store, so that live news comes in between.
    async fn catch_up_step(&mut self) -> Result<(), End> {
        let step = match (self.catch_up.fills.front().copied(), self.catch_up.reading.take()) {
            (Some((recording, from, to)), reading) => {
                self.catch_up.reading = reading;
                let step = self.fill(recording, from, to).await;
                if matches!(step, Ok(Ok(()))) {
                    self.catch_up.fills.pop_front();
                }
                step
            }
            (None, Some(reading)) => self.read_page(reading).await,
            (None, None) => match self.catch_up.waiting.front().copied() {
                Some(recording) => self.read_first(recording).await,
                None => return self.caught_up().await,
            },
        };
        if let Err(error) = step? {
            tracing::warn!(error = %error, "a viewer waits for the store");
            self.catch_up.not_before = Some(Instant::now() + RETRY_AFTER);
        }
        Ok(())
    }

    async fn caught_up(&mut self) -> Result<(), End> {
        if let Some(since) = self.catch_up.since.take() {
            self.app.metrics.snapshot_seconds.observe(since.elapsed().as_secs_f64());
        }
        self.send_message(&ServerMessage::CaughtUp).await
    }

    /// Sends everything but the blocks of one recording's window, and finds where its blocks begin.
    async fn read_first(&mut self, recording: RecordingId) -> Result<Result<(), StoreError>, End> {
        let Some(index) = self.app.board().index(recording) else {
            self.catch_up.waiting.pop_front();
            return Ok(Ok(()));
        };
        match self.read_window(recording, index).await {
            Ok((texts, next)) => {
                self.send_texts(&texts).await?;
                self.catch_up.waiting.pop_front();
                self.catch_up.reading = next.map(|next| Reading { index, recording, next });
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn read_window(&mut self, id: RecordingId, index: u32) -> Result<(Vec<Text>, Option<u32>), StoreError> {
        let store = &self.app.store;
        let Some(found) = store.recording(id).await? else { return Ok((Vec::new(), None)) };
        let Some(end) = found.last_sample else { return Ok((Vec::new(), None)) };
        let start = end.plus_seconds(-i64::from(self.window_s));
        let within = Interval { start, end: end.plus_seconds(1) };
        let findings = store.findings(id, within).await?;
        let mut texts: Vec<Text> = vec![ServerMessage::Findings(index, &findings).to_json().into()];
        texts.extend(baseline_texts(index, &store.baseline(id, within).await?));
        for event in store.events(id, within).await? {
            texts.push(ServerMessage::Event(&found.recording.device, &event).to_json().into());
        }
        let block_us = i64::from(found.recording.block_length_ms) * 1000;
        let first = start.micros_since(found.recording.start).max(0) / block_us.max(1);
        Ok((texts, u32::try_from(first).ok()))
    }

    async fn read_page(&mut self, reading: Reading) -> Result<Result<(), StoreError>, End> {
        let Reading { index, recording, next } = reading;
        let missing = self.app.board().viewer(self.viewer).and_then(|viewer| viewer.next_missing(index, next));
        let Some(from) = missing else { return Ok(Ok(())) };
        let blocks = match self.app.store.blocks_from(recording, from, PAGE_BLOCKS).await {
            Ok(blocks) => blocks,
            Err(error) => {
                self.catch_up.reading = Some(reading);
                return Ok(Err(error));
            }
        };
        let frames: Vec<Arc<Frame>> = {
            let mut board = self.app.board();
            let Some(viewer) = board.viewer(self.viewer) else { return Err(End::Gone) };
            let lacking = blocks.iter().filter(|block| viewer.admit(index, block.block.sequence));
            lacking.map(|block| Arc::new(frame(index, block, self.app.config.late_after_s))).collect()
        };
        if blocks.len() == PAGE_BLOCKS as usize {
            let after = blocks.last().and_then(|block| block.block.sequence.checked_add(1));
            self.catch_up.reading = after.map(|next| Reading { index, recording, next });
        }
        self.send_frames(&frames).await?;
        Ok(Ok(()))
    }

    /// Sends what is stored of a hole that the viewer sees.
    async fn fill(&mut self, recording: RecordingId, from: u32, to: u32) -> Result<Result<(), StoreError>, End> {
        let Some(index) = self.app.board().index(recording) else { return Ok(Ok(())) };
        let blocks = match self.app.store.blocks_from(recording, from, to - from + 1).await {
            Ok(blocks) => blocks,
            Err(error) => return Ok(Err(error)),
        };
        let wanted = blocks.iter().filter(|block| block.block.sequence <= to);
        let frames: Vec<Arc<Frame>> =
            wanted.map(|block| Arc::new(frame(index, block, self.app.config.late_after_s))).collect();
        if let Some(viewer) = self.app.board().viewer(self.viewer) {
            frames.iter().for_each(|frame| _ = viewer.admit(index, frame.sequence));
        }
        self.send_frames(&frames).await?;
        self.send_message(&ServerMessage::Filled { recording: index, from, to }).await?;
        Ok(Ok(()))
    }

    async fn send_message(&mut self, message: &ServerMessage<'_>) -> Result<(), End> {
        self.send_texts(&[message.to_json().into()]).await
    }

    async fn send_texts(&mut self, texts: &[Text]) -> Result<(), End> {
        if texts.is_empty() {
            return Ok(());
        }
        self.app.metrics.messages_sent.inc_by(texts.len() as u64);
        self.send(Message::Text(join_messages(texts.iter().map(AsRef::as_ref)).into())).await
    }

    async fn send_frames(&mut self, frames: &[Arc<Frame>]) -> Result<(), End> {
        if frames.is_empty() {
            return Ok(());
        }
        self.app.metrics.blocks_sent.inc_by(frames.len() as u64);
        self.send(Message::Binary(join_blocks(frames.iter().map(|frame| frame.bytes.as_ref())).into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        let length = match &message {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
            Message::Close(_) => 0,
        };
        self.app.metrics.bytes_sent.inc_by(length as u64);
        match timeout(SEND_WITHIN, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}

impl CatchUp {
    fn is_due(&mut self) -> bool {
        if self.not_before.is_some_and(|not_before| Instant::now() < not_before) {
            return false;
        }
        self.not_before = None;
        self.since.is_some() || !self.fills.is_empty()
    }
}
