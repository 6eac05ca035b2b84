//! Single values and bounded lists of values, each saying its range when it is broken.

use std::fmt;
use std::marker::PhantomData;

use ctg::{HalfToco, Quality, QuarterBpm, RecordingId, SAMPLE_RATES_HZ, SampleBlock, SampleRate, Timestamp};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most samples in one channel of one block: 60 s at 8 Hz.
pub(super) const SAMPLES_MAX: usize = SampleBlock::LENGTH_MAX_MS as usize / 1000 * SAMPLE_RATE_MAX_HZ;
const SAMPLE_RATE_MAX_HZ: usize = SAMPLE_RATES_HZ[SAMPLE_RATES_HZ.len() - 1] as usize;

/// A value that goes over the wire as an integer.
pub(super) trait Number: Copy {
    /// Which integers it takes, and what to send instead of others.
    const RANGE: &'static str;
    fn to_number(self) -> i64;
    fn from_number(number: i64) -> Option<Self>;
}

/// One [`Number`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<T>(pub(super) T);

/// At most `MAX` items, refused while being read and not after.
#[derive(Clone, Debug)]
pub(super) struct Bounded<T, const MAX: usize>(pub(super) Vec<T>);

/// The samples of one channel.
pub(super) type Series<T> = Bounded<Option<Value<T>>, SAMPLES_MAX>;

/// A recording: text in JSON, 16 bytes or text in CBOR.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recording(pub(super) RecordingId);

impl<T: Number> Series<T> {
    pub(super) fn of(samples: &[Option<T>]) -> Self {
        Self(samples.iter().map(|sample| sample.map(Value)).collect())
    }

    pub(super) fn into_samples(self) -> Vec<Option<T>> {
        self.0.into_iter().map(|sample| sample.map(|value| value.0)).collect()
    }
}

impl Number for QuarterBpm {
    const RANGE: &'static str = "heart rate must be 1 to 1200 quarters of a bpm, or null for no signal";

    fn to_number(self) -> i64 {
        self.quarters().into()
    }

    fn from_number(number: i64) -> Option<Self> {
        u16::try_from(number).ok().and_then(Self::new)
    }
}

impl Number for HalfToco {
    const RANGE: &'static str = "toco must be 0 to 254 half units, or null for no signal";

    fn to_number(self) -> i64 {
        self.halves().into()
    }

    fn from_number(number: i64) -> Option<Self> {
        u8::try_from(number).ok().and_then(Self::new)
    }
}

impl Number for Quality {
    const RANGE: &'static str = "quality must be 0 (poor), 1 (fair) or 2 (good)";

    fn to_number(self) -> i64 {
        match self {
            Self::Poor => 0,
            Self::Fair => 1,
            Self::Good => 2,
        }
    }

    fn from_number(number: i64) -> Option<Self> {
        [Self::Poor, Self::Fair, Self::Good].into_iter().find(|quality| quality.to_number() == number)
    }
}

impl Number for SampleRate {
    const RANGE: &'static str = "rate must be 1, 2, 4 or 8 samples per second";

    fn to_number(self) -> i64 {
        self.hz().into()
    }

    fn from_number(number: i64) -> Option<Self> {
        u8::try_from(number).ok().and_then(Self::new)
    }
}

impl Number for Timestamp {
    const RANGE: &'static str = "time must be microseconds since 1970 in UTC, between the years 2000 and 2100";

    fn to_number(self) -> i64 {
        self.as_micros()
    }

    fn from_number(number: i64) -> Option<Self> {
        let time = Self::from_micros(number);
        (SampleBlock::START_MIN..SampleBlock::START_MAX).contains(&time).then_some(time)
    }
}

impl<T: Number> Serialize for Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.to_number())
    }
}

impl<'de, T: Number> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        T::from_number(number).map(Self).ok_or_else(|| D::Error::custom(format_args!("{} (got {number})", T::RANGE)))
    }
}

impl<T: Serialize, const MAX: usize> Serialize for Bounded<T, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Bounded<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BoundedVisitor(PhantomData))
    }
}

struct BoundedVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for BoundedVisitor<T, MAX> {
    type Value = Bounded<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::with_capacity(list.size_hint().unwrap_or(0).min(MAX));
        while let Some(item) = list.next_element()? {
            if items.len() == MAX {
                return Err(A::Error::custom(format_args!("list has more than {MAX} entries")));
            }
            items.push(item);
        }
        Ok(Bounded(items))
    }
}

impl Serialize for Recording {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&self.0)
        } else {
            serializer.serialize_bytes(self.0.as_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for Recording {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RecordingVisitor)
    }
}

struct RecordingVisitor;

impl Visitor<'_> for RecordingVisitor {
    type Value = Recording;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a UUID as text, or in CBOR as 16 bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Recording, E> {
        text.parse().map(Recording).map_err(E::custom)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Recording, E> {
        RecordingId::try_from(bytes).map(Recording).map_err(E::custom)
    }
}
