use std::sync::Arc;

use alerting::Policy;
use ctg::{DeviceEvent, DeviceEventKind, ReceivedBlock, Timestamp};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use surveillance::policy_file;

use crate::Fault;
use crate::checker::Checker;
use crate::device::Device;
use crate::network::{Network, Packet};
use crate::process::{Process, Told};
use crate::station::Station;
use crate::store::SimStore;

/// Length of a step of time.
const STEP_US: i64 = 100_000;
/// Time with disturbances, s.
const DISTURBED_S: i64 = 600;
/// Recordings go on for this long after the disturbances, s.
const CALM_S: i64 = 90;
/// Everything settles in this time after the recordings, s: more than the longest time that a condition must be gone.
const SETTLING_S: i64 = 700;
/// Devices of a history.
const DEVICES: u8 = 2;

/// What became of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Promises that were broken, in words; empty when all held.
    pub violations: Vec<String>,
    /// Simulated seconds.
    pub simulated_s: i64,
    /// Alerts raised.
    pub alerts: usize,
    /// Changes of alerts.
    pub changes: usize,
    /// Low rates that had to be told, and were looked for.
    pub episodes_checked: u32,
    /// Low rates that had to be told with high priority at a certain time, and were looked for.
    pub severities_checked: u32,
    /// Times that the process died.
    pub crashes: usize,
}

/// A disturbance of the service, in true seconds.
#[derive(Clone, Copy, Debug)]
enum Disturbance {
    StoreDown {
        until_s: i64,
    },
    StoreSlow {
        until_s: i64,
    },
    ProcessDown {
        until_s: i64,
    },
    /// A second process runs beside the first, as while a new version is rolled out.
    SecondProcess {
        until_s: i64,
    },
    NewsMissed {
        until_s: i64,
    },
    ClockJump {
        by_us: i64,
    },
}

/// One history, played from a seed.
#[derive(Debug)]
pub struct World {
    rng: ChaCha8Rng,
    fault: Option<Fault>,
    policy: Arc<Policy>,
    now: Timestamp,
    began: Timestamp,
    clock_offset_us: i64,
    devices: Vec<Device>,
    stop_sent: Vec<Option<Timestamp>>,
    network: Network,
    store: SimStore,
    processes: Vec<Process>,
    station: Station,
    checker: Checker,
    disturbances: Vec<(i64, Disturbance)>,
    store_up_at_s: i64,
    store_quick_at_s: i64,
    process_up_at_s: i64,
    second_until_s: Option<i64>,
    deaf_until_s: i64,
    crashes: usize,
}

impl World {
    /// The history of a seed, with a planted fault or without.
    ///
    /// # Panics
    /// When the default policy does not parse.
    pub fn new(seed: u64, fault: Option<Fault>) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let policy = Arc::new(policy_file::parse(policy_file::DEFAULT).expect("the default policy"));
        let began = Timestamp::from_micros(1_795_338_000 * ctg::MICROS_PER_SECOND);
        let length_s = u32::try_from(DISTURBED_S + CALM_S).unwrap_or(u32::MAX);
        let devices: Vec<Device> =
            (0..DEVICES).map(|number| Device::new(number + 1, began, length_s, &mut rng)).collect();
        Self {
            fault,
            now: began,
            began,
            clock_offset_us: 0,
            stop_sent: vec![None; devices.len()],
            devices,
            network: Network::new(&mut rng),
            store: SimStore::new(fault),
            processes: vec![Process::start(policy.clone(), fault, began, &mut rng)],
            station: Station::new(policy.clone(), fault, began, &mut rng),
            checker: Checker::default(),
            disturbances: disturbances(&mut rng),
            store_up_at_s: 0,
            store_quick_at_s: 0,
            process_up_at_s: 0,
            second_until_s: None,
            deaf_until_s: 0,
            crashes: 0,
            policy,
            rng,
        }
    }

    /// Plays the history to its end.
    pub fn run(mut self) -> Report {
        let end_s = DISTURBED_S + CALM_S + SETTLING_S;
        while self.second() < end_s {
            self.step();
        }
        self.checker.conclude(&self.store, &self.devices);
        if self.store.clashes > 0 && !self.disturbances.iter().any(|(_, what)| is_second(what)) {
            let clashes = self.store.clashes;
            self.checker.violations.push(format!("{clashes} revisions of findings were said twice with other content"));
        }
        Report {
            violations: self.checker.violations,
            simulated_s: end_s,
            alerts: self.store.histories().count(),
            changes: self.store.histories().map(|(_, history)| history.len()).sum(),
            episodes_checked: self.checker.episodes_checked,
            severities_checked: self.checker.severities_checked,
            crashes: self.crashes,
        }
    }

    fn second(&self) -> i64 {
        self.now.micros_since(self.began) / ctg::MICROS_PER_SECOND
    }

    /// What the service's clock shows.
    fn service_now(&self) -> Timestamp {
        self.now.plus_micros(self.clock_offset_us)
    }

    fn step(&mut self) {
        let before = self.second();
        self.now = self.now.plus_micros(STEP_US);
        let is_new_second = self.second() != before;
        if is_new_second {
            self.disturb();
            self.send_from_devices();
        }
        for packet in self.network.arrived(self.now) {
            self.deliver(packet);
        }
        self.commit();
        let now = self.service_now();
        let mut told = Vec::new();
        for (number, process) in self.processes.iter_mut().enumerate() {
            told.extend(process.step(&mut self.store, apart(now, number), &mut self.rng));
        }
        self.tell(told);
        if !self.processes.is_empty() {
            let changed = self.station.step(&mut self.store, &mut self.checker, now, &mut self.rng);
            self.tell(changed.into_iter().map(|alert| Told { alert }).collect());
        }
        if is_new_second {
            let process_up = !self.processes.is_empty();
            let store_works = self.store.up && !self.store.slow;
            let healthy = process_up && store_works && self.second() >= self.deaf_until_s;
            self.checker.look(&self.store, &self.devices, healthy, process_up, (self.now, now));
        }
    }

    fn disturb(&mut self) {
        let second = self.second();
        for (_, disturbance) in self.disturbances.clone().into_iter().filter(|(at, _)| *at == second) {
            match disturbance {
                Disturbance::StoreDown { until_s } => {
                    self.store.up = false;
                    self.store.crash();
                    self.store_up_at_s = until_s;
                }
                Disturbance::StoreSlow { until_s } => self.store_quick_at_s = self.store_quick_at_s.max(until_s),
                Disturbance::ProcessDown { until_s } => {
                    self.processes.clear();
                    self.second_until_s = None;
                    // In embedded mode the store's writer dies with the process.
                    self.store.crash();
                    self.process_up_at_s = until_s;
                    self.crashes += 1;
                }
                Disturbance::SecondProcess { until_s } if !self.processes.is_empty() => {
                    self.start_process();
                    self.second_until_s = Some(until_s);
                }
                Disturbance::SecondProcess { .. } => {}
                Disturbance::NewsMissed { until_s } => self.deaf_until_s = until_s,
                Disturbance::ClockJump { by_us } => self.clock_offset_us += by_us,
            }
        }
        self.store.up |= second >= self.store_up_at_s;
        self.store.slow = second < self.store_quick_at_s;
        if self.processes.is_empty() && second >= self.process_up_at_s {
            self.start_process();
        }
        if self.second_until_s.is_some_and(|until| until <= second) {
            // The older one goes.
            self.processes.remove(0);
            self.second_until_s = None;
        }
        if second == self.deaf_until_s {
            let now = self.service_now();
            self.processes.iter_mut().for_each(|process| process.miss(now));
        }
    }

    fn start_process(&mut self) {
        let now = self.service_now();
        self.processes.push(Process::start(self.policy.clone(), self.fault, now, &mut self.rng));
    }

    fn send_from_devices(&mut self) {
        let is_calm = self.second() >= DISTURBED_S;
        for (number, device) in self.devices.iter_mut().enumerate() {
            if is_calm {
                device.outages.clear();
            }
            for block in device.send(self.now) {
                self.network.send(&Packet::Block(number, Box::new(block)), self.now, &mut self.rng);
            }
            if device.is_done() && device.is_online(self.now) && !self.checker.has_stopped(number) {
                let stop_at = *self.stop_sent[number].get_or_insert(self.now);
                if self.now.micros_since(stop_at) % (2 * ctg::MICROS_PER_SECOND) == 0 {
                    self.network.send(&Packet::Stop(number), self.now, &mut self.rng);
                }
            }
        }
    }

    fn deliver(&mut self, packet: Packet) {
        match packet {
            Packet::Watermark(number, through) => {
                if self.devices[number].is_online(self.now) {
                    self.devices[number].handle_watermark(through);
                }
            }
            Packet::Block(..) | Packet::Stop(_) if self.processes.is_empty() => {}
            Packet::Block(number, block) => self.take_block(number, *block),
            Packet::Stop(number) => self.take_stop(number),
        }
    }

    /// What ingest does: live first, then the store.
    fn take_block(&mut self, number: usize, block: ctg::SampleBlock) {
        let device = self.devices[number].id.clone();
        let now = self.service_now();
        let received = if self.fault == Some(Fault::LatenessHidden) { block.end().plus_micros(STEP_US) } else { now };
        let taken = self.devices[number].began.plus_seconds(i64::from(block.sequence) + 1);
        self.checker.note_arrival(number, block.sequence, self.now, taken);
        let received = Arc::new(ReceivedBlock { device, received, block });
        let is_deaf = self.second() < self.deaf_until_s;
        let mut told = Vec::new();
        for (number, process) in self.processes.iter_mut().enumerate().filter(|_| !is_deaf) {
            told.extend(process.hear_block(&mut self.store, &received, apart(now, number), &mut self.rng));
        }
        self.tell(told);
        // While the store is down nothing is acknowledged, and the device sends it again.
        let _ = self.store.write(received);
        if self.fault == Some(Fault::WatermarkBeforeCommit) {
            self.send_watermark(number, true);
        }
    }

    fn take_stop(&mut self, number: usize) {
        if !self.store.up {
            return;
        }
        let device = &self.devices[number];
        let now = self.service_now();
        let at = device.device_time(device.began.plus_seconds(i64::from(device.end_s)));
        let stop = DeviceEvent { recording: Some(device.recording), sequence: 1, at, kind: DeviceEventKind::Stop };
        self.store.put_stopped(device.recording, at);
        self.checker.note_stopped(number, self.now);
        let id = device.id.clone();
        let mut told = Vec::new();
        for (number, process) in self.processes.iter_mut().enumerate() {
            told.extend(process.hear_event(&id, &stop, apart(now, number), &mut self.rng));
        }
        self.tell(told);
    }

    fn commit(&mut self) {
        for recording in self.store.commit() {
            let number = self.devices.iter().position(|device| device.recording == recording);
            number.into_iter().for_each(|number| self.send_watermark(number, false));
        }
    }

    fn send_watermark(&mut self, number: usize, uncommitted: bool) {
        let device = &self.devices[number];
        let id = device.recording;
        let through = if uncommitted { self.store.written_through(id) } else { self.store.stored_through(id) };
        if let Some(through) = through {
            self.checker.note_watermark(&self.store, device, through);
            self.network.send(&Packet::Watermark(number, through), self.now, &mut self.rng);
        }
    }

    /// The bus: every process and every screen hears of an alert, unless news are being lost.
    fn tell(&mut self, told: Vec<Told>) {
        let now = self.service_now();
        let is_deaf = self.second() < self.deaf_until_s;
        for Told { alert } in told {
            self.checker.note_told(&alert);
            self.station.hear(&alert, now, &mut self.rng);
            for process in self.processes.iter_mut().filter(|_| !is_deaf) {
                process.hear_alert(&alert, now);
            }
        }
    }
}

/// Steps are coarse, but two hands never act in one microsecond.
fn apart(now: Timestamp, number: usize) -> Timestamp {
    now.plus_micros(i64::try_from(number).unwrap_or(0) + 1)
}

/// Disturbances at random moments of the disturbed time.
fn disturbances(rng: &mut ChaCha8Rng) -> Vec<(i64, Disturbance)> {
    let mut plan = Vec::new();
    for _ in 0..rng.random_range(0..4) {
        let (at, lasts) = (rng.random_range(10..DISTURBED_S - 60), rng.random_range(2..40));
        plan.push((at, Disturbance::StoreDown { until_s: at + lasts }));
    }
    for _ in 0..rng.random_range(0..4) {
        let (at, lasts) = (rng.random_range(10..DISTURBED_S - 60), rng.random_range(10..60));
        plan.push((at, Disturbance::StoreSlow { until_s: at + lasts }));
    }
    for _ in 0..rng.random_range(0..4) {
        let (at, lasts) = (rng.random_range(10..DISTURBED_S - 60), rng.random_range(1..40));
        plan.push((at, Disturbance::ProcessDown { until_s: at + lasts }));
    }
    for _ in 0..rng.random_range(0..4) {
        let (at, lasts) = (rng.random_range(10..DISTURBED_S - 60), rng.random_range(1..150));
        plan.push((at, Disturbance::NewsMissed { until_s: at + lasts }));
    }
    for _ in 0..rng.random_range(0..3) {
        let at = rng.random_range(10..DISTURBED_S);
        plan.push((at, Disturbance::ClockJump { by_us: rng.random_range(-2_000_000..2_000_000) }));
    }
    if rng.random_bool(0.5) {
        let at = rng.random_range(20..DISTURBED_S - 100);
        plan.push((at, Disturbance::SecondProcess { until_s: at + rng.random_range(10..300) }));
    }
    plan
}

fn is_second(disturbance: &Disturbance) -> bool {
    matches!(disturbance, Disturbance::SecondProcess { .. })
}
