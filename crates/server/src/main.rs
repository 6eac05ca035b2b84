//! The binary `maia`: configuration, roles, supervision.
#![forbid(unsafe_code)]

mod analyze;
mod cli;
mod config;
mod console;
mod demo;
mod devices;
mod log;
mod metrics;
mod readiness;
mod secret;
mod service;
mod supervise;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use cli::{Arguments, Command, ConfigCommand};
use config::Config;
use console::say;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        None | Some(Command::Run) => run(arguments.config.as_deref()),
        Some(Command::Config(ConfigCommand::Print)) => {
            say(config::DEFAULT_FILE.trim_end());
            Ok(())
        }
        Some(Command::Config(ConfigCommand::Check { file })) => {
            config::read(&file)?;
            say(&format!("{} is a good configuration", file.display()));
            Ok(())
        }
        Some(Command::Analyze(arguments)) => return Ok(analyze::run(&arguments)),
        Some(Command::AccessCode) => {
            let config = configuration(arguments.config.as_deref())?;
            service::prepare_data_directory(&config)?;
            say(secret::access_code(&config.data.directory)?.reveal());
            Ok(())
        }
        Some(Command::Device(command)) => {
            let config = configuration(arguments.config.as_deref())?;
            block_on(devices::run(&config, command))
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// Runs the whole service; without a configuration file, as a demonstration.
fn run(file: Option<&std::path::Path>) -> Result<()> {
    let config = configuration(file)?;
    log::start(&config.log)?;
    block_on(service::run(config, file.is_none()))
}

/// The configuration of a file, or that of the demonstration.
fn configuration(file: Option<&std::path::Path>) -> Result<Config> {
    Ok(match file {
        Some(file) => config::read(file)?,
        None => demo::configuration(config::defaults()?),
    })
}

fn block_on(future: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(future)
}
