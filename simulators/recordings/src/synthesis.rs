use ctg::{FetusIndex, FhrChannel, FindingKind, HalfToco, Quality, QuarterBpm};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Trace;
use crate::shape::{Wander, gauss, hump, smooth_step};
use crate::woman::{Artifact, ArtifactSpan, Contraction, Fetus, Toco, Woman};

/// Bandwidth of an oscillation over a minute, in standard deviations of it.
const BANDWIDTH_PER_DEVIATION: f64 = 3.3;
/// Mean length of a random dropout: a moment of bad contact.
const DROPOUT_MEAN_S: f64 = 2.5;
/// Correlation of the sample-to-sample spread at 4 Hz: one beat spans two samples.
const SHORT_TERM_CORRELATION: f64 = 0.6;
/// Tone of the uterus at rest, toco units.
const RESTING_TOCO: f64 = 10.0;
/// Belt movement by breathing, toco units.
const BREATHING_TOCO: f64 = 0.8;
/// A mother's heart speeds up by so much at the peak of a contraction.
const MOTHER_PER_CONTRACTION_BPM: f64 = 12.0;

/// A recording and what is true of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Synthetic {
    /// What the belt measured.
    pub trace: Trace,
    /// What happened.
    pub truth: Truth,
}

/// What happened in a synthetic recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// Baseline of each fetus (outer) at each whole second (inner).
    pub baseline_bpm: Vec<Vec<f32>>,
    /// What was scripted, by start. Random dropouts are not events.
    pub events: Vec<TrueEvent>,
}

/// Something that was scripted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrueEvent {
    /// What a perfect method would call it.
    pub kind: FindingKind,
    /// Which fetus; `None` for contractions.
    pub fetus: Option<FetusIndex>,
    /// First moment that differs from rest, seconds from the start.
    pub start_s: f64,
    /// First moment back at rest.
    pub end_s: f64,
    /// When the nadir or peak is reached first; for artifacts, the start.
    pub extreme_s: f64,
    /// Distance from baseline or resting tone, positive, in bpm or toco units; `None` for artifacts.
    pub amplitude: Option<f64>,
}

impl Woman {
    /// Plays the script.
    pub fn record(&self) -> Synthetic {
        let count = (self.duration_s * f64::from(self.rate.hz())) as usize;
        let mother = self.mother_rates(count);
        let hearts: Vec<_> = (0..self.fetuses.len()).map(|index| self.heart(index, count)).collect();
        let fhr = (0..self.fetuses.len()).map(|index| self.sensor(index, &hearts, &mother)).collect();
        let trace = Trace {
            rate: self.rate,
            fhr_step_quarter_bpm: self.fhr_step_quarter_bpm,
            fhr,
            mhr: self.has_mhr.then(|| mother.iter().map(|rate| self.quantized(*rate)).collect()),
            toco: self.toco_channel(count),
        };
        Synthetic { trace, truth: self.truth() }
    }

    fn random(&self, stream: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(stream);
        random
    }

    fn time_s(&self, index: usize) -> f64 {
        index as f64 / f64::from(self.rate.hz())
    }

    fn quantized(&self, rate_bpm: f64) -> Option<QuarterBpm> {
        let step = f64::from(self.fhr_step_quarter_bpm);
        let quarters = (rate_bpm * 4.0 / step).round() * step;
        QuarterBpm::new(quarters.clamp(1.0, f64::from(QuarterBpm::MAX)) as u16)
    }

    /// The true heart rate of one fetus, at every sample.
    fn heart(&self, index: usize, count: usize) -> Vec<f64> {
        let fetus = &self.fetuses[index];
        let baseline = self.baseline(index);
        let mut random = self.random(100 + index as u64);
        let oscillation = Wander::new(&mut random, 2.0, 6.0);
        let innovation = fetus.short_term_bpm * (1.0 - SHORT_TERM_CORRELATION.powi(2)).sqrt();
        let mut short_term = 0.0;
        let mut rate = |t_s: f64| {
            short_term = SHORT_TERM_CORRELATION * short_term + innovation * gauss(&mut random);
            let long_term = oscillation.at(t_s) * fetus.variability_bpm / BANDWIDTH_PER_DEVIATION;
            baseline.at(t_s) + fetus.excursions_at(t_s) + long_term + short_term
        };
        (0..count).map(|sample| rate(self.time_s(sample)).max(30.0)).collect()
    }

    fn baseline(&self, index: usize) -> Baseline<'_> {
        let mut random = self.random(200 + index as u64);
        Baseline { fetus: &self.fetuses[index], wander: Wander::new(&mut random, 0.03, 0.15) }
    }

    /// What the sensor of one fetus shows.
    fn sensor(&self, index: usize, hearts: &[Vec<f64>], mother: &[f64]) -> FhrChannel {
        let fetus = &self.fetuses[index];
        let mut random = self.random(300 + index as u64);
        let mut contact = Contact::new(fetus.dropout_ratio, self.rate.hz());
        let mut shown = |sample: usize, heart: f64| {
            let dropped = contact.is_lost(&mut random);
            let noise = 60.0 + 140.0 * random.random::<f64>();
            let rate = match fetus.artifact_at(self.time_s(sample)) {
                None => (!dropped).then_some((heart, Quality::Good)),
                Some(Artifact::Loss) => None,
                Some(Artifact::Maternal) => mother.get(sample).map(|rate| (*rate, Quality::Good)),
                Some(Artifact::OtherTwin(twin)) => {
                    hearts.get(twin).and_then(|heart| heart.get(sample)).map(|rate| (*rate, Quality::Good))
                }
                Some(Artifact::Noise) => Some((noise, Quality::Poor)),
                Some(Artifact::Flat(rate)) => Some((rate, Quality::Fair)),
                Some(Artifact::Doubled) => Some((heart * 2.0, Quality::Fair)),
                Some(Artifact::Halved) => Some((heart / 2.0, Quality::Fair)),
            };
            match rate {
                Some((rate, quality)) => (self.quantized(rate), quality),
                None => (None, Quality::Poor),
            }
        };
        let (rates, quality) = hearts[index].iter().enumerate().map(|(sample, heart)| shown(sample, *heart)).unzip();
        FhrChannel { rates, quality: Some(quality) }
    }

    fn mother_rates(&self, count: usize) -> Vec<f64> {
        let mut random = self.random(1);
        let wander = Wander::new(&mut random, 0.5, 4.0);
        let mut rate = |t_s: f64| {
            let effort = self.contractions.iter().map(|contraction| contraction.at(t_s)).fold(0.0, f64::max);
            let strain = (effort / 50.0).min(1.5) * MOTHER_PER_CONTRACTION_BPM;
            self.mother_bpm + 2.0 * wander.at(t_s) + strain + 0.5 * gauss(&mut random)
        };
        (0..count).map(|sample| rate(self.time_s(sample))).collect()
    }

    fn toco_channel(&self, count: usize) -> Option<Vec<Option<HalfToco>>> {
        match self.toco {
            Toco::Absent => None,
            Toco::Unplugged => Some(vec![HalfToco::new(0); count]),
            Toco::Worn => {
                let mut random = self.random(2);
                let breathing = Wander::new(&mut random, 12.0, 18.0);
                let tone = Wander::new(&mut random, 0.1, 0.5);
                let value = |sample: usize| {
                    let t_s = self.time_s(sample);
                    let activity: f64 = self.contractions.iter().map(|contraction| contraction.at(t_s)).sum();
                    let units = RESTING_TOCO + activity + tone.at(t_s) + BREATHING_TOCO * breathing.at(t_s);
                    HalfToco::new((units * 2.0).round().clamp(0.0, f64::from(HalfToco::MAX)) as u8)
                };
                Some((0..count).map(value).collect())
            }
        }
    }

    fn truth(&self) -> Truth {
        let seconds = self.duration_s as u32;
        let baseline_bpm = (0..self.fetuses.len())
            .map(|index| {
                let baseline = self.baseline(index);
                (0..seconds).map(|second| baseline.at(f64::from(second)) as f32).collect()
            })
            .collect();
        let mut events: Vec<_> = self.contractions.iter().map(Contraction::truth).collect();
        for (index, fetus) in (0_u8..).zip(&self.fetuses) {
            events.extend(fetus.truth(FetusIndex::new(index)));
        }
        events.retain(|event| event.start_s < self.duration_s);
        events.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
        Truth { baseline_bpm, events }
    }
}

impl Fetus {
    fn excursions_at(&self, t_s: f64) -> f64 {
        let one = |excursion: &crate::woman::Excursion| {
            let shape = hump(t_s - excursion.start_s, excursion.duration_s, excursion.onset_s, excursion.recovery_s);
            shape * excursion.amplitude_bpm
        };
        self.excursions.iter().map(one).sum()
    }

    fn artifact_at(&self, t_s: f64) -> Option<Artifact> {
        let span = |span: &&ArtifactSpan| (span.start_s..span.start_s + span.duration_s).contains(&t_s);
        self.artifacts.iter().find(span).map(|span| span.artifact)
    }

    fn truth(&self, fetus: Option<FetusIndex>) -> impl Iterator<Item = TrueEvent> {
        let excursions = self.excursions.iter().map(move |excursion| TrueEvent {
            kind: excursion.kind,
            fetus,
            start_s: excursion.start_s,
            end_s: excursion.start_s + excursion.duration_s,
            extreme_s: excursion.start_s + excursion.onset_s,
            amplitude: Some(excursion.amplitude_bpm.abs()),
        });
        let artifacts = self.artifacts.iter().map(move |span| TrueEvent {
            kind: span.artifact.finding(),
            fetus,
            start_s: span.start_s,
            end_s: span.start_s + span.duration_s,
            extreme_s: span.start_s,
            amplitude: None,
        });
        excursions.chain(artifacts)
    }
}

impl Artifact {
    fn finding(self) -> FindingKind {
        match self {
            Self::Loss => FindingKind::SignalLoss,
            Self::Maternal | Self::Noise | Self::Flat(_) => FindingKind::FalseSignal,
            Self::OtherTwin(_) => FindingKind::TwinCoincidence,
            Self::Doubled | Self::Halved => FindingKind::RateJump,
        }
    }
}

impl Contraction {
    fn at(&self, t_s: f64) -> f64 {
        let half = self.duration_s / 2.0;
        self.amplitude_toco * hump(t_s - self.start_s, self.duration_s, half, half)
    }

    fn truth(&self) -> TrueEvent {
        TrueEvent {
            kind: FindingKind::Contraction,
            fetus: None,
            start_s: self.start_s,
            end_s: self.start_s + self.duration_s,
            extreme_s: self.start_s + self.duration_s / 2.0,
            amplitude: Some(self.amplitude_toco),
        }
    }
}

struct Baseline<'fetus> {
    fetus: &'fetus Fetus,
    wander: Wander,
}

impl Baseline<'_> {
    fn at(&self, t_s: f64) -> f64 {
        let wander = (self.wander.at(t_s) / 2.0).clamp(-1.0, 1.0) * self.fetus.drift_bpm;
        let shifts = self.fetus.shifts.iter().map(|s| s.by_bpm * smooth_step((t_s - s.start_s) / s.over_s.max(1.0)));
        self.fetus.baseline_bpm + wander + shifts.sum::<f64>()
    }
}

/// A sensor that loses contact at random and finds it again.
struct Contact {
    lost: bool,
    loses: f64,
    finds: f64,
}

impl Contact {
    fn new(ratio: f64, rate_hz: u8) -> Self {
        let finds = 1.0 / (DROPOUT_MEAN_S * f64::from(rate_hz));
        Self { lost: false, loses: finds * ratio / (1.0 - ratio), finds }
    }

    fn is_lost(&mut self, random: &mut ChaCha8Rng) -> bool {
        let change = if self.lost { self.finds } else { self.loses };
        if random.random::<f64>() < change {
            self.lost = !self.lost;
        }
        self.lost
    }
}

#[cfg(test)]
mod tests;
