//! How far the signal can be relied on: range, jumps, doubling and halving, loss per ten minutes.

use std::collections::VecDeque;

use ctg::{QuarterBpm, SignalGrade};

use crate::Settings;
use crate::marks::TICKS_PER_SECOND;

const TICKS: usize = TICKS_PER_SECOND as usize;
/// After this many ticks without an accepted sample the next one is believed whatever its value.
const MEMORY_TICKS: u32 = 2 * TICKS_PER_SECOND;
/// A ratio this near to 2 or 1/2 is doubling or halving: counting errors of autocorrelation stay within a tenth.
const OCTAVE_TOLERANCE: f32 = 0.1;

/// One second of one fetus after the artefacts were taken out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CleanSecond {
    /// Seconds since the recording began.
    pub(crate) index: u32,
    /// Heart rates in range, jumps included: what alarms on the rate itself look at.
    pub(crate) valid_bpm: [Option<f32>; TICKS],
    /// The same without what is known to be false signal.
    pub(crate) true_bpm: [Option<f32>; TICKS],
    /// Heart rates that belong to one trace: what morphology looks at.
    pub(crate) trace_bpm: [Option<f32>; TICKS],
    /// A jump to double or half the rate that was just confirmed.
    pub(crate) jump: Option<OctaveJump>,
}

impl CleanSecond {
    /// Mean of the trace over the second; `None` when fewer than half of its samples are there.
    pub(crate) fn mean_bpm(&self) -> Option<f32> {
        let present: Vec<f32> = self.trace_bpm.iter().flatten().copied().collect();
        (present.len() * 2 >= TICKS).then(|| present.iter().sum::<f32>() / present.len() as f32)
    }
}

/// A sudden jump to double or half the rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OctaveJump {
    /// First tick after the jump.
    pub(crate) tick: u32,
    /// Rate before.
    pub(crate) from_bpm: f32,
    /// Rate after.
    pub(crate) to_bpm: f32,
}

/// Takes out-of-range samples and jumps out of one heart-rate channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cleaner {
    accepted: Option<Accepted>,
    suspect: Option<Suspect>,
    octave: Option<OctaveJump>,
}

#[derive(Clone, Copy, Debug)]
struct Accepted {
    tick: u32,
    bpm: f32,
}

/// A new level after a jump, not yet believed.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    since: u32,
    tick: u32,
    bpm: f32,
}

impl Cleaner {
    /// Cleans the next second.
    pub(crate) fn clean(&mut self, index: u32, raw: &[Option<QuarterBpm>; TICKS], settings: &Settings) -> CleanSecond {
        let mut clean = CleanSecond {
            index,
            valid_bpm: [None; TICKS],
            true_bpm: [None; TICKS],
            trace_bpm: [None; TICKS],
            jump: None,
        };
        for (at, sample) in raw.iter().enumerate() {
            let tick = index * TICKS_PER_SECOND + at as u32;
            let in_range = settings.valid_min_bpm..=settings.valid_max_bpm;
            let valid = sample.map(QuarterBpm::bpm).filter(|bpm| in_range.contains(bpm));
            clean.valid_bpm[at] = valid;
            clean.trace_bpm[at] = valid.filter(|bpm| self.believes(tick, *bpm, settings));
        }
        clean.true_bpm = clean.valid_bpm;
        clean.jump = self.confirmed_octave(settings);
        clean
    }

    fn believes(&mut self, tick: u32, bpm: f32, settings: &Settings) -> bool {
        let Some(last) = self.accepted else { return self.accept(tick, bpm) };
        let forgotten = tick - last.tick > MEMORY_TICKS && self.suspect.is_none();
        if forgotten || (bpm - last.bpm).abs() <= settings.jump_bpm {
            return self.accept(tick, bpm);
        }
        let suspect = match self.suspect {
            Some(known) if (bpm - known.bpm).abs() <= settings.jump_bpm && tick - known.tick <= MEMORY_TICKS => {
                Suspect { since: known.since, tick, bpm }
            }
            _ => Suspect { since: tick, tick, bpm },
        };
        self.suspect = Some(suspect);
        if tick - suspect.since < settings.jump_confirm_s * TICKS_PER_SECOND {
            return false;
        }
        let jump = OctaveJump { tick: suspect.since, from_bpm: last.bpm, to_bpm: bpm };
        self.octave = is_octave(bpm / last.bpm).then_some(jump);
        self.accept(tick, bpm)
    }

    fn accept(&mut self, tick: u32, bpm: f32) -> bool {
        self.accepted = Some(Accepted { tick, bpm });
        self.suspect = None;
        true
    }

    /// The jump, once the new level held for long enough; a jump back before that is none.
    fn confirmed_octave(&mut self, settings: &Settings) -> Option<OctaveJump> {
        let (jump, now) = (self.octave?, self.accepted?);
        if !is_octave(now.bpm / jump.from_bpm) {
            self.octave = None;
            return None;
        }
        let held = now.tick + 1 - jump.tick >= settings.rate_jump_s * TICKS_PER_SECOND;
        if held { self.octave.take() } else { None }
    }
}

fn is_octave(ratio: f32) -> bool {
    (ratio / 2.0 - 1.0).abs() <= OCTAVE_TOLERANCE || (ratio * 2.0 - 1.0).abs() <= OCTAVE_TOLERANCE
}

/// Lost samples of the last window, second by second.
#[derive(Clone, Debug)]
pub(crate) struct LossWindow {
    lost: VecDeque<u8>,
    sum: u32,
    window_s: usize,
}

impl LossWindow {
    /// An empty window of so many seconds.
    pub(crate) fn new(window_s: u32) -> Self {
        let window_s = window_s.max(1) as usize;
        Self { lost: VecDeque::with_capacity(window_s), sum: 0, window_s }
    }

    /// Takes the next second.
    pub(crate) fn push(&mut self, second: &CleanSecond) {
        let lost = second.trace_bpm.iter().filter(|sample| sample.is_none()).count() as u8;
        if self.lost.len() == self.window_s {
            self.sum -= u32::from(self.lost.pop_front().unwrap_or(0));
        }
        self.lost.push_back(lost);
        self.sum += u32::from(lost);
    }

    /// Seconds in the window.
    pub(crate) fn length_s(&self) -> u32 {
        self.lost.len() as u32
    }

    /// Share of lost samples in the window, or since the beginning; 1 before the first second.
    pub(crate) fn ratio(&self) -> f32 {
        if self.lost.is_empty() { 1.0 } else { self.sum as f32 / (self.lost.len() * TICKS) as f32 }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.lost.capacity()
    }
}

/// What a share of lost samples means (FIGO 1987; CTU-UHB inclusion rule).
pub(crate) fn grade(loss_ratio: f32, settings: &Settings) -> SignalGrade {
    if loss_ratio > settings.loss_uninterpretable_ratio {
        SignalGrade::Uninterpretable
    } else if loss_ratio >= settings.loss_limited_ratio {
        SignalGrade::Limited
    } else {
        SignalGrade::Adequate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds of four equal samples in bpm, 0 for loss; gives the trace as text, `.` for loss.
    fn check(bpm: &[u16], expect: &str) {
        let mut cleaner = Cleaner::default();
        let settings = Settings::published();
        let seconds = bpm.iter().enumerate().map(|(second, bpm)| {
            let raw = [QuarterBpm::new(bpm * 4); TICKS];
            let clean = cleaner.clean(second as u32, &raw, &settings);
            let jump = if clean.jump.is_some() { "!" } else { "" };
            format!("{}{jump}", clean.trace_bpm[0].map_or(".".to_owned(), |bpm| bpm.to_string()))
        });
        assert_eq!(seconds.collect::<Vec<_>>().join(" "), expect);
    }

    #[test]
    fn rates_out_of_range_are_lost() {
        check(&[29, 30, 0, 0, 0, 240, 241, 280], ". 30 . . . 240 . .");
    }

    #[test]
    fn a_jump_is_believed_once_it_lasts() {
        check(&[140, 165, 140, 166, 140], "140 165 140 . 140");
        check(&[140, 180, 180, 180, 180, 180, 180, 180], "140 . . . . . 180 180");
        check(&[140, 180, 140, 180, 140], "140 . 140 . 140");
    }

    #[test]
    fn after_a_gap_any_rate_is_believed() {
        check(&[140, 0, 180], "140 . .");
        check(&[140, 0, 0, 180], "140 . . 180");
    }

    #[test]
    fn doubling_and_halving_are_told_once_they_last() {
        let halved = [vec![140; 3], vec![70; 12]].concat();
        check(&halved, "140 140 140 . . . . . 70 70 70 70 70! 70 70");
        let doubled = [vec![110; 3], vec![220; 9], vec![110; 8]].concat();
        check(&doubled, "110 110 110 . . . . . 220 220 220 220 . . . . . 110 110 110");
        let other = [vec![140; 3], vec![90; 12]].concat();
        check(&other, "140 140 140 . . . . . 90 90 90 90 90 90 90");
    }

    #[test]
    fn loss_is_graded_at_a_fifth_and_a_half() {
        let settings = Settings::published();
        let cases = [
            (0.19, SignalGrade::Adequate),
            (0.2, SignalGrade::Limited),
            (0.21, SignalGrade::Limited),
            (0.49, SignalGrade::Limited),
            (0.5, SignalGrade::Limited),
            (0.51, SignalGrade::Uninterpretable),
        ];
        for (ratio, expect) in cases {
            assert_eq!(grade(ratio, &settings), expect, "{ratio}");
        }
    }

    #[test]
    fn the_window_forgets() {
        let mut window = LossWindow::new(4);
        assert_eq!(window.ratio(), 1.0);
        let second = |lost: bool| {
            let trace_bpm = [(!lost).then_some(140.0); TICKS];
            CleanSecond { index: 0, valid_bpm: trace_bpm, true_bpm: trace_bpm, trace_bpm, jump: None }
        };
        for (lost, expect) in [(true, 1.0), (false, 0.5), (false, 1.0 / 3.0), (false, 0.25), (false, 0.0), (true, 0.25)]
        {
            window.push(&second(lost));
            assert_eq!(window.ratio(), expect);
        }
    }
}
