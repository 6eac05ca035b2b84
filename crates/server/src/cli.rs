//! What `maia` understands on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::analyze;

/// Remote fetal heart-rate monitoring: devices at home, a station for midwives, alerts that somebody answers.
///
/// Without a subcommand the whole service runs in this process. Without `--config` it is a demonstration: it keeps
/// its data apart, in ./maia-demo, and simulated women at home connect to it.
///
/// Decision support only: the clinician decides. Maia is not a registered medical device.
#[derive(Debug, Parser)]
#[command(name = "maia", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Configuration file; `maia config print` writes a commented one to start from.
    #[arg(long, short, global = true, value_name = "FILE", env = "MAIA_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  maia                                    try it: everything in one process, with simulated women
  maia config print > maia.toml           write a commented configuration
  maia --config maia.toml                 run for real devices
  maia --config maia.toml device add belt-07 --label \"Room 3, bed 2\"
                                          register a device; prints its secret once";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole service; the same as no subcommand.
    Run,
    /// Register devices, give them new secrets, bar them.
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Print or check configuration files.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Analyze recorded files: findings, rule answers and a page for each.
    Analyze(analyze::Arguments),
    /// Print the station's access code, with which people open the station.
    AccessCode,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Register a device, or give a known one a new secret; prints the secret, which is stored nowhere.
    Add {
        /// Name of the device in MQTT topics: 1 to 64 letters, digits, '-' or '_'. Never a person's name.
        device: String,
        /// What the ward calls it, such as a bed code. Never a person's name.
        #[arg(long)]
        label: Option<String>,
        /// Mark everything from this device as simulated.
        #[arg(long)]
        simulated: bool,
    },
    /// List the devices that may connect.
    List,
    /// Bar a device; a live connection is cut within seconds, its recordings stay.
    Revoke {
        /// Name of the device.
        device: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the commented default configuration.
    Print,
    /// Check a configuration file and start nothing.
    Check {
        /// The file.
        file: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_subcommand_explains_itself() {
        fn check(command: &clap::Command) {
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                assert!(sub.get_about().is_some(), "{} has no help", sub.get_name());
                check(sub);
            }
        }
        check(&Arguments::command());
    }
}
