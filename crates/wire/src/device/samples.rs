use ctg::{FETUSES_MAX, FhrChannel, HalfToco, Quality, QuarterBpm, SampleBlock, SampleRate, Timestamp};
use serde::{Deserialize, Serialize};

use super::series::{Bounded, Recording, SAMPLES_MAX, Series, Value};

/// A block as it travels; each field is explained in `docs/device-protocol.md`.
#[derive(Serialize, Deserialize)]
pub(super) struct Samples {
    rec: Recording,
    seq: u32,
    t: Value<Timestamp>,
    len: u16,
    fhz: Value<SampleRate>,
    thz: Value<SampleRate>,
    step: u8,
    fhr: Bounded<Fhr, FETUSES_MAX>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mhr: Option<Series<QuarterBpm>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    toco: Option<Series<HalfToco>>,
}

/// One fetus.
#[derive(Serialize, Deserialize)]
struct Fhr {
    r: Series<QuarterBpm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    q: Option<Bounded<Value<Quality>, SAMPLES_MAX>>,
}

impl Samples {
    pub(super) fn of(block: &SampleBlock) -> Self {
        Self {
            rec: Recording(block.recording),
            seq: block.sequence,
            t: Value(block.start),
            len: block.block_length_ms,
            fhz: Value(block.fhr_rate),
            thz: Value(block.toco_rate),
            step: block.fhr_step_quarter_bpm,
            fhr: Bounded(block.fhr.iter().map(Fhr::of).collect()),
            mhr: block.mhr.as_deref().map(Series::of),
            toco: block.toco.as_deref().map(Series::of),
        }
    }

    pub(super) fn into_block(self) -> SampleBlock {
        SampleBlock {
            recording: self.rec.0,
            sequence: self.seq,
            start: self.t.0,
            block_length_ms: self.len,
            fhr_rate: self.fhz.0,
            toco_rate: self.thz.0,
            fhr_step_quarter_bpm: self.step,
            fhr: self.fhr.0.into_iter().map(Fhr::into_channel).collect(),
            mhr: self.mhr.map(Series::into_samples),
            toco: self.toco.map(Series::into_samples),
        }
    }
}

impl Fhr {
    fn of(channel: &FhrChannel) -> Self {
        Self {
            r: Series::of(&channel.rates),
            q: channel.quality.as_ref().map(|quality| Bounded(quality.iter().copied().map(Value).collect())),
        }
    }

    fn into_channel(self) -> FhrChannel {
        FhrChannel {
            rates: self.r.into_samples(),
            quality: self.q.map(|quality| quality.0.into_iter().map(|value| value.0).collect()),
        }
    }
}
