//! Accelerations and decelerations chosen among excursions as experts would choose them.
//!
//! A recurrent network reads the trace and the toco every four seconds and says how likely experts would mark it,
//! at once and, better, with 12, 32 and 60 s of hindsight. When an excursion from the baseline ends, a forest of
//! boosted trees weighs its shape and what surrounds it: one forest for what is said at once and one for the last
//! word, for either direction. Both opinions are weighed together. Trained on the experts' marks of CTU-UHB (Romagnoli 2020); provenance in
//! `weights/README.md`, how to train in `training/README.md`. Off by default.

mod evidence;
mod inputs;
mod trees;

use std::collections::VecDeque;
use std::sync::LazyLock;

use ctg::Stage;

use super::layers::{Dense, Gru, sigmoid};
use super::weights::WeightReader;
use crate::marks::Direction;
use crate::morphology::{Excursion, TraceSecond, Traces, mean};
use evidence::{Evidence, Past};
use inputs::{BLOCK_S, INPUTS, Inputs};
use trees::{Forest, ForestReader};

/// Units of each of the two recurrent layers.
const UNITS: usize = 40;
/// Hindsight of each head of the network, in blocks, increasing.
const HINDSIGHTS: [u32; 4] = [0, 3, 8, 15];
/// Directions that each head judges.
const DIRECTIONS: usize = 2;
/// Blocks whose probabilities are remembered: longer than the longest excursion and the look-ahead.
const BLOCKS: u32 = 256;
/// Steps of a remembered probability.
const PROBABILITY_STEPS: f32 = 255.0;
/// Excursions that are remembered, of each stage.
const PAST_MAX: usize = 40;
/// An excursion smaller or shorter is not weighed: hardly any expert's mark is.
const PEAK_MIN_BPM: f32 = 10.0;
const DURATION_MIN_S: u32 = 10;
/// Share of the network in the decision, the rest being the forest's.
const NETWORK_SHARE: f32 = 0.35;

/// Weights of the network, `weights/README.md`.
const NETWORK_BYTES: &[u8] = include_bytes!("../../weights/events_network.bin");
/// Forests and the log odds from which each says yes, `weights/README.md`.
const FORESTS_BYTES: &[u8] = include_bytes!("../../weights/events_forests.bin");

static NETWORK: LazyLock<Network> = LazyLock::new(|| Network::read(&mut WeightReader::new(NETWORK_BYTES)));
static FORESTS: LazyLock<Forests> = LazyLock::new(|| Forests::read(&mut ForestReader::new(FORESTS_BYTES)));

/// The trained layers, shared by all recordings.
struct Network {
    first: Gru,
    second: Gru,
    heads: Dense,
}

impl Network {
    fn read(reader: &mut WeightReader<'_>) -> Self {
        Self {
            first: reader.gru(INPUTS, UNITS),
            second: reader.gru(UNITS, UNITS),
            heads: reader.dense(2 * UNITS, DIRECTIONS * HINDSIGHTS.len()),
        }
    }
}

/// A forest and the log odds from which, together with the network, it says yes.
struct Chooser {
    forest: Forest,
    limit: f32,
}

/// The trained forests, shared by all recordings: for each stage, that of either direction.
struct Forests {
    provisional: [Chooser; DIRECTIONS],
    settled: [Chooser; DIRECTIONS],
}

impl Forests {
    fn read(reader: &mut ForestReader<'_>) -> Self {
        let mut chooser = || Chooser { limit: reader.number(), forest: reader.forest() };
        Self { provisional: [chooser(), chooser()], settled: [chooser(), chooser()] }
    }

    fn of(&self, stage: Stage, direction: Direction) -> &Chooser {
        let choosers = match stage {
            Stage::Final => &self.settled,
            Stage::Provisional | Stage::Withdrawn => &self.provisional,
        };
        &choosers[direction.place()]
    }
}

impl Direction {
    /// Place among the outputs of a head and among the forests.
    fn place(self) -> usize {
        match self {
            Self::Up => 0,
            Self::Down => 1,
        }
    }

    /// The other side of the baseline.
    fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// An excursion to be weighed, and what is known at that moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    /// The excursion.
    pub(crate) excursion: &'a Excursion,
    /// Said at once, or the last word.
    pub(crate) stage: Stage,
    /// The last minutes.
    pub(crate) traces: &'a Traces,
    /// The newest second known.
    pub(crate) now_s: u32,
}

/// The learned module's state of one fetus.
#[derive(Clone, Debug)]
pub(crate) struct LearnedEvents {
    inputs: Inputs,
    states: [[f32; UNITS]; 2],
    /// Probabilities of either direction by block, as the newest head that saw it says.
    probabilities: Vec<[u8; DIRECTIONS]>,
    /// The first block of the recording that was seen, and the one to come.
    blocks: Option<std::ops::Range<u32>>,
    past: [VecDeque<Past>; 2],
    #[cfg(test)]
    pub(crate) journal: Journal,
}

impl Default for LearnedEvents {
    fn default() -> Self {
        Self {
            inputs: Inputs::default(),
            states: [[0.0; UNITS]; 2],
            probabilities: vec![[0; DIRECTIONS]; BLOCKS as usize],
            blocks: None,
            past: std::array::from_fn(|_| VecDeque::with_capacity(PAST_MAX)),
            #[cfg(test)]
            journal: Journal::default(),
        }
    }
}

impl LearnedEvents {
    /// Takes the next second.
    pub(crate) fn push(&mut self, second: u32, trace: &TraceSecond, baseline_bpm: Option<f32>, toco: Option<f32>) {
        let Some(inputs) = self.inputs.push(second, trace, baseline_bpm, toco) else { return };
        #[cfg(test)]
        self.journal.inputs.push(inputs);
        self.step(second / BLOCK_S, &inputs);
    }

    /// True where experts would mark the excursion.
    pub(crate) fn admits(&self, situation: &Situation<'_>) -> bool {
        if !is_weighed(situation.excursion) {
            return false;
        }
        let chooser = FORESTS.of(situation.stage, situation.excursion.direction);
        let shape = chooser.forest.log_odds(&self.evidence(situation));
        let opinion = log_odds(self.opinion(situation.excursion));
        shape + (opinion - shape) * NETWORK_SHARE >= chooser.limit
    }

    /// Remembers an excursion that ended.
    pub(crate) fn record(&mut self, situation: &Situation<'_>) {
        if !is_weighed(situation.excursion) {
            return;
        }
        #[cfg(test)]
        self.journal.note(situation, self.evidence(situation));
        let past = &mut self.past[stage_place(situation.stage)];
        if past.len() == PAST_MAX {
            past.pop_front();
        }
        past.push_back(Past::of(situation.excursion));
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.inputs.heap_bytes()
            + self.probabilities.capacity() * DIRECTIONS
            + self.past.iter().map(|past| past.capacity() * size_of::<Past>()).sum::<usize>()
    }

    fn step(&mut self, block: u32, inputs: &[f32; INPUTS]) {
        let [first, second] = &mut self.states;
        NETWORK.first.step(&[inputs], first);
        NETWORK.second.step(&[first], second);
        let heads = NETWORK.heads.forward(&[first, second]);
        let began = self.blocks.as_ref().map_or(block, |blocks| blocks.start);
        self.blocks = Some(began..block + 1);
        for (head, hindsight) in HINDSIGHTS.iter().enumerate() {
            let Some(judged) = block.checked_sub(*hindsight).filter(|judged| *judged >= began) else { continue };
            let cell = &mut self.probabilities[(judged % BLOCKS) as usize];
            for (direction, probability) in cell.iter_mut().enumerate() {
                *probability = (sigmoid(heads[DIRECTIONS * head + direction]) * PROBABILITY_STEPS).round() as u8;
            }
        }
    }

    /// How likely experts would mark a block, as it is known now; 0 where nothing is known.
    fn probability(&self, block: u32, direction: Direction) -> f32 {
        let known = self.blocks.as_ref().is_some_and(|blocks| blocks.contains(&block) && block + BLOCKS >= blocks.end);
        let cell = self.probabilities[(block % BLOCKS) as usize];
        if known { f32::from(cell[direction.place()]) / PROBABILITY_STEPS } else { 0.0 }
    }

    fn evidence(&self, situation: &Situation<'_>) -> Vec<f32> {
        let past = self.past[stage_place(situation.stage)].iter();
        Evidence::of(situation, self.inputs.surroundings(), past)
    }

    /// How likely experts would mark the blocks of an excursion, on average.
    fn opinion(&self, excursion: &Excursion) -> f32 {
        let first = excursion.start_s / BLOCK_S;
        let end = excursion.end_s.div_ceil(BLOCK_S).max(first + 1);
        mean((first..end).map(|block| self.probability(block, excursion.direction))).unwrap_or(0.0)
    }
}

/// Log odds of a probability, kept finite.
fn log_odds(probability: f32) -> f32 {
    const PROBABILITY_MIN: f32 = 1e-3;
    let probability = probability.clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN);
    (probability / (1.0 - probability)).ln()
}

fn is_weighed(excursion: &Excursion) -> bool {
    excursion.peak_bpm >= PEAK_MIN_BPM && excursion.duration_s() >= DURATION_MIN_S
}

fn stage_place(stage: Stage) -> usize {
    usize::from(stage == Stage::Final)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod training_data;
#[cfg(test)]
pub(crate) use training_data::Journal;
