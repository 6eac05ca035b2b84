//! A house with a real broker, a real store, a real intake, and devices that speak real MQTT.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]
#![allow(dead_code, reason = "each test file is a program of its own and uses a part of this")]

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use broker::{Directory, PacketRate, ServiceCredentials};
use bus::Bus;
use ctg::{DeviceStatus, FhrChannel, HalfToco, QuarterBpm, RecordingId, SampleBlock, SampleRate, Timestamp};
use ingest::{Config, Health};
use prometheus::Registry;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use sha2::{Digest, Sha256};
use storage::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::device::{Control, Encoding, decode_control, encode_samples, encode_status};

pub(crate) const LENGTH_MS: u16 = 1000;

pub(crate) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

pub(crate) fn device_name(number: usize) -> String {
    format!("belt-{number}")
}

pub(crate) fn recording(number: usize) -> RecordingId {
    RecordingId::from_bytes([number as u8 + 1; 16])
}

/// A block whose content tells its recording and sequence.
pub(crate) fn block(recording: RecordingId, sequence: u32) -> SampleBlock {
    let start = Timestamp::from_micros(1_795_338_900_000_000).plus_seconds(i64::from(sequence));
    let rates = (0..4).map(|n| QuarterBpm::new(1 + ((sequence * 4 + n) % 1200) as u16)).collect();
    SampleBlock {
        recording,
        sequence,
        start,
        block_length_ms: LENGTH_MS,
        fhr_rate: SampleRate::FOUR_HZ,
        toco_rate: SampleRate::FOUR_HZ,
        fhr_step_quarter_bpm: 1,
        fhr: vec![FhrChannel { rates, quality: None }],
        mhr: None,
        toco: Some(vec![HalfToco::new((sequence % 200) as u8), None, HalfToco::new(0), HalfToco::new(254)]),
    }
}

/// A broker in this process that can be killed.
pub(crate) struct Endpoint {
    pub(crate) port: u16,
    pub(crate) directory: watch::Sender<Directory>,
    task: JoinHandle<()>,
}

impl Endpoint {
    pub(crate) async fn open(port: u16, devices: usize) -> Self {
        let known: Directory =
            (0..devices).map(|number| (device_name(number).parse().unwrap(), digest(&device_name(number)))).collect();
        let (directory, receiver) = watch::channel(known);
        let rate = NonZeroU32::new(1_000_000).unwrap();
        let config = broker::Config {
            address: ([127, 0, 0, 1], port).into(),
            service: ServiceCredentials {
                client_id: "maia-ingest".into(),
                username: "maia".into(),
                digest: digest("open sesame"),
            },
            connections_max: 1000,
            packet_rate: PacketRate { per_second: rate, burst: rate },
        };
        let metrics = broker::Metrics::new(&Registry::new()).unwrap();
        let broker = broker::bind(config, receiver, metrics).await.unwrap();
        let port = broker.local_addr().port();
        let task = tokio::spawn(broker.run(CancellationToken::new()));
        Self { port, directory, task }
    }

    /// Ends it as a crash would; the port is free afterwards.
    pub(crate) async fn kill(self) -> u16 {
        self.task.abort();
        let _ = self.task.await;
        self.port
    }
}

/// An intake in this process that can be killed.
pub(crate) struct Intake {
    pub(crate) health: watch::Receiver<Health>,
    pub(crate) registry: Registry,
    pub(crate) stop: CancellationToken,
    task: JoinHandle<Result<(), ingest::Error>>,
}

impl Intake {
    pub(crate) fn start(port: u16, bus: &Bus, store: &Store) -> Self {
        let config = Config {
            host: "127.0.0.1".into(),
            port,
            client_id: "maia-ingest".into(),
            username: "maia".into(),
            secret: "open sesame".into(),
        };
        let (sender, health) = watch::channel(Health::default());
        let (registry, stop) = (Registry::new(), CancellationToken::new());
        let metrics = ingest::Metrics::new(&registry).unwrap();
        let task = tokio::spawn(ingest::run(config, bus.clone(), store.clone(), metrics, sender, stop.clone()));
        Self { health, registry, stop, task }
    }

    /// Ends it as a crash would.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

pub(crate) async fn store(folder: &Path) -> Store {
    Store::open(&format!("sqlite:{}", folder.join("maia.db").display())).await.unwrap()
}

/// An MQTT client of the test's own.
pub(crate) fn client(port: u16, name: &str) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(name, "127.0.0.1", port);
    options.set_credentials(name, name);
    options.set_keep_alive(Duration::from_secs(5));
    AsyncClient::new(options, 200)
}

/// Waits for the next control message of a device.
pub(crate) async fn next_control(events: &mut EventLoop) -> Control {
    loop {
        if let Event::Incoming(Packet::Publish(publish)) = events.poll().await.unwrap() {
            return decode_control(&publish.payload).unwrap();
        }
    }
}

/// Plays a device that keeps every block until the watermark covers it, and sends what is not covered again
/// whenever it connects. Ends when everything is covered.
pub(crate) async fn honest_device(port: u16, number: usize, blocks: u32, encoding: Encoding) {
    let name = device_name(number);
    let (samples, control) = (format!("ctg/v1/{name}/samples"), format!("ctg/v1/{name}/control"));
    let (client, mut events) = client(port, &name);
    let (mut next, mut covered) = (0, None);
    let (mut listens, mut greeted) = (false, false);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                (listens, greeted) = (false, false);
                next = covered.map_or(0, |through: u32| through + 1);
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                if let Ok(Control::Stored { through, .. }) = decode_control(&publish.payload) {
                    covered = covered.max(Some(through));
                }
            }
            Ok(_) => {}
            Err(_) => {
                // rumqttc 0.25 keeps a publish that waited for a packet number over the end of the connection,
                // and then waits for ever.
                events.state.collision = None;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        if covered == Some(blocks - 1) {
            return;
        }
        // Full while packets of the last connection are still on their way.
        listens = listens || client.try_subscribe(&control, QoS::AtLeastOnce).is_ok();
        greeted = greeted || listens && say_online(&client, &name);
        while greeted && next < blocks {
            let payload = encode_samples(&block(recording(number), next), encoding);
            if client.try_publish(&samples, QoS::AtLeastOnce, false, payload).is_err() {
                break;
            }
            next += 1;
        }
    }
}

fn say_online(client: &AsyncClient, name: &str) -> bool {
    let status = DeviceStatus { online: true, at: None, battery_percent: None, backlog_blocks: None };
    let payload = encode_status(&status, Encoding::Json);
    client.try_publish(format!("ctg/v1/{name}/status"), QoS::AtLeastOnce, true, payload).is_ok()
}

/// Checks that a recording is in the store bit by bit, every block once.
pub(crate) async fn assert_stored(store: &Store, number: usize, blocks: u32) {
    let stored = store.blocks_from(recording(number), 0, blocks + 10).await.unwrap();
    assert_eq!(stored.len(), blocks as usize);
    for (sequence, received) in (0..).zip(stored) {
        assert_eq!(received.block, block(recording(number), sequence));
        assert_eq!(received.device.as_str(), device_name(number));
    }
}
