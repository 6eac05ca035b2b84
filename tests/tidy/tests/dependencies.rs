//! Who may depend on whom: the table of docs/architecture.md, and nothing that does I/O below the pure crates.

use std::collections::{BTreeMap, BTreeSet};

/// Sibling crates that each crate may use. A new edge is the rarest change: it needs a decision record.
const MAY_USE: &[(&str, &[&str])] = &[
    ("ctg", &[]),
    ("alerting", &["ctg"]),
    ("signal", &["ctg"]),
    ("wire", &["ctg", "alerting"]),
    ("storage", &["ctg", "alerting"]),
    ("bus", &["ctg", "alerting", "wire"]),
    ("broker", &["ctg", "wire"]),
    ("ingest", &["ctg", "wire", "bus", "storage"]),
    ("surveillance", &["ctg", "signal", "alerting", "bus", "storage"]),
    ("gateway", &["ctg", "wire", "alerting", "bus", "storage"]),
    (
        "server",
        &[
            "ctg",
            "wire",
            "alerting",
            "signal",
            "broker",
            "bus",
            "storage",
            "ingest",
            "surveillance",
            "gateway",
            "fleet",
            "recordings",
        ],
    ),
    ("xtask", &[]),
    // Simulators are strangers who speak MQTT.
    ("recordings", &["ctg"]),
    ("fleet", &["ctg", "wire", "recordings"]),
];

/// Crates that decide by values alone.
const PURE: &[&str] = &["ctg", "wire", "signal", "alerting"];

/// Packages that mean I/O, clocks or threads when anything depends on them.
const IMPURE: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "sqlx",
    "sqlx-core",
    "rumqttc",
    "axum",
    "hyper",
    "getrandom",
    "rand",
    "chrono",
    "rayon",
];

#[derive(Default)]
struct Graph {
    names: BTreeMap<String, String>,
    normal: BTreeMap<String, BTreeSet<String>>,
    members: BTreeSet<String>,
}

fn graph() -> Graph {
    let metadata = tidy::metadata();
    let mut graph = Graph::default();
    for package in metadata["packages"].as_array().expect("packages") {
        graph.names.insert(string(&package["id"]), string(&package["name"]));
    }
    graph.members = metadata["workspace_members"].as_array().expect("members").iter().map(string).collect();
    for node in metadata["resolve"]["nodes"].as_array().expect("nodes") {
        let normal = node["deps"]
            .as_array()
            .expect("deps")
            .iter()
            .filter(|dep| dep["dep_kinds"].as_array().expect("kinds").iter().any(|kind| kind["kind"].is_null()));
        graph.normal.insert(string(&node["id"]), normal.map(|dep| string(&dep["pkg"])).collect());
    }
    graph
}

fn string(value: &serde_json::Value) -> String {
    value.as_str().expect("a text").to_owned()
}

impl Graph {
    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        &self.names[id]
    }

    fn member(&self, name: &str) -> &str {
        self.members.iter().find(|id| self.name(id) == name).unwrap_or_else(|| panic!("no crate {name}"))
    }

    fn reaches(&self, from: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut open = vec![self.member(from)];
        while let Some(id) = open.pop() {
            for next in &self.normal[id] {
                if seen.insert(self.name(next)) {
                    open.push(next);
                }
            }
        }
        seen
    }
}

#[test]
fn crates_use_only_the_siblings_of_the_table() {
    let graph = graph();
    let mut faults = Vec::new();
    for (name, allowed) in MAY_USE {
        for dependency in &graph.normal[graph.member(name)] {
            let dependency_name = graph.name(dependency);
            if graph.members.contains(dependency) && !allowed.contains(&dependency_name) {
                faults.push(format!("{name} must not depend on {dependency_name}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_crate_of_the_product_stands_in_the_table() {
    let graph = graph();
    let listed: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    let test_crates = ["tidy", "accuracy", "contract", "simulation", "end-to-end", "load"];
    for id in &graph.members {
        let name = graph.name(id);
        assert!(listed.contains(name) || test_crates.contains(&name), "{name} is missing from the table in tests/tidy");
    }
}

#[test]
fn pure_crates_reach_nothing_that_does_io() {
    let graph = graph();
    for name in PURE {
        let reached = graph.reaches(name);
        for impure in IMPURE {
            assert!(!reached.contains(impure), "{name} reaches {impure}");
        }
    }
}
