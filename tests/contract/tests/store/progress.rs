use std::sync::Arc;

use contract::place::Place;
use contract::sample::{block, blocks, recording, second};
use ctg::{DeviceEvent, DeviceEventKind, ReceivedBlock, Recording, RecordingId, Timestamp};
use storage::Store;

async fn stored_through(store: &Store, number: u8) -> Option<u32> {
    store.recording(recording(number)).await.unwrap().unwrap().stored_through
}

pub async fn follows_the_first_hole(place: &Place) {
    let store = place.open().await;
    store.append(&blocks(1, [3, 5])).await.unwrap();
    assert_eq!(stored_through(&store, 1).await, None);
    store.append(&blocks(1, [1])).await.unwrap();
    assert_eq!(stored_through(&store, 1).await, None);
    store.append(&blocks(1, [0])).await.unwrap();
    assert_eq!(stored_through(&store, 1).await, Some(1));
    store.append(&blocks(1, [4, 2])).await.unwrap();
    assert_eq!(stored_through(&store, 1).await, Some(5));
    let progress = store.recording(recording(1)).await.unwrap().unwrap();
    let first = block(1, 3);
    assert_eq!(progress.recording, Recording::from_block(first.device, &first.block, first.received));
    assert_eq!(progress.last_sample, Some(second(6)));
    assert_eq!(progress.stopped, None);
}

pub async fn knows_more_than_was_last_checked(place: &Place) {
    let store = place.open().await;
    for batch in (0..2000_u32).filter(|sequence| *sequence != 1500).collect::<Vec<_>>().chunks(333) {
        store.append(&blocks(1, batch.iter().copied())).await.unwrap();
        let expected = batch.last().copied().unwrap();
        assert_eq!(stored_through(&store, 1).await, Some(if expected > 1500 { 1499 } else { expected }));
    }
    assert!(place.number("select count(*) from recording where checked_us is not null").await == 1);
    store.append(&blocks(1, [1500])).await.unwrap();
    assert_eq!(stored_through(&store, 1).await, Some(1999));
    assert_eq!(stored_through(&place.open().await, 1).await, Some(1999));
}

pub async fn is_absent_for_an_unknown_recording(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.recording(recording(9)).await.unwrap(), None);
    assert_eq!(store.blocks_from(recording(9), 0, 10).await.unwrap(), []);
    assert_eq!(store.recordings_since(Timestamp::from_micros(i64::MIN)).await.unwrap(), []);
}

fn received_at(number: u8, sequence: u32, received: Timestamp) -> Arc<ReceivedBlock> {
    Arc::new(ReceivedBlock { received, ..block(number, sequence) })
}

async fn since(store: &Store, since: Timestamp) -> Vec<RecordingId> {
    store.recordings_since(since).await.unwrap().into_iter().map(|progress| progress.recording.id).collect()
}

pub async fn recordings_since_a_moment_are_exact(place: &Place) {
    let store = place.open().await;
    // Seconds of arrival that fall before, into and after the interval in which a touch is put off, one recording each.
    let newest = [0, 1, 59, 60, 61, 150];
    for (number, newest_s) in (1..).zip(newest) {
        store.append(&[received_at(number, 0, second(0))]).await.unwrap();
        store.append(&[received_at(number, 2, second(newest_s))]).await.unwrap();
        // A block that came earlier changes nothing.
        store.append(&[received_at(number, 1, second(0))]).await.unwrap();
    }
    for since_s in [-1, 0, 1, 2, 58, 59, 60, 61, 62, 149, 150, 151] {
        let mut found = since(&store, second(since_s)).await;
        found.sort();
        let expected: Vec<_> = (1..)
            .zip(newest)
            .filter(|(_, newest_s)| *newest_s >= since_s)
            .map(|(number, _)| recording(number))
            .collect();
        assert_eq!(found, expected, "since second {since_s}");
    }
}

pub async fn recordings_come_newest_first(place: &Place) {
    let store = place.open().await;
    for (number, first_s) in [(1, 20), (2, 40), (3, 30)] {
        store.append(&[received_at(number, 0, second(first_s))]).await.unwrap();
    }
    assert_eq!(since(&store, second(0)).await, [recording(2), recording(3), recording(1)]);
}

pub async fn a_stop_ends_its_recording(place: &Place) {
    let store = place.open().await;
    store.append(&blocks(1, 0..3)).await.unwrap();
    let stop = |at| DeviceEvent { recording: Some(recording(1)), sequence: 7, at, kind: DeviceEventKind::Stop };
    let stranger = "stranger".parse().unwrap();
    store.append_events(&stranger, &[stop(second(1))], second(10)).await.unwrap();
    assert_eq!(store.recording(recording(1)).await.unwrap().unwrap().stopped, None);
    store.append_events(&block(1, 0).device, &[stop(second(3))], second(10)).await.unwrap();
    assert_eq!(store.recording(recording(1)).await.unwrap().unwrap().stopped, Some(second(3)));
    // A stop may overtake the blocks.
    let early = DeviceEvent { recording: Some(recording(2)), ..stop(second(5)) };
    store.append_events(&block(2, 0).device, &[early], second(10)).await.unwrap();
    store.append(&blocks(2, 0..1)).await.unwrap();
    assert_eq!(store.recording(recording(2)).await.unwrap().unwrap().stopped, Some(second(5)));
}
