//! The only SQL: SQLite for one machine, PostgreSQL (with TimescaleDB where the server has it) for many.
//!
//! The store is the truth. Every method either leaves its whole effect on disk or none of it; a method that
//! gave [`StoreError::Unavailable`] may have left either, and may be called again.
#![forbid(unsafe_code)]

mod database;
mod error;
mod postgres;
mod sqlite;

mod pack;
mod recordings;

mod alerts;
mod append;
mod baseline;
mod blocks;
mod devices;
mod events;
mod findings;
mod quarantine;
mod sessions;

use std::sync::Arc;

use database::{Database, bounded, on};
use recordings::Known;

pub use append::Appended;
pub use devices::SecretDigest;
pub use error::StoreError;
pub use quarantine::Quarantined;
pub use recordings::RecordingProgress;
pub use sessions::Session;

/// The place of everything that must survive; clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    known: Arc<Known>,
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…` and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it cannot be reached, [`StoreError::Corrupt`] if it is no database of Maia.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Ok(Self { database: Database::open(url).await?, known: Arc::default() })
    }

    /// Asks the database for a trivial answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        bounded(async {
            on!(self.database.reader(), pool => sqlx::query("select 1").execute(pool).await.map(|_| ()))?;
            Ok(())
        })
        .await
    }

    /// Finishes what is under way and closes the database.
    pub async fn close(&self) {
        self.database.close().await;
    }
}
