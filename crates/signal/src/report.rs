//! What the analysis of a whole recording said, in the form that scorers and people compare.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ctg::{Analysis, FetusIndex, Finding, FindingKind, HalfToco, QuarterBpm, Stage, Timestamp};

use crate::false_signal::{FalseSignal, FalseSignalMethod};
use crate::learned::false_signal::LOOK_AHEAD_SAMPLES;

/// Which of its two opinions the analysis is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LookAhead {
    /// What was said at once, the last provisional word on each finding: 0 s.
    None,
    /// What stayed: at most 60 s later.
    Minute,
}

/// Gathers what one analysis says.
#[derive(Clone, Debug)]
pub struct Report {
    start: Timestamp,
    fetus: FetusIndex,
    baseline: BTreeMap<(Stage, u32), Option<f32>>,
    provisional: BTreeMap<u32, Finding>,
    last: BTreeMap<u32, Finding>,
}

/// Baseline and events under one look-ahead; times in seconds since the recording began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scored {
    /// The baseline of every second; `None` where there is none.
    pub baseline_bpm: Vec<Option<f32>>,
    /// Accelerations, from and to.
    pub accelerations_s: Vec<(f64, f64)>,
    /// Decelerations of any type, from and to.
    pub decelerations_s: Vec<(f64, f64)>,
    /// Contractions, from and to.
    pub contractions_s: Vec<(f64, f64)>,
    /// False signal, from and to.
    pub false_signal_s: Vec<(f64, f64)>,
}

impl Report {
    /// An empty report on one fetus of a recording that began at `start`.
    pub fn new(start: Timestamp, fetus: FetusIndex) -> Self {
        Self { start, fetus, baseline: BTreeMap::new(), provisional: BTreeMap::new(), last: BTreeMap::new() }
    }

    /// Takes what one step of the analysis said.
    pub fn take(&mut self, analysis: &Analysis) {
        for point in analysis.baseline.iter().filter(|point| point.fetus == self.fetus) {
            let second = point.at.seconds_since(self.start) as u32;
            self.baseline.insert((point.stage, second), point.baseline_bpm);
        }
        for finding in &analysis.findings {
            if finding.fetus.is_some_and(|fetus| fetus != self.fetus) {
                continue;
            }
            if finding.stage == Stage::Provisional {
                self.provisional.insert(finding.number, finding.clone());
            }
            self.last.insert(finding.number, finding.clone());
        }
    }

    /// The last word on each finding that was not taken back, in order of their beginning.
    pub fn findings(&self, look_ahead: LookAhead) -> Vec<&Finding> {
        let words = match look_ahead {
            LookAhead::None => &self.provisional,
            LookAhead::Minute => &self.last,
        };
        let mut stands: Vec<&Finding> = words.values().filter(|finding| finding.stage != Stage::Withdrawn).collect();
        stands.sort_by_key(|finding| (finding.interval, finding.number));
        stands
    }

    /// What is compared with experts.
    pub fn scored(&self, look_ahead: LookAhead) -> Scored {
        let mut scored = Scored { baseline_bpm: self.baseline(look_ahead), ..Scored::default() };
        for finding in self.findings(look_ahead) {
            let events = match finding.kind {
                FindingKind::Acceleration => &mut scored.accelerations_s,
                FindingKind::Deceleration(_) => &mut scored.decelerations_s,
                FindingKind::Contraction => &mut scored.contractions_s,
                FindingKind::FalseSignal => &mut scored.false_signal_s,
                FindingKind::CommunicationLoss
                | FindingKind::SignalLoss
                | FindingKind::Tachysystole
                | FindingKind::LowHeartRate
                | FindingKind::Tachycardia
                | FindingKind::Bradycardia
                | FindingKind::ReducedVariability
                | FindingKind::IncreasedVariability
                | FindingKind::Sinusoidal
                | FindingKind::TwinCoincidence
                | FindingKind::RateJump => continue,
            };
            let at_s = |moment: Timestamp| moment.seconds_since(self.start);
            events.push((at_s(finding.interval.start), at_s(finding.interval.end)));
        }
        scored
    }

    fn baseline(&self, look_ahead: LookAhead) -> Vec<Option<f32>> {
        let stage = match look_ahead {
            LookAhead::None => Stage::Provisional,
            LookAhead::Minute => Stage::Final,
        };
        let points = self.baseline.range((stage, 0)..=(stage, u32::MAX));
        let mut baseline_bpm = Vec::new();
        for ((_, second), bpm) in points {
            baseline_bpm.resize(*second as usize, None);
            baseline_bpm.push(*bpm);
        }
        baseline_bpm
    }
}

impl Scored {
    /// One JSON object: `fs`, `baseline` (one value a second; the scorers compare every second, so where there is none
    /// the last one is held, and before the first one that one), `accelerations`, `decelerations`, `contractions`
    /// (pairs of seconds) and `false_signal` (0 or 1 for each sample at 4 Hz).
    pub fn to_json(&self) -> String {
        let baseline: Vec<String> =
            self.held_baseline().map(|bpm| bpm.map_or("null".to_owned(), |bpm| format!("{bpm:.2}"))).collect();
        let mut json = format!("{{\"fs\":4,\"baseline\":[{}]", baseline.join(","));
        for (name, events) in [
            ("accelerations", &self.accelerations_s),
            ("decelerations", &self.decelerations_s),
            ("contractions", &self.contractions_s),
        ] {
            let pairs: Vec<String> = events.iter().map(|(from, to)| format!("[{from:.2},{to:.2}]")).collect();
            let _ = write!(json, ",\"{name}\":[{}]", pairs.join(","));
        }
        let _ = write!(json, ",\"false_signal\":[{}]}}", self.false_samples().join(","));
        json
    }

    fn held_baseline(&self) -> impl Iterator<Item = Option<f32>> {
        let first = self.baseline_bpm.iter().flatten().next().copied();
        self.baseline_bpm.iter().scan(first, |last, bpm| {
            *last = bpm.or(*last);
            Some(*last)
        })
    }

    fn false_samples(&self) -> Vec<&'static str> {
        let mut samples = vec!["0"; self.baseline_bpm.len() * 4];
        for (from_s, to_s) in &self.false_signal_s {
            let (from, to) = ((from_s * 4.0) as usize, ((to_s * 4.0) as usize).min(samples.len()));
            samples[from.min(to)..to].fill("1");
        }
        samples
    }
}

/// Probability that each sample of a fetal channel at 4 Hz is false signal: said at once, and ten seconds later.
///
/// 0 where the method has no opinion. Channels that are not measured are `None`.
pub fn false_signal_probabilities(
    method: FalseSignalMethod,
    fhr: &[Option<QuarterBpm>],
    mhr: Option<&[Option<QuarterBpm>]>,
    toco: Option<&[Option<HalfToco>]>,
) -> (Vec<f32>, Vec<f32>) {
    let mut detector = FalseSignal::new(method);
    let (mut at_once, mut settled) = (Vec::with_capacity(fhr.len()), Vec::with_capacity(fhr.len()));
    for at in 0..fhr.len() + LOOK_AHEAD_SAMPLES {
        let sample = |channel: Option<&[Option<QuarterBpm>]>| channel.and_then(|channel| *channel.get(at)?);
        let toco = toco.and_then(|toco| *toco.get(at)?).map(HalfToco::units);
        let (fhr_bpm, mhr_bpm) = (sample(Some(fhr)).map(QuarterBpm::bpm), sample(mhr).map(QuarterBpm::bpm));
        let opinion = detector.push(fhr_bpm, mhr_bpm, toco);
        at_once.push(opinion.now.unwrap_or(0.0));
        settled.push(opinion.settled.unwrap_or(0.0));
    }
    at_once.truncate(fhr.len());
    settled.drain(..LOOK_AHEAD_SAMPLES);
    (at_once, settled)
}

#[cfg(test)]
mod tests {
    use ctg::{BaselinePoint, Interval, RecordingId};

    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_795_338_900_000_000);

    fn finding(number: u32, kind: FindingKind, stage: Stage, from_s: i64, to_s: i64) -> Finding {
        Finding {
            recording: RecordingId::from_bytes([7; 16]),
            number,
            revision: 0,
            fetus: Some(FetusIndex::FIRST),
            kind,
            stage,
            interval: Interval { start: START.plus_seconds(from_s), end: START.plus_seconds(to_s) },
            ongoing: false,
            known_until: START.plus_seconds(to_s),
            method: ctg::Method { name: "test".into(), version: 1 },
            measurements: Vec::new(),
        }
    }

    fn point(second: i64, baseline_bpm: Option<f32>, stage: Stage) -> BaselinePoint {
        BaselinePoint { fetus: FetusIndex::FIRST, at: START.plus_seconds(second), baseline_bpm, stage }
    }

    #[test]
    fn each_look_ahead_has_its_own_words() {
        let mut report = Report::new(START, FetusIndex::FIRST);
        report.take(&Analysis {
            findings: vec![
                finding(1, FindingKind::Acceleration, Stage::Provisional, 1, 2),
                finding(1, FindingKind::Acceleration, Stage::Withdrawn, 1, 2),
                finding(2, FindingKind::Contraction, Stage::Provisional, 1, 3),
                finding(2, FindingKind::Contraction, Stage::Final, 0, 3),
                finding(3, FindingKind::FalseSignal, Stage::Final, 1, 2),
            ],
            baseline: vec![
                point(0, None, Stage::Provisional),
                point(1, Some(140.0), Stage::Provisional),
                point(0, Some(139.5), Stage::Final),
                point(1, Some(139.25), Stage::Final),
            ],
            numerics: Vec::new(),
        });
        assert_eq!(
            report.scored(LookAhead::None).to_json(),
            "{\"fs\":4,\"baseline\":[140.00,140.00],\"accelerations\":[[1.00,2.00]],\"decelerations\":[],\
             \"contractions\":[[1.00,3.00]],\"false_signal\":[0,0,0,0,0,0,0,0]}"
        );
        assert_eq!(
            report.scored(LookAhead::Minute).to_json(),
            "{\"fs\":4,\"baseline\":[139.50,139.25],\"accelerations\":[],\"decelerations\":[],\
             \"contractions\":[[0.00,3.00]],\"false_signal\":[0,0,0,0,1,1,1,1]}"
        );
    }
}
