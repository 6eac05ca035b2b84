use std::sync::Arc;

use ctg::DeviceId;
use recordings::{DEMO_HISTORY_S, Demo, demo_women};

use crate::{DeviceConfig, Outage};

/// The devices of the demo, each with twelve minutes already recorded; they play until stopped.
///
/// `secret` gives the password of a device, or `None` to leave that device out.
pub fn demo_devices(mut secret: impl FnMut(&DeviceId) -> Option<String>) -> Vec<DeviceConfig> {
    let device = |demo: Demo| {
        let id: DeviceId = demo.name.parse().ok()?;
        let secret = secret(&id)?;
        let trace = Arc::new(demo.woman.record().trace);
        let outage = |(at_s, duration_s)| Outage { at_s, duration_s, silent: false };
        Some(DeviceConfig {
            history_s: DEMO_HISTORY_S,
            repeat: true,
            outages: demo.outages_s.into_iter().map(outage).collect(),
            movements_s: demo.movements_s,
            ..DeviceConfig::new(id, secret, trace)
        })
    };
    demo_women().into_iter().filter_map(device).collect()
}
