use ctg::Timestamp;

use crate::database::{Change, bounded, commit, on, storable};
use crate::{Store, StoreError};

/// A packet that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// When it arrived.
    pub received: Timestamp,
    /// Its topic, as received.
    pub topic: String,
    /// Why it could not be used.
    pub reason: String,
    /// Its bytes, cut at [`Quarantined::PAYLOAD_MAX`].
    pub payload: Vec<u8>,
}

impl Quarantined {
    /// Most bytes of a payload that are kept.
    pub const PAYLOAD_MAX: usize = 65_536;
    /// Most packets that are kept, the newest: a broken device must not fill the disk (650 MB at most).
    pub const PACKETS_MAX: u32 = 10_000;
}

impl Store {
    /// Keeps packets that could not be used, in one commit.
    pub async fn quarantine(&self, packets: &[Quarantined]) -> Result<(), StoreError> {
        const CUT: &str = "delete from quarantined where number <= (select max(number) from quarantined) - $1";
        bounded(async {
            let mut change = self.database.change().await?;
            for packet in packets {
                insert(&mut change, packet).await?;
            }
            on!(&mut change, transaction => sqlx::query(CUT)
                .bind(i64::from(Quarantined::PACKETS_MAX))
                .execute(&mut **transaction)
                .await
                .map(|_| ()))?;
            commit(change).await
        })
        .await
    }

    /// Number of packets in quarantine and the newest ones, newest first.
    pub async fn quarantined(&self, limit: u32) -> Result<(u64, Vec<Quarantined>), StoreError> {
        const COUNT: &str = "select count(*) from quarantined";
        const SELECT: &str =
            "select received_us, topic, reason, payload from quarantined order by number desc limit $1";
        bounded(async {
            let count: i64 = on!(self.database.reader(), pool => sqlx::query_scalar(COUNT).fetch_one(pool).await)?;
            let rows: Vec<(i64, String, String, Vec<u8>)> = on!(self.database.reader(), pool =>
                sqlx::query_as(SELECT).bind(i64::from(limit)).fetch_all(pool).await)?;
            let packets = rows.into_iter().map(|(received_us, topic, reason, payload)| Quarantined {
                received: Timestamp::from_micros(received_us),
                topic,
                reason,
                payload,
            });
            Ok((count.unsigned_abs(), packets.collect()))
        })
        .await
    }
}

async fn insert(change: &mut Change, packet: &Quarantined) -> Result<(), StoreError> {
    const INSERT: &str = "insert into quarantined (received_us, topic, reason, payload) values ($1, $2, $3, $4)";
    let kept = &packet.payload[..packet.payload.len().min(Quarantined::PAYLOAD_MAX)];
    on!(change, transaction => sqlx::query(INSERT)
        .bind(packet.received.as_micros())
        .bind(storable(&packet.topic))
        .bind(storable(&packet.reason))
        .bind(kept)
        .execute(&mut **transaction)
        .await
        .map(|_| ()))?;
    Ok(())
}
