//! Installs what the tests need and the machine lacks, and says so.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run::{is_installed, path, program, program_with, root, say};

/// A Debian package and how to see that it is there.
struct Package {
    name: &'static str,
    present: fn() -> bool,
    needed_for: &'static str,
}

const PACKAGES: &[Package] = &[
    Package { name: "chromium", present: || is_installed("chromium"), needed_for: "browser tests" },
    Package { name: "fonts-noto-cjk", present: has_chinese_font, needed_for: "Chinese text in browser tests" },
    Package { name: "mosquitto", present: || is_installed("mosquitto"), needed_for: "tests with a real broker" },
    Package { name: "postgresql", present: has_postgresql_server, needed_for: "tests with a real database" },
    Package { name: "nodejs", present: || is_installed("node"), needed_for: "building and checking the web page" },
    Package { name: "npm", present: || is_installed("npm"), needed_for: "building and checking the web page" },
    Package { name: "python3-venv", present: has_python_venv, needed_for: "the Python client's test" },
];

/// Where the Python client's packages are installed, below the top.
pub(crate) const PYTHON_ENVIRONMENT: &str = "target/python";
/// Oldest Node that the page's tools and the browser tests run on.
const NODE_MAJOR_MIN: u32 = 20;
/// The web page's source.
pub(crate) const WEB: &str = "crates/gateway/web";
/// The browser tests.
pub(crate) const BROWSER: &str = "tests/end-to-end/browser";

/// Installs all that is missing.
pub(crate) fn everything() -> Result<()> {
    debian()?;
    web()?;
    node_packages(BROWSER)?;
    python()
}

/// Installs missing Debian packages.
pub(crate) fn debian() -> Result<()> {
    let missing: Vec<&Package> = PACKAGES.iter().filter(|package| !(package.present)()).collect();
    if missing.is_empty() {
        say("every Debian package that the tests need is installed");
        return Ok(());
    }
    for package in &missing {
        say(&format!("{} is missing (needed for {})", package.name, package.needed_for));
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    if !is_installed("apt-get") {
        bail!("this is no Debian: install by hand what stands for the packages {}", names.join(", "));
    }
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    let by_root = |arguments: &[&str]| match is_root() {
        true => program_with("", "apt-get", arguments, &quiet),
        false => program_with("", "sudo", &[&["-n", "apt-get"], arguments].concat(), &quiet),
    };
    let install = [&["install", "-y", "-q", "--no-install-recommends"], names.as_slice()].concat();
    by_root(&["update", "-q"])
        .and_then(|()| by_root(&install))
        .with_context(|| format!("cannot install; as root run: apt-get install {}", names.join(" ")))
}

/// Installs the npm packages that build and check the web page.
pub(crate) fn web() -> Result<()> {
    node()?;
    node_packages(WEB)
}

/// Installs a Node of the tests' own, from its npm package, where the system's is too old (Debian 12 has 18).
fn node() -> Result<()> {
    let printed = std::process::Command::new("node").arg("--version").env("PATH", path()?).output();
    let version = printed.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= NODE_MAJOR_MIN) {
        return Ok(());
    }
    say(&format!("Node is «{version}», at least {NODE_MAJOR_MIN} is needed: installing one below target"));
    let package = format!("node@{NODE_MAJOR_MIN}");
    program("", "npm", &["install", "--prefix", "target/node", "--no-audit", "--no-fund", "--loglevel=error", &package])
}

fn node_packages(folder: &str) -> Result<()> {
    let quiet = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    program_with(folder, "npm", &quiet, &[("PUPPETEER_SKIP_DOWNLOAD", "1"), ("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")])
}

/// Makes a Python environment below `target` with the packages of the example client and of the scorers.
pub(crate) fn python() -> Result<()> {
    let environment = root().join(PYTHON_ENVIRONMENT);
    if !environment.join("bin/python").is_file() {
        program("", "python3", &["-m", "venv", PYTHON_ENVIRONMENT])?;
    }
    let pip = format!("{PYTHON_ENVIRONMENT}/bin/pip");
    let (client, scorers) = ("tests/end-to-end/python/requirements.txt", "tests/accuracy/requirements.txt");
    program("", &pip, &["install", "--quiet", "-r", client, "-r", scorers])
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn has_postgresql_server() -> bool {
    std::fs::read_dir("/usr/lib/postgresql")
        .is_ok_and(|versions| versions.flatten().any(|version| version.path().join("bin/initdb").is_file()))
}

fn has_chinese_font() -> bool {
    Path::new("/usr/share/fonts/opentype/noto").is_dir()
}

fn has_python_venv() -> bool {
    std::process::Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .output()
        .is_ok_and(|output| output.status.success())
}
