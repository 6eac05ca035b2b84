//! Programs that are no part of the project: found, or named in the error.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

/// Top of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The Python of the example client, with its packages.
pub fn python() -> Result<PathBuf> {
    let python = root().join("target/python/bin/python");
    ensure!(python.is_file(), "{} is missing: run `cargo xtask setup`", python.display());
    Ok(python)
}

/// Runs a browser story with Node; `arguments` reach it as its command line.
pub fn browser_story(file: &str, arguments: &[&str]) -> Result<Output> {
    let folder = root().join("tests/end-to-end/browser");
    ensure!(
        folder.join("node_modules/playwright-core").is_dir(),
        "playwright-core is missing in {}: run `cargo xtask setup`",
        folder.display()
    );
    Command::new("node")
        .arg(file)
        .args(arguments)
        .current_dir(&folder)
        .output()
        .context("cannot start node: run `cargo xtask setup`")
}
