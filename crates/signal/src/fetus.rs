//! Everything that is known of one fetal channel.

use ctg::{DecelerationKind, FetusIndex, FindingKind, Quantity, SignalGrade, Stage};

use crate::baseline_conditions::BaselineConditions;
use crate::features::Features;
use crate::history::{History, Surroundings};
use crate::ledger::{Draft, MethodName, measure};
use crate::low_rate::LowRate;
use crate::marks::{BaselineMark, Direction, EventMark, MorphologyStep, TICKS_PER_SECOND};
use crate::minutes::{Minute, Minutes};
use crate::morphology::MorphologySecond;
use crate::pickup::Pickup;
use crate::quality::{CleanSecond, Cleaner, LossWindow, OctaveJump, grade};
use crate::signal_loss::SignalLoss;
use crate::sinusoidal_figo2015::Sinusoidal;
use crate::timeline::Second;
use crate::trace_method::TraceMethod;
use crate::uterus::Uterus;
use crate::{Settings, deceleration_figo2015};

/// Window over which a trace may be too broken for morphology, s.
const BROKEN_WINDOW_S: u32 = 60;
const JUMP_METHOD: MethodName = MethodName { name: "octave_jump", version: 1 };

/// What one second of one fetus made known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) baseline: Vec<BaselineMark>,
    pub(crate) figures: Option<Figures>,
}

/// The figures of one fetus, in whole units of what a screen shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    pub(crate) baseline_bpm: Option<f32>,
    pub(crate) variability_bpm: Option<f32>,
    pub(crate) loss_ratio: f32,
    pub(crate) grade: SignalGrade,
}

/// The analysis of one fetal channel.
#[derive(Clone, Debug)]
pub(crate) struct Fetus {
    index: FetusIndex,
    cleaner: Cleaner,
    loss: LossWindow,
    loss_now: LossWindow,
    signal_loss: SignalLoss,
    pickup: Option<Pickup>,
    low_rates: [LowRate; 2],
    morphology: TraceMethod,
    conditions: BaselineConditions,
    sinusoidal: Sinusoidal,
    minutes: Minutes,
    history: History,
    baseline_bpm: Option<f32>,
    variability_bpm: Option<f32>,
    figures: Option<Figures>,
    next_second: u32,
}

impl Fetus {
    /// Nothing known yet.
    pub(crate) fn new(index: FetusIndex, low_resolution: bool, settings: &Settings) -> Self {
        Self {
            index,
            cleaner: Cleaner::default(),
            loss: LossWindow::new(settings.loss_window_s),
            loss_now: LossWindow::new(BROKEN_WINDOW_S),
            signal_loss: SignalLoss::default(),
            pickup: settings.false_signal_method.map(|method| Pickup::new(method, settings)),
            low_rates: [LowRate::new(settings.low_rate_bpm), LowRate::new(settings.very_low_rate_bpm)],
            morphology: TraceMethod::new(settings),
            conditions: BaselineConditions::new(settings),
            sinusoidal: Sinusoidal::new(settings),
            minutes: Minutes::new(low_resolution),
            history: History::new(),
            baseline_bpm: None,
            variability_bpm: None,
            figures: None,
            next_second: 0,
        }
    }

    /// Which fetus.
    pub(crate) fn index(&self) -> FetusIndex {
        self.index
    }

    /// Takes the next second, with the contractions known so far.
    pub(crate) fn push(&mut self, second: &Second, uterus: &Uterus, settings: &Settings) -> Step {
        let mut step = Step::default();
        let raw = &second.fhr[usize::from(self.index.get())];
        let mut clean = self.cleaner.clean(second.index, raw, settings);
        self.next_second = second.index + 1;
        self.listen(second, &mut clean, settings, &mut step);
        self.loss.push(&clean);
        self.loss_now.push(&clean);
        self.watch(&clean, settings, &mut step);
        let traced = MorphologySecond {
            index: second.index,
            fhr_bpm: self.traced_bpm(&clean, settings),
            toco: second.toco.map(|toco| toco.map(ctg::HalfToco::units)),
        };
        let morphology = self.morphology.push(&traced, settings);
        self.take_morphology(morphology, uterus, settings, &mut step);
        self.sum_up(&clean, &mut step);
        self.own(&mut step);
        step.figures = self.changed_figures(settings);
        step
    }

    /// Ends what is going on.
    pub(crate) fn finish(&mut self, uterus: &Uterus, settings: &Settings) -> Step {
        let mut step = Step::default();
        let last = self.next_second.saturating_sub(1);
        step.drafts.extend(self.pickup.as_mut().and_then(Pickup::finish));
        step.drafts.extend(self.signal_loss.finish(last, &self.loss, settings));
        step.drafts.extend(self.low_rates.iter_mut().filter_map(LowRate::finish));
        let morphology = self.morphology.finish(self.next_second, settings);
        self.take_morphology(morphology, uterus, settings, &mut step);
        for minute in self.minutes.finish() {
            self.history.settle_minute(minute);
        }
        step.drafts.extend(self.conditions.finish());
        step.drafts.extend(self.sinusoidal.finish());
        self.own(&mut step);
        step
    }

    /// What rules look at.
    pub(crate) fn features(&self, around: Surroundings<'_>) -> Features {
        self.history.features(self.index, self.next_second, around)
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.loss.heap_bytes()
            + self.loss_now.heap_bytes()
            + self.pickup.as_ref().map_or(0, Pickup::heap_bytes)
            + self.morphology.heap_bytes()
            + self.sinusoidal.heap_bytes()
            + self.minutes.heap_bytes()
            + self.history.heap_bytes()
    }

    fn listen(&mut self, second: &Second, clean: &mut CleanSecond, settings: &Settings, step: &mut Step) {
        let Some(pickup) = &mut self.pickup else { return };
        let (draft, is_false) = pickup.push(second, clean);
        step.drafts.extend(draft);
        for (at, is_false) in is_false.into_iter().enumerate() {
            if is_false && settings.mask_false_signal {
                clean.trace_bpm[at] = None;
                clean.true_bpm[at] = None;
            }
        }
    }

    fn watch(&mut self, clean: &CleanSecond, settings: &Settings, step: &mut Step) {
        step.drafts.extend(self.signal_loss.push(clean.index, &self.loss, settings));
        step.drafts.extend(self.low_rates.iter_mut().filter_map(|low_rate| low_rate.push(clean, settings)));
        step.drafts.extend(clean.jump.map(|jump| jump_draft(jump, clean.index)));
    }

    /// What morphology sees: nothing where so little of the last minute hangs together that a shape would be invented.
    fn traced_bpm(&self, clean: &CleanSecond, settings: &Settings) -> [Option<f32>; 4] {
        let known = self.loss_now.length_s() >= settings.event_duration_s;
        let broken = known && self.loss_now.ratio() > settings.broken_minute_ratio;
        if self.morphology.reads_whole_signal() {
            clean.true_bpm
        } else if broken {
            [None; 4]
        } else {
            clean.trace_bpm
        }
    }

    /// Says whose the findings are.
    fn own(&self, step: &mut Step) {
        for draft in &mut step.drafts {
            draft.fetus = Some(self.index);
        }
    }

    fn take_morphology(&mut self, found: MorphologyStep, uterus: &Uterus, settings: &Settings, step: &mut Step) {
        for mark in found.baseline.iter().filter(|mark| mark.stage == Stage::Provisional) {
            self.baseline_bpm = mark.baseline_bpm;
            step.drafts.extend(self.conditions.push_baseline(mark.second, mark.baseline_bpm));
        }
        step.baseline = found.baseline;
        for mark in &found.events {
            let (kind, lag_s) = match mark.direction {
                Direction::Up => (DecelerationKind::Untyped, None),
                Direction::Down => deceleration_figo2015::kind(mark, uterus.contractions(), settings),
            };
            self.minutes.note(mark);
            self.history.note_event(mark, kind);
            step.drafts.push(event_draft(mark, kind, lag_s, self.morphology.method(), settings));
        }
    }

    /// Closes whole minutes: as known now, and the one before as it stays.
    fn sum_up(&mut self, clean: &CleanSecond, step: &mut Step) {
        let (draft, sinusoidal) = self.sinusoidal.push(clean.index, clean.mean_bpm());
        step.drafts.extend(draft);
        let Some((newest, settled)) = self.minutes.push(clean, self.baseline_bpm) else { return };
        let newest = Minute { sinusoidal: sinusoidal == Some(true), ..newest };
        step.drafts.extend(self.conditions.push_minute(&newest));
        self.variability_bpm = newest.variability_bpm.or(self.variability_bpm);
        self.history.note_minute(newest);
        if let Some(settled) = settled {
            self.history.settle_minute(settled);
        }
    }

    fn changed_figures(&mut self, settings: &Settings) -> Option<Figures> {
        const HUNDREDTHS: f32 = 100.0;
        let loss_ratio = self.loss.ratio();
        let figures = Figures {
            baseline_bpm: self.baseline_bpm.map(f32::round),
            variability_bpm: self.variability_bpm.map(f32::round),
            loss_ratio: (loss_ratio * HUNDREDTHS).round() / HUNDREDTHS,
            grade: grade(loss_ratio, settings),
        };
        let changed = self.figures != Some(figures);
        self.figures = Some(figures);
        changed.then_some(figures)
    }
}

fn jump_draft(jump: OctaveJump, second: u32) -> Draft {
    Draft {
        key: jump.tick,
        fetus: None,
        kind: FindingKind::RateJump,
        stage: Stage::Final,
        ongoing: false,
        start: jump.tick,
        end: (second + 1) * TICKS_PER_SECOND,
        method: JUMP_METHOD,
        measurements: vec![
            measure(Quantity::FhrBpm, jump.to_bpm),
            measure(Quantity::AmplitudeBpm, (jump.to_bpm - jump.from_bpm).abs()),
        ],
    }
}

fn event_draft(
    mark: &EventMark,
    kind: DecelerationKind,
    lag_s: Option<f32>,
    method: MethodName,
    settings: &Settings,
) -> Draft {
    let kind = match mark.direction {
        Direction::Up => FindingKind::Acceleration,
        Direction::Down => FindingKind::Deceleration(kind),
    };
    let mut measurements = vec![
        measure(Quantity::AmplitudeBpm, mark.amplitude_bpm()),
        measure(Quantity::Limit, settings.event_amplitude_bpm),
        measure(Quantity::DurationS, mark.duration_s()),
        measure(Quantity::BaselineBpm, mark.baseline_bpm),
        measure(Quantity::OnsetToExtremeS, mark.onset_to_extreme_s()),
        measure(Quantity::AreaBeats, mark.area_beats),
    ];
    if mark.direction == Direction::Down {
        measurements.push(measure(Quantity::NadirBpm, mark.extreme_bpm));
        measurements.extend(lag_s.map(|lag_s| measure(Quantity::LagS, lag_s)));
    }
    Draft {
        key: mark.key,
        fetus: None,
        kind,
        stage: mark.stage,
        ongoing: mark.ongoing,
        start: mark.start,
        end: mark.end,
        method,
        measurements,
    }
}
