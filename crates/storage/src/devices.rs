use ctg::{Device, DeviceId, Timestamp};

use crate::database::{bounded, commit, on, storable};
use crate::recordings::device_id;
use crate::{Store, StoreError};

/// A secret's SHA-256; the secret itself is never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretDigest(pub [u8; 32]);

impl Store {
    /// Registers a device, or gives a known one a new label and secret; a barred one may come back by this.
    pub async fn put_device(&self, device: &Device, secret: SecretDigest, now: Timestamp) -> Result<(), StoreError> {
        const PUT: &str = "insert into device (id, label, simulated, secret_sha256, registered_us) \
             values ($1, $2, $3, $4, $5) on conflict (id) do update set label = excluded.label, \
             simulated = excluded.simulated, secret_sha256 = excluded.secret_sha256, revoked_us = null";
        bounded(async {
            let mut change = self.database.change().await?;
            on!(&mut change, transaction => sqlx::query(PUT)
                .bind(device.id.as_str())
                .bind(storable(&device.label))
                .bind(device.simulated)
                .bind(secret.0.as_slice())
                .bind(now.as_micros())
                .execute(&mut **transaction)
                .await
                .map(|_| ()))?;
            commit(change).await
        })
        .await
    }

    /// Bars a device; its history stays. False if there is none of that name.
    pub async fn revoke_device(&self, device: &DeviceId, now: Timestamp) -> Result<bool, StoreError> {
        const REVOKE: &str = "update device set revoked_us = coalesce(revoked_us, $2) where id = $1";
        bounded(async {
            let mut change = self.database.change().await?;
            let found = on!(&mut change, transaction => sqlx::query(REVOKE)
                .bind(device.as_str())
                .bind(now.as_micros())
                .execute(&mut **transaction)
                .await
                .map(|done| done.rows_affected()))?;
            commit(change).await?;
            Ok(found > 0)
        })
        .await
    }

    /// Every device that is not revoked, with its secret's digest, by name.
    pub async fn devices(&self) -> Result<Vec<(Device, SecretDigest)>, StoreError> {
        const SELECT: &str =
            "select id, label, simulated, secret_sha256 from device where revoked_us is null order by id";
        bounded(async {
            let rows: Vec<(String, String, bool, Vec<u8>)> =
                on!(self.database.reader(), pool => sqlx::query_as(SELECT).fetch_all(pool).await)?;
            rows.into_iter().map(|(id, label, simulated, secret)| device(&id, label, simulated, &secret)).collect()
        })
        .await
    }
}

fn device(id: &str, label: String, simulated: bool, secret: &[u8]) -> Result<(Device, SecretDigest), StoreError> {
    let digest = secret.try_into().map_err(|_| StoreError::corrupt("a device's secret has not 32 bytes"))?;
    Ok((Device { id: device_id(id)?, label, simulated }, SecretDigest(digest)))
}
