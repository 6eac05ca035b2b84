//! `fleet`: simulated home devices on the command line.
#![forbid(unsafe_code)]

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{Parser, Subcommand};
use ctg::DeviceId;
use fleet::{Address, DeviceConfig, Fleet, FleetConfig, FleetReport, Outage, Progress};
use recordings::{Artifact, Fetus, Woman};
use tokio_util::sync::CancellationToken;
use wire::device::Encoding;

/// Different women that synthetic devices share, so that thousands of devices need little memory.
const SYNTHETIC_WOMEN: usize = 16;
/// A line of progress is written this often.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Simulated home devices: women with belts, over real MQTT, with buffers that lose nothing.
///
/// Each device keeps what it measured until the service says that it is stored, loses its connection when
/// told to, and comes back. Ends when every device has nothing left to send, or on Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "fleet", version, after_help = EXAMPLES)]
struct Arguments {
    /// Where the broker listens.
    #[arg(long, global = true, value_name = "HOST:PORT", default_value = "127.0.0.1:1883")]
    broker: String,
    /// File with one device per line: its name, a space, its secret (as `maia device add` printed it).
    #[arg(long, global = true, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// Without --secrets: secret of every device, for brokers that let anybody in. Devices are named sim-1, sim-2, …
    #[arg(
        long,
        global = true,
        value_name = "SECRET",
        env = "FLEET_SECRET",
        default_value = "",
        hide_env_values = true
    )]
    secret: String,
    /// Seconds of recording per second of play, 1 to 60. A faster recording began in the past and ends now,
    /// so that all but its end arrives late.
    #[arg(long, global = true, default_value_t = 1.0)]
    speed: f64,
    /// Length of a block in milliseconds: 250 to 60000.
    #[arg(long, global = true, value_name = "MS", default_value_t = DeviceConfig::BLOCK_LENGTH_MS)]
    block_ms: u16,
    /// Write payloads in JSON instead of CBOR.
    #[arg(long, global = true)]
    json: bool,
    /// Minutes that are already recorded, and unsent, when a device first connects.
    #[arg(long, global = true, value_name = "MINUTES", default_value_t = 0.0)]
    history: f64,
    /// Let every device lose its connection: second of play, colon, seconds away. May be repeated.
    #[arg(long, global = true, value_name = "AT:FOR")]
    outage: Vec<String>,
    /// Let devices begin one after the other over so many seconds.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 0.0)]
    spread: f64,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Nine women who each show something else, such as twins, poor signal or a prolonged deceleration.
    Demo,
    /// Any number of healthy and less healthy women.
    Synthetic {
        /// How many devices.
        #[arg(long, short, default_value_t = 10)]
        devices: usize,
        /// Length of each recording in minutes.
        #[arg(long, default_value_t = 60.0)]
        minutes: f64,
        /// Changes what the women show.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Recordings from files, one device each: CSV (t_s,fhr_bpm,toco[,fhr2_bpm]) or WFDB (.hea with its .dat).
    Replay {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

const EXAMPLES: &str = "\
Examples:
  fleet demo                                        nine women on a broker that lets anybody in
  fleet --secrets belts.txt replay a.csv 1001.hea   two files on the first two devices of belts.txt
  fleet --speed 60 --spread 30 synthetic -d 500     five hundred devices, an hour each in a minute
  fleet --outage 60:90 --history 12 synthetic -d 1  one that goes away for 90 s and brings its buffer";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let colored = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter()).with_writer(std::io::stderr).with_ansi(colored).init();
    let arguments = Arguments::parse();
    let config = FleetConfig {
        broker: address(&arguments.broker)?,
        devices: devices(&arguments)?,
        spread: seconds(arguments.spread)?,
    };
    tracing::info!(devices = config.devices.len(), broker = arguments.broker, "fleet begins; Ctrl-C ends it");
    let fleet = Fleet::new(config)?;
    let stop = CancellationToken::new();
    let watch = tokio::spawn(watch(fleet.progress(), stop.clone()));
    let report = fleet.play(stop.clone()).await;
    stop.cancel();
    watch.await?;
    tell(&report);
    Ok(())
}

fn filter() -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into())
}

/// Writes progress until the fleet stops, and stops it on Ctrl-C.
async fn watch(progress: Progress, stop: CancellationToken) {
    let mut tick = tokio::time::interval(PROGRESS_EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => tell(&FleetReport { devices: progress.snapshot() }),
            () = stop.cancelled() => return,
            _ = tokio::signal::ctrl_c() => stop.cancel(),
        }
    }
}

fn tell(report: &FleetReport) {
    let sum = |count: fn(&fleet::DeviceReport) -> u32| report.devices.iter().map(|d| u64::from(count(d))).sum::<u64>();
    tracing::info!(
        measured = sum(|device| device.measured),
        published = report.published(),
        stored = report.covered(),
        refused = sum(|device| device.refused),
        connections = sum(|device| device.connections),
        failures = sum(|device| device.failures),
        complete = sum(|device| device.complete.into()),
        last_error = report.devices.iter().find_map(|device| device.last_error.as_deref()),
        "blocks"
    );
}

fn address(text: &str) -> anyhow::Result<Address> {
    let (host, port) = text.rsplit_once(':').with_context(|| format!("--broker {text}: write HOST:PORT"))?;
    let port = port.parse().with_context(|| format!("--broker {text}: port must be 1 to 65535"))?;
    Ok(Address { host: host.trim_matches(['[', ']']).to_owned(), port })
}

fn seconds(value: f64) -> anyhow::Result<Duration> {
    Duration::try_from_secs_f64(value).context("seconds must be zero or more")
}

fn devices(arguments: &Arguments) -> anyhow::Result<Vec<DeviceConfig>> {
    let secrets = arguments.secrets.as_ref().map(read_secrets).transpose()?;
    let outages = arguments.outage.iter().map(|text| outage(text)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut devices = match &arguments.what {
        What::Demo => demo(secrets.as_deref(), &arguments.secret)?,
        What::Synthetic { devices, minutes, seed } => {
            let traces = synthetic(*devices, *minutes, *seed);
            let traces = (0..*devices).map(|number| traces[number % traces.len()].clone()).collect();
            assign(traces, secrets, &arguments.secret)?
        }
        What::Replay { files } => {
            let read = |file: &PathBuf| Ok(Arc::new(fleet::read_recording(file)?));
            assign(files.iter().map(read).collect::<anyhow::Result<_>>()?, secrets, &arguments.secret)?
        }
    };
    for device in &mut devices {
        device.encoding = if arguments.json { Encoding::Json } else { Encoding::Cbor };
        device.block_length_ms = arguments.block_ms;
        device.outages.extend(&outages);
        if !device.repeat {
            device.speed = arguments.speed;
            device.history_s = arguments.history * 60.0;
        }
        let live_per_second = device.speed * 1000.0 / f64::from(arguments.block_ms.max(1));
        device.packets_per_second = device.packets_per_second.max(live_per_second * 2.0);
    }
    Ok(devices)
}

fn demo(secrets: Option<&[(DeviceId, String)]>, secret: &str) -> anyhow::Result<Vec<DeviceConfig>> {
    let devices = fleet::demo_devices(|id| match secrets {
        Some(secrets) => secrets.iter().find(|(known, _)| known == id).map(|(_, secret)| secret.clone()),
        None => Some(secret.to_owned()),
    });
    ensure!(!devices.is_empty(), "--secrets names no demo device, such as sim-normal");
    Ok(devices)
}

fn assign(
    traces: Vec<Arc<recordings::Trace>>,
    secrets: Option<Vec<(DeviceId, String)>>,
    secret: &str,
) -> anyhow::Result<Vec<DeviceConfig>> {
    let named = match secrets {
        Some(secrets) => secrets,
        None => (1..=traces.len())
            .map(|number| Ok((format!("sim-{number}").parse()?, secret.to_owned())))
            .collect::<anyhow::Result<_>>()?,
    };
    ensure!(named.len() >= traces.len(), "--secrets names {} devices, but {} are needed", named.len(), traces.len());
    Ok(traces.into_iter().zip(named).map(|(trace, (id, secret))| DeviceConfig::new(id, secret, trace)).collect())
}

fn read_secrets(path: &PathBuf) -> anyhow::Result<Vec<(DeviceId, String)>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut secrets = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || format!("{}, line {}", path.display(), index + 1);
        let Some((id, secret)) = line.trim().split_once(char::is_whitespace) else {
            bail!("{}: write the device's name, a space, its secret", place());
        };
        secrets.push((id.parse().with_context(place)?, secret.trim().to_owned()));
    }
    Ok(secrets)
}

fn outage(text: &str) -> anyhow::Result<Outage> {
    let wrong = || format!("--outage {text}: write the second of play, a colon, the seconds away, such as 60:90");
    let (at, duration) = text.split_once(':').with_context(wrong)?;
    let outage = Outage {
        at_s: at.parse().with_context(wrong)?,
        duration_s: duration.parse().with_context(wrong)?,
        silent: false,
    };
    Ok(outage)
}

/// Women of many kinds; each device plays one of them.
fn synthetic(devices: usize, minutes: f64, seed: u64) -> Vec<Arc<recordings::Trace>> {
    let duration_s = minutes * 60.0;
    let woman = |number: usize| {
        let share = number as f64 / SYNTHETIC_WOMEN as f64;
        let mut fetus = Fetus::new(120.0 + 35.0 * share)
            .variability(6.0 + 12.0 * share, 0.8)
            .dropouts(0.02 + 0.1 * share)
            .accelerations_every(60.0 + 30.0 * share, 180.0 + 200.0 * share, 18.0, duration_s);
        if number % 4 == 1 {
            fetus = fetus.variable_deceleration(duration_s * 0.4, 45.0, 40.0);
        }
        if number % 4 == 2 {
            fetus = fetus.artifact(Artifact::Loss, duration_s * 0.3, 60.0);
        }
        let woman = Woman::new(seed.wrapping_add(number as u64), duration_s).fetus(fetus);
        Arc::new(woman.contractions_every(90.0, 240.0, 70.0, 45.0).record().trace)
    };
    (0..devices.clamp(1, SYNTHETIC_WOMEN)).map(woman).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_example_of_the_help_can_be_typed() {
        Arguments::command().debug_assert();
        let examples = EXAMPLES.lines().filter_map(|line| line.split("  ").find(|part| part.starts_with("fleet ")));
        let parsed: Vec<_> = examples.map(|line| Arguments::try_parse_from(line.split(' ')).unwrap()).collect();
        assert_eq!(parsed.len(), 4);
    }

    #[test]
    fn synthetic_devices_get_names_and_share_women() {
        let arguments =
            Arguments::parse_from(["fleet", "--outage", "60:90", "synthetic", "-d", "40", "--minutes", "1"]);
        let devices = devices(&arguments).unwrap();
        assert_eq!((devices.len(), devices[39].id.as_str()), (40, "sim-40"));
        assert!(Arc::ptr_eq(&devices[0].trace, &devices[16].trace));
        assert_eq!(devices[0].outages, [Outage { at_s: 60.0, duration_s: 90.0, silent: false }]);
    }

    #[test]
    fn mistakes_are_answered_with_what_to_write() {
        let answer = |arguments: &[&str]| devices(&Arguments::parse_from(arguments)).unwrap_err().to_string();
        assert!(answer(&["fleet", "--outage", "60", "demo"]).contains("such as 60:90"));
        assert!(answer(&["fleet", "replay", "a.txt"]).contains("must end in .csv"));
        assert!(address("localhost").unwrap_err().to_string().contains("HOST:PORT"));
        assert_eq!(address("[::1]:1883").unwrap(), Address { host: "::1".into(), port: 1883 });
    }
}
