use ctg::{FetusIndex, MICROS_PER_SECOND, RecordingId, Timestamp};

use super::{Key, put_varint, seal, unseal, unzigzag, zigzag};

/// Layout of a minute's baseline; a later one gets another number, and this one stays readable.
const VERSION: u8 = 1;

/// The final baseline at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// Device time.
    pub(crate) at: Timestamp,
    /// The baseline; `None` where it cannot be determined.
    pub(crate) baseline_bpm: Option<f32>,
}

/// Baseline points of one minute and fetus: distance from a second after the last, then the value where there is one.
pub(crate) fn pack_points(points: &[Point], recording: &RecordingId, fetus: FetusIndex, minute: Timestamp) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    let mut expected = minute;
    for point in points {
        let distance = zigzag(point.at.micros_since(expected)) << 1;
        put_varint(&mut bytes, distance | u64::from(point.baseline_bpm.is_some()));
        if let Some(baseline_bpm) = point.baseline_bpm {
            bytes.extend_from_slice(&baseline_bpm.to_le_bytes());
        }
        expected = point.at.plus_micros(MICROS_PER_SECOND);
    }
    seal(bytes, key(recording, fetus, minute))
}

/// The points stored for a minute; `None` if their bytes were changed.
pub(crate) fn points(
    sealed: &[u8],
    recording: &RecordingId,
    fetus: FetusIndex,
    minute: Timestamp,
) -> Option<Vec<Point>> {
    let mut reader = unseal(sealed, key(recording, fetus, minute))?;
    if reader.byte()? != VERSION {
        return None;
    }
    let mut points = Vec::new();
    let mut expected = minute;
    while !reader.is_at_end() {
        let head = reader.varint()?;
        let at = expected.plus_micros(unzigzag(head >> 1));
        let baseline_bpm = if head & 1 == 0 { None } else { Some(f32::from_le_bytes(reader.array()?)) };
        points.push(Point { at, baseline_bpm });
        expected = at.plus_micros(MICROS_PER_SECOND);
    }
    Some(points)
}

fn key(recording: &RecordingId, fetus: FetusIndex, minute: Timestamp) -> Key<'_> {
    Key { recording: recording.as_bytes(), columns: [fetus.get().into(), minute.as_micros()] }
}
