//! Where the trace leaves its baseline, and comes back.

use crate::marks::Direction;

/// How excursions are bounded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Distance from the baseline at which an excursion begins and ends, bpm.
    pub(crate) edge_bpm: f32,
    /// Distance whose duration is measured, bpm.
    pub(crate) amplitude_bpm: f32,
    /// Time without signal that ends an excursion, s.
    pub(crate) gap_s: u32,
    /// Length from which it is a change of baseline and no excursion, s.
    pub(crate) change_s: u32,
}

/// A stretch on one side of the baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Excursion {
    /// Which side.
    pub(crate) direction: Direction,
    /// First second outside.
    pub(crate) start_s: u32,
    /// First second after the last one outside.
    pub(crate) end_s: u32,
    /// Second of the peak or nadir.
    pub(crate) extreme_s: u32,
    /// Rate at the peak or nadir.
    pub(crate) extreme_bpm: f32,
    /// Baseline at the peak or nadir.
    pub(crate) baseline_bpm: f32,
    /// Distance of the peak or nadir from the baseline of its second.
    pub(crate) peak_bpm: f32,
    /// Seconds at or beyond [`Bounds::amplitude_bpm`].
    pub(crate) beyond_s: u32,
    /// Sum of the distances, bpm × s.
    pub(crate) area_bpm_s: f32,
}

impl Excursion {
    /// Length.
    pub(crate) fn duration_s(&self) -> u32 {
        self.end_s - self.start_s
    }

    fn begin(second: u32, bpm: f32, baseline_bpm: f32) -> Self {
        let direction = if bpm > baseline_bpm { Direction::Up } else { Direction::Down };
        Self {
            direction,
            start_s: second,
            end_s: second,
            extreme_s: second,
            extreme_bpm: bpm,
            baseline_bpm,
            peak_bpm: 0.0,
            beyond_s: 0,
            area_bpm_s: 0.0,
        }
    }

    fn take(&mut self, second: u32, bpm: f32, baseline_bpm: f32, bounds: &Bounds) {
        let away = self.direction.away_bpm(bpm, baseline_bpm);
        self.end_s = second + 1;
        self.area_bpm_s += away;
        self.beyond_s += u32::from(away >= bounds.amplitude_bpm);
        if away > self.peak_bpm {
            self.peak_bpm = away;
            self.extreme_s = second;
            self.extreme_bpm = bpm;
            self.baseline_bpm = baseline_bpm;
        }
    }
}

impl Direction {
    /// Distance from the baseline, positive on this side.
    pub(crate) fn away_bpm(self, bpm: f32, baseline_bpm: f32) -> f32 {
        match self {
            Self::Up => bpm - baseline_bpm,
            Self::Down => baseline_bpm - bpm,
        }
    }
}

/// Follows a trace along its baseline.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Follower {
    open: Option<Excursion>,
    lost_s: u32,
}

impl Follower {
    /// The excursion that goes on.
    pub(crate) fn open(&self) -> Option<&Excursion> {
        self.open.as_ref()
    }

    /// Takes the next second; gives the excursion that it ended.
    pub(crate) fn push(
        &mut self,
        second: u32,
        bpm: Option<f32>,
        baseline_bpm: Option<f32>,
        bounds: &Bounds,
    ) -> Option<Excursion> {
        let Some((bpm, baseline_bpm)) = bpm.zip(baseline_bpm) else {
            self.lost_s += 1;
            return if self.lost_s > bounds.gap_s { self.close(bounds) } else { None };
        };
        self.lost_s = 0;
        let goes_on = self.open.is_some_and(|open| open.direction.away_bpm(bpm, baseline_bpm) > bounds.edge_bpm);
        let ended = if goes_on { None } else { self.close(bounds) };
        if (bpm - baseline_bpm).abs() > bounds.edge_bpm {
            let open = self.open.get_or_insert_with(|| Excursion::begin(second, bpm, baseline_bpm));
            open.take(second, bpm, baseline_bpm, bounds);
        }
        ended
    }

    /// Ends what goes on unless the next rate that is known lies outside too: with look-ahead a gap is not waited for.
    pub(crate) fn close_unless(
        &mut self,
        next_bpm: Option<f32>,
        baseline_bpm: Option<f32>,
        bounds: &Bounds,
    ) -> Option<Excursion> {
        let open = self.open?;
        let away = next_bpm.zip(baseline_bpm).map(|(bpm, baseline)| open.direction.away_bpm(bpm, baseline));
        if away.is_some_and(|away| away > bounds.edge_bpm) { None } else { self.close(bounds) }
    }

    /// Ends what goes on; gives it unless it became a change of baseline.
    pub(crate) fn close(&mut self, bounds: &Bounds) -> Option<Excursion> {
        self.open.take().filter(|excursion| excursion.duration_s() < bounds.change_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { edge_bpm: 5.0, amplitude_bpm: 15.0, gap_s: 10, change_s: 600 };
    const BASELINE_BPM: f32 = 140.0;

    fn follow(trace: &[(usize, Option<f32>)]) -> Vec<(Direction, u32, u32, u32)> {
        let mut follower = Follower::default();
        let seconds = trace.iter().flat_map(|(length, bpm)| std::iter::repeat_n(*bpm, *length));
        let mut found: Vec<_> = seconds
            .zip(0..)
            .filter_map(|(bpm, second)| follower.push(second, bpm, Some(BASELINE_BPM), &BOUNDS))
            .collect();
        found.extend(follower.close(&BOUNDS));
        found.iter().map(|found| (found.direction, found.start_s, found.end_s, found.beyond_s)).collect()
    }

    #[test]
    fn excursions_end_at_the_edge_at_the_other_side_and_in_long_gaps() {
        let (level, high, low) = (Some(142.0), Some(160.0), Some(120.0));
        let shallow = Some(147.0);
        let cases = [
            (vec![(10, level)], vec![]),
            (vec![(10, level), (20, high), (5, level)], vec![(Direction::Up, 10, 30, 20)]),
            (vec![(5, shallow), (20, high), (5, shallow)], vec![(Direction::Up, 0, 30, 20)]),
            (vec![(20, high), (30, low)], vec![(Direction::Up, 0, 20, 20), (Direction::Down, 20, 50, 30)]),
            (vec![(20, low), (10, None), (20, low)], vec![(Direction::Down, 0, 50, 40)]),
            (vec![(20, low), (11, None), (20, low)], vec![(Direction::Down, 0, 20, 20), (Direction::Down, 31, 51, 20)]),
            (vec![(599, low), (5, level)], vec![(Direction::Down, 0, 599, 599)]),
            (vec![(600, low), (5, level)], vec![]),
        ];
        for (trace, expected) in cases {
            assert_eq!(follow(&trace), expected, "{trace:?}");
        }
    }
}
