//! Developer tasks. `cargo xtask --help` lists them.
#![forbid(unsafe_code)]

mod accuracy;
mod run;
mod setup;
mod test;

use clap::{Parser, Subcommand};

/// Developer tasks of Maia.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need: Debian packages, npm packages, the Python client's packages.
    Setup,
    /// Everything that CI runs: set-up, formatting, lints, web page, all tests. About half an hour on two cores.
    Test {
        /// Run only these steps, in their usual order; see `cargo xtask test --list`.
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// Name the steps and stop.
        #[arg(long)]
        list: bool,
    },
    /// The quick part of `test`: formatting, lints, architecture rules.
    Check,
    /// Measure agreement with experts and published methods; prints the tables and writes docs/accuracy.md.
    Accuracy,
    /// Build the web page into crates/gateway/web/dist, which the binary embeds.
    Web,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.task {
        Task::Setup => setup::everything(),
        Task::Test { list: true, .. } => {
            test::list();
            Ok(())
        }
        Task::Test { only, list: false } => test::run(&only),
        Task::Check => test::run(&["format", "lint", "tidy"].map(str::to_owned)),
        Task::Accuracy => accuracy::run(),
        Task::Web => test::run(&["web-setup", "web-build"].map(str::to_owned)),
    }
}
