//! EDF and EDF+ (Kemp 1992, Kemp and Olivan 2003), as far as a cardiotocogram needs it.

use ctg::{FETUSES_MAX, FhrChannel, HalfToco, QuarterBpm, SampleRate};

use super::{ReadError, SAMPLES_MAX, coarsest_step};
use crate::Trace;

/// Bytes of the fixed part of the header, and of the part of each signal.
const HEADER_BYTES: usize = 256;
/// Most signals that a header may announce: far more than any monitor has.
const SIGNALS_MAX: usize = 64;
/// Bytes of one sample.
const SAMPLE_BYTES: usize = 2;

/// Reads the signals whose labels begin with `FHR` (up to three), `MHR`, and `UC`, `UA` or `TOCO`; others are left out.
///
/// Heart rates must have one rate of 1, 2, 4 or 8 Hz; uterine activity is held or thinned out to that rate. Rates are
/// rounded to quarters of a bpm. What lies outside of 0 to 300 bpm or 0 to 127 toco units is no signal, and a rate of 0
/// too, since the format has no other way to say so.
///
/// # Errors
/// What in the header does not fit the format or the file, or is not supported: no fetal heart rate, discontinuous
/// recordings (`EDF+D`), other sample rates, steps coarser than 2 bpm.
pub fn read_edf(bytes: &[u8]) -> Result<Trace, ReadError> {
    let header = Header::parse(bytes)?;
    let chosen = Chosen::from_signals(&header.signals)?;
    let rate = header.sample_rate(chosen.fhr[0])?;
    let samples = chosen.fhr[0].per_record.checked_mul(header.records).filter(|samples| *samples <= SAMPLES_MAX);
    let samples = samples.ok_or(ReadError::TooLong)?;
    if samples == 0 {
        return Err(ReadError::Empty);
    }
    if chosen.rates().any(|signal| signal.per_record != chosen.fhr[0].per_record) {
        return Err(ReadError::Unsupported("heart-rate signals must have one sample rate"));
    }
    let body = &bytes[header.bytes..];
    let rates = |signal: &Signal| -> Vec<Option<QuarterBpm>> {
        header.values(body, signal, samples).map(|bpm| bpm.and_then(quarter_bpm)).collect()
    };
    let fetal: Vec<Vec<Option<QuarterBpm>>> = chosen.fhr.iter().map(|signal| rates(signal)).collect();
    Ok(Trace {
        rate,
        fhr_step_quarter_bpm: step(&chosen.fhr, &fetal)?,
        fhr: fetal.into_iter().map(|rates| FhrChannel { rates, quality: None }).collect(),
        mhr: chosen.mhr.map(rates),
        toco: chosen
            .toco
            .map(|signal| header.values(body, signal, samples).map(|units| units.and_then(half_toco)).collect()),
    })
}

struct Header {
    bytes: usize,
    records: usize,
    record_s: f64,
    record_bytes: usize,
    signals: Vec<Signal>,
}

struct Signal {
    label: String,
    per_record: usize,
    /// Bytes from the beginning of a record.
    offset: usize,
    unit_per_digit: f64,
    zero: f64,
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, ReadError> {
        if bytes.is_empty() {
            return Err(ReadError::Empty);
        }
        let fixed = bytes.get(..HEADER_BYTES).ok_or(ReadError::Header("file is shorter than an EDF header"))?;
        if field(fixed, 0, 8) != "0" {
            return Err(ReadError::Header("file must begin with the version number 0 of EDF"));
        }
        if field(fixed, 192, 44).starts_with("EDF+D") {
            return Err(ReadError::Unsupported("the recording is discontinuous (EDF+D)"));
        }
        let count = number(fixed, 252, 4).filter(|count| (1..=SIGNALS_MAX).contains(count));
        let count = count.ok_or(ReadError::Header("number of signals must be 1 to 64"))?;
        let header_bytes = HEADER_BYTES * (count + 1);
        let described = bytes.get(HEADER_BYTES..header_bytes);
        let described = described.ok_or(ReadError::Header("file is shorter than its header says"))?;
        let signals = signals(described, count)?;
        let record_bytes: usize = signals.iter().map(|signal| signal.per_record * SAMPLE_BYTES).sum();
        let record_s = field(fixed, 244, 8).parse::<f64>().ok().filter(|seconds| *seconds > 0.0 && seconds.is_finite());
        let record_s = record_s.ok_or(ReadError::Header("duration of a record must be a number of seconds"))?;
        let found = bytes.len() - header_bytes;
        let records = records(fixed, found, record_bytes)?;
        Ok(Self { bytes: header_bytes, records, record_s, record_bytes, signals })
    }

    fn sample_rate(&self, signal: &Signal) -> Result<SampleRate, ReadError> {
        let hz = signal.per_record as f64 / self.record_s;
        let whole = (hz.fract() == 0.0 && hz <= f64::from(u8::MAX)).then_some(hz as u8);
        let rate = whole.and_then(SampleRate::new);
        rate.ok_or(ReadError::Unsupported("heart rate must have 1, 2, 4 or 8 samples per second"))
    }

    /// The values of a signal at `samples` equally distant moments; `None` beyond the end of the file.
    fn values(&self, body: &[u8], signal: &Signal, samples: usize) -> impl Iterator<Item = Option<f64>> {
        let own_samples = signal.per_record * self.records;
        (0..samples).map(move |sample| {
            let own = sample * own_samples / samples;
            let record = own / signal.per_record;
            let at = record * self.record_bytes + signal.offset + own % signal.per_record * SAMPLE_BYTES;
            let digit = body.get(at..at + SAMPLE_BYTES)?;
            let digit = i16::from_le_bytes([digit[0], digit[1]]);
            Some(f64::from(digit) * signal.unit_per_digit + signal.zero)
        })
    }
}

/// Records in the file; a header written before the end of the recording says -1.
fn records(fixed: &[u8], found: usize, record_bytes: usize) -> Result<usize, ReadError> {
    let announced = field(fixed, 236, 8);
    if announced == "-1" {
        return Ok(found.checked_div(record_bytes).unwrap_or(0));
    }
    let records: usize = announced.parse().map_err(|_| ReadError::Header("number of records cannot be read"))?;
    let expected = records.checked_mul(record_bytes).ok_or(ReadError::TooLong)?;
    if found == expected { Ok(records) } else { Err(ReadError::Length { expected, found }) }
}

fn signals(described: &[u8], count: usize) -> Result<Vec<Signal>, ReadError> {
    let mut offset = 0;
    let text = |start: usize, width: usize, at: usize| field(described, start * count + at * width, width);
    let value = |start: usize, at: usize| text(start, 8, at).parse::<f64>().ok().filter(|value| value.is_finite());
    (0..count)
        .map(|at| {
            let physical = value(104, at).zip(value(112, at));
            let digital = value(120, at).zip(value(128, at)).filter(|(low, high)| low < high);
            let ((low, high), (first, last)) =
                physical.zip(digital).ok_or(ReadError::Header("ranges of a signal cannot be read"))?;
            let per_record = number(described, 216 * count + at * 8, 8).filter(|samples| *samples <= SAMPLES_MAX);
            let per_record = per_record.ok_or(ReadError::Header("samples in a record cannot be read"))?;
            let unit_per_digit = (high - low) / (last - first);
            let zero = low - first * unit_per_digit;
            let signal = Signal { label: text(0, 16, at).to_uppercase(), per_record, offset, unit_per_digit, zero };
            offset += per_record * SAMPLE_BYTES;
            Ok(signal)
        })
        .collect()
}

fn field(bytes: &[u8], start: usize, width: usize) -> String {
    let text = bytes.get(start..start + width).unwrap_or_default();
    String::from_utf8_lossy(text).trim().to_owned()
}

fn number(bytes: &[u8], start: usize, width: usize) -> Option<usize> {
    field(bytes, start, width).parse().ok()
}

/// The signals that make a cardiotocogram.
struct Chosen<'a> {
    fhr: Vec<&'a Signal>,
    mhr: Option<&'a Signal>,
    toco: Option<&'a Signal>,
}

impl<'a> Chosen<'a> {
    fn from_signals(signals: &'a [Signal]) -> Result<Self, ReadError> {
        let labeled = |names: &'static [&'static str]| {
            signals.iter().filter(move |signal| names.iter().any(|name| signal.label.starts_with(name)))
        };
        let fhr: Vec<&Signal> = labeled(&["FHR"]).filter(|signal| signal.per_record > 0).take(FETUSES_MAX).collect();
        if fhr.is_empty() {
            return Err(ReadError::Unsupported("no signal whose label begins with FHR"));
        }
        let toco = labeled(&["UC", "UA", "TOCO"]).find(|signal| signal.per_record > 0);
        Ok(Self { fhr, mhr: labeled(&["MHR"]).find(|signal| signal.per_record > 0), toco })
    }

    fn rates(&self) -> impl Iterator<Item = &'a Signal> {
        self.fhr.iter().copied().chain(self.mhr)
    }
}

/// The coarser one of what the header can say and of what the rates show.
fn step(signals: &[&Signal], fetal: &[Vec<Option<QuarterBpm>>]) -> Result<u8, ReadError> {
    let declared = signals.iter().map(|signal| signal.unit_per_digit.abs() * 4.0).fold(0.0, f64::max).ceil();
    if declared > f64::from(ctg::SampleBlock::STEP_MAX_QUARTER_BPM) {
        return Err(ReadError::Unsupported("heart rate must have steps of at most 2 bpm"));
    }
    Ok(coarsest_step(fetal.iter().flatten().flatten().copied()).max(declared as u8))
}

fn quarter_bpm(bpm: f64) -> Option<QuarterBpm> {
    let quarters = (bpm * 4.0).round();
    (0.0..=f64::from(QuarterBpm::MAX)).contains(&quarters).then_some(quarters as u16).and_then(QuarterBpm::new)
}

fn half_toco(units: f64) -> Option<HalfToco> {
    let halves = (units * 2.0).round();
    (0.0..=f64::from(HalfToco::MAX)).contains(&halves).then_some(halves as u8).and_then(HalfToco::new)
}

#[cfg(test)]
mod tests;
