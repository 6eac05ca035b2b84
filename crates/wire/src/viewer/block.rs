//! Blocks of samples as a viewer gets them: little-endian, laid out for typed arrays.

use ctg::{HalfToco, Quality, QuarterBpm, ReceivedBlock, SampleBlock};

/// First byte of a message of blocks.
const KIND_BLOCKS: u8 = 1;
/// Second byte: version of the layout.
const LAYOUT_VERSION: u8 = 1;
/// Bytes before the first frame.
const HEADER_LENGTH: usize = 8;
/// Bytes of a frame before its samples.
const FRAME_HEADER_LENGTH: usize = 32;
/// Every frame starts at a multiple of this.
const FRAME_ALIGNMENT: usize = 8;
/// Absent toco on the wire; present values end at 254.
const TOCO_ABSENT: u8 = 255;

const FLAG_LATE: u8 = 1;
const FLAG_MHR: u8 = 2;
const FLAG_TOCO: u8 = 4;
const FLAG_QUALITY: u8 = 8;

/// One block as a viewer reads it, in wire numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewerBlock {
    /// Index of the recording on this connection.
    pub recording: u32,
    /// Number of the block in its recording.
    pub sequence: u32,
    /// Device time of the first sample, in microseconds since 1970.
    pub start_us: i64,
    /// From the last sample to the arrival, in milliseconds.
    pub delay_ms: i32,
    /// True if it arrived too late to count as live.
    pub late: bool,
    /// Heart-rate samples per second.
    pub fhr_hz: u8,
    /// Toco samples per second.
    pub toco_hz: u8,
    /// Fetal rates in quarters of a bpm, one list per fetus; 0 is absent.
    pub fhr: Vec<Vec<u16>>,
    /// Maternal rate likewise.
    pub mhr: Option<Vec<u16>>,
    /// Toco in half units; 255 is absent.
    pub toco: Option<Vec<u8>>,
    /// The device's opinion, one list per fetus: 0 none, 1 poor, 2 fair, 3 good.
    pub quality: Option<Vec<Vec<u8>>>,
}

/// Bytes that are no message of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlocksError {
    /// Another kind of message, or a newer layout.
    #[error("not a message of blocks in layout 1")]
    Kind,
    /// Cut off, or lengths that contradict each other.
    #[error("lengths do not agree with the bytes")]
    Length,
}

/// One frame: the block under the index that the viewers know its recording by.
pub fn encode_block(index: u32, received: &ReceivedBlock, late: bool) -> Vec<u8> {
    let block = &received.block;
    let quality = block.fhr.iter().any(|channel| channel.quality.is_some());
    let toco_count = block.toco.as_ref().map_or(0, Vec::len);
    let mut bytes = Vec::with_capacity(FRAME_HEADER_LENGTH + block.sample_count() * 8 + toco_count + FRAME_ALIGNMENT);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&index.to_le_bytes());
    // Exact: the years 2000 to 2100 lie within 2^53 µs of 1970.
    bytes.extend_from_slice(&(block.start.as_micros() as f64).to_le_bytes());
    bytes.extend_from_slice(&block.sequence.to_le_bytes());
    bytes.extend_from_slice(&delay_ms(received).to_le_bytes());
    bytes.push(flags(block, late, quality));
    bytes.extend_from_slice(&[block.fetuses(), block.fhr_rate.hz(), block.toco_rate.hz()]);
    bytes.extend_from_slice(&(block.sample_count() as u16).to_le_bytes());
    bytes.extend_from_slice(&(toco_count as u16).to_le_bytes());
    encode_samples(&mut bytes, block, quality);
    bytes.resize(bytes.len().next_multiple_of(FRAME_ALIGNMENT), 0);
    let length = bytes.len() as u32;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes
}

fn delay_ms(received: &ReceivedBlock) -> i32 {
    let delay = received.received.micros_since(received.block.end()) / 1000;
    delay.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

fn flags(block: &SampleBlock, late: bool, quality: bool) -> u8 {
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    flag(late, FLAG_LATE)
        | flag(block.mhr.is_some(), FLAG_MHR)
        | flag(block.toco.is_some(), FLAG_TOCO)
        | flag(quality, FLAG_QUALITY)
}

fn encode_samples(bytes: &mut Vec<u8>, block: &SampleBlock, quality: bool) {
    for channel in &block.fhr {
        encode_rates(bytes, &channel.rates);
    }
    if let Some(mhr) = &block.mhr {
        encode_rates(bytes, mhr);
    }
    if let Some(toco) = &block.toco {
        bytes.extend(toco.iter().map(|value| value.map_or(TOCO_ABSENT, HalfToco::halves)));
    }
    if quality {
        for channel in &block.fhr {
            match &channel.quality {
                Some(opinions) => bytes.extend(opinions.iter().map(|opinion| quality_byte(*opinion))),
                None => bytes.resize(bytes.len() + channel.rates.len(), 0),
            }
        }
    }
}

fn encode_rates(bytes: &mut Vec<u8>, rates: &[Option<QuarterBpm>]) {
    bytes.extend(rates.iter().flat_map(|rate| rate.map_or(0, QuarterBpm::quarters).to_le_bytes()));
}

const fn quality_byte(quality: Quality) -> u8 {
    match quality {
        Quality::Poor => 1,
        Quality::Fair => 2,
        Quality::Good => 3,
    }
}

/// One message of these frames, in order.
pub fn join_blocks<'a>(frames: impl ExactSizeIterator<Item = &'a [u8]> + Clone) -> Vec<u8> {
    let length = HEADER_LENGTH + frames.clone().map(<[u8]>::len).sum::<usize>();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(&[KIND_BLOCKS, LAYOUT_VERSION, 0, 0]);
    bytes.extend_from_slice(&(frames.len() as u32).to_le_bytes());
    for frame in frames {
        bytes.extend_from_slice(frame);
    }
    bytes
}

/// Reads a message of blocks, as a viewer does.
///
/// # Errors
/// When the bytes are no such message.
pub fn decode_blocks(bytes: &[u8]) -> Result<Vec<ViewerBlock>, BlocksError> {
    let mut reader = Reader { bytes };
    let [kind, version, _, _] = reader.take()?;
    if kind != KIND_BLOCKS || version != LAYOUT_VERSION {
        return Err(BlocksError::Kind);
    }
    let count = u32::from_le_bytes(reader.take()?);
    let mut blocks = Vec::new();
    for _ in 0..count {
        blocks.push(decode_frame(&mut reader)?);
    }
    if reader.bytes.is_empty() { Ok(blocks) } else { Err(BlocksError::Length) }
}

fn decode_frame(message: &mut Reader<'_>) -> Result<ViewerBlock, BlocksError> {
    let length = u32::from_le_bytes(message.take()?) as usize;
    let rest = length.checked_sub(4).ok_or(BlocksError::Length)?;
    let mut frame = Reader { bytes: message.slice(rest)? };
    let recording = u32::from_le_bytes(frame.take()?);
    let start_us = f64::from_le_bytes(frame.take()?) as i64;
    let sequence = u32::from_le_bytes(frame.take()?);
    let delay_ms = i32::from_le_bytes(frame.take()?);
    let [flags, fetuses, fhr_hz, toco_hz] = frame.take()?;
    let samples = usize::from(u16::from_le_bytes(frame.take()?));
    let toco_count = usize::from(u16::from_le_bytes(frame.take()?));
    let fhr = (0..fetuses).map(|_| frame.rates(samples)).collect::<Result<_, _>>()?;
    let mhr = (flags & FLAG_MHR != 0).then(|| frame.rates(samples)).transpose()?;
    let toco = (flags & FLAG_TOCO != 0).then(|| frame.slice(toco_count).map(<[u8]>::to_vec)).transpose()?;
    let opinions = |frame: &mut Reader<'_>| (0..fetuses).map(|_| frame.slice(samples).map(<[u8]>::to_vec)).collect();
    let quality = (flags & FLAG_QUALITY != 0).then(|| opinions(&mut frame)).transpose()?;
    if !length.is_multiple_of(FRAME_ALIGNMENT) || frame.bytes.len() >= FRAME_ALIGNMENT {
        return Err(BlocksError::Length);
    }
    let late = flags & FLAG_LATE != 0;
    Ok(ViewerBlock { recording, sequence, start_us, delay_ms, late, fhr_hz, toco_hz, fhr, mhr, toco, quality })
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn slice(&mut self, length: usize) -> Result<&'a [u8], BlocksError> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(BlocksError::Length)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], BlocksError> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(BlocksError::Length)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn rates(&mut self, count: usize) -> Result<Vec<u16>, BlocksError> {
        let bytes = self.slice(count * 2)?;
        Ok(bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect())
    }
}
