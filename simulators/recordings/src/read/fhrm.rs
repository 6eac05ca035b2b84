//! FHRMA's format of recordings with a maternal channel (Boudet 2022).

use ctg::{FhrChannel, HalfToco, QuarterBpm, SampleRate};

use super::{ReadError, SAMPLES_MAX, coarsest_step};
use crate::Trace;

/// Unix time of the first sample.
const HEADER_BYTES: usize = 4;
/// Two fetal rates and the maternal one × 4, toco × 2, flags.
const RECORD_BYTES: usize = 8;

/// Reads an `.fhrm` file: 4 Hz, a fetal channel, a second one where it shows anything, the maternal one and toco.
///
/// A rate of 0, or beyond 300 bpm, means no signal. Bytes after the last whole sample are left out.
///
/// # Errors
/// A file without a sample, or with more than a week of them.
pub fn read_fhrm(bytes: &[u8]) -> Result<Trace, ReadError> {
    let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let samples = body.len() / RECORD_BYTES;
    if samples == 0 {
        return Err(ReadError::Empty);
    }
    if samples > SAMPLES_MAX {
        return Err(ReadError::TooLong);
    }
    let rates = |offset: usize| -> Vec<Option<QuarterBpm>> {
        let quarters = |record: &[u8]| u16::from_le_bytes([record[offset], record[offset + 1]]);
        body.chunks_exact(RECORD_BYTES).map(|record| QuarterBpm::new(quarters(record))).collect()
    };
    let shows_anything = |channel: &Vec<Option<QuarterBpm>>| channel.iter().any(Option::is_some);
    let mut fetal = vec![rates(0)];
    fetal.extend(Some(rates(2)).filter(shows_anything));
    let step = coarsest_step(fetal.iter().flatten().flatten().copied());
    Ok(Trace {
        rate: SampleRate::FOUR_HZ,
        fhr_step_quarter_bpm: step,
        fhr: fetal.into_iter().map(|rates| FhrChannel { rates, quality: None }).collect(),
        mhr: Some(rates(4)).filter(shows_anything),
        toco: Some(body.chunks_exact(RECORD_BYTES).map(|record| HalfToco::new(record[6])).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(records: &[[u8; 8]]) -> Vec<u8> {
        [&[0; HEADER_BYTES], records.concat().as_slice()].concat()
    }

    #[test]
    fn channels_are_read_exactly() {
        let trace = read_fhrm(&file(&[[48, 2, 0, 0, 100, 1, 25, 1], [0, 0, 0, 0, 255, 255, 255, 0]])).unwrap();
        assert_eq!(trace.fhr.len(), 1);
        assert_eq!(trace.fhr[0].rates, [QuarterBpm::new(560), None]);
        assert_eq!(trace.mhr, Some(vec![QuarterBpm::new(356), None]));
        assert_eq!(trace.toco, Some(vec![HalfToco::new(25), None]));
    }

    #[test]
    fn a_second_sensor_is_a_second_channel() {
        let trace = read_fhrm(&file(&[[48, 2, 49, 2, 0, 0, 25, 1]])).unwrap();
        assert_eq!((trace.fhr.len(), trace.mhr), (2, None));
    }

    #[test]
    fn short_files_are_empty() {
        for length in 0..HEADER_BYTES + RECORD_BYTES {
            assert_eq!(read_fhrm(&vec![7; length]), Err(ReadError::Empty));
        }
    }
}
