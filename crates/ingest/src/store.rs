//! The tasks that wait for the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ctg::{DeviceEvent, DeviceId, ReceivedBlock, RecordingId, Timestamp};
use storage::{Appended, Quarantined, RecordingProgress, Store, StoreError};
use tokio::sync::{mpsc, watch};
use wire::device::{self, Control, Encoding};
use wire::topic::{self, Channel};

use crate::backoff::Backoff;
use crate::health::Health;
use crate::intake::{self, Content, Outcome, Rejection};
use crate::metrics::Metrics;
use crate::mqtt::{Item, Outgoing, Settled};
use crate::progress::Known;
use crate::run::now;
use crate::watermarks::{Announcement, StoredBlock, Watermarks};

/// Recordings that received something in so many seconds before the start are remembered: a day, as long
/// as devices keep what they are not told about.
const EARLIER_S: i64 = 86_400;

/// What the watermarks must know of a commit.
pub(crate) enum Note {
    Stored(Vec<StoredBlock>),
    Online(DeviceId, Encoding),
}

/// Commits lots of packets, one after the other.
pub(crate) struct Committer {
    pub(crate) store: Store,
    pub(crate) metrics: Metrics,
    pub(crate) health: watch::Sender<Health>,
    pub(crate) settled: mpsc::Sender<Settled>,
    pub(crate) notes: mpsc::Sender<Note>,
    pub(crate) outgoing: mpsc::Sender<Outgoing>,
}

impl Committer {
    /// Runs until no more lots can come.
    pub(crate) async fn run(self, mut lots: mpsc::Receiver<Vec<Item>>) {
        while let Some(lot) = lots.recv().await {
            if self.commit(lot).await.is_none() {
                return;
            }
        }
    }

    /// `None` when nobody waits for the answer any more.
    async fn commit(&self, lot: Vec<Item>) -> Option<()> {
        let mut rejections = self.store_blocks(&lot).await;
        rejections.extend(lot.iter().filter_map(|item| match &item.content {
            Content::Unusable(rejection) => Some((item, rejection.clone())),
            Content::Block(_) | Content::Event(..) | Content::Status(..) => None,
        }));
        let events: Vec<_> = lot.iter().filter_map(event).collect();
        self.append_events(&events).await;
        let quarantined = rejections.iter().map(|(item, rejection)| intake::quarantined(&item.arrival, rejection));
        self.quarantine(quarantined.collect()).await;
        self.settled.send(Settled::of(&lot)).await.ok()?;
        let refusals =
            rejections.iter().filter_map(|(item, rejection)| intake::refusal(&item.arrival, &item.content, rejection));
        let confirmations = lot.iter().filter_map(|item| intake::confirmation(&item.arrival, &item.content));
        for (topic, payload) in refusals.chain(confirmations) {
            self.outgoing.send(Outgoing { topic, payload }).await.ok()?;
        }
        self.note(&lot).await
    }

    /// Counts what is neither block nor event, and tells the watermarks who is there.
    async fn note(&self, lot: &[Item]) -> Option<()> {
        for item in lot {
            match &item.content {
                Content::Block(_) => {}
                Content::Event(..) => self.metrics.count(Outcome::Event),
                Content::Unusable(rejection) => self.metrics.count(rejection.outcome),
                Content::Status(device, status) => {
                    self.metrics.count(Outcome::Status);
                    if status.online {
                        let encoding = Encoding::of(&item.arrival.payload);
                        self.notes.send(Note::Online(device.clone(), encoding)).await.ok()?;
                    }
                }
            }
        }
        Some(())
    }

    async fn store_blocks<'a>(&self, lot: &'a [Item]) -> Vec<(&'a Item, Rejection)> {
        let block = |item: &'a Item| match &item.content {
            Content::Block(block) => Some((item, block)),
            Content::Event(..) | Content::Status(..) | Content::Unusable(_) => None,
        };
        let (items, blocks): (Vec<_>, Vec<_>) =
            lot.iter().filter_map(block).map(|(item, block)| (item, block.clone())).unzip();
        if blocks.is_empty() {
            return Vec::new();
        }
        let begun = Instant::now();
        let appended = self.append(&blocks).await;
        self.metrics.commit_duration.observe(begun.elapsed().as_secs_f64());
        self.metrics.commit_blocks.observe(blocks.len() as f64);
        let (mut stored, mut rejections) = (Vec::new(), Vec::new());
        for ((item, block), appended) in items.into_iter().zip(&blocks).zip(appended) {
            let (outcome, on_disk, rejection) = intake::settle_block(block, &item.arrival, appended);
            self.metrics.count(outcome);
            stored.extend(on_disk);
            rejections.extend(rejection.map(|rejection| (item, rejection)));
        }
        // Fails only when the watermarks' task has ended, and with it all of this.
        let _ = self.notes.send(Note::Stored(stored)).await;
        rejections
    }

    // What was received has no other place to go: the store is asked until it does as asked.

    async fn append(&self, blocks: &[Arc<ReceivedBlock>]) -> Vec<Appended> {
        let oldest = blocks.first().map(|block| block.received);
        let mut backoff = Backoff::default();
        loop {
            match self.store.append(blocks).await {
                Ok(appended) => return self.recorded(appended),
                Err(error) => self.not_recorded(&error, oldest, backoff.pause()).await,
            }
        }
    }

    async fn append_events(&self, events: &[(&DeviceId, &DeviceEvent, Timestamp)]) {
        let oldest = events.first().map(|(_, _, received)| *received);
        let mut backoff = Backoff::default();
        while !events.is_empty() {
            match self.store.append_events_of_devices(events).await {
                Ok(_) => return self.recorded(()),
                Err(error) => self.not_recorded(&error, oldest, backoff.pause()).await,
            }
        }
    }

    async fn quarantine(&self, packets: Vec<Quarantined>) {
        let oldest = packets.first().map(|packet| packet.received);
        let mut backoff = Backoff::default();
        while !packets.is_empty() {
            match self.store.quarantine(&packets).await {
                Ok(()) => return self.recorded(()),
                Err(error) => self.not_recorded(&error, oldest, backoff.pause()).await,
            }
        }
    }

    fn recorded<T>(&self, answer: T) -> T {
        self.tell(None);
        answer
    }

    async fn not_recorded(&self, error: &StoreError, oldest: Option<Timestamp>, pause: Duration) {
        self.metrics.store_failures.inc();
        self.tell(oldest);
        tracing::error!(%error, cause = cause(error), retry_ms = pause.as_millis(), "not recorded");
        tokio::time::sleep(pause).await;
    }

    fn tell(&self, not_recorded_since: Option<Timestamp>) {
        self.health.send_if_modified(|health| {
            let changed = health.not_recorded_since != not_recorded_since;
            health.not_recorded_since = not_recorded_since;
            changed
        });
    }
}

fn event(item: &Item) -> Option<(&DeviceId, &DeviceEvent, Timestamp)> {
    match &item.content {
        Content::Event(device, event) => Some((device, event, item.arrival.received)),
        Content::Block(_) | Content::Status(..) | Content::Unusable(_) => None,
    }
}

fn cause(error: &StoreError) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

/// Tells devices how far they are stored.
pub(crate) struct Keeper {
    store: Store,
    metrics: Metrics,
    outgoing: mpsc::Sender<Outgoing>,
    watermarks: Watermarks,
    /// When the store may be asked again, after it did not answer.
    ask_from: Option<tokio::time::Instant>,
    backoff: Backoff,
}

impl Keeper {
    pub(crate) fn new(store: Store, metrics: Metrics, outgoing: mpsc::Sender<Outgoing>) -> Self {
        let (watermarks, backoff) = (Watermarks::default(), Backoff::default());
        Self { store, metrics, outgoing, watermarks, ask_from: None, backoff }
    }

    /// Runs until no more notes can come.
    pub(crate) async fn run(mut self, mut notes: mpsc::Receiver<Note>) {
        self.find_earlier().await;
        loop {
            let due = self.watermarks.next_timeout().map(Into::into);
            let to_ask = self.watermarks.to_ask();
            tokio::select! {
                biased;
                note = notes.recv() => match note {
                    Some(note) => self.handle_note(note),
                    None => return self.say_last_words().await,
                },
                () = until(due) => {}
                () = until(self.ask_from), if to_ask.is_some() => {}
            }
            for announcement in self.watermarks.handle_timeout(Instant::now()) {
                if self.announce(announcement).await.is_none() {
                    return;
                }
            }
            if let (Some(recording), None) = (self.watermarks.to_ask(), self.still_pausing()) {
                self.ask(recording).await;
            }
        }
    }

    /// Remembers the recordings of the last life: a device that stayed connected to the broker meanwhile
    /// may have missed the watermark of what it sent last, and has no reason to send it again.
    async fn find_earlier(&mut self) {
        let mut backoff = Backoff::default();
        let found = loop {
            match self.store.recordings_since(now().plus_seconds(-EARLIER_S)).await {
                Ok(found) => break found,
                Err(error) => {
                    tracing::warn!(%error, "watermarks of earlier recordings unknown");
                    tokio::time::sleep(backoff.pause()).await;
                }
            }
        };
        // Newest last, so that the oldest is forgotten first.
        for progress in found.into_iter().rev() {
            let (known, RecordingProgress { recording, .. }) = (known(&progress), progress);
            self.watermarks.handle_found(recording.device, recording.id, known, Instant::now());
        }
    }

    /// Tells what would have been told within the next second.
    async fn say_last_words(&mut self) {
        for announcement in self.watermarks.take_all() {
            if self.announce(announcement).await.is_none() {
                return;
            }
        }
    }

    fn handle_note(&mut self, note: Note) {
        let now = Instant::now();
        match note {
            Note::Stored(blocks) => {
                for block in blocks {
                    self.watermarks.handle_stored(block, now);
                }
            }
            Note::Online(device, encoding) => self.watermarks.handle_online(&device, encoding, now),
        }
    }

    fn still_pausing(&self) -> Option<()> {
        self.ask_from.filter(|from| *from > tokio::time::Instant::now()).map(|_| ())
    }

    async fn ask(&mut self, recording: RecordingId) {
        match self.store.recording(recording).await {
            Ok(progress) => {
                (self.ask_from, self.backoff) = (Some(tokio::time::Instant::now()), Backoff::default());
                let known = progress.map_or(Known { through: None, beyond: false }, |progress| known(&progress));
                self.watermarks.handle_known(recording, known, Instant::now());
            }
            Err(error) => {
                tracing::warn!(%error, recording.id = %recording, "watermark unknown");
                self.ask_from = Some(tokio::time::Instant::now() + self.backoff.pause());
            }
        }
    }

    /// `None` when nobody writes to devices any more.
    async fn announce(&self, announcement: Announcement) -> Option<()> {
        let Announcement { device, encoding, recording, through } = announcement;
        let payload = device::encode_control(&Control::Stored { recording, through }, encoding);
        let topic = topic::build(&device, Channel::Control);
        self.outgoing.send(Outgoing { topic, payload }).await.ok()?;
        self.metrics.watermarks.inc();
        Some(())
    }
}

fn known(progress: &RecordingProgress) -> Known {
    let length_us = i64::from(progress.recording.block_length_ms) * 1000;
    let blocks = progress.stored_through.map_or(0, |through| i64::from(through) + 1);
    let end = progress.recording.start.plus_micros(blocks * length_us);
    Known { through: progress.stored_through, beyond: progress.last_sample.is_some_and(|last| last > end) }
}

/// Waits for a moment, for ever if there is none.
async fn until(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
