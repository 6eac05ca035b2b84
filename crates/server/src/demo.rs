//! The demonstration: simulated women at home, strangers who connect over MQTT like everybody else.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use ctg::{Device, DeviceId};
use fleet::{Address, Fleet, FleetConfig};
use storage::Store;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::console::say;
use crate::secret::Secret;
use crate::service;

/// Where the demonstration keeps its data.
const DIRECTORY: &str = "maia-demo";
/// The devices begin within this time, so that the screen fills visibly.
const SPREAD: Duration = Duration::from_secs(3);
/// Time between lines about the devices' progress.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// Packets that a simulated device may send at once: its twelve minutes of history, and then some.
const PACKETS_BURST: NonZeroU32 = NonZeroU32::new(2_000).unwrap();

/// The default configuration with what a demonstration does otherwise.
pub(crate) fn configuration(mut config: Config) -> Config {
    config.data.directory = PathBuf::from(DIRECTORY);
    config.broker.packets_burst = PACKETS_BURST;
    config.log.filter = "warn".to_owned();
    config
}

/// Registers the simulated devices anew, each with a fresh secret, and gives the fleet that plays them.
pub(crate) async fn prepare(store: &Store, broker: SocketAddr) -> Result<Fleet> {
    let mut secrets = BTreeMap::new();
    let mut failure = None;
    let devices = fleet::demo_devices(|id| match Secret::random() {
        Ok(secret) => {
            let text = secret.reveal().to_owned();
            secrets.insert(id.clone(), secret);
            Some(text)
        }
        Err(error) => {
            failure = Some(error);
            None
        }
    });
    if let Some(error) = failure {
        return Err(error);
    }
    for (id, secret) in &secrets {
        let device = Device { id: id.clone(), label: label(id), simulated: true };
        store.put_device(&device, secret.digest(), service::now()).await?;
    }
    let broker = Address { host: broker.ip().to_string(), port: broker.port() };
    Fleet::new(FleetConfig { broker, devices, spread: SPREAD }).context("the demonstration cannot be played")
}

/// Plays the fleet until `stop` and says how the devices do when that changes.
pub(crate) async fn play(fleet: Fleet, stop: CancellationToken) {
    let progress = fleet.progress();
    let mut playing = std::pin::pin!(fleet.play(stop));
    let mut last = String::new();
    loop {
        tokio::select! {
            _ = &mut playing => return,
            () = tokio::time::sleep(REPORT_EVERY) => {}
        }
        let line = summary(&progress.snapshot());
        if line != last {
            say(&line);
            last = line;
        }
    }
}

/// A line about all devices: who catches up, who is away.
fn summary(devices: &[fleet::DeviceReport]) -> String {
    let behind = |device: &fleet::DeviceReport| {
        device.measured.saturating_sub(device.covered_through.map_or(0, |through| through + 1))
    };
    let late: Vec<String> = devices
        .iter()
        .filter(|device| behind(device) > BEHIND_NORMAL)
        .map(|device| format!("{} keeps {} s", device.device, behind(device)))
        .collect();
    match late.is_empty() {
        true => format!("  {} simulated women: everything they measured is stored", devices.len()),
        false => format!("  {} simulated women: {} not yet stored", devices.len(), late.join(", ")),
    }
}

/// Blocks that are always on their way.
const BEHIND_NORMAL: u32 = 5;

/// What the ward calls a simulated device: its name without the mark, which every screen shows anyway.
fn label(id: &DeviceId) -> String {
    id.as_str().trim_start_matches("sim-").replace('-', " ")
}

#[cfg(test)]
mod tests {
    use crate::config;

    use super::*;

    #[test]
    fn the_demonstration_has_eight_women_or_more() {
        let devices = fleet::demo_devices(|_| Some("secret".to_owned()));
        assert!(devices.len() >= 8);
        assert!(devices.iter().any(|device| !device.outages.is_empty()));
        assert!(devices.iter().all(|device| label(&device.id) != device.id.as_str()));
    }

    #[test]
    fn the_demonstration_keeps_its_data_apart() {
        let defaults = config::defaults().unwrap();
        let demo = configuration(defaults.clone());
        assert_ne!(demo.data.directory, defaults.data.directory);
    }
}
