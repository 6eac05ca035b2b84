//! From the measurement of a sample to its pixel.

use std::time::Duration;

use anyhow::{Result, ensure};
use end_to_end::process::Site;
use end_to_end::tools::browser_story;
use fleet::{Address, Fleet, FleetConfig};
use tokio_util::sync::CancellationToken;

/// Measures and prints.
pub(crate) async fn run(seconds: u64) -> Result<()> {
    let site = Site::new("")?;
    let devices = fleet::demo_devices(|id| site.add_device(id.as_str(), id.as_str()).ok());
    ensure!(!devices.is_empty(), "no device could be registered");
    let maia = site.start()?;
    let broker = Address { host: site.mqtt.ip().to_string(), port: site.mqtt.port() };
    let stop = CancellationToken::new();
    let fleet = FleetConfig { broker, devices, spread: Duration::ZERO };
    let playing = tokio::spawn(Fleet::run(fleet, stop.clone()));
    let (station, code) = (format!("http://{}", site.http), site.access_code()?);
    let told =
        tokio::task::spawn_blocking(move || browser_story("pixels.mjs", &[&station, &code, &seconds.to_string()]))
            .await??;
    print!("{}", String::from_utf8_lossy(&told.stdout));
    ensure!(told.status.success(), "{}\n{}", String::from_utf8_lossy(&told.stderr), site.log_tail());
    stop.cancel();
    playing.await??;
    maia.stop()
}
