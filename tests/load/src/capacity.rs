//! How many devices one process serves, and what each costs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use ctg::Device;
use end_to_end::process::Site;
use fleet::{Address, DeviceConfig, Fleet, FleetConfig};
use recordings::{Fetus, Trace, Woman};
use storage::{SecretDigest, Store};
use tokio_util::sync::CancellationToken;

use crate::process::{processor_s, resident_kib};

/// Time before the measurement begins, so that every device is connected.
const WARM_UP: Duration = Duration::from_secs(10);
/// Devices share this many traces, so that the fleet's memory stays small.
const TRACES: usize = 16;
/// Blocks that are always on their way.
const BEHIND_NORMAL: u32 = 3;

/// Measures each number of devices in a fresh service and prints a row.
pub(crate) async fn run(devices: &[usize], seconds: u64) -> Result<()> {
    println!(
        "| devices | cores used | cores per 1,000 devices | devices per core | KiB per device | behind by more than {BEHIND_NORMAL} s | bytes per recording-hour |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let traces: Vec<Arc<Trace>> = (0..TRACES).map(|seed| Arc::new(trace(seed as u64))).collect();
    for &count in devices {
        println!("{}", measure(count, seconds, &traces).await?);
    }
    Ok(())
}

fn trace(seed: u64) -> Trace {
    let fetus = Fetus::new(125.0 + seed as f64 * 2.0).accelerations_every(60.0 + seed as f64, 240.0, 18.0, 3600.0);
    Woman::new(seed, 3600.0).fetus(fetus).contractions_every(120.0, 400.0, 60.0, 30.0).record().trace
}

async fn measure(count: usize, seconds: u64, traces: &[Arc<Trace>]) -> Result<String> {
    let site = Site::new("")?;
    site.command(&["device", "list"])?;
    register(&site, count).await?;
    let maia = site.start()?;
    let idle_kib = resident_kib(maia.pid())?;
    let (stop, fleet) = (CancellationToken::new(), Fleet::new(config(&site, count, traces))?);
    let progress = fleet.progress();
    let playing = tokio::spawn(fleet.play(stop.clone()));
    tokio::time::sleep(WARM_UP).await;
    let (before, started) = (processor_s(maia.pid())?, std::time::Instant::now());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let cores = (processor_s(maia.pid())? - before) / started.elapsed().as_secs_f64();
    let kib = resident_kib(maia.pid())?.saturating_sub(idle_kib) as f64 / count as f64;
    let reports = progress.snapshot();
    let behind = reports
        .iter()
        .filter(|device| device.covered_through.map_or(0, |through| through + 1) + BEHIND_NORMAL < device.measured)
        .count();
    stop.cancel();
    playing.await?;
    maia.stop()?;
    let blocks: u64 = progress
        .snapshot()
        .iter()
        .filter_map(|device| device.covered_through)
        .map(|through| u64::from(through) + 1)
        .sum();
    ensure!(blocks > 0, "nothing was stored: {}", site.log_tail());
    let bytes = std::fs::metadata(site.file("data/maia.db"))?.len() as f64 / blocks as f64 * 3600.0;
    Ok(format!(
        "| {count} | {cores:.2} | {:.3} | {:.0} | {kib:.0} | {behind} | {bytes:.0} |",
        cores * 1000.0 / count as f64,
        count as f64 / cores,
    ))
}

/// Registers devices in the store at once; the command would take a process each.
async fn register(site: &Site, count: usize) -> Result<()> {
    let store = Store::open(&site.store_url()).await?;
    for number in 0..count {
        let device = Device { id: name(number).parse()?, label: name(number), simulated: true };
        store
            .put_device(
                &device,
                SecretDigest(end_to_end::process::digest(&secret(number))),
                ctg::Timestamp::from_micros(0),
            )
            .await?;
    }
    store.close().await;
    Ok(())
}

fn name(number: usize) -> String {
    format!("load-{number:05}")
}

/// Secrets of devices that exist for one benchmark on loopback.
fn secret(number: usize) -> String {
    format!("secret of {number}")
}

fn config(site: &Site, count: usize, traces: &[Arc<Trace>]) -> FleetConfig {
    let device = |number: usize| {
        let id = name(number).parse().expect("a device name");
        DeviceConfig::new(id, secret(number), traces[number % traces.len()].clone())
    };
    let broker = Address { host: site.mqtt.ip().to_string(), port: site.mqtt.port() };
    FleetConfig { broker, devices: (0..count).map(device).collect(), spread: WARM_UP / 2 }
}
