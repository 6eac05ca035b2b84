//! Runs other programs, and says what it runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Where [`crate::setup`] puts a Node of the tests' own, below the top.
pub(crate) const NODE_FOLDER: &str = "target/node/node_modules/node/bin";

/// The top of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Says a line to the developer.
#[expect(clippy::print_stderr, reason = "a developer tool talks to its terminal")]
pub(crate) fn say(line: &str) {
    eprintln!("xtask: {line}");
}

/// Runs a program in a folder below the top and fails when it fails.
pub(crate) fn program(folder: &str, name: &str, arguments: &[&str]) -> Result<()> {
    program_with(folder, name, arguments, &[])
}

/// Like [`program`], with environment variables added.
pub(crate) fn program_with(folder: &str, name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let line = format!("{name} {}", arguments.join(" "));
    say(&format!("{line}   (in ./{folder})"));
    let started = Instant::now();
    let status = Command::new(name)
        .args(arguments)
        .env("PATH", path()?)
        .envs(variables.iter().copied())
        .current_dir(root().join(folder))
        .status()
        .with_context(|| {
            format!("cannot start {name}: is it installed? `cargo xtask setup` installs what tests need")
        })?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    say(&format!("{line}: ok after {:.0} s", started.elapsed().as_secs_f64()));
    Ok(())
}

/// True when a program of this name is found.
pub(crate) fn is_installed(name: &str) -> bool {
    path().is_ok_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

/// Where programs are looked for: the tests' own Node first, if the system's was too old.
pub(crate) fn path() -> Result<OsString> {
    let system = std::env::var_os("PATH").unwrap_or_default();
    let own = [root().join(NODE_FOLDER)].into_iter().filter(|folder| folder.is_dir());
    let folders = own.chain(std::env::split_paths(&system)).chain(["/usr/sbin".into(), "/sbin".into()]);
    std::env::join_paths(folders).context("a folder in PATH has a colon in its name")
}
