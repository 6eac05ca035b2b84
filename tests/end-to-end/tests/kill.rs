//! `kill -9` at random moments under load: nothing that the watermark covered is missing or doubled.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use end_to_end::process::Site;
use end_to_end::stored;
use fleet::{Address, DeviceConfig, DeviceReport, Fleet, FleetConfig};
use rand::{Rng, SeedableRng};
use recordings::{Fetus, Trace, Woman};
use storage::Store;
use tokio_util::sync::CancellationToken;

/// Devices under load.
const DEVICES: usize = 50;
/// Kills, unless `MAIA_KILLS` says otherwise.
const KILLS: u32 = 100;
/// Longest time that a process lives before it is killed.
const LIFE_MAX_MS: u64 = 1_500;
/// How long the last process may take to get everything that is still in the devices.
const CATCH_UP_MAX: Duration = Duration::from_secs(120);

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_covered_is_missing_or_doubled_after_kills_at_random_moments() -> Result<()> {
    let seed = number("SEED").unwrap_or_else(rand::random);
    let kills = number("MAIA_KILLS").map_or(KILLS, |kills| kills as u32);
    println!("SEED={seed} MAIA_KILLS={kills}");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let site = Site::new("")?;
    let secrets: Vec<String> =
        (0..DEVICES).map(|device| site.add_device(&format!("kill-{device:02}"), "bed")).collect::<Result<_>>()?;
    let fleet = Fleet::new(config(&site, &secrets))?;
    let progress = fleet.progress();
    let stop = CancellationToken::new();
    let playing = tokio::spawn(fleet.play(stop.clone()));
    let mut covered_before = 0;
    for kill in 0..kills {
        let maia = site.start_unready()?;
        tokio::time::sleep(Duration::from_millis(random.random_range(50..LIFE_MAX_MS))).await;
        maia.kill()?;
        // Looked at after the kill: what was promised until then must be there.
        let covered =
            check(&site, &progress.snapshot()).await.with_context(|| format!("after kill {kill}, SEED={seed}"))?;
        ensure!(covered >= covered_before, "the store lost blocks: {covered_before} then {covered}");
        covered_before = covered;
    }
    let maia = site.start()?;
    stop_when_covered(&progress).await?;
    stop.cancel();
    let report = playing.await?;
    maia.stop()?;
    let covered = check(&site, &report.devices).await?;
    check_content(&site, &report.devices).await?;
    let restarts: u32 = report.devices.iter().map(|device| device.connections).sum();
    println!(
        "{kills} kills: {covered} blocks covered, 0 missing, 0 doubled; {restarts} connections; {} sent",
        report.published()
    );
    ensure!(covered > 0, "the devices never got through");
    Ok(())
}

fn config(site: &Site, secrets: &[String]) -> FleetConfig {
    let broker = Address { host: site.mqtt.ip().to_string(), port: site.mqtt.port() };
    let device = |(number, secret): (usize, &String)| {
        let trace = trace(number);
        let id = format!("kill-{number:02}").parse().expect("a device name");
        DeviceConfig { packets_per_second: 200.0, ..DeviceConfig::new(id, secret.clone(), Arc::new(trace)) }
    };
    FleetConfig { broker, devices: secrets.iter().enumerate().map(device).collect(), spread: Duration::ZERO }
}

fn trace(device: usize) -> Trace {
    Woman::new(device as u64, 7200.0).fetus(Fetus::new(120.0 + device as f64)).record().trace
}

/// Compares what is stored with what was measured, sample by sample.
async fn check_content(site: &Site, devices: &[DeviceReport]) -> Result<()> {
    let store = Store::open(&site.store_url()).await?;
    for (number, device) in devices.iter().enumerate() {
        let (stored, measured) = (stored::channels(&store, device.recording).await?, trace(number));
        let length = stored.toco.len();
        ensure!(stored.fhr[0] == measured.fhr[0].rates[..length], "{}: heart rates differ", device.device);
        ensure!(
            Some(&stored.toco[..]) == measured.toco.as_ref().map(|toco| &toco[..length]),
            "{}: toco differs",
            device.device
        );
    }
    store.close().await;
    Ok(())
}

/// Compares every promise with the store; gives the number of blocks stored.
async fn check(site: &Site, devices: &[DeviceReport]) -> Result<u64> {
    let store = Store::open(&site.store_url()).await?;
    let mut total = 0;
    for device in devices {
        let progress = store.recording(device.recording).await?;
        let stored = progress.as_ref().and_then(|progress| progress.stored_through);
        ensure!(
            stored >= device.covered_through,
            "{}: promised through {:?}, stored through {stored:?}",
            device.device,
            device.covered_through
        );
        total += stored.map_or(0, |through| u64::from(through) + 1);
    }
    store.close().await;
    Ok(total)
}

/// Waits until the watermarks have caught up with what is measured, then compares content.
async fn stop_when_covered(progress: &fleet::Progress) -> Result<()> {
    let started = tokio::time::Instant::now();
    loop {
        let behind = progress
            .snapshot()
            .iter()
            .filter(|device| device.covered_through.map_or(0, |through| through + 1) + 5 < device.measured)
            .count();
        if behind == 0 {
            return Ok(());
        }
        ensure!(started.elapsed() < CATCH_UP_MAX, "{behind} devices are still behind after {CATCH_UP_MAX:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
