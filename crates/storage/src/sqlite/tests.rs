use std::sync::Arc;

use ctg::{FhrChannel, QuarterBpm, ReceivedBlock, RecordingId, SampleBlock, SampleRate, Timestamp};
use sqlx::SqlitePool;
use tempfile::TempDir;

use super::Pools;
use crate::database::Database;
use crate::{Appended, Store, StoreError};

const START_US: i64 = 1_795_338_900_000_000;

fn block(sequence: u32, quarters: u16) -> Arc<ReceivedBlock> {
    let start = Timestamp::from_micros(START_US + i64::from(sequence) * 1_000_000);
    Arc::new(ReceivedBlock {
        device: "belt-01".parse().unwrap(),
        received: start.plus_seconds(1),
        block: SampleBlock {
            recording: RecordingId::from_bytes([7; 16]),
            sequence,
            start,
            block_length_ms: 1000,
            fhr_rate: SampleRate::FOUR_HZ,
            toco_rate: SampleRate::FOUR_HZ,
            fhr_step_quarter_bpm: 1,
            fhr: vec![FhrChannel { rates: vec![QuarterBpm::new(quarters); 4], quality: None }],
            mhr: None,
            toco: None,
        },
    })
}

async fn open(folder: &TempDir) -> (Store, Pools) {
    let url = format!("sqlite:{}", folder.path().join("maia.db").display());
    let pools = super::open(&url).await.unwrap();
    let store = Store { database: Database::of_sqlite(pools.clone()), known: Arc::default() };
    (store, pools)
}

async fn pragma(pool: &SqlitePool, text: &'static str) -> String {
    let number = sqlx::query_scalar::<_, i64>(text).fetch_one(pool).await.map(|number| number.to_string());
    match number {
        Ok(number) => number,
        Err(_) => sqlx::query_scalar(text).fetch_one(pool).await.unwrap(),
    }
}

#[tokio::test]
async fn every_connection_is_set_for_durability() {
    let folder = tempfile::tempdir().unwrap();
    let (_, pools) = open(&folder).await;
    for pool in [&pools.writer, &pools.readers] {
        assert_eq!(pragma(pool, "pragma journal_mode").await, "wal");
        // 2 is FULL.
        assert_eq!(pragma(pool, "pragma synchronous").await, "2");
        assert_eq!(pragma(pool, "pragma foreign_keys").await, "1");
        assert_eq!(pragma(pool, "pragma busy_timeout").await, "5000");
    }
    assert_eq!(pools.writer.options().get_max_connections(), 1);
    assert_eq!(pragma(&pools.readers, "pragma query_only").await, "1");
    assert!(sqlx::query("delete from device").execute(&pools.readers).await.is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (store, _pools) = open(&folder).await;
    store.append(&[block(0, 560)]).await.unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let (store, pools) = open(&folder).await;
    assert_eq!(store.append(&[block(0, 560)]).await.unwrap(), [Appended::Stored]);
    // The file may not grow any more.
    sqlx::query("pragma max_page_count = 1").execute(&pools.writer).await.unwrap();
    let many: Vec<_> = (1..5000).map(|sequence| block(sequence, 561)).collect();
    assert!(matches!(store.append(&many).await, Err(StoreError::Unavailable(_))));
    let stored = store.blocks_from(RecordingId::from_bytes([7; 16]), 0, 10_000).await.unwrap();
    assert_eq!(stored, [block(0, 560).as_ref().clone()]);
    sqlx::query("pragma max_page_count = 1000000").execute(&pools.writer).await.unwrap();
    assert!(store.append(&many).await.unwrap().iter().all(|appended| *appended == Appended::Stored));
    let progress = store.recording(RecordingId::from_bytes([7; 16])).await.unwrap().unwrap();
    assert_eq!(progress.stored_through, Some(4999));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maia.db");
    std::fs::write(&path, vec![b'x'; 8192]).unwrap();
    let opened = Store::open(&format!("sqlite:{}", path.display())).await;
    assert!(matches!(opened, Err(StoreError::Corrupt(_))), "{opened:?}");
}

#[tokio::test]
async fn a_missing_folder_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let opened = Store::open(&format!("sqlite:{}/missing/maia.db", folder.path().display())).await;
    assert!(matches!(opened, Err(StoreError::Unavailable(_))), "{opened:?}");
}
