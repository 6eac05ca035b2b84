//! Two fetal channels that show one heart.
//!
//! Monitors call it coincidence or signal overlap; IEC 60601-2-37 leaves the test to the maker. Ours: the rates of
//! two channels stay within two beats a minute of each other; two hearts cross, but do not stay.

use ctg::{FetusIndex, FindingKind, Quantity};

use crate::Settings;
use crate::lasting::{Lasting, Side, Watch};
use crate::ledger::{Draft, MethodName};
use crate::timeline::Second;

const METHOD: MethodName = MethodName { name: "twin_coincidence", version: 1 };
/// Seconds apart, or without one of the channels, that end it.
const END_S: u32 = 5;
/// Seconds between two revisions.
const REVISION_S: u32 = 15;

/// Compares each pair of fetal channels; the finding names the second of the pair.
#[derive(Clone, Debug)]
pub(crate) struct Twins {
    pairs: Vec<(usize, usize, Lasting)>,
}

impl Twins {
    /// Watches all pairs of `fetuses` channels.
    pub(crate) fn new(fetuses: u8, settings: &Settings) -> Self {
        let watch = Watch {
            kind: FindingKind::TwinCoincidence,
            method: METHOD,
            quantity: Quantity::AmplitudeBpm,
            side: Side::AtMost,
            limit: settings.twin_coincidence_bpm,
            first_s: settings.twin_coincidence_first_s,
            revision_s: REVISION_S,
            end_s: END_S,
        };
        let count = usize::from(fetuses).min(ctg::FETUSES_MAX);
        let pairs = (0..count).flat_map(|first| (first + 1..count).map(move |second| (first, second)));
        Self { pairs: pairs.map(|(first, second)| (first, second, Lasting::new(watch))).collect() }
    }

    /// Takes the next second; gives what there is to say.
    pub(crate) fn push(&mut self, second: &Second) -> Vec<Draft> {
        let drafts = self.pairs.iter_mut().filter_map(|(first, other, lasting)| {
            let apart = apart_bpm(second, *first, *other);
            owned(lasting.push(second.index, 1, apart), *other)
        });
        drafts.collect()
    }

    /// Ends what is going on.
    pub(crate) fn finish(&mut self) -> Vec<Draft> {
        self.pairs.iter_mut().filter_map(|(_, other, lasting)| owned(lasting.finish(), *other)).collect()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.pairs.capacity() * size_of::<(usize, usize, Lasting)>()
    }
}

fn owned(draft: Option<Draft>, fetus: usize) -> Option<Draft> {
    draft.map(|draft| Draft { fetus: u8::try_from(fetus).ok().and_then(FetusIndex::new), ..draft })
}

/// Mean distance of the samples that both channels have.
fn apart_bpm(second: &Second, first: usize, other: usize) -> Option<f32> {
    let pairs = second.fhr[first].iter().zip(&second.fhr[other]);
    let apart: Vec<f32> =
        pairs.filter_map(|(one, two)| Some((one.as_ref()?.bpm() - two.as_ref()?.bpm()).abs())).collect();
    (!apart.is_empty()).then(|| apart.iter().sum::<f32>() / apart.len() as f32)
}
