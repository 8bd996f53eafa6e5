//! What SQLite reports, in the words of the port.
//!
//! **Invariant:** an I/O error of a write is never mistaken for one that may be tried again.

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
    /// The error as a reader reports it: whatever it is, it breaks nothing.
    pub(crate) fn reading(self) -> StoreError {
        match self.common() {
            Ok(it) => it,
            Err(message) => StoreError::Unavailable(message),
        }
    }

    /// The error as the writer reports it: what is neither refused nor passing is [`StoreError::Broken`].
    pub(crate) fn writing(self) -> StoreError {
        match self.common() {
            Ok(StoreError::Damaged(message)) | Err(message) => StoreError::Broken(message),
            Ok(it) => it,
        }
    }

    /// The error where it means the same to both, or else its text.
    fn common(self) -> Result<StoreError, String> {
        let error = match self {
            Self::Store(it) => return Ok(it),
            Self::Sql(it) => it,
        };
        let message = error.to_string();
        let (code, extended) = match &error {
            Error::SqliteFailure(it, _) => (it.code, it.extended_code),
            Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..) => {
                return Ok(StoreError::Damaged(message));
            }
            _ => return Err(message),
        };
        match code {
            ErrorCode::DiskFull => Ok(StoreError::Full(message)),
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
