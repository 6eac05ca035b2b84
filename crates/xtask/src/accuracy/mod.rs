//! `cargo xtask accuracy`: the released program over the corpora, their own scorers, and docs/accuracy.md.

mod measure;
mod page;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{program, root, say};
use crate::setup;

/// The environment variable that says where the corpora lie.
const VARIABLE: &str = "MAIA_CTG_DIR";
/// Where the results of the program lie, below the top.
const RESULTS: &str = "target/accuracy";
/// The page that is written, below the top.
const PAGE: &str = "docs/accuracy.md";

/// Measures everything, prints it and writes the page.
pub(crate) fn run() -> Result<()> {
    let corpora = corpora()?;
    setup::python()?;
    program("", "cargo", &["build", "--release", "-p", "server", "-p", "accuracy"])?;
    let bench = measure::Bench { corpora, results: root().join(RESULTS), programs: programs() };
    let page = page::markdown(&bench)?;
    print(&page);
    let path = root().join(PAGE);
    std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("written to {PAGE}"));
    Ok(())
}

fn corpora() -> Result<PathBuf> {
    let folder = std::env::var_os(VARIABLE).map_or_else(|| root().join("../shared/ctg"), PathBuf::from);
    if !folder.join("tools/score.py").is_file() {
        bail!("no recordings and scorers in {}: set {VARIABLE} to where they lie", folder.display());
    }
    folder.canonicalize().context("the folder of recordings cannot be resolved")
}

/// Where cargo puts released programs.
fn programs() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new("target").to_owned(), PathBuf::from);
    root().join(target).join("release")
}

#[expect(clippy::print_stdout, reason = "the tables are the result of this developer tool")]
fn print(page: &str) {
    println!("{page}");
}
