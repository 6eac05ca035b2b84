//! Which files are recordings, and what their results are called.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::failure::{Failure, Kind};
use super::shown;

/// A file to analyze.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Name of its results, without their endings.
    pub(super) name: String,
}

/// The file itself, or every recording of a folder by name.
pub(super) fn find(input: &Path) -> Result<Vec<Source>, Failure> {
    let unreadable = |error: std::io::Error| Failure {
        kind: Kind::Unreadable,
        message: format!("cannot read {}: {error}", shown(input)),
    };
    if !input.is_dir() {
        std::fs::metadata(input).map_err(unreadable)?;
        return Ok(named(vec![input.to_owned()]));
    }
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(input).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_recording(&path) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let endings = fleet::EXTENSIONS.join(", .");
        let message = format!("{} holds no recording: no file ends in .{endings}", shown(input));
        return Err(Failure { kind: Kind::Empty, message });
    }
    paths.sort();
    Ok(named(paths))
}

fn is_recording(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    extension.is_some_and(|extension| fleet::EXTENSIONS.contains(&extension.as_str()))
}

/// Results are called like the file without its ending; where two would be called alike, with it.
fn named(paths: Vec<PathBuf>) -> Vec<Source> {
    let text = |name: Option<&OsStr>| name.unwrap_or_default().to_string_lossy().into_owned();
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for path in &paths {
        *count.entry(text(path.file_stem())).or_default() += 1;
    }
    let name = |path: &Path| {
        let stem = text(path.file_stem());
        if count.get(&stem) == Some(&1) { stem } else { text(path.file_name()) }
    };
    paths.iter().map(|path| Source { name: name(path), path: path.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_called_like_their_recordings() {
        let names = |paths: &[&str]| -> Vec<String> {
            named(paths.iter().map(PathBuf::from).collect()).into_iter().map(|source| source.name).collect()
        };
        assert_eq!(names(&["x/1001.hea", "x/a.b.csv"]), ["1001", "a.b"]);
        assert_eq!(names(&["x/a.csv", "x/a.edf", "x/b.edf"]), ["a.csv", "a.edf", "b"]);
    }
}
