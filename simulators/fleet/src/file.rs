use std::path::{Path, PathBuf};

use recordings::{ReadError, Trace, read_csv, read_wfdb};

/// Why a file cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file, or the signal file that belongs to it, cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is no recording.
    #[error("{path} is no recording: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: ReadError,
    },
    /// The name ends in neither `.csv` nor `.hea`.
    #[error("{path} must end in .csv (columns t_s,fhr_bpm,toco[,fhr2_bpm]) or .hea (WFDB, with its .dat beside it)")]
    Kind {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a recording from a CSV file, or from a WFDB header and the signal file beside it.
///
/// # Errors
/// Which file cannot be read, and why.
pub fn read_recording(path: &Path) -> Result<Trace, FileError> {
    let bytes =
        |path: &Path| std::fs::read(path).map_err(|source| FileError::Unreadable { path: path.to_owned(), source });
    let text = |path: &Path| Ok(String::from_utf8_lossy(&bytes(path)?).into_owned());
    let read = match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => read_csv(&text(path)?),
        Some("hea") => read_wfdb(&text(path)?, &bytes(&path.with_extension("dat"))?),
        _ => return Err(FileError::Kind { path: path.to_owned() }),
    };
    read.map_err(|reason| FileError::Malformed { path: path.to_owned(), reason })
}
