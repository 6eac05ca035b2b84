use crate::{Artifact, Contraction, Fetus, Woman};

/// Seconds that every demo woman has already recorded when the demo begins, so that strips are full.
pub const DEMO_HISTORY_S: f64 = 720.0;

/// Length of each demo recording, after which it begins anew: two hours.
const DURATION_S: f64 = 7200.0;

/// One simulated woman of the demo.
#[derive(Clone, Debug, PartialEq)]
pub struct Demo {
    /// Device name, which also says what there is to see.
    pub name: &'static str,
    /// Her script; the demo begins [`DEMO_HISTORY_S`] into it.
    pub woman: Woman,
    /// When she loses her connection, in seconds from the demo's begin, and for how long.
    pub outages_s: Vec<(f64, f64)>,
    /// When she presses the movement button, in seconds from the demo's begin.
    pub movements_s: Vec<f64>,
}

/// The women of the demo: nine, each showing something else.
pub fn demo_women() -> Vec<Demo> {
    let connected = |name, woman| Demo { name, woman, outages_s: Vec::new(), movements_s: vec![20.0, 95.0, 240.0] };
    vec![
        connected("sim-normal", normal(101)),
        connected("sim-reactive", reactive()),
        connected("sim-twins", twins()),
        connected("sim-variable", variable_decelerations()),
        connected("sim-late", late_decelerations()),
        connected("sim-poor-signal", poor_signal()),
        connected("sim-maternal-pickup", maternal_pickup()),
        connected("sim-prolonged", prolonged_deceleration()),
        Demo { outages_s: vec![(60.0, 90.0)], ..connected("sim-outage", normal(109)) },
    ]
}

fn normal(seed: u64) -> Woman {
    let fetus = Fetus::new(136.0).accelerations_every(150.0, 410.0, 17.0, DURATION_S);
    Woman::new(seed, DURATION_S).fetus(fetus).contractions_every(200.0, 540.0, 60.0, 22.0)
}

fn reactive() -> Woman {
    let fetus = Fetus::new(142.0).variability(14.0, 1.0).accelerations_every(40.0, 110.0, 22.0, DURATION_S);
    Woman::new(102, DURATION_S).fetus(fetus).maternal_channel()
}

fn twins() -> Woman {
    let first = Fetus::new(148.0).accelerations_every(120.0, 300.0, 18.0, DURATION_S);
    let second = Fetus::new(128.0).variability(9.0, 0.8).accelerations_every(240.0, 350.0, 20.0, DURATION_S);
    Woman::new(103, DURATION_S).fetus(first).fetus(second).contractions_every(100.0, 480.0, 60.0, 25.0)
}

fn variable_decelerations() -> Woman {
    let contractions = Contraction::series(90.0, 220.0, 70.0, 48.0, DURATION_S);
    let fetus = contractions.fold(Fetus::new(145.0), |fetus, contraction| {
        fetus.variable_deceleration(contraction.start_s + 12.0, 42.0, 45.0)
    });
    Woman::new(104, DURATION_S).fetus(fetus).contractions_every(90.0, 220.0, 70.0, 48.0)
}

fn late_decelerations() -> Woman {
    let contractions = Contraction::series(60.0, 190.0, 80.0, 55.0, DURATION_S);
    let quiet = Fetus::new(152.0).variability(5.0, 0.5);
    let fetus = contractions.fold(quiet, |fetus, contraction| fetus.late_deceleration(&contraction, 28.0, 22.0));
    Woman::new(105, DURATION_S).fetus(fetus).contractions_every(60.0, 190.0, 80.0, 55.0)
}

fn poor_signal() -> Woman {
    let fetus = Fetus::new(138.0).dropouts(0.35).artifact(Artifact::Noise, DEMO_HISTORY_S - 150.0, 25.0).artifact(
        Artifact::Loss,
        DEMO_HISTORY_S + 30.0,
        40.0,
    );
    Woman::new(106, DURATION_S).fetus(fetus).unplugged_toco()
}

fn maternal_pickup() -> Woman {
    let fetus = Fetus::new(141.0).artifact(Artifact::Maternal, DEMO_HISTORY_S - 240.0, 75.0).artifact(
        Artifact::Maternal,
        DEMO_HISTORY_S + 40.0,
        180.0,
    );
    Woman::new(107, DURATION_S)
        .fetus(fetus)
        .mother(84.0)
        .maternal_channel()
        .contractions_every(150.0, 400.0, 60.0, 30.0)
}

fn prolonged_deceleration() -> Woman {
    let fetus = Fetus::new(140.0)
        .accelerations_every(130.0, 260.0, 18.0, DEMO_HISTORY_S - 60.0)
        .prolonged_deceleration(DEMO_HISTORY_S + 45.0, 300.0, 65.0);
    Woman::new(108, DURATION_S).fetus(fetus).contractions_every(170.0, 280.0, 70.0, 40.0)
}

#[cfg(test)]
mod tests {
    use ctg::QuarterBpm;

    use super::*;

    #[test]
    fn demo_names_are_devices_and_differ() {
        let mut names: Vec<_> = demo_women().iter().map(|demo| demo.name).collect();
        assert!(names.iter().all(|name| name.parse::<ctg::DeviceId>().is_ok()));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 9);
    }

    #[test]
    fn the_prolonged_deceleration_comes_soon_and_stays_low_for_over_four_minutes() {
        let rates = prolonged_deceleration().record().trace.fhr.remove(0).rates;
        let second = |s: f64| (s * 4.0) as usize;
        let before = &rates[second(DEMO_HISTORY_S - 60.0)..second(DEMO_HISTORY_S + 45.0)];
        assert!(before.iter().flatten().all(|rate| rate.bpm() > 120.0));
        let during = &rates[second(DEMO_HISTORY_S + 75.0)..second(DEMO_HISTORY_S + 75.0 + 225.0)];
        assert!(during.iter().flatten().all(|rate| *rate < QuarterBpm::new(4 * 95).unwrap()));
    }

    #[test]
    fn one_woman_loses_her_connection() {
        let outages: Vec<_> = demo_women().into_iter().flat_map(|demo| demo.outages_s).collect();
        assert_eq!(outages, [(60.0, 90.0)]);
    }
}
