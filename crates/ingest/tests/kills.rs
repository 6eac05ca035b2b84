//! Killed in mid-flight, again and again: nothing that was acknowledged or told is missing or doubled.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where its set-up fails")]

mod support;

use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bus::Bus;
use support::*;
use tokio::task::JoinSet;
use wire::device::Encoding;

const DEVICES: usize = 8;
const BLOCKS: u32 = 800;
const KILLS: usize = 6;

fn devices(port: u16) -> JoinSet<()> {
    (0..DEVICES)
        .map(|number| {
            let encoding = if number % 2 == 0 { Encoding::Cbor } else { Encoding::Json };
            honest_device(port, number, BLOCKS, encoding)
        })
        .collect()
}

/// Lets some news pass, so that every life does some work before it ends.
async fn some_work(bus: &Bus) {
    let mut subscription = bus.subscribe();
    for _ in 0..4 {
        if tokio::time::timeout(Duration::from_millis(200), subscription.next()).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_intake_dies_and_the_endpoint_lives() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::open(0, DEVICES).await;
    let devices = devices(endpoint.port);
    for _ in 0..KILLS {
        let (bus, store) = (Bus::in_process(), store(folder.path()).await);
        let intake = Intake::start(endpoint.port, &bus, &store);
        some_work(&bus).await;
        intake.kill().await;
    }
    let (bus, store) = (Bus::in_process(), store(folder.path()).await);
    let _intake = Intake::start(endpoint.port, &bus, &store);
    devices.join_all().await;
    for number in 0..DEVICES {
        assert_stored(&store, number, BLOCKS).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_dies_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut endpoint = Endpoint::open(0, DEVICES).await;
    let devices = devices(endpoint.port);
    for _ in 0..KILLS {
        let (bus, store) = (Bus::in_process(), store(folder.path()).await);
        let intake = Intake::start(endpoint.port, &bus, &store);
        some_work(&bus).await;
        intake.kill().await;
        endpoint = Endpoint::open(endpoint.kill().await, DEVICES).await;
    }
    let (bus, store) = (Bus::in_process(), store(folder.path()).await);
    let _intake = Intake::start(endpoint.port, &bus, &store);
    devices.join_all().await;
    for number in 0..DEVICES {
        assert_stored(&store, number, BLOCKS).await;
    }
}

/// A Mosquitto process on a loopback port, ended with the test.
struct Mosquitto {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Mosquitto {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = folder.path().join("mosquitto.conf");
        let mut file = std::fs::File::create(&path).unwrap();
        writeln!(file, "listener {port} 127.0.0.1\nallow_anonymous true").unwrap();
        writeln!(file, "max_inflight_messages 0\nmax_queued_messages 0").unwrap();
        let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
            .into_iter()
            .find(|path| std::path::Path::new(path).exists());
        let process = Command::new(program.unwrap_or("mosquitto"))
            .arg("-c")
            .arg(&path)
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is needed for this test: install the package mosquitto");
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { process, port, _folder: folder }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_intake_dies_behind_mosquitto() {
    let folder = tempfile::tempdir().unwrap();
    let mosquitto = Mosquitto::start().await;
    let (bus, first) = (Bus::in_process(), store(folder.path()).await);
    let mut intake = Intake::start(mosquitto.port, &bus, &first);
    // Mosquitto keeps messages only for a session that it has seen.
    intake.health.wait_for(|health| health.connected).await.unwrap();
    let devices = devices(mosquitto.port);
    for _ in 0..KILLS {
        some_work(&bus).await;
        intake.kill().await;
        intake = Intake::start(mosquitto.port, &bus, &store(folder.path()).await);
    }
    devices.join_all().await;
    intake.stop().await;
    let store = store(folder.path()).await;
    for number in 0..DEVICES {
        assert_stored(&store, number, BLOCKS).await;
    }
}
