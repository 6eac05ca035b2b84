use ctg::{Analysis, BaselinePoint, FetusIndex, Numerics, Recording, SampleBlock, Timestamp};

use crate::Settings;
use crate::fetus::{Fetus, Step};
use crate::ledger::{Draft, Ledger};
use crate::marks::TICKS_PER_SECOND;
use crate::silence::Silence;
use crate::timeline::{GAP_MAX_S, Piece, Second, Timeline};

/// Seconds of blocks that rebuild a lost analyzer: longer than any window of the analysis.
pub const REPLAY_WINDOW_S: u32 = GAP_MAX_S;

/// Most bytes that one recording's analysis may hold, whatever its length.
pub const STATE_BYTES_MAX: usize = 64 * 1024;

/// The real-time analysis of one recording.
///
/// Blocks may come repeated and, within ten seconds, in any order; the findings do not depend on it. A block that
/// comes later than that is not analyzed (see [`Analyzer::late_blocks`]): whoever wants it looked at replays the
/// recording into a new analyzer.
#[derive(Clone, Debug)]
pub struct Analyzer {
    settings: Settings,
    start: Timestamp,
    timeline: Timeline,
    silence: Silence,
    ledger: Ledger,
    fetuses: Vec<Fetus>,
    known_until: u32,
}

impl Analyzer {
    /// An analyzer that has seen nothing of the recording yet.
    pub fn new(recording: &Recording, settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            start: recording.start,
            timeline: Timeline::new(recording),
            silence: Silence::default(),
            ledger: Ledger::new(recording.id, recording.start),
            fetuses: fetuses(recording).map(|index| Fetus::new(index, settings)).collect(),
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

    /// Ends the recording: what waits is taken, what goes on is ended, what is provisional becomes final.
    pub fn finish(&mut self) -> Analysis {
        let mut analysis = Analysis::default();
        let pieces = self.timeline.finish();
        self.take(&pieces, &mut analysis);
        let ended = self.silence.end(&self.settings);
        self.enter(ended, &mut analysis);
        self.finish_fetuses(&mut analysis);
        analysis
    }

    /// Blocks that were not analyzed because they came repeated or too late.
    pub fn late_blocks(&self) -> u64 {
        self.timeline.late_blocks()
    }

    /// Bytes that this analyzer holds, on the heap and beside it; stays below [`STATE_BYTES_MAX`].
    pub fn state_bytes(&self) -> usize {
        size_of::<Self>()
            + self.timeline.heap_bytes()
            + self.ledger.heap_bytes()
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
        let steps: Vec<(FetusIndex, Step)> =
            self.fetuses.iter_mut().map(|fetus| (fetus.index(), fetus.push(second, &self.settings))).collect();
        for (fetus, step) in steps {
            self.report(fetus, step, analysis);
        }
    }

    fn finish_fetuses(&mut self, analysis: &mut Analysis) {
        let steps: Vec<(FetusIndex, Step)> =
            self.fetuses.iter_mut().map(|fetus| (fetus.index(), fetus.finish(&self.settings))).collect();
        for (fetus, step) in steps {
            self.report(fetus, step, analysis);
        }
    }

    fn begin_anew(&mut self, analysis: &mut Analysis) {
        self.finish_fetuses(analysis);
        for fetus in &mut self.fetuses {
            *fetus = Fetus::new(fetus.index(), &self.settings);
        }
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
