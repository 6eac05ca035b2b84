//! Contractions of the recording, and too many of them.

use std::collections::VecDeque;

use ctg::{FindingKind, HalfToco, Quantity, Stage};

use crate::Settings;
use crate::contractions::{ContractionMethod, Contractions};
use crate::lasting::{Lasting, Side, Watch};
use crate::ledger::{Draft, MethodName, measure};
use crate::marks::{ContractionMark, TICKS_PER_SECOND};
use crate::timeline::{GAP_MAX_S, Second};

/// FIGO 2015 and NICHD 2008: contractions in ten minutes, averaged over thirty.
const TACHYSYSTOLE: MethodName = MethodName { name: "tachysystole_figo2015", version: 1 };
/// Seconds over which contractions are averaged.
const AVERAGED_S: u32 = 1800;
/// Share of these seconds in which uterine activity must have been measured.
const MEASURED_SHARE: f32 = 0.8;
/// Contractions that are remembered: more than one a minute over the whole window.
const REMEMBERED_MAX: usize = 96;

/// What is known of uterine activity.
#[derive(Clone, Debug)]
pub(crate) struct Uterus {
    method: ContractionMethod,
    contractions: Option<Contractions>,
    recent: VecDeque<ContractionMark>,
    measured: VecDeque<bool>,
    measured_s: u32,
    tachysystole: Lasting,
}

impl Uterus {
    /// Nothing known yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        let tachysystole = Lasting::new(Watch {
            kind: FindingKind::Tachysystole,
            method: TACHYSYSTOLE,
            quantity: Quantity::ContractionsPerTenMinutes,
            side: Side::Above,
            limit: settings.tachysystole_per_10_min,
            first_s: 60,
            revision_s: 300,
            end_s: 60,
        });
        Self {
            method: settings.contraction_method,
            contractions: None,
            recent: VecDeque::with_capacity(REMEMBERED_MAX),
            measured: VecDeque::with_capacity(AVERAGED_S as usize),
            measured_s: 0,
            tachysystole,
        }
    }

    /// Takes the next second; gives what there is to say.
    pub(crate) fn push(&mut self, second: &Second) -> Vec<Draft> {
        self.measure(second.toco.iter().any(Option::is_some));
        let oldest = ((second.index + 1).saturating_sub(GAP_MAX_S)) * TICKS_PER_SECOND;
        self.recent.retain(|known| known.end > oldest);
        let method = self.method;
        let contractions = self.contractions.get_or_insert_with(|| Contractions::new(method, second.index));
        for toco in &second.toco {
            contractions.push(toco.map(HalfToco::units));
        }
        let mut drafts = self.take_contractions();
        if (second.index + 1).is_multiple_of(60) {
            let value = self.per_ten_minutes(second.index + 1);
            drafts.extend(self.tachysystole.push(second.index - second.index % 60, 60, value));
        }
        drafts
    }

    /// Ends what is going on.
    pub(crate) fn finish(&mut self) -> Vec<Draft> {
        if let Some(contractions) = &mut self.contractions {
            contractions.finish();
        }
        let mut drafts = self.take_contractions();
        drafts.extend(self.tachysystole.finish());
        drafts
    }

    fn take_contractions(&mut self) -> Vec<Draft> {
        let Some(contractions) = &mut self.contractions else { return Vec::new() };
        let marks: Vec<ContractionMark> = contractions.drain_events().collect();
        for mark in &marks {
            self.note(*mark);
        }
        marks.iter().map(|mark| draft(mark, self.method.method())).collect()
    }

    /// Learns of a contraction.
    fn note(&mut self, mark: ContractionMark) {
        self.recent.retain(|known| known.key != mark.key);
        if mark.stage == Stage::Withdrawn {
            return;
        }
        if self.recent.len() == REMEMBERED_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(mark);
    }

    /// The contractions of the last ninety minutes.
    pub(crate) fn contractions(&self) -> impl Iterator<Item = &ContractionMark> {
        self.recent.iter()
    }

    /// True when uterine activity is being measured.
    pub(crate) fn is_measured(&self) -> bool {
        self.measured_s as f32 > MEASURED_SHARE * self.measured.len() as f32
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.recent.capacity() * size_of::<ContractionMark>()
            + self.measured.capacity()
            + self.contractions.as_ref().map_or(0, Contractions::heap_bytes)
    }

    fn measure(&mut self, measured: bool) {
        if self.measured.len() == AVERAGED_S as usize {
            self.measured_s -= u32::from(self.measured.pop_front() == Some(true));
        }
        self.measured.push_back(measured);
        self.measured_s += u32::from(measured);
    }

    fn per_ten_minutes(&self, now_s: u32) -> Option<f32> {
        let since = now_s.checked_sub(AVERAGED_S)? * TICKS_PER_SECOND;
        let full = self.measured.len() == AVERAGED_S as usize;
        let begun = self.recent.iter().filter(|known| known.start >= since).count();
        (full && self.is_measured()).then(|| begun as f32 * 600.0 / AVERAGED_S as f32)
    }
}

fn draft(mark: &ContractionMark, method: MethodName) -> Draft {
    let duration_s = mark.end.saturating_sub(mark.start) as f32 / TICKS_PER_SECOND as f32;
    Draft {
        key: mark.key,
        fetus: None,
        kind: FindingKind::Contraction,
        stage: mark.stage,
        ongoing: mark.ongoing,
        start: mark.start,
        end: mark.end,
        method,
        measurements: vec![
            measure(Quantity::AmplitudeToco, mark.amplitude_toco),
            measure(Quantity::DurationS, duration_s),
            measure(Quantity::OnsetToExtremeS, mark.peak.saturating_sub(mark.start) as f32 / TICKS_PER_SECOND as f32),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(contractions: u32, measured: bool, expect: Option<f64>) {
        let mut uterus = Uterus::new(&Settings::published());
        let mut said = None;
        for index in 0..AVERAGED_S {
            let toco = [measured.then(|| ctg::HalfToco::new(20)).flatten(); 4];
            let begins = index * contractions / AVERAGED_S != (index + 1) * contractions / AVERAGED_S;
            if begins {
                let start = index * TICKS_PER_SECOND;
                let end = start + 200;
                let stage = Stage::Final;
                uterus.note(ContractionMark {
                    key: start,
                    stage,
                    ongoing: false,
                    start,
                    peak: start,
                    end,
                    amplitude_toco: 40.0,
                });
            }
            said = uterus.push(&Second { index, toco, ..Second::default() }).pop().or(said);
        }
        assert_eq!(said.map(|draft| draft.measurements[0].value), expect);
    }

    #[test]
    fn more_than_five_in_ten_minutes_over_thirty() {
        check(14, true, None);
        check(15, true, None);
        check(16, true, Some(16.0 / 3.0).map(|value: f64| f64::from(value as f32)));
        check(16, false, None);
    }
}
