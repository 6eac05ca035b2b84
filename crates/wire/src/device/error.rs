use ctg::BlockError;

use super::{Encoding, PAYLOAD_MAX};

/// Longest description of a malformed payload, in characters: it is stored with the quarantined packet.
const PROBLEM_LENGTH_MAX: usize = 240;

/// Why a payload cannot be used, said so that the device's maker can mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Nothing was sent.
    #[error("payload is empty; send one CBOR map or JSON object")]
    Empty,
    /// More than [`PAYLOAD_MAX`] bytes were sent.
    #[error("payload has {length} bytes, more than {PAYLOAD_MAX}; send shorter blocks")]
    TooLong {
        /// Bytes in the payload.
        length: usize,
    },
    /// Not the encoding that the first byte promised, or a field is missing, of the wrong type, or out of range.
    #[error("{encoding} payload does not follow the device protocol: {problem}")]
    Malformed {
        /// What the first byte promised.
        encoding: Encoding,
        /// What is wrong, at most 240 characters.
        problem: String,
    },
    /// Every field is readable, but together they break a rule of sample blocks.
    #[error("sample block breaks a rule: {0}")]
    Block(#[from] BlockError),
}

impl DecodeError {
    pub(super) fn malformed(encoding: Encoding, problem: &str) -> Self {
        Self::Malformed { encoding, problem: problem.chars().take(PROBLEM_LENGTH_MAX).collect() }
    }
}
