use std::collections::BTreeMap;

use ctg::{SampleBlock, Timestamp};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Something on its way between a device and the service.
#[derive(Clone, Debug)]
pub(crate) enum Packet {
    /// To the service.
    Block(usize, Box<SampleBlock>),
    /// To a device.
    Watermark(usize, u32),
    /// To the service: the recording of a device is over.
    Stop(usize),
}

/// Loses, delays, reorders and doubles packets.
#[derive(Debug)]
pub(crate) struct Network {
    under_way: BTreeMap<(Timestamp, u64), Packet>,
    sent: u64,
    loss: f64,
    doubling: f64,
    delay_max_ms: i64,
}

impl Network {
    pub(crate) fn new(rng: &mut ChaCha8Rng) -> Self {
        Self {
            under_way: BTreeMap::new(),
            sent: 0,
            loss: rng.random_range(0.0..0.1),
            doubling: rng.random_range(0.0..0.1),
            delay_max_ms: rng.random_range(50..3000),
        }
    }

    pub(crate) fn send(&mut self, packet: &Packet, now: Timestamp, rng: &mut ChaCha8Rng) {
        if rng.random_bool(self.loss) {
            return;
        }
        let copies = 1 + u32::from(rng.random_bool(self.doubling));
        for _ in 0..copies {
            let arrives = now.plus_micros(rng.random_range(10..self.delay_max_ms) * 1000);
            self.under_way.insert((arrives, self.sent), packet.clone());
            self.sent += 1;
        }
    }

    /// What has arrived by now.
    pub(crate) fn arrived(&mut self, now: Timestamp) -> Vec<Packet> {
        let later = self.under_way.split_off(&(now.plus_micros(1), 0));
        std::mem::replace(&mut self.under_way, later).into_values().collect()
    }
}
