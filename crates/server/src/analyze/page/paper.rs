//! The empty paper: scales, grid, times.

use recordings::Trace;

use super::clock;
use super::drawing::{Drawing, Text};

/// Width of A4, landscape.
pub(super) const PAGE_WIDTH_MM: f64 = 297.0;
/// Empty border of the page.
pub(super) const MARGIN_MM: f64 = 9.0;
/// Room for the numbers left of the strip.
const SCALE_MM: f64 = 7.0;
/// Most rows of strip: with a longer recording the page would be longer than PDF allows.
const ROWS_MAX: usize = 40;

/// Heart rates on the paper, bpm (FIGO 2015).
const FHR_BPM: (f64, f64) = (50.0, 210.0);
/// Normal range of the baseline, bpm (FIGO 2015; Chinese consensus 2015).
const NORMAL_BPM: (f64, f64) = (110.0, 160.0);
/// Uterine activity on the paper, relative units.
const TOCO_MAX: f64 = 100.0;
/// Relative units in a millimeter.
const TOCO_PER_MM: f64 = 4.0;
/// Between heart rate and uterine activity: times and lasting findings.
const GAP_MM: f64 = 9.5;
/// Between rows.
const BETWEEN_ROWS_MM: f64 = 6.0;

const BAND: &str = "#eef7ef";
const MINOR: &str = "#f3ddd7";
const MAJOR: &str = "#e0b3a8";
const LABEL: &str = "#8a5a4e";

/// One line of strip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) start_s: f64,
    pub(super) end_s: f64,
}

/// The scales of a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paper {
    mm_per_s: f64,
    mm_per_bpm: f64,
    row_s: f64,
    rows: usize,
    rows_left_out: usize,
    duration_s: f64,
    line_every_s: f64,
    label_every_bpm: f64,
}

impl Paper {
    pub(super) fn new(trace: &Trace, cm_per_min: u8, bpm_per_cm: u8) -> Self {
        let mm_per_s = f64::from(cm_per_min) * 10.0 / 60.0;
        let minutes = ((PAGE_WIDTH_MM - 2.0 * MARGIN_MM - SCALE_MM) / (mm_per_s * 60.0)).floor();
        let row_s = minutes * 60.0;
        let rows = (trace.duration_s() / row_s).ceil().max(1.0) as usize;
        Self {
            mm_per_s,
            mm_per_bpm: 10.0 / f64::from(bpm_per_cm),
            row_s,
            rows: rows.min(ROWS_MAX),
            rows_left_out: rows.saturating_sub(ROWS_MAX),
            duration_s: trace.duration_s(),
            line_every_s: if cm_per_min == 3 { 20.0 } else { 30.0 },
            label_every_bpm: if bpm_per_cm == 30 { 30.0 } else { 20.0 },
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row> + use<> {
        let (rows, row_s) = (self.rows, self.row_s);
        (0..rows).map(move |row| Row { start_s: row as f64 * row_s, end_s: (row + 1) as f64 * row_s })
    }

    /// What is not on the page; `None` if everything is.
    pub(super) fn note(&self) -> Option<String> {
        let until = clock(self.rows as f64 * self.row_s);
        (self.rows_left_out > 0).then(|| format!("{until} 之后的曲线见数据文件 the strip after {until} is not drawn"))
    }

    pub(super) fn row_height(&self) -> f64 {
        self.toco_bottom(0.0) + BETWEEN_ROWS_MM
    }

    /// Samples per millimeter and more need no finer line.
    pub(super) fn x(&self, row: Row, at_s: f64) -> f64 {
        MARGIN_MM + SCALE_MM + (at_s.clamp(row.start_s, row.end_s) - row.start_s) * self.mm_per_s
    }

    pub(super) fn fhr_y(&self, top: f64, bpm: f64) -> f64 {
        top + (FHR_BPM.1 - bpm.clamp(FHR_BPM.0, FHR_BPM.1)) * self.mm_per_bpm
    }

    pub(super) fn fhr_bottom(&self, top: f64) -> f64 {
        self.fhr_y(top, FHR_BPM.0)
    }

    pub(super) fn toco_y(&self, top: f64, units: f64) -> f64 {
        self.toco_bottom(top) - units.clamp(0.0, TOCO_MAX) / TOCO_PER_MM
    }

    pub(super) fn toco_top(&self, top: f64) -> f64 {
        self.fhr_bottom(top) + GAP_MM
    }

    pub(super) fn toco_bottom(&self, top: f64) -> f64 {
        self.toco_top(top) + TOCO_MAX / TOCO_PER_MM
    }

    /// Draws the empty paper of one row.
    pub(super) fn draw(&self, drawing: &mut Drawing, row: Row, top: f64) {
        let (left, right) = (self.x(row, row.start_s), self.x(row, row.end_s));
        let (high, low) = (self.fhr_y(top, NORMAL_BPM.1), self.fhr_y(top, NORMAL_BPM.0));
        drawing.rectangle((left, high), (right - left, low - high), BAND, 1.0);
        self.draw_columns(drawing, row, top);
        self.draw_fhr_lines(drawing, (left, right), top);
        self.draw_toco_lines(drawing, (left, right), top);
        self.draw_times(drawing, row, top);
    }

    fn draw_columns(&self, drawing: &mut Drawing, row: Row, top: f64) {
        let columns = ((row.end_s - row.start_s) / self.line_every_s).round() as usize;
        for column in 0..=columns {
            let at_s = row.start_s + column as f64 * self.line_every_s;
            let x = self.x(row, at_s);
            let (color, width) = weight(at_s % 60.0 == 0.0);
            drawing.line((x, top), (x, self.fhr_bottom(top)), color, width);
            drawing.line((x, self.toco_top(top)), (x, self.toco_bottom(top)), color, width);
        }
    }

    fn draw_fhr_lines(&self, drawing: &mut Drawing, (left, right): (f64, f64), top: f64) {
        for bpm in (FHR_BPM.0 as u32..=FHR_BPM.1 as u32).step_by(10).map(f64::from) {
            let y = self.fhr_y(top, bpm);
            let labeled = bpm % self.label_every_bpm == 0.0;
            let (color, width) = weight(labeled);
            drawing.line((left, y), (right, y), color, width);
            if labeled {
                drawing.text(&Text::new(left - 1.0, y + 0.8, &format!("{bpm:.0}")).color(LABEL).right());
            }
        }
        drawing.text(&Text::new(left - 1.0, top + 4.4, "bpm").right().color(LABEL).size(1.8));
    }

    fn draw_toco_lines(&self, drawing: &mut Drawing, (left, right): (f64, f64), top: f64) {
        for units in (0..=TOCO_MAX as u32).step_by(20).map(f64::from) {
            let y = self.toco_y(top, units);
            let (color, width) = weight(units % 100.0 == 0.0);
            drawing.line((left, y), (right, y), color, width);
            if units % 40.0 == 0.0 {
                drawing.text(&Text::new(left - 1.0, y + 0.8, &format!("{units:.0}")).color(LABEL).right());
            }
        }
    }

    fn draw_times(&self, drawing: &mut Drawing, row: Row, top: f64) {
        let every_s = if self.mm_per_s < 0.2 { 180.0 } else { 60.0 };
        let labels = ((row.end_s - row.start_s) / every_s).round() as usize;
        let y = self.toco_top(top) - 0.8;
        for label in 0..labels {
            let at_s = row.start_s + label as f64 * every_s;
            if at_s <= self.duration_s {
                drawing.text(&Text::new(self.x(row, at_s) + 0.4, y, &clock(at_s)).color(LABEL).size(2.0));
            }
        }
    }
}

/// Color and width of a line of the grid.
fn weight(major: bool) -> (&'static str, f64) {
    if major { (MAJOR, 0.18) } else { (MINOR, 0.1) }
}
