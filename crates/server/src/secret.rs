//! Random secrets: made here, shown once, stored as digests or in files that only the service's user may read.

use std::fmt;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use storage::SecretDigest;

/// Bytes of randomness in a device's or service's secret.
const SECRET_BYTES: usize = 32;
/// Bytes of randomness in the station's access code, which people may have to type.
const ACCESS_CODE_BYTES: usize = 16;
/// The access code's file in the data directory.
const ACCESS_CODE_FILE: &str = "station-access-code";

/// A secret that no log can show.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// 256 random bits as hexadecimal text.
    pub(crate) fn random() -> Result<Self> {
        random_hex::<SECRET_BYTES>().map(Self)
    }

    /// The secret from elsewhere, such as the environment.
    pub(crate) fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, to hand to whoever must know it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What may be stored of it.
    pub(crate) fn digest(&self) -> SecretDigest {
        SecretDigest(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The station's access code: made at the first start, kept in the data directory.
pub(crate) fn access_code(directory: &Path) -> Result<Secret> {
    let path = directory.join(ACCESS_CODE_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Secret(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let code = random_hex::<ACCESS_CODE_BYTES>()?;
            std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .and_then(|mut file| file.write_all(code.as_bytes()))
                .with_context(|| {
                    format!("cannot write {}: check that the data directory is writable", path.display())
                })?;
            Ok(Secret(code))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn random_hex<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_never_shows_in_debug_output() {
        let secret = Secret::random().unwrap();
        assert_eq!(secret.reveal().len(), 2 * SECRET_BYTES);
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }

    #[test]
    fn the_access_code_stays_and_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let first = access_code(directory.path()).unwrap();
        let second = access_code(directory.path()).unwrap();
        assert_eq!(first.reveal(), second.reveal());
        let mode = directory.path().join(ACCESS_CODE_FILE).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
