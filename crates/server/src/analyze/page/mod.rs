//! One page per recording: the strip to scale, with marks, findings and rule answers. All lengths in millimeters.

mod drawing;
mod marks;
mod paper;
mod strip;
mod table;
mod words;

use ctg::SignalGrade;

use super::arguments::Arguments;
use super::engine::{Analyzed, Seen};
use drawing::{Drawing, Text};
use paper::{MARGIN_MM, PAGE_WIDTH_MM, Paper};
use words::{GRADES, word};

/// Height of a page of ordinary length: A4, landscape. Longer recordings have a longer page.
const PAGE_HEIGHT_MIN_MM: f64 = 210.0;
/// Height of the title above the strip.
const TITLE_MM: f64 = 18.0;
/// Height of the last lines below everything.
const FOOT_MM: f64 = 10.0;

/// The page as SVG.
pub(super) fn svg(name: &str, analyzed: &Analyzed, arguments: &Arguments) -> String {
    let paper = Paper::new(&analyzed.trace, arguments.cm_per_min, arguments.bpm_per_cm);
    let mut drawing = Drawing::default();
    title(&mut drawing, name, analyzed, arguments);
    let mut top = MARGIN_MM + TITLE_MM;
    for row in paper.rows() {
        paper.draw(&mut drawing, row, top);
        strip::draw(&mut drawing, &paper, row, top, &analyzed.trace);
        for seen in &analyzed.fetuses {
            marks::draw(&mut drawing, &paper, row, top, seen, arguments.look_ahead());
        }
        top += paper.row_height();
    }
    if let Some(note) = paper.note() {
        drawing.text(&Text::new(MARGIN_MM, top, &note));
        top += 5.0;
    }
    top = table::draw(&mut drawing, top + 3.0, analyzed, arguments.look_ahead());
    let height = (top + FOOT_MM).max(PAGE_HEIGHT_MIN_MM);
    foot(&mut drawing, height);
    drawing.into_svg(PAGE_WIDTH_MM, height)
}

fn title(drawing: &mut Drawing, name: &str, analyzed: &Analyzed, arguments: &Arguments) {
    let top = MARGIN_MM + 4.0;
    drawing.text(&Text::new(MARGIN_MM, top, "胎心宫缩图报告 Cardiotocogram").size(5.0).bold());
    drawing.text(&Text::new(PAGE_WIDTH_MM - MARGIN_MM, top, name).size(4.0).bold().right());
    let scale = format!(
        "{} cm/min · {} bpm/cm · 时长 length {} · 前瞻 look-ahead {} s",
        arguments.cm_per_min,
        arguments.bpm_per_cm,
        clock(analyzed.trace.duration_s()),
        arguments.look_ahead_s(),
    );
    drawing.text(&Text::new(MARGIN_MM, top + 5.5, &scale).size(2.6));
    for (line, seen) in analyzed.fetuses.iter().enumerate() {
        let at = top + 5.5 + 3.6 * line as f64;
        drawing.text(&Text::new(PAGE_WIDTH_MM - MARGIN_MM, at, &figures(seen, analyzed)).size(2.6).right());
    }
    strip::legend(drawing, top + 10.2, &analyzed.trace);
}

/// Baseline, variability and loss of one fetus in a line.
fn figures(seen: &Seen, analyzed: &Analyzed) -> String {
    let many = analyzed.fetuses.len() > 1;
    let whose = if many { format!("胎儿 fetus {} · ", seen.fetus.get() + 1) } else { String::new() };
    let number = |value: Option<f32>| value.map_or("–".to_owned(), |value| format!("{value:.0}"));
    let lost = analyzed.trace.fhr.get(usize::from(seen.fetus.get())).map_or(1.0, |channel| {
        let absent = channel.rates.iter().filter(|rate| rate.is_none()).count();
        absent as f64 / channel.rates.len().max(1) as f64
    });
    let (baseline, variability) = seen.numerics.map_or((None, None), |last| (last.baseline_bpm, last.variability_bpm));
    let grade = seen.numerics.map_or("–".to_owned(), |last| word(GRADES, SignalGrade::code(last.grade)));
    format!(
        "{whose}末段基线 last baseline {} bpm · 变异 variability {} bpm · 丢失 loss {:.0} % · {grade}",
        number(baseline),
        number(variability),
        100.0 * lost,
    )
}

fn foot(drawing: &mut Drawing, height: f64) {
    let line = "仅供临床决策参考,由医生判断。Decision support only: the clinician decides.";
    drawing.text(&Text::new(MARGIN_MM, height - 4.0, line).size(2.4));
    let program = concat!("Maia ", env!("CARGO_PKG_VERSION"));
    drawing.text(&Text::new(PAGE_WIDTH_MM - MARGIN_MM, height - 4.0, program).size(2.4).right());
}

/// Hours, minutes and seconds since the recording began.
fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

#[cfg(test)]
mod tests;
