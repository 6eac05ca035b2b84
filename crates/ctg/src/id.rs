use std::fmt;
use std::str::FromStr;

/// Longest device identifier, in characters.
const DEVICE_ID_LENGTH_MAX: usize = 64;

/// The name of a home device (the belt), as in its MQTT topics: 1 to 64 of `A-Z a-z 0-9 - _`.
///
/// It names a thing, never a woman.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(Box<str>);

/// Why a text is no [`DeviceId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceIdError {
    /// Empty, or longer than 64 characters.
    Length,
    /// A character outside `A-Z a-z 0-9 - _`.
    Character,
}

impl DeviceId {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceId {
    type Err = DeviceIdError;

    fn from_str(text: &str) -> Result<Self, DeviceIdError> {
        if text.is_empty() || text.len() > DEVICE_ID_LENGTH_MAX {
            return Err(DeviceIdError::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            return Err(DeviceIdError::Character);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for DeviceIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "device id must have 1 to 64 characters",
            Self::Character => "device id may hold only letters, digits, '-' and '_'",
        })
    }
}

impl std::error::Error for DeviceIdError {}

/// One session of one mother: a UUID that the device chooses when a recording begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingId(uuid::Uuid);

/// A text or byte string that is no UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingIdError;

impl RecordingId {
    /// The recording with these 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Uuid::from_bytes(bytes))
    }

    /// The 16 bytes of the UUID.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl FromStr for RecordingId {
    type Err = RecordingIdError;

    fn from_str(text: &str) -> Result<Self, RecordingIdError> {
        uuid::Uuid::try_parse(text).map(Self).map_err(|_| RecordingIdError)
    }
}

impl TryFrom<&[u8]> for RecordingId {
    type Error = RecordingIdError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordingIdError> {
        uuid::Uuid::from_slice(bytes).map(Self).map_err(|_| RecordingIdError)
    }
}

impl fmt::Display for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

impl fmt::Display for RecordingIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("recording id must be a UUID of 16 bytes")
    }
}

impl std::error::Error for RecordingIdError {}

/// Which fetus of a pregnancy, from 0; twins have 0 and 1, triplets 2 as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetusIndex(u8);

impl FetusIndex {
    /// The first, in most pregnancies the only, fetus.
    pub const FIRST: Self = Self(0);

    /// The fetus with this index; `None` beyond triplets.
    pub const fn new(index: u8) -> Option<Self> {
        if (index as usize) < crate::FETUSES_MAX { Some(Self(index)) } else { None }
    }

    /// The index, from 0.
    pub const fn get(self) -> u8 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_id_takes_what_a_topic_level_may_safely_hold() {
        for good in ["a", "belt-07", "A_b-9", &"x".repeat(64)] {
            assert_eq!(good.parse::<DeviceId>().unwrap().as_str(), good);
        }
        assert_eq!("".parse::<DeviceId>(), Err(DeviceIdError::Length));
        assert_eq!("x".repeat(65).parse::<DeviceId>(), Err(DeviceIdError::Length));
        for bad in ["a/b", "+", "#", "a b", "ä", "a\0"] {
            assert_eq!(bad.parse::<DeviceId>(), Err(DeviceIdError::Character), "{bad:?}");
        }
    }

    #[test]
    fn recording_id_survives_text() {
        let id = RecordingId::from_bytes(*b"0123456789abcdef");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("no uuid".parse::<RecordingId>(), Err(RecordingIdError));
        assert_eq!(RecordingId::try_from([1_u8; 15].as_slice()), Err(RecordingIdError));
    }

    #[test]
    fn fetus_index_ends_at_triplets() {
        assert_eq!(FetusIndex::new(2).map(FetusIndex::get), Some(2));
        assert_eq!(FetusIndex::new(3), None);
    }
}
