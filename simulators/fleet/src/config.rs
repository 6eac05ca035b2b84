use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ctg::{DeviceId, RecordingId};
use recordings::Trace;
use wire::device::Encoding;

/// Everything that a fleet is to do.
#[derive(Clone, Debug)]
pub struct FleetConfig {
    /// Where the broker listens.
    pub broker: Address,
    /// The devices; each must have its own name.
    pub devices: Vec<DeviceConfig>,
    /// Devices begin one after the other, evenly over this time, so that thousands do not connect at once.
    pub spread: Duration,
}

/// Where a broker listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// One device and the recording that it makes.
#[derive(Clone)]
pub struct DeviceConfig {
    /// Its name; also client id and user name.
    pub id: DeviceId,
    /// Its password.
    pub secret: String,
    /// What it measures. Devices may share a trace.
    pub trace: Arc<Trace>,
    /// The recording that it makes. Must be new for every run.
    pub recording: RecordingId,
    /// How it writes its payloads.
    pub encoding: Encoding,
    /// Length of its blocks.
    pub block_length_ms: u16,
    /// Seconds of the trace that are already recorded, and unsent, when the device first connects.
    pub history_s: f64,
    /// True to begin the trace anew when it ends; only at speed 1.
    pub repeat: bool,
    /// Seconds of the trace per second of play, 1 to 60.
    ///
    /// At speed 1 the newest sample is always from now. A faster recording began so far in the past that
    /// its *last* sample is from the moment at which it is played: every earlier sample arrives late by
    /// (what remains to be played) × (speed − 1), measured in seconds of play.
    pub speed: f64,
    /// When it loses its connection.
    pub outages: Vec<Outage>,
    /// When the mother presses the movement button, in seconds of play.
    pub movements_s: Vec<f64>,
    /// Number of its first event; must be above that of every event it ever sent.
    pub first_event: u64,
    /// Most packets per second that it sends.
    pub packets_per_second: f64,
}

/// A lost connection, in seconds of play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outage {
    /// When it is lost.
    pub at_s: f64,
    /// How long it stays away.
    pub duration_s: f64,
    /// True when the socket stays open but carries nothing, as when radio is lost; false when it closes.
    pub silent: bool,
}

/// Why a fleet cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Two devices have the same name.
    #[error("device {0} is listed twice; give every device its own name")]
    Twice(DeviceId),
    /// The trace has no sample.
    #[error("device {0} has nothing to measure; give it a trace with samples")]
    Empty(DeviceId),
    /// The block length is not possible.
    #[error("device {0}: blocks must be 250 to 60000 ms long and hold a whole number of samples")]
    BlockLength(DeviceId),
    /// The speed is not possible.
    #[error("device {0}: speed must be 1 to 60, and 1 for a trace that repeats")]
    Speed(DeviceId),
    /// A number is negative or not finite.
    #[error("device {0}: times must be zero or more, and packets per second above zero")]
    Time(DeviceId),
}

impl DeviceConfig {
    /// Blocks of one second: what a device sends unless told otherwise.
    pub const BLOCK_LENGTH_MS: u16 = 1000;
    /// Packets per second unless told otherwise: twice what a broker must take from one device.
    pub const PACKETS_PER_SECOND: f64 = 40.0;
    /// Greatest speed.
    pub const SPEED_MAX: f64 = 60.0;

    /// A device that plays a trace once at speed 1 from its beginning, in CBOR, with a new recording id
    /// and event numbers from the clock.
    pub fn new(id: DeviceId, secret: String, trace: Arc<Trace>) -> Self {
        let now = crate::play::wall_clock();
        Self {
            id,
            secret,
            trace,
            recording: RecordingId::from_bytes(rand::random()),
            encoding: Encoding::Cbor,
            block_length_ms: Self::BLOCK_LENGTH_MS,
            history_s: 0.0,
            repeat: false,
            speed: 1.0,
            outages: Vec::new(),
            movements_s: Vec::new(),
            first_event: now.as_micros().unsigned_abs(),
            packets_per_second: Self::PACKETS_PER_SECOND,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let id = || self.id.clone();
        let length_fits = (ctg::SampleBlock::LENGTH_MIN_MS..=ctg::SampleBlock::LENGTH_MAX_MS)
            .contains(&self.block_length_ms)
            && self.trace.rate.samples_in(self.block_length_ms).is_some();
        let outage_times = self.outages.iter().flat_map(|outage| [outage.at_s, outage.duration_s]);
        let times = outage_times.chain(self.movements_s.iter().copied()).chain([self.history_s]);
        if self.trace.sample_count() == 0 {
            Err(ConfigError::Empty(id()))
        } else if !length_fits {
            Err(ConfigError::BlockLength(id()))
        } else if !(1.0..=Self::SPEED_MAX).contains(&self.speed) || (self.repeat && self.speed > 1.0) {
            Err(ConfigError::Speed(id()))
        } else if !times.into_iter().all(|time| time.is_finite() && time >= 0.0) || self.packets_per_second <= 0.0 {
            Err(ConfigError::Time(id()))
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for DeviceConfig {
    /// Leaves the secret and the samples out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceConfig")
            .field("id", &self.id)
            .field("recording", &self.recording)
            .field("speed", &self.speed)
            .finish_non_exhaustive()
    }
}

impl FleetConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let mut seen = std::collections::BTreeSet::new();
        for device in &self.devices {
            if !seen.insert(&device.id) {
                return Err(ConfigError::Twice(device.id.clone()));
            }
            device.check()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use recordings::{Fetus, Woman};

    use super::*;

    fn check(change: impl FnOnce(&mut FleetConfig), expect: Result<(), ConfigError>) {
        let trace = Arc::new(Woman::new(1, 60.0).fetus(Fetus::new(140.0)).record().trace);
        let device = |name: &str| DeviceConfig::new(name.parse().unwrap(), "secret".into(), trace.clone());
        let broker = Address { host: "127.0.0.1".into(), port: 1883 };
        let mut config = FleetConfig { broker, devices: vec![device("a"), device("b")], spread: Duration::ZERO };
        change(&mut config);
        assert_eq!(config.check(), expect);
    }

    #[test]
    fn impossible_fleets_are_refused() {
        let a: DeviceId = "a".parse().unwrap();
        check(|_| {}, Ok(()));
        check(|c| c.devices[1].id = a.clone(), Err(ConfigError::Twice(a.clone())));
        check(|c| c.devices[0].block_length_ms = 1100, Err(ConfigError::BlockLength(a.clone())));
        check(|c| c.devices[0].speed = 61.0, Err(ConfigError::Speed(a.clone())));
        check(|c| (c.devices[0].repeat, c.devices[0].speed) = (true, 2.0), Err(ConfigError::Speed(a.clone())));
        check(|c| c.devices[0].movements_s = vec![-1.0], Err(ConfigError::Time(a.clone())));
        check(|c| c.devices[0].history_s = f64::NAN, Err(ConfigError::Time(a.clone())));
        check(
            |c| c.devices[0].trace = Arc::new(Woman::new(1, 0.0).fetus(Fetus::new(140.0)).record().trace),
            Err(ConfigError::Empty(a)),
        );
    }

    #[test]
    fn secrets_are_not_printed() {
        let trace = Arc::new(Woman::new(1, 1.0).fetus(Fetus::new(140.0)).record().trace);
        let device = DeviceConfig::new("a".parse().unwrap(), "hidden".into(), trace);
        assert!(!format!("{device:?}").contains("hidden"));
    }
}
