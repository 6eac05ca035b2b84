use std::collections::VecDeque;

use ctg::{Analysis, BaselinePoint, FetusIndex, Numerics, Recording, SampleBlock, SampleRate, Timestamp};

use crate::Settings;
use crate::features::Features;
use crate::fetus::{Fetus, Step};
use crate::history::Surroundings;
use crate::ledger::{Draft, Ledger};
use crate::marks::TICKS_PER_SECOND;
use crate::silence::Silence;
use crate::timeline::{GAP_MAX_S, Piece, Second, Timeline};
use crate::twins::Twins;
use crate::uterus::Uterus;

/// Seconds of blocks that rebuild a lost analyzer: longer than any window of the analysis.
pub const REPLAY_WINDOW_S: u32 = GAP_MAX_S;

/// Most bytes that the analysis of one fetus may hold, however long the recording; twins hold twice as much.
pub const STATE_BYTES_MAX: usize = 64 * 1024;

/// Presses of the movement button that are remembered: three a minute over the whole window.
const MOVEMENTS_MAX: usize = 3 * REPLAY_WINDOW_S as usize / 60;

/// The real-time analysis of one recording.
///
/// Blocks may come repeated and, within ten seconds, in any order; the findings do not depend on it. A block that
/// comes later than that is not analyzed (see [`Analyzer::late_blocks`]): whoever wants it looked at replays the
/// recording into a new analyzer.
#[derive(Clone, Debug)]
pub struct Analyzer {
    settings: Settings,
    start: Timestamp,
    low_resolution: bool,
    timeline: Timeline,
    silence: Silence,
    ledger: Ledger,
    uterus: Uterus,
    fetuses: Vec<Fetus>,
    twins: Twins,
    movements: VecDeque<u32>,
    known_until: u32,
}

impl Analyzer {
    /// An analyzer that has seen nothing of the recording yet.
    pub fn new(recording: &Recording, settings: &Settings) -> Self {
        let low_resolution = is_low_resolution(recording);
        Self {
            settings: settings.clone(),
            start: recording.start,
            low_resolution,
            timeline: Timeline::new(recording),
            silence: Silence::default(),
            ledger: Ledger::new(recording.id, recording.start),
            uterus: Uterus::new(settings),
            fetuses: fetuses(recording).map(|index| Fetus::new(index, low_resolution, settings)).collect(),
            twins: Twins::new(recording.fetuses, settings),
            movements: VecDeque::new(),
            known_until: 0,
        }
    }

    /// Takes one block and gives what it made known; a block of another recording or shape changes nothing.
    pub fn push(&mut self, block: &SampleBlock) -> Analysis {
        let mut analysis = Analysis::default();
        let newest_us = self.timeline.newest_us();
        let pieces = self.timeline.push(block);
        if self.timeline.newest_us() > newest_us {
            let ended = self.silence.end(&self.settings);
            self.enter(ended, &mut analysis);
        }
        self.take(&pieces, &mut analysis);
        analysis
    }

    /// Learns that no newer block came until `until`, by the device's clock.
    pub fn handle_silence(&mut self, until: Timestamp) -> Analysis {
        let mut analysis = Analysis::default();
        let until_us = until.micros_since(self.start);
        let said = self.silence.extend(self.timeline.newest_us(), until_us, &self.settings);
        self.enter(said, &mut analysis);
        analysis
    }

    /// Learns that the mother pressed the movement button at `at`, by the device's clock.
    pub fn handle_movement(&mut self, at: Timestamp) {
        let Some(tick) = self.ledger.tick(at) else { return };
        if self.movements.contains(&tick) {
            return;
        }
        if self.movements.len() == MOVEMENTS_MAX {
            self.movements.pop_front();
        }
        self.movements.push_back(tick);
    }

    /// What rule sets look at, of one fetus; `None` if the recording has no such fetus.
    pub fn features(&self, fetus: FetusIndex) -> Option<Features> {
        let around = Surroundings {
            start: self.start,
            low_resolution: self.low_resolution,
            uterus: &self.uterus,
            movements: &self.movements,
        };
        self.fetuses.iter().find(|known| known.index() == fetus).map(|known| known.features(around))
    }

    /// Ends the recording: what waits is taken, what goes on is ended, what is provisional becomes final.
    pub fn finish(&mut self) -> Analysis {
        let mut analysis = Analysis::default();
        let pieces = self.timeline.finish();
        self.take(&pieces, &mut analysis);
        let ended = self.silence.end(&self.settings);
        self.enter(ended, &mut analysis);
        self.finish_signals(&mut analysis);
        analysis
    }

    /// Blocks that were not analyzed because they came repeated or too late.
    pub fn late_blocks(&self) -> u64 {
        self.timeline.late_blocks()
    }

    /// Bytes that this analyzer holds, on the heap and beside it; at most [`STATE_BYTES_MAX`] for each fetus.
    pub fn state_bytes(&self) -> usize {
        size_of::<Self>()
            + self.timeline.heap_bytes()
            + self.ledger.heap_bytes()
            + self.uterus.heap_bytes()
            + self.twins.heap_bytes()
            + self.movements.capacity() * size_of::<u32>()
            + self.fetuses.iter().map(|fetus| size_of::<Fetus>() + fetus.heap_bytes()).sum::<usize>()
    }

    fn take(&mut self, pieces: &[Piece], analysis: &mut Analysis) {
        for piece in pieces {
            match piece {
                Piece::Second(second) => self.take_second(second, analysis),
                Piece::Break => self.begin_anew(analysis),
            }
        }
    }

    fn take_second(&mut self, second: &Second, analysis: &mut Analysis) {
        self.known_until = (second.index + 1) * TICKS_PER_SECOND;
        let contractions = self.uterus.push(second);
        self.enter(contractions, analysis);
        let (uterus, settings) = (&self.uterus, &self.settings);
        let steps: Vec<(FetusIndex, Step)> =
            self.fetuses.iter_mut().map(|fetus| (fetus.index(), fetus.push(second, uterus, settings))).collect();
        for (fetus, step) in steps {
            self.report(fetus, step, analysis);
        }
        let coincidences = self.twins.push(second);
        self.enter(coincidences, analysis);
    }

    fn finish_signals(&mut self, analysis: &mut Analysis) {
        let contractions = self.uterus.finish();
        self.enter(contractions, analysis);
        let (uterus, settings) = (&self.uterus, &self.settings);
        let steps: Vec<(FetusIndex, Step)> =
            self.fetuses.iter_mut().map(|fetus| (fetus.index(), fetus.finish(uterus, settings))).collect();
        for (fetus, step) in steps {
            self.report(fetus, step, analysis);
        }
        let coincidences = self.twins.finish();
        self.enter(coincidences, analysis);
    }

    fn begin_anew(&mut self, analysis: &mut Analysis) {
        self.finish_signals(analysis);
        for fetus in &mut self.fetuses {
            *fetus = Fetus::new(fetus.index(), self.low_resolution, &self.settings);
        }
        self.uterus = Uterus::new(&self.settings);
    }

    fn report(&mut self, fetus: FetusIndex, step: Step, analysis: &mut Analysis) {
        self.enter(step.drafts, analysis);
        analysis.baseline.extend(step.baseline.iter().map(|mark| BaselinePoint {
            fetus,
            at: self.ledger.time(mark.second * TICKS_PER_SECOND),
            baseline_bpm: mark.baseline_bpm,
            stage: mark.stage,
        }));
        analysis.numerics.extend(step.figures.map(|figures| Numerics {
            fetus,
            at: self.ledger.time(self.known_until),
            baseline_bpm: figures.baseline_bpm,
            variability_bpm: figures.variability_bpm,
            loss_ratio: figures.loss_ratio,
            grade: figures.grade,
        }));
    }

    fn enter(&mut self, drafts: impl IntoIterator<Item = Draft>, analysis: &mut Analysis) {
        for draft in drafts {
            analysis.findings.push(self.ledger.enter(draft, self.known_until));
        }
    }
}

fn fetuses(recording: &Recording) -> impl Iterator<Item = FetusIndex> {
    (0..recording.fetuses).map_while(FetusIndex::new)
}

/// Short-term variation needs 4 Hz and 0.25 bpm.
fn is_low_resolution(recording: &Recording) -> bool {
    recording.fhr_rate < SampleRate::FOUR_HZ || recording.fhr_step_quarter_bpm > 1
}
