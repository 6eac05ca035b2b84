//! A PostgreSQL server for tests, private to this process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::str::FromStr;
use std::sync::OnceLock;

use sqlx::postgres::PgConnectOptions;

/// Makes a cluster, starts it behind a socket in its own folder, says where, and removes everything when its
/// standard input ends: however this process ends, nothing of it stays. Nothing in it must survive, so it never syncs.
const KEEPER: &str = r#"
set -e
bin=$1
folder=$(mktemp -d "${TMPDIR:-/tmp}/maia-postgres-XXXXXX")
finish() {
    "$bin/pg_ctl" -D "$folder/data" -m immediate stop >"$folder/log" 2>&1 || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
"$bin/initdb" -D "$folder/data" -U maia --auth=trust --encoding=UTF8 --no-locale --no-sync >"$folder/log" 2>&1
"$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w \
    -o "-k $folder -c listen_addresses='' -c fsync=off -c max_connections=300" start >"$folder/log" 2>&1
echo "$folder"
cat >/dev/null
"#;

/// A running server.
#[derive(Debug)]
struct Server {
    folder: PathBuf,
    /// Closed when this process ends.
    _lifeline: ChildStdin,
    _keeper: Child,
}

/// How to reach a server on which databases may be made; `None` if this machine has none, after saying so.
///
/// # Panics
/// If there is none and `CI` or `MAIA_REQUIRE_ALL` is set, or if one is there and does not start.
pub fn server() -> Option<PgConnectOptions> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    if let Ok(url) = std::env::var("MAIA_TEST_POSTGRES_URL") {
        return Some(PgConnectOptions::from_str(&url).expect("MAIA_TEST_POSTGRES_URL must be a postgres:// address"));
    }
    let server = SERVER.get_or_init(|| binaries().map(|binaries| start(&binaries)));
    let Some(server) = server else {
        let remedy =
            "install Debian's postgresql, or set MAIA_TEST_POSTGRES_URL to a server where databases may be made";
        let required = ["CI", "MAIA_REQUIRE_ALL"].iter().any(|name| std::env::var_os(name).is_some());
        assert!(!required, "PostgreSQL is missing: {remedy}");
        eprintln!("skipped for want of PostgreSQL: {remedy}");
        return None;
    };
    Some(PgConnectOptions::new_without_pgpass().socket(&server.folder).username("maia").database("postgres"))
}

/// The folder of `initdb` and `pg_ctl`: the newest of Debian's, or one in the search path.
fn binaries() -> Option<PathBuf> {
    let has_both = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = debian.map(|version| version.path().join("bin")).filter(has_both).max_by_key(|folder| {
        folder.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<u32>().ok())
    });
    let in_path = || std::env::split_paths(&std::env::var_os("PATH")?).find(has_both);
    newest.or_else(in_path)
}

fn start(binaries: &Path) -> Server {
    let mut keeper = as_ordinary_user()
        .args(["sh", "-c", KEEPER, "sh"])
        .arg(binaries)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh must be installed to start PostgreSQL");
    let lifeline = keeper.stdin.take().expect("standard input is piped");
    let mut folder = String::new();
    BufReader::new(keeper.stdout.take().expect("standard output is piped"))
        .read_line(&mut folder)
        .expect("the keeper of PostgreSQL must say where it is");
    assert!(!folder.is_empty(), "PostgreSQL in {} does not start", binaries.display());
    Server { folder: folder.trim_end().into(), _lifeline: lifeline, _keeper: keeper }
}

/// PostgreSQL refuses to run as root: then it runs as Debian's user for it.
fn as_ordinary_user() -> Command {
    let id = Command::new("id").arg("-u").output().expect("id must be installed");
    if id.stdout.trim_ascii() == b"0" {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]);
        command
    } else {
        Command::new("env")
    }
}
