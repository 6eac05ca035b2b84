//! Benchmarks of the whole service: real processes, real MQTT, real browser, everything on this machine.
//!
//! Build first: `cargo build --release --workspace`. Figures depend on the machine and on what else it
//! does; compare only figures of one run.
#![forbid(unsafe_code)]

mod capacity;
mod pixels;
mod process;

use clap::{Parser, Subcommand};

/// Benchmarks of the whole service.
#[derive(Parser)]
#[command(name = "load", version)]
struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    /// N devices at one block a second: processor time, memory and disk of the service, and what was stored.
    Capacity {
        /// Numbers of devices, one run each.
        #[arg(long, value_delimiter = ',', default_value = "100,1000,4000")]
        devices: Vec<usize>,
        /// Length of each measurement, in seconds, after ten seconds of warming up.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// From the measurement of a sample to its pixel in headless Chromium, with the women of the demonstration.
    Pixels {
        /// Length of the measurement, in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().benchmark {
        Benchmark::Capacity { devices, seconds } => capacity::run(&devices, seconds).await,
        Benchmark::Pixels { seconds } => pixels::run(seconds).await,
    }
}
