//! Rules about the documents: links lead somewhere, decisions are numbered.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn links_between_documents_lead_somewhere() {
    let mut faults = Vec::new();
    for (path, text) in tidy::sources("md") {
        for target in links(&text) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            let folder = path.parent().unwrap_or(Path::new(""));
            if !tidy::root().join(folder).join(file).exists() {
                faults.push(format!("{} links to {file}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

#[test]
fn decisions_are_numbered_once_and_complete() {
    let mut numbers = BTreeSet::new();
    for (path, text) in tidy::sources("md").into_iter().filter(|(path, _)| path.starts_with("docs/adr")) {
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let number = name.split('-').next().unwrap_or_default().parse::<u32>();
        let number = number.unwrap_or_else(|_| panic!("{} has no number", path.display()));
        assert!(numbers.insert(number), "two decisions have number {number}");
        for heading in ["## Context", "## Decision", "## Consequences"] {
            assert!(text.contains(heading), "{} lacks «{heading}»", path.display());
        }
    }
    assert_eq!(numbers.last().map_or(0, |last| *last as usize), numbers.len(), "decisions are numbered without holes");
}
