//! Agreement of events and baselines, as FHRMA's evaluation code defines it.

use crate::cleaning::clean;
use crate::corpus::Truth;
use ctg::QuarterBpm;
use recordings::Trace;
use signal::report::Scored;

const HZ: f64 = 4.0;
/// An event of which more than this share is not judged is left out, on both sides.
const LOST_SHARE_MAX: f64 = 0.333_33;
/// Two events match when each starts this long before the other ends, s.
const OVERLAP_S: f64 = 5.0;
/// The last part of a recording is not judged, s.
const TAIL_S: f64 = 60.0;

/// Matches and misses, added over recordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events of both.
    pub matched: u32,
    /// Events of the reference alone.
    pub missed: u32,
    /// Events of ours alone.
    pub invented: u32,
}

impl Counts {
    /// Adds those of another recording.
    pub fn add(&mut self, other: Self) {
        self.matched += other.matched;
        self.missed += other.missed;
        self.invented += other.invented;
    }

    /// Harmonic mean of sensitivity and predictive value; 1 where there is nothing to find and nothing found.
    pub fn f1(self) -> f64 {
        let all = 2 * self.matched + self.missed + self.invented;
        if all == 0 { 1.0 } else { f64::from(2 * self.matched) / f64::from(all) }
    }
}

/// Agreement on one recording.
#[derive(Clone, Copy, Debug, Default)]
pub struct Agreement {
    /// Accelerations.
    pub accelerations: Counts,
    /// Decelerations.
    pub decelerations: Counts,
    /// Contractions; `None` where nobody marked any.
    pub contractions: Option<Counts>,
    /// Distance of the baselines; `None` without a reference.
    pub baseline: Option<BaselineAgreement>,
}

/// Distance of two baselines.
#[derive(Clone, Copy, Debug)]
pub struct BaselineAgreement {
    /// Morphological analysis discordance index (Houzé de l'Aulnoit 2018), %.
    pub madi_percent: f64,
    /// Root mean square of the difference, bpm.
    pub rmsd_bpm: f64,
}

/// Compares one recording.
pub fn compare(trace: &Trace, truth: &Truth, ours: &Scored) -> Agreement {
    let judged = judged_rates(trace, truth);
    let mut everywhere = vec![1.0; judged.len()];
    exclude(&mut everywhere, &truth.excluded_s);
    let contractions = truth.contractions_s.as_ref().map(|marked| counts(marked, &ours.contractions_s, &everywhere));
    Agreement {
        accelerations: counts(&truth.accelerations_s, &ours.accelerations_s, &judged),
        decelerations: counts(&truth.decelerations_s, &ours.decelerations_s, &judged),
        contractions,
        baseline: truth.baseline_bpm.as_ref().and_then(|reference| baseline(reference, ours, &judged)),
    }
}

/// Rates at 4 Hz with 0 where nothing is judged.
fn judged_rates(trace: &Trace, truth: &Truth) -> Vec<f64> {
    let quarters = |rate: &Option<QuarterBpm>| rate.map_or(0.0, |rate| f64::from(rate.bpm()));
    let rates: Vec<f64> = trace.fhr.first().map_or(Vec::new(), |channel| channel.rates.iter().map(quarters).collect());
    let mut judged = clean(&rates);
    let length_s = judged.len() as f64 / HZ;
    exclude(&mut judged, &truth.excluded_s);
    exclude(&mut judged, &[(length_s - TAIL_S, length_s)]);
    judged
}

fn exclude(judged: &mut [f64], stretches_s: &[(f64, f64)]) {
    for (from_s, to_s) in stretches_s {
        let (from, to) = (sample(from_s.max(0.0)), sample(*to_s).min(judged.len()));
        judged[from.min(to)..to].fill(0.0);
    }
}

fn sample(at_s: f64) -> usize {
    (at_s * HZ + 0.5).floor().max(0.0) as usize
}

fn counts(reference: &[(f64, f64)], ours: &[(f64, f64)], judged: &[f64]) -> Counts {
    let (reference, ours) = (mostly_judged(reference, judged), mostly_judged(ours, judged));
    let overlap = |one: &(f64, f64), other: &(f64, f64)| other.1 > one.0 + OVERLAP_S && other.0 + OVERLAP_S < one.1;
    let mut partners: Vec<Vec<usize>> =
        reference.iter().map(|one| (0..ours.len()).filter(|at| overlap(one, &ours[*at])).collect()).collect();
    match_one_to_one(&mut partners, ours.len())
}

fn mostly_judged(events: &[(f64, f64)], judged: &[f64]) -> Vec<(f64, f64)> {
    let stays = |event: &&(f64, f64)| {
        let (from, to) = (sample(event.0).min(judged.len()), sample(event.1).min(judged.len()));
        let inside = &judged[from.min(to)..to];
        let lost = inside.iter().filter(|rate| **rate == 0.0).count() as f64;
        inside.is_empty() || lost / inside.len() as f64 <= LOST_SHARE_MAX
    };
    events.iter().filter(stays).copied().collect()
}

/// The greedy resolution of the published code: whoever has one partner left takes it from all others. Groups in which
/// everybody has two partners or more stay undecided and do not count, there as here.
fn match_one_to_one(of_reference: &mut [Vec<usize>], ours: usize) -> Counts {
    let mut of_ours: Vec<Vec<usize>> = vec![Vec::new(); ours];
    for (one, partners) in of_reference.iter().enumerate() {
        partners.iter().for_each(|other| of_ours[*other].push(one));
    }
    let (mut open_reference, mut open_ours) = (vec![true; of_reference.len()], vec![true; ours]);
    let mut counts = Counts::default();
    for other in 0..ours {
        if let [one] = of_ours[other][..]
            && of_reference[one].len() == 1
        {
            counts.matched += 1;
            (open_reference[one], open_ours[other]) = (false, false);
        }
    }
    loop {
        let (matched, missed) = settle(of_reference, &mut of_ours, &mut open_reference, &mut open_ours);
        let (also_matched, invented) = settle(&mut of_ours, of_reference, &mut open_ours, &mut open_reference);
        counts.add(Counts { matched: matched + also_matched, missed, invented });
        if matched + also_matched + missed + invented == 0 {
            return counts;
        }
    }
}

/// One pass over one side; gives how many found a partner, and how many were closed without one.
fn settle(
    side: &mut [Vec<usize>],
    other_side: &mut [Vec<usize>],
    open: &mut [bool],
    other_open: &mut [bool],
) -> (u32, u32) {
    let (mut matched, mut alone) = (0, 0);
    for one in 0..side.len() {
        match side[one][..] {
            _ if !open[one] => {}
            [] => {
                open[one] = false;
                alone += 1;
            }
            [other] => {
                for rival in std::mem::replace(&mut other_side[other], vec![one]) {
                    if rival != one {
                        side[rival].retain(|partner| *partner != other);
                    }
                }
                matched += 1;
                (open[one], other_open[other]) = (false, false);
            }
            _ => {}
        }
    }
    (matched, alone)
}

/// Compares baselines over the judged samples, glued together.
fn baseline(reference_bpm: &[f64], ours: &Scored, judged: &[f64]) -> Option<BaselineAgreement> {
    const WINDOW: usize = 240;
    let held: Vec<f64> = hold(ours)?;
    let at = |values: &[f64], sample: usize| stretched(values, judged.len(), sample);
    let chosen: Vec<usize> = (0..judged.len()).filter(|sample| judged[*sample] != 0.0).collect();
    if chosen.len() <= WINDOW + 1 {
        return None;
    }
    let reference: Vec<f64> = chosen.iter().map(|sample| at(reference_bpm, *sample)).collect();
    let ours: Vec<f64> = chosen.iter().map(|sample| at(&held, *sample)).collect();
    let away = |baseline: &[f64]| -> Vec<f64> {
        let squares: Vec<f64> =
            chosen.iter().zip(baseline).map(|(sample, bpm)| (bpm - judged[*sample]).powi(2)).collect();
        moving_mean(&squares, WINDOW).into_iter().map(|mean| mean.max(0.0).sqrt() + 3.0).collect()
    };
    let (reference_away, ours_away) = (away(&reference), away(&ours));
    let squares: Vec<f64> = reference.iter().zip(&ours).map(|(one, other)| (one - other).powi(2)).collect();
    let inner = &squares[WINDOW / 2..squares.len() - WINDOW / 2];
    let discord = inner
        .iter()
        .zip(reference_away.iter().zip(&ours_away))
        .map(|(square, (one, other))| square / (one * other + square));
    let count = reference_away.len().min(inner.len()) as f64;
    Some(BaselineAgreement {
        madi_percent: 100.0 * discord.sum::<f64>() / count,
        rmsd_bpm: (squares.iter().sum::<f64>() / squares.len() as f64).sqrt(),
    })
}

/// One value a second, the last one held where there is none; `None` without any.
fn hold(ours: &Scored) -> Option<Vec<f64>> {
    let first = ours.baseline_bpm.iter().flatten().next().copied()?;
    let held = ours.baseline_bpm.iter().scan(first, |last, bpm| {
        *last = bpm.unwrap_or(*last);
        Some(f64::from(*last))
    });
    Some(held.collect())
}

fn stretched(values: &[f64], length: usize, sample: usize) -> f64 {
    let at = sample as f64 / length as f64 * values.len() as f64;
    let (low, share) = (at.floor() as usize, at.fract());
    let last = values.len() - 1;
    let (one, other) = (values[low.min(last)], values[(low + 1).min(last)]);
    one + (other - one) * share
}

/// Means of `width` neighbors, the first one of which is left out as in the published code.
fn moving_mean(values: &[f64], width: usize) -> Vec<f64> {
    let mut sum: f64 = values[..width].iter().sum();
    let mut means = Vec::with_capacity(values.len() - width);
    for at in width..values.len() {
        sum += values[at] - values[at - width];
        means.push(sum / width as f64);
    }
    means
}

/// Samples judged as true and false signal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Confusion {
    /// False signal found.
    pub found: u64,
    /// False signal missed.
    pub missed: u64,
    /// True signal called false.
    pub invented: u64,
    /// True signal left alone.
    pub spared: u64,
}

impl Confusion {
    /// Adds those of another excerpt.
    pub fn add(&mut self, other: Self) {
        self.found += other.found;
        self.missed += other.missed;
        self.invented += other.invented;
        self.spared += other.spared;
    }

    /// Harmonic mean of sensitivity and predictive value.
    pub fn f1(self) -> f64 {
        2.0 * self.found as f64 / (2 * self.found + self.missed + self.invented).max(1) as f64
    }
}

/// Compares probabilities of false signal, one a sample, with the experts; gives also probability and truth of each.
pub fn compare_false_signal(
    rates: &[Option<QuarterBpm>],
    truth: &crate::corpus::FalseSignalTruth,
    probabilities: &[f32],
) -> (Confusion, Vec<(f32, bool)>) {
    let mut annotated: Vec<Option<bool>> = vec![None; rates.len()];
    for (intervals, is_false) in [(&truth.genuine, false), (&truth.spurious, true)] {
        for (from, to) in intervals {
            let (from, to) =
                ((from + 0.5).floor().max(1.0) as usize, ((to + 0.5).floor().max(0.0) as usize).min(rates.len()));
            annotated[(from - 1).min(to)..to].fill(Some(is_false));
        }
    }
    let mut confusion = Confusion::default();
    let mut judged = Vec::new();
    for ((rate, is_false), probability) in rates.iter().zip(annotated).zip(probabilities) {
        let (Some(_), Some(is_false)) = (rate, is_false) else { continue };
        judged.push((*probability, is_false));
        match (is_false, *probability >= 0.5) {
            (true, true) => confusion.found += 1,
            (true, false) => confusion.missed += 1,
            (false, true) => confusion.invented += 1,
            (false, false) => confusion.spared += 1,
        }
    }
    (confusion, judged)
}

/// Area under the receiver operating characteristic; ties count half.
pub fn auc(mut judged: Vec<(f32, bool)>) -> f64 {
    judged.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut rank_sum, mut positives, mut at) = (0.0, 0.0, 0);
    while at < judged.len() {
        let ties = judged[at..].iter().take_while(|(value, _)| *value == judged[at].0).count();
        let rank = at as f64 + (ties as f64 + 1.0) / 2.0;
        let found = judged[at..at + ties].iter().filter(|(_, is_false)| *is_false).count() as f64;
        rank_sum += rank * found;
        positives += found;
        at += ties;
    }
    let negatives = judged.len() as f64 - positives;
    (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &[(f64, f64)], ours: &[(f64, f64)], expect: (u32, u32, u32)) {
        let found = counts(reference, ours, &vec![140.0; 4000]);
        assert_eq!((found.matched, found.missed, found.invented), expect);
    }

    #[test]
    fn events_match_one_to_one() {
        check(&[(10.0, 40.0)], &[(30.0, 60.0)], (1, 0, 0));
        check(&[(10.0, 40.0)], &[(35.0, 60.0)], (0, 1, 1));
        check(&[(10.0, 40.0)], &[(34.0, 60.0)], (1, 0, 0));
        check(&[(10.0, 100.0)], &[(10.0, 40.0), (50.0, 90.0)], (1, 0, 1));
        check(&[(10.0, 40.0), (50.0, 90.0)], &[(10.0, 100.0)], (1, 1, 0));
        check(&[(10.0, 60.0), (50.0, 90.0)], &[(10.0, 60.0), (50.0, 90.0)], (0, 0, 0));
        check(&[], &[], (0, 0, 0));
    }

    #[test]
    fn events_that_are_mostly_lost_are_not_judged() {
        let mut judged = vec![140.0; 400];
        judged[40..59].fill(0.0);
        assert_eq!(counts(&[(5.0, 15.0)], &[], &judged).missed, 0);
        assert_eq!(counts(&[(0.0, 15.0)], &[], &judged).missed, 1);
    }

    #[test]
    fn the_area_is_one_when_all_false_signal_is_likelier() {
        assert_eq!(auc(vec![(0.1, false), (0.2, false), (0.9, true)]), 1.0);
        assert_eq!(auc(vec![(0.5, false), (0.5, true)]), 0.5);
        assert_eq!(auc(vec![(0.9, false), (0.1, true)]), 0.0);
    }
}
