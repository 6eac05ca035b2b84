//! Looks at the first bytes of a packet before anything is allocated for it.
//!
//! The codec behind it trusts lengths up to one common limit, reads MQTT 5 as MQTT 3.1.1 and ignores
//! the reserved bits; this is where such packets end.

use wire::device::PAYLOAD_MAX;

/// Longest topic of the device protocol is 79 bytes; two lengths and a packet number come on top.
const PUBLISH_OVERHEAD_BYTES_MAX: usize = 128;

/// Longest CONNECT: a will of a full status, three names and a secret.
const CONNECT_BYTES_MAX: usize = 8 * 1024;

/// Longest SUBSCRIBE and UNSUBSCRIBE: a few filters.
const SUBSCRIBE_BYTES_MAX: usize = 1024;

/// Most bytes of "remaining length" (MQTT 3.1.1, 2.2.3).
const LENGTH_BYTES_MAX: usize = 4;

/// Why bytes are no packet that a client may send. The connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameError {
    /// Not MQTT 3.1.1, or not a packet for a server.
    Malformed,
    /// Longer than any packet of its kind may be.
    TooLong,
    /// CONNECT of another version of MQTT.
    Version,
    /// "Exactly once" is not spoken here.
    ExactlyOnce,
}

/// What the first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// At least so many bytes more are needed.
    Missing(usize),
    /// One packet of this length, headers included.
    Complete(usize),
}

/// Finds the end of the first packet.
///
/// # Errors
/// As soon as the first bytes cannot become a packet that a client may send.
pub(crate) fn frame(bytes: &[u8]) -> Result<Frame, FrameError> {
    let [first, rest @ ..] = bytes else { return Ok(Frame::Missing(2)) };
    let longest = longest(*first)?;
    let Some((remaining, length_bytes)) = remaining(rest)? else { return Ok(Frame::Missing(1)) };
    if remaining > longest {
        return Err(FrameError::TooLong);
    }
    let whole = 1 + length_bytes + remaining;
    if bytes.len() < whole {
        return Ok(Frame::Missing(whole - bytes.len()));
    }
    if first >> 4 == CONNECT {
        check_connect(&bytes[1 + length_bytes..whole])?;
    }
    Ok(Frame::Complete(whole))
}

const CONNECT: u8 = 1;

/// Most bytes after the fixed header, by its first byte, whose low bits are fixed for all but PUBLISH.
fn longest(first: u8) -> Result<usize, FrameError> {
    match (first >> 4, first & 0b1111) {
        (CONNECT, 0) => Ok(CONNECT_BYTES_MAX),
        (3, flags) if flags & 0b0110 == 0b0100 => Err(FrameError::ExactlyOnce),
        (3, flags) if flags & 0b0110 != 0b0110 => Ok(PAYLOAD_MAX + PUBLISH_OVERHEAD_BYTES_MAX),
        (4, 0) => Ok(2),
        (8 | 10, 0b0010) => Ok(SUBSCRIBE_BYTES_MAX),
        (12 | 14, 0) => Ok(0),
        (5..=7, _) => Err(FrameError::ExactlyOnce),
        _ => Err(FrameError::Malformed),
    }
}

/// The "remaining length" and the number of bytes that say it; `None` while some are missing.
fn remaining(bytes: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(LENGTH_BYTES_MAX).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() < LENGTH_BYTES_MAX { Ok(None) } else { Err(FrameError::Malformed) }
}

/// Checks protocol name, level and the reserved flag (MQTT 3.1.1, 3.1.2).
fn check_connect(body: &[u8]) -> Result<(), FrameError> {
    match body {
        [0, 4, b'M', b'Q', b'T', b'T', 4, flags, ..] => {
            let secret_without_name = flags & 0b1100_0000 == 0b0100_0000;
            if flags & 1 == 1 || secret_without_name { Err(FrameError::Malformed) } else { Ok(()) }
        }
        [0, 4, b'M', b'Q', b'T', b'T', _, ..] | [0, 6, b'M', b'Q', b'I', b's', b'd', b'p', ..] => {
            Err(FrameError::Version)
        }
        _ => Err(FrameError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: Result<Frame, FrameError>) {
        assert_eq!(frame(bytes), expect, "{bytes:02x?}");
    }

    #[test]
    fn waits_for_the_rest() {
        check(&[], Ok(Frame::Missing(2)));
        check(&[0xC0], Ok(Frame::Missing(1)));
        check(&[0x30, 0x85], Ok(Frame::Missing(1)));
        check(&[0x30, 0x05, 0, 1], Ok(Frame::Missing(3)));
        check(&[0xC0, 0x00], Ok(Frame::Complete(2)));
        check(&[0x40, 0x02, 0, 1, 0xFF], Ok(Frame::Complete(4)));
    }

    #[test]
    fn refuses_before_the_bytes_arrive() {
        check(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F], Err(FrameError::TooLong));
        check(&[0x30, 0xFF, 0xFF, 0xFF, 0xFF], Err(FrameError::Malformed));
        check(&[0x82, 0x81, 0x08], Err(FrameError::TooLong));
        check(&[0x10, 0x81, 0x40], Err(FrameError::TooLong));
        check(&[0xC0, 0x01], Err(FrameError::TooLong));
    }

    #[test]
    fn refuses_what_no_client_may_send() {
        for first in [0x00, 0x20, 0x41, 0x80, 0x90, 0xB0, 0xD0, 0xF0, 0x36] {
            check(&[first], Err(FrameError::Malformed));
        }
        for first in [0x34, 0x50, 0x62, 0x70] {
            check(&[first], Err(FrameError::ExactlyOnce));
        }
    }

    #[test]
    fn knows_other_versions_by_name_and_level() {
        check(&[0x10, 8, 0, 4, b'M', b'Q', b'T', b'T', 4, 2], Ok(Frame::Complete(10)));
        check(&[0x10, 8, 0, 4, b'M', b'Q', b'T', b'T', 5, 2], Err(FrameError::Version));
        check(&[0x10, 10, 0, 6, b'M', b'Q', b'I', b's', b'd', b'p', 3, 2], Err(FrameError::Version));
        check(&[0x10, 8, 0, 4, b'M', b'Q', b'T', b'T', 4, 3], Err(FrameError::Malformed));
        check(&[0x10, 4, 0, 4, b'H', b'T'], Err(FrameError::Malformed));
    }
}
