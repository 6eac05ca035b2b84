use std::collections::HashMap;
use std::sync::Arc;

use ctg::DeviceId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Who may connect as a device: each one's name with the SHA-256 of its secret.
///
/// Cheap to clone and to compare; replaced whole, and whoever vanished from it is cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory(Arc<HashMap<DeviceId, [u8; 32]>>);

impl FromIterator<(DeviceId, [u8; 32])> for Directory {
    fn from_iter<I: IntoIterator<Item = (DeviceId, [u8; 32])>>(devices: I) -> Self {
        Self(Arc::new(devices.into_iter().collect()))
    }
}

impl Directory {
    /// Number of devices that may connect.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when no device may connect.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn digest(&self, device: &DeviceId) -> Option<&[u8; 32]> {
        self.0.get(device)
    }

    /// The device's digest when `secret` is its secret; takes as long when there is no such device.
    pub(crate) fn admits(&self, device: &DeviceId, secret: &str) -> Option<[u8; 32]> {
        let digest = self.digest(device);
        let same = same_secret(digest.unwrap_or(&[0; 32]), secret);
        digest.filter(|_| same).copied()
    }
}

/// True when the digest is the secret's, compared in constant time.
pub(crate) fn same_secret(digest: &[u8; 32], secret: &str) -> bool {
    Sha256::digest(secret.as_bytes()).as_slice().ct_eq(digest).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_secret_of_a_known_device_opens() {
        let id = |text: &str| text.parse::<DeviceId>().unwrap();
        let digest = |secret: &str| Sha256::digest(secret.as_bytes()).into();
        let directory: Directory = [(id("a"), digest("alpha")), (id("b"), digest("beta"))].into_iter().collect();
        assert_eq!(directory.admits(&id("a"), "alpha"), Some(digest("alpha")));
        assert_eq!(directory.admits(&id("a"), "beta"), None);
        assert_eq!(directory.admits(&id("c"), "alpha"), None);
        assert_eq!(directory.admits(&id("a"), ""), None);
        assert_eq!(Directory::default().admits(&id("a"), "alpha"), None);
    }
}
