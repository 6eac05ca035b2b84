//! What all screens show now: turns news into messages, once, and hands them to every viewer's queue.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use alerting::{Alert, AlertId};
use bus::News;
use bytes::Bytes;
use ctg::{
    Analysis, BaselinePoint, Device, DeviceId, MICROS_PER_SECOND, ReceivedBlock, Recording, RecordingId, Timestamp,
};
use wire::viewer::{Held, ServerMessage, encode_block};

use crate::ranges::Ranges;
use crate::viewer::{Frame, Text, Viewer};

/// Newest blocks of a recording that are kept for viewers who come before those blocks are in the store.
const RECENT_FRAMES_MAX: usize = 64;
/// Newest findings of a recording that are kept for the same reason.
const RECENT_FINDINGS_MAX: usize = 16;
/// A recording of which nothing was heard for so long is forgotten: the longest window that a viewer may ask for.
const IDLE_MAX_S: i64 = 14_400;

/// Names one connection.
pub(crate) type ViewerId = u64;

/// How far a recording has come, as the store knows it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// Every block up to this one is stored.
    pub(crate) stored_through: Option<u32>,
    /// When the device ended it.
    pub(crate) stopped: Option<Timestamp>,
}

/// The state that every viewer mirrors, and the queues of the viewers.
#[derive(Debug)]
pub(crate) struct Board {
    late_after_s: u32,
    shown: BTreeMap<u32, Shown>,
    index_by_recording: BTreeMap<RecordingId, u32>,
    next_index: u32,
    devices: Vec<Device>,
    statuses: BTreeMap<DeviceId, Text>,
    alerts: BTreeMap<AlertId, (Alert, bool)>,
    viewers: BTreeMap<ViewerId, Viewer>,
    next_viewer: ViewerId,
}

#[derive(Debug)]
struct Shown {
    id: RecordingId,
    announcement: Text,
    frames: VecDeque<Arc<Frame>>,
    findings: VecDeque<Text>,
    numerics: BTreeMap<ctg::FetusIndex, Text>,
    heard: Timestamp,
}

impl Board {
    /// A board that has heard nothing yet; blocks that arrive later than `late_after_s` are marked late.
    pub(crate) fn new(late_after_s: u32) -> Self {
        Self {
            late_after_s,
            shown: BTreeMap::new(),
            index_by_recording: BTreeMap::new(),
            next_index: 0,
            devices: Vec::new(),
            statuses: BTreeMap::new(),
            alerts: BTreeMap::new(),
            viewers: BTreeMap::new(),
            next_viewer: 0,
        }
    }

    /// Tells every viewer what just happened.
    pub(crate) fn handle_news(&mut self, news: &News, now: Timestamp) {
        match news {
            News::Blocks(blocks) => blocks.iter().for_each(|block| self.handle_block(block, now)),
            News::Analysis(recording, analysis) => self.handle_analysis(*recording, analysis),
            News::Alert { alert, recorded } => self.handle_alert(alert, *recorded),
            News::Event(device, event) => {
                let text = ServerMessage::Event(device, event).to_json().into();
                self.tell_news(&text);
            }
            News::Status(device, status) => {
                let text: Text = ServerMessage::Status(device, status).to_json().into();
                self.tell_news(&text);
                self.statuses.insert(device.clone(), text);
            }
        }
    }

    /// News were lost before they reached the board: every viewer must be caught up from the store.
    pub(crate) fn handle_missed(&mut self, count: u64) {
        self.viewers.values_mut().for_each(|viewer| viewer.miss(count));
    }

    /// Takes over the list of devices, and tells it if it changed.
    pub(crate) fn handle_devices(&mut self, devices: Vec<Device>) {
        if devices == self.devices {
            return;
        }
        self.devices = devices;
        let text = ServerMessage::Devices(&self.devices).to_json().into();
        self.tell_kept(&text);
    }

    /// The index of a recording, which is announced to everybody if it is new.
    pub(crate) fn show(&mut self, recording: &Recording, progress: Progress, now: Timestamp) -> u32 {
        if let Some(index) = self.index_by_recording.get(&recording.id) {
            return *index;
        }
        let index = self.next_index;
        self.next_index = self.next_index.wrapping_add(1);
        let Progress { stored_through, stopped } = progress;
        let announcement: Text =
            ServerMessage::Recording { index, recording, stored_through, stopped }.to_json().into();
        self.tell_kept(&announcement);
        self.index_by_recording.insert(recording.id, index);
        self.shown.insert(index, Shown::new(recording.id, announcement, now));
        index
    }

    /// The index of a recording that is shown.
    pub(crate) fn index(&self, recording: RecordingId) -> Option<u32> {
        self.index_by_recording.get(&recording).copied()
    }

    /// One alert as it is now; older versions than the known one are passed over.
    pub(crate) fn handle_alert(&mut self, alert: &Alert, recorded: bool) {
        let newness = |alert: &Alert, recorded: bool| (alert.version, recorded);
        let known = self.alerts.get(&alert.id);
        if known.is_some_and(|(known, was_recorded)| newness(alert, recorded) <= newness(known, *was_recorded)) {
            return;
        }
        let text = ServerMessage::Alert { alert, recorded }.to_json().into();
        self.tell_kept(&text);
        if alert.is_open() {
            self.alerts.insert(alert.id, (alert.clone(), recorded));
        } else {
            self.alerts.remove(&alert.id);
        }
    }

    /// Takes over what the store says is open. The answer names alerts that are shown as open and recorded but are
    /// not among them: read each again and hand it to [`Board::handle_alert`].
    pub(crate) fn handle_open_alerts(&mut self, open: &[Alert]) -> Vec<AlertId> {
        open.iter().for_each(|alert| self.handle_alert(alert, true));
        let is_open = |id: &AlertId| open.iter().any(|alert| alert.id == *id);
        let recorded = self.alerts.iter().filter(|(_, (_, recorded))| *recorded);
        recorded.map(|(id, _)| *id).filter(|id| !is_open(id)).collect()
    }

    /// An alert that the store has no more: nobody can act on it.
    pub(crate) fn forget_alert(&mut self, id: AlertId) {
        self.alerts.remove(&id);
        let text = self.alerts_text();
        self.tell_kept(&text);
    }

    /// Opens a queue for a viewer who holds this already, filled with the present state.
    pub(crate) fn join(&mut self, held: &[Held]) -> ViewerId {
        let mut viewer = Viewer::default();
        for held in held {
            if let Some(index) = self.index(held.recording) {
                viewer.hold(index, Ranges::from_pairs(&held.ranges));
            }
        }
        viewer.offer_kept(&ServerMessage::Devices(&self.devices).to_json().into());
        viewer.offer_kept(&self.alerts_text());
        self.shown.values().for_each(|shown| viewer.offer_kept(&shown.announcement));
        self.offer_figures(&mut viewer);
        for shown in self.shown.values() {
            shown.frames.iter().for_each(|frame| viewer.offer_frame(frame));
        }
        let id = self.next_viewer;
        self.next_viewer += 1;
        self.viewers.insert(id, viewer);
        id
    }

    /// Gives a viewer who was too slow the figures that are in no store.
    pub(crate) fn refresh(&mut self, id: ViewerId) {
        if let Some(mut viewer) = self.viewers.remove(&id) {
            self.offer_figures(&mut viewer);
            self.viewers.insert(id, viewer);
        }
    }

    /// Closes a viewer's queue.
    pub(crate) fn leave(&mut self, id: ViewerId) {
        self.viewers.remove(&id);
    }

    /// The queue of one viewer.
    pub(crate) fn viewer(&mut self, id: ViewerId) -> Option<&mut Viewer> {
        self.viewers.get_mut(&id)
    }

    /// Number of open queues.
    pub(crate) fn viewer_count(&self) -> usize {
        self.viewers.len()
    }

    /// Forgets recordings of which nothing was heard for as long as any window reaches.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp) {
        let idle = |shown: &Shown| shown.heard.plus_seconds(IDLE_MAX_S) < now;
        let gone: Vec<u32> = self.shown.iter().filter(|(_, shown)| idle(shown)).map(|(index, _)| *index).collect();
        for index in gone {
            if let Some(shown) = self.shown.remove(&index) {
                self.index_by_recording.remove(&shown.id);
            }
            self.viewers.values_mut().for_each(|viewer| viewer.forget(index));
        }
    }

    fn handle_block(&mut self, received: &ReceivedBlock, now: Timestamp) {
        let index = self.index(received.block.recording).unwrap_or_else(|| {
            let recording = Recording::from_block(received.device.clone(), &received.block, received.received);
            self.show(&recording, Progress::default(), now)
        });
        let frame = Arc::new(frame(index, received, self.late_after_s));
        if let Some(shown) = self.shown.get_mut(&index) {
            shown.heard = now;
            keep_newest(&mut shown.frames, Arc::clone(&frame), RECENT_FRAMES_MAX);
        }
        self.viewers.values_mut().for_each(|viewer| viewer.offer_frame(&frame));
    }

    fn handle_analysis(&mut self, recording: RecordingId, analysis: &Analysis) {
        // Surveillance learns from blocks, so a recording that is not shown yet is announced with the next block.
        let Some(index) = self.index(recording) else { return };
        let Some(shown) = self.shown.get_mut(&index) else { return };
        let mut texts = Vec::new();
        if !analysis.findings.is_empty() {
            let text: Text = ServerMessage::Findings(index, &analysis.findings).to_json().into();
            keep_newest(&mut shown.findings, Arc::clone(&text), RECENT_FINDINGS_MAX);
            texts.push(text);
        }
        texts.extend(baseline_texts(index, &analysis.baseline));
        for numerics in &analysis.numerics {
            let text: Text = ServerMessage::Numerics(index, numerics).to_json().into();
            shown.numerics.insert(numerics.fetus, Arc::clone(&text));
            texts.push(text);
        }
        texts.iter().for_each(|text| self.tell_news(text));
    }

    fn offer_figures(&self, viewer: &mut Viewer) {
        self.statuses.values().for_each(|text| viewer.offer_news(text));
        for shown in self.shown.values() {
            shown.findings.iter().chain(shown.numerics.values()).for_each(|text| viewer.offer_news(text));
        }
    }

    fn alerts_text(&self) -> Text {
        let alerts: Vec<_> = self.alerts.values().map(|(alert, recorded)| (alert, *recorded)).collect();
        ServerMessage::Alerts(&alerts).to_json().into()
    }

    fn tell_kept(&mut self, text: &Text) {
        self.viewers.values_mut().for_each(|viewer| viewer.offer_kept(text));
    }

    fn tell_news(&mut self, text: &Text) {
        self.viewers.values_mut().for_each(|viewer| viewer.offer_news(text));
    }
}

impl Shown {
    fn new(id: RecordingId, announcement: Text, heard: Timestamp) -> Self {
        let (frames, findings, numerics) = (VecDeque::new(), VecDeque::new(), BTreeMap::new());
        Self { id, announcement, frames, findings, numerics, heard }
    }
}

/// A block as a frame, marked late if it arrived more than `late_after_s` after its last sample.
pub(crate) fn frame(index: u32, received: &ReceivedBlock, late_after_s: u32) -> Frame {
    let late = received.delay_s() > f64::from(late_after_s);
    Frame { index, sequence: received.block.sequence, bytes: Bytes::from(encode_block(index, received, late)) }
}

/// One message for each stretch of points of one fetus and stage that lie one second apart.
pub(crate) fn baseline_texts(index: u32, points: &[BaselinePoint]) -> Vec<Text> {
    let follows = |earlier: &BaselinePoint, later: &BaselinePoint| {
        (earlier.fetus, earlier.stage) == (later.fetus, later.stage)
            && later.at.micros_since(earlier.at) == MICROS_PER_SECOND
    };
    points.chunk_by(follows).map(|stretch| ServerMessage::Baseline(index, stretch).to_json().into()).collect()
}

fn keep_newest<T>(queue: &mut VecDeque<T>, value: T, most: usize) {
    if queue.len() >= most {
        queue.pop_front();
    }
    queue.push_back(value);
}

#[cfg(test)]
mod tests;
