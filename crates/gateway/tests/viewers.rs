//! Snapshot, then live: nothing missed, nothing doubled, nobody held up.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod support;

use std::collections::BTreeSet;

use futures_util::SinkExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use support::{Client, Station, block, now, recording};
use tokio_tungstenite::tungstenite::Message;

const DEVICES: u8 = 3;

#[tokio::test]
async fn snapshot_and_live_neither_lose_nor_double_under_random_reconnects() {
    let station = Station::start().await;
    let cookie = station.log_in("a").await;
    let start = now().plus_seconds(-1000);
    let mut random = StdRng::seed_from_u64(7);
    let total = 240;
    let feeding = feed(&station, start, total);
    let watching = async {
        let mut seen: BTreeSet<(u8, u32)> = BTreeSet::new();
        while seen.len() < usize::from(DEVICES) * total as usize {
            let mut client = station.connect(&cookie).await;
            client.hello(held(&seen)).await;
            client.until_type("welcome").await;
            let mut devices = Vec::new();
            for _ in 0..random.random_range(1..25) {
                take(&mut client, &mut devices, &mut seen).await;
            }
        }
        seen
    };
    let ((), seen) = tokio::join!(feeding, watching);
    let expected = (1..=DEVICES).flat_map(|number| (0..total).map(move |sequence| (number, sequence)));
    assert_eq!(seen, expected.collect());
    station.stop().await;
}

/// Blocks of all devices, now and then one that comes twice or too early.
async fn feed(station: &Station, start: ctg::Timestamp, total: u32) {
    let mut random = StdRng::seed_from_u64(8);
    for number in 1..=DEVICES {
        station.put_device(number).await;
    }
    for sequence in (0..total).step_by(2) {
        for number in 1..=DEVICES {
            let mut pair = vec![block(number, start, sequence), block(number, start, sequence + 1)];
            if random.random_bool(0.2) {
                pair.reverse();
            }
            if random.random_bool(0.2) {
                pair.push(block(number, start, sequence));
            }
            station.receive(&pair).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(random.random_range(0..4))).await;
    }
}

fn held(seen: &BTreeSet<(u8, u32)>) -> Value {
    let ranges = |number: u8| {
        let mut ranges: Vec<[u32; 2]> = Vec::new();
        for (_, sequence) in seen.range((number, 0)..=(number, u32::MAX)) {
            match ranges.last_mut() {
                Some([_, last]) if *last + 1 == *sequence => *last = *sequence,
                _ => ranges.push([*sequence, *sequence]),
            }
        }
        json!({"recording": recording(number).to_string(), "ranges": ranges})
    };
    Value::Array((1..=DEVICES).map(ranges).collect())
}

/// Reads one frame; a block that was seen before, on this connection or an earlier one, is a fault.
async fn take(client: &mut Client, devices: &mut Vec<(u64, u8)>, seen: &mut BTreeSet<(u8, u32)>) {
    for message in client.read().await {
        if message["type"] == "recording" {
            let number = message["device"].as_str().unwrap()[5..].parse().unwrap();
            devices.push((message["index"].as_u64().unwrap(), number));
        }
    }
    for block in client.blocks.drain(..) {
        let (_, number) = devices.iter().find(|(index, _)| *index == u64::from(block.recording)).unwrap();
        assert!(seen.insert((*number, block.sequence)), "device {number} block {} came twice", block.sequence);
    }
}

#[tokio::test]
async fn a_viewer_that_holds_everything_gets_nothing_again() {
    let station = Station::start().await;
    station.put_device(1).await;
    let start = now().plus_seconds(-100);
    let blocks: Vec<_> = (0..100).map(|sequence| block(1, start, sequence)).collect();
    station.receive(&blocks).await;
    let cookie = station.log_in("a").await;
    let mut client = station.connect(&cookie).await;
    client.hello(json!([{"recording": recording(1).to_string(), "ranges": [[0, 49], [60, 99]]}])).await;
    client.until_type("caught_up").await;
    let sequences: Vec<u32> = client.blocks.iter().map(|block| block.sequence).collect();
    assert_eq!(sequences, (50..60).collect::<Vec<_>>());
    station.stop().await;
}

#[tokio::test]
async fn blocks_that_the_store_does_not_have_yet_reach_a_new_viewer() {
    let station = Station::start().await;
    let device = station.put_device(1).await;
    let start = now().plus_seconds(-3);
    station.bus.publish(bus::News::Blocks([block(1, start, 0), block(1, start, 1)].into()));
    let cookie = station.log_in("a").await;
    let mut client = station.connect(&cookie).await;
    client.hello(json!([])).await;
    let announced = client.until_type("recording").await;
    assert_eq!(announced["device"], device.as_str());
    client.until_type("caught_up").await;
    assert_eq!(client.blocks.len(), 2);
    station.stop().await;
}

#[tokio::test]
async fn a_hole_is_filled_on_request_and_history_comes_over_http() {
    let station = Station::start().await;
    station.put_device(1).await;
    let start = now().plus_seconds(-7200);
    let blocks: Vec<_> = (0..30).map(|sequence| block(1, start, sequence)).collect();
    station.receive(&blocks).await;
    let cookie = station.log_in("a").await;
    let mut client = station.connect(&cookie).await;
    client.hello(json!([])).await;
    client.until_type("caught_up").await;
    client.blocks.clear();
    let id = recording(1).to_string();
    client.say(json!({"type": "fill", "recording": id, "from": 3, "to": 5})).await;
    let filled = client.until_type("filled").await;
    assert_eq!((&filled["from"], &filled["to"]), (&json!(3), &json!(5)));
    assert_eq!(client.blocks.iter().map(|block| block.sequence).collect::<Vec<_>>(), [3, 4, 5]);
    let answer = station.get(&format!("/api/recordings/{id}/blocks?from=10&limit=4"), &cookie).await;
    let history = wire::viewer::decode_blocks(&answer.body).unwrap();
    assert_eq!(history.iter().map(|block| block.sequence).collect::<Vec<_>>(), [10, 11, 12, 13]);
    let unknown = recording(9).to_string();
    assert_eq!(station.get(&format!("/api/recordings/{unknown}/blocks?from=0"), &cookie).await.status, 404);
    assert_eq!(station.get("/api/recordings/nothing/blocks?from=0", &cookie).await.status, 400);
    assert_eq!(station.get(&format!("/api/recordings/{id}/blocks?from=-1"), &cookie).await.status, 400);
    let findings = format!("/api/recordings/{id}/findings?from_us=0&to_us=20000000000");
    assert_eq!(station.get(&findings, &cookie).await.status, 400);
    station.stop().await;
}

#[tokio::test]
#[ignore = "fails on a quiet machine: the alert does not follow the resync; to be mended before a release"]
async fn a_viewer_that_is_too_slow_jumps_to_live_and_gets_the_rest_from_the_store() {
    let station = Station::start().await;
    station.put_device(1).await;
    let cookie = station.log_in("a").await;
    let mut client = station.connect(&cookie).await;
    client.hello(json!([])).await;
    client.until_type("caught_up").await;
    // One more than a queue holds.
    let total = 10_001;
    let start = now().plus_seconds(-i64::from(total) - 1);
    let blocks: Vec<_> = (0..total).map(|sequence| block(1, start, sequence)).collect();
    for some in blocks.chunks(1_000) {
        station.store.append(some).await.unwrap();
        client.say(json!({"type": "beat"})).await;
    }
    station.bus.publish(bus::News::Blocks(blocks.into()));
    station.raise(1, 5).await;
    let mut resynced = false;
    let alert = client.until(|message| {
        resynced |= message["type"] == "resync";
        message["type"] == "alert"
    });
    assert_eq!(alert.await["alert"]["device"], "belt-01");
    assert!(resynced);
    client.until_type("caught_up").await;
    let sequences: BTreeSet<u32> = client.blocks.iter().map(|block| block.sequence).collect();
    assert_eq!(client.blocks.len(), sequences.len(), "no block comes twice");
    assert_eq!(sequences.range(total - 3_600..).count(), 3_600, "the window is whole again");
    station.stop().await;
}

#[tokio::test]
async fn a_viewer_that_reads_nothing_holds_up_nobody() {
    let station = Station::start().await;
    station.put_device(1).await;
    let cookie = station.log_in("a").await;
    let mut slow = station.connect(&cookie).await;
    slow.hello(json!([])).await;
    let mut quick = station.connect(&cookie).await;
    quick.hello(json!([])).await;
    quick.until_type("caught_up").await;
    let total = 100_000;
    let start = now().plus_seconds(-i64::from(total) - 1);
    for first in (0..total).step_by(500) {
        let blocks = (first..first + 500).map(|sequence| block(1, start, sequence));
        station.bus.publish(bus::News::Blocks(blocks.collect()));
        let have = quick.blocks.len();
        while quick.blocks.len() == have {
            quick.read().await;
        }
    }
    station.raise(1, 5).await;
    quick.until_type("alert").await;
    station.stop().await;
}

#[tokio::test]
async fn hostile_messages_end_only_their_own_connection() {
    let station = Station::start().await;
    let cookie = station.log_in("a").await;
    let mut good = station.connect(&cookie).await;
    good.hello(json!([])).await;
    good.until_type("caught_up").await;
    let hello = json!({"type": "hello", "protocol": 1, "window_s": 60, "held": []}).to_string();
    let cases: [(&[Message], u16); 7] = [
        (&[Message::text("{}")], 1008),
        (&[Message::text(r#"{"type":"beat"}"#)], 1008),
        (&[Message::text(r#"{"type":"hello","protocol":9,"window_s":60,"held":[]}"#)], 1008),
        (&[Message::binary(vec![1, 2, 3])], 1008),
        (&[Message::text(hello.clone()), Message::text(hello.clone())], 1008),
        (&[Message::text(hello.clone()), Message::text("x".repeat(60_000))], 1008),
        (&[Message::text(hello.clone()), Message::binary(vec![0; 9])], 1008),
    ];
    for (messages, code) in cases {
        let mut client = station.connect(&cookie).await;
        for message in messages {
            client.socket.send(message.clone()).await.unwrap();
        }
        assert_eq!(client.closed().await.0, code, "{messages:?}");
    }
    let mut client = station.connect(&cookie).await;
    client.socket.send(Message::text(hello)).await.unwrap();
    // Too long for one message: cut off without an answer.
    let _ = client.socket.send(Message::text("x".repeat(70_000))).await;
    client.closed().await;
    good.until_type("beat").await;
    station.stop().await;
}

#[tokio::test]
async fn stopping_says_goodbye() {
    let station = Station::start().await;
    let cookie = station.log_in("a").await;
    let mut client = station.connect(&cookie).await;
    client.hello(json!([])).await;
    client.until_type("caught_up").await;
    let (closed, ()) = tokio::join!(client.closed(), station.stop());
    assert_eq!(closed.0, 1001);
}
