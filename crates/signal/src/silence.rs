//! No block for too long.

use ctg::{FindingKind, Quantity, Stage};

use crate::Settings;
use crate::ledger::{Draft, MethodName, measure};
use crate::marks::TICKS_PER_SECOND;

const METHOD: MethodName = MethodName { name: "silence", version: 1 };
/// Seconds of silence between two revisions.
const REVISION_S: u32 = 5;
const TICK_US: i64 = ctg::MICROS_PER_SECOND / TICKS_PER_SECOND as i64;

/// Watches the time since the newest sample.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silence {
    episode: Option<Episode>,
}

#[derive(Clone, Copy, Debug)]
struct Episode {
    start: u32,
    until: u32,
    said_s: u32,
}

impl Silence {
    /// Learns that nothing came after `newest_us` until `until_us`, both since the recording began.
    pub(crate) fn extend(&mut self, newest_us: i64, until_us: i64, settings: &Settings) -> Option<Draft> {
        let (start, until) = (tick(newest_us), tick(until_us));
        let silent_s = until.saturating_sub(start) / TICKS_PER_SECOND;
        if silent_s < settings.communication_loss_s {
            return None;
        }
        let episode = self.episode.get_or_insert(Episode { start, until, said_s: 0 });
        episode.until = episode.until.max(until);
        if episode.said_s > 0 && silent_s < episode.said_s + REVISION_S {
            return None;
        }
        episode.said_s = silent_s;
        Some(draft(episode, settings, Stage::Provisional))
    }

    /// Learns that a block came, or that the recording is over.
    pub(crate) fn end(&mut self, settings: &Settings) -> Option<Draft> {
        let episode = self.episode.take()?;
        Some(draft(&episode, settings, Stage::Final))
    }
}

fn tick(offset_us: i64) -> u32 {
    u32::try_from(offset_us.max(0) / TICK_US).unwrap_or(u32::MAX)
}

fn draft(episode: &Episode, settings: &Settings, stage: Stage) -> Draft {
    let silent_s = episode.until.saturating_sub(episode.start) as f32 / TICKS_PER_SECOND as f32;
    Draft {
        key: episode.start,
        fetus: None,
        kind: FindingKind::CommunicationLoss,
        stage,
        ongoing: stage == Stage::Provisional,
        start: episode.start,
        end: episode.until,
        method: METHOD,
        measurements: vec![
            measure(Quantity::SilenceS, silent_s),
            measure(Quantity::Limit, settings.communication_loss_s as f32),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_from_ten_seconds_on_and_ends() {
        let (mut silence, settings) = (Silence::default(), Settings::published());
        let newest_us = 100_000_000;
        let mut said = Vec::new();
        for seconds in 0..=21 {
            let draft = silence.extend(newest_us, newest_us + seconds * ctg::MICROS_PER_SECOND, &settings);
            said.extend(draft.map(|draft| (seconds, draft.stage, draft.measurements[0].value)));
        }
        let provisional = |seconds: u32| (i64::from(seconds), Stage::Provisional, f64::from(seconds));
        assert_eq!(said, [provisional(10), provisional(15), provisional(20)]);
        let ended = silence.end(&settings).unwrap();
        assert_eq!((ended.start, ended.end, ended.stage), (400, 484, Stage::Final));
        assert_eq!(silence.end(&settings), None);
    }

    #[test]
    fn clocks_that_disagree_are_no_silence() {
        let mut silence = Silence::default();
        assert_eq!(silence.extend(100, -1_000_000_000, &Settings::published()), None);
        assert_eq!(silence.extend(i64::MAX, i64::MAX, &Settings::published()), None);
        assert!(silence.extend(0, i64::MAX, &Settings::published()).is_some());
    }
}
