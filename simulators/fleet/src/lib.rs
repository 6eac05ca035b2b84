//! Many home devices over real MQTT, with store-and-forward.
//!
//! A stranger to the service: it knows nothing but the device protocol (`docs/device-protocol.md`).
#![forbid(unsafe_code)]

mod buffer;
mod config;
mod demo;
mod device;
mod file;
mod link;
mod outbox;
mod play;
mod report;

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use config::{Address, ConfigError, DeviceConfig, FleetConfig, Outage};
pub use demo::demo_devices;
pub use file::{EXTENSIONS, FileError, read_recording};
pub use report::{DeviceReport, FleetReport, Progress};

/// Devices that are about to play.
#[derive(Debug)]
pub struct Fleet {
    config: FleetConfig,
    progress: Progress,
}

impl Fleet {
    /// Checks what is to be played.
    ///
    /// # Errors
    /// The first device that cannot be played, and why.
    pub fn new(config: FleetConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let progress = Progress::of(&config.devices);
        Ok(Self { config, progress })
    }

    /// Plays all devices until each has nothing left to send, or until `stop`.
    ///
    /// # Errors
    /// The first device that cannot be played, and why.
    pub async fn run(config: FleetConfig, stop: CancellationToken) -> Result<FleetReport, ConfigError> {
        Ok(Self::new(config)?.play(stop).await)
    }

    /// Where to look while it plays.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Plays all devices until each has nothing left to send, or until `stop`; then each says goodbye.
    pub async fn play(self, stop: CancellationToken) -> FleetReport {
        let count = self.config.devices.len().max(1) as u32;
        let mut tasks = JoinSet::new();
        for ((number, config), report) in (0_u32..).zip(self.config.devices).zip(self.progress.reports()) {
            let wait: Duration = self.config.spread * number / count;
            let device = device::Device::new(config, self.config.broker.clone(), report, stop.clone());
            let stop = stop.clone();
            tasks.spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(wait) => device.run().await,
                    () = stop.cancelled() => {}
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "device task failed");
            }
        }
        FleetReport { devices: self.progress.snapshot() }
    }
}
