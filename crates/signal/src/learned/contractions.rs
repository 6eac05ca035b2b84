//! Contractions by a small recurrent network, trained on the experts' marks of CTU-UHB (Romagnoli 2020).
//!
//! Two gated recurrent layers read one feature vector per second. A first head says at once how likely this
//! second lies in a contraction; a second head says it for the second a minute ago, having seen what followed.
//! Spans of either are taken with two limits, so that a probability that wavers does not cut a contraction.

use std::collections::VecDeque;
use std::sync::LazyLock;

use super::layers::{Dense, Gru, sigmoid};
use super::weights::WeightReader;
use crate::contractions::{Register, Span, TocoSecond};

mod features;

use features::{FEATURES, TocoFeatures};

/// Units of the first and of the second recurrent layer.
const UNITS: usize = 24;
/// Units of the hidden layer of each head.
const HEAD_UNITS: usize = 24;
/// How far the second head looks ahead, s.
const LOOK_AHEAD_S: usize = 60;
/// The second head speaks this often, s.
const STRIDE_S: usize = 3;
/// Seconds before now whose second-layer state the second head sees.
const TAPS_S: [usize; 4] = [15, 30, 45, 60];
/// Inputs of the second head: both states now, the taps, the first state and the features a minute ago.
const DELAYED_INPUTS: usize = 2 * UNITS + TAPS_S.len() * UNITS + UNITS + FEATURES;
/// Weights of the network, `weights/README.md`.
const WEIGHTS: &[u8] = include_bytes!("../../weights/contractions.bin");

/// Limits of the spans seen at once, chosen by cross-validation (`training/README.md`).
const PROVISIONAL: Limits = Limits { opening: 0.5, closing: 0.3, duration_min_s: 25 };
/// Limits of the spans seen with a minute of look-ahead.
const FINAL: Limits = Limits { opening: 0.55, closing: 0.3, duration_min_s: 21 };

static NETWORK: LazyLock<Network> = LazyLock::new(|| Network::read(&mut WeightReader::new(WEIGHTS)));

/// The trained layers, shared by all recordings.
struct Network {
    first: Gru,
    second: Gru,
    head_hidden: Dense,
    head: Dense,
    delayed_hidden: Dense,
    delayed: Dense,
}

impl Network {
    fn read(reader: &mut WeightReader<'_>) -> Self {
        Self {
            first: reader.gru(FEATURES, UNITS),
            second: reader.gru(UNITS + FEATURES, UNITS),
            head_hidden: reader.dense(2 * UNITS, HEAD_UNITS),
            head: reader.dense(HEAD_UNITS, 1),
            delayed_hidden: reader.dense(DELAYED_INPUTS, HEAD_UNITS),
            delayed: reader.dense(HEAD_UNITS, 1),
        }
    }
}

/// Limits that turn probabilities into spans.
struct Limits {
    /// A span opens at this probability.
    opening: f32,
    /// It ends below this one.
    closing: f32,
    /// It counts once it lasted this long, s.
    duration_min_s: u32,
}

/// What is kept of a second for the second head.
#[derive(Clone, Copy, Debug)]
struct Memory {
    features: [f32; FEATURES],
    first: [f32; UNITS],
    second: [f32; UNITS],
    height_toco: f32,
}

/// A span being followed.
#[derive(Clone, Copy, Debug, Default)]
struct Follower {
    span: Option<Span>,
    said: bool,
}

/// What following one more probability showed.
enum Step {
    Nothing,
    Opened(Span),
    Closed(Span),
}

impl Follower {
    /// Judges the `length_s` seconds from `start_s` on.
    fn follow(&mut self, limits: &Limits, probability: f32, start_s: u32, length_s: u32, height_toco: f32) -> Step {
        let Some(span) = &mut self.span else {
            if probability >= limits.opening {
                let end_s = start_s + length_s;
                self.span = Some(Span { start_s, peak_s: start_s, end_s, amplitude_toco: height_toco });
            }
            return Step::Nothing;
        };
        if probability < limits.closing {
            return self.end();
        }
        span.end_s = start_s + length_s;
        if height_toco > span.amplitude_toco {
            span.amplitude_toco = height_toco;
            span.peak_s = start_s;
        }
        if !self.said && span.end_s - span.start_s >= limits.duration_min_s {
            self.said = true;
            return Step::Opened(*span);
        }
        Step::Nothing
    }

    fn end(&mut self) -> Step {
        let said = std::mem::take(&mut self.said);
        match self.span.take() {
            Some(span) if said => Step::Closed(span),
            _ => Step::Nothing,
        }
    }
}

/// State of the learned module for one recording.
#[derive(Clone, Debug)]
pub(crate) struct LearnedContractions {
    features: TocoFeatures,
    first: [f32; UNITS],
    second: [f32; UNITS],
    past: VecDeque<Memory>,
    provisional: Follower,
    delayed: Follower,
}

impl LearnedContractions {
    /// Starts a recording.
    pub(crate) fn new() -> Self {
        Self {
            features: TocoFeatures::default(),
            first: [0.0; UNITS],
            second: [0.0; UNITS],
            past: VecDeque::with_capacity(LOOK_AHEAD_S / STRIDE_S + 2),
            provisional: Follower::default(),
            delayed: Follower::default(),
        }
    }

    /// Takes the next second.
    pub(crate) fn push(&mut self, second: TocoSecond, register: &mut Register) {
        let probability = self.advance(second);
        let height_toco = self.features.height_toco();
        let known_s = second.index + 1;
        match self.provisional.follow(&PROVISIONAL, probability, second.index, 1, height_toco) {
            Step::Nothing => {}
            Step::Opened(span) => register.open(span),
            Step::Closed(span) => register.close(span),
        }
        if known_s.is_multiple_of(STRIDE_S as u32) {
            self.look_back(known_s, register);
        }
    }

    /// Moves the network on by one second; gives the first head's probability.
    fn advance(&mut self, second: TocoSecond) -> f32 {
        let network = &*NETWORK;
        let features = self.features.push(second);
        network.first.step(&[&features], &mut self.first);
        network.second.step(&[&self.first, &features], &mut self.second);
        if (second.index + 1).is_multiple_of(STRIDE_S as u32) {
            let height_toco = self.features.height_toco();
            self.remember(Memory { features, first: self.first, second: self.second, height_toco });
        }
        let hidden = network.head_hidden.forward_rectified(&[&self.first, &self.second]);
        output(&network.head, hidden.as_slice())
    }

    /// Ends the recording: provisional spans without a final opinion stand as they are.
    pub(crate) fn finish(&mut self, register: &mut Register) {
        if let Step::Closed(span) = self.provisional.end() {
            register.close(span);
        }
        if let Step::Closed(span) = self.delayed.end() {
            register.finalize(register.joined(span));
        }
        register.finalize_rest();
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.past.capacity() * size_of::<Memory>()
    }

    fn remember(&mut self, memory: Memory) {
        if self.past.len() > LOOK_AHEAD_S / STRIDE_S {
            self.past.pop_front();
        }
        self.past.push_back(memory);
    }

    /// Forms the final opinion on the stride a minute ago.
    fn look_back(&mut self, known_s: u32, register: &mut Register) {
        let Some((probability, height_toco)) = self.delayed_probability() else { return };
        let judged_s = known_s - LOOK_AHEAD_S as u32;
        let start_s = judged_s - STRIDE_S as u32;
        let step = self.delayed.follow(&FINAL, probability, start_s, STRIDE_S as u32, height_toco);
        if let Step::Closed(span) = step {
            register.finalize(span);
        }
        let settled_s = self.delayed.span.map_or(judged_s, |span| span.start_s);
        register.withdraw_before(settled_s);
    }

    /// The second head's probability for the stride a minute ago, with the height there.
    fn delayed_probability(&self) -> Option<(f32, f32)> {
        let state_at =
            |seconds: usize| self.past.len().checked_sub(seconds / STRIDE_S + 1).and_then(|at| self.past.get(at));
        let oldest = state_at(LOOK_AHEAD_S)?;
        let mut inputs: Vec<&[f32]> = vec![&self.first, &self.second];
        for seconds in TAPS_S {
            inputs.push(&state_at(seconds)?.second);
        }
        inputs.push(&oldest.first);
        inputs.push(&oldest.features);
        let hidden = NETWORK.delayed_hidden.forward_rectified(&inputs);
        Some((output(&NETWORK.delayed, hidden.as_slice()), oldest.height_toco))
    }
}

fn output(head: &Dense, hidden: Option<&[f32]>) -> f32 {
    let logit = head.forward(&[hidden.unwrap_or_default()]);
    sigmoid(logit.first().copied().unwrap_or_default())
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
        let mut learned = LearnedContractions::new();
        for index in 0..600_u32 {
            let wave = |tick: u32| (tick * 7 % 5) as f32 * 0.5;
            let mean = (0..4).map(|sample| wave(4 * index + sample)).sum::<f32>() / 4.0;
            let highest = (0..4).map(|sample| wave(4 * index + sample)).fold(0.0, f32::max);
            let lowest = (0..4).map(|sample| wave(4 * index + sample)).fold(2.0, f32::min);
            let bell = 60.0 - 2.0 * (f64::from(index % 150) - 75.0).abs() as f32;
            let toco = Some(10.0 + bell.max(0.0) + mean);
            let now = learned.advance(TocoSecond { index, toco, spread_toco: highest - lowest });
            if let Some((_, expected_now, expected_later)) = REFERENCE.iter().find(|(second, ..)| *second == index) {
                let later = learned.delayed_probability().map(|(later, _)| later).unwrap();
                assert!((now - expected_now).abs() < 2e-3, "{index}: {now} now");
                assert!((later - expected_later).abs() < 2e-3, "{index}: {later} later");
            }
        }
    }

    /// Second, first head, second head: `python contractions.py reference`.
    const REFERENCE: [(u32, f32, f32); 5] = [
        (101, 0.6520, 0.2033),
        (227, 0.9816, 0.0042),
        (302, 0.0332, 0.9671),
        (389, 0.9640, 0.0167),
        (599, 0.0367, 0.9808),
    ];
}
