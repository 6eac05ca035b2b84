//! What the analysis says, on the strip: baseline, events with type and numbers, lasting findings.

use ctg::{Finding, FindingKind, Quantity};
use signal::report::LookAhead;

use super::drawing::{Drawing, Text};
use super::paper::{Paper, Row};
use super::strip;
use super::words;
use crate::analyze::engine::{Analyzed, Seen};

const ACCELERATION: &str = "#1c7c43";
const DECELERATION: &str = "#b3261e";
const CONTRACTION: &str = "#4a5a68";
const LASTING: &str = "#7a4b00";
/// Height of a line of labels.
const LINE_MM: f64 = 2.4;
/// Lines of labels before they overlap.
const LINES: usize = 3;
/// Width of a letter, of the size that labels have.
const LETTER_MM: f64 = 1.15;
const LABEL_MM: f64 = 2.0;

/// Places labels so that they do not overlap: each line remembers where it is free.
#[derive(Clone, Copy, Debug, Default)]
struct Lines {
    free_from: [f64; LINES],
}

impl Lines {
    /// The line for a text that begins at `x`; the emptiest one where none is free.
    fn place(&mut self, x: f64, text: &str) -> f64 {
        let width = text.chars().map(|letter| if letter.is_ascii() { LETTER_MM } else { 2.0 * LETTER_MM }).sum::<f64>();
        let free = self.free_from.iter().position(|free| *free <= x);
        let emptiest = (0..LINES).min_by(|one, other| self.free_from[*one].total_cmp(&self.free_from[*other]));
        let line = free.or(emptiest).unwrap_or(0);
        self.free_from[line] = x + width + 0.8;
        line as f64
    }
}

/// Draws one row of marks of one fetus.
pub(super) fn draw(drawing: &mut Drawing, paper: &Paper, row: Row, top: f64, seen: &Seen, look_ahead: LookAhead) {
    strip::draw_baseline(drawing, paper, row, top, &seen.report.scored(look_ahead).baseline_bpm);
    let mut marker = Marker {
        paper,
        row,
        top,
        own: seen.fetus == ctg::FetusIndex::FIRST,
        rises: Lines::default(),
        falls: Lines::default(),
        lasting: Lines::default(),
        contractions: Lines::default(),
    };
    for finding in seen.report.findings(look_ahead) {
        let (start_s, end_s) = (Analyzed::at_s(finding.interval.start), Analyzed::at_s(finding.interval.end));
        if end_s > row.start_s && start_s < row.end_s {
            marker.mark(drawing, finding, (start_s, end_s));
        }
    }
}

struct Marker<'a> {
    paper: &'a Paper,
    row: Row,
    top: f64,
    /// True for the fetus that contractions are drawn with.
    own: bool,
    rises: Lines,
    falls: Lines,
    lasting: Lines,
    contractions: Lines,
}

impl Marker<'_> {
    fn mark(&mut self, drawing: &mut Drawing, finding: &Finding, (start_s, end_s): (f64, f64)) {
        let (from, to) = (self.paper.x(self.row, start_s), self.paper.x(self.row, end_s));
        let label = label(finding);
        let begins_here = start_s >= self.row.start_s;
        let label = if begins_here { label.as_str() } else { "…" };
        match finding.kind {
            FindingKind::Acceleration => {
                let y = self.top + LINE_MM * (self.rises.place(from, label) + 0.9);
                self.event(drawing, (from, to), (self.top, ACCELERATION), (y, label));
            }
            FindingKind::Deceleration(_) => {
                let y = self.paper.fhr_bottom(self.top) - 1.8 - LINE_MM * self.falls.place(from, label);
                self.event(drawing, (from, to), (self.paper.fhr_bottom(self.top), DECELERATION), (y, label));
            }
            FindingKind::Contraction if !self.own => {}
            FindingKind::Contraction => self.contraction(drawing, (from, to), label),
            FindingKind::CommunicationLoss
            | FindingKind::SignalLoss
            | FindingKind::Tachysystole
            | FindingKind::LowHeartRate
            | FindingKind::Tachycardia
            | FindingKind::Bradycardia
            | FindingKind::ReducedVariability
            | FindingKind::IncreasedVariability
            | FindingKind::Sinusoidal
            | FindingKind::FalseSignal
            | FindingKind::TwinCoincidence
            | FindingKind::RateJump => self.lasting(drawing, (from, to), label),
        }
    }

    fn event(
        &self,
        drawing: &mut Drawing,
        (from, to): (f64, f64),
        (edge, color): (f64, &str),
        (y, label): (f64, &str),
    ) {
        let height = self.paper.fhr_bottom(self.top) - self.top;
        drawing.rectangle((from, self.top), (to - from, height), color, 0.09);
        drawing.line((from, edge), (to, edge), color, 0.7);
        drawing.text(&Text::new(from, y, label).size(LABEL_MM).color(color));
    }

    fn contraction(&mut self, drawing: &mut Drawing, (from, to): (f64, f64), label: &str) {
        let (top, bottom) = (self.paper.toco_top(self.top), self.paper.toco_bottom(self.top));
        drawing.rectangle((from, top), (to - from, bottom - top), CONTRACTION, 0.08);
        drawing.line((from, bottom), (to, bottom), CONTRACTION, 0.7);
        let y = top + LINE_MM * (self.contractions.place(from, label) + 0.9);
        drawing.text(&Text::new(from, y, label).size(LABEL_MM).color(CONTRACTION));
    }

    /// A bar just below the heart rate.
    fn lasting(&mut self, drawing: &mut Drawing, (from, to): (f64, f64), label: &str) {
        let line = self.lasting.place(from, label).min(1.0);
        let y = self.paper.fhr_bottom(self.top) + 0.4 + LINE_MM * line;
        drawing.rectangle((from, y), ((to - from).max(0.5), 0.5), LASTING, 0.8);
        drawing.text(&Text::new(from, y + 2.2, label).size(1.8).color(LASTING));
    }
}

/// The code of the finding and its first numbers.
fn label(finding: &Finding) -> String {
    let code = words::short(finding.kind.code());
    let duration_s = finding.interval.duration_s();
    let amplitude = |sign: &str| {
        let bpm = finding.value(Quantity::AmplitudeBpm);
        bpm.map_or(String::new(), |bpm| format!(" {sign}{bpm:.0}"))
    };
    match finding.kind {
        FindingKind::Acceleration => format!("{code}{} {duration_s:.0}s", amplitude("+")),
        FindingKind::Deceleration(_) => format!("{code}{} {duration_s:.0}s", amplitude("−")),
        FindingKind::Contraction => format!("{duration_s:.0}s"),
        FindingKind::CommunicationLoss
        | FindingKind::SignalLoss
        | FindingKind::Tachysystole
        | FindingKind::LowHeartRate
        | FindingKind::Tachycardia
        | FindingKind::Bradycardia
        | FindingKind::ReducedVariability
        | FindingKind::IncreasedVariability
        | FindingKind::Sinusoidal
        | FindingKind::FalseSignal
        | FindingKind::TwinCoincidence
        | FindingKind::RateJump => code.to_owned(),
    }
}
