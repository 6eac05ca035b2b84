//! The station in a real browser, with the simulated women of the demonstration.

use std::time::Duration;

use anyhow::{Result, ensure};
use end_to_end::process::Site;
use end_to_end::tools::browser_story;
use fleet::{Address, Fleet, FleetConfig};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_midwife_sees_the_strip_move_and_answers_for_the_alert() -> Result<()> {
    let site = Site::new("")?;
    let mut failure = None;
    let devices =
        fleet::demo_devices(|id| site.add_device(id.as_str(), id.as_str()).map_err(|error| failure = Some(error)).ok());
    ensure!(failure.is_none(), "{failure:?}");
    let maia = site.start()?;
    let broker = Address { host: site.mqtt.ip().to_string(), port: site.mqtt.port() };
    let stop = CancellationToken::new();
    let fleet = FleetConfig { broker, devices, spread: Duration::ZERO };
    let playing = tokio::spawn(Fleet::run(fleet, stop.clone()));
    let (station, code, pid) = (format!("http://{}", site.http), site.access_code()?, maia.pid().to_string());
    let picture = site.file("station.png");
    let picture = picture.to_string_lossy().into_owned();
    let told = tokio::task::spawn_blocking(move || {
        browser_story("station.mjs", &[&station, &code, "sim-prolonged", &pid, &picture])
    })
    .await??;
    println!("{}", String::from_utf8_lossy(&told.stdout));
    ensure!(told.status.success(), "{}\n{}", String::from_utf8_lossy(&told.stderr), site.log_tail());
    stop.cancel();
    playing.await??;
    maia.stop()
}
