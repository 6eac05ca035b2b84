use std::time::Duration;

use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use sqlx::{Postgres, Sqlite, Transaction};

use crate::{StoreError, postgres, sqlite};

/// The longest wait for an answer: more than the busiest commit takes, less than a ward waits to be told.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(15);

/// The same thing at one of the two databases.
#[derive(Clone, Debug)]
pub(crate) enum On<S, P> {
    /// At SQLite.
    Sqlite(S),
    /// At PostgreSQL.
    Postgres(P),
}

/// Runs one text on whichever database it is: the expression is compiled once for each.
macro_rules! on {
    ($place:expr, $executor:ident => $work:expr) => {
        match $place {
            $crate::database::On::Sqlite($executor) => $work,
            $crate::database::On::Postgres($executor) => $work,
        }
    };
}
pub(crate) use on;

/// Writes that take effect together or not at all.
pub(crate) type Change = On<Transaction<'static, Sqlite>, Transaction<'static, Postgres>>;

/// The connections to the open database.
#[derive(Clone, Debug)]
pub(crate) struct Database(On<sqlite::Pools, PgPool>);

impl Database {
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("sqlite:") {
            return Ok(Self(On::Sqlite(sqlite::open(url).await?)));
        }
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Ok(Self(On::Postgres(postgres::open(url).await?)));
        }
        let remedy = "the store's address must begin with sqlite: or postgres:";
        Err(StoreError::Unavailable(sqlx::Error::Configuration(remedy.into())))
    }

    #[cfg(test)]
    pub(crate) fn of_sqlite(pools: sqlite::Pools) -> Self {
        Self(On::Sqlite(pools))
    }

    /// Where to read.
    pub(crate) fn reader(&self) -> On<&SqlitePool, &PgPool> {
        match &self.0 {
            On::Sqlite(pools) => On::Sqlite(&pools.readers),
            On::Postgres(pool) => On::Postgres(pool),
        }
    }

    /// Begins a change; dropped without [`commit`], it leaves nothing.
    pub(crate) async fn change(&self) -> Result<Change, StoreError> {
        Ok(match &self.0 {
            // At once a writer: a reader that becomes one may find that it read the past.
            On::Sqlite(pools) => On::Sqlite(pools.writer.begin_with("begin immediate").await?),
            On::Postgres(pool) => On::Postgres(pool.begin().await?),
        })
    }

    pub(crate) async fn close(&self) {
        match &self.0 {
            On::Sqlite(pools) => {
                pools.readers.close().await;
                pools.writer.close().await;
            }
            On::Postgres(pool) => pool.close().await,
        }
    }
}

/// Makes a change last.
pub(crate) async fn commit(change: Change) -> Result<(), StoreError> {
    Ok(on!(change, transaction => transaction.commit().await)?)
}

/// Gives up on work that does not come to an end; what it began is undone.
pub(crate) async fn bounded<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    // On the heap: a caller's future should not carry the machinery of two databases.
    match tokio::time::timeout(ANSWER_WAIT_MAX, Box::pin(work)).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::timed_out()),
    }
}

/// Text that both databases take: PostgreSQL knows no U+0000.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// A stored number as its own type.
pub(crate) fn number<T: TryFrom<i64>>(stored: i64, what: &str) -> Result<T, StoreError> {
    T::try_from(stored).map_err(|_| StoreError::corrupt(format!("{what} {stored} is out of range")))
}

/// A stored text or number as the word that it stands for.
pub(crate) fn word<T>(found: Option<T>, what: &str) -> Result<T, StoreError> {
    found.ok_or_else(|| StoreError::corrupt(format!("{what} is not known to this release")))
}
