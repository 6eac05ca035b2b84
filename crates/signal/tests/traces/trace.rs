//! A trace written down as a function of time, cut into blocks, analyzed, and read back as text.

use std::fmt::Write as _;

use ctg::{
    Analysis, FhrChannel, Finding, HalfToco, QuarterBpm, Recording, RecordingId, SampleBlock, SampleRate, Timestamp,
};
use signal::{Analyzer, Settings};

/// 2026-11-22T09:15:00Z.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_795_338_900_000_000);

/// Samples of one recording on the native grid of its source.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) fhr: Vec<Vec<Option<QuarterBpm>>>,
    pub(crate) toco: Option<Vec<Option<HalfToco>>>,
    pub(crate) start: Timestamp,
    pub(crate) rate: SampleRate,
    pub(crate) block_length_ms: u16,
    pub(crate) step_quarter_bpm: u8,
}

impl Trace {
    /// One fetus at 4 Hz, `seconds` long; `None` is loss.
    pub(crate) fn new(seconds: u32, fhr_bpm: impl Fn(f64) -> Option<f64>) -> Self {
        Self::at(SampleRate::FOUR_HZ, seconds * 4, fhr_bpm)
    }

    /// One fetus at another rate, `samples` long.
    pub(crate) fn at(rate: SampleRate, samples: u32, fhr_bpm: impl Fn(f64) -> Option<f64>) -> Self {
        let quarters = |bpm: f64| QuarterBpm::new((bpm * 4.0).round().clamp(0.0, 1200.0) as u16);
        let fhr = (0..samples).map(|at| fhr_bpm(f64::from(at) / f64::from(rate.hz())).and_then(quarters)).collect();
        Self { fhr: vec![fhr], toco: None, start: START, rate, block_length_ms: 1000, step_quarter_bpm: 1 }
    }

    /// Adds uterine activity in relative units.
    pub(crate) fn with_toco(mut self, toco: impl Fn(f64) -> f64) -> Self {
        let halves = |value: f64| HalfToco::new((value * 2.0).round().clamp(0.0, 254.0) as u8);
        let samples = self.fhr[0].len();
        self.toco = Some((0..samples).map(|at| halves(toco(at as f64 / f64::from(self.rate.hz())))).collect());
        self
    }

    pub(crate) fn recording(&self) -> Recording {
        Recording {
            id: RecordingId::from_bytes([7; 16]),
            device: "belt-07".parse().unwrap(),
            start: self.start,
            block_length_ms: self.block_length_ms,
            fhr_rate: self.rate,
            toco_rate: self.rate,
            fhr_step_quarter_bpm: self.step_quarter_bpm,
            fetuses: self.fhr.len() as u8,
            received: START,
        }
    }

    /// The blocks that a device would send.
    pub(crate) fn blocks(&self) -> Vec<SampleBlock> {
        let per_block = self.rate.samples_in(self.block_length_ms).unwrap();
        let count = self.fhr[0].len().div_ceil(per_block);
        (0..count)
            .map(|at| {
                let samples = at * per_block..((at + 1) * per_block).min(self.fhr[0].len());
                SampleBlock {
                    recording: RecordingId::from_bytes([7; 16]),
                    sequence: at as u32,
                    start: self.start.plus_micros(at as i64 * i64::from(self.block_length_ms) * 1000),
                    block_length_ms: self.block_length_ms,
                    fhr_rate: self.rate,
                    toco_rate: self.rate,
                    fhr_step_quarter_bpm: self.step_quarter_bpm,
                    fhr: self
                        .fhr
                        .iter()
                        .map(|rates| FhrChannel { rates: rates[samples.clone()].to_vec(), quality: None })
                        .collect(),
                    mhr: None,
                    toco: self.toco.as_ref().map(|toco| toco[samples].to_vec()),
                }
            })
            .collect()
    }

    /// Everything that the analysis says about the trace.
    pub(crate) fn analyze(&self) -> Analysis {
        analyze(&self.recording(), &self.blocks())
    }
}

/// Everything that the analysis says about blocks in the order given.
pub(crate) fn analyze(recording: &Recording, blocks: &[SampleBlock]) -> Analysis {
    analyze_with(&Settings::published(), recording, blocks)
}

/// The same with settings of one's own.
pub(crate) fn analyze_with(settings: &Settings, recording: &Recording, blocks: &[SampleBlock]) -> Analysis {
    let mut analyzer = Analyzer::new(recording, settings);
    let mut all = Analysis::default();
    for block in blocks {
        append(&mut all, analyzer.push(block));
        let most = signal::STATE_BYTES_MAX * usize::from(recording.fetuses);
        assert!(analyzer.state_bytes() <= most, "{} bytes", analyzer.state_bytes());
    }
    append(&mut all, analyzer.finish());
    all
}

pub(crate) fn append(all: &mut Analysis, next: Analysis) {
    all.findings.extend(next.findings);
    all.baseline.extend(next.baseline);
    all.numerics.extend(next.numerics);
}

/// The last revision of each finding, in order of number.
pub(crate) fn last_revisions(analysis: &Analysis) -> Vec<&Finding> {
    let mut last = std::collections::BTreeMap::new();
    for finding in &analysis.findings {
        last.insert(finding.number, finding);
    }
    last.into_values().collect()
}

/// One line per finding: from, to, what, how sure, and its first measurements.
pub(crate) fn text(findings: &[&Finding]) -> String {
    let mut lines = String::new();
    for finding in findings {
        let at = |moment: Timestamp| moment.seconds_since(START);
        write!(
            lines,
            "{:.0}-{:.0} {} {}",
            at(finding.interval.start),
            at(finding.interval.end),
            finding.kind.code(),
            finding.stage.code()
        )
        .unwrap();
        for found in &finding.measurements {
            write!(lines, " {}={:.1}", found.quantity.code(), found.value).unwrap();
        }
        lines.push('\n');
    }
    lines
}
