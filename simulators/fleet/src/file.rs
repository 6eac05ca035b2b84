use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use recordings::{ReadError, Trace, read_csv, read_edf, read_fhrm, read_wfdb};

/// Largest file that is read: a week of eight channels as text is smaller.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Endings of files that [`read_recording`] reads.
pub const EXTENSIONS: [&str; 4] = ["csv", "hea", "edf", "fhrm"];

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
    /// The name ends in none of [`EXTENSIONS`].
    #[error(
        "{path} must end in .csv (columns t_s,fhr_bpm,toco[,fhr2_bpm]), .hea (WFDB, with its .dat beside it), .edf or .fhrm"
    )]
    Kind {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a recording from a CSV, EDF or `.fhrm` file, or from a WFDB header and the signal file beside it.
///
/// # Errors
/// Which file cannot be read, and why.
pub fn read_recording(path: &Path) -> Result<Trace, FileError> {
    let text = |path: &Path| Ok(String::from_utf8_lossy(&read_bytes(path)?).into_owned());
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    let read = match extension.as_deref() {
        Some("csv") => read_csv(&text(path)?),
        Some("hea") => read_wfdb(&text(path)?, &read_bytes(&path.with_extension("dat"))?),
        Some("edf") => read_edf(&read_bytes(path)?),
        Some("fhrm") => read_fhrm(&read_bytes(path)?),
        _ => return Err(FileError::Kind { path: path.to_owned() }),
    };
    read.map_err(|reason| FileError::Malformed { path: path.to_owned(), reason })
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, FileError> {
    let unreadable = |source| FileError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(FileError::Malformed { path: path.to_owned(), reason: ReadError::TooLong });
    }
    Ok(bytes)
}
