//! The toco channel second by second.

use crate::marks::TICKS_PER_SECOND;

/// Toco values beyond this, in either direction, are no measurement (the displayed scale ends at 127).
const TOCO_MAX: f32 = 200.0;

/// One second of uterine activity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TocoSecond {
    /// Seconds since the recording began.
    pub(crate) index: u32,
    /// Mean of the samples present; `None` when all were absent.
    pub(crate) toco: Option<f32>,
    /// Highest minus lowest sample of the second, toco units.
    pub(crate) spread_toco: f32,
}

/// Gathers samples into seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seconds {
    complete_s: u32,
    samples: u32,
    present: u16,
    sum: f32,
    lowest: f32,
    highest: f32,
}

impl Seconds {
    /// The first sample to come is the first of second `first_s`.
    pub(crate) fn starting_at(first_s: u32) -> Self {
        Self { complete_s: first_s, ..Self::default() }
    }

    /// Takes one sample; gives the second that it completes.
    pub(crate) fn push(&mut self, toco: Option<f32>) -> Option<TocoSecond> {
        if let Some(value) = toco.filter(|value| value.abs() <= TOCO_MAX) {
            let first = self.present == 0;
            self.lowest = if first { value } else { self.lowest.min(value) };
            self.highest = if first { value } else { self.highest.max(value) };
            self.sum += value;
            self.present += 1;
        }
        self.samples += 1;
        (self.samples == TICKS_PER_SECOND).then(|| self.complete())
    }

    /// Seconds of the recording that are complete.
    pub(crate) fn complete_s(&self) -> u32 {
        self.complete_s
    }

    fn complete(&mut self) -> TocoSecond {
        let present = self.present > 0;
        let second = TocoSecond {
            index: self.complete_s,
            toco: present.then(|| self.sum / f32::from(self.present)),
            spread_toco: if present { self.highest - self.lowest } else { 0.0 },
        };
        *self = Self::starting_at(self.complete_s.saturating_add(1));
        second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_the_mean_of_what_is_there() {
        let mut seconds = Seconds::starting_at(7);
        let inputs = [Some(1.0), None, Some(4.0), Some(f32::NAN), None, None, Some(1e9), None];
        let outputs: Vec<_> = inputs.into_iter().filter_map(|toco| seconds.push(toco)).collect();
        let expected = [
            TocoSecond { index: 7, toco: Some(2.5), spread_toco: 3.0 },
            TocoSecond { index: 8, toco: None, spread_toco: 0.0 },
        ];
        assert_eq!(outputs, expected);
    }
}
