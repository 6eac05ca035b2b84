use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ctg::{DeviceId, RecordingId};

use crate::DeviceConfig;

/// What became of all devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetReport {
    /// One entry per device, in the order of the configuration.
    pub devices: Vec<DeviceReport>,
}

/// What one device did, of fixed size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceReport {
    /// The device.
    pub device: DeviceId,
    /// Its (latest) recording.
    pub recording: RecordingId,
    /// Blocks measured.
    pub measured: u32,
    /// Blocks published, repeats included.
    pub published: u64,
    /// Highest watermark heard; every block up to and including it is promised to be stored.
    pub covered_through: Option<u32>,
    /// Watermarks heard that were lower than one before.
    pub moved_back: u32,
    /// Connections that came about.
    pub connections: u32,
    /// Attempts to connect that failed.
    pub failures: u32,
    /// Why the last attempt failed or the last connection broke.
    pub last_error: Option<String>,
    /// Events published, repeats included.
    pub events_published: u64,
    /// Events that the service said it stored.
    pub events_stored: u64,
    /// Packets that the service could not use.
    pub refused: u32,
    /// Why the last of them.
    pub last_refusal: Option<String>,
    /// Messages to the mother.
    pub messages: u32,
    /// True when everything measured was covered and the device said goodbye.
    pub complete: bool,
}

/// What devices do, to be looked at while they play.
#[derive(Clone, Debug)]
pub struct Progress(Vec<Shared>);

/// One device's part of a [`Progress`].
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<DeviceReport>>);

impl FleetReport {
    /// Blocks published by all devices, repeats included.
    pub fn published(&self) -> u64 {
        self.devices.iter().map(|device| device.published).sum()
    }

    /// Blocks of all devices that are promised to be stored.
    pub fn covered(&self) -> u64 {
        self.devices.iter().filter_map(|device| device.covered_through).map(|through| u64::from(through) + 1).sum()
    }

    /// True when every device is complete.
    pub fn is_complete(&self) -> bool {
        self.devices.iter().all(|device| device.complete)
    }
}

impl Progress {
    pub(crate) fn of(devices: &[DeviceConfig]) -> Self {
        Self(devices.iter().map(Shared::of).collect())
    }

    pub(crate) fn reports(&self) -> Vec<Shared> {
        self.0.clone()
    }

    /// Every device's report as it is now.
    pub fn snapshot(&self) -> Vec<DeviceReport> {
        self.0.iter().map(|shared| shared.lock().clone()).collect()
    }
}

impl Shared {
    fn of(config: &DeviceConfig) -> Self {
        Self(Arc::new(Mutex::new(DeviceReport {
            device: config.id.clone(),
            recording: config.recording,
            measured: 0,
            published: 0,
            covered_through: None,
            moved_back: 0,
            connections: 0,
            failures: 0,
            last_error: None,
            events_published: 0,
            events_stored: 0,
            refused: 0,
            last_refusal: None,
            messages: 0,
            complete: false,
        })))
    }

    /// Reports are plain numbers: one that was left half-changed by a panic is still of use.
    pub(crate) fn lock(&self) -> MutexGuard<'_, DeviceReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
