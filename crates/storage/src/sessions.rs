use alerting::Person;
use ctg::Timestamp;

use crate::database::{bounded, commit, on, storable};
use crate::{SecretDigest, Store, StoreError};

/// A person logged in at a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Digest of the token that the browser holds.
    pub token: SecretDigest,
    /// Who.
    pub person: Person,
    /// When the session was opened.
    pub opened: Timestamp,
}

impl Store {
    /// Keeps a session over restarts, and forgets those that were opened before `expired_before`.
    pub async fn put_session(&self, session: &Session, expired_before: Timestamp) -> Result<(), StoreError> {
        const EXPIRE: &str = "delete from session where opened_us < $1";
        const PUT: &str = "insert into session (token_sha256, person, opened_us) values ($1, $2, $3) \
             on conflict (token_sha256) do nothing";
        bounded(async {
            let mut change = self.database.change().await?;
            on!(&mut change, transaction => sqlx::query(EXPIRE)
                .bind(expired_before.as_micros())
                .execute(&mut **transaction)
                .await
                .map(|_| ()))?;
            on!(&mut change, transaction => sqlx::query(PUT)
                .bind(session.token.0.as_slice())
                .bind(storable(&session.person.0))
                .bind(session.opened.as_micros())
                .execute(&mut **transaction)
                .await
                .map(|_| ()))?;
            commit(change).await
        })
        .await
    }

    /// Ends a session; an unknown one is no error.
    pub async fn remove_session(&self, token: SecretDigest) -> Result<(), StoreError> {
        const REMOVE: &str = "delete from session where token_sha256 = $1";
        bounded(async {
            let mut change = self.database.change().await?;
            on!(&mut change, transaction => sqlx::query(REMOVE)
                .bind(token.0.as_slice())
                .execute(&mut **transaction)
                .await
                .map(|_| ()))?;
            commit(change).await
        })
        .await
    }

    /// Every session that is kept, oldest first.
    pub async fn sessions(&self) -> Result<Vec<Session>, StoreError> {
        const SELECT: &str = "select token_sha256, person, opened_us from session order by opened_us, token_sha256";
        bounded(async {
            let rows: Vec<(Vec<u8>, String, i64)> =
                on!(self.database.reader(), pool => sqlx::query_as(SELECT).fetch_all(pool).await)?;
            rows.into_iter().map(|(token, person, opened_us)| session(&token, person, opened_us)).collect()
        })
        .await
    }
}

fn session(token: &[u8], person: String, opened_us: i64) -> Result<Session, StoreError> {
    let token = token.try_into().map_err(|_| StoreError::corrupt("a session's token has not 32 bytes"))?;
    Ok(Session { token: SecretDigest(token), person: Person(person), opened: Timestamp::from_micros(opened_us) })
}
