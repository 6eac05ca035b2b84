use std::sync::Arc;

use contract::place::Place;
use contract::sample::{ALWAYS, block, blocks, recording, second, seconds};
use ctg::{Interval, ReceivedBlock};

fn sequences(blocks: &[ReceivedBlock]) -> Vec<u32> {
    blocks.iter().map(|received| received.block.sequence).collect()
}

pub async fn hold_what_overlaps(place: &Place) {
    let store = place.open().await;
    store.append(&blocks(1, 0..10)).await.unwrap();
    store.append(&blocks(2, 0..10)).await.unwrap();
    let half = |interval: Interval| Interval {
        start: interval.start.plus_micros(500_000),
        end: interval.end.plus_micros(500_000),
    };
    for (within, expected) in [
        (seconds(2, 4), vec![2, 3]),
        (half(seconds(2, 4)), vec![2, 3, 4]),
        (seconds(-5, 1), vec![0]),
        (seconds(-5, 0), vec![]),
        (seconds(9, 100), vec![9]),
        (seconds(10, 100), vec![]),
        (seconds(4, 2), vec![]),
        (ALWAYS, (0..10).collect()),
    ] {
        let read = store.blocks(recording(1), within, 100).await.unwrap();
        assert_eq!(sequences(&read), expected, "{within:?}");
        assert!(read.iter().all(|received| received.block.recording == recording(1)));
    }
    assert_eq!(sequences(&store.blocks(recording(1), ALWAYS, 3).await.unwrap()), [0, 1, 2]);
    assert_eq!(store.blocks(recording(1), ALWAYS, 0).await.unwrap(), []);
}

pub async fn keep_their_limit_past_a_short_block(place: &Place) {
    let store = place.open().await;
    let mut short = block(1, 1);
    short.block.fhr[0].rates.truncate(1);
    short.block.toco = short.block.toco.map(|toco| toco[..1].to_vec());
    store.append(&[Arc::new(block(1, 0)), Arc::new(short)]).await.unwrap();
    store.append(&blocks(1, 2..5)).await.unwrap();
    let after_short = Interval { start: second(1).plus_micros(250_000), end: second(10) };
    assert_eq!(sequences(&store.blocks(recording(1), after_short, 2).await.unwrap()), [2, 3]);
    let within_short = Interval { start: second(1).plus_micros(249_999), end: second(10) };
    assert_eq!(sequences(&store.blocks(recording(1), within_short, 2).await.unwrap()), [1, 2]);
}

pub async fn begin_at_a_sequence(place: &Place) {
    let store = place.open().await;
    store.append(&blocks(1, [0, 1, 4, 5, 6])).await.unwrap();
    assert_eq!(sequences(&store.blocks_from(recording(1), 0, 2).await.unwrap()), [0, 1]);
    assert_eq!(sequences(&store.blocks_from(recording(1), 2, 100).await.unwrap()), [4, 5, 6]);
    assert_eq!(store.blocks_from(recording(1), 7, 100).await.unwrap(), []);
    assert_eq!(store.blocks_from(recording(1), u32::MAX, 100).await.unwrap(), []);
}
