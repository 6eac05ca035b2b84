//! A heart rate below a limit now, whatever the baseline: for alarms, so with no look-ahead at all.

use ctg::{FindingKind, Quantity, Stage};

use crate::Settings;
use crate::ledger::{Draft, MethodName, measure};
use crate::marks::TICKS_PER_SECOND;
use crate::quality::CleanSecond;

const METHOD: MethodName = MethodName { name: "low_rate_figo2015", version: 1 };
/// Seconds of low rate between two revisions.
const REVISION_S: u32 = 5;

/// Watches one limit.
///
/// Time counts only while the rate is known and below the limit; loss of signal pauses the count.
#[derive(Clone, Debug)]
pub(crate) struct LowRate {
    limit_bpm: f32,
    episode: Option<Episode>,
}

#[derive(Clone, Copy, Debug)]
struct Episode {
    start: u32,
    last_low: u32,
    low_ticks: u32,
    above_ticks: u32,
    all_above_ticks: u32,
    lost_ticks: u32,
    nadir_bpm: f32,
    newest_bpm: f32,
    said_s: u32,
}

impl LowRate {
    /// A watch on one limit in bpm.
    pub(crate) fn new(limit_bpm: f32) -> Self {
        Self { limit_bpm, episode: None }
    }

    /// Takes the next second; gives what there is to say.
    pub(crate) fn push(&mut self, second: &CleanSecond, settings: &Settings) -> Option<Draft> {
        for (at, sample) in second.valid_bpm.iter().enumerate() {
            self.take(second.index * TICKS_PER_SECOND + at as u32, *sample, settings);
        }
        let ended = self.has_ended(settings);
        let episode = self.episode.as_mut()?;
        let low_s = episode.low_ticks / TICKS_PER_SECOND;
        let due = low_s >= settings.low_rate_first_s && low_s >= episode.said_s + REVISION_S && episode.is_steady();
        let draft = if ended {
            (episode.said_s > 0).then(|| draft(episode, self.limit_bpm, Stage::Final))
        } else if due {
            episode.said_s = low_s;
            Some(draft(episode, self.limit_bpm, Stage::Provisional))
        } else {
            None
        };
        if ended {
            self.episode = None;
        }
        draft
    }

    /// Ends what is going on.
    pub(crate) fn finish(&mut self) -> Option<Draft> {
        let episode = self.episode.take()?;
        (episode.said_s > 0).then(|| draft(&episode, self.limit_bpm, Stage::Final))
    }

    fn take(&mut self, tick: u32, sample: Option<f32>, settings: &Settings) {
        let ends_at_bpm = self.limit_bpm + settings.low_rate_hysteresis_bpm;
        match (&mut self.episode, sample) {
            (Some(episode), None) => episode.lost_ticks += 1,
            (Some(episode), Some(bpm)) => episode.take(tick, bpm, bpm < ends_at_bpm),
            (None, Some(bpm)) if bpm < self.limit_bpm => self.episode = Some(Episode::begin(tick, bpm)),
            (None, _) => {}
        }
    }

    fn has_ended(&self, settings: &Settings) -> bool {
        let (above_s, lost_s) = settings.low_rate_end_s;
        self.episode.is_some_and(|episode| {
            episode.above_ticks >= above_s * TICKS_PER_SECOND || episode.lost_ticks >= lost_s * TICKS_PER_SECOND
        })
    }
}

impl Episode {
    fn begin(tick: u32, bpm: f32) -> Self {
        Self {
            start: tick,
            last_low: tick,
            low_ticks: 1,
            above_ticks: 0,
            all_above_ticks: 0,
            lost_ticks: 0,
            nadir_bpm: bpm,
            newest_bpm: bpm,
            said_s: 0,
        }
    }

    /// Noise is now below and now above; a heart that is slow is below most of the time.
    fn is_steady(&self) -> bool {
        self.low_ticks >= 2 * self.all_above_ticks
    }

    fn take(&mut self, tick: u32, bpm: f32, low: bool) {
        self.lost_ticks = 0;
        if low {
            self.low_ticks += 1;
            self.above_ticks = 0;
            self.last_low = tick;
            self.nadir_bpm = self.nadir_bpm.min(bpm);
            self.newest_bpm = bpm;
        } else {
            self.above_ticks += 1;
            self.all_above_ticks += 1;
        }
    }
}

fn draft(episode: &Episode, limit_bpm: f32, stage: Stage) -> Draft {
    Draft {
        key: episode.start,
        fetus: None,
        kind: FindingKind::LowHeartRate,
        stage,
        ongoing: stage == Stage::Provisional,
        start: episode.start,
        end: episode.last_low + 1,
        method: METHOD,
        measurements: vec![
            measure(Quantity::FhrBpm, episode.newest_bpm),
            measure(Quantity::Limit, limit_bpm),
            measure(Quantity::DurationS, episode.low_ticks as f32 / TICKS_PER_SECOND as f32),
            measure(Quantity::NadirBpm, episode.nadir_bpm),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes stretches of (seconds, bpm); gives `second:stage:low seconds` of each word.
    fn check(stretches: &[(u32, Option<f32>)], expect: &[(u32, Stage, f64)]) {
        let mut low_rate = LowRate::new(100.0);
        let settings = Settings::published();
        let samples = stretches.iter().flat_map(|(length, bpm)| std::iter::repeat_n(*bpm, *length as usize));
        let said: Vec<_> = samples
            .enumerate()
            .filter_map(|(second, bpm)| {
                let valid_bpm = [bpm; 4];
                let clean = CleanSecond {
                    index: second as u32,
                    valid_bpm,
                    true_bpm: valid_bpm,
                    trace_bpm: valid_bpm,
                    jump: None,
                };
                low_rate.push(&clean, &settings).map(|draft| (second as u32, draft.stage, draft.measurements[2].value))
            })
            .collect();
        assert_eq!(said, expect);
    }

    #[test]
    fn the_limit_itself_is_not_low() {
        check(&[(60, Some(100.0))], &[]);
        check(&[(14, Some(99.75)), (5, Some(140.0))], &[]);
        check(&[(15, Some(99.75)), (5, Some(140.0))], &[(14, Stage::Provisional, 15.0), (19, Stage::Final, 15.0)]);
    }

    #[test]
    fn it_is_revised_every_five_seconds_and_ends_above_the_hysteresis() {
        check(
            &[(22, Some(90.0)), (4, Some(120.0)), (3, Some(104.75)), (5, Some(105.0))],
            &[
                (14, Stage::Provisional, 15.0),
                (19, Stage::Provisional, 20.0),
                (28, Stage::Provisional, 25.0),
                (33, Stage::Final, 25.0),
            ],
        );
    }

    #[test]
    fn loss_pauses_the_count_for_a_minute() {
        check(&[(10, Some(90.0)), (59, None), (5, Some(90.0))], &[(73, Stage::Provisional, 15.0)]);
        check(&[(10, Some(90.0)), (60, None), (14, Some(90.0))], &[]);
    }
}
