//! Devices against a real Mosquitto and a small service that stores, forgets and tells watermarks.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where its set-up fails")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ctg::{DeviceEvent, DeviceEventKind, DeviceId, DeviceStatus, RecordingId, SampleBlock, Timestamp};
use fleet::{Address, DeviceConfig, Fleet, FleetConfig, FleetReport, Outage};
use recordings::{Fetus, Trace, Woman};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio_util::sync::CancellationToken;
use wire::device::{self, Control, Encoding};
use wire::topic::{self, Channel};

/// No test may take longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Mosquitto of its own for one test, gone when the test ends.
struct Broker {
    process: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Broker {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mosquitto.conf");
        std::fs::write(&file, format!("listener {port} 127.0.0.1\nallow_anonymous true\n")).unwrap();
        let process = ["mosquitto", "/usr/sbin/mosquitto"]
            .iter()
            .find_map(|name| {
                Command::new(name).arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
            })
            .expect("mosquitto must be installed: apt-get install mosquitto");
        Self { process, port, _directory: directory }
    }

    fn address(&self) -> Address {
        Address { host: "127.0.0.1".into(), port: self.port }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// What the service does with a block that comes for the first time.
type Keeps = fn(&SampleBlock, usize) -> bool;

#[derive(Default)]
struct Stored {
    blocks: BTreeMap<(RecordingId, u32), SampleBlock>,
    arrivals: usize,
    events: BTreeMap<u64, DeviceEvent>,
    statuses: Vec<DeviceStatus>,
}

/// A service that stores what it keeps, tells watermarks, and compares repeats.
#[derive(Clone)]
struct Service {
    stored: Arc<Mutex<Stored>>,
    client: AsyncClient,
}

impl Service {
    async fn start(broker: &Broker, keeps: Keeps, tells: bool) -> Self {
        let mut options = MqttOptions::new("service", "127.0.0.1", broker.port);
        options.set_max_packet_size(100_000, 100_000);
        let (client, mut event_loop) = AsyncClient::new(options, 10_000);
        for channel in [Channel::Samples, Channel::Events, Channel::Status] {
            client.subscribe(channel.filter(), QoS::AtLeastOnce).await.unwrap();
        }
        let service = Self { stored: Arc::default(), client };
        subscribed(&mut event_loop, 3).await;
        let running = service.clone();
        tokio::spawn(async move {
            while let Ok(event) = event_loop.poll().await {
                if let Event::Incoming(Packet::Publish(publish)) = event {
                    running.handle(&publish.topic, &publish.payload, keeps, tells);
                }
            }
        });
        service
    }

    fn handle(&self, topic: &str, payload: &[u8], keeps: Keeps, tells: bool) {
        let (device, channel) = topic::parse(topic).unwrap();
        let answer = match channel {
            Channel::Samples => self.handle_block(device::decode_samples(payload).unwrap(), keeps),
            Channel::Events => {
                let event = device::decode_event(payload).unwrap();
                self.stored.lock().unwrap().events.insert(event.sequence, event.clone());
                Some(Control::EventStored { sequence: event.sequence })
            }
            Channel::Status => {
                self.stored.lock().unwrap().statuses.push(device::decode_status(payload).unwrap());
                None
            }
            Channel::Control => None,
        };
        if let Some(answer) = answer.filter(|_| tells) {
            self.tell(&device, &answer, Encoding::of(payload));
        }
    }

    fn handle_block(&self, block: SampleBlock, keeps: Keeps) -> Option<Control> {
        let mut stored = self.stored.lock().unwrap();
        stored.arrivals += 1;
        let (recording, arrivals) = (block.recording, stored.arrivals);
        if keeps(&block, arrivals) {
            let known = stored.blocks.entry((recording, block.sequence)).or_insert_with(|| block.clone());
            assert_eq!(known, &block, "a repeat has the same content");
        }
        let through = (0..).take_while(|sequence| stored.blocks.contains_key(&(recording, *sequence))).last()?;
        Some(Control::Stored { recording, through })
    }

    fn tell(&self, device: &DeviceId, control: &Control, encoding: Encoding) {
        let topic = topic::build(device, Channel::Control);
        self.client.try_publish(topic, QoS::AtLeastOnce, false, device::encode_control(control, encoding)).unwrap();
    }

    fn check_holds(&self, config: &DeviceConfig) {
        let stored = self.stored.lock().unwrap();
        let blocks = stored.blocks.range((config.recording, 0)..=(config.recording, u32::MAX));
        let blocks: Vec<_> = blocks.map(|(_, block)| block).collect();
        assert!(blocks.iter().zip(0..).all(|(block, number)| block.sequence == number));
        let rates: Vec<_> = blocks.iter().flat_map(|block| block.fhr[0].rates.clone()).collect();
        assert_eq!(rates, config.trace.fhr[0].rates);
        let toco: Vec<_> = blocks.iter().flat_map(|block| block.toco.clone().unwrap()).collect();
        assert_eq!(Some(toco), config.trace.toco);
    }

    fn kinds(&self) -> Vec<DeviceEventKind> {
        self.stored.lock().unwrap().events.values().map(|event| event.kind).collect()
    }
}

async fn subscribed(event_loop: &mut EventLoop, mut missing: u32) {
    while missing > 0 {
        match event_loop.poll().await {
            Ok(Event::Incoming(Packet::SubAck(_))) => missing -= 1,
            Ok(_) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn trace(seed: u64, duration_s: f64) -> Arc<Trace> {
    let woman = Woman::new(seed, duration_s).fetus(Fetus::new(140.0).dropouts(0.1));
    Arc::new(woman.contractions_every(10.0, 100.0, 60.0, 40.0).record().trace)
}

fn device(name: &str, trace: Arc<Trace>) -> DeviceConfig {
    DeviceConfig { packets_per_second: 500.0, ..DeviceConfig::new(name.parse().unwrap(), "secret".into(), trace) }
}

async fn play(broker: &Broker, devices: Vec<DeviceConfig>, stop: CancellationToken) -> FleetReport {
    let config = FleetConfig { broker: broker.address(), devices, spread: Duration::ZERO };
    tokio::time::timeout(PATIENCE, Fleet::run(config, stop)).await.unwrap().unwrap()
}

async fn until(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_arrives_once_and_equal() {
    let broker = Broker::start();
    let service = Service::start(&broker, |_, _| true, true).await;
    let devices = vec![
        DeviceConfig { speed: 60.0, ..device("plain", trace(1, 300.5)) },
        DeviceConfig { speed: 60.0, history_s: 200.0, encoding: Encoding::Json, ..device("backlog", trace(2, 300.0)) },
        DeviceConfig { speed: 60.0, block_length_ms: 4000, movements_s: vec![1.0], ..device("long", trace(3, 300.0)) },
    ];
    let report = play(&broker, devices.clone(), CancellationToken::new()).await;
    assert!(report.is_complete(), "{report:?}");
    devices.iter().for_each(|device| service.check_holds(device));
    assert_eq!(report.devices.iter().map(|device| device.measured).collect::<Vec<_>>(), [301, 300, 75]);
    assert_eq!((report.covered(), report.published()), (676, 676));
    let kinds = service.kinds();
    let count = |kind| kinds.iter().filter(|known| **known == kind).count();
    let (starts, stops, movements) =
        (count(DeviceEventKind::Start), count(DeviceEventKind::Stop), count(DeviceEventKind::Movement));
    assert_eq!((starts, stops, movements), (3, 3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_but_not_stored_comes_again_after_an_outage() {
    let broker = Broker::start();
    // As a broker that loses its memory: of the first two hundred arrivals, all but every third is lost.
    let service = Service::start(&broker, |_, arrivals| arrivals > 200 || arrivals % 3 == 0, true).await;
    let outage = Outage { at_s: 2.0, duration_s: 2.0, silent: false };
    let config = DeviceConfig {
        speed: 60.0,
        history_s: 150.0,
        outages: vec![outage, Outage { at_s: 4.5, silent: true, duration_s: 1.0 }],
        ..device("belt", trace(4, 600.0))
    };
    let report = play(&broker, vec![config.clone()], CancellationToken::new()).await;
    assert!(report.is_complete(), "{report:?}");
    service.check_holds(&config);
    assert_eq!((report.devices[0].connections, report.devices[0].covered_through), (3, Some(599)));
    assert!(report.published() > 600);
    let statuses = service.stored.lock().unwrap().statuses.clone();
    assert!(statuses.iter().any(|status| !status.online && status.at.is_none()), "the last will: {statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_forgotten_while_no_watermark_comes() {
    let broker = Broker::start();
    let service = Service::start(&broker, |_, _| true, false).await;
    let stop = CancellationToken::new();
    let config = DeviceConfig { history_s: 60.0, ..device("belt", trace(5, 60.0)) };
    let played = play(&broker, vec![config], stop.clone());
    let stopper = async {
        until(|| service.stored.lock().unwrap().blocks.len() == 60).await;
        stop.cancel();
    };
    let (report, ()) = tokio::join!(played, stopper);
    assert_eq!((report.devices[0].covered_through, report.is_complete()), (None, false));
    until(|| service.stored.lock().unwrap().statuses.last().is_some_and(|status| !status.online)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_stops_and_starts_a_recording() {
    let broker = Broker::start();
    let service = Service::start(&broker, |_, _| true, true).await;
    let stop = CancellationToken::new();
    let config = device("belt", trace(6, 3600.0));
    let (id, first) = (config.id.clone(), config.recording);
    let played = play(&broker, vec![config], stop.clone());
    let stored = || service.stored.lock().unwrap();
    let until_time = Timestamp::from_micros(4_000_000_000_000_000);
    let orders = async {
        until(|| !stored().blocks.is_empty()).await;
        service.tell(&id, &Control::Stop { recording: RecordingId::from_bytes([9; 16]) }, Encoding::Cbor);
        service.tell(&id, &Control::Stop { recording: first }, Encoding::Cbor);
        until(|| stored().events.values().any(|event| event.kind == DeviceEventKind::Stop)).await;
        let text = "Hello".to_owned();
        service.tell(&id, &Control::Message { code: None, text, until: until_time }, Encoding::Json);
        service.tell(&id, &Control::Start { until: Timestamp::from_micros(1_000_000_000_000_000) }, Encoding::Cbor);
        service.tell(&id, &Control::Start { until: until_time }, Encoding::Cbor);
        until(|| stored().blocks.keys().any(|(recording, _)| *recording != first)).await;
        stop.cancel();
    };
    let (report, ()) = tokio::join!(played, orders);
    assert_ne!(report.devices[0].recording, first);
    assert_eq!(report.devices[0].messages, 1);
    assert_eq!(service.kinds(), [DeviceEventKind::Start, DeviceEventKind::Stop, DeviceEventKind::Start]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_block_is_replaced_by_one_without_samples() {
    let broker = Broker::start();
    let has_rates = |block: &SampleBlock| block.fhr[0].rates.iter().any(Option::is_some);
    assert!(has_rates(
        &recordings::Session {
            recording: RecordingId::from_bytes([1; 16]),
            start: Timestamp::from_micros(0),
            block_length_ms: 1000,
            repeat: false,
        }
        .block(&trace(7, 60.0), 5)
        .unwrap()
    ));
    let keeps: Keeps = |block, _| block.sequence != 5 || block.fhr[0].rates.iter().all(Option::is_none);
    let service = Service::start(&broker, keeps, true).await;
    let config = DeviceConfig { history_s: 60.0, ..device("belt", trace(7, 60.0)) };
    let (id, recording) = (config.id.clone(), config.recording);
    let played = play(&broker, vec![config], CancellationToken::new());
    let refusal = async {
        until(|| service.stored.lock().unwrap().blocks.contains_key(&(recording, 59))).await;
        let refused = Control::Refused { recording: Some(recording), sequence: Some(5), reason: "test".into() };
        service.tell(&id, &refused, Encoding::Cbor);
    };
    let (report, ()) = tokio::join!(played, refusal);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.devices[0].refused, 1);
    assert_eq!(service.stored.lock().unwrap().blocks.len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_devices_share_one_process() {
    let broker = Broker::start();
    let service = Service::start(&broker, |_, _| true, true).await;
    let trace = trace(8, 20.0);
    let devices: Vec<_> = (0..300)
        .map(|number| DeviceConfig { speed: 10.0, ..device(&format!("belt-{number}"), trace.clone()) })
        .collect();
    let config = FleetConfig { broker: broker.address(), devices: devices.clone(), spread: Duration::from_secs(2) };
    let report = tokio::time::timeout(PATIENCE, Fleet::run(config, CancellationToken::new())).await.unwrap().unwrap();
    assert!(report.is_complete());
    assert_eq!(report.covered(), 300 * 20);
    devices.iter().for_each(|device| service.check_holds(device));
}
