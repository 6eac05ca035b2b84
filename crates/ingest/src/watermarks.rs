//! What devices are told to be stored, and when.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use ctg::{DeviceId, RecordingId};
use wire::device::Encoding;

use crate::progress::{Known, Progress};

/// Most recordings remembered: those of a city, twice. The one unused for longest is forgotten, and read
/// again from the store when it matters.
const RECORDINGS_MAX: usize = 40_000;

/// Shortest time between two watermarks of one recording.
const PAUSE: Duration = Duration::from_secs(1);

/// A block that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredBlock {
    pub(crate) device: DeviceId,
    /// How the device writes, hence is written to.
    pub(crate) encoding: Encoding,
    pub(crate) recording: RecordingId,
    pub(crate) sequence: u32,
    /// True when it was stored before: the device does not know, or it would not send it again.
    pub(crate) repeated: bool,
}

/// A watermark to be told to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announcement {
    pub(crate) device: DeviceId,
    pub(crate) encoding: Encoding,
    pub(crate) recording: RecordingId,
    pub(crate) through: u32,
}

#[derive(Debug)]
struct Tracked {
    device: DeviceId,
    /// `None` until the device wrote something in this life of the service.
    encoding: Option<Encoding>,
    progress: Progress,
    /// What was told last.
    told: Option<u32>,
    /// Not before this.
    earliest: Instant,
    /// When it is told, if it is to be told.
    due: Option<Instant>,
    used: u64,
}

/// The watermarks of all recordings of late.
#[derive(Debug, Default)]
pub(crate) struct Watermarks {
    recordings: HashMap<RecordingId, Tracked>,
    by_device: BTreeSet<(DeviceId, RecordingId)>,
    by_use: BTreeMap<u64, RecordingId>,
    by_due: BTreeSet<(Instant, RecordingId)>,
    to_ask: BTreeSet<RecordingId>,
    uses: u64,
}

impl Watermarks {
    /// A block of a recording is stored.
    pub(crate) fn handle_stored(&mut self, stored: StoredBlock, now: Instant) {
        let StoredBlock { device, encoding, recording, sequence, repeated } = stored;
        let tracked = self.use_recording(device, recording, now);
        tracked.encoding = Some(encoding);
        tracked.progress.handle_stored(sequence);
        let asks = tracked.progress.should_ask();
        if asks {
            self.to_ask.insert(recording);
        }
        self.plan(recording, repeated, now);
    }

    /// The store told of a recording of an earlier life; its device may not know how far it is stored.
    pub(crate) fn handle_found(&mut self, device: DeviceId, recording: RecordingId, known: Known, now: Instant) {
        self.use_recording(device, recording, now).progress.handle_known(known);
    }

    /// The store told of a recording that it was asked for.
    pub(crate) fn handle_known(&mut self, recording: RecordingId, known: Known, now: Instant) {
        self.to_ask.remove(&recording);
        let Some(tracked) = self.recordings.get_mut(&recording) else { return };
        tracked.progress.handle_known(known);
        self.plan(recording, false, now);
    }

    /// A device is there (again): it may have missed what it was told.
    pub(crate) fn handle_online(&mut self, device: &DeviceId, encoding: Encoding, now: Instant) {
        let first = (device.clone(), RecordingId::from_bytes([0; 16]));
        let recordings: Vec<RecordingId> =
            self.by_device.range(first..).take_while(|(of, _)| of == device).map(|(_, recording)| *recording).collect();
        for recording in recordings {
            if let Some(tracked) = self.recordings.get_mut(&recording) {
                (tracked.earliest, tracked.encoding) = (now, Some(encoding));
            }
            self.plan(recording, true, now);
        }
    }

    /// A recording that the store should be asked for.
    pub(crate) fn to_ask(&self) -> Option<RecordingId> {
        self.to_ask.first().copied()
    }

    /// Watermarks that are due now or later.
    pub(crate) fn take_all(&mut self) -> Vec<Announcement> {
        let last = self.by_due.last().map(|(due, _)| *due);
        last.map_or_else(Vec::new, |last| self.handle_timeout(last))
    }

    /// Watermarks that are due now.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Vec<Announcement> {
        let mut announcements = Vec::new();
        while let Some((due, recording)) = self.by_due.first().copied() {
            if due > now {
                break;
            }
            self.by_due.pop_first();
            let Some(tracked) = self.recordings.get_mut(&recording) else { continue };
            (tracked.due, tracked.earliest, tracked.told) = (None, now + PAUSE, tracked.progress.through());
            let (Some(through), Some(encoding)) = (tracked.told, tracked.encoding) else { continue };
            let device = tracked.device.clone();
            announcements.push(Announcement { device, encoding, recording, through });
        }
        announcements
    }

    /// When [`Self::handle_timeout`] has something to do; `None` = never, as things are.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.by_due.first().map(|(due, _)| *due)
    }

    /// Plans to tell the watermark when it moved, or when asked to repeat it.
    fn plan(&mut self, recording: RecordingId, repeat: bool, now: Instant) {
        let Some(tracked) = self.recordings.get_mut(&recording) else { return };
        let through = tracked.progress.through();
        if through.is_none() || tracked.encoding.is_none() || !(repeat || through != tracked.told) {
            return;
        }
        let due = tracked.earliest.max(now);
        match tracked.due {
            Some(planned) if planned <= due => return,
            Some(planned) => self.by_due.remove(&(planned, recording)),
            None => false,
        };
        tracked.due = Some(due);
        self.by_due.insert((due, recording));
    }

    fn use_recording(&mut self, device: DeviceId, recording: RecordingId, now: Instant) -> &mut Tracked {
        self.uses += 1;
        let used = self.uses;
        if let Some(before) = self.recordings.get(&recording).map(|tracked| tracked.used) {
            self.by_use.remove(&before);
        } else {
            self.make_room();
            self.by_device.insert((device.clone(), recording));
        }
        self.by_use.insert(used, recording);
        let tracked = self.recordings.entry(recording).or_insert_with(|| Tracked {
            device,
            encoding: None,
            progress: Progress::unknown(),
            told: None,
            earliest: now,
            due: None,
            used,
        });
        tracked.used = used;
        tracked
    }

    fn make_room(&mut self) {
        while self.recordings.len() >= RECORDINGS_MAX {
            let Some((_, recording)) = self.by_use.pop_first() else { return };
            let Some(tracked) = self.recordings.remove(&recording) else { continue };
            self.by_device.remove(&(tracked.device, recording));
            self.to_ask.remove(&recording);
            if let Some(due) = tracked.due {
                self.by_due.remove(&(due, recording));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Known = Known { through: None, beyond: false };

    fn recording(number: u32) -> RecordingId {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        RecordingId::from_bytes(bytes)
    }

    fn stored(number: u32, sequence: u32, repeated: bool) -> StoredBlock {
        let device = "belt-1".parse().unwrap();
        StoredBlock { device, encoding: Encoding::Json, recording: recording(number), sequence, repeated }
    }

    fn told(watermarks: &mut Watermarks, now: Instant) -> Vec<u32> {
        watermarks.handle_timeout(now).into_iter().map(|announcement| announcement.through).collect()
    }

    #[test]
    fn is_told_at_once_then_at_most_every_second_and_after_the_last() {
        let start = Instant::now();
        let mut watermarks = Watermarks::default();
        watermarks.handle_stored(stored(1, 0, false), start);
        assert_eq!(watermarks.to_ask(), Some(recording(1)));
        watermarks.handle_known(recording(1), NOTHING, start);
        assert_eq!(watermarks.to_ask(), None);
        assert_eq!(told(&mut watermarks, start), [0]);
        assert_eq!(watermarks.next_timeout(), None);
        for sequence in 1..=5 {
            watermarks.handle_stored(stored(1, sequence, false), start);
        }
        assert_eq!(told(&mut watermarks, start), [0; 0]);
        assert_eq!(watermarks.next_timeout(), Some(start + PAUSE));
        assert_eq!(told(&mut watermarks, start + PAUSE), [5]);
        assert_eq!(watermarks.next_timeout(), None);
    }

    #[test]
    fn nothing_is_told_while_block_zero_is_missing() {
        let now = Instant::now();
        let mut watermarks = Watermarks::default();
        watermarks.handle_known(recording(1), NOTHING, now);
        watermarks.handle_stored(stored(1, 3, false), now);
        watermarks.handle_known(recording(1), Known { through: None, beyond: true }, now);
        assert_eq!(watermarks.next_timeout(), None);
        watermarks.handle_online(&"belt-1".parse().unwrap(), Encoding::Json, now);
        assert_eq!(told(&mut watermarks, now), [0; 0]);
    }

    #[test]
    fn is_told_again_to_who_repeats_or_comes_back() {
        let start = Instant::now();
        let mut watermarks = Watermarks::default();
        watermarks.handle_stored(stored(1, 0, false), start);
        watermarks.handle_known(recording(1), Known { through: Some(7), beyond: false }, start);
        assert_eq!(told(&mut watermarks, start), [7]);
        watermarks.handle_stored(stored(1, 6, false), start);
        assert_eq!(watermarks.next_timeout(), None);
        watermarks.handle_stored(stored(1, 6, true), start);
        assert_eq!(told(&mut watermarks, start + PAUSE), [7]);
        watermarks.handle_online(&"belt-2".parse().unwrap(), Encoding::Json, start + PAUSE);
        assert_eq!(watermarks.next_timeout(), None);
        watermarks.handle_online(&"belt-1".parse().unwrap(), Encoding::Json, start + PAUSE);
        assert_eq!(told(&mut watermarks, start + PAUSE), [7]);
    }

    #[test]
    fn a_recording_of_an_earlier_life_is_told_when_its_device_shows_itself() {
        let now = Instant::now();
        let mut watermarks = Watermarks::default();
        let belt = "belt-1".parse().unwrap();
        watermarks.handle_found(belt, recording(1), Known { through: Some(3), beyond: true }, now);
        assert_eq!((watermarks.next_timeout(), watermarks.to_ask()), (None, None));
        watermarks.handle_online(&"belt-1".parse().unwrap(), Encoding::Json, now);
        assert_eq!(told(&mut watermarks, now), [3]);
    }

    #[test]
    fn the_recording_unused_for_longest_is_forgotten() {
        let now = Instant::now();
        let mut watermarks = Watermarks::default();
        let numbers = 0..RECORDINGS_MAX as u32;
        for number in numbers.chain([0]) {
            watermarks.handle_stored(stored(number, 0, false), now);
            watermarks.handle_known(recording(number), NOTHING, now);
        }
        watermarks.handle_stored(stored(u32::MAX, 0, false), now);
        assert_eq!(watermarks.recordings.len(), RECORDINGS_MAX);
        assert!(watermarks.recordings.contains_key(&recording(0)));
        assert!(!watermarks.recordings.contains_key(&recording(1)));
        assert_eq!(watermarks.by_device.len(), RECORDINGS_MAX);
        assert_eq!(watermarks.by_use.len(), RECORDINGS_MAX);
        assert_eq!(watermarks.handle_timeout(now).len(), RECORDINGS_MAX);
    }
}
