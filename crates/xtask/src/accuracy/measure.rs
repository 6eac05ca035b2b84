//! Runs the program and the scorers.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run::{root, say};
use crate::setup::PYTHON_ENVIRONMENT;

/// Clock ticks in a second in `/proc`, on every Linux of today.
const TICKS_PER_SECOND: f64 = 100.0;

/// Where everything is.
pub(super) struct Bench {
    pub(super) corpora: PathBuf,
    pub(super) results: PathBuf,
    pub(super) programs: PathBuf,
}

/// One run of the program over a corpus.
pub(super) struct Run {
    folder: PathBuf,
    /// CPU seconds for each hour of recording.
    pub(super) cpu_s_per_hour: f64,
}

/// F1 of events, pooled over recordings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Events {
    pub(super) accelerations: f64,
    pub(super) decelerations: f64,
    pub(super) contractions: f64,
    pub(super) recordings: u64,
}

/// Agreement with a method's baseline and decelerations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Baselines {
    pub(super) madi_percent: f64,
    pub(super) rmsd_bpm: f64,
    pub(super) decelerations: f64,
}

/// False signal.
#[derive(Clone, Copy, Debug)]
pub(super) struct FalseSignals {
    pub(super) f1: f64,
    pub(super) auc: f64,
    pub(super) excerpts: u64,
}

impl Bench {
    /// Runs `maia analyze` over one folder of the corpora.
    pub(super) fn analyze(&self, corpus: &str, look_ahead_s: &str, more: &[&str]) -> Result<Run> {
        let name = [&[corpus, look_ahead_s], more].concat().join("_").replace(['/', ' '], "-");
        let folder = self.results.join(name);
        if folder.is_dir() {
            std::fs::remove_dir_all(&folder)?;
        }
        say(&format!("maia analyze {corpus} --look-ahead {look_ahead_s} {}", more.join(" ")));
        let cpu_s = children_cpu_s();
        let status = Command::new(self.programs.join("maia"))
            .arg("analyze")
            .arg(self.corpora.join(corpus))
            .args(["--look-ahead", look_ahead_s, "--output"])
            .arg(&folder)
            .args(more)
            .status()
            .context("cannot start maia")?;
        if !status.success() {
            bail!("maia analyze {corpus} failed ({status})");
        }
        let cpu_s = children_cpu_s() - cpu_s;
        Ok(Run { cpu_s_per_hour: cpu_s / recorded_hours(&folder)?, folder })
    }

    /// Compares with the experts of CTU-UHB.
    pub(super) fn events(&self, run: &Run) -> Result<Events> {
        let summary = self.score(&run.folder, &self.corpora.join("ctu-uhb/events.json"), "ctu-uhb")?;
        let pooled = |key: &str| number(&summary, &[key, "f1"]);
        Ok(Events {
            accelerations: pooled("acc_pooled")?,
            decelerations: pooled("dec_pooled")?,
            contractions: pooled("uc_pooled")?,
            recordings: number(&summary, &["records"])? as u64,
        })
    }

    /// Compares with offline WMFB on FHRMA's training recordings.
    pub(super) fn baselines(&self, run: &Run) -> Result<Baselines> {
        let summary = self.score(&run.folder, &self.offline_method()?, "fhrma-train")?;
        Ok(Baselines {
            madi_percent: number(&summary, &["MADI", "median"])?,
            rmsd_bpm: number(&summary, &["BL_RMSD", "median"])?,
            decelerations: number(&summary, &["dec_pooled", "f1"])?,
        })
    }

    /// Compares with the experts on the validation excerpts.
    pub(super) fn false_signals(&self, run: &Run) -> Result<FalseSignals> {
        let data = self.corpora.join("false-signal/val");
        let truth = self.corpora.join("false-signal/val.json");
        let dataset = ["--dataset", "DopMHRVal"];
        let summary = self.python("score_fs.py", &run.folder, &[("--truth", &truth), ("--data", &data)], &dataset)?;
        Ok(FalseSignals {
            f1: number(&summary, &["f1"])?,
            auc: number(&summary, &["auc"])?,
            excerpts: number(&summary, &["records"])? as u64,
        })
    }

    /// What the test crate says of scripted recordings.
    pub(super) fn scripted(&self) -> Result<String> {
        let output = Command::new(self.programs.join("accuracy")).output().context("cannot start accuracy")?;
        if !output.status.success() {
            bail!("scripted recordings: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The offline method's opinion, with its baseline under the name that the scorer asks for.
    fn offline_method(&self) -> Result<PathBuf> {
        let text = std::fs::read_to_string(self.corpora.join("fhrma-train/wmfb_offline.json"))?;
        let mut records: Value = serde_json::from_str(&text)?;
        for record in records.as_object_mut().context("wmfb_offline.json must be an object")?.values_mut() {
            record["baseline"] = record["baseline_bpm"].take();
        }
        let path = self.results.join("wmfb_offline.json");
        std::fs::write(&path, records.to_string())?;
        Ok(path)
    }

    fn score(&self, predicted: &Path, truth: &Path, raw: &str) -> Result<Value> {
        let raw = self.corpora.join(raw);
        self.python("score.py", predicted, &[("--ref", truth), ("--raw", &raw)], &[])
    }

    fn python(&self, scorer: &str, predicted: &Path, paths: &[(&str, &Path)], more: &[&str]) -> Result<Value> {
        let mut command = Command::new(root().join(PYTHON_ENVIRONMENT).join("bin/python"));
        command.arg(self.corpora.join("tools").join(scorer)).arg("--pred").arg(predicted).args(more);
        for (option, path) in paths {
            command.arg(option).arg(path);
        }
        let output = command.output().context("cannot start python: run `cargo xtask setup`")?;
        if !output.status.success() {
            bail!("{scorer}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

fn number(summary: &Value, path: &[&str]) -> Result<f64> {
    let found = path.iter().fold(summary, |value, key| &value[*key]);
    found.as_f64().with_context(|| format!("the scorer did not say {}", path.join(".")))
}

fn recorded_hours(folder: &Path) -> Result<f64> {
    let mut seconds = 0.0;
    for entry in std::fs::read_dir(folder)? {
        let document: Value = serde_json::from_slice(&std::fs::read(entry?.path())?)?;
        seconds += number(&document, &["duration_s"])?;
    }
    Ok(seconds / 3600.0)
}

/// CPU time of all programs that were started and have ended; 0 where the system does not tell.
fn children_cpu_s() -> f64 {
    const CHILD_USER: usize = 13;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| after_name.split_whitespace().nth(at).and_then(|ticks| ticks.parse::<f64>().ok());
    (ticks(CHILD_USER).unwrap_or(0.0) + ticks(CHILD_USER + 1).unwrap_or(0.0)) / TICKS_PER_SECOND
}
