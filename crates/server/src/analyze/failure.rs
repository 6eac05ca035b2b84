//! What can be wrong with a file, each kind with its name and exit code.

use std::path::Path;

use fleet::FileError;
use recordings::ReadError;

use super::shown;

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The system does not let it be read.
    Unreadable,
    /// It is broken.
    Malformed,
    /// A CSV file with other columns: in a folder, a table that is no recording.
    OtherTable,
    /// There is nothing in it.
    Empty,
    /// It may be good, but not for this program.
    Unsupported,
    /// A result cannot be written.
    Output,
    /// A mistake in this program.
    Internal,
}

/// Exit code of failures of several kinds.
const SEVERAL_KINDS: u8 = 8;

impl Kind {
    pub(super) const fn exit_code(self) -> u8 {
        match self {
            Self::Unreadable => 3,
            Self::Malformed | Self::OtherTable => 4,
            Self::Empty => 5,
            Self::Unsupported => 6,
            Self::Output => 7,
            Self::Internal => 9,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Malformed | Self::OtherTable => "malformed",
            Self::Empty => "empty",
            Self::Unsupported => "unsupported",
            Self::Output => "not written",
            Self::Internal => "internal error",
        }
    }
}

/// Why one recording has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn input(error: &FileError) -> Self {
        let message = match error {
            FileError::Unreadable { source, .. } => format!("{error}: {source}"),
            FileError::Malformed { .. } | FileError::Kind { .. } => error.to_string(),
        };
        Self { kind: kind(error), message }
    }

    pub(super) fn output(path: &Path, error: &std::io::Error) -> Self {
        Self { kind: Kind::Output, message: format!("cannot write {}: {error}", shown(path)) }
    }

    pub(super) fn page(path: &Path, problem: &str) -> Self {
        Self { kind: Kind::Internal, message: format!("no page of {}: {problem}", shown(path)) }
    }

    pub(super) fn crash(path: &Path) -> Self {
        Self { kind: Kind::Internal, message: format!("the analysis of {} broke off", shown(path)) }
    }
}

fn kind(error: &FileError) -> Kind {
    match error {
        FileError::Unreadable { .. } => Kind::Unreadable,
        FileError::Kind { .. } => Kind::Unsupported,
        FileError::Malformed { reason, .. } => match reason {
            ReadError::Empty => Kind::Empty,
            ReadError::Unsupported(_) | ReadError::TooLong => Kind::Unsupported,
            ReadError::Columns => Kind::OtherTable,
            ReadError::Line { .. } | ReadError::Header(_) | ReadError::Length { .. } | ReadError::Sample { .. } => {
                Kind::Malformed
            }
        },
    }
}

/// The exit code that failures add up to.
pub(super) fn exit_code(failures: &[Failure]) -> u8 {
    let mut codes = failures.iter().map(|failure| failure.kind.exit_code());
    let Some(first) = codes.next() else { return 0 };
    if codes.all(|code| code == first) { first } else { SEVERAL_KINDS }
}
