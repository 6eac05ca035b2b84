//! False signal as findings: what the detector of the settings says, told once it lasts.

use ctg::{FindingKind, Quantity, Stage};

use crate::Settings;
use crate::false_signal::{FalseSignal, FalseSignalMethod};
use crate::lasting::{Lasting, Side, Watch};
use crate::ledger::Draft;
use crate::quality::CleanSecond;
use crate::timeline::Second;

/// Seconds between two revisions.
const REVISION_S: u32 = 10;
/// Seconds of true signal, or of none, that end false signal: as long as settled opinions take.
const END_S: u32 = 10;

/// Listens to one detector on one fetal channel.
#[derive(Clone, Debug)]
pub(crate) struct Pickup {
    detector: FalseSignal,
    lasting: Lasting,
    limit: f32,
    settled: Opinions,
}

/// The mean of probabilities.
#[derive(Clone, Copy, Debug, Default)]
struct Opinions {
    sum: f32,
    count: f32,
}

impl Opinions {
    fn add(&mut self, probability: f32) {
        self.sum += probability;
        self.count += 1.0;
    }

    fn mean(self) -> Option<f32> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

impl Pickup {
    /// Nothing heard yet.
    pub(crate) fn new(method: FalseSignalMethod, settings: &Settings) -> Self {
        let lasting = Lasting::new(Watch {
            kind: FindingKind::FalseSignal,
            method: method.method(),
            quantity: Quantity::Probability,
            side: Side::AtLeast,
            limit: settings.false_signal_probability,
            first_s: settings.false_signal_first_s,
            revision_s: REVISION_S,
            end_s: END_S,
        });
        let limit = settings.false_signal_probability;
        Self { detector: FalseSignal::new(method), lasting, limit, settled: Opinions::default() }
    }

    /// Takes the next second; gives what there is to say, and which samples are false as far as is known now and
    /// as a maternal rate confirms.
    pub(crate) fn push(&mut self, second: &Second, clean: &CleanSecond) -> (Option<Draft>, [bool; 4]) {
        let mut now = Opinions::default();
        let mut is_false = [false; 4];
        for (at, flag) in is_false.iter_mut().enumerate() {
            let mhr_bpm = second.mhr[at].map(ctg::QuarterBpm::bpm);
            let opinion = self.detector.push(clean.valid_bpm[at], mhr_bpm, second.toco[at].map(ctg::HalfToco::units));
            if let Some(probability) = opinion.now {
                now.add(probability);
                *flag = mhr_bpm.is_some() && probability >= self.limit;
            }
            if let Some(probability) = opinion.settled {
                self.settled.add(probability);
            }
        }
        let draft = self.lasting.push(clean.index, 1, now.mean());
        if self.lasting.is_idle() && draft.is_none() {
            self.settled = Opinions::default();
        }
        (draft.map(|draft| self.judge(draft)), is_false)
    }

    /// Ends what is going on.
    pub(crate) fn finish(&mut self) -> Option<Draft> {
        self.lasting.finish().map(|draft| self.judge(draft))
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.detector.heap_bytes()
    }

    /// The last word follows the settled opinions; where they speak against it, it is taken back.
    fn judge(&mut self, draft: Draft) -> Draft {
        if draft.stage != Stage::Final {
            return draft;
        }
        let settled = std::mem::take(&mut self.settled).mean();
        let stays = settled.is_none_or(|probability| probability >= self.limit);
        Draft { stage: if stays { Stage::Final } else { Stage::Withdrawn }, ..draft }
    }
}
