use std::convert::Infallible;
use std::fmt;

use cbor4ii::core::dec::{self, Read};
use cbor4ii::core::utils::SliceReader;
use cbor4ii::serde as cbor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{DecodeError, PAYLOAD_MAX};

/// How a payload is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 8949, a map with text keys: about half the size of JSON.
    Cbor,
    /// RFC 8259, an object that begins with `{`: easy to write and to look at.
    Json,
}

impl Encoding {
    /// How a payload claims to be written: JSON begins with `{`, a byte that begins no CBOR map.
    pub fn of(payload: &[u8]) -> Self {
        if payload.first() == Some(&b'{') { Self::Json } else { Self::Cbor }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cbor => "CBOR",
            Self::Json => "JSON",
        })
    }
}

pub(super) fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    match payload.len() {
        0 => return Err(DecodeError::Empty),
        length if length > PAYLOAD_MAX => return Err(DecodeError::TooLong { length }),
        _ => {}
    }
    match Encoding::of(payload) {
        Encoding::Json => {
            serde_json::from_slice(payload).map_err(|error| DecodeError::malformed(Encoding::Json, &error.to_string()))
        }
        Encoding::Cbor => decode_cbor(payload).map_err(|problem| DecodeError::malformed(Encoding::Cbor, &problem)),
    }
}

#[expect(clippy::expect_used, reason = "plain structs with text keys, written to memory, cannot fail in either format")]
pub(super) fn encode<T: Serialize>(value: &T, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Json => serde_json::to_vec(value).expect("a plain struct is JSON"),
        Encoding::Cbor => cbor::to_vec(Vec::new(), value).expect("a plain struct is CBOR"),
    }
}

fn decode_cbor<T: DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    let mut deserializer = cbor::Deserializer::new(SliceReader::new(payload));
    let value = T::deserialize(&mut deserializer).map_err(cbor_problem)?;
    let rest = deserializer.into_inner().fill(1).map_or(0, |rest| rest.as_ref().len());
    if rest == 0 { Ok(value) } else { Err("bytes follow the map; send one map per payload".to_owned()) }
}

fn cbor_problem(error: cbor::DecodeError<Infallible>) -> String {
    match error {
        cbor::DecodeError::Custom(problem) => problem.into(),
        cbor::DecodeError::Core(dec::Error::Mismatch { name, found } | dec::Error::Unsupported { name, found }) => {
            format!("byte 0x{found:02x} found where a value of type {name} is expected")
        }
        cbor::DecodeError::Core(dec::Error::Eof { .. }) => "payload ends too early; send it whole".to_owned(),
        cbor::DecodeError::Core(dec::Error::DepthOverflow { .. }) => "nested too deeply".to_owned(),
        cbor::DecodeError::Core(dec::Error::CastOverflow { name }) => format!("number out of range for type {name}"),
        cbor::DecodeError::Core(_) => "not well-formed".to_owned(),
    }
}
