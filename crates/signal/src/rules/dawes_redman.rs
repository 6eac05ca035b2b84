//! The Dawes-Redman criteria, antenatal, from 26 weeks on.
//!
//! Dawes GS, Moulden M, Redman CWG, Improvements in computerized fetal heart rate analysis antepartum, J Perinat Med
//! 1996;24:25-36; the criteria as the Sonicaid Team 3 manual lists them. First analyzed at 10 min, then every 2 min up to
//! 60; the recording may stop once all are met, and is abnormal only when they are not met at 60. The centiles of
//! high variation that are public are the 3rd and the 10th; the 3rd stands in for the 1st and is the stricter one.

use super::table::{Limit, Table};
use super::view::{View, not_applicable, say};
use super::{Answer, Classification, Concern, Context, Criterion, Labor, Level, Reason, RuleSet};
use crate::Features;

const LOST_BEATS: Table = Table {
    rule: "largest_deceleration",
    unit: "lost beats",
    rows: &[(Limit::AtMost(20.0), Level::Normal), (Limit::Above(20.0), Level::Pathological)],
};
const LOST_BEATS_AFTER_30_MIN: Table = Table {
    rule: "largest_deceleration_after_30_min",
    unit: "lost beats",
    rows: &[(Limit::AtMost(100.0), Level::Normal), (Limit::Above(100.0), Level::Pathological)],
};
const BASAL_RATE: Table = Table {
    rule: "basal_heart_rate",
    unit: "bpm",
    rows: &[
        (Limit::Within(116.0, 160.0), Level::Normal),
        (Limit::Below(116.0), Level::Pathological),
        (Limit::Above(160.0), Level::Pathological),
    ],
};
const MOVEMENTS: Table = Table {
    rule: "movements",
    unit: "",
    rows: &[(Limit::AtLeast(1.0), Level::Normal), (Limit::Below(1.0), Level::Pathological)],
};
const ACCELERATIONS_FOR_MOVEMENTS: Table = Table {
    rule: "accelerations_instead_of_movements",
    unit: "",
    rows: &[(Limit::AtLeast(3.0), Level::Normal), (Limit::Below(3.0), Level::Pathological)],
};
const SINUSOIDAL: Table = Table {
    rule: "sinusoidal",
    unit: "min",
    rows: &[(Limit::AtMost(0.0), Level::Normal), (Limit::Above(0.0), Level::Pathological)],
};
const STV: Table = Table {
    rule: "stv16",
    unit: "ms",
    rows: &[(Limit::AtLeast(3.0), Level::Normal), (Limit::Below(3.0), Level::Pathological)],
};
const ACCELERATIONS: Table = Table {
    rule: "accelerations",
    unit: "",
    rows: &[(Limit::AtLeast(1.0), Level::Normal), (Limit::Below(1.0), Level::Pathological)],
};
const MOVEMENTS_FOR_ACCELERATIONS: Table = Table {
    rule: "movements_instead_of_accelerations",
    unit: "",
    rows: &[(Limit::Above(20.0), Level::Normal), (Limit::AtMost(20.0), Level::Pathological)],
};
const END_LOSS: Table = Table {
    rule: "loss_at_the_end",
    unit: "share of the last minute",
    rows: &[(Limit::AtMost(0.5), Level::Normal), (Limit::Above(0.5), Level::Pathological)],
};
const END_DECELERATIONS: Table = Table {
    rule: "decelerations_at_the_end",
    unit: "in the last minute",
    rows: &[(Limit::AtMost(0.0), Level::Normal), (Limit::Above(0.0), Level::Pathological)],
};

/// Variation of high episodes in bpm by week of gestation: 3rd and 10th centile; between the weeks it is interpolated.
const HIGH_VARIATION_CENTILES_BPM: [(f64, f64, f64); 4] =
    [(26.0, 11.75, 12.75), (32.0, 11.75, 13.25), (36.0, 12.5, 14.25), (40.0, 12.5, 14.75)];
/// A minute belongs to a high episode when five of six consecutive minutes have this range, ms.
const HIGH_RANGE_MS: f32 = 32.0;
const EPISODE_MIN: usize = 6;
const EPISODE_HIGH_MIN: usize = 5;
/// First analysis, step and last analysis, min.
const ANALYSES_MIN: (usize, usize, usize) = (10, 2, 60);
/// The record length after which larger decelerations are allowed, min.
const LENIENT_AFTER_MIN: usize = 30;
/// First week.
const FIRST_WEEK: f64 = 26.0;

/// What the Dawes-Redman criteria say of a trace.
pub(super) fn classify(features: &Features, context: &Context) -> Classification {
    const RULES: RuleSet = RuleSet::DawesRedman;
    let (first, step, last) = ANALYSES_MIN;
    let view = View::last(features, last);
    let refused = |reason| not_applicable(RULES, &view, reason);
    if features.low_resolution {
        return refused(Reason::LowResolution);
    }
    if context.labor == Labor::Intrapartum {
        return refused(Reason::Intrapartum);
    }
    let Some(weeks) = context.gestation_weeks().filter(|weeks| *weeks >= FIRST_WEEK) else {
        return refused(Reason::Gestation);
    };
    if let Some(refusal) = view.refusal(first, "10 min") {
        return say(RULES, &view, refusal, Vec::new());
    }
    let mut said = say(RULES, &view, Answer::Insufficient { needs: "2 min more" }, Vec::new());
    for length_min in (first..=view.length_min()).step_by(step) {
        let part = view.head(length_min);
        let criteria = criteria(&part, weeks);
        let met = criteria.iter().all(|criterion| criterion.level == Level::Normal);
        said = say(RULES, &part, answer(met, length_min, last), criteria);
        if met {
            break;
        }
    }
    said
}

fn answer(met: bool, length_min: usize, last_min: usize) -> Answer {
    if met {
        Answer::Class { code: "met", concern: Concern::Normal }
    } else if length_min >= last_min {
        Answer::Class { code: "not_met", concern: Concern::Pathological }
    } else {
        Answer::Insufficient { needs: "2 min more" }
    }
}

fn criteria(view: &View<'_>, weeks: f64) -> Vec<Criterion> {
    let all = view.interval();
    let (third_bpm, tenth_bpm) = centiles(weeks);
    let variation = high_variation_bpm(view);
    let lost_beats = view.decelerations().map(|one| one.event.area_beats).fold(0.0, f64::max);
    let lost = if view.length_min() > LENIENT_AFTER_MIN { LOST_BEATS_AFTER_30_MIN } else { LOST_BEATS };
    let accelerations = view.all_accelerations().count() as f64;
    let movements = view.movements_s().len() as f64;
    let moved = MOVEMENTS.judge(Some(movements), all);
    let accelerated = ACCELERATIONS.judge(Some(accelerations), all);
    let lively = accelerated.level == Level::Normal;
    let needed_bpm = if lively { third_bpm } else { tenth_bpm };
    vec![
        high_variation(variation, needed_bpm, view),
        lost.judge(Some(lost_beats), all),
        BASAL_RATE.judge(view.baseline_bpm(), all),
        either(moved, ACCELERATIONS_FOR_MOVEMENTS.judge(Some(accelerations), all)),
        SINUSOIDAL.judge(view.sinusoidal_min(), all),
        STV.judge(stv16_ms(view), all),
        either(accelerated, MOVEMENTS_FOR_ACCELERATIONS.judge(Some(movements), all)),
        END_LOSS
            .judge(view.tail(1).minutes().first().map(|minute| f64::from(minute.loss_ratio)), view.tail(1).interval()),
        END_DECELERATIONS.judge(Some(view.tail(1).count(|_| true)), view.tail(1).interval()),
    ]
}

/// The first where it is met, else the second.
fn either(one: Criterion, other: Criterion) -> Criterion {
    if one.level == Level::Normal { one } else { other }
}

/// No high episode is no variation at all.
fn high_variation(variation_bpm: Option<f64>, needed_bpm: f64, view: &View<'_>) -> Criterion {
    let value = variation_bpm.unwrap_or(0.0);
    let enough = Limit::Above(needed_bpm);
    let (limit, level) =
        if enough.holds(value) { (enough, Level::Normal) } else { (Limit::AtMost(needed_bpm), Level::Pathological) };
    let interval = view.interval();
    Criterion { rule: "high_variation", unit: "bpm", value: Some(value), limit: Some(limit), level, interval }
}

/// Mean range of the minutes of high episodes.
fn high_variation_bpm(view: &View<'_>) -> Option<f64> {
    let minutes = view.minutes();
    let is_high = |at: usize| minutes[at].ltv_ms.is_some_and(|range_ms| range_ms >= HIGH_RANGE_MS);
    let mut inside = vec![false; minutes.len()];
    for first in 0..(minutes.len() + 1).saturating_sub(EPISODE_MIN) {
        let window = first..first + EPISODE_MIN;
        if window.clone().filter(|at| is_high(*at)).count() >= EPISODE_HIGH_MIN {
            inside[window].fill(true);
        }
    }
    let ranges: Vec<f64> = minutes
        .iter()
        .zip(inside)
        .filter(|(_, inside)| *inside)
        .filter_map(|(minute, _)| minute.range_bpm)
        .map(f64::from)
        .collect();
    (!ranges.is_empty()).then(|| ranges.iter().sum::<f64>() / ranges.len() as f64)
}

fn stv16_ms(view: &View<'_>) -> Option<f64> {
    let minutes: Vec<f64> = view.minutes().iter().filter_map(|minute| minute.stv16_ms).map(f64::from).collect();
    (!minutes.is_empty()).then(|| minutes.iter().sum::<f64>() / minutes.len() as f64)
}

fn centiles(weeks: f64) -> (f64, f64) {
    let [first, .., last] = HIGH_VARIATION_CENTILES_BPM;
    let between = HIGH_VARIATION_CENTILES_BPM.windows(2).find(|pair| (pair[0].0..pair[1].0).contains(&weeks));
    match between {
        Some(&[(week, third, tenth), (next_week, next_third, next_tenth)]) => {
            let share = (weeks - week) / (next_week - week);
            (third + share * (next_third - third), tenth + share * (next_tenth - tenth))
        }
        _ if weeks < first.0 => (first.1, first.2),
        _ => (last.1, last.2),
    }
}

#[cfg(test)]
mod tests;
