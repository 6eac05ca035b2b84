use ctg::DecelerationKind;

use super::super::sample::{BEFORE_LABOR, IN_LABOR, check as check_class, quiet};
use super::super::table::check;
use super::*;

const RULES: RuleSet = RuleSet::DawesRedman;

/// Meets every criterion after ten minutes.
fn healthy(minutes: u32) -> Features {
    Features { movements_s: vec![100.0], ..quiet(minutes).acceleration(200.0, 20.0, 20.0) }
}

fn answer(features: &Features) -> Answer {
    RULES.classify(features, &BEFORE_LABOR).answer
}

const WAIT: Answer = Answer::Insufficient { needs: "2 min more" };

#[test]
fn rows() {
    use Level::{Normal, Pathological};
    check(&LOST_BEATS, &[(19.9, Normal), (20.0, Normal), (20.1, Pathological)]);
    check(&LOST_BEATS_AFTER_30_MIN, &[(99.9, Normal), (100.0, Normal), (100.1, Pathological)]);
    check(
        &BASAL_RATE,
        &[
            (115.9, Pathological),
            (116.0, Normal),
            (116.1, Normal),
            (159.9, Normal),
            (160.0, Normal),
            (160.1, Pathological),
        ],
    );
    check(&MOVEMENTS, &[(0.0, Pathological), (1.0, Normal), (2.0, Normal)]);
    check(&ACCELERATIONS_FOR_MOVEMENTS, &[(2.0, Pathological), (3.0, Normal), (4.0, Normal)]);
    check(&SINUSOIDAL, &[(0.0, Normal), (1.0, Pathological)]);
    check(&STV, &[(2.9, Pathological), (3.0, Normal), (3.1, Normal)]);
    check(&ACCELERATIONS, &[(0.0, Pathological), (1.0, Normal), (2.0, Normal)]);
    check(&MOVEMENTS_FOR_ACCELERATIONS, &[(19.0, Pathological), (20.0, Pathological), (21.0, Normal)]);
    check(&END_LOSS, &[(0.49, Normal), (0.5, Normal), (0.51, Pathological)]);
    check(&END_DECELERATIONS, &[(0.0, Normal), (1.0, Pathological)]);
}

#[test]
fn centiles_follow_the_weeks() {
    assert_eq!(centiles(25.0), (11.75, 12.75));
    assert_eq!(centiles(26.0), (11.75, 12.75));
    assert_eq!(centiles(29.0), (11.75, 13.0));
    assert_eq!(centiles(34.0), (12.125, 13.75));
    assert_eq!(centiles(40.0), (12.5, 14.75));
    assert_eq!(centiles(42.0), (12.5, 14.75));
}

#[test]
fn met_at_ten_minutes_and_not_before() {
    assert_eq!(answer(&healthy(9)), Answer::Insufficient { needs: "10 min" });
    check_class(RULES, &healthy(10), &BEFORE_LABOR, "met", Concern::Normal);
    let stopped = RULES.classify(&healthy(40), &BEFORE_LABOR).interval;
    assert_eq!(stopped.duration_s(), 600.0);
}

#[test]
fn every_criterion_can_fail() {
    let fails = |change: fn(&mut crate::Minute)| assert_eq!(answer(&healthy(10).last_minutes(10, change)), WAIT);
    fails(|minute| minute.ltv_ms = Some(31.9));
    fails(|minute| minute.range_bpm = Some(12.0));
    fails(|minute| minute.baseline_bpm = Some(115.0));
    fails(|minute| minute.sinusoidal = true);
    fails(|minute| minute.stv16_ms = Some(2.9));
    fails(|minute| minute.stv16_ms = None);
    assert_eq!(answer(&Features { movements_s: Vec::new(), ..healthy(10) }), WAIT);
    assert_eq!(answer(&Features { accelerations: Vec::new(), ..healthy(10) }), WAIT);
    let at_end = healthy(10).deceleration(550.0, 20.0, DecelerationKind::Variable);
    assert_eq!(answer(&at_end), WAIT);
    assert_eq!(answer(&healthy(10).last_minutes(1, |minute| minute.loss_ratio = 0.6)), WAIT);
}

#[test]
fn five_of_six_minutes_make_a_high_episode() {
    let high = |count: usize| {
        healthy(10).last_minutes(10, |minute| minute.ltv_ms = Some(20.0)).last_minutes(count, |minute| {
            minute.ltv_ms = Some(32.0);
        })
    };
    assert_eq!(answer(&high(4)), WAIT);
    assert_eq!(answer(&high(5)).concern(), Some(Concern::Normal));
}

#[test]
fn many_movements_and_high_variation_stand_in_for_an_acceleration() {
    let moving = |count: u32, range_bpm: f32| {
        let movements_s = (0..count).map(|at| f64::from(at) * 20.0).collect();
        let features = Features { movements_s, accelerations: Vec::new(), ..quiet(10) };
        features.last_minutes(10, |minute| minute.range_bpm = Some(range_bpm))
    };
    assert_eq!(answer(&moving(21, 14.8)).concern(), Some(Concern::Normal));
    assert_eq!(answer(&moving(20, 14.8)), WAIT);
    assert_eq!(answer(&moving(21, 14.0)), WAIT);
}

#[test]
fn a_deep_deceleration_may_be_waited_out() {
    let decelerated = |minutes| healthy(minutes).deceleration(300.0, 90.0, DecelerationKind::Variable);
    assert_eq!(answer(&decelerated(30)), WAIT);
    check_class(RULES, &decelerated(32), &BEFORE_LABOR, "met", Concern::Normal);
}

#[test]
fn not_met_is_said_at_sixty_minutes_only() {
    let dull = |minutes| healthy(minutes).last_minutes(60, |minute| minute.stv16_ms = Some(2.5));
    assert_eq!(answer(&dull(59)), WAIT);
    check_class(RULES, &dull(60), &BEFORE_LABOR, "not_met", Concern::Pathological);
}

#[test]
fn refusals() {
    let coarse = Features { low_resolution: true, ..healthy(60) };
    assert_eq!(answer(&coarse), Answer::NotApplicable { reason: Reason::LowResolution });
    let said = |context: Context| RULES.classify(&healthy(60), &context).answer;
    assert_eq!(said(IN_LABOR), Answer::NotApplicable { reason: Reason::Intrapartum });
    for gestation_days in [None, Some(26 * 7 - 1)] {
        let context = Context { gestation_days, ..BEFORE_LABOR };
        assert_eq!(said(context), Answer::NotApplicable { reason: Reason::Gestation });
    }
    assert_eq!(said(Context { gestation_days: Some(26 * 7), ..BEFORE_LABOR }).concern(), Some(Concern::Normal));
}
