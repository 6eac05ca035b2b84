//! Readers for recordings made elsewhere.

mod edf;
mod fhrm;

use ctg::{FhrChannel, HalfToco, QuarterBpm, SampleRate};

use crate::Trace;

pub use edf::read_edf;
pub use fhrm::read_fhrm;

/// Most samples per channel that a file may hold: a week at 4 Hz.
const SAMPLES_MAX: usize = 7 * 86_400 * 4;
/// Full scale of some monitors; beyond what [`HalfToco`] can say, and so read as absent.
const TOCO_FULL_SCALE: f64 = 127.5;

/// Why a file is no recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The first line names other columns.
    #[error("first line must be t_s,fhr_bpm,toco or t_s,fhr_bpm,toco,fhr2_bpm")]
    Columns,
    /// A line of a CSV file cannot be read.
    #[error("line {line}: {problem}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The header of a WFDB, EDF or `.fhrm` file cannot be used.
    #[error("header: {0}")]
    Header(&'static str),
    /// The signal file does not hold what the header says.
    #[error("signal file has {found} bytes where the header asks for {expected}")]
    Length {
        /// Bytes that the header asks for.
        expected: usize,
        /// Bytes in the file.
        found: usize,
    },
    /// A sample of a WFDB record is outside of what can be said.
    #[error("sample {index}: value outside of its range")]
    Sample {
        /// Number of the sample, from 0.
        index: usize,
    },
    /// A good file of a kind that the reader does not know.
    #[error("not supported: {0}")]
    Unsupported(&'static str),
    /// There is no sample at all.
    #[error("recording is empty: it must have at least one sample")]
    Empty,
    /// There are more than a week of samples.
    #[error("recording must last at most a week")]
    TooLong,
}

/// Reads columns `t_s,fhr_bpm,toco[,fhr2_bpm]` at 4 Hz.
///
/// A heart rate of 0 means no signal. A toco of 0 is a toco of 0: resting tone at the end of the scale, as
/// nine in ten zeros of both databases are. A toco of 127.5 is beyond the scale, and read as no signal.
///
/// # Errors
/// The first line that cannot be read exactly in quarters of a bpm and halves of a toco unit.
pub fn read_csv(text: &str) -> Result<Trace, ReadError> {
    let mut lines = text.lines();
    let fetuses = match lines.next().map(str::trim_end) {
        Some("t_s,fhr_bpm,toco") => 1,
        Some("t_s,fhr_bpm,toco,fhr2_bpm") => 2,
        _ => return Err(ReadError::Columns),
    };
    let mut channels = Channels::new(fetuses);
    for (index, line) in lines.enumerate() {
        channels.push_line(index, line).map_err(|problem| ReadError::Line { line: index + 2, problem })?;
    }
    channels.into_trace()
}

/// Reads a WFDB record of two signals in format 16 at 4 Hz, heart rate first, as in the CTU-UHB database.
///
/// Zeros and full scale mean the same as for [`read_csv`].
///
/// # Errors
/// What in the header or signal file does not fit, or the first sample that is not exact in quarters of a
/// bpm and halves of a toco unit.
pub fn read_wfdb(header: &str, signal: &[u8]) -> Result<Trace, ReadError> {
    let header = Header::parse(header)?;
    let expected = header.samples * 4;
    if signal.len() != expected {
        return Err(ReadError::Length { expected, found: signal.len() });
    }
    let mut channels = Channels::new(1);
    for (index, frame) in signal.chunks_exact(4).enumerate() {
        let rate = f64::from(i16::from_le_bytes([frame[0], frame[1]])) / header.fhr_gain;
        let toco = f64::from(i16::from_le_bytes([frame[2], frame[3]])) / header.toco_gain;
        channels.push(&[rate], toco).map_err(|_| ReadError::Sample { index })?;
    }
    channels.into_trace()
}

struct Header {
    samples: usize,
    fhr_gain: f64,
    toco_gain: f64,
}

impl Header {
    fn parse(text: &str) -> Result<Self, ReadError> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let record: Vec<_> = lines.next().unwrap_or_default().split_whitespace().collect();
        let [_, signals, rate, samples, ..] = record[..] else {
            return Err(ReadError::Header("first line must be: record, signals, rate, samples"));
        };
        if signals != "2" || rate.split('/').next() != Some("4") {
            return Err(ReadError::Header("record must have 2 signals at 4 samples per second"));
        }
        let samples = samples.parse().map_err(|_| ReadError::Header("number of samples cannot be read"))?;
        if samples > SAMPLES_MAX {
            return Err(ReadError::TooLong);
        }
        let fhr_gain = signal_gain(lines.next(), "FHR")?;
        Ok(Self { samples, fhr_gain, toco_gain: signal_gain(lines.next(), "UC")? })
    }
}

/// Units of the signal file per unit of the measure.
fn signal_gain(line: Option<&str>, name: &str) -> Result<f64, ReadError> {
    let fields: Vec<_> = line.unwrap_or_default().split_whitespace().collect();
    let [_, "16", gain, .., last] = fields[..] else {
        return Err(ReadError::Header("signals must be in format 16"));
    };
    if last != name {
        return Err(ReadError::Header("signals must be FHR, then UC"));
    }
    let number: String = gain.chars().take_while(char::is_ascii_digit).collect();
    let rest = &gain[number.len()..];
    let zero_at_zero = rest.is_empty() || rest.starts_with('/') || rest.starts_with("(0)");
    match number.parse::<u16>() {
        Ok(gain) if gain > 0 && zero_at_zero => Ok(gain.into()),
        _ => Err(ReadError::Header("gain must be a whole number with baseline 0")),
    }
}

/// Channels while being read.
struct Channels {
    rates: Vec<Vec<Option<QuarterBpm>>>,
    toco: Vec<Option<HalfToco>>,
}

impl Channels {
    fn new(fetuses: usize) -> Self {
        Self { rates: vec![Vec::new(); fetuses], toco: Vec::new() }
    }

    fn push_line(&mut self, index: usize, line: &str) -> Result<(), &'static str> {
        let mut numbers = line.trim_end().split(',').map(|field| field.parse::<f64>().map_err(|_| "not a number"));
        let mut next = || numbers.next().ok_or("a column is missing")?;
        if (next()? - index as f64 / 4.0).abs() > 1e-6 {
            return Err("time must go on by 0.25 s from line to line, from 0");
        }
        let (rate, toco) = (next()?, next()?);
        let rates = if self.rates.len() == 2 { vec![rate, next()?] } else { vec![rate] };
        if numbers.next().is_some() {
            return Err("too many columns");
        }
        self.push(&rates, toco)
    }

    fn push(&mut self, rates_bpm: &[f64], toco: f64) -> Result<(), &'static str> {
        if self.toco.len() >= SAMPLES_MAX {
            return Err("recording is longer than a week");
        }
        for (channel, rate) in self.rates.iter_mut().zip(rates_bpm) {
            channel.push(quarter_bpm(*rate).ok_or("heart rate must be 0 to 300 bpm in steps of 0.25")?);
        }
        self.toco.push(half_toco(toco).ok_or("toco must be 0 to 127.5 in steps of 0.5")?);
        Ok(())
    }

    fn into_trace(self) -> Result<Trace, ReadError> {
        if self.toco.is_empty() {
            return Err(ReadError::Empty);
        }
        let step = coarsest_step(self.rates.iter().flatten().flatten().copied());
        Ok(Trace {
            rate: SampleRate::FOUR_HZ,
            fhr_step_quarter_bpm: step,
            fhr: self.rates.into_iter().map(|rates| FhrChannel { rates, quality: None }).collect(),
            mhr: None,
            toco: Some(self.toco),
        })
    }
}

/// The step of a source that does not tell: the coarsest of 1, 0.5 and 0.25 bpm that fits all its rates.
fn coarsest_step(rates: impl Iterator<Item = QuarterBpm> + Clone) -> u8 {
    [4_u8, 2].into_iter().find(|step| rates.clone().all(|rate| rate.quarters() % u16::from(*step) == 0)).unwrap_or(1)
}

/// `None` when out of range or not exact; `Some(None)` for zero.
fn quarter_bpm(rate_bpm: f64) -> Option<Option<QuarterBpm>> {
    let quarters = rate_bpm * 4.0;
    if quarters == 0.0 {
        return Some(None);
    }
    let exact = quarters.fract() == 0.0 && (1.0..=f64::from(QuarterBpm::MAX)).contains(&quarters);
    exact.then(|| QuarterBpm::new(quarters as u16))
}

/// `None` when out of range or not exact; `Some(None)` for full scale.
fn half_toco(toco: f64) -> Option<Option<HalfToco>> {
    let exact = (toco * 2.0).fract() == 0.0 && (0.0..=TOCO_FULL_SCALE).contains(&toco);
    exact.then(|| HalfToco::new((toco * 2.0) as u8))
}

#[cfg(test)]
mod tests;
