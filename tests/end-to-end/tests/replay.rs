//! Every sample of every real recording, played by devices over MQTT, is in the store: bit-equal, exactly once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ctg::{HalfToco, QuarterBpm, RecordingId};
use end_to_end::process::Site;
use end_to_end::stored::{Channels, channels};
use fleet::{Address, DeviceConfig, Fleet, FleetConfig, read_recording};
use storage::Store;
use tokio_util::sync::CancellationToken;

/// Devices that play at once.
const DEVICES: usize = 48;
/// Blocks of ten seconds: a device that was away for hours sends long blocks.
const BLOCK_LENGTH_MS: u16 = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_of_every_real_recording_is_stored_once_and_bit_equal() -> Result<()> {
    let Some(folder) = end_to_end::data::real_recordings() else { return Ok(()) };
    let files = [files(&folder.join("fhrma-train"), "csv")?, files(&folder.join("ctu-uhb"), "hea")?].concat();
    ensure!(!files.is_empty(), "no recordings in {}", folder.display());
    let site = Site::new("")?;
    let secrets: Vec<(String, String)> = (0..DEVICES)
        .map(|number| {
            let device = format!("replay-{number:02}");
            site.add_device(&device, &device).map(|secret| (device, secret))
        })
        .collect::<Result<_>>()?;
    let maia = site.start()?;
    let mut played = Vec::new();
    for batch in files.chunks(DEVICES) {
        played.extend(play(&site, &secrets, batch).await?);
    }
    maia.stop()?;
    let store = Store::open(&site.store_url()).await?;
    let mut samples = 0;
    for (file, recording) in &played {
        let stored = channels(&store, *recording).await.with_context(|| file.display().to_string())?;
        let expected = expected(file)?;
        samples += expected.fhr.iter().map(Vec::len).sum::<usize>() + expected.toco.len();
        ensure!(stored == expected, "{} differs from what is stored", file.display());
    }
    println!("{} recordings, {samples} samples: each stored once, bit-equal", played.len());
    Ok(())
}

async fn play(site: &Site, secrets: &[(String, String)], files: &[PathBuf]) -> Result<Vec<(PathBuf, RecordingId)>> {
    let mut devices = Vec::new();
    let mut played = Vec::new();
    for (file, (device, secret)) in files.iter().zip(secrets) {
        let trace = read_recording(file)?;
        let config = DeviceConfig {
            history_s: trace.sample_count() as f64 / f64::from(trace.rate.hz()),
            block_length_ms: BLOCK_LENGTH_MS,
            packets_per_second: 500.0,
            ..DeviceConfig::new(device.parse()?, secret.clone(), Arc::new(trace))
        };
        played.push((file.clone(), config.recording));
        devices.push(config);
    }
    let broker = Address { host: site.mqtt.ip().to_string(), port: site.mqtt.port() };
    let config = FleetConfig { broker, devices, spread: std::time::Duration::ZERO };
    let report = Fleet::run(config, CancellationToken::new()).await?;
    let unfinished: Vec<_> = report.devices.iter().filter(|device| !device.complete).collect();
    ensure!(unfinished.is_empty(), "not everything was covered: {unfinished:?}; {}", site.log_tail());
    Ok(played)
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    Ok(files)
}

/// What a file says, read here a second time and in another way than by the fleet's readers.
fn expected(file: &Path) -> Result<Channels> {
    if file.extension().is_some_and(|extension| extension == "csv") {
        expected_of_csv(file)
    } else {
        expected_of_wfdb(file)
    }
}

fn expected_of_csv(file: &Path) -> Result<Channels> {
    let text = std::fs::read_to_string(file)?;
    let mut channels = Channels::default();
    for line in text.lines().skip(1) {
        let numbers: Vec<f64> = line.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let rates = [Some(numbers[1]), numbers.get(3).copied()];
        channels.fhr.resize_with(rates.iter().flatten().count(), Vec::new);
        for (channel, rate) in channels.fhr.iter_mut().zip(rates.into_iter().flatten()) {
            channel.push(QuarterBpm::new((rate * 4.0) as u16));
        }
        channels.toco.push(HalfToco::new((numbers[2] * 2.0) as u8));
    }
    Ok(channels)
}

fn expected_of_wfdb(file: &Path) -> Result<Channels> {
    let bytes = std::fs::read(file.with_extension("dat"))?;
    let mut channels = Channels { fhr: vec![Vec::new()], ..Channels::default() };
    for frame in bytes.chunks_exact(4) {
        let (hundredths_bpm, hundredths_toco) =
            (i16::from_le_bytes([frame[0], frame[1]]), i16::from_le_bytes([frame[2], frame[3]]));
        channels.fhr[0].push(QuarterBpm::new((hundredths_bpm / 25).unsigned_abs()));
        channels.toco.push(HalfToco::new(u8::try_from(hundredths_toco / 50)?));
    }
    Ok(channels)
}
