use ctg::{DecelerationKind, FETUSES_MAX, FindingKind, SampleRate};

/// The script of one recording: what happens when, in seconds from its beginning.
///
/// ```
/// use recordings::{Fetus, Woman};
///
/// let fetus = Fetus::new(140.0).prolonged_deceleration(80.0, 270.0, 65.0);
/// let synthetic = Woman::new(7, 600.0).fetus(fetus).contractions_every(60.0, 200.0, 70.0, 45.0).record();
/// assert_eq!(synthetic.trace.duration_s(), 600.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Woman {
    pub(crate) seed: u64,
    pub(crate) duration_s: f64,
    pub(crate) rate: SampleRate,
    pub(crate) fhr_step_quarter_bpm: u8,
    pub(crate) fetuses: Vec<Fetus>,
    pub(crate) contractions: Vec<Contraction>,
    pub(crate) mother_bpm: f64,
    pub(crate) has_mhr: bool,
    pub(crate) toco: Toco,
}

/// The script of one fetus.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetus {
    pub(crate) baseline_bpm: f64,
    pub(crate) drift_bpm: f64,
    pub(crate) variability_bpm: f64,
    pub(crate) short_term_bpm: f64,
    pub(crate) dropout_ratio: f64,
    pub(crate) shifts: Vec<Shift>,
    pub(crate) excursions: Vec<Excursion>,
    pub(crate) artifacts: Vec<ArtifactSpan>,
}

/// One contraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contraction {
    /// Its onset.
    pub start_s: f64,
    /// From onset to end.
    pub duration_s: f64,
    /// Peak above resting tone, toco units.
    pub amplitude_toco: f64,
}

/// What a sensor shows instead of its fetus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Artifact {
    /// Nothing.
    Loss,
    /// The mother's heart.
    Maternal,
    /// The heart of the other twin, by index.
    OtherTwin(usize),
    /// Random rates.
    Noise,
    /// One and the same rate, in bpm, as an unplugged sensor may.
    Flat(f64),
    /// Twice the rate.
    Doubled,
    /// Half the rate.
    Halved,
}

/// What the toco channel shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Toco {
    Absent,
    Unplugged,
    Worn,
}

/// A lasting change of the baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shift {
    pub(crate) start_s: f64,
    pub(crate) over_s: f64,
    pub(crate) by_bpm: f64,
}

/// A transient change of the heart rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Excursion {
    pub(crate) kind: FindingKind,
    pub(crate) start_s: f64,
    pub(crate) duration_s: f64,
    pub(crate) onset_s: f64,
    pub(crate) recovery_s: f64,
    pub(crate) amplitude_bpm: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ArtifactSpan {
    pub(crate) artifact: Artifact,
    pub(crate) start_s: f64,
    pub(crate) duration_s: f64,
}

impl Woman {
    /// Longest recording: a week, so that no script asks for more memory than a machine has.
    pub const DURATION_MAX_S: f64 = 604_800.0;

    /// A recording of this length, at 4 Hz in steps of 0.25 bpm, with toco, without contractions.
    pub fn new(seed: u64, duration_s: f64) -> Self {
        Self {
            seed,
            duration_s: duration_s.clamp(0.0, Self::DURATION_MAX_S),
            rate: SampleRate::FOUR_HZ,
            fhr_step_quarter_bpm: 1,
            fetuses: Vec::new(),
            contractions: Vec::new(),
            mother_bpm: 82.0,
            has_mhr: false,
            toco: Toco::Worn,
        }
    }

    /// Adds a fetus; one beyond triplets is left out.
    #[must_use]
    pub fn fetus(mut self, fetus: Fetus) -> Self {
        if self.fetuses.len() < FETUSES_MAX {
            self.fetuses.push(fetus);
        }
        self
    }

    /// Samples at another rate, in steps of so many quarters of a bpm.
    #[must_use]
    pub fn measured(mut self, rate: SampleRate, fhr_step_quarter_bpm: u8) -> Self {
        self.rate = rate;
        self.fhr_step_quarter_bpm = fhr_step_quarter_bpm.max(1);
        self
    }

    /// Adds a contraction.
    #[must_use]
    pub fn contraction(mut self, contraction: Contraction) -> Self {
        self.contractions.push(contraction);
        self
    }

    /// Adds equal contractions, the first at `first_s`, until the end.
    #[must_use]
    pub fn contractions_every(mut self, first_s: f64, period_s: f64, duration_s: f64, amplitude_toco: f64) -> Self {
        let duration = self.duration_s;
        self.contractions.extend(Contraction::series(first_s, period_s, duration_s, amplitude_toco, duration));
        self
    }

    /// Gives the mother this resting heart rate.
    #[must_use]
    pub fn mother(mut self, rate_bpm: f64) -> Self {
        self.mother_bpm = rate_bpm;
        self
    }

    /// Adds a channel with the mother's heart rate.
    #[must_use]
    pub fn maternal_channel(mut self) -> Self {
        self.has_mhr = true;
        self
    }

    /// Leaves the toco channel out.
    #[must_use]
    pub fn without_toco(mut self) -> Self {
        self.toco = Toco::Absent;
        self
    }

    /// Leaves the toco channel flat at zero, whatever the uterus does.
    #[must_use]
    pub fn unplugged_toco(mut self) -> Self {
        self.toco = Toco::Unplugged;
        self
    }
}

impl Fetus {
    /// A fetus with moderate variability and a baseline that wanders a little.
    pub fn new(baseline_bpm: f64) -> Self {
        Self {
            baseline_bpm,
            drift_bpm: 2.0,
            variability_bpm: 11.0,
            short_term_bpm: 0.8,
            dropout_ratio: 0.01,
            shifts: Vec::new(),
            excursions: Vec::new(),
            artifacts: Vec::new(),
        }
    }

    /// Sets the bandwidth of the long-term oscillation and the spread from sample to sample, both in bpm.
    #[must_use]
    pub fn variability(mut self, bandwidth_bpm: f64, short_term_bpm: f64) -> Self {
        self.variability_bpm = bandwidth_bpm;
        self.short_term_bpm = short_term_bpm;
        self
    }

    /// Sets how far the baseline wanders to either side, in bpm.
    #[must_use]
    pub fn drift(mut self, drift_bpm: f64) -> Self {
        self.drift_bpm = drift_bpm;
        self
    }

    /// Sets the share of samples lost at random, 0 to 0.9.
    #[must_use]
    pub fn dropouts(mut self, ratio: f64) -> Self {
        self.dropout_ratio = ratio.clamp(0.0, 0.9);
        self
    }

    /// Moves the baseline by so much, over so many seconds, for good.
    #[must_use]
    pub fn baseline_shift(mut self, start_s: f64, over_s: f64, by_bpm: f64) -> Self {
        self.shifts.push(Shift { start_s, over_s, by_bpm });
        self
    }

    /// Adds an acceleration.
    #[must_use]
    pub fn acceleration(self, start_s: f64, duration_s: f64, amplitude_bpm: f64) -> Self {
        let (onset_s, recovery_s) = ((duration_s * 0.3).min(12.0), duration_s * 0.4);
        let kind = FindingKind::Acceleration;
        self.excursion(Excursion { kind, start_s, duration_s, onset_s, recovery_s, amplitude_bpm })
    }

    /// Adds accelerations of 25 s, the first at `first_s`, until `until_s`.
    #[must_use]
    pub fn accelerations_every(self, first_s: f64, period_s: f64, amplitude_bpm: f64, until_s: f64) -> Self {
        repeated(first_s, period_s, until_s)
            .fold(self, |fetus, start_s| fetus.acceleration(start_s, 25.0, amplitude_bpm))
    }

    /// Adds a gradual deceleration with its nadir at the contraction's peak.
    #[must_use]
    pub fn early_deceleration(self, contraction: &Contraction, depth_bpm: f64) -> Self {
        self.gradual(DecelerationKind::Early, contraction.start_s, contraction.duration_s, depth_bpm)
    }

    /// Adds a gradual deceleration that lags behind the contraction.
    #[must_use]
    pub fn late_deceleration(self, contraction: &Contraction, lag_s: f64, depth_bpm: f64) -> Self {
        self.gradual(DecelerationKind::Late, contraction.start_s + lag_s, contraction.duration_s, depth_bpm)
    }

    /// Adds an abrupt deceleration.
    #[must_use]
    pub fn variable_deceleration(self, start_s: f64, duration_s: f64, depth_bpm: f64) -> Self {
        let (onset_s, recovery_s) = ((duration_s / 4.0).min(10.0), (duration_s / 4.0).min(12.0));
        let kind = FindingKind::Deceleration(DecelerationKind::Variable);
        self.excursion(Excursion { kind, start_s, duration_s, onset_s, recovery_s, amplitude_bpm: -depth_bpm })
    }

    /// Adds a deceleration that falls within half a minute and stays.
    #[must_use]
    pub fn prolonged_deceleration(self, start_s: f64, duration_s: f64, depth_bpm: f64) -> Self {
        let (onset_s, recovery_s) = ((duration_s / 4.0).min(25.0), (duration_s / 4.0).min(40.0));
        let kind = FindingKind::Deceleration(DecelerationKind::Prolonged);
        self.excursion(Excursion { kind, start_s, duration_s, onset_s, recovery_s, amplitude_bpm: -depth_bpm })
    }

    /// Lets the sensor show something else for a while.
    #[must_use]
    pub fn artifact(mut self, artifact: Artifact, start_s: f64, duration_s: f64) -> Self {
        self.artifacts.push(ArtifactSpan { artifact, start_s, duration_s });
        self
    }

    fn gradual(self, kind: DecelerationKind, start_s: f64, duration_s: f64, depth_bpm: f64) -> Self {
        let (onset_s, recovery_s) = (duration_s / 2.0, duration_s / 2.0);
        let kind = FindingKind::Deceleration(kind);
        self.excursion(Excursion { kind, start_s, duration_s, onset_s, recovery_s, amplitude_bpm: -depth_bpm })
    }

    fn excursion(mut self, excursion: Excursion) -> Self {
        self.excursions.push(excursion);
        self
    }
}

impl Contraction {
    /// Equal contractions, the first at `first_s`, that begin before `until_s`.
    pub fn series(
        first_s: f64,
        period_s: f64,
        duration_s: f64,
        amplitude_toco: f64,
        until_s: f64,
    ) -> impl Iterator<Item = Self> {
        repeated(first_s, period_s, until_s).map(move |start_s| Self { start_s, duration_s, amplitude_toco })
    }
}

/// `first`, `first + period`, …, before `until`; periods below a second count as a second.
fn repeated(first: f64, period: f64, until: f64) -> impl Iterator<Item = f64> {
    (0_u32..).map(move |number| first + f64::from(number) * period.max(1.0)).take_while(move |start| *start < until)
}
