use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use alerting::{AlertState, LogKind};
use contract::place::Place;
use contract::sample::{ALWAYS, answer, block, blocks, finding, raise, recording, second, seconds};
use ctg::{Analysis, Device, FindingKind};
use storage::{Appended, SecretDigest, Store, StoreError};

const BATCH: u32 = 150;

/// Appends batch after batch, counting those that were answered, until the store refuses.
async fn append_on(store: Store, from: u32, answered: Arc<AtomicU32>) {
    for first in (from..).step_by(BATCH as usize) {
        match store.append(&blocks(1, first..first + BATCH)).await {
            Ok(appended) => {
                assert!(appended.iter().all(|appended| *appended == Appended::Stored), "{appended:?}");
                answered.store(first + BATCH, Ordering::SeqCst);
            }
            Err(StoreError::Unavailable(_)) => return,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// How many blocks are there; all batches must be whole and without holes.
async fn whole_batches(store: &Store) -> u32 {
    // A commit that nobody waits for any more may still come to its end between two looks.
    for _ in 0..100 {
        let stored = store.blocks_from(recording(1), 0, u32::MAX).await.unwrap();
        let count = u32::try_from(stored.len()).unwrap();
        assert_eq!(count % BATCH, 0, "a batch is there in part");
        for (sequence, received) in (0..).zip(&stored) {
            assert_eq!(*received, block(1, sequence));
        }
        let progress = store.recording(recording(1)).await.unwrap();
        if progress.and_then(|progress| progress.stored_through) == count.checked_sub(1) {
            return count;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the blocks and what is known of the recording do not agree");
}

pub async fn what_was_answered_survives_and_batches_are_whole(place: &Place) {
    let mut count = 0;
    for crash in 0..8 {
        let store = place.open().await;
        let answered = Arc::new(AtomicU32::new(count));
        let appending = tokio::spawn(append_on(store.clone(), count, answered.clone()));
        tokio::time::sleep(Duration::from_micros(1700 * crash)).await;
        // The connections go while something is under way.
        store.close().await;
        appending.await.unwrap();
        count = whole_batches(&place.open().await).await;
        assert!(count >= answered.load(Ordering::SeqCst), "an answered batch is lost");
    }
    assert!(count > 0, "nothing was stored between the crashes");
}

pub async fn a_dropped_future_leaves_all_or_nothing(place: &Place) {
    let mut count = 0;
    let store = place.open().await;
    for crash in 0..12 {
        let answered = Arc::new(AtomicU32::new(count));
        let appending = tokio::spawn(append_on(store.clone(), count, answered.clone()));
        tokio::time::sleep(Duration::from_micros(1300 * crash)).await;
        appending.abort();
        let _ = appending.await;
        count = whole_batches(&store).await;
        assert!(count >= answered.load(Ordering::SeqCst), "an answered batch is lost");
    }
    // The same connections go on.
    let appended = store.append(&blocks(1, count..count + BATCH)).await.unwrap();
    assert!(appended.iter().all(|appended| *appended == Appended::Stored));
}

pub async fn writing_goes_on_after_interruptions(place: &Place) {
    const COUNT: u32 = 1200;
    let store = place.open().await;
    let sending = {
        let store = store.clone();
        tokio::spawn(async move {
            let (mut stored, mut refused) = (0, 0);
            for batch in (0..COUNT).collect::<Vec<_>>().chunks(40) {
                loop {
                    match store.append(&blocks(1, batch.iter().copied())).await {
                        Ok(appended) => {
                            stored += appended.iter().filter(|appended| **appended == Appended::Stored).count();
                            break;
                        }
                        Err(StoreError::Unavailable(_)) => refused += 1,
                        Err(error) => panic!("{error:?}"),
                    }
                    assert!(refused < 1000, "the store does not come back");
                }
            }
            stored
        })
    };
    while !sending.is_finished() {
        place.interrupt().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A commit whose answer was lost is seen as a duplicate when repeated.
    assert!(sending.await.unwrap() <= COUNT as usize);
    let stored = store.blocks_from(recording(1), 0, u32::MAX).await.unwrap();
    assert_eq!(stored, (0..COUNT).map(|sequence| block(1, sequence)).collect::<Vec<_>>());
}

pub async fn everything_is_there_after_reopening(place: &Place) {
    let device = Device { id: block(1, 0).device, label: "bed 1".into(), simulated: true };
    let raised = raise(1, 1, FindingKind::Bradycardia);
    let taken = answer(&raised.alert, AlertState::Acknowledged, LogKind::Acknowledged, "Ada", second(110));
    let said = Analysis { findings: vec![finding(1, 0, 0, seconds(1, 2))], ..Analysis::default() };
    let store = place.open().await;
    store.put_device(&device, SecretDigest([5; 32]), second(0)).await.unwrap();
    store.append(&blocks(1, 0..5)).await.unwrap();
    store.record_analysis(recording(1), &said, second(5)).await.unwrap();
    store.record_change(&raised).await.unwrap();
    store.record_change(&taken).await.unwrap();
    let progress = store.recording(recording(1)).await.unwrap();
    store.close().await;
    for _ in 0..2 {
        let store = place.open().await;
        assert_eq!(store.devices().await.unwrap(), [(device.clone(), SecretDigest([5; 32]))]);
        assert_eq!(store.recording(recording(1)).await.unwrap(), progress);
        assert_eq!(store.blocks(recording(1), ALWAYS, 10).await.unwrap().len(), 5);
        assert_eq!(store.findings(recording(1), ALWAYS).await.unwrap(), said.findings);
        assert_eq!(store.open_alerts().await.unwrap(), std::slice::from_ref(&taken.alert));
        assert_eq!(store.append(&blocks(1, [4])).await.unwrap(), [Appended::Duplicate]);
        store.close().await;
    }
}

pub async fn opening_at_the_same_time_migrates_once(place: &Place) {
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let url = place.url();
        opening.spawn(async move { Store::open(&url).await });
    }
    for opened in opening.join_all().await {
        opened.unwrap().append(&blocks(1, [0])).await.unwrap();
    }
    let applied = place.number("select count(*) from _sqlx_migrations").await;
    place.open().await;
    assert_eq!(place.number("select count(*) from _sqlx_migrations").await, applied);
    assert_eq!(place.number("select count(*) from block").await, 1);
}

pub async fn a_changed_bit_is_reported_and_contained(place: &Place) {
    let store = place.open().await;
    store.append(&blocks(1, 0..4)).await.unwrap();
    store.append(&blocks(2, 0..4)).await.unwrap();
    // The last byte is the checksum's; the block is the last of its recording.
    let rot = match place {
        Place::Sqlite(_) => {
            "update block set payload = cast(substr(payload, 1, length(payload) - 1) || x'00' as blob) \
             where (recording, start_us) in (select recording, max(start_us) from block group by recording limit 1)"
        }
        Place::Postgres(_) => {
            "update block set payload = substr(payload, 1, length(payload) - 1) || '\\x00'::bytea \
             where (recording, start_us) in (select recording, max(start_us) from block group by recording limit 1)"
        }
    };
    assert_eq!(place.execute(rot).await, 1);
    let mut damaged = 0;
    for number in [1, 2] {
        match store.blocks(recording(number), ALWAYS, 10).await {
            Ok(blocks) => assert_eq!(blocks.len(), 4),
            Err(StoreError::Corrupt(_)) => damaged += 1,
            Err(error) => panic!("{error:?}"),
        }
        assert_eq!(store.blocks(recording(number), seconds(0, 3), 10).await.unwrap().len(), 3);
    }
    assert_eq!(damaged, 1);
    // Lists go on, and say only what can be read.
    let recordings = store.recordings_since(second(0)).await.unwrap();
    let mut ends: Vec<_> = recordings.iter().map(|progress| progress.last_sample).collect();
    ends.sort();
    assert_eq!(ends, [Some(second(3)), Some(second(4))]);
    // A repeat of the damaged block does not stop those beside it.
    let appended = store.append(&[blocks(1, [3, 4]), blocks(2, [3, 4])].concat()).await.unwrap();
    assert_eq!((appended[1], appended[3]), (Appended::Stored, Appended::Stored));
}

pub async fn a_closed_store_is_unavailable(place: &Place) {
    let store = place.open().await;
    store.close().await;
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.append(&blocks(1, [0])).await, Err(StoreError::Unavailable(_))));
    let raised = raise(1, 1, FindingKind::Bradycardia);
    assert!(matches!(store.record_change(&raised).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.open_alerts().await, Err(StoreError::Unavailable(_))));
}
