//! Prints a scripted recording as CSV, for the figures of docs/methods.md: `labor` or `signal`.
#![expect(clippy::print_stdout, reason = "the recording is the result of this example")]

use recordings::{Artifact, Contraction, Fetus, Trace, Woman};

fn main() {
    let trace = match std::env::args().nth(1).as_deref() {
        Some("signal") => signal(),
        _ => labor(),
    };
    let toco = trace.toco.unwrap_or_default();
    println!("t_s,fhr_bpm,toco");
    for (at, (rate, toco)) in trace.fhr[0].rates.iter().zip(toco).enumerate() {
        let bpm = rate.map_or(0.0, |rate| rate.bpm());
        println!("{:.2},{bpm},{}", at as f64 / 4.0, toco.map_or(127.5, |toco| toco.units()));
    }
}

/// Every event and every type of deceleration, in twenty-six minutes.
fn labor() -> Trace {
    let contractions: Vec<Contraction> = Contraction::series(150.0, 240.0, 70.0, 45.0, 1500.0).collect();
    let fetus = Fetus::new(140.0)
        .variability(11.0, 1.0)
        .dropouts(0.015)
        .acceleration(40.0, 35.0, 25.0)
        .early_deceleration(&contractions[0], 28.0)
        .acceleration(290.0, 40.0, 28.0)
        .variable_deceleration(contractions[1].start_s + 15.0, 45.0, 45.0)
        .late_deceleration(&contractions[2], 35.0, 30.0)
        .acceleration(800.0, 30.0, 24.0)
        .prolonged_deceleration(contractions[3].start_s + 20.0, 190.0, 50.0)
        .acceleration(1290.0, 45.0, 26.0);
    let woman = contractions.into_iter().fold(Woman::new(12, 1560.0), Woman::contraction);
    woman.fetus(fetus).record().trace
}

/// What is no fetus: losses, the mother's heart, a doubled rate.
fn signal() -> Trace {
    let fetus = Fetus::new(138.0)
        .dropouts(0.03)
        .acceleration(120.0, 40.0, 25.0)
        .artifact(Artifact::Loss, 300.0, 70.0)
        .artifact(Artifact::Maternal, 500.0, 150.0)
        .acceleration(760.0, 40.0, 25.0)
        .artifact(Artifact::Halved, 900.0, 25.0)
        .artifact(Artifact::Noise, 1100.0, 90.0)
        .acceleration(1300.0, 40.0, 25.0);
    Woman::new(21, 1560.0).mother(82.0).contractions_every(100.0, 260.0, 70.0, 40.0).fetus(fetus).record().trace
}
