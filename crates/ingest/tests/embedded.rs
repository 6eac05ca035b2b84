//! From a device over the embedded endpoint to the bus and an SQLite file.
#![allow(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod support;

use std::collections::BTreeSet;

use bus::{Bus, News, Next, Subscription};
use ctg::{DeviceEvent, DeviceEventKind, DeviceStatus, Interval, Timestamp};
use rumqttc::{Event, Packet, QoS};
use support::*;
use wire::device::{Control, Encoding, encode_event, encode_samples, encode_status};

const BELT: &str = "ctg/v1/belt-0/";

async fn news(subscription: &mut Subscription) -> News {
    match subscription.next().await {
        Next::News(news) => news,
        missed @ (Next::Missed(_) | Next::Closed) => panic!("{missed:?}"),
    }
}

#[tokio::test]
async fn a_block_is_published_stored_acknowledged_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (bus, store, endpoint) = (Bus::in_process(), store(folder.path()).await, Endpoint::open(0, 1).await);
    let mut subscription = bus.subscribe();
    let intake = Intake::start(endpoint.port, &bus, &store);
    let (client, mut events) = client(endpoint.port, "belt-0");
    client.subscribe(format!("{BELT}control"), QoS::AtLeastOnce).await.unwrap();
    let sent = block(recording(0), 0);
    for encoding in [Encoding::Json, Encoding::Cbor] {
        let payload = encode_samples(&sent, encoding);
        client.publish(format!("{BELT}samples"), QoS::AtLeastOnce, false, payload).await.unwrap();
        let told = next_control(&mut events).await;
        assert_eq!(told, Control::Stored { recording: recording(0), through: 0 });
        let News::Blocks(blocks) = news(&mut subscription).await else { panic!("no blocks") };
        assert_eq!(blocks.iter().map(|received| &received.block).collect::<Vec<_>>(), [&sent]);
    }
    assert_stored(&store, 0, 1).await;
    intake.stop().await;
}

#[tokio::test]
async fn order_and_repeats_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (bus, store, endpoint) = (Bus::in_process(), store(folder.path()).await, Endpoint::open(0, 1).await);
    let intake = Intake::start(endpoint.port, &bus, &store);
    let (client, mut events) = client(endpoint.port, "belt-0");
    client.subscribe(format!("{BELT}control"), QoS::AtLeastOnce).await.unwrap();
    for sequence in [3, 1, 3, 0, 0, 1, 4, 2, 2] {
        let payload = encode_samples(&block(recording(0), sequence), Encoding::Cbor);
        client.publish(format!("{BELT}samples"), QoS::AtLeastOnce, false, payload).await.unwrap();
    }
    while next_control(&mut events).await != (Control::Stored { recording: recording(0), through: 4 }) {}
    assert_stored(&store, 0, 5).await;
    intake.kill().await;
}

#[tokio::test]
async fn what_cannot_be_used_is_kept_apart_acknowledged_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (bus, store, endpoint) = (Bus::in_process(), store(folder.path()).await, Endpoint::open(0, 1).await);
    let intake = Intake::start(endpoint.port, &bus, &store);
    let (client, mut events) = client(endpoint.port, "belt-0");
    client.subscribe(format!("{BELT}control"), QoS::AtLeastOnce).await.unwrap();
    let good = block(recording(0), 0);
    let mut other_content = good.clone();
    other_content.fhr[0].rates[0] = None;
    let mut other_start = block(recording(0), 1);
    other_start.start = other_start.start.plus_micros(1);
    let send = async |payload: Vec<u8>| {
        client.publish(format!("{BELT}samples"), QoS::AtLeastOnce, false, payload).await.unwrap();
    };
    send(encode_samples(&good, Encoding::Json)).await;
    send(b"{not json".to_vec()).await;
    send(encode_samples(&other_content, Encoding::Json)).await;
    send(encode_samples(&other_start, Encoding::Json)).await;
    let mut refused = BTreeSet::new();
    while refused.len() < 3 {
        let told = next_control(&mut events).await;
        if let Control::Refused { recording: of, sequence, .. } = told {
            assert!(refused.insert((of, sequence)));
        } else {
            assert_eq!(told, Control::Stored { recording: recording(0), through: 0 });
        }
    }
    let expect = [(None, None), (Some(recording(0)), Some(0)), (Some(recording(0)), Some(1))];
    assert_eq!(refused, expect.into_iter().collect());
    let (count, packets) = store.quarantined(10).await.unwrap();
    assert_eq!(count, 3);
    assert!(packets.iter().all(|packet| packet.topic == format!("{BELT}samples")));
    assert!(packets.iter().any(|packet| packet.payload == b"{not json"));
    assert_stored(&store, 0, 1).await;
    // Everything was acknowledged: nothing comes again to the next intake.
    intake.stop().await;
    let again = Intake::start(endpoint.port, &bus, &store);
    send(encode_samples(&block(recording(0), 1), Encoding::Json)).await;
    while next_control(&mut events).await != (Control::Stored { recording: recording(0), through: 1 }) {}
    assert_eq!(store.quarantined(10).await.unwrap().0, 3);
    again.kill().await;
}

#[tokio::test]
async fn events_and_statuses_become_news_and_events_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let (bus, store, endpoint) = (Bus::in_process(), store(folder.path()).await, Endpoint::open(0, 1).await);
    let mut subscription = bus.subscribe();
    let intake = Intake::start(endpoint.port, &bus, &store);
    let (client, mut events) = client(endpoint.port, "belt-0");
    client.subscribe(format!("{BELT}control"), QoS::AtLeastOnce).await.unwrap();
    let at = Timestamp::from_micros(1_795_338_900_000_000);
    let event = DeviceEvent { recording: Some(recording(0)), sequence: 8, at, kind: DeviceEventKind::Movement };
    let payload = encode_event(&event, Encoding::Cbor);
    client.publish(format!("{BELT}events"), QoS::AtLeastOnce, false, payload).await.unwrap();
    assert_eq!(next_control(&mut events).await, Control::EventStored { sequence: 8 });
    let payload = encode_samples(&block(recording(0), 0), Encoding::Cbor);
    client.publish(format!("{BELT}samples"), QoS::AtLeastOnce, false, payload).await.unwrap();
    let told = Control::Stored { recording: recording(0), through: 0 };
    assert_eq!(next_control(&mut events).await, told);
    let status = DeviceStatus { online: true, at: Some(at), battery_percent: Some(80), backlog_blocks: None };
    let payload = encode_status(&status, Encoding::Cbor);
    client.publish(format!("{BELT}status"), QoS::AtLeastOnce, true, payload).await.unwrap();
    assert_eq!(next_control(&mut events).await, told, "told again to a device that comes online");
    let (mut heard_event, mut heard_status) = (false, false);
    while !(heard_event && heard_status) {
        match news(&mut subscription).await {
            News::Event(_, heard) => heard_event = *heard == event,
            News::Status(_, heard) => heard_status = *heard == status,
            News::Blocks(_) => {}
            foreign @ (News::Analysis(..) | News::Alert { .. }) => panic!("{foreign:?}"),
        }
    }
    let within = Interval { start: at, end: at.plus_seconds(1) };
    assert_eq!(store.events(recording(0), within).await.unwrap(), [event]);
    intake.stop().await;
}

#[tokio::test]
async fn while_the_store_is_down_the_picture_goes_on_and_nothing_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (bus, store, endpoint) = (Bus::in_process(), store(folder.path()).await, Endpoint::open(0, 1).await);
    let mut subscription = bus.subscribe();
    let mut intake = Intake::start(endpoint.port, &bus, &store);
    let (client, mut events) = client(endpoint.port, "belt-0");
    client.subscribe(format!("{BELT}control"), QoS::AtLeastOnce).await.unwrap();
    let samples = format!("{BELT}samples");
    let send = async |sequence| {
        let payload = encode_samples(&block(recording(0), sequence), Encoding::Json);
        client.publish(&samples, QoS::AtLeastOnce, false, payload).await.unwrap();
    };
    send(0).await;
    while next_control(&mut events).await != (Control::Stored { recording: recording(0), through: 0 }) {}
    store.close().await;
    for sequence in 1..5 {
        send(sequence).await;
    }
    let device = tokio::spawn(async move {
        let mut acknowledged = 0;
        loop {
            match events.poll().await.unwrap() {
                Event::Incoming(Packet::PubAck(_)) => acknowledged += 1,
                Event::Incoming(Packet::PingResp) => return acknowledged,
                Event::Incoming(_) | Event::Outgoing(_) => {}
            }
        }
    });
    let mut shown = 0;
    while shown < 5 {
        if let News::Blocks(blocks) = news(&mut subscription).await {
            shown += blocks.len();
        }
    }
    intake.health.wait_for(|health| health.not_recorded_since.is_some()).await.unwrap();
    assert_eq!(device.await.unwrap(), 0, "a ping is answered, the blocks are not acknowledged");
    intake.kill().await;
    let store = support::store(folder.path()).await;
    let intake = Intake::start(endpoint.port, &bus, &store);
    while store.recording(recording(0)).await.unwrap().unwrap().stored_through != Some(4) {
        tokio::task::yield_now().await;
    }
    assert_stored(&store, 0, 5).await;
    assert_eq!(intake.health.borrow().not_recorded_since, None);
    intake.stop().await;
}

#[tokio::test]
async fn an_ordered_stop_settles_what_was_received() {
    const BLOCKS: u32 = 500;
    let folder = tempfile::tempdir().unwrap();
    let (bus, store, endpoint) = (Bus::in_process(), store(folder.path()).await, Endpoint::open(0, 1).await);
    let intake = Intake::start(endpoint.port, &bus, &store);
    let mut subscription = bus.subscribe();
    let device = tokio::spawn(honest_device(endpoint.port, 0, BLOCKS, Encoding::Cbor));
    let mut published = 0;
    while published < 100 {
        if let News::Blocks(blocks) = news(&mut subscription).await {
            published += blocks.len() as u32;
        }
    }
    intake.stop().await;
    let progress = store.recording(recording(0)).await.unwrap().unwrap();
    assert!(progress.stored_through.unwrap() >= 99);
    let intake = Intake::start(endpoint.port, &bus, &store);
    device.await.unwrap();
    assert_stored(&store, 0, BLOCKS).await;
    assert!(intake.health.borrow().connected);
    intake.kill().await;
}
