//! Runs the streaming engine over one recording, a block a second.

use ctg::{FetusIndex, FhrChannel, Numerics, Recording, RecordingId, Timestamp};
use recordings::{Session, Trace};
use signal::report::{LookAhead, Report, false_signal_probabilities};
use signal::rules::{self, Comparison};
use signal::{Analyzer, Features, Settings};

use super::arguments::Arguments;

/// Files do not say when they begin: all begin at 2026-01-01T00:00:00Z, and results count from there.
pub(super) const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
/// Length of the blocks that the engine is fed with.
const BLOCK_LENGTH_MS: u16 = 1000;
/// Name under which files are analyzed; no device sent them.
const DEVICE: &str = "file";

/// A recording and what the analysis says of it.
pub(super) struct Analyzed {
    pub(super) trace: Trace,
    pub(super) fetuses: Vec<Seen>,
}

/// What the analysis says of one fetus.
pub(super) struct Seen {
    pub(super) fetus: FetusIndex,
    pub(super) report: Report,
    pub(super) comparison: Comparison,
    /// The last figures; `None` for a recording of less than a second.
    pub(super) numerics: Option<Numerics>,
    /// Probability of false signal of every sample at 4 Hz; empty for other rates.
    pub(super) false_signal: Vec<f32>,
}

impl Analyzed {
    /// The moment in seconds since the recording began.
    pub(super) fn at_s(moment: Timestamp) -> f64 {
        moment.seconds_since(START)
    }
}

/// Analyzes a recording.
pub(super) fn analyze(trace: Trace, arguments: &Arguments) -> Analyzed {
    let fetuses = seen(&trace, arguments);
    Analyzed { trace, fetuses }
}

/// What is said of every fetus; nothing of a trace without a sample.
fn seen(trace: &Trace, arguments: &Arguments) -> Vec<Seen> {
    let settings = arguments.settings();
    let recording = RecordingId::from_bytes([0; 16]);
    let session = Session { recording, start: START, block_length_ms: BLOCK_LENGTH_MS, repeat: false };
    let (Some(first), Ok(device)) = (session.block(trace, 0), DEVICE.parse()) else { return Vec::new() };
    let recording = Recording::from_block(device, &first, START);
    let mut analyzer = Analyzer::new(&recording, &settings);
    let mut reports: Vec<(Report, Option<Numerics>)> =
        indices(recording.fetuses).map(|fetus| (Report::new(START, fetus), None)).collect();
    for block in session.blocks(trace) {
        take(&mut reports, &analyzer.push(&block));
    }
    take(&mut reports, &analyzer.finish());
    let told = reports.into_iter().zip(indices(recording.fetuses));
    told.filter_map(|((report, numerics), fetus)| {
        let comparison = compare(&analyzer.features(fetus)?, arguments);
        let false_signal = false_signal(trace, fetus, &settings, arguments.look_ahead());
        Some(Seen { fetus, report, comparison, numerics, false_signal })
    })
    .collect()
}

/// The channels that are to be analyzed.
pub(super) fn chosen_channels(trace: Trace, arguments: &Arguments) -> Trace {
    let trace = if arguments.one_fetus { one_fetus(trace) } else { trace };
    let mhr = trace.mhr.filter(|_| !arguments.ignore_maternal);
    Trace { mhr, ..trace }
}

/// Takes several heart-rate channels for sensors of one fetus; where more than one has a rate, the higher one counts.
fn one_fetus(trace: Trace) -> Trace {
    let mut channels = trace.fhr.into_iter();
    let mut rates = channels.next().map_or(Vec::new(), |first| first.rates);
    for other in channels {
        rates.iter_mut().zip(&other.rates).for_each(|(rate, other)| *rate = (*rate).max(*other));
    }
    Trace { fhr: vec![FhrChannel { rates, quality: None }], ..trace }
}

fn indices(fetuses: u8) -> impl Iterator<Item = FetusIndex> {
    (0..fetuses).map_while(FetusIndex::new)
}

fn take(reports: &mut [(Report, Option<Numerics>)], analysis: &ctg::Analysis) {
    for (index, (report, numerics)) in reports.iter_mut().enumerate() {
        report.take(analysis);
        let own = |figures: &&Numerics| usize::from(figures.fetus.get()) == index;
        *numerics = analysis.numerics.iter().rev().find(own).copied().or(*numerics);
    }
}

fn compare(features: &Features, arguments: &Arguments) -> Comparison {
    rules::compare(arguments.rule_sets(), features, &arguments.context())
}

fn false_signal(trace: &Trace, fetus: FetusIndex, settings: &Settings, look_ahead: LookAhead) -> Vec<f32> {
    let channel = trace.fhr.get(usize::from(fetus.get()));
    let Some((method, channel)) = settings.false_signal_method.zip(channel) else { return Vec::new() };
    if trace.rate != ctg::SampleRate::FOUR_HZ {
        return Vec::new();
    }
    let (at_once, settled) =
        false_signal_probabilities(method, &channel.rates, trace.mhr.as_deref(), trace.toco.as_deref());
    match look_ahead {
        LookAhead::None => at_once,
        LookAhead::Minute => settled,
    }
}
