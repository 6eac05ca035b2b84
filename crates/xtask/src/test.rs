//! The steps of the test command, in order.

use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::run::{program, program_with, say};
use crate::setup;

/// One step of the test command.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "setup", about: "install missing Debian packages", run: setup::debian },
    Step { name: "format", about: "rustfmt", run: || program("", "cargo", &["fmt", "--all", "--check"]) },
    Step { name: "web-setup", about: "npm packages of the web page", run: setup::web },
    Step { name: "web-build", about: "bundle the web page", run: || program(setup::WEB, "npm", &["run", "build"]) },
    Step { name: "web-fresh", about: "the committed bundle is what its source builds", run: web_fresh },
    Step { name: "web-check", about: "TypeScript types", run: || program(setup::WEB, "npm", &["run", "check"]) },
    Step { name: "web-test", about: "unit tests of the web page", run: || program(setup::WEB, "npm", &["test"]) },
    Step { name: "lint", about: "clippy, warnings are errors", run: lint },
    Step { name: "tidy", about: "architecture rules", run: || program("", "cargo", &["test", "-p", "tidy"]) },
    Step { name: "docs", about: "rustdoc, warnings are errors", run: docs },
    Step { name: "test-setup", about: "npm and Python packages of the end-to-end tests", run: setup::everything },
    Step { name: "build", about: "every program", run: || program("", "cargo", &["build", "--workspace"]) },
    Step { name: "test", about: "unit, contract, simulation and end-to-end tests", run: test },
];

/// Names the steps.
pub(crate) fn list() {
    for step in STEPS {
        say(&format!("{:14} {}", step.name, step.about));
    }
}

/// Runs the named steps, or all of them.
pub(crate) fn run(only: &[String]) -> Result<()> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        bail!("there is no step «{unknown}»: see `cargo xtask test --list`");
    }
    let chosen: Vec<&Step> =
        STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name)).collect();
    let started = Instant::now();
    for (number, step) in chosen.iter().enumerate() {
        say(&format!("step {} of {}: {} ({})", number + 1, chosen.len(), step.name, step.about));
        (step.run)()
            .with_context(|| format!("step «{}»; again by: cargo xtask test --only {}", step.name, step.name))?;
    }
    say(&format!("all {} steps passed after {:.0} s", chosen.len(), started.elapsed().as_secs_f64()));
    Ok(())
}

fn lint() -> Result<()> {
    program("", "cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn docs() -> Result<()> {
    program_with("", "cargo", &["doc", "--workspace", "--no-deps", "--quiet"], &[("RUSTDOCFLAGS", "-D warnings")])
}

/// One call for all: a part of the workspace by itself would be built with other features, a second time.
fn test() -> Result<()> {
    program_with("", "cargo", &["test", "--workspace"], &[("MAIA_REQUIRE_ALL", "1")])
}

fn web_fresh() -> Result<()> {
    program("", "git", &["diff", "--exit-code", "--stat", "--", "crates/gateway/web/dist"])
        .context("the bundle in crates/gateway/web/dist is older than its source: run `cargo xtask web` and commit")
}
