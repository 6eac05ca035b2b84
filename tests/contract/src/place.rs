//! Where a test's store lies.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use storage::Store;
use tempfile::TempDir;

use crate::postgres;

/// A database that belongs to one test.
#[derive(Debug)]
pub enum Place {
    /// A file.
    Sqlite(TempDir),
    /// A database of a server.
    Postgres(Box<PgConnectOptions>),
}

/// Runs a test of the suite on SQLite.
pub async fn on_sqlite(test: impl AsyncFnOnce(&Place)) {
    test(&Place::Sqlite(tempfile::tempdir().expect("a temporary folder"))).await;
}

/// Runs a test of the suite on PostgreSQL.
pub async fn on_postgres(test: impl AsyncFnOnce(&Place)) {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let Some(server) = postgres::server() else { return };
    let name = format!("maia_contract_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect_with(&server).await.expect("the PostgreSQL server must answer");
    connection.execute(AssertSqlSafe(format!("create database {name}"))).await.expect("the right to make databases");
    test(&Place::Postgres(Box::new(server.database(&name)))).await;
    connection
        .execute(AssertSqlSafe(format!("drop database {name} with (force)")))
        .await
        .expect("the right to drop them");
}

impl Place {
    /// Its address.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("maia.db").display()),
            Self::Postgres(options) => options.to_url_lossy().to_string(),
        }
    }

    /// Opens the store there.
    pub async fn open(&self) -> Store {
        Store::open(&self.url()).await.expect("the store must open")
    }

    /// Does something behind the store's back; the answer is how many rows it changed.
    pub async fn execute(&self, sql: &'static str) -> u64 {
        match self {
            Self::Sqlite(_) => self.sqlite().await.execute(sql).await.expect(sql).rows_affected(),
            Self::Postgres(options) => {
                let mut connection = PgConnection::connect_with(options).await.expect("a connection");
                connection.execute(sql).await.expect(sql).rows_affected()
            }
        }
    }

    /// Asks for one number behind the store's back.
    pub async fn number(&self, sql: &'static str) -> i64 {
        match self {
            Self::Sqlite(_) => sqlx::query_scalar(sql).fetch_one(&mut self.sqlite().await).await.expect(sql),
            Self::Postgres(options) => {
                let mut connection = PgConnection::connect_with(options).await.expect("a connection");
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect(sql)
            }
        }
    }

    /// Disturbs whoever writes now: takes SQLite's lock for a moment, ends all connections to PostgreSQL.
    pub async fn interrupt(&self) {
        match self {
            Self::Sqlite(_) => {
                let mut connection = self.sqlite().await;
                connection.execute("begin immediate").await.expect("the lock within the busy timeout");
                tokio::time::sleep(Duration::from_millis(10)).await;
                connection.execute("commit").await.expect("an end of the lock");
            }
            Self::Postgres(_) => {
                self.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity \
                     where datname = current_database() and pid <> pg_backend_pid()",
                )
                .await;
            }
        }
    }

    async fn sqlite(&self) -> SqliteConnection {
        let options: SqliteConnectOptions = self.url().parse().expect("a sqlite: address");
        SqliteConnection::connect_with(&options).await.expect("a connection")
    }
}
