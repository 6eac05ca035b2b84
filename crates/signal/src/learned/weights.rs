//! Reading weight files: little-endian `f32` without a header, in the order in which a network asks for them.

use ndarray::{Array1, Array2};

use super::layers::{Dense, Gru};

/// Bytes of one stored weight.
const WEIGHT_BYTES: usize = size_of::<f32>();

/// A weight file being read from front to back.
pub(crate) struct WeightReader<'a> {
    rest: &'a [u8],
}

impl<'a> WeightReader<'a> {
    /// Starts at the first weight of a file.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// True when every weight was read: the file and the network have the same size.
    #[cfg(test)]
    pub(crate) fn is_exhausted(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `inputs` × `outputs` weights and `outputs` biases.
    pub(crate) fn dense(&mut self, inputs: usize, outputs: usize) -> Dense {
        Dense { weights: self.matrix(inputs, outputs), bias: self.vector(outputs) }
    }

    /// The next gated recurrent unit: input weights, recurrent weights, bias, bias of the recurrent candidate.
    pub(crate) fn gru(&mut self, inputs: usize, size: usize) -> Gru {
        Gru {
            input_weights: self.matrix(inputs, 3 * size),
            recurrent_weights: self.matrix(size, 3 * size),
            bias: self.vector(3 * size),
            candidate_bias: self.vector(size),
        }
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Array2<f32> {
        Array2::from_shape_fn((rows, columns), |_| self.weight())
    }

    fn vector(&mut self, length: usize) -> Array1<f32> {
        Array1::from_shape_fn(length, |_| self.weight())
    }

    /// The next weight; past the end nothing is left to add, so zero.
    fn weight(&mut self) -> f32 {
        match self.rest.split_first_chunk::<WEIGHT_BYTES>() {
            Some((bytes, rest)) => {
                self.rest = rest;
                f32::from_le_bytes(*bytes)
            }
            None => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read_in_order_and_to_the_end() {
        let bytes: Vec<u8> = (1..=9_u8).flat_map(|value| f32::from(value).to_le_bytes()).collect();
        let mut reader = WeightReader::new(&bytes);
        let dense = reader.dense(2, 3);
        assert_eq!(dense.weights, ndarray::array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        assert_eq!(dense.bias, ndarray::array![7.0, 8.0, 9.0]);
        assert!(reader.is_exhausted());
    }
}
