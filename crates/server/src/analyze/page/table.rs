//! Findings and rule answers below the strip, in columns.

use ctg::{Finding, FindingKind, Measurement, Quantity};
use signal::report::LookAhead;
use signal::rules::{Answer, Classification, Concern, Criterion, Level, Reason};

use super::clock;
use super::drawing::{Drawing, Text};
use super::paper::{MARGIN_MM, PAGE_WIDTH_MM};
use super::words::{self, CONDITIONS, RULE_SETS, RULES, word};
use crate::analyze::engine::{Analyzed, Seen};

/// Columns side by side.
const COLUMNS: usize = 3;
/// Between columns.
const BETWEEN_MM: f64 = 4.0;
/// Height of a line.
const LINE_MM: f64 = 3.1;
/// Most findings of a fetus that are listed; the JSON has all of them.
const FINDINGS_MAX: usize = 120;

const NORMAL: &str = "#1c7c43";
const SUSPICIOUS: &str = "#9a6200";
const PATHOLOGICAL: &str = "#b3261e";
const PLAIN: &str = "#222222";
const FAINT: &str = "#777777";

/// One line of the table: what stands left, in the middle and right.
#[derive(Clone, Debug)]
struct Line {
    left: String,
    middle: String,
    right: String,
    color: &'static str,
    bold: bool,
}

impl Line {
    fn head(left: String, right: String, color: &'static str) -> Self {
        Self { left, middle: String::new(), right, color, bold: true }
    }
}

/// Draws the table from `top` on; gives where it ends.
pub(super) fn draw(drawing: &mut Drawing, top: f64, analyzed: &Analyzed, look_ahead: LookAhead) -> f64 {
    let blocks: Vec<Vec<Line>> =
        analyzed.fetuses.iter().flat_map(|seen| blocks(seen, analyzed.fetuses.len() > 1, look_ahead)).collect();
    let width = (PAGE_WIDTH_MM - 2.0 * MARGIN_MM - BETWEEN_MM * (COLUMNS - 1) as f64) / COLUMNS as f64;
    let lines: Vec<Line> = blocks.into_iter().flatten().collect();
    let per_column = lines.len().div_ceil(COLUMNS).max(1);
    for (column, lines) in lines.chunks(per_column).enumerate() {
        let left = MARGIN_MM + column as f64 * (width + BETWEEN_MM);
        for (number, line) in lines.iter().enumerate() {
            draw_line(drawing, (left, top + LINE_MM * (number + 1) as f64), width, line);
        }
    }
    top + LINE_MM * per_column as f64
}

fn draw_line(drawing: &mut Drawing, (left, y): (f64, f64), width: f64, line: &Line) {
    let show = |drawing: &mut Drawing, text: Text<'_>| {
        let text = text.color(line.color);
        drawing.text(&if line.bold { text.bold() } else { text });
    };
    show(drawing, Text::new(left, y, &line.left));
    show(drawing, Text::new(left + width * 0.62, y, &line.middle).right());
    show(drawing, Text::new(left + width, y, &line.right).right());
    drawing.line((left, y + 0.9), (left + width, y + 0.9), "#eeeeee", 0.1);
}

fn blocks(seen: &Seen, many: bool, look_ahead: LookAhead) -> Vec<Vec<Line>> {
    let findings = seen.report.findings(look_ahead);
    let whose = if many { format!(" · 胎儿 fetus {}", seen.fetus.get() + 1) } else { String::new() };
    let mut listed = vec![Line::head(format!("所见 Findings{whose}"), format!("{}", findings.len()), PLAIN)];
    listed.extend(counts(&findings));
    listed.extend(findings.iter().take(FINDINGS_MAX).map(|finding| finding_line(finding)));
    if findings.len() > FINDINGS_MAX {
        let more = findings.len() - FINDINGS_MAX;
        listed.push(Line::head(format!("另有 {more} 项见数据文件 {more} more in the data file"), String::new(), FAINT));
    }
    let mut blocks = vec![listed];
    blocks.extend(seen.comparison.classifications.iter().map(rule_lines));
    blocks
}

/// How many of each event.
fn counts(findings: &[&Finding]) -> Option<Line> {
    let count = |wanted: fn(FindingKind) -> bool| findings.iter().filter(|finding| wanted(finding.kind)).count();
    let left = format!(
        "加速 acc {} · 减速 dec {} · 宫缩 contr {}",
        count(|kind| kind == FindingKind::Acceleration),
        count(|kind| matches!(kind, FindingKind::Deceleration(_))),
        count(|kind| kind == FindingKind::Contraction),
    );
    (!findings.is_empty()).then(|| Line {
        left,
        middle: String::new(),
        right: String::new(),
        color: FAINT,
        bold: false,
    })
}

fn finding_line(finding: &Finding) -> Line {
    let (start_s, end_s) = (Analyzed::at_s(finding.interval.start), Analyzed::at_s(finding.interval.end));
    let numbers: Vec<String> =
        finding.measurements.iter().filter_map(|one| number(finding.kind, one)).take(2).collect();
    let ongoing = if finding.ongoing { "…" } else { "" };
    let limit =
        finding.value(Quantity::Limit).map_or(String::new(), |limit| format!(" [{}]", limit_text(finding, limit)));
    Line {
        left: format!("{}{ongoing}", word(CONDITIONS, finding.kind.code())),
        middle: format!("{}–{}", clock(start_s), clock(end_s)),
        right: format!("{}{limit}", numbers.join(", ")),
        color: PLAIN,
        bold: false,
    }
}

/// Limits of shares are shown as the shares are.
fn limit_text(finding: &Finding, limit: f64) -> String {
    let of_share = |one: &Measurement| matches!(one.quantity, Quantity::LossRatio | Quantity::Probability);
    if finding.measurements.first().is_some_and(of_share) {
        format!("{:.0} %", 100.0 * limit)
    } else {
        format!("{limit:.0}")
    }
}

/// A number that helps to see why; limits stand apart.
fn number(kind: FindingKind, one: &Measurement) -> Option<String> {
    let (value, unit) = match one.quantity {
        Quantity::AmplitudeBpm | Quantity::FhrBpm | Quantity::VariabilityBpm => (one.value, "bpm"),
        Quantity::BaselineBpm if !matches!(kind, FindingKind::Acceleration | FindingKind::Deceleration(_)) => {
            (one.value, "bpm")
        }
        Quantity::DurationS | Quantity::SilenceS => (one.value, "s"),
        Quantity::AmplitudeToco => (one.value, "toco"),
        Quantity::LossRatio | Quantity::Probability => (100.0 * one.value, "%"),
        Quantity::ContractionsPerTenMinutes => return Some(format!("{:.1} /10 min", one.value)),
        Quantity::CyclesPerMinute => return Some(format!("{:.1} /min", one.value)),
        Quantity::BaselineBpm
        | Quantity::NadirBpm
        | Quantity::MhrBpm
        | Quantity::OnsetToExtremeS
        | Quantity::LagS
        | Quantity::AreaBeats
        | Quantity::Limit => return None,
    };
    Some(format!("{value:.0} {unit}"))
}

fn rule_lines(said: &Classification) -> Vec<Line> {
    let (answer, color) = answer(said.answer);
    let name = word(RULE_SETS, said.rule_set.code());
    let mut lines = vec![Line::head(name, answer, color)];
    lines.extend(said.criteria.iter().map(criterion_line));
    lines
}

fn answer(answer: Answer) -> (String, &'static str) {
    match answer {
        Answer::Class { code, concern } => (word(words::CLASSES, code), color(concern)),
        Answer::Score { points, of, concern } => (format!("{points} / {of} 分 points"), color(concern)),
        Answer::Insufficient { needs } => (format!("资料不足 insufficient: {needs}"), FAINT),
        Answer::Uninterpretable { loss_ratio } => {
            (format!("无法判读 uninterpretable: {:.0} % lost", 100.0 * loss_ratio), FAINT)
        }
        Answer::NotApplicable { reason } => (format!("不适用 not applicable: {}", why(reason)), FAINT),
    }
}

const fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Antenatal => "产前 antenatal",
        Reason::Intrapartum => "产时 in labor",
        Reason::Gestation => "孕周 gestation",
        Reason::LowResolution => "分辨率 resolution",
    }
}

fn criterion_line(criterion: &Criterion) -> Line {
    let value = criterion.value.map_or("–".to_owned(), |value| {
        let digits = if value.fract() == 0.0 || value.abs() >= 20.0 { 0 } else { 1 };
        format!("{value:.digits$}")
    });
    let limit = criterion.limit.map_or(String::new(), |limit| format!("[{limit}] "));
    let (level, color) = level(criterion.level);
    Line {
        left: word(RULES, criterion.rule),
        middle: String::new(),
        right: format!("{value} {} {limit}{level}", criterion.unit),
        color,
        bold: false,
    }
}

fn level(level: Level) -> (String, &'static str) {
    match level {
        Level::Points(points) => (format!("{points} 分"), PLAIN),
        Level::Normal => ("✓".to_owned(), PLAIN),
        Level::Suspicious => ("可疑 !".to_owned(), SUSPICIOUS),
        Level::Pathological => ("异常 !!".to_owned(), PATHOLOGICAL),
        Level::Undetermined => ("未知 ?".to_owned(), FAINT),
    }
}

const fn color(concern: Concern) -> &'static str {
    match concern {
        Concern::Normal => NORMAL,
        Concern::Suspicious => SUSPICIOUS,
        Concern::Pathological => PATHOLOGICAL,
    }
}
