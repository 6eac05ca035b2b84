use std::fs::OpenOptions;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::StoreError;
use crate::append::Row;

/// Wait for another process that writes, such as `maia device add`.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(5);
/// Readers beside the writer: a few windows at a time keep a small machine's disk busy.
const READERS_MAX: u32 = 4;
/// The writer's page cache, in KiB: the open ends of some 10,000 recordings.
const WRITER_CACHE_KIB: i32 = 65_536;
/// Pages of the write-ahead log that are copied into the file in one go (16 MiB): the open end of a recording takes
/// many blocks, and is copied once for several of them; more would hold up a commit for longer.
const LOG_PAGES_MAX: i32 = 4096;
/// Size that the write-ahead log is cut back to, in bytes.
const LOG_BYTES_KEPT_MAX: i64 = 67_108_864;
/// Rows of one statement: few sizes, so that every statement is prepared once.
const ROWS_PER_STATEMENT: [usize; 4] = [512, 64, 8, 1];

/// One connection that writes, and those that read what is committed.
#[derive(Clone, Debug)]
pub(crate) struct Pools {
    /// The only writer.
    pub(crate) writer: SqlitePool,
    /// Connections that cannot write.
    pub(crate) readers: SqlitePool,
}

/// Opens `sqlite:PATH`; makes the file if there is none.
pub(crate) async fn open(url: &str) -> Result<Pools, StoreError> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL loses committed rows at a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_WAIT_MAX)
        .pragma("journal_size_limit", LOG_BYTES_KEPT_MAX.to_string());
    reserve(options.get_filename()).map_err(sqlx::Error::Io)?;
    let of_writer = options
        .clone()
        .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"))
        .pragma("wal_autocheckpoint", LOG_PAGES_MAX.to_string());
    let writer = pool(1).connect_with(of_writer).await?;
    migrate(&writer).await?;
    let readers = pool(READERS_MAX).connect_with(options.create_if_missing(false).pragma("query_only", "on")).await?;
    Ok(Pools { writer, readers })
}

/// Makes a missing file that only its owner may read: it will hold what mothers' bodies did. SQLite gives the files
/// beside it the same mode.
fn reserve(path: &Path) -> std::io::Result<()> {
    let mut how = OpenOptions::new();
    how.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    how.open(path).map(|_| ())
}

/// Brings the schema up to date in one change, so that of two processes one waits for the other. A later release's
/// migrations are no error: each leaves a schema that the release before it can work with.
async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    let mut change = writer.begin_with("begin immediate").await?;
    // Not `run`: the future of that cannot be sent to another thread.
    sqlx::migrate!("migrations/sqlite").set_ignore_missing(true).run_direct(None, &mut *change, false).await?;
    Ok(change.commit().await?)
}

fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(2 * BUSY_WAIT_MAX)
        // A file does not hang up: connections stay as they are.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Inserts blocks in statements of many rows; the answer is how many were new.
pub(crate) async fn insert(connection: &mut SqliteConnection, rows: &[Row]) -> Result<u64, StoreError> {
    let mut new = 0;
    let mut rest = rows;
    for size in ROWS_PER_STATEMENT {
        while let Some((rows, others)) = rest.split_at_checked(size) {
            new += statement(rows).build().execute(&mut *connection).await?.rows_affected();
            rest = others;
        }
    }
    Ok(new)
}

/// Inserts blocks one by one; the answer says for each whether it was new.
pub(crate) async fn insert_singly(connection: &mut SqliteConnection, rows: &[Row]) -> Result<Vec<bool>, StoreError> {
    let mut new = Vec::with_capacity(rows.len());
    for row in rows {
        let done = statement(std::slice::from_ref(row)).build().execute(&mut *connection).await?;
        new.push(done.rows_affected() == 1);
    }
    Ok(new)
}

fn statement(rows: &[Row]) -> QueryBuilder<Sqlite> {
    let mut statement = QueryBuilder::new("insert into block (recording, start_us, received_us, payload) ");
    statement.push_values(rows, |mut values, row| {
        values
            .push_bind(row.handle)
            .push_bind(row.start_us)
            .push_bind(row.received_us)
            .push_bind(row.payload.as_slice());
    });
    statement.push(" on conflict do nothing");
    statement
}

#[cfg(test)]
mod tests;
