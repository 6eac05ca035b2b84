use std::time::Duration;

use bytes::Bytes;
use ctg::DeviceId;
use wire::topic::{self, Channel};

use crate::config::ServiceCredentials;
use crate::directory::{Directory, same_secret};
use crate::packet::{Connect, Will};

/// Longest status, in bytes; one per device stays in memory.
pub(crate) const STATUS_BYTES_MAX: usize = 4096;

/// Longest keep-alive that is believed, in seconds; who promises less often, or nothing, is held to it.
const KEEP_ALIVE_MAX_S: u16 = 300;

/// Who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    Device {
        id: DeviceId,
        /// What it was let in by.
        digest: [u8; 32],
        /// Status to be published when it goes without a goodbye.
        farewell: Option<Bytes>,
        silence_max: Duration,
    },
    Service {
        /// True when it wants the subscriptions of its last connection back.
        resumes: bool,
        silence_max: Duration,
    },
}

/// Why a client was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Another version of MQTT.
    Version,
    /// No device can have this client id.
    ClientId,
    /// Unknown device, or the wrong secret.
    Credentials,
    /// The will is not a retained status of the device itself.
    Will,
}

impl Refusal {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::ClientId => "client_id",
            Self::Credentials => "credentials",
            Self::Will => "will",
        }
    }
}

/// Decides who may come in.
///
/// # Errors
/// Why not; the client is told.
pub(crate) fn admit(
    connect: Connect,
    service: &ServiceCredentials,
    directory: &Directory,
) -> Result<Admitted, Refusal> {
    let silence_max = silence_max(connect.keep_alive_s);
    if connect.client_id == service.client_id {
        let known = connect.username == service.username && same_secret(&service.digest, &connect.secret);
        return match (known, connect.will) {
            (true, None) => Ok(Admitted::Service { resumes: !connect.clean_session, silence_max }),
            (true, Some(_)) => Err(Refusal::Will),
            (false, _) => Err(Refusal::Credentials),
        };
    }
    let id: DeviceId = connect.client_id.parse().map_err(|_| Refusal::ClientId)?;
    let digest = directory.admits(&id, &connect.secret).ok_or(Refusal::Credentials)?;
    if connect.username != connect.client_id {
        return Err(Refusal::Credentials);
    }
    let farewell = connect.will.map(|will| farewell(will, &id)).transpose()?;
    Ok(Admitted::Device { id, digest, farewell, silence_max })
}

fn farewell(will: Will, device: &DeviceId) -> Result<Bytes, Refusal> {
    let own = will.topic == topic::build(device, Channel::Status);
    if own && will.retain && will.payload.len() <= STATUS_BYTES_MAX { Ok(will.payload) } else { Err(Refusal::Will) }
}

/// One and a half keep-alives (MQTT 3.1.1, 3.1.2.10).
fn silence_max(keep_alive_s: u16) -> Duration {
    let believed_s = if keep_alive_s == 0 { KEEP_ALIVE_MAX_S } else { keep_alive_s.min(KEEP_ALIVE_MAX_S) };
    Duration::from_millis(1500) * u32::from(believed_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(secret: &str) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        Sha256::digest(secret.as_bytes()).into()
    }

    fn connect() -> Connect {
        Connect {
            client_id: "belt-1".into(),
            username: "belt-1".into(),
            secret: "open sesame".into(),
            clean_session: true,
            keep_alive_s: 10,
            will: None,
        }
    }

    fn check(change: impl FnOnce(&mut Connect), expect: Result<Admitted, Refusal>) {
        let service = ServiceCredentials { client_id: "maia".into(), username: "in".into(), digest: digest("s") };
        let directory = [("belt-1".parse().unwrap(), digest("open sesame"))].into_iter().collect();
        let mut connect = connect();
        change(&mut connect);
        assert_eq!(admit(connect, &service, &directory), expect);
    }

    fn device(farewell: Option<&'static [u8]>, silence_s: u64) -> Result<Admitted, Refusal> {
        let farewell = farewell.map(Bytes::from_static);
        let silence_max = Duration::from_secs(silence_s);
        let (id, digest) = ("belt-1".parse().unwrap(), digest("open sesame"));
        Ok(Admitted::Device { id, digest, farewell, silence_max })
    }

    #[test]
    fn a_device_enters_by_its_name_and_secret() {
        check(|_| {}, device(None, 15));
        check(|c| c.secret.push('!'), Err(Refusal::Credentials));
        check(|c| c.username = "belt-2".into(), Err(Refusal::Credentials));
        check(|c| c.client_id = "belt-2".into(), Err(Refusal::Credentials));
        check(|c| c.client_id = String::new(), Err(Refusal::ClientId));
        check(|c| c.client_id = "belt/1".into(), Err(Refusal::ClientId));
        check(|c| (c.client_id, c.username) = ("belt-2".into(), "belt-2".into()), Err(Refusal::Credentials));
    }

    #[test]
    fn silence_is_bounded_whatever_was_promised() {
        check(|c| c.keep_alive_s = 0, device(None, 450));
        check(|c| c.keep_alive_s = u16::MAX, device(None, 450));
    }

    #[test]
    fn a_will_is_a_retained_status_of_the_device_itself() {
        let will =
            |topic: &str, retain| Some(Will { topic: topic.into(), retain, payload: Bytes::from_static(b"gone") });
        check(|c| c.will = will("ctg/v1/belt-1/status", true), device(Some(b"gone"), 15));
        check(|c| c.will = will("ctg/v1/belt-1/status", false), Err(Refusal::Will));
        check(|c| c.will = will("ctg/v1/belt-2/status", true), Err(Refusal::Will));
        check(|c| c.will = will("ctg/v1/belt-1/samples", true), Err(Refusal::Will));
        let long = Bytes::from(vec![b'x'; STATUS_BYTES_MAX + 1]);
        check(
            |c| c.will = Some(Will { topic: "ctg/v1/belt-1/status".into(), retain: true, payload: long }),
            Err(Refusal::Will),
        );
    }

    #[test]
    fn the_service_enters_by_its_own_credentials() {
        let service = |c: &mut Connect| {
            (c.client_id, c.username, c.secret) = ("maia".into(), "in".into(), "s".into());
        };
        let silence_max = Duration::from_secs(15);
        check(service, Ok(Admitted::Service { resumes: false, silence_max }));
        check(
            |c| {
                service(c);
                c.clean_session = false;
            },
            Ok(Admitted::Service { resumes: true, silence_max }),
        );
        check(|c| c.client_id = "maia".into(), Err(Refusal::Credentials));
        check(
            |c| {
                service(c);
                c.username = "maia".into();
            },
            Err(Refusal::Credentials),
        );
    }
}
