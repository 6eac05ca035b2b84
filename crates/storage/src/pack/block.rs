use ctg::{FhrChannel, HalfToco, Quality, QuarterBpm, Recording, SampleBlock, Timestamp};

use super::{CHECKSUM_LENGTH, Key, Reader, put_varint, seal, unseal, unzigzag, zigzag};

/// Layout of a block's bytes; a later one gets another number, and this one stays readable.
const VERSION: u8 = 1;
/// Shape byte: number of fetal channels.
const SHAPE_FETUSES: u8 = 0b0000_0011;
/// Shape byte: there is a maternal heart rate.
const SHAPE_MHR: u8 = 0b0000_0100;
/// Shape byte: there is uterine activity.
const SHAPE_TOCO: u8 = 0b0000_1000;
/// Shape byte: the first fetal channel has quality; the next bits are the others'.
const SHAPE_QUALITY: u8 = 0b0001_0000;
/// Shape byte: as long as the recording's blocks are, so the number of samples is left out.
const SHAPE_FULL: u8 = 0b1000_0000;
/// Neighbor of the first sample: 140 bpm in quarters.
const RATE_BEFORE: i64 = 560;
/// Neighbor of the first toco sample: resting tone of 10 in halves.
const TOCO_BEFORE: i64 = 20;

/// A block's content, without its key and what the recording knows; equal bytes mean equal content.
pub(crate) fn block_content(block: &SampleBlock) -> Vec<u8> {
    let mut bytes = vec![VERSION, shape(block)];
    if !is_full(block) {
        put_varint(&mut bytes, block.sample_count() as u64);
    }
    for channel in &block.fhr {
        put_changes(&mut bytes, RATE_BEFORE, channel.rates.iter().map(|rate| rate.map(|rate| rate.quarters().into())));
        if let Some(quality) = &channel.quality {
            put_quality(&mut bytes, quality);
        }
    }
    if let Some(mhr) = &block.mhr {
        put_changes(&mut bytes, RATE_BEFORE, mhr.iter().map(|rate| rate.map(|rate| rate.quarters().into())));
    }
    if let Some(toco) = &block.toco {
        put_changes(&mut bytes, TOCO_BEFORE, toco.iter().map(|value| value.map(|value| value.halves().into())));
    }
    bytes
}

/// Adds the checksum over content, key and arrival.
pub(crate) fn seal_block(content: Vec<u8>, block: &SampleBlock, received: Timestamp) -> Vec<u8> {
    seal(content, key(&block.recording, block.start, received))
}

/// True when two sealed blocks say the same, whenever they arrived.
pub(crate) fn same_content(one: &[u8], other: &[u8]) -> bool {
    let content = |sealed: &[u8]| sealed.len().checked_sub(CHECKSUM_LENGTH);
    match (content(one), content(other)) {
        (Some(one_length), Some(other_length)) => one[..one_length] == other[..other_length],
        _ => false,
    }
}

/// The block stored for `start`; `None` if its bytes were changed or do not fit the recording.
pub(crate) fn block(
    sealed: &[u8],
    recording: &Recording,
    start: Timestamp,
    received: Timestamp,
) -> Option<SampleBlock> {
    let mut reader = unseal(sealed, key(&recording.id, start, received))?;
    if reader.byte()? != VERSION {
        return None;
    }
    let shape = reader.byte()?;
    let full = recording.fhr_rate.samples_in(recording.block_length_ms)?;
    let count = if shape & SHAPE_FULL != 0 { full } else { usize::try_from(reader.varint()?).ok()? };
    let toco_count = count * usize::from(recording.toco_rate.hz()) / usize::from(recording.fhr_rate.hz());
    if count > full || shape & SHAPE_FETUSES != recording.fetuses {
        return None;
    }
    let block = SampleBlock {
        recording: recording.id,
        sequence: sequence(recording, start)?,
        start,
        block_length_ms: recording.block_length_ms,
        fhr_rate: recording.fhr_rate,
        toco_rate: recording.toco_rate,
        fhr_step_quarter_bpm: recording.fhr_step_quarter_bpm,
        fhr: (0..recording.fetuses).map(|fetus| channel(&mut reader, shape, fetus, count)).collect::<Option<_>>()?,
        mhr: if shape & SHAPE_MHR == 0 { None } else { Some(rates(&mut reader, count)?) },
        toco: if shape & SHAPE_TOCO == 0 { None } else { Some(toco(&mut reader, toco_count)?) },
    };
    (reader.is_at_end() && block.check().is_ok()).then_some(block)
}

fn key(recording: &ctg::RecordingId, start: Timestamp, received: Timestamp) -> Key<'_> {
    Key { recording: recording.as_bytes(), columns: [start.as_micros(), received.as_micros()] }
}

/// The number of the block that starts at `start`.
fn sequence(recording: &Recording, start: Timestamp) -> Option<u32> {
    let length_us = i64::from(recording.block_length_ms) * 1000;
    let offset_us = start.micros_since(recording.start);
    if length_us == 0 || offset_us % length_us != 0 {
        return None;
    }
    u32::try_from(offset_us / length_us).ok()
}

fn is_full(block: &SampleBlock) -> bool {
    block.fhr_rate.samples_in(block.block_length_ms) == Some(block.sample_count())
}

fn shape(block: &SampleBlock) -> u8 {
    let mut shape = block.fetuses();
    for (bits, is_so) in
        [(SHAPE_MHR, block.mhr.is_some()), (SHAPE_TOCO, block.toco.is_some()), (SHAPE_FULL, is_full(block))]
    {
        shape |= if is_so { bits } else { 0 };
    }
    for (fetus, channel) in block.fhr.iter().enumerate() {
        shape |= if channel.quality.is_some() { SHAPE_QUALITY << fetus } else { 0 };
    }
    shape
}

/// Samples as changes from the last present one: 0 = absent, otherwise one more than the change.
fn put_changes(bytes: &mut Vec<u8>, before: i64, samples: impl Iterator<Item = Option<i64>>) {
    let mut last = before;
    for sample in samples {
        match sample {
            None => bytes.push(0),
            Some(value) => {
                put_varint(bytes, zigzag(value - last) + 1);
                last = value;
            }
        }
    }
}

fn changes<T>(
    reader: &mut Reader<'_>,
    before: i64,
    count: usize,
    value: impl Fn(i64) -> Option<T>,
) -> Option<Vec<Option<T>>> {
    let mut last = before;
    let mut samples = Vec::with_capacity(count);
    for _ in 0..count {
        samples.push(match reader.varint()? {
            0 => None,
            change => {
                last = last.checked_add(unzigzag(change - 1))?;
                Some(value(last)?)
            }
        });
    }
    Some(samples)
}

fn channel(reader: &mut Reader<'_>, shape: u8, fetus: u8, count: usize) -> Option<FhrChannel> {
    let rates = rates(reader, count)?;
    let has_quality = shape & (SHAPE_QUALITY << fetus) != 0;
    let quality = if has_quality { Some(quality(reader, count)?) } else { None };
    Some(FhrChannel { rates, quality })
}

fn rates(reader: &mut Reader<'_>, count: usize) -> Option<Vec<Option<QuarterBpm>>> {
    changes(reader, RATE_BEFORE, count, |quarters| QuarterBpm::new(u16::try_from(quarters).ok()?))
}

fn toco(reader: &mut Reader<'_>, count: usize) -> Option<Vec<Option<HalfToco>>> {
    changes(reader, TOCO_BEFORE, count, |halves| HalfToco::new(u8::try_from(halves).ok()?))
}

/// Two bits a sample, four samples a byte.
fn put_quality(bytes: &mut Vec<u8>, quality: &[Quality]) {
    for four in quality.chunks(4) {
        let byte = four.iter().enumerate().fold(0, |byte, (place, quality)| {
            let bits = match quality {
                Quality::Poor => 0,
                Quality::Fair => 1,
                Quality::Good => 2,
            };
            byte | (bits << (2 * place))
        });
        bytes.push(byte);
    }
}

fn quality(reader: &mut Reader<'_>, count: usize) -> Option<Vec<Quality>> {
    let bytes = reader.take(count.div_ceil(4))?;
    (0..count)
        .map(|sample| match bytes[sample / 4] >> (2 * (sample % 4)) & 0b11 {
            0 => Some(Quality::Poor),
            1 => Some(Quality::Fair),
            2 => Some(Quality::Good),
            _ => None,
        })
        .collect()
}
