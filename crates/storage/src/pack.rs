//! Compact bytes of one row: a version, what is stored, and a checksum over it and the row's key.
//!
//! A disk that changes a bit, or a row that ends up under another key, is found when the row is read.

mod block;
mod measurements;
mod points;

pub(crate) use block::{block, block_content, same_content, seal_block};
pub(crate) use measurements::{measurements, pack_measurements};
pub(crate) use points::{Point, pack_points, points};

/// CRC-32C finds every change of up to three bits, and every burst of up to 32, in rows of this size.
const CHECKSUM: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
/// Bytes of the checksum at the end.
const CHECKSUM_LENGTH: usize = 4;

/// Says what a row is about, so that its bytes cannot pass for another row's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    /// The recording's UUID.
    pub(crate) recording: &'a [u8; 16],
    /// The other columns that the bytes belong to.
    pub(crate) columns: [i64; 2],
}

/// Ends packed bytes with their checksum.
fn seal(mut bytes: Vec<u8>, key: Key<'_>) -> Vec<u8> {
    let checksum = checksum(&bytes, key);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// What stands before the checksum; `None` if the checksum is wrong.
fn unseal<'a>(sealed: &'a [u8], key: Key<'_>) -> Option<Reader<'a>> {
    let (bytes, stored) = sealed.split_last_chunk::<CHECKSUM_LENGTH>()?;
    (checksum(bytes, key) == u32::from_le_bytes(*stored)).then_some(Reader { rest: bytes })
}

fn checksum(bytes: &[u8], key: Key<'_>) -> u32 {
    let mut digest = CHECKSUM.digest();
    digest.update(key.recording);
    for column in key.columns {
        digest.update(&column.to_le_bytes());
    }
    digest.update(bytes);
    digest.finalize()
}

/// Appends a number in groups of seven bits, lowest first.
fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Maps small numbers of either sign to small numbers: 0, -1, 1, -2, … to 0, 1, 2, 3, …
const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Reads packed bytes from the front; every method gives `None` at the end.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let (taken, rest) = self.rest.split_first_chunk::<LENGTH>()?;
        self.rest = rest;
        Some(*taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
