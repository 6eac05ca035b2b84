//! False signal by a small recurrent network, trained on the experts' intervals of Boudet 2022 (Biosensors 12:691).
//!
//! Two gated recurrent layers read one feature vector per half second: heart rates, their differences, how
//! these behaved over seconds to minutes, and uterine activity. A first head speaks at once. Ten seconds later a third layer, run
//! backwards over what followed, lets a second head speak again. Without a maternal channel the same network
//! judges by the fetal channel alone: in training the maternal channel was often taken away.

use std::collections::VecDeque;
use std::sync::LazyLock;

use ndarray::Array1;

use super::layers::{Dense, Gru, sigmoid};
use super::weights::WeightReader;

mod features;
mod toco;

pub(crate) use features::Sample;
use features::{FEATURES, RateFeatures};

/// Samples (4 Hz) of one frame.
const FRAME_SAMPLES: usize = 2;
/// Units of the first and of the second recurrent layer.
const UNITS: usize = 28;
/// Units of the layer that is run backwards.
const BACKWARD_UNITS: usize = 16;
/// Units of the hidden layer of each head.
const HEAD_UNITS: usize = 24;
/// Frames that the layer run backwards sees.
const WINDOW_FRAMES: usize = 20;
/// Frames between two such runs; each settles this many frames, the oldest of its window.
const CHUNK_FRAMES: usize = 5;
/// How much later the settled opinion comes, samples: ten seconds.
pub(crate) const LOOK_AHEAD_SAMPLES: usize = 40;
/// Added to the logit while no maternal rate was ever seen, where the network is too cautious (found by
/// cross-validation inside the train split: 0.9 is best where the channel was taken away, 0 where it was absent).
const WITHOUT_MATERNAL_LOGIT: f32 = 0.4;
/// Weights of the network, `weights/README.md`.
const WEIGHTS: &[u8] = include_bytes!("../../weights/false_signal.bin");

static NETWORK: LazyLock<Network> = LazyLock::new(|| Network::read(&mut WeightReader::new(WEIGHTS)));

/// The trained layers, shared by all recordings.
struct Network {
    first: Gru,
    second: Gru,
    backward: Gru,
    head_hidden: Dense,
    head: Dense,
    settled_forward: Dense,
    settled_backward: Dense,
    settled: Dense,
}

impl Network {
    fn read(reader: &mut WeightReader<'_>) -> Self {
        Self {
            first: reader.gru(FEATURES, UNITS),
            second: reader.gru(UNITS + FEATURES, UNITS),
            backward: reader.gru(FEATURES + UNITS, BACKWARD_UNITS),
            head_hidden: reader.dense(2 * UNITS, HEAD_UNITS),
            head: reader.dense(HEAD_UNITS, FRAME_SAMPLES),
            settled_forward: reader.dense(2 * UNITS, HEAD_UNITS),
            settled_backward: reader.dense(BACKWARD_UNITS, HEAD_UNITS),
            settled: reader.dense(HEAD_UNITS, FRAME_SAMPLES),
        }
    }
}

/// What is kept of a frame until it is settled.
#[derive(Clone, Debug)]
struct Memory {
    /// Input part of the gates of the layer run backwards.
    gates: Array1<f32>,
    /// Forward part of the hidden layer of the second head.
    hidden: Array1<f32>,
}

/// State of the learned module for one recording.
#[derive(Clone, Debug)]
pub(crate) struct LearnedFalseSignal {
    features: RateFeatures,
    earlier: Option<Sample>,
    first: [f32; UNITS],
    second: [f32; UNITS],
    next_sample: f32,
    window: VecDeque<Memory>,
    frames: u64,
    settled: VecDeque<f32>,
    samples: usize,
}

impl LearnedFalseSignal {
    /// Starts a recording.
    pub(crate) fn new() -> Self {
        Self {
            features: RateFeatures::default(),
            earlier: None,
            first: [0.0; UNITS],
            second: [0.0; UNITS],
            next_sample: 0.0,
            window: VecDeque::with_capacity(WINDOW_FRAMES + 1),
            frames: 0,
            settled: VecDeque::with_capacity(FRAME_SAMPLES * (CHUNK_FRAMES + 1)),
            samples: 0,
        }
    }

    /// Takes one sample of the 4 Hz grid; gives the probability that it is false, and the settled probability of
    /// the sample [`LOOK_AHEAD_SAMPLES`] ago.
    pub(crate) fn push(&mut self, sample: Sample) -> (f32, Option<f32>) {
        let old_enough = self.samples >= LOOK_AHEAD_SAMPLES;
        self.samples = if old_enough { self.samples } else { self.samples + 1 };
        let settled = if old_enough { self.settled.pop_front() } else { None };
        let now = match self.earlier.take() {
            None => {
                self.earlier = Some(sample);
                self.next_sample
            }
            Some(earlier) => self.push_frame([earlier, sample]),
        };
        (now, settled)
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let layers = (3 * BACKWARD_UNITS + HEAD_UNITS) * size_of::<f32>();
        size_of::<Self>()
            + self.window.capacity() * size_of::<Memory>()
            + self.window.len() * layers
            + self.settled.capacity() * size_of::<f32>()
    }

    /// Takes one frame; gives the probability that its last sample is false.
    fn push_frame(&mut self, samples: [Sample; 2]) -> f32 {
        let network = &*NETWORK;
        let features = self.features.push(samples);
        network.first.step(&[&features], &mut self.first);
        network.second.step(&[&self.first, &features], &mut self.second);
        let states: [&[f32]; 2] = [&self.first, &self.second];
        let hidden = network.head_hidden.forward_rectified(&states);
        let [now, next] = self.probabilities(&network.head, &hidden);
        self.next_sample = next;
        if self.window.len() == WINDOW_FRAMES {
            self.window.pop_front();
        }
        self.window.push_back(Memory {
            gates: network.backward.input_gates(&[&features, &self.second]),
            hidden: network.settled_forward.forward(&states),
        });
        self.frames += 1;
        if self.window.len() == WINDOW_FRAMES && self.frames.is_multiple_of(CHUNK_FRAMES as u64) {
            self.settle(network);
        }
        now
    }

    /// Runs backwards over the window and settles its oldest frames.
    fn settle(&mut self, network: &Network) {
        let mut state = [0.0; BACKWARD_UNITS];
        let mut settled = Vec::with_capacity(CHUNK_FRAMES);
        for (at, memory) in self.window.iter().enumerate().rev() {
            network.backward.advance(memory.gates.as_slice().unwrap_or_default(), &mut state);
            if at < CHUNK_FRAMES {
                let mut hidden = network.settled_backward.forward(&[&state]) + &memory.hidden;
                hidden.mapv_inplace(|value| value.max(0.0));
                settled.push(self.probabilities(&network.settled, &hidden));
            }
        }
        self.settled.extend(settled.iter().rev().flatten());
    }

    fn probabilities(&self, head: &Dense, hidden: &Array1<f32>) -> [f32; FRAME_SAMPLES] {
        let logits = head.forward(&[hidden.as_slice().unwrap_or_default()]);
        let shift = if self.features.has_maternal() { 0.0 } else { WITHOUT_MATERNAL_LOGIT };
        std::array::from_fn(|sample| sigmoid(logits[sample] + shift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_fill_the_network() {
        let mut reader = WeightReader::new(WEIGHTS);
        Network::read(&mut reader);
        assert!(reader.is_exhausted());
    }

    #[test]
    fn probabilities_equal_those_of_the_training_script() {
        let mut learned = LearnedFalseSignal::new();
        let mut seen = Vec::new();
        for tick in 0..2000_u16 {
            let mhr_bpm = 80.0 + f32::from(tick / 40 % 8) * 0.5;
            let picked_up = (1200..1500).contains(&tick);
            let fhr_bpm = if picked_up { mhr_bpm + 0.25 } else { 140.0 + f32::from(tick * 13 % 9) * 0.25 };
            let lost = tick % 100 < 5;
            let absent = (600..700).contains(&tick);
            let toco = f32::from(10 + (tick / 4 % 90).saturating_sub(50));
            let sample = Sample {
                fhr_bpm: (!lost).then_some(fhr_bpm),
                mhr_bpm: (!absent).then_some(mhr_bpm),
                toco: (tick < 1800).then_some(toco),
            };
            seen.push(learned.push(sample));
        }
        for (sample, expected_now, expected_settled) in REFERENCE {
            let now = seen[sample].0;
            let settled = seen[sample + LOOK_AHEAD_SAMPLES].1.unwrap();
            assert!((now - expected_now).abs() < 2e-3, "{sample}: {now} now");
            assert!((settled - expected_settled).abs() < 2e-3, "{sample}: {settled} settled");
        }
    }

    /// Sample, at once, settled: `python false_signal.py reference`.
    const REFERENCE: [(usize, f32, f32); 8] = [
        (300, 0.0004, 0.0003),
        (651, 0.0004, 0.0002),
        (1150, 0.0004, 0.0002),
        (1211, 0.9932, 0.9971),
        (1350, 0.9992, 0.9995),
        (1489, 0.9995, 0.9996),
        (1511, 0.0104, 0.0050),
        (1900, 0.0007, 0.0004),
    ];
}
