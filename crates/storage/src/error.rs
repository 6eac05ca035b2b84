use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::migrate::MigrateError;

/// Why the store did not do as asked, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody was faster, or what is referred to does not exist: reload and decide again.
    #[error("changed by somebody else meanwhile")]
    Conflict,
    /// The database does not answer: retry later, show "not recorded".
    #[error("store unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// What was read cannot be right: stop and tell an operator.
    #[error("store corrupt: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Something stored that cannot be understood.
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }

    /// An answer that did not come in time.
    pub(crate) fn timed_out() -> Self {
        Self::Unavailable(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(answer) = &error {
            if breaks_constraint(answer.as_ref()) {
                return Self::Conflict;
            }
            if is_damage(answer.as_ref()) {
                return Self::corrupt(answer.message());
            }
        }
        if is_undecodable(&error) { Self::corrupt(error.to_string()) } else { Self::Unavailable(error) }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        if let MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) = error {
            return Self::from(error);
        }
        Self::corrupt(format!("schema not usable: {error}"))
    }
}

fn breaks_constraint(answer: &dyn DatabaseError) -> bool {
    matches!(
        answer.kind(),
        ErrorKind::UniqueViolation
            | ErrorKind::ForeignKeyViolation
            | ErrorKind::NotNullViolation
            | ErrorKind::CheckViolation
            | ErrorKind::ExclusionViolation
    )
}

fn is_undecodable(error: &sqlx::Error) -> bool {
    matches!(
        error,
        sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::TypeNotFound { .. }
    )
}

/// True where the database itself found its files damaged.
fn is_damage(answer: &dyn DatabaseError) -> bool {
    const SQLITE_CORRUPT: u32 = 11;
    const SQLITE_NOT_A_DATABASE: u32 = 26;
    let Some(code) = answer.code() else { return false };
    if answer.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        // The low byte is the result; the others say more about it.
        return code.parse::<u32>().is_ok_and(|code| [SQLITE_CORRUPT, SQLITE_NOT_A_DATABASE].contains(&(code & 0xff)));
    }
    ["XX001", "XX002"].contains(&code.as_ref())
}
