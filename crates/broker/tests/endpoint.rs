//! The endpoint as its clients see it, byte for byte, over real sockets.
#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

use std::net::SocketAddr;
use std::num::NonZeroU32;

use broker::{Broker, Config, Directory, Metrics, PacketRate, ServiceCredentials};
use bytes::BytesMut;
use prometheus::Registry;
use rumqttc::mqttbytes::v4::{
    Connect, ConnectReturnCode, LastWill, Packet, PubAck, Publish, Subscribe, SubscribeFilter, SubscribeReasonCode,
};
use rumqttc::mqttbytes::{self, QoS};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const SERVICE: &str = "maia-ingest";
const BELT: &str = "belt-1";

struct House {
    address: SocketAddr,
    directory: watch::Sender<Directory>,
    stop: CancellationToken,
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn metrics() -> Metrics {
    Metrics::new(&Registry::new()).unwrap()
}

fn directory(devices: &[&str]) -> Directory {
    devices.iter().map(|device| (device.parse().unwrap(), digest(&format!("secret of {device}")))).collect()
}

fn config(per_second: u32) -> Config {
    let rate = NonZeroU32::new(per_second).unwrap();
    Config {
        address: "127.0.0.1:0".parse().unwrap(),
        service: ServiceCredentials { client_id: SERVICE.into(), username: "service".into(), digest: digest("s") },
        connections_max: 50,
        packet_rate: PacketRate { per_second: rate, burst: rate },
    }
}

async fn house() -> House {
    let (sender, receiver) = watch::channel(directory(&[BELT, "belt-2"]));
    let broker: Broker = broker::bind(config(10_000), receiver, metrics()).await.unwrap();
    let stop = CancellationToken::new();
    let house = House { address: broker.local_addr(), directory: sender, stop: stop.clone() };
    tokio::spawn(broker.run(stop));
    house
}

struct Client {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Client {
    async fn open(house: &House) -> Self {
        Self { stream: TcpStream::connect(house.address).await.unwrap(), buffer: BytesMut::new() }
    }

    async fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, usize::MAX).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// The next packet; `None` when the endpoint closed the connection.
    async fn receive(&mut self) -> Option<Packet> {
        loop {
            match Packet::read(&mut self.buffer, usize::MAX) {
                Ok(packet) => return Some(packet),
                Err(mqttbytes::Error::InsufficientBytes(_)) => {}
                Err(error) => panic!("{error}"),
            }
            if self.stream.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    async fn connect(house: &House, connect: Connect) -> (Self, ConnectReturnCode, bool) {
        let mut client = Self::open(house).await;
        client.send(Packet::Connect(connect)).await;
        let Some(Packet::ConnAck(answer)) = client.receive().await else { panic!("no CONNACK") };
        (client, answer.code, answer.session_present)
    }

    async fn device(house: &House, id: &str) -> Self {
        let (client, code, _) = Self::connect(house, device(id)).await;
        assert_eq!(code, ConnectReturnCode::Success);
        client
    }

    async fn service(house: &House) -> (Self, bool) {
        let mut connect = Connect::new(SERVICE);
        connect.clean_session = false;
        connect.set_login("service", "s");
        let (mut client, code, session_present) = Self::connect(house, connect).await;
        assert_eq!(code, ConnectReturnCode::Success);
        let filters = ["samples", "events", "status"];
        client.subscribe(&filters.map(|level| format!("ctg/v1/+/{level}"))).await;
        (client, session_present)
    }

    /// Sends a subscription, without waiting for the answer.
    async fn subscribe(&mut self, paths: &[String]) {
        let filters = paths.iter().map(|path| SubscribeFilter::new(path.clone(), QoS::AtLeastOnce));
        let mut subscribe = Subscribe::new_many(filters);
        subscribe.pkid = 77;
        self.send(Packet::Subscribe(subscribe)).await;
    }

    async fn publish(&mut self, topic: &str, pkid: u16, payload: &str) {
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload);
        publish.pkid = pkid;
        self.send(Packet::Publish(publish)).await;
    }

    async fn acknowledge(&mut self, pkid: u16) {
        self.send(Packet::PubAck(PubAck::new(pkid))).await;
    }

    /// The next publish, whatever answers come before it.
    async fn publication(&mut self) -> Publish {
        loop {
            match self.receive().await {
                Some(Packet::Publish(publish)) => return publish,
                Some(_) => {}
                None => panic!("closed"),
            }
        }
    }

    /// Proves by a ping that nothing but these packets came before its answer.
    async fn nothing_came(&mut self) {
        self.send(Packet::PingReq).await;
        assert_eq!(self.receive().await, Some(Packet::PingResp));
    }

    async fn is_closed(&mut self) {
        while self.receive().await.is_some() {}
    }
}

fn device(id: &str) -> Connect {
    let mut connect = Connect::new(id);
    connect.set_login(id, format!("secret of {id}"));
    connect
}

fn text(publish: &Publish) -> (&str, &str) {
    (&publish.topic, std::str::from_utf8(&publish.payload).unwrap())
}

#[tokio::test]
async fn a_device_hears_its_acknowledgement_after_the_service_gave_it() {
    let house = house().await;
    let mut belt = Client::device(&house, BELT).await;
    belt.publish("ctg/v1/belt-1/samples", 7, "block").await;
    belt.nothing_came().await;
    let (mut service, _) = Client::service(&house).await;
    let publish = service.publication().await;
    assert_eq!(text(&publish), ("ctg/v1/belt-1/samples", "block"));
    assert!(!publish.dup);
    belt.nothing_came().await;
    service.acknowledge(publish.pkid).await;
    assert_eq!(belt.receive().await, Some(Packet::PubAck(PubAck::new(7))));
}

#[tokio::test]
async fn what_a_service_left_unacknowledged_is_offered_to_the_next_in_order() {
    let house = house().await;
    let mut belt = Client::device(&house, BELT).await;
    let (mut first, session_present) = Client::service(&house).await;
    assert!(!session_present);
    for number in 1..=5 {
        belt.publish("ctg/v1/belt-1/samples", number, &format!("block {number}")).await;
    }
    let mut numbers = Vec::new();
    for _ in 0..5 {
        numbers.push(first.publication().await.pkid);
    }
    first.acknowledge(numbers[1]).await;
    assert_eq!(belt.receive().await, Some(Packet::PubAck(PubAck::new(2))));
    drop(first);
    let (mut second, session_present) = Client::service(&house).await;
    assert!(session_present);
    for (index, expect) in [(0, "block 1"), (2, "block 3"), (3, "block 4"), (4, "block 5")] {
        let publish = second.publication().await;
        assert_eq!((publish.dup, publish.pkid, text(&publish).1), (true, numbers[index], expect));
        second.acknowledge(publish.pkid).await;
        assert_eq!(belt.receive().await, Some(Packet::PubAck(PubAck::new(index as u16 + 1))));
    }
}

#[tokio::test]
async fn nothing_is_lost_or_reordered_while_the_service_is_away() {
    const BLOCKS: u16 = 3000;
    let house = house().await;
    let mut belt = Client::device(&house, BELT).await;
    let (mut reader, mut writer) = belt.stream.split();
    let send = async {
        for number in 1..=BLOCKS {
            let mut publish = Publish::new("ctg/v1/belt-1/samples", QoS::AtLeastOnce, number.to_string());
            publish.pkid = number;
            let mut bytes = BytesMut::new();
            publish.write(&mut bytes).unwrap();
            writer.write_all(&bytes).await.unwrap();
        }
    };
    let read = async {
        let mut acknowledgements = vec![0; usize::from(BLOCKS) * 4];
        reader.read_exact(&mut acknowledgements).await.unwrap();
    };
    let serve = async {
        let (mut service, _) = Client::service(&house).await;
        for number in 1..=BLOCKS {
            let publish = service.publication().await;
            assert_eq!(text(&publish).1, number.to_string());
            service.acknowledge(publish.pkid).await;
        }
    };
    tokio::join!(send, read, serve);
}

#[tokio::test]
async fn strangers_are_refused_with_the_reason() {
    let house = house().await;
    let check = async |change: fn(&mut Connect), expect| {
        let mut connect = device(BELT);
        change(&mut connect);
        let (mut client, code, _) = Client::connect(&house, connect).await;
        assert_eq!(code, expect);
        client.is_closed().await;
    };
    check(|c| c.set_login(BELT, "guess").keep_alive = 1, ConnectReturnCode::BadUserNamePassword).await;
    check(|c| c.client_id = "belt-2".into(), ConnectReturnCode::BadUserNamePassword).await;
    check(|c| c.login = None, ConnectReturnCode::BadUserNamePassword).await;
    check(|c| c.client_id = SERVICE.into(), ConnectReturnCode::BadUserNamePassword).await;
    check(|c| c.client_id = "a/b".into(), ConnectReturnCode::BadClientId).await;
    check(|c| c.protocol = rumqttc::Protocol::V5, ConnectReturnCode::RefusedProtocolVersion).await;
    let will = |c: &mut Connect| {
        c.last_will = Some(LastWill::new("ctg/v1/belt-2/status", "gone", QoS::AtLeastOnce, true));
    };
    check(will, ConnectReturnCode::NotAuthorized).await;
}

#[tokio::test]
async fn what_a_device_may_not_do_ends_its_connection() {
    let house = house().await;
    for topic in ["ctg/v1/belt-2/samples", "ctg/v1/belt-1/control", "else"] {
        let mut belt = Client::device(&house, BELT).await;
        belt.publish(topic, 1, "x").await;
        belt.is_closed().await;
    }
    let mut belt = Client::device(&house, BELT).await;
    let mut twice = Publish::new("ctg/v1/belt-1/samples", QoS::ExactlyOnce, "x");
    twice.pkid = 1;
    belt.send(Packet::Publish(twice)).await;
    belt.is_closed().await;
    let mut belt = Client::device(&house, BELT).await;
    belt.stream.write_all(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F]).await.unwrap();
    belt.is_closed().await;
}

#[tokio::test]
async fn a_device_subscribes_only_to_itself_and_is_spoken_to() {
    let house = house().await;
    let mut belt = Client::device(&house, BELT).await;
    let paths = ["ctg/v1/belt-1/control", "ctg/v1/belt-2/control", "#"];
    belt.subscribe(&paths.map(String::from)).await;
    let Some(Packet::SubAck(answer)) = belt.receive().await else { panic!("no SUBACK") };
    let granted = SubscribeReasonCode::Success(QoS::AtLeastOnce);
    assert_eq!(answer.return_codes, [granted, SubscribeReasonCode::Failure, SubscribeReasonCode::Failure]);
    let (mut service, _) = Client::service(&house).await;
    service.publish("ctg/v1/belt-1/control", 5, "stored").await;
    let publish = belt.publication().await;
    assert_eq!(text(&publish), ("ctg/v1/belt-1/control", "stored"));
    belt.acknowledge(publish.pkid).await;
    loop {
        match service.receive().await {
            Some(Packet::PubAck(answer)) => break assert_eq!(answer.pkid, 5),
            Some(_) => {}
            None => panic!("closed"),
        }
    }
}

#[tokio::test]
async fn a_newer_connection_takes_over_and_a_revoked_device_is_cut_off() {
    let house = house().await;
    let mut older = Client::device(&house, BELT).await;
    let mut newer = Client::device(&house, BELT).await;
    older.is_closed().await;
    newer.nothing_came().await;
    let mut other = Client::device(&house, "belt-2").await;
    house.directory.send_replace(directory(&["belt-2"]));
    newer.is_closed().await;
    other.nothing_came().await;
    let (_, code, _) = Client::connect(&house, device(BELT)).await;
    assert_eq!(code, ConnectReturnCode::BadUserNamePassword);
}

#[tokio::test]
async fn the_service_learns_who_is_there_and_who_went() {
    let house = house().await;
    let mut connect = device(BELT);
    connect.last_will = Some(LastWill::new("ctg/v1/belt-1/status", "gone", QoS::AtLeastOnce, true));
    let (mut belt, _, _) = Client::connect(&house, connect.clone()).await;
    let mut status = Publish::new("ctg/v1/belt-1/status", QoS::AtLeastOnce, "here");
    (status.pkid, status.retain) = (1, true);
    belt.send(Packet::Publish(status)).await;
    belt.nothing_came().await;
    let (mut service, _) = Client::service(&house).await;
    let (retained, live) = (service.publication().await, service.publication().await);
    assert_eq!((retained.retain, live.retain), (true, false));
    assert_eq!((text(&retained).1, text(&live).1), ("here", "here"));
    drop(belt);
    assert_eq!(text(&service.publication().await).1, "gone");
    let (mut belt, _, _) = Client::connect(&house, connect).await;
    belt.send(Packet::Disconnect).await;
    belt.is_closed().await;
    drop(service);
    let (mut service, _) = Client::service(&house).await;
    let mut came = Vec::new();
    for _ in 0..3 {
        let publish = service.publication().await;
        came.push((publish.retain, text(&publish).1.to_owned()));
    }
    // Two unacknowledged ones again, and the newest status.
    assert_eq!(came, [(false, "here".into()), (false, "gone".into()), (true, "gone".into())]);
}

#[tokio::test]
async fn a_client_that_says_nothing_is_sent_away() {
    let house = house().await;
    let mut silent = Client::open(&house).await;
    silent.stream.write_all(&[0x10]).await.unwrap();
    silent.is_closed().await;
    let mut connect = device(BELT);
    connect.keep_alive = 1;
    let (mut belt, _, _) = Client::connect(&house, connect).await;
    belt.is_closed().await;
}

#[tokio::test]
async fn only_a_loopback_address_is_taken_without_tls() {
    let open = Config { address: "0.0.0.0:0".parse().unwrap(), ..config(1) };
    let (_sender, receiver) = watch::channel(Directory::default());
    let refused = broker::bind(open, receiver, metrics()).await.unwrap_err();
    assert!(refused.to_string().contains("loopback"), "{refused}");
}
