//! What SQLite reports, in the words of the port, and where it happened.
//!
//! **Invariant:** an I/O error of a write is never mistaken for one that may be tried again.

use std::path::Path;

use drawloom_store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

/// An error on the way through the adapter, before it is known whether it befell a reader or the writer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Of the port.
    Store(StoreError),
    /// Of SQLite.
    Sql(Error),
}

/// The outcome of work inside the adapter.
pub(crate) type Work<T> = Result<T, Fault>;

impl From<StoreError> for Fault {
    fn from(it: StoreError) -> Self {
        Self::Store(it)
    }
}

impl From<Error> for Fault {
    fn from(it: Error) -> Self {
        Self::Sql(it)
    }
}

impl Fault {
    /// The error as a reader of the store at `place` reports it: whatever it is, it breaks nothing. What the disk does not
    /// give back does not come back by asking again.
    pub(crate) fn reading(self, place: &Path) -> StoreError {
        let from_disk = self.is_of_disk();
        match self.common(place) {
            Ok(it) => it,
            Err(message) if from_disk => StoreError::Damaged(message),
            Err(message) => StoreError::Unavailable(message),
        }
    }

    /// The error as whoever opens the store at `place` reports it, which may have to write.
    pub(crate) fn opening(self, place: &Path) -> StoreError {
        let from_disk = self.is_of_disk();
        match self.common(place) {
            Ok(it) => it,
            Err(message) if from_disk => StoreError::Broken(message),
            Err(message) => StoreError::Unavailable(message),
        }
    }

    /// The error as the writer reports it: what is neither refused nor passing is [`StoreError::Broken`].
    pub(crate) fn writing(self, place: &Path) -> StoreError {
        match self.common(place) {
            Ok(StoreError::Damaged(message)) | Err(message) => StoreError::Broken(message),
            Ok(it) => it,
        }
    }

    fn is_of_disk(&self) -> bool {
        matches!(self, Self::Sql(Error::SqliteFailure(it, _)) if it.code == ErrorCode::SystemIoFailure)
    }

    /// The error where it means the same to all, or else its text.
    fn common(self, place: &Path) -> Result<StoreError, String> {
        let error = match self {
            Self::Store(it) => return Ok(it),
            Self::Sql(it) => it,
        };
        let message = format!("{}: {}", place.display(), text(&error));
        let (code, extended) = match &error {
            Error::SqliteFailure(it, _) => (it.code, it.extended_code),
            Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..) => {
                return Ok(StoreError::Damaged(message));
            }
            _ => return Err(message),
        };
        match code {
            ErrorCode::DiskFull => Ok(StoreError::Full(message)),
            // The index of the log could not be given its size, for which nothing but room is needed.
            ErrorCode::SystemIoFailure if extended == ffi::SQLITE_IOERR_SHMSIZE => Ok(StoreError::Full(message)),
            // The file was moved or deleted beneath the process, so nothing it writes can be found again.
            ErrorCode::ReadOnly if extended == ffi::SQLITE_READONLY_DBMOVED => Err(message),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Ok(StoreError::ReadOnly(message)),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Ok(StoreError::Damaged(message)),
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::TooBig
            | ErrorCode::FileLockingProtocolFailed => Ok(StoreError::Unavailable(message)),
            _ => Err(message),
        }
    }
}

/// What went wrong, and in the midst of what, where SQLite knows.
fn text(error: &Error) -> String {
    let message = error.to_string();
    let Error::SqliteFailure(it, _) = error else { return message };
    let doing = match it.extended_code {
        ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ => "reading",
        ffi::SQLITE_IOERR_WRITE => "writing",
        ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => "flushing",
        ffi::SQLITE_IOERR_TRUNCATE => "cutting a file",
        _ => return message,
    };
    format!("{message} while {doing}")
}
