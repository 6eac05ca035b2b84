use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection};

use crate::StoreError;
use crate::append::Row;

/// Connections of one process: appends, decisions and a few windows at a time.
const CONNECTIONS_MAX: u32 = 8;
/// Wait for a connection.
const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(5);
/// What every connection is set to: waits are bounded, and a commit that was answered is on disk whatever the
/// server's default.
const SETTINGS: &str = "select set_config('lock_timeout', '5s', false), \
     set_config('idle_in_transaction_session_timeout', '15s', false), \
     set_config('statement_timeout', '30s', false), \
     case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', false) end";

/// Opens `postgres://…` and brings its schema up to date.
pub(crate) async fn open(url: &str) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url)?.application_name("maia");
    // A connection of its own: changing a schema may take longer than any other statement.
    let mut connection = PgConnection::connect_with(&options).await?;
    // Not `run`: the future of that cannot be sent to another thread. A later release's migrations are no error:
    // each leaves a schema that the release before it can work with.
    sqlx::migrate!("migrations/postgres").set_ignore_missing(true).run_direct(None, &mut connection, false).await?;
    partition(&mut connection).await?;
    connection.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(CONNECTION_WAIT_MAX)
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::query(SETTINGS).execute(connection).await.map(|_| ()) })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Makes `block` a hypertable of one chunk a day where the server has TimescaleDB, and says which it is.
async fn partition(connection: &mut PgConnection) -> Result<(), StoreError> {
    // Asked first: a server that has the extension but did not load it at its start ends the connection of whoever
    // creates it. This setting exists once it is loaded.
    const LOADED: &str = "select current_setting('timescaledb.disable_load', true) is not null";
    const CREATE: &str = "create extension if not exists timescaledb";
    const PARTITION: &str = "select create_hypertable('block', 'start_us', chunk_time_interval => 86400000000::bigint, \
         if_not_exists => true, migrate_data => true)::text";
    if !sqlx::query_scalar::<_, bool>(LOADED).fetch_one(&mut *connection).await? {
        tracing::info!("timescaledb is not loaded by the server: blocks stay in one plain table");
        return Ok(());
    }
    if let Err(error) = sqlx::query(CREATE).execute(&mut *connection).await {
        tracing::warn!(%error, "timescaledb may not be used in this database: blocks stay in one plain table");
        return Ok(());
    }
    sqlx::query(PARTITION).execute(connection).await?;
    tracing::info!("blocks are in a timescaledb hypertable of one chunk a day");
    Ok(())
}

/// Inserts blocks in one statement; the answer says for each whether it was new.
pub(crate) async fn insert(connection: &mut PgConnection, rows: &[Row]) -> Result<Vec<bool>, StoreError> {
    const INSERT: &str = "insert into block (recording, start_us, received_us, payload) \
         select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[]) \
         on conflict do nothing returning recording, start_us";
    let new: std::collections::HashSet<(i64, i64)> = sqlx::query_as(INSERT)
        .bind(rows.iter().map(|row| row.handle).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.start_us).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.received_us).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.payload.as_slice()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?
        .into_iter()
        .collect();
    Ok(rows.iter().map(|row| new.contains(&(row.handle, row.start_us))).collect())
}
