//! What was measured: heart rates, uterine activity, and where there was no signal.

use recordings::Trace;

use super::drawing::{Drawing, Text};
use super::paper::{MARGIN_MM, Paper, Row};

/// Colors and dashes of the fetuses, so that color is never alone.
const FHR: [(&str, &str); 3] = [("#14325c", ""), ("#8a1f7d", "1.2 0.4"), ("#1f6b3a", "0.5 0.4")];
const MHR: &str = "#c05a12";
const TOCO: &str = "#33424f";
const LOST: &str = "#9a958c";
const BASELINE: &str = "#0d8a80";
/// Shorter losses are seen as gaps and need no mark, s.
const MARKED_LOSS_S: f64 = 5.0;

/// Draws one row of measurements.
pub(super) fn draw(drawing: &mut Drawing, paper: &Paper, row: Row, top: f64, trace: &Trace) {
    let hz = f64::from(trace.rate.hz());
    let strokes = |values: &mut dyn Iterator<Item = Option<f64>>, y: &dyn Fn(f64) -> f64| {
        strokes(values, row, hz, |at_s, value| (paper.x(row, at_s), y(value)))
    };
    let fhr_y = |bpm: f64| paper.fhr_y(top, bpm);
    if let Some(mhr) = &trace.mhr {
        let mut rates = mhr.iter().map(|rate| rate.map(|rate| f64::from(rate.bpm())));
        drawing.strokes(&strokes(&mut rates, &fhr_y), MHR, 0.15, "0.8 0.5");
    }
    for (channel, (color, dashes)) in trace.fhr.iter().zip(FHR) {
        let mut rates = channel.rates.iter().map(|rate| rate.map(|rate| f64::from(rate.bpm())));
        drawing.strokes(&strokes(&mut rates, &fhr_y), color, 0.2, dashes);
    }
    if let Some(toco) = &trace.toco {
        let mut values = toco.iter().map(|value| value.map(|value| f64::from(value.units())));
        drawing.strokes(&strokes(&mut values, &|units| paper.toco_y(top, units)), TOCO, 0.2, "");
    }
    draw_loss(drawing, paper, row, top, trace);
}

/// What the lines mean.
pub(super) fn legend(drawing: &mut Drawing, y: f64, trace: &Trace) {
    let mut entries: Vec<(&str, &str, &str)> = Vec::new();
    let names = ["胎心率 FHR", "胎心率 FHR 2", "胎心率 FHR 3"];
    entries.extend(names.iter().zip(FHR).take(trace.fhr.len()).map(|(name, (color, dashes))| (*name, color, dashes)));
    entries.push(("基线 baseline", BASELINE, ""));
    entries.extend(trace.mhr.as_ref().map(|_| ("母心率 MHR", MHR, "0.8 0.5")));
    entries.extend(trace.toco.as_ref().map(|_| ("宫缩 toco", TOCO, "")));
    entries.push(("信号丢失 signal lost", LOST, ""));
    let mut x = MARGIN_MM;
    for (name, color, dashes) in entries {
        drawing.strokes(&[vec![(x, y - 0.8), (x + 6.0, y - 0.8)]], color, 0.4, dashes);
        drawing.text(&Text::new(x + 7.0, y, name).size(2.4));
        x += 36.0;
    }
}

/// One baseline point a second as lines.
pub(super) fn draw_baseline(drawing: &mut Drawing, paper: &Paper, row: Row, top: f64, baseline_bpm: &[Option<f32>]) {
    let mut values = baseline_bpm.iter().map(|bpm| bpm.map(f64::from));
    let strokes = strokes(&mut values, row, 1.0, |at_s, bpm| (paper.x(row, at_s), paper.fhr_y(top, bpm)));
    drawing.strokes(&strokes, BASELINE, 0.3, "");
}

/// The values of a row, a new stroke after every gap.
fn strokes(
    values: &mut dyn Iterator<Item = Option<f64>>,
    row: Row,
    hz: f64,
    place: impl Fn(f64, f64) -> (f64, f64),
) -> Vec<Vec<(f64, f64)>> {
    let (first, last) = ((row.start_s * hz) as usize, (row.end_s * hz) as usize);
    let mut strokes = vec![Vec::new()];
    for (at, value) in values.enumerate().skip(first).take(last - first + 1) {
        match (value, strokes.last_mut()) {
            (Some(value), Some(stroke)) => stroke.push(place(at as f64 / hz, value)),
            (None, Some(stroke)) if !stroke.is_empty() => strokes.push(Vec::new()),
            (Some(_) | None, _) => {}
        }
    }
    strokes
}

/// A bar below the heart rate wherever no fetus has a signal.
fn draw_loss(drawing: &mut Drawing, paper: &Paper, row: Row, top: f64, trace: &Trace) {
    let hz = f64::from(trace.rate.hz());
    let is_lost = |at: usize| trace.fhr.iter().all(|channel| channel.rates.get(at).is_none_or(Option::is_none));
    let (first, last) = ((row.start_s * hz) as usize, ((row.end_s * hz) as usize).min(trace.sample_count()));
    let y = paper.fhr_bottom(top) - 1.0;
    let mut at = first;
    while at < last {
        let length = (at..last).take_while(|at| is_lost(*at)).count();
        if length as f64 / hz >= MARKED_LOSS_S {
            let (from, to) = (paper.x(row, at as f64 / hz), paper.x(row, (at + length) as f64 / hz));
            drawing.rectangle((from, y), (to - from, 1.0), LOST, 0.8);
        }
        at += length.max(1);
    }
}
