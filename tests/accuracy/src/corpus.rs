//! The recordings and what experts or published methods say of them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ctg::{FhrChannel, HalfToco, QuarterBpm, SampleRate};
use recordings::Trace;
use serde_json::Value;

use crate::json::{numbers, pairs};

/// Events of one recording, in seconds, and the baseline at 1 Hz where there is one.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// Heart rate that has no doubt about it, bpm per second.
    pub baseline_bpm: Option<Vec<f64>>,
    /// From and to.
    pub accelerations_s: Vec<(f64, f64)>,
    /// From and to.
    pub decelerations_s: Vec<(f64, f64)>,
    /// From and to; `None` where nobody marked contractions.
    pub contractions_s: Option<Vec<(f64, f64)>>,
    /// Where nothing is judged.
    pub excluded_s: Vec<(f64, f64)>,
}

/// True and false signal of one excerpt, in samples from 1 as the corpus counts them.
#[derive(Clone, Debug, Default)]
pub struct FalseSignalTruth {
    /// The fetus.
    pub genuine: Vec<(f64, f64)>,
    /// Not the fetus.
    pub spurious: Vec<(f64, f64)>,
}

/// A recording with its truth.
#[derive(Clone, Debug)]
pub struct Judged<T> {
    /// Name of its file.
    pub name: String,
    /// What was recorded.
    pub trace: Trace,
    /// What it is compared with.
    pub truth: T,
}

/// Where the corpora are.
///
/// # Errors
/// Says how to name the folder if it is not there.
pub fn folder() -> Result<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ctg");
    let folder = std::env::var_os("MAIA_CTG_DIR").map_or_else(beside, PathBuf::from);
    if !folder.is_dir() {
        bail!(
            "no recordings at {}: set MAIA_CTG_DIR to the folder that holds ctu-uhb and fhrma-train",
            folder.display()
        );
    }
    Ok(folder)
}

/// CTU-UHB (Chudáček 2014) with the experts' events of Romagnoli 2020; every `stride`-th recording.
///
/// # Errors
/// A file that is missing or cannot be read.
pub fn ctu_uhb(folder: &Path, stride: usize) -> Result<Vec<Judged<Truth>>> {
    let folder = folder.join("ctu-uhb");
    load(&folder, "events.json", stride, |name, record| {
        let header = fs::read_to_string(folder.join(format!("{name}.hea")))?;
        let signal = fs::read(folder.join(format!("{name}.dat")))?;
        Ok((recordings::read_wfdb(&header, &signal)?, event_truth(record)?))
    })
}

/// FHRMA's training recordings with the baseline and events of WMFB offline (Boudet 2019); every `stride`-th.
///
/// # Errors
/// A file that is missing or cannot be read.
pub fn fhrma(folder: &Path, stride: usize) -> Result<Vec<Judged<Truth>>> {
    let folder = folder.join("fhrma-train");
    load(&folder, "wmfb_offline.json", stride, |name, record| {
        let text = fs::read_to_string(folder.join(format!("{name}.csv")))?;
        Ok((one_fetus(recordings::read_csv(&text)?), event_truth(record)?))
    })
}

/// Excerpts with the experts' true and false signal (Boudet 2022), `val` or `train`; every `stride`-th.
///
/// # Errors
/// A file that is missing or cannot be read.
pub fn false_signal(folder: &Path, split: &str, stride: usize) -> Result<Vec<Judged<FalseSignalTruth>>> {
    let folder = folder.join("false-signal");
    let excerpts = load(&folder, &format!("{split}.json"), stride, |name, record| {
        let truth = FalseSignalTruth { genuine: pairs(record, "ts_fhr")?, spurious: pairs(record, "fs_fhr")? };
        Ok((read_fhrm(&fs::read(folder.join(split).join(format!("{name}.fhrm")))?)?, truth))
    })?;
    let doppler = |excerpt: &Judged<FalseSignalTruth>| excerpt.name.starts_with("DopMHR");
    Ok(excerpts.into_iter().filter(doppler).collect())
}

fn load<T>(
    folder: &Path,
    truth: &str,
    stride: usize,
    read: impl Fn(&str, &Value) -> Result<(Trace, T)>,
) -> Result<Vec<Judged<T>>> {
    let path = folder.join(truth);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let Value::Object(records) = serde_json::from_str(&text)? else { bail!("{} must be an object", path.display()) };
    let mut names: Vec<&String> = records.keys().collect();
    names.sort();
    let chosen = names.into_iter().step_by(stride.max(1));
    chosen
        .map(|name| {
            let (trace, truth) = read(name, &records[name]).with_context(|| format!("recording {name}"))?;
            Ok(Judged { name: name.clone(), trace, truth })
        })
        .collect()
}

fn event_truth(record: &Value) -> Result<Truth> {
    let mut excluded_s = pairs(record, "unreliable")?;
    excluded_s.extend(pairs(record, "not_to_analyse")?);
    let marked = record.get("contractions").is_some_and(Value::is_array);
    Ok(Truth {
        baseline_bpm: numbers(record, "baseline_bpm"),
        accelerations_s: pairs(record, "accelerations")?,
        decelerations_s: pairs(record, "decelerations")?,
        contractions_s: if marked { Some(pairs(record, "contractions")?) } else { None },
        excluded_s,
    })
}

/// Two sensors of one fetus: where both have a rate, the higher one, as the corpus is judged.
fn one_fetus(trace: Trace) -> Trace {
    let Some((first, rest)) = trace.fhr.split_first() else { return trace };
    let mut rates = first.rates.clone();
    for other in rest {
        rates.iter_mut().zip(&other.rates).for_each(|(rate, other)| *rate = (*rate).max(*other));
    }
    Trace { fhr: vec![FhrChannel { rates, quality: None }], ..trace }
}

/// FHRMA's format: u32 of unix time, then records of fetal, second and maternal rate × 4, toco × 2 and flags.
fn read_fhrm(bytes: &[u8]) -> Result<Trace> {
    const RECORD_BYTES: usize = 8;
    let body = bytes.get(4..).context("file is shorter than its header")?;
    let records: Vec<&[u8]> = body.chunks_exact(RECORD_BYTES).collect();
    let rate = |at: usize| -> Vec<Option<QuarterBpm>> {
        records.iter().map(|record| QuarterBpm::new(u16::from_le_bytes([record[at], record[at + 1]]))).collect()
    };
    Ok(Trace {
        rate: SampleRate::FOUR_HZ,
        fhr_step_quarter_bpm: 1,
        fhr: vec![FhrChannel { rates: rate(0), quality: None }],
        mhr: Some(rate(4)),
        toco: Some(records.iter().map(|record| HalfToco::new(record[6])).collect()),
    })
}
