use ctg::{DecelerationKind, SampleRate};

use super::*;

const PROLONGED: FindingKind = FindingKind::Deceleration(DecelerationKind::Prolonged);

fn mean_bpm(rates: &[Option<QuarterBpm>], from_s: usize, to_s: usize) -> f32 {
    let present: Vec<f32> = rates[from_s * 4..to_s * 4].iter().flatten().map(|rate| rate.bpm()).collect();
    present.iter().sum::<f32>() / present.len() as f32
}

fn check_rate(synthetic: &Synthetic, (from_s, to_s): (usize, usize), expect_bpm: f32, within_bpm: f32) {
    let mean = mean_bpm(&synthetic.trace.fhr[0].rates, from_s, to_s);
    assert!((mean - expect_bpm).abs() < within_bpm, "{mean} bpm between {from_s} and {to_s} s, not {expect_bpm}");
}

#[test]
fn one_seed_is_one_recording() {
    let woman = |seed| Woman::new(seed, 120.0).fetus(Fetus::new(140.0)).record();
    assert_eq!(woman(1), woman(1));
    assert_ne!(woman(1).trace, woman(2).trace);
}

#[test]
fn the_trace_follows_its_baseline() {
    let fetus = Fetus::new(140.0).drift(5.0).dropouts(0.0).baseline_shift(900.0, 60.0, 30.0);
    let synthetic = Woman::new(3, 1800.0).fetus(fetus).record();
    let baseline = &synthetic.truth.baseline_bpm[0];
    assert_eq!(baseline.len(), 1800);
    for minute in [0, 5, 10, 17, 25] {
        let truth = baseline[minute * 60..minute * 60 + 120].iter().sum::<f32>() / 120.0;
        check_rate(&synthetic, (minute * 60, minute * 60 + 120), truth, 2.5);
    }
    assert!(baseline[1700] - baseline[800] > 20.0);
}

#[test]
fn the_bandwidth_is_as_scripted() {
    for bandwidth in [3.0_f32, 11.0, 30.0] {
        let fetus = Fetus::new(140.0).drift(0.0).dropouts(0.0).variability(bandwidth.into(), 0.0);
        let rates = Woman::new(4, 3600.0).fetus(fetus).record().trace.fhr.remove(0).rates;
        let range = |minute: &[Option<QuarterBpm>]| {
            let bpm = minute.iter().flatten().map(|rate| rate.bpm());
            bpm.clone().fold(f32::MIN, f32::max) - bpm.fold(f32::MAX, f32::min)
        };
        let mean = rates.chunks(240).map(range).sum::<f32>() / 60.0;
        assert!((mean / bandwidth - 1.0).abs() < 0.25, "{mean} bpm, not {bandwidth}");
    }
}

#[test]
fn decelerations_go_as_deep_and_last_as_long_as_scripted() {
    let fetus = Fetus::new(140.0).drift(0.0).prolonged_deceleration(80.0, 270.0, 65.0);
    let synthetic = Woman::new(5, 600.0).fetus(fetus).record();
    check_rate(&synthetic, (0, 80), 140.0, 3.0);
    check_rate(&synthetic, (110, 300), 75.0, 3.0);
    check_rate(&synthetic, (355, 600), 140.0, 3.0);
    let event = synthetic.truth.events[0];
    assert_eq!((event.kind, event.start_s, event.end_s), (PROLONGED, 80.0, 350.0));
    assert_eq!((event.extreme_s, event.amplitude), (105.0, Some(65.0)));
}

#[test]
fn late_means_after_the_contraction() {
    let contraction = Contraction { start_s: 100.0, duration_s: 80.0, amplitude_toco: 50.0 };
    let fetus = Fetus::new(140.0).drift(0.0).variability(0.0, 0.0).dropouts(0.0);
    let fetus = fetus.late_deceleration(&contraction, 25.0, 30.0);
    let synthetic = Woman::new(6, 400.0).fetus(fetus).contraction(contraction).record();
    let nadir = synthetic.trace.fhr[0].rates.iter().enumerate().min_by_key(|(_, rate)| **rate).unwrap().0;
    let toco = synthetic.trace.toco.unwrap();
    let peak = toco.iter().enumerate().max_by_key(|(_, toco)| **toco).unwrap().0;
    assert!((165 * 4 - 8..165 * 4 + 8).contains(&nadir), "nadir at sample {nadir}");
    assert!((140 * 4 - 20..140 * 4 + 20).contains(&peak), "peak at sample {peak}");
    assert!(toco[peak].unwrap().units() > 55.0);
    assert_eq!(synthetic.truth.events.len(), 2);
}

#[test]
fn accelerations_rise_by_their_amplitude() {
    let fetus = Fetus::new(130.0).drift(0.0).variability(0.0, 0.0).dropouts(0.0).acceleration(60.0, 30.0, 20.0);
    let rates = Woman::new(7, 120.0).fetus(fetus).record().trace.fhr.remove(0).rates;
    assert_eq!(rates.iter().flatten().max().copied(), QuarterBpm::new(600));
    let above = rates.iter().flatten().filter(|rate| rate.bpm() >= 145.0).count();
    assert!(above as f32 / 4.0 > 15.0 - 2.0, "{above} samples at 15 bpm above the baseline");
}

#[test]
fn artifacts_replace_the_fetus() {
    let fetus = Fetus::new(150.0)
        .drift(0.0)
        .artifact(Artifact::Loss, 30.0, 10.0)
        .artifact(Artifact::Maternal, 60.0, 60.0)
        .artifact(Artifact::Flat(120.0), 130.0, 20.0)
        .artifact(Artifact::Halved, 160.0, 20.0)
        .artifact(Artifact::Noise, 190.0, 50.0);
    let synthetic = Woman::new(8, 300.0).fetus(fetus).mother(80.0).maternal_channel().record();
    let channel = &synthetic.trace.fhr[0];
    assert!(channel.rates[30 * 4..40 * 4].iter().all(Option::is_none));
    check_rate(&synthetic, (60, 120), 80.0, 3.0);
    assert_eq!(channel.rates[60 * 4..120 * 4], synthetic.trace.mhr.as_ref().unwrap()[60 * 4..120 * 4]);
    assert!(channel.rates[130 * 4..150 * 4].iter().all(|rate| *rate == QuarterBpm::new(480)));
    check_rate(&synthetic, (161, 179), 75.0, 4.0);
    assert!(channel.quality.as_ref().unwrap()[190 * 4..240 * 4].iter().all(|quality| *quality == Quality::Poor));
    let kinds: Vec<_> = synthetic.truth.events.iter().map(|event| event.kind.code()).collect();
    assert_eq!(kinds, ["signal_loss", "false_signal", "false_signal", "rate_jump", "false_signal"]);
}

#[test]
fn twins_have_two_hearts_unless_one_sensor_finds_the_other() {
    let second = Fetus::new(125.0).dropouts(0.0).artifact(Artifact::OtherTwin(0), 60.0, 60.0);
    let trace = Woman::new(9, 180.0).fetus(Fetus::new(145.0).dropouts(0.0)).fetus(second).record().trace;
    assert_eq!(trace.fhr[0].rates[240..480], trace.fhr[1].rates[240..480]);
    assert!(trace.fhr[0].rates[..240].iter().zip(&trace.fhr[1].rates).all(|(first, second)| first > second));
}

#[test]
fn dropouts_take_their_share() {
    let trace = Woman::new(10, 7200.0).fetus(Fetus::new(140.0).dropouts(0.3)).record().trace;
    let lost = trace.fhr[0].rates.iter().filter(|rate| rate.is_none()).count() as f64 / trace.sample_count() as f64;
    assert!((0.25..0.35).contains(&lost), "{lost}");
}

#[test]
fn coarse_and_slow_sources_are_possible() {
    let woman = Woman::new(11, 60.0).fetus(Fetus::new(140.0)).measured(SampleRate::new(2).unwrap(), 4);
    let trace = woman.without_toco().record().trace;
    assert_eq!((trace.sample_count(), trace.toco.is_none()), (120, true));
    assert!(trace.fhr[0].rates.iter().flatten().all(|rate| rate.quarters() % 4 == 0));
    let flat = Woman::new(11, 60.0).fetus(Fetus::new(140.0)).unplugged_toco().record().trace.toco.unwrap();
    assert!(flat.iter().all(|toco| *toco == HalfToco::new(0)));
}
