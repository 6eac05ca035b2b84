use ctg::{FhrChannel, HalfToco, QuarterBpm, SampleRate};

/// Everything that a belt measured, from the first sample to the last; all channels have one rate and length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Samples per second of every channel.
    pub rate: SampleRate,
    /// Smallest step of the heart rates, in quarters of a bpm.
    pub fhr_step_quarter_bpm: u8,
    /// Fetal heart rates, one channel per fetus.
    pub fhr: Vec<FhrChannel>,
    /// Maternal heart rate; `None` when not measured.
    pub mhr: Option<Vec<Option<QuarterBpm>>>,
    /// Uterine activity; `None` when not measured.
    pub toco: Option<Vec<Option<HalfToco>>>,
}

impl Trace {
    /// Samples in each channel.
    pub fn sample_count(&self) -> usize {
        self.fhr.first().map_or(0, |channel| channel.rates.len())
    }

    /// Length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.sample_count() as f64 / f64::from(self.rate.hz())
    }
}
