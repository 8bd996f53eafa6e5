//! What PostgreSQL reports, in the words of the port.
//!
//! **Invariant:** where it is not known whether a statement was done, the error is [`Fault::Lost`] and nothing else.

use drawloom_store::StoreError;
use tokio_postgres::{
    Error,
    error::{DbError, Severity, SqlState},
};

use crate::options::chain;

/// What the schema's function for appends reports where the caller is not the owner.
const NOT_OWNER: &str = "DL001";

/// What it reports where a commit before failed.
const NOT_ITS_TURN: &str = "DL002";

/// What it reports where facts do not follow those that are there.
const NOT_NEXT: &str = "DL003";

/// An error on the way through the adapter.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Of the port.
    Store(StoreError),
    /// The connection was lost, or could not be made. What was under way may have been done or not.
    Lost(String),
    /// Nothing was done, and the same may succeed when it is tried again.
    Again(String),
    /// An append was refused for a reason that a look at the store explains.
    Refused,
    /// Anything else. Nothing was done.
    Other(String),
}

/// The outcome of work inside the adapter.
pub(crate) type Work<T> = Result<T, Fault>;

impl From<StoreError> for Fault {
    fn from(it: StoreError) -> Self {
        Self::Store(it)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error.as_db_error() {
            Some(it) => Self::of_server(it),
            None => match std::error::Error::source(&error).and_then(|it| it.downcast_ref::<std::io::Error>()) {
                // A message that cannot be written, or a server's that makes no sense, would be no other next time.
                Some(it) if matches!(it.kind(), std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData) => {
                    Self::Other(chain(&error))
                }
                Some(_) => Self::Lost(chain(&error)),
                None if error.is_closed() => Self::Lost("the server closed the connection".to_owned()),
                None => Self::Other(chain(&error)),
            },
        }
    }
}

impl Fault {
    fn of_server(error: &DbError) -> Self {
        let message = match (error.detail(), error.hint()) {
            (Some(detail), _) => format!("{} ({detail})", error.message()),
            (None, Some(hint)) => format!("{} ({hint})", error.message()),
            (None, None) => error.message().to_owned(),
        };
        let code = error.code();
        if matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) {
            return Self::Lost(message);
        }
        match code.code() {
            NOT_OWNER | NOT_ITS_TURN | NOT_NEXT => return Self::Refused,
            _ => {}
        }
        match *code {
            SqlState::UNIQUE_VIOLATION => Self::Refused,
            SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::LOCK_NOT_AVAILABLE
            | SqlState::QUERY_CANCELED => Self::Again(message),
            SqlState::DISK_FULL => Self::Store(StoreError::Full(message)),
            // The server has become a standby, or is about to: the connection will find the one that is not.
            SqlState::READ_ONLY_SQL_TRANSACTION => Self::Lost(format!(
                "{message}; it is a standby, or has default_transaction_read_only set: point the store's URL to a server \
                 that can be written"
            )),
            SqlState::INSUFFICIENT_PRIVILEGE => Self::Store(StoreError::ReadOnly(message)),
            SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => Self::Store(StoreError::Damaged(message)),
            SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_FUNCTION | SqlState::INVALID_SCHEMA_NAME => {
                Self::Store(StoreError::Damaged(format!("the store's schema is not what it was: {message}")))
            }
            _ => match &code.code()[..2] {
                "08" => Self::Lost(message),
                "53" => Self::Again(message),
                _ => Self::Other(message),
            },
        }
    }

    /// The error as it is reported where nothing more can be done about it.
    pub(crate) fn reading(self) -> StoreError {
        match self {
            Self::Store(it) => it,
            other => StoreError::Unavailable(other.message()),
        }
    }

    /// What happened.
    pub(crate) fn message(self) -> String {
        match self {
            Self::Store(it) => it.to_string(),
            Self::Lost(message) | Self::Again(message) | Self::Other(message) => message,
            Self::Refused => "somebody else changed the same thing just now".to_owned(),
        }
    }

    /// Whether it may pass by itself.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Again(_) | Self::Refused)
    }
}
