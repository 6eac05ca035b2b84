//! Which samples are judged: those that the standard cleaning of FHRMA keeps.

/// Rates outside are lost, bpm.
const RANGE_BPM: std::ops::RangeInclusive<f64> = 50.0..=220.0;
/// A run between losses shorter than this is lost, samples (5 s, counting the loss after it).
const RUN_MIN: usize = 20;
/// A run shorter than this is lost too if it jumps on both sides, samples (30 s).
const JUMPING_RUN_MIN: usize = 120;
/// What a jump is, bpm.
const JUMP_BPM: f64 = 25.0;

/// The rates with 0 where a sample is not to be judged.
pub(crate) fn clean(rates_bpm: &[f64]) -> Vec<f64> {
    let kept = |bpm: &f64| if RANGE_BPM.contains(bpm) { *bpm } else { 0.0 };
    let mut clean: Vec<f64> = rates_bpm.iter().map(kept).collect();
    for start in run_starts(&clean) {
        let Some(length) = length_to_loss(&clean, start) else { continue };
        if length < RUN_MIN {
            erase(&mut clean, start, length);
        }
    }
    for start in run_starts(&clean) {
        let Some(length) = length_to_loss(&clean, start).filter(|length| *length < JUMPING_RUN_MIN) else { continue };
        if jumps_on_both_sides(&clean, start, length) {
            erase(&mut clean, start, length);
        }
    }
    clean
}

/// First samples of the runs that follow a loss.
fn run_starts(rates: &[f64]) -> Vec<usize> {
    (1..rates.len()).filter(|at| rates[at - 1] == 0.0 && rates[*at] > 0.0).collect()
}

/// Samples from `start` to the next lost one, both counted; `None` for the last run.
fn length_to_loss(rates: &[f64], start: usize) -> Option<usize> {
    rates[start..].iter().position(|rate| *rate == 0.0).map(|at| at + 1)
}

/// The published code takes away the sample after the first lost one as well.
fn erase(rates: &mut [f64], start: usize, length: usize) {
    let end = (start + length + 1).min(rates.len());
    rates[start..end].fill(0.0);
}

fn jumps_on_both_sides(rates: &[f64], start: usize, length: usize) -> bool {
    let before = rates[..start].iter().rposition(|rate| *rate > 0.0);
    let after = rates[start + length..].iter().position(|rate| *rate > 0.0).map(|at| at + start + length);
    let (Some(before), Some(after)) = (before, after) else { return false };
    let last = rates[(start + length).saturating_sub(2)];
    let (up, down) = (rates[start] - rates[before], last - rates[after]);
    (up < -JUMP_BPM && down < -JUMP_BPM) || (up > JUMP_BPM && down > JUMP_BPM)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(parts: &[(usize, f64)]) -> Vec<f64> {
        parts.iter().flat_map(|(length, bpm)| vec![*bpm; *length]).collect()
    }

    fn kept(parts: &[(usize, f64)]) -> usize {
        clean(&runs(parts)).iter().filter(|bpm| **bpm > 0.0).count()
    }

    #[test]
    fn short_runs_and_jumping_ones_are_not_judged() {
        assert_eq!(kept(&[(100, 140.0), (4, 0.0), (18, 140.0), (4, 0.0), (100, 140.0)]), 200);
        assert_eq!(kept(&[(100, 140.0), (4, 0.0), (19, 140.0), (4, 0.0), (100, 140.0)]), 219);
        assert_eq!(kept(&[(100, 140.0), (4, 0.0), (60, 170.0), (4, 0.0), (100, 140.0)]), 200);
        assert_eq!(kept(&[(100, 140.0), (4, 0.0), (60, 165.0), (4, 0.0), (100, 140.0)]), 260);
        assert_eq!(kept(&[(50, 140.0), (50, 49.0), (50, 221.0)]), 50);
    }
}
