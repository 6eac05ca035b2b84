use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::codec;
use super::device::{self, Arrival};
use super::hub::Hub;
use super::line::Line;
use super::service;
use crate::admission::{Admitted, Refusal, admit};
use crate::config::Config;
use crate::directory::Directory;
use crate::frame::FrameError;
use crate::metrics::{Counted, Metrics};
use crate::packet::{Connect, Incoming};

/// Longest time from the connection to a complete CONNECT; a device says it at once.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Pause after a failed accept: when the process has no file descriptor left, some must close first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the endpoint cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address can be reached from other machines.
    #[error("{0} is not a loopback address; without TLS, listen on 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; is another process using it?")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}

/// An endpoint that listens and does not answer yet.
#[derive(Debug)]
pub struct Broker {
    listener: TcpListener,
    address: SocketAddr,
    connections_max: usize,
    hub: Arc<Hub>,
}

/// Takes the address. Devices are let in by the newest `directory`; those that a newer one does not know,
/// or knows by another secret, are cut off at once.
///
/// # Errors
/// When the address is not a loopback one, or in use.
pub async fn bind(config: Config, directory: watch::Receiver<Directory>, metrics: Metrics) -> Result<Broker, Error> {
    let address = config.address;
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback(address));
    }
    let failed = |source| Error::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let connections_max = config.connections_max;
    let hub = Arc::new(Hub::new(config, directory, metrics));
    Ok(Broker { listener, address, connections_max, hub })
}

impl Broker {
    /// The address taken, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`; then every connection ends at once. Devices send again what was not
    /// acknowledged to them.
    pub async fn run(self, stop: CancellationToken) {
        tracing::info!(address = %self.address, "listening for devices");
        let mut connections = JoinSet::new();
        let mut directory = self.hub.directory.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Ok(()) = directory.changed() => {
                    let newest = directory.borrow_and_update().clone();
                    self.hub.cut_off(&newest);
                }
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "connection task failed");
                    }
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => self.take(stream, &mut connections),
                    Err(error) => self.pause(&error).await,
                },
            }
        }
    }

    fn take(&self, stream: TcpStream, connections: &mut JoinSet<()>) {
        if connections.len() >= self.connections_max {
            self.hub.metrics.refused.with_label_values(&["crowded"]).inc();
            return;
        }
        // Small packets must not wait for each other; where this fails they only come later.
        let _ = stream.set_nodelay(true);
        connections.spawn(welcome(Arc::clone(&self.hub), stream));
    }

    async fn pause(&self, error: &std::io::Error) {
        self.hub.metrics.accept_failures.inc();
        tracing::warn!(%error, "cannot accept connections");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// Lets one client in, or tells it why not.
async fn welcome<S>(hub: Arc<Hub>, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let mut line = Line::new(stream);
    let arriving = Counted::new(&hub.metrics.connections, "arriving");
    let connect = tokio::time::timeout(CONNECT_TIME_MAX, first_packet(&mut line)).await;
    drop(arriving);
    let connect = connect.unwrap_or(Err(Turned::Away("slow")));
    let directory = hub.directory.borrow().clone();
    let admitted = connect.and_then(|connect| admit(connect, &hub.service, &directory).map_err(Turned::Refused));
    match admitted {
        Ok(Admitted::Device { id, digest, farewell, silence_max }) => {
            drop(directory);
            codec::encode_connack(&mut line.outgoing, Ok(false));
            device::serve(hub, line, Arrival { id, farewell, silence_max, digest }).await;
        }
        Ok(Admitted::Service { resumes, silence_max }) => service::serve(&hub, line, resumes, silence_max).await,
        Err(turned) => turn_away(&hub, line, turned).await,
    }
}

/// How a client comes not to be let in.
enum Turned {
    /// It gave no CONNECT that could be answered.
    Away(&'static str),
    /// It is told why.
    Refused(Refusal),
}

async fn first_packet<S: AsyncRead + AsyncWrite>(line: &mut Line<S>) -> Result<Connect, Turned> {
    loop {
        match line.next_packet() {
            Ok(Some(Incoming::Connect(connect))) => return Ok(connect),
            Ok(None) => {}
            Err(FrameError::Version) => return Err(Turned::Refused(Refusal::Version)),
            Ok(Some(_)) | Err(_) => return Err(Turned::Away("malformed")),
        }
        if line.reader.read_buf(&mut line.incoming).await.unwrap_or(0) == 0 {
            return Err(Turned::Away("lost"));
        }
    }
}

async fn turn_away<S: AsyncRead + AsyncWrite>(hub: &Hub, mut line: Line<S>, turned: Turned) {
    let reason = match turned {
        Turned::Away(reason) => reason,
        Turned::Refused(refusal) => {
            codec::encode_connack(&mut line.outgoing, Err(refusal));
            refusal.label()
        }
    };
    hub.metrics.refused.with_label_values(&[reason]).inc();
    tracing::debug!(reason, "connection refused");
    line.close().await;
}
