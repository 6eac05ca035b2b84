use std::net::SocketAddr;

pub use crate::pace::PacketRate;

/// How the endpoint runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one. Must be a loopback address: there is no TLS yet.
    pub address: SocketAddr,
    /// The service that everything is forwarded to.
    pub service: ServiceCredentials,
    /// Most connections at once; more are closed at once.
    pub connections_max: usize,
    /// How fast one device may send.
    pub packet_rate: PacketRate,
}

/// Who may connect as the service.
#[derive(Clone, Debug)]
pub struct ServiceCredentials {
    /// Its client id; no device may have the same.
    pub client_id: String,
    /// Its user name.
    pub username: String,
    /// SHA-256 of its secret.
    pub digest: [u8; 32],
}
