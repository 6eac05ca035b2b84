use std::sync::Arc;

use contract::place::Place;
use contract::sample::{any_recording, block, blocks, recording, second};
use ctg::{DeviceId, QuarterBpm, ReceivedBlock, SampleRate};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use storage::Appended::{self, Conflicting, Duplicate, Inadmissible, Stored};

fn plain(blocks: &[Arc<ReceivedBlock>]) -> Vec<ReceivedBlock> {
    blocks.iter().map(|block| block.as_ref().clone()).collect()
}

fn changed(mut received: ReceivedBlock) -> ReceivedBlock {
    received.block.fhr[0].rates[0] = QuarterBpm::new(601);
    received
}

pub async fn repeats_and_reordering_store_every_block_once(place: &Place) {
    const COUNT: u32 = 700;
    let store = place.open().await;
    // 257 and 700 have no common divisor: every block, in another order, one and a half times.
    let order: Vec<u32> = (0..COUNT * 3 / 2).map(|step| step * 257 % COUNT).collect();
    let (mut stored, mut duplicates) = (0, 0);
    for batch in order.chunks(90) {
        let appended = store.append(&blocks(1, batch.iter().copied())).await.unwrap();
        assert_eq!(appended.len(), batch.len());
        stored += appended.iter().filter(|appended| **appended == Stored).count();
        duplicates += appended.iter().filter(|appended| **appended == Duplicate).count();
    }
    assert_eq!((stored, duplicates), (COUNT as usize, COUNT as usize / 2));
    let read = store.blocks_from(recording(1), 0, COUNT + 1).await.unwrap();
    assert_eq!(read, plain(&blocks(1, 0..COUNT)));
    assert_eq!(store.recording(recording(1)).await.unwrap().unwrap().stored_through, Some(COUNT - 1));
}

pub async fn each_answer_is_exact(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.append(&blocks(1, [0, 1])).await.unwrap(), [Stored, Stored]);
    let of_device = |device: &str, received: ReceivedBlock| ReceivedBlock {
        device: device.parse::<DeviceId>().unwrap(),
        ..received
    };
    let with = |change: fn(&mut ReceivedBlock)| {
        let mut received = block(1, 3);
        change(&mut received);
        received
    };
    let cases: Vec<(ReceivedBlock, Appended)> = vec![
        (block(1, 2), Stored),
        (block(1, 2), Duplicate),
        (changed(block(1, 2)), Conflicting),
        (block(1, 1), Duplicate),
        // A repeat arrives later than the block did: still the same block.
        (ReceivedBlock { received: second(500), ..block(1, 0) }, Duplicate),
        (changed(block(1, 0)), Conflicting),
        (of_device("stranger", block(1, 3)), Inadmissible),
        (of_device("stranger", block(1, 0)), Inadmissible),
        (with(|received| received.block.start = second(4)), Inadmissible),
        (with(|received| received.block.sequence = 2), Inadmissible),
        (with(|received| received.block.toco_rate = SampleRate::new(8).unwrap()), Inadmissible),
        (with(|received| received.block.fhr_step_quarter_bpm = 4), Inadmissible),
        (with(|received| received.block.fhr.push(received.block.fhr[0].clone())), Inadmissible),
        (with(|received| received.block.fhr[0].rates.clear()), Inadmissible),
        // The first block of another recording fixes it; what disagrees in the same batch is too late.
        (block(2, 5), Stored),
        (of_device("stranger", block(2, 6)), Inadmissible),
    ];
    let (sent, expected): (Vec<_>, Vec<_>) = cases.into_iter().map(|(sent, expect)| (Arc::new(sent), expect)).unzip();
    assert_eq!(store.append(&sent).await.unwrap(), expected);
    assert_eq!(store.blocks_from(recording(1), 0, 10).await.unwrap(), plain(&blocks(1, 0..3)));
    assert_eq!(store.blocks_from(recording(2), 0, 10).await.unwrap(), [block(2, 5)]);
}

pub async fn a_batch_that_is_all_known_changes_nothing(place: &Place) {
    let store = place.open().await;
    let sent = blocks(1, 0..600);
    assert!(store.append(&sent).await.unwrap().iter().all(|appended| *appended == Stored));
    assert!(store.append(&sent).await.unwrap().iter().all(|appended| *appended == Duplicate));
    let inadmissible = Arc::new(ReceivedBlock { device: "stranger".parse().unwrap(), ..block(1, 700) });
    assert_eq!(store.append(&[inadmissible]).await.unwrap(), [Inadmissible]);
    assert_eq!(store.blocks_from(recording(1), 0, 1000).await.unwrap(), plain(&sent));
}

pub async fn any_recording_comes_back_bit_by_bit(place: &Place) {
    let store = place.open().await;
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    for case in 0..60 {
        let recorded = any_recording().new_tree(&mut runner).unwrap().current();
        let sent: Vec<_> = recorded.iter().cloned().map(Arc::new).collect();
        let appended = store.append(&sent).await.unwrap();
        assert!(appended.iter().all(|appended| *appended == Stored), "case {case}: {appended:?}");
        let read = store.blocks_from(recorded[0].block.recording, 0, 1000).await.unwrap();
        assert_eq!(read, recorded, "case {case}");
    }
}

pub async fn writers_at_the_same_time_store_every_block_once(place: &Place) {
    const WRITERS: u32 = 4;
    const COUNT: u32 = 300;
    // Each has its own connections, as processes do, and sends all blocks of two recordings in its own order.
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = place.open().await;
        writers.spawn(async move {
            let mut stored = 0;
            for step in 0..COUNT / 20 {
                let batch = (0..20).map(|place| (step * 20 + place) * (7 + 4 * writer) % COUNT);
                let numbers = if writer % 2 == 0 { [1, 2] } else { [2, 1] };
                let sent: Vec<_> = numbers.into_iter().flat_map(|number| blocks(number, batch.clone())).collect();
                let appended = store.append(&sent).await.unwrap();
                assert!(appended.iter().all(|appended| matches!(appended, Stored | Duplicate)), "{appended:?}");
                stored += appended.iter().filter(|appended| **appended == Stored).count();
            }
            stored
        });
    }
    let stored: usize = writers.join_all().await.into_iter().sum();
    assert_eq!(stored, 2 * COUNT as usize);
    let store = place.open().await;
    for number in [1, 2] {
        assert_eq!(store.recording(recording(number)).await.unwrap().unwrap().stored_through, Some(COUNT - 1));
    }
}

pub async fn a_second_writer_sees_the_first_ones_recording(place: &Place) {
    let (first, second) = (place.open().await, place.open().await);
    first.append(&blocks(1, [0])).await.unwrap();
    let foreign = Arc::new(ReceivedBlock { device: "stranger".parse().unwrap(), ..block(1, 1) });
    assert_eq!(second.append(&[foreign, Arc::new(block(1, 1))]).await.unwrap(), [Inadmissible, Stored]);
    assert_eq!(first.append(&blocks(1, [1, 2])).await.unwrap(), [Duplicate, Stored]);
}

pub async fn nothing_to_store_is_no_error(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.append(&[]).await.unwrap(), []);
    store.ping().await.unwrap();
}
