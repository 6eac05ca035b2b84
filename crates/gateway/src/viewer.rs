//! What waits for one viewer: bounded, and never the reason why others wait.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::ranges::Ranges;

/// Most blocks that wait for one viewer: half a second of 20,000 devices, below 2 MiB.
const FRAMES_WAITING_MAX: usize = 10_000;
/// Most findings, figures and the like that wait for one viewer: a few a second of each of 2,000 devices.
const NEWS_WAITING_MAX: usize = 8_000;
/// Most alerts and announcements that wait: all beds of a city may raise one at once, and be announced.
const KEPT_WAITING_MAX: usize = 50_000;

/// A block, encoded once for all viewers.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Index of its recording.
    pub(crate) index: u32,
    /// Its number in the recording.
    pub(crate) sequence: u32,
    /// Its bytes on the wire.
    pub(crate) bytes: Bytes,
}

/// A text message, encoded once for all viewers.
pub(crate) type Text = Arc<str>;

/// What one viewer shall be sent next.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// How much was dropped since the last time; if anything, the viewer must be told and caught up.
    pub(crate) dropped: u64,
    /// Messages in order.
    pub(crate) texts: Vec<Text>,
    /// Blocks; their recordings are announced in or before `texts`.
    pub(crate) frames: Vec<Arc<Frame>>,
}

impl Outgoing {
    /// True when there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.dropped == 0 && self.texts.is_empty() && self.frames.is_empty()
    }
}

/// The queue of one viewer, and what that viewer holds.
#[derive(Debug, Default)]
pub(crate) struct Viewer {
    held: BTreeMap<u32, Ranges>,
    kept: VecDeque<Text>,
    news: VecDeque<Text>,
    frames: VecDeque<Arc<Frame>>,
    dropped: u64,
    overflowed: bool,
}

impl Viewer {
    /// Notes what the viewer has of a recording from before.
    pub(crate) fn hold(&mut self, index: u32, ranges: Ranges) {
        self.held.insert(index, ranges);
    }

    /// Forgets what the viewer has of a recording that nobody shows any more.
    pub(crate) fn forget(&mut self, index: u32) {
        self.held.remove(&index);
    }

    /// Queues a live block, unless the viewer has it.
    pub(crate) fn offer_frame(&mut self, frame: &Arc<Frame>) {
        if !self.admit(frame.index, frame.sequence) {
            return;
        }
        if self.frames.len() >= FRAMES_WAITING_MAX {
            self.drop_waiting();
        }
        self.frames.push_back(Arc::clone(frame));
    }

    /// Queues findings, figures and the like: dropped when the viewer is too slow, then read from the store.
    pub(crate) fn offer_news(&mut self, text: &Text) {
        if self.news.len() >= NEWS_WAITING_MAX {
            self.drop_waiting();
        }
        self.news.push_back(Arc::clone(text));
    }

    /// Queues what must not be dropped: alerts, and announcements that later frames need.
    pub(crate) fn offer_kept(&mut self, text: &Text) {
        if self.kept.len() >= KEPT_WAITING_MAX {
            self.overflowed = true;
            return;
        }
        self.kept.push_back(Arc::clone(text));
    }

    /// True once for each block that the viewer does not have; from then on it counts as had.
    pub(crate) fn admit(&mut self, index: u32, sequence: u32) -> bool {
        self.held.entry(index).or_default().insert(sequence)
    }

    /// The first sequence from `from` on that the viewer lacks.
    pub(crate) fn next_missing(&self, index: u32, from: u32) -> Option<u32> {
        self.held.get(&index).map_or(Some(from), |ranges| ranges.next_missing(from))
    }

    /// Says that news may have been lost before they reached the queue.
    pub(crate) fn miss(&mut self, count: u64) {
        self.dropped = self.dropped.saturating_add(count);
    }

    /// True when even alerts did not fit: the connection must end, so that the viewer begins anew.
    pub(crate) fn is_overflowed(&self) -> bool {
        self.overflowed
    }

    /// Empties the queue.
    pub(crate) fn take(&mut self) -> Outgoing {
        Outgoing {
            dropped: std::mem::take(&mut self.dropped),
            texts: self.kept.drain(..).chain(self.news.drain(..)).collect(),
            frames: self.frames.drain(..).collect(),
        }
    }

    /// Jumps to live: what waits is dropped, and the viewer no longer counts as having it.
    fn drop_waiting(&mut self) {
        self.dropped = self.dropped.saturating_add((self.frames.len() + self.news.len()) as u64);
        self.news.clear();
        for frame in self.frames.drain(..) {
            if let Some(ranges) = self.held.get_mut(&frame.index) {
                ranges.remove(frame.sequence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(index: u32, sequence: u32) -> Arc<Frame> {
        Arc::new(Frame { index, sequence, bytes: Bytes::new() })
    }

    fn sequences(outgoing: &Outgoing) -> Vec<u32> {
        outgoing.frames.iter().map(|frame| frame.sequence).collect()
    }

    #[test]
    fn a_block_goes_out_once_whether_live_or_stored_comes_first() {
        let mut viewer = Viewer::default();
        viewer.hold(1, Ranges::from_pairs(&[(0, 9)]));
        viewer.offer_frame(&frame(1, 9));
        viewer.offer_frame(&frame(1, 10));
        viewer.offer_frame(&frame(1, 10));
        assert!(!viewer.admit(1, 10));
        assert!(viewer.admit(1, 11));
        viewer.offer_frame(&frame(1, 11));
        viewer.offer_frame(&frame(2, 11));
        assert_eq!(sequences(&viewer.take()), [10, 11]);
        assert!(viewer.take().is_empty());
    }

    #[test]
    fn a_slow_viewer_jumps_to_live_and_lacks_what_was_dropped() {
        let mut viewer = Viewer::default();
        for sequence in 0..=FRAMES_WAITING_MAX as u32 {
            viewer.offer_frame(&frame(1, sequence));
        }
        assert_eq!(viewer.next_missing(1, 0), Some(0));
        let outgoing = viewer.take();
        assert_eq!(outgoing.dropped, FRAMES_WAITING_MAX as u64);
        assert_eq!(sequences(&outgoing), [FRAMES_WAITING_MAX as u32]);
        assert_eq!(viewer.take().dropped, 0);
    }

    #[test]
    fn news_are_dropped_together_with_samples_but_never_alerts() {
        let mut viewer = Viewer::default();
        viewer.offer_kept(&Text::from("alert"));
        for _ in 0..=NEWS_WAITING_MAX {
            viewer.offer_news(&Text::from("numerics"));
        }
        let outgoing = viewer.take();
        assert_eq!(outgoing.dropped, NEWS_WAITING_MAX as u64);
        assert_eq!(outgoing.texts, [Text::from("alert"), Text::from("numerics")]);
        assert!(!viewer.is_overflowed());
    }

    #[test]
    fn too_many_alerts_end_the_connection_instead_of_being_lost() {
        let mut viewer = Viewer::default();
        for _ in 0..=KEPT_WAITING_MAX {
            viewer.offer_kept(&Text::from("alert"));
        }
        assert!(viewer.is_overflowed());
    }

    #[test]
    fn announcements_go_out_before_the_frames_that_need_them() {
        let mut viewer = Viewer::default();
        viewer.offer_news(&Text::from("finding"));
        viewer.offer_kept(&Text::from("recording"));
        viewer.offer_frame(&frame(3, 0));
        assert_eq!(viewer.take().texts, [Text::from("recording"), Text::from("finding")]);
    }
}
