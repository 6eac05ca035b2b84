//! Puts the whole service together: opens store and bus, starts the roles, stops them in order.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alerting::Policy;
use anyhow::{Context, Result, bail};
use broker::Directory;
use bus::Bus;
use ctg::Timestamp;
use prometheus::{IntCounterVec, Opts, Registry};
use storage::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{self, BrokerKind, Config, StoreKind};
use crate::console::say;
use crate::metrics::RoleMetrics;
use crate::secret::{self, Secret};
use crate::supervise::supervise;
use crate::{demo, readiness};

/// The SQLite file in the data directory.
const STORE_FILE: &str = "maia.db";
/// Under which name the broker keeps the session of the intake.
const INGEST_CLIENT: &str = "maia-ingest";
/// Time between two readings of the registered devices: a revoked device is cut off within it.
const DIRECTORY_EVERY: Duration = Duration::from_secs(1);
/// Most devices that may be connected to the embedded endpoint at once.
const CONNECTIONS_MAX: usize = 50_000;
/// A block that arrives later than this after its last sample is late.
const LATE_AFTER_S: u32 = 10;
/// Longest time that a role may take to stop; what it has not finished is still in the devices.
const STOP_MAX: Duration = Duration::from_secs(10);

/// The time by this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
}

/// Makes the data directory, for the service's user only.
pub(crate) fn prepare_data_directory(config: &Config) -> Result<()> {
    let directory = &config.data.directory;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).with_context(|| {
        format!("cannot make the data directory {}: set data.directory to a writable place", directory.display())
    })
}

/// Opens the configured store.
pub(crate) async fn open_store(config: &Config) -> Result<Store> {
    prepare_data_directory(config)?;
    let url = match config.store.kind {
        StoreKind::Embedded => format!("sqlite:{}", config.data.directory.join(STORE_FILE).display()),
        StoreKind::Postgres => std::env::var(config::STORE_URL_VARIABLE).with_context(|| {
            format!(
                "store.kind is \"postgres\": put its URL into the environment variable {}",
                config::STORE_URL_VARIABLE
            )
        })?,
    };
    Store::open(&url)
        .await
        .context("cannot open the store: check that its disk is writable, or that its server answers")
}

/// Runs everything until Ctrl-C or SIGTERM; `simulate` adds the simulated women of the demonstration.
pub(crate) async fn run(config: Config, simulate: bool) -> Result<()> {
    let policy = policy(&config)?;
    let store = open_store(&config).await?;
    let code = secret::access_code(&config.data.directory)?;
    let page = TcpListener::bind(config.gateway.address).await.with_context(|| {
        format!("cannot listen on {}: stop what uses it, or set gateway.address", config.gateway.address)
    })?;
    let station = page.local_addr()?;
    let parts = Parts::new(store.clone(), policy)?;
    let mqtt = parts.start_broker(&config).await?;
    parts.start_ingest(&mqtt)?;
    parts.start_surveillance()?;
    parts.start_gateway(&config, page, &code)?;
    announce(&config, station, mqtt.address, &code, simulate);
    let simulation = if simulate { Some(parts.start_simulation(mqtt.address).await?) } else { None };
    stopped().await?;
    say("Stopping: finishing what is being stored (Ctrl-C again ends at once)");
    tokio::select! {
        () = parts.stop(simulation) => {}
        again = stopped() => return again,
    }
    store.close().await;
    say("Stopped. Everything that devices were told is stored is on disk.");
    Ok(())
}

/// What the roles share, and the roles that run.
struct Parts {
    store: Store,
    bus: Bus,
    policy: Policy,
    page: Registry,
    restarts: IntCounterVec,
    health: watch::Sender<ingest::Health>,
    roles: std::sync::Mutex<Vec<Role>>,
    simulation: CancellationToken,
}

/// A role that runs, and how to stop it.
struct Role {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Where the intake finds the broker, and how it logs in.
struct Mqtt {
    address: SocketAddr,
    username: String,
    secret: Secret,
}

impl Parts {
    fn new(store: Store, policy: Policy) -> Result<Self> {
        let page = Registry::new();
        let restarts = IntCounterVec::new(
            Opts::new("maia_role_restarts_total", "Times that a role ended by itself and was started again"),
            &["role"],
        )?;
        page.register(Box::new(restarts.clone()))?;
        Ok(Self {
            store,
            bus: Bus::in_process(),
            policy,
            page,
            restarts,
            health: watch::Sender::new(ingest::Health::default()),
            roles: std::sync::Mutex::default(),
            simulation: CancellationToken::new(),
        })
    }

    /// Runs a role under supervision.
    fn start<F>(&self, name: &'static str, mut work: impl FnMut(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task = supervise(name, self.restarts.clone(), stop.clone(), move |stop| tokio::spawn(work(stop)));
        self.roles.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(Role { stop, task });
    }

    async fn start_broker(&self, config: &Config) -> Result<Mqtt> {
        if config.broker.kind == BrokerKind::External {
            let secret = std::env::var(config::BROKER_SECRET_VARIABLE).with_context(|| {
                format!("broker.kind is \"external\": put Maia's secret there into {}", config::BROKER_SECRET_VARIABLE)
            })?;
            let username = config.broker.username.clone();
            return Ok(Mqtt { address: config.broker.address, username, secret: Secret::from_text(secret) });
        }
        let secret = Secret::random()?;
        let service = broker::ServiceCredentials {
            client_id: INGEST_CLIENT.to_owned(),
            username: config.broker.username.clone(),
            digest: secret.digest().0,
        };
        let mut endpoint = broker::Config {
            address: config.broker.address,
            service,
            connections_max: CONNECTIONS_MAX,
            packet_rate: broker::PacketRate {
                per_second: config.broker.packets_per_second,
                burst: config.broker.packets_burst,
            },
        };
        let (sender, devices) = watch::channel(directory(&self.store).await?);
        let metrics = broker::Metrics::new(&self.page)?;
        let first = broker::bind(endpoint.clone(), devices.clone(), metrics.clone()).await?;
        endpoint.address = first.local_addr();
        let mqtt = Mqtt { address: endpoint.address, username: config.broker.username.clone(), secret };
        let mut first = Some(first);
        self.start("broker", move |stop| {
            let (first, endpoint, devices, metrics) =
                (first.take(), endpoint.clone(), devices.clone(), metrics.clone());
            async move {
                let broker = match first {
                    Some(broker) => broker,
                    None => broker::bind(endpoint, devices, metrics).await?,
                };
                broker.run(stop).await;
                Ok(())
            }
        });
        self.start_directory(sender);
        Ok(mqtt)
    }

    /// Keeps the endpoint's directory of devices as the store has it.
    fn start_directory(&self, sender: watch::Sender<Directory>) {
        let store = self.store.clone();
        self.start("directory", move |stop| {
            let (store, sender) = (store.clone(), sender.clone());
            async move {
                while stop.run_until_cancelled(tokio::time::sleep(DIRECTORY_EVERY)).await.is_some() {
                    match directory(&store).await {
                        Ok(newest) => {
                            sender.send_if_modified(|known| {
                                let changed = *known != newest;
                                *known = newest;
                                changed
                            });
                        }
                        Err(error) => tracing::warn!(error = format!("{error:#}"), "devices cannot be read"),
                    }
                }
                Ok(())
            }
        });
    }

    fn start_ingest(&self, mqtt: &Mqtt) -> Result<()> {
        let config = ingest::Config {
            host: mqtt.address.ip().to_string(),
            port: mqtt.address.port(),
            client_id: INGEST_CLIENT.to_owned(),
            username: mqtt.username.clone(),
            secret: mqtt.secret.reveal().to_owned(),
        };
        let metrics = ingest::Metrics::new(&self.page)?;
        let (bus, store, health) = (self.bus.clone(), self.store.clone(), self.health.clone());
        self.start("ingest", move |stop| {
            let (config, metrics) = (config.clone(), metrics.clone());
            let (bus, store, health) = (bus.clone(), store.clone(), health.clone());
            async move { Ok(ingest::run(config, bus, store, metrics, health, stop).await?) }
        });
        Ok(())
    }

    fn start_surveillance(&self) -> Result<()> {
        let metrics = surveillance::Metrics::new(&self.page)?;
        let (bus, store, policy) = (self.bus.clone(), self.store.clone(), self.policy.clone());
        self.start("surveillance", move |stop| {
            let config = surveillance::Config { policy: policy.clone(), signal: signal::Settings::published() };
            let (bus, store, metrics) = (bus.clone(), store.clone(), metrics.clone());
            async move { Ok(surveillance::run(config, store, bus, metrics, stop).await?) }
        });
        Ok(())
    }

    fn start_gateway(&self, config: &Config, page: TcpListener, code: &Secret) -> Result<()> {
        let (address, origins, tls) = (page.local_addr()?, config.gateway.origins.clone(), config.gateway.behind_tls);
        let (bus, store, policy) = (self.bus.clone(), self.store.clone(), self.policy.clone());
        let (code, unready) = (code.reveal().to_owned(), readiness::unready(self.health.subscribe()));
        let (common, own) = (self.page.clone(), RoleMetrics::new("gateway", &self.page)?);
        let mut page = Some(page);
        self.start("gateway", move |stop| {
            let config = gateway::Config {
                access_code: code.clone(),
                origins: origins.clone(),
                tls,
                service: env!("CARGO_PKG_VERSION").to_owned(),
                late_after_s: LATE_AFTER_S,
                policy: policy.clone(),
                unready: unready.clone(),
            };
            let (bus, store, page) = (bus.clone(), store.clone(), page.take());
            let (common, own) = (common.clone(), own.renew());
            async move {
                let page = match page {
                    Some(page) => page,
                    None => TcpListener::bind(address).await?,
                };
                Ok(gateway::run(config, page, store, bus, common, own, stop).await?)
            }
        });
        Ok(())
    }

    async fn start_simulation(&self, broker: SocketAddr) -> Result<JoinHandle<()>> {
        let fleet = demo::prepare(&self.store, broker).await?;
        Ok(tokio::spawn(demo::play(fleet, self.simulation.clone())))
    }

    /// Stops the roles, last started first, each within its time.
    async fn stop(&self, simulation: Option<JoinHandle<()>>) {
        self.simulation.cancel();
        if let Some(playing) = simulation {
            let _ = tokio::time::timeout(STOP_MAX, playing).await;
        }
        let roles = std::mem::take(&mut *self.roles.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        for role in roles.into_iter().rev() {
            role.stop.cancel();
            if tokio::time::timeout(STOP_MAX, role.task).await.is_err() {
                tracing::error!("a role did not stop in time; what it had not stored is still in the devices");
            }
        }
    }
}

/// The alert policy in force.
fn policy(config: &Config) -> Result<Policy> {
    let name = &config.surveillance.policy;
    let text = match name.as_str() {
        "default" => surveillance::policy_file::DEFAULT.to_owned(),
        path => std::fs::read_to_string(path).with_context(|| format!("cannot read the alert policy {path}"))?,
    };
    match surveillance::policy_file::parse(&text) {
        Ok(policy) => Ok(policy),
        Err(error) => bail!("alert policy «{name}»: {error}"),
    }
}

async fn directory(store: &Store) -> Result<Directory> {
    let devices = store.devices().await?;
    Ok(devices.into_iter().map(|(device, digest)| (device.id, digest.0)).collect())
}

/// Waits for Ctrl-C or SIGTERM.
async fn stopped() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn announce(config: &Config, station: SocketAddr, mqtt: SocketAddr, code: &Secret, simulate: bool) {
    say(&format!("Maia {}: remote fetal heart-rate monitoring. Decision support only.", env!("CARGO_PKG_VERSION")));
    say(&format!("  data      {}", config.data.directory.display()));
    say(&format!("  devices   mqtt://{mqtt}"));
    if simulate {
        say("  no configuration given: a demonstration with simulated women (see `maia --help`)");
    }
    say(&format!("  station   http://{station}/#code={}", code.reveal()));
    say("Open the station's address in a browser. Ctrl-C stops the service.");
}
