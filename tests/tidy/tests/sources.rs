//! Rules about the text of the sources.

use std::path::Path;

/// Longest source file, tests included.
const FILE_LINES_MAX: usize = 600;

/// Files of a service that may touch sockets, MQTT, HTTP and the runtime; the others decide by values.
const SHELL_FILES: &[&str] = &[
    "run.rs",
    "mqtt.rs",
    "http.rs",
    "socket.rs",
    "listener.rs",
    "connection.rs",
    "lib.rs",
    "escalation.rs",
    "store.rs",
];

fn is_own_source(path: &Path) -> bool {
    ["rs", "ts", "py"].iter().any(|extension| path.extension().is_some_and(|found| found == *extension))
        && !path.components().any(|part| part.as_os_str() == "dist")
}

#[test]
fn files_are_short() {
    let mut faults = Vec::new();
    for path in tidy::files().iter().filter(|path| is_own_source(path)) {
        let lines = tidy::text(path).map_or(0, |text| text.lines().count());
        if lines > FILE_LINES_MAX {
            faults.push(format!("{} has {lines} lines, at most {FILE_LINES_MAX} are allowed", path.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_crate_forbids_unsafe_code_and_takes_the_lints() {
    for (path, text) in tidy::sources("toml").iter().filter(|(path, _)| path.ends_with("Cargo.toml")) {
        let manifest: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if !manifest.contains_key("package") {
            continue;
        }
        assert!(manifest.contains_key("lints"), "{} has no [lints]", path.display());
        let folder = path.parent().unwrap_or(Path::new(""));
        let root = ["src/lib.rs", "src/main.rs"].into_iter().find_map(|root| tidy::text(&folder.join(root)));
        let root = root.unwrap_or_else(|| panic!("{} has neither lib.rs nor main.rs", folder.display()));
        assert!(root.contains("#![forbid(unsafe_code)]"), "{} does not forbid unsafe code", folder.display());
    }
}

#[test]
fn no_unfinished_business() {
    let marks = ["TO", "FIX", "XX"].map(|half| {
        format!(
            "{half}{}",
            if half == "TO" {
                "DO"
            } else if half == "FIX" {
                "ME"
            } else {
                "X"
            }
        )
    });
    let mut faults = Vec::new();
    for path in tidy::files().iter().filter(|path| is_own_source(path)) {
        for (number, line) in tidy::text(path).unwrap_or_default().lines().enumerate() {
            if marks.iter().any(|mark| line.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word == mark)) {
                faults.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "finish it or open an issue:\n{}", faults.join("\n"));
}

#[test]
fn services_decide_without_the_runtime() {
    let services = ["crates/ingest/src", "crates/surveillance/src", "crates/gateway/src", "crates/broker/src"];
    let shells = ["tokio::", "rumqttc::", "axum::", "tokio_util::"];
    let mut faults = Vec::new();
    for (path, text) in tidy::sources("rs") {
        let in_service = services.iter().any(|service| path.starts_with(service));
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let in_shell = SHELL_FILES.contains(&name) || path.components().any(|part| part.as_os_str() == "shell");
        if !in_service || in_shell {
            continue;
        }
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for shell in shells {
            if product.contains(&format!("use {shell}")) {
                faults.push(format!("{} imports {shell}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "only the shell of a service may do I/O:\n{}", faults.join("\n"));
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let folders = ["work", "farm", "root", "home"].map(|folder| format!("/{folder}/"));
    let mut faults = Vec::new();
    for path in tidy::files() {
        if path.extension().is_some_and(|extension| extension == "lock") {
            continue;
        }
        for (number, line) in tidy::text(&path).unwrap_or_default().lines().enumerate() {
            let named = folders.iter().any(|folder| {
                line.match_indices(folder.as_str()).any(|(at, _)| {
                    at == 0
                        || !line.as_bytes()[at - 1].is_ascii_alphanumeric()
                            && !b"._-/}".contains(&line.as_bytes()[at - 1])
                })
            });
            if named {
                faults.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "absolute paths of a machine:\n{}", faults.join("\n"));
}
