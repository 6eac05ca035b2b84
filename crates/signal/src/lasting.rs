//! A measure beyond its limit for long enough.

use ctg::{FindingKind, Measurement, Quantity, Stage};

use crate::ledger::{Draft, MethodName, measure};
use crate::marks::TICKS_PER_SECOND;

/// Which side of the limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The limit itself and everything above it.
    AtLeast,
    /// Everything above the limit.
    Above,
    /// The limit itself and everything below it.
    AtMost,
    /// Everything below the limit.
    Below,
}

/// What is watched, and when it is worth a finding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Watch {
    pub(crate) kind: FindingKind,
    pub(crate) method: MethodName,
    pub(crate) quantity: Quantity,
    pub(crate) side: Side,
    pub(crate) limit: f32,
    /// Known time beyond the limit before the first word, s.
    pub(crate) first_s: u32,
    /// Time between two revisions, s.
    pub(crate) revision_s: u32,
    /// Time back inside the limit, or without a value, that ends it, s.
    pub(crate) end_s: u32,
}

/// Follows one measure over time; time without a value does not count.
#[derive(Clone, Debug)]
pub(crate) struct Lasting {
    watch: Watch,
    episode: Option<Episode>,
}

#[derive(Clone, Copy, Debug)]
struct Episode {
    start_s: u32,
    end_s: u32,
    beyond_s: u32,
    said_s: u32,
    away_s: u32,
    sum: f64,
}

impl Lasting {
    /// Nothing seen yet.
    pub(crate) fn new(watch: Watch) -> Self {
        Self { watch, episode: None }
    }

    /// Takes the value of the `step_s` seconds from `second` on; gives what there is to say.
    pub(crate) fn push(&mut self, second: u32, step_s: u32, value: Option<f32>) -> Option<Draft> {
        match value.filter(|value| self.is_beyond(*value)) {
            Some(value) => {
                let fresh = Episode { start_s: second, end_s: second, beyond_s: 0, said_s: 0, away_s: 0, sum: 0.0 };
                let episode = self.episode.get_or_insert(fresh);
                episode.end_s = second + step_s;
                episode.beyond_s += step_s;
                episode.away_s = 0;
                episode.sum += f64::from(value) * f64::from(step_s);
            }
            None => self.episode.as_mut()?.away_s += step_s,
        }
        if self.episode.is_some_and(|episode| episode.away_s >= self.watch.end_s) {
            return self.finish();
        }
        self.word()
    }

    /// Ends what is going on.
    pub(crate) fn finish(&mut self) -> Option<Draft> {
        let episode = self.episode.take()?;
        (episode.said_s > 0).then(|| self.draft(&episode, Stage::Final))
    }

    /// True while nothing is going on.
    pub(crate) fn is_idle(&self) -> bool {
        self.episode.is_none()
    }

    fn is_beyond(&self, value: f32) -> bool {
        match self.watch.side {
            Side::AtLeast => value >= self.watch.limit,
            Side::Above => value > self.watch.limit,
            Side::AtMost => value <= self.watch.limit,
            Side::Below => value < self.watch.limit,
        }
    }

    fn word(&mut self) -> Option<Draft> {
        let watch = self.watch;
        let episode = self.episode.as_mut()?;
        let due = if episode.said_s == 0 { watch.first_s } else { episode.said_s + watch.revision_s };
        if episode.beyond_s < due.max(1) {
            return None;
        }
        episode.said_s = episode.beyond_s;
        let episode = *episode;
        Some(self.draft(&episode, Stage::Provisional))
    }

    fn draft(&self, episode: &Episode, stage: Stage) -> Draft {
        let mean = (episode.sum / f64::from(episode.beyond_s.max(1))) as f32;
        Draft {
            key: episode.start_s * TICKS_PER_SECOND,
            fetus: None,
            kind: self.watch.kind,
            stage,
            ongoing: stage == Stage::Provisional,
            start: episode.start_s * TICKS_PER_SECOND,
            end: episode.end_s * TICKS_PER_SECOND,
            method: self.watch.method,
            measurements: self.measurements(mean, episode.beyond_s),
        }
    }

    fn measurements(&self, mean: f32, beyond_s: u32) -> Vec<Measurement> {
        vec![
            measure(self.watch.quantity, mean),
            measure(Quantity::Limit, self.watch.limit),
            measure(Quantity::DurationS, beyond_s as f32),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn above_160_for_10_s() -> Lasting {
        Lasting::new(Watch {
            kind: FindingKind::Tachycardia,
            method: MethodName { name: "test", version: 1 },
            quantity: Quantity::BaselineBpm,
            side: Side::Above,
            limit: 160.0,
            first_s: 10,
            revision_s: 5,
            end_s: 3,
        })
    }

    fn check(values: &[Option<f32>], expect: &[(u32, Stage, f64)]) {
        let mut lasting = above_160_for_10_s();
        let said: Vec<_> = values
            .iter()
            .enumerate()
            .filter_map(|(second, value)| lasting.push(second as u32, 1, *value).map(|draft| (second as u32, draft)))
            .map(|(second, draft)| (second, draft.stage, draft.measurements[2].value))
            .collect();
        assert_eq!(said, expect);
    }

    #[test]
    fn the_limit_itself_is_not_above_it() {
        check(&[Some(160.0); 60], &[]);
        check(&[Some(160.1); 9], &[]);
        check(&[Some(160.1); 10], &[(9, Stage::Provisional, 10.0)]);
    }

    #[test]
    fn loss_pauses_the_count_and_in_the_end_ends_it() {
        let mut values = vec![Some(170.0); 8];
        values.extend([None; 2]);
        values.extend([Some(170.0); 2]);
        values.extend([None; 3]);
        check(&values, &[(11, Stage::Provisional, 10.0), (14, Stage::Final, 10.0)]);
    }
}
