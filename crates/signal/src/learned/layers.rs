//! The few layers that the learned modules need, in plain `f32` so that every machine gives the same bits.

use ndarray::{Array1, Array2, Axis, Zip};

/// Beyond this argument the approximation of tanh is held at ±1.
const TANH_SATURATION: f32 = 4.97;

/// A fully connected layer: output = input × weights + bias.
pub(crate) struct Dense {
    /// One row per input.
    pub(crate) weights: Array2<f32>,
    /// One value per output.
    pub(crate) bias: Array1<f32>,
}

impl Dense {
    /// The layer's output for the concatenation of `inputs`.
    pub(crate) fn forward(&self, inputs: &[&[f32]]) -> Array1<f32> {
        let mut output = self.bias.clone();
        add_products(&mut output, inputs, &self.weights);
        output
    }

    /// The same, with negative outputs set to zero.
    pub(crate) fn forward_rectified(&self, inputs: &[&[f32]]) -> Array1<f32> {
        let mut output = self.forward(inputs);
        output.mapv_inplace(|value| value.max(0.0));
        output
    }
}

/// A gated recurrent unit (Cho 2014), gates in the order update, reset, candidate; the reset gate acts on the
/// recurrent part of the candidate.
pub(crate) struct Gru {
    /// One row per input, three gates wide.
    pub(crate) input_weights: Array2<f32>,
    /// One row per unit of state, three gates wide.
    pub(crate) recurrent_weights: Array2<f32>,
    /// Bias of the three gates.
    pub(crate) bias: Array1<f32>,
    /// Bias of the recurrent part of the candidate.
    pub(crate) candidate_bias: Array1<f32>,
}

impl Gru {
    /// Moves `state` on by one step whose input is the concatenation of `inputs`.
    pub(crate) fn step(&self, inputs: &[&[f32]], state: &mut [f32]) {
        let gates = self.input_gates(inputs);
        self.advance(gates.as_slice().unwrap_or_default(), state);
    }

    /// What the input alone adds to the gates: it can be worked out once and used in several runs.
    pub(crate) fn input_gates(&self, inputs: &[&[f32]]) -> Array1<f32> {
        let mut gates = self.bias.clone();
        add_products(&mut gates, inputs, &self.input_weights);
        gates
    }

    /// Moves `state` on by one step whose input gives `gates`.
    pub(crate) fn advance(&self, gates: &[f32], state: &mut [f32]) {
        let size = state.len();
        let mut recurrent = Array1::zeros(3 * size);
        add_products(&mut recurrent, &[state], &self.recurrent_weights);
        let Some(recurrent) = recurrent.as_slice_mut() else { return };
        let (opened, candidates) = recurrent.split_at_mut(2 * size);
        let (opening, inner) = gates.split_at(2 * size);
        for (gate, input) in opened.iter_mut().zip(opening) {
            *gate = sigmoid(*gate + input);
        }
        let (updates, resets) = opened.split_at(size);
        for (((candidate, bias), reset), input) in
            candidates.iter_mut().zip(&self.candidate_bias).zip(resets).zip(inner)
        {
            *candidate = tanh(input + reset * (*candidate + bias));
        }
        for ((value, update), candidate) in state.iter_mut().zip(updates).zip(candidates) {
            *value = update * *value + (1.0 - update) * *candidate;
        }
    }
}

/// Adds inputs × weights to `sum`, four rows at a time and always in the same order.
fn add_products(sum: &mut Array1<f32>, inputs: &[&[f32]], weights: &Array2<f32>) {
    let mut rest = weights.view();
    for part in inputs {
        let (rows, later) = rest.split_at(Axis(0), part.len());
        for (values, rows) in part.chunks(4).zip(rows.axis_chunks_iter(Axis(0), 4)) {
            if let [a, b, c, d] = values {
                Zip::from(&mut *sum)
                    .and(rows.row(0))
                    .and(rows.row(1))
                    .and(rows.row(2))
                    .and(rows.row(3))
                    .for_each(|sum, at_a, at_b, at_c, at_d| *sum += a * at_a + b * at_b + c * at_c + d * at_d);
            } else {
                for (value, row) in values.iter().zip(rows.rows()) {
                    Zip::from(&mut *sum).and(row).for_each(|sum, weight| *sum += value * weight);
                }
            }
        }
        rest = later;
    }
}

/// Hyperbolic tangent by Lambert's continued fraction cut after x⁷ (error below 2e-4): unlike the platform's
/// own, the same bits everywhere.
pub(crate) fn tanh(x: f32) -> f32 {
    let x = x.clamp(-TANH_SATURATION, TANH_SATURATION);
    let square = x * x;
    let above = x * (135_135.0 + square * (17_325.0 + square * (378.0 + square)));
    let below = 135_135.0 + square * (62_370.0 + square * (3_150.0 + square * 28.0));
    above / below
}

/// The logistic function, 0 to 1.
pub(crate) fn sigmoid(x: f32) -> f32 {
    0.5 + 0.5 * tanh(0.5 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approximations_stay_close_to_the_functions() {
        for step in -2000..=2000_i16 {
            let x = f32::from(step) / 100.0;
            assert!((tanh(x) - x.tanh()).abs() < 2e-4, "tanh {x}");
            assert!((sigmoid(x) - 1.0 / (1.0 + (-x).exp())).abs() < 1e-4, "sigmoid {x}");
            assert!((0.0..=1.0).contains(&sigmoid(x)), "sigmoid {x} leaves 0 to 1");
        }
    }

    #[test]
    fn a_dense_layer_joins_its_inputs() {
        let weights = ndarray::array![[1.0, -1.0], [10.0, 0.0], [0.0, -5.0]];
        let layer = Dense { weights, bias: ndarray::array![0.5, 0.0] };
        assert_eq!(layer.forward(&[&[2.0], &[1.0, 1.0]]), ndarray::array![12.5, -7.0]);
        assert_eq!(layer.forward_rectified(&[&[2.0, 1.0], &[1.0]]), ndarray::array![12.5, 0.0]);
    }

    #[test]
    fn a_closed_update_gate_keeps_the_state() {
        let gru = Gru {
            input_weights: Array2::zeros((1, 3)),
            recurrent_weights: Array2::zeros((1, 3)),
            bias: ndarray::array![20.0, 0.0, 3.0],
            candidate_bias: ndarray::array![0.0],
        };
        let mut state = [0.25];
        gru.step(&[&[7.0]], &mut state);
        assert!((state[0] - 0.25).abs() < 1e-3);
    }
}
