//! A client written from docs/device-protocol.md alone, in another language, with another MQTT library.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use end_to_end::process::{Site, wait_until};
use end_to_end::tools::{browser_story, python, root};
use storage::Store;

/// Device that the client plays.
const DEVICE: &str = "python-01";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_client_appears_on_the_station_and_hears_its_watermark() -> Result<()> {
    let site = Site::new("")?;
    let secret = site.add_device(DEVICE, "written from the document")?;
    let maia = site.start()?;
    let client = Command::new(python()?)
        .arg(root().join("tests/end-to-end/python/device.py"))
        .args(["--host", &site.mqtt.ip().to_string(), "--port", &site.mqtt.port().to_string(), "--device", DEVICE])
        .args(["--seconds", "30"])
        .env("MAIA_DEVICE_SECRET", &secret)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the Python client")?;
    let (station, code) = (format!("http://{}", site.http), site.access_code()?);
    let told = tokio::task::spawn_blocking(move || browser_story("bed.mjs", &[&station, &code, DEVICE])).await??;
    println!("{}", String::from_utf8_lossy(&told.stdout));
    ensure!(told.status.success(), "{}\n{}", String::from_utf8_lossy(&told.stderr), site.log_tail());
    let ended = tokio::task::spawn_blocking(move || client.wait_with_output()).await??;
    ensure!(ended.status.success(), "the client failed: {}", String::from_utf8_lossy(&ended.stderr));
    println!("{}", String::from_utf8_lossy(&ended.stdout));
    maia.stop()?;
    let store = Store::open(&site.store_url()).await?;
    let recordings = store.recordings_since(ctg::Timestamp::from_micros(0)).await?;
    ensure!(recordings.len() == 1, "one recording expected, found {}", recordings.len());
    ensure!(recordings[0].stored_through >= Some(25), "stored through {:?}", recordings[0].stored_through);
    wait_until(Duration::from_secs(1), || recordings[0].stopped.is_some()).context("its stop event is not stored")
}
