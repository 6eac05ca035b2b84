//! Too many absent samples in the last ten minutes (FIGO 1987: extend above a fifth; CTU-UHB: unusable above half).

use ctg::{FindingKind, Quantity, SignalGrade, Stage};

use crate::Settings;
use crate::ledger::{Draft, MethodName, measure};
use crate::marks::TICKS_PER_SECOND;
use crate::quality::{LossWindow, grade};

const METHOD: MethodName = MethodName { name: "signal_loss_figo1987", version: 1 };
/// Seconds between two revisions while the grade stays the same.
const REVISION_S: u32 = 60;

/// Watches the loss of one channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignalLoss {
    episode: Option<Episode>,
}

#[derive(Clone, Copy, Debug)]
struct Episode {
    start: u32,
    said_second: u32,
    said_grade: SignalGrade,
}

impl SignalLoss {
    /// Looks at the window after the second `second`; gives what there is to say.
    pub(crate) fn push(&mut self, second: u32, window: &LossWindow, settings: &Settings) -> Option<Draft> {
        let ratio = window.ratio();
        let grade = grade(ratio, settings);
        let Some(episode) = &mut self.episode else {
            let raised = window.length_s() >= settings.loss_first_s && grade != SignalGrade::Adequate;
            let start = (second + 1).saturating_sub(window.length_s()) * TICKS_PER_SECOND;
            self.episode = raised.then_some(Episode { start, said_second: second, said_grade: grade });
            return raised.then(|| draft(start, second, ratio, settings, Stage::Provisional));
        };
        let start = episode.start;
        if ratio < settings.loss_clear_ratio {
            self.episode = None;
            return Some(draft(start, second, ratio, settings, Stage::Final));
        }
        let worse_or_better = grade != episode.said_grade && grade != SignalGrade::Adequate;
        if !worse_or_better && second < episode.said_second + REVISION_S {
            return None;
        }
        episode.said_second = second;
        episode.said_grade = grade;
        Some(draft(start, second, ratio, settings, Stage::Provisional))
    }

    /// Ends what is going on.
    pub(crate) fn finish(&mut self, second: u32, window: &LossWindow, settings: &Settings) -> Option<Draft> {
        let episode = self.episode.take()?;
        Some(draft(episode.start, second, window.ratio(), settings, Stage::Final))
    }
}

fn draft(start: u32, second: u32, ratio: f32, settings: &Settings, stage: Stage) -> Draft {
    let limit = match grade(ratio, settings) {
        SignalGrade::Uninterpretable => settings.loss_uninterpretable_ratio,
        SignalGrade::Limited | SignalGrade::Adequate => settings.loss_limited_ratio,
    };
    Draft {
        key: start,
        fetus: None,
        kind: FindingKind::SignalLoss,
        stage,
        ongoing: stage == Stage::Provisional,
        start,
        end: (second + 1) * TICKS_PER_SECOND,
        method: METHOD,
        measurements: vec![measure(Quantity::LossRatio, ratio), measure(Quantity::Limit, limit)],
    }
}
