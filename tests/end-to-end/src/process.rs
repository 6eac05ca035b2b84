//! A running `maia` of one's own, in a directory of its own, on ports of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How long a start may take on a busy machine of two cores.
const START_MAX: Duration = Duration::from_secs(60);
/// How long a clean stop may take.
const STOP_MAX: Duration = Duration::from_secs(30);
/// How often a condition is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Configuration and data of one service; survives its processes.
pub struct Site {
    directory: tempfile::TempDir,
    /// Where devices connect.
    pub mqtt: SocketAddr,
    /// Where the station is served.
    pub http: SocketAddr,
}

/// One process of the service; killed when dropped.
pub struct Maia {
    child: Child,
}

impl Site {
    /// A new, empty site with free ports; `extra` is added to its configuration.
    pub fn new(extra: &str) -> Result<Self> {
        let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
        let (mqtt, http) = (free_port()?, free_port()?);
        let data = directory.path().join("data");
        let config = format!(
            "[data]\ndirectory = {data:?}\n[broker]\naddress = \"{mqtt}\"\npackets_per_second = 10000\n\
             packets_burst = 100000\n[gateway]\naddress = \"{http}\"\n{extra}\n",
        );
        std::fs::write(directory.path().join("maia.toml"), config)?;
        Ok(Self { directory, mqtt, http })
    }

    /// The site's configuration file.
    pub fn config(&self) -> PathBuf {
        self.directory.path().join("maia.toml")
    }

    /// A file in the site's directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// URL of the site's store.
    pub fn store_url(&self) -> String {
        format!("sqlite:{}", self.directory.path().join("data").join("maia.db").display())
    }

    /// Runs `maia` with arguments to its end; gives what it printed.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(binary("maia")?).arg("--config").arg(self.config()).args(arguments).output()?;
        ensure!(
            output.status.success(),
            "maia {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Registers a device; gives its secret.
    pub fn add_device(&self, device: &str, label: &str) -> Result<String> {
        let printed = self.command(&["device", "add", device, "--label", label])?;
        let secret = printed.lines().find_map(|line| line.strip_prefix("secret:")).map(str::trim);
        secret.map(str::to_owned).with_context(|| format!("no secret in what `device add` printed: {printed}"))
    }

    /// The station's access code.
    pub fn access_code(&self) -> Result<String> {
        Ok(self.command(&["access-code"])?.trim().to_owned())
    }

    /// Starts the service and waits until it is ready; its log goes to `maia.log` in the site's directory.
    pub fn start(&self) -> Result<Maia> {
        let maia = self.start_unready()?;
        self.wait_ready()?;
        Ok(maia)
    }

    /// Starts the service and does not wait.
    pub fn start_unready(&self) -> Result<Maia> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.directory.path().join("maia.log"))?;
        let child = Command::new(binary("maia")?)
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start maia")?;
        Ok(Maia { child })
    }

    /// Waits until `/readyz` says yes.
    pub fn wait_ready(&self) -> Result<()> {
        wait_until(START_MAX, || http_status(self.http, "/readyz").is_ok_and(|status| status == 200))
            .with_context(|| format!("maia is not ready; its log ends:\n{}", self.log_tail()))
    }

    /// The last lines of the service's log.
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.directory.path().join("maia.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Maia {
    /// Ends the process at once, as `kill -9` does.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks the process to stop, as Ctrl-C does, and demands that it stops cleanly.
    pub fn stop(mut self) -> Result<()> {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status()?;
        ensure!(status.success(), "cannot signal maia");
        let started = Instant::now();
        while started.elapsed() < STOP_MAX {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "maia stopped with {status}");
                return Ok(());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        bail!("maia did not stop within {STOP_MAX:?} of Ctrl-C")
    }
}

impl Drop for Maia {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is true.
pub fn wait_until(max: Duration, mut is_true: impl FnMut() -> bool) -> Result<()> {
    let started = Instant::now();
    while !is_true() {
        ensure!(started.elapsed() < max, "waited {max:?} in vain");
        std::thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

/// A program of this workspace: beside the running one, or beside the folder of the running test.
pub fn binary(name: &str) -> Result<PathBuf> {
    let running = std::env::current_exe()?;
    let found = running.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| format!("{name} is not built: run `cargo build --workspace` first"))
}

/// A loopback address that nobody listens on.
pub fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// SHA-256 of a secret, as the store keeps it.
pub fn digest(secret: &str) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(secret.as_bytes()).into()
}

/// Status code of a GET over plain HTTP.
pub fn http_status(address: SocketAddr, path: &str) -> Result<u16> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(std::str::from_utf8(&head[9..12])?.parse()?)
}
