//! Histories from seeds. `SEED=n cargo test -p simulation` plays one seed alone and tells all about it with
//! `-- --nocapture`; `SEEDS=n` plays so many instead of the usual number.

use std::thread;

use simulation::{Fault, Report, World};

/// Histories without a planted fault.
const SEEDS: u64 = 600;
/// Histories in which each planted fault must show.
const SEEDS_PER_FAULT: u64 = 200;

/// A number from the environment.
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|number| number.parse().unwrap_or_else(|_| panic!("{name} must be a whole number")))
}

fn play(seed: u64, fault: Option<Fault>) -> Report {
    World::new(seed, fault).run()
}

/// Plays seeds on every processor; gives those that broke a promise.
fn play_all(seeds: &[u64]) -> Vec<(u64, Report)> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let parts: Vec<_> = (0..workers)
            .map(|worker| {
                let part = seeds.iter().copied().skip(worker).step_by(workers);
                scope.spawn(move || part.map(|seed| (seed, play(seed, None))).collect::<Vec<_>>())
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("a worker")).collect()
    })
}

#[test]
fn the_promises_hold_in_every_history() {
    let count = asked("SEEDS").unwrap_or(SEEDS);
    let seeds: Vec<u64> = asked("SEED").map_or_else(|| (0..count).collect(), |seed| vec![seed]);
    let mut reports = play_all(&seeds);
    reports.sort_by_key(|(seed, _)| *seed);
    if seeds.len() == 1 {
        println!("{:#?}", reports[0].1);
    }
    let broken: Vec<String> = reports
        .iter()
        .filter(|(_, report)| !report.violations.is_empty())
        .map(|(seed, report)| format!("SEED={seed}: {}", report.violations.join("; ")))
        .collect();
    assert!(broken.is_empty(), "{} of {} seeds:\n{}", broken.len(), seeds.len(), broken.join("\n"));
    if count >= SEEDS && seeds.len() > 1 {
        let checked: u32 = reports.iter().map(|(_, report)| report.episodes_checked).sum();
        let prompt: u32 = reports.iter().map(|(_, report)| report.severities_checked).sum();
        let changes: usize = reports.iter().map(|(_, report)| report.changes).sum();
        let crashes: usize = reports.iter().map(|(_, report)| report.crashes).sum();
        println!("{checked} low rates, {prompt} high in time, {changes} changes of alerts, {crashes} crashes");
        assert!(checked > 600 && prompt > 60 && changes > 10_000 && crashes > 300, "the histories say something");
    }
}

#[test]
fn a_seed_is_a_whole_history() {
    let seed = asked("SEED").unwrap_or(7);
    assert_eq!(play(seed, None), play(seed, None));
}

#[test]
fn every_planted_fault_is_seen() {
    let first_seed = |fault: Fault| (0..SEEDS_PER_FAULT).find(|seed| !play(*seed, Some(fault)).violations.is_empty());
    let mut unseen = Vec::new();
    for fault in Fault::ALL {
        match first_seed(fault) {
            Some(seed) => println!("{fault:?}: seen with seed {seed}"),
            None => unseen.push(fault),
        }
    }
    assert!(unseen.is_empty(), "not seen within {SEEDS_PER_FAULT} seeds: {unseen:?}");
}
