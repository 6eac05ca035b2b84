//! A real gateway on loopback over a real SQLite store, and clients for it.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use alerting::{
    Alert, AlertChange, AlertEvent, AlertId, AlertKey, Condition, Evidence, Ladder, Ladders, Policy, Priority, Raise,
    decide,
};
use bus::{Bus, News};
use ctg::{
    Device, DeviceId, FetusIndex, FhrChannel, FindingKind, Interval, QuarterBpm, ReceivedBlock, RecordingId,
    SampleBlock, SampleRate, Timestamp,
};
use futures_util::{SinkExt, StreamExt};
use prometheus::Registry;
use serde_json::{Value, json};
use storage::{SecretDigest, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;
use wire::viewer::{ViewerBlock, decode_blocks};

pub(crate) const CODE: &str = "test-code-0123456789abcdef";
/// Longest wait for something that must come; long, because the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Station {
    pub(crate) address: SocketAddr,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    stop: CancellationToken,
    task: JoinHandle<Result<(), gateway::Error>>,
    folder: tempfile::TempDir,
}

pub(crate) fn policy() -> Policy {
    let ladder = Ladder {
        present_within_s: 10,
        response_s: vec![60, 120],
        repeat_s: 180,
        watch_s: 600,
        recheck_s: 300,
        cleared_factor: 3,
    };
    let ladders = Ladders { low: ladder.clone(), medium: ladder.clone(), high: ladder };
    Policy { name: "test".to_owned(), version: 1, late_priority: Priority::Low, ladders, rules: BTreeMap::new() }
}

pub(crate) fn now() -> Timestamp {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap())
}

impl Station {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    /// Stops, and starts again over the same store.
    pub(crate) async fn restart(self) -> Self {
        let folder = self.end().await;
        Self::start_in(folder).await
    }

    async fn start_in(folder: tempfile::TempDir) -> Self {
        let url = format!("sqlite:{}", folder.path().join("maia.db").display());
        let store = Store::open(&url).await.unwrap();
        let bus = Bus::in_process();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = gateway::Config {
            access_code: CODE.to_owned(),
            origins: Vec::new(),
            tls: false,
            service: "test".to_owned(),
            late_after_s: 10,
            policy: policy(),
            unready: Arc::new(Vec::new),
        };
        let stop = CancellationToken::new();
        let metrics = Registry::new();
        let run = gateway::run(config, listener, store.clone(), bus.clone(), metrics.clone(), metrics, stop.clone());
        Self { address, store, bus, stop, task: tokio::spawn(run), folder }
    }

    pub(crate) async fn stop(self) {
        self.end().await;
    }

    async fn end(self) -> tempfile::TempDir {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
        self.store.close().await;
        self.folder
    }

    pub(crate) async fn put_device(&self, number: u8) -> DeviceId {
        let id: DeviceId = format!("belt-{number:02}").parse().unwrap();
        let device = Device { id: id.clone(), label: format!("Bed {number}"), simulated: true };
        self.store.put_device(&device, SecretDigest([number; 32]), now()).await.unwrap();
        id
    }

    /// Publishes, then stores, as ingest does.
    pub(crate) async fn receive(&self, blocks: &[Arc<ReceivedBlock>]) {
        self.bus.publish(News::Blocks(blocks.into()));
        self.store.append(blocks).await.unwrap();
    }

    pub(crate) async fn raise(&self, number: u8, id: u8) -> Alert {
        let change = raise(number, id);
        self.store.record_change(&change).await.unwrap();
        self.bus.publish(News::Alert { alert: Arc::new(change.alert.clone()), recorded: true });
        change.alert
    }

    pub(crate) async fn log_in(&self, name: &str) -> String {
        let body = json!({"name": name, "access_code": CODE}).to_string();
        let answer = self.request("POST", "/api/session", &[], &body).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        let cookie = answer.headers.iter().find(|(name, _)| name == "set-cookie").unwrap();
        cookie.1.split(';').next().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.request("GET", path, &[("cookie", cookie)], "").await
    }

    pub(crate) async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        if !headers.iter().any(|(name, _)| *name == "origin") {
            text += &format!("origin: http://{}\r\n", self.address);
        }
        if !body.is_empty() {
            text += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(format!("{text}\r\n{body}").as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        Answer::read(&bytes)
    }

    pub(crate) async fn connect(&self, cookie: &str) -> Client {
        let origin = format!("http://{}", self.address);
        Client {
            socket: self.open_socket(&[("cookie", cookie), ("origin", &origin)]).await.unwrap(),
            blocks: Vec::new(),
        }
    }

    pub(crate) async fn open_socket(
        &self,
        headers: &[(&str, &str)],
    ) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Box<SocketError>> {
        let mut request = format!("ws://{}/ws", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            let name: tokio_tungstenite::tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        Ok(tokio_tungstenite::connect_async(request).await.map_err(Box::new)?.0)
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an HTTP answer");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned()));
        Self { status, headers: headers.collect(), body: bytes[end + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// A viewer as a page would be.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) blocks: Vec<ViewerBlock>,
}

impl Client {
    pub(crate) async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(crate) async fn hello(&mut self, held: Value) {
        self.say(json!({"type": "hello", "protocol": 1, "window_s": 3600, "held": held})).await;
    }

    /// Reads until a message fulfils the condition; blocks on the way are kept. Beats meanwhile, as a page does.
    pub(crate) async fn until(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let reading = async {
            let mut beat = tokio::time::interval(Duration::from_secs(1));
            loop {
                let messages = tokio::select! {
                    messages = self.read() => messages,
                    _ = beat.tick() => {
                        self.say(json!({"type": "beat"})).await;
                        continue;
                    }
                };
                if let Some(found) = messages.into_iter().find(&mut wanted) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the message comes")
    }

    pub(crate) async fn until_type(&mut self, kind: &str) -> Value {
        self.until(|message| message["type"] == kind).await
    }

    /// Reads one frame; the messages in it.
    pub(crate) async fn read(&mut self) -> Vec<Value> {
        match self.socket.next().await.expect("the connection lives").unwrap() {
            Message::Text(text) => serde_json::from_str::<Vec<Value>>(&text).unwrap(),
            Message::Binary(bytes) => {
                self.blocks.extend(decode_blocks(&bytes).unwrap());
                Vec::new()
            }
            Message::Ping(_) | Message::Pong(_) => Vec::new(),
            other @ (Message::Close(_) | Message::Frame(_)) => panic!("{other:?}"),
        }
    }

    /// Reads to the end; the code and reason of the close.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        let reading = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
                    Some(Ok(Message::Close(None)) | Err(_)) | None => return (0, String::new()),
                    Some(Ok(_)) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the connection ends")
    }
}

pub(crate) fn recording(number: u8) -> RecordingId {
    RecordingId::from_bytes([number; 16])
}

/// Block of a recording that began at `start`, arriving at once.
pub(crate) fn block(number: u8, start: Timestamp, sequence: u32) -> Arc<ReceivedBlock> {
    let block = SampleBlock {
        recording: recording(number),
        sequence,
        start: start.plus_seconds(i64::from(sequence)),
        block_length_ms: 1000,
        fhr_rate: SampleRate::FOUR_HZ,
        toco_rate: SampleRate::FOUR_HZ,
        fhr_step_quarter_bpm: 1,
        fhr: vec![FhrChannel { rates: vec![QuarterBpm::new(500 + (sequence % 200) as u16); 4], quality: None }],
        mhr: None,
        toco: None,
    };
    let device = format!("belt-{number:02}").parse().unwrap();
    Arc::new(ReceivedBlock { device, received: block.end(), block })
}

/// A new alert of a device, decided as surveillance decides it.
pub(crate) fn raise(number: u8, id: u8) -> AlertChange {
    let at = now();
    let key = AlertKey {
        device: Some(format!("belt-{number:02}").parse().unwrap()),
        recording: Some(recording(number)),
        fetus: Some(FetusIndex::FIRST),
        condition: Condition::Signal(FindingKind::LowHeartRate),
    };
    let evidence = Evidence {
        policy: "test".to_owned(),
        policy_version: 1,
        method: None,
        finding: None,
        interval: Interval { start: at, end: at.plus_seconds(1) },
        value: None,
        limit: None,
    };
    let raise = Raise { key, priority: Priority::High, late: false, evidence };
    let event = AlertEvent::Raise { raise, id: AlertId([id; 16]) };
    decide(None, &event, at, &policy()).unwrap().unwrap()
}
