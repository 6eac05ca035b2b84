//! The JSON of one recording: what scorers compare, then findings and rule answers with every number.

use ctg::{Finding, Interval, SignalGrade};
use serde_json::{Value, json};
use signal::rules::{Answer, Classification, Concern, Criterion, Level, Reason, RuleSet};

use super::arguments::Arguments;
use super::engine::{Analyzed, Seen};

/// Everything said of a recording; the first fetus stands at the top level, twins under `other_fetuses`.
pub(super) fn document(name: &str, analyzed: &Analyzed, arguments: &Arguments) -> Value {
    let mut document = json!({
        "recording": name,
        "look_ahead_s": arguments.look_ahead_s(),
        "duration_s": analyzed.trace.duration_s(),
        "source_hz": analyzed.trace.rate.hz(),
        "source_step_bpm": f64::from(analyzed.trace.fhr_step_quarter_bpm) / 4.0,
        "program": concat!("maia ", env!("CARGO_PKG_VERSION")),
    });
    let mut said = analyzed.fetuses.iter().map(|seen| fetus(seen, arguments));
    merge(&mut document, said.next().unwrap_or_else(|| json!({})));
    let others: Vec<Value> = said.collect();
    if !others.is_empty() {
        merge(&mut document, json!({ "other_fetuses": others }));
    }
    document
}

fn merge(document: &mut Value, more: Value) {
    if let (Value::Object(document), Value::Object(more)) = (document, more) {
        document.extend(more);
    }
}

fn fetus(seen: &Seen, arguments: &Arguments) -> Value {
    let scored = seen.report.scored(arguments.look_ahead()).to_json();
    let mut said = serde_json::from_str(&scored).unwrap_or_else(|_| json!({}));
    if !seen.false_signal.is_empty() {
        let rounded = |probability: &f32| (f64::from(*probability) * 1000.0).round() / 1000.0;
        let probabilities: Vec<f64> = seen.false_signal.iter().map(rounded).collect();
        merge(&mut said, json!({ "false_signal": probabilities }));
    }
    let findings: Vec<Value> = seen.report.findings(arguments.look_ahead()).into_iter().map(finding).collect();
    let rules: Vec<Value> = seen.comparison.classifications.iter().map(classification).collect();
    let disagreements: Vec<[&str; 2]> =
        seen.comparison.disagreements.iter().map(|(one, other)| [RuleSet::code(*one), RuleSet::code(*other)]).collect();
    let numerics = seen.numerics.map(|figures| {
        json!({
            "at_s": Analyzed::at_s(figures.at),
            "baseline_bpm": figures.baseline_bpm,
            "variability_bpm": figures.variability_bpm,
            "loss_ratio": figures.loss_ratio,
            "grade": SignalGrade::code(figures.grade),
        })
    });
    merge(&mut said, json!({ "last": numerics, "findings": findings, "rules": rules, "disagreements": disagreements }));
    said
}

fn finding(finding: &Finding) -> Value {
    let numbers = finding.measurements.iter().map(|found| (found.quantity.code().to_owned(), json!(found.value)));
    json!({
        "number": finding.number,
        "revision": finding.revision,
        "kind": finding.kind.code(),
        "stage": finding.stage.code(),
        "interval_s": interval(finding.interval),
        "ongoing": finding.ongoing,
        "known_until_s": Analyzed::at_s(finding.known_until),
        "method": finding.method.name,
        "version": finding.method.version,
        "measurements": Value::Object(numbers.collect()),
    })
}

fn interval(interval: Interval) -> [f64; 2] {
    [Analyzed::at_s(interval.start), Analyzed::at_s(interval.end)]
}

fn classification(said: &Classification) -> Value {
    let mut value = json!({
        "rule_set": said.rule_set.code(),
        "version": said.version,
        "interval_s": interval(said.interval),
        "criteria": said.criteria.iter().map(criterion).collect::<Vec<Value>>(),
    });
    merge(&mut value, answer(said.answer));
    value
}

fn answer(answer: Answer) -> Value {
    match answer {
        Answer::Class { code, concern } => json!({ "answer": code, "concern": concern_code(concern) }),
        Answer::Score { points, of, concern } => {
            json!({ "answer": "score", "points": points, "of": of, "concern": concern_code(concern) })
        }
        Answer::Insufficient { needs } => json!({ "answer": "insufficient", "needs": needs }),
        Answer::Uninterpretable { loss_ratio } => json!({ "answer": "uninterpretable", "loss_ratio": loss_ratio }),
        Answer::NotApplicable { reason } => json!({ "answer": "not_applicable", "reason": reason_code(reason) }),
    }
}

fn criterion(criterion: &Criterion) -> Value {
    json!({
        "rule": criterion.rule,
        "value": criterion.value,
        "unit": criterion.unit,
        "limit": criterion.limit.map(|limit| limit.to_string()),
        "level": level(criterion.level),
        "interval_s": interval(criterion.interval),
    })
}

fn level(level: Level) -> Value {
    match level {
        Level::Points(points) => json!(points),
        Level::Normal => json!("normal"),
        Level::Suspicious => json!("suspicious"),
        Level::Pathological => json!("pathological"),
        Level::Undetermined => json!("undetermined"),
    }
}

fn concern_code(concern: Concern) -> &'static str {
    match concern {
        Concern::Normal => "normal",
        Concern::Suspicious => "suspicious",
        Concern::Pathological => "pathological",
    }
}

fn reason_code(reason: Reason) -> &'static str {
    match reason {
        Reason::Antenatal => "antenatal",
        Reason::Intrapartum => "intrapartum",
        Reason::Gestation => "gestation",
        Reason::LowResolution => "low_resolution",
    }
}
