//! Where the real recordings lie, which are no part of the project.

use std::path::PathBuf;

/// The environment variable that says where the real recordings lie.
pub const VARIABLE: &str = "MAIA_CTG_DIR";

/// The folder of real recordings; `None`, after saying so, where there is none.
///
/// # Panics
/// In continuous integration, where a silent skip would hide a missing proof.
pub fn real_recordings() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ctg");
    let folder = std::env::var_os(VARIABLE).map_or(beside, PathBuf::from);
    if folder.join("ctu-uhb").is_dir() && folder.join("fhrma-train").is_dir() {
        return Some(folder);
    }
    let message = format!(
        "SKIPPED: no real recordings in {} (wanted: folders ctu-uhb with WFDB and fhrma-train with CSV files); \
         set {VARIABLE} to where they lie",
        folder.display()
    );
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("{message}");
    None
}
