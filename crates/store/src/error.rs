//! What can go wrong in a store: each error has a stable code, says what happened, and says what to do.

use drawloom_blueprint::RunId;

use crate::{Epoch, Shard};

/// Why a store did not do what it was asked.
///
/// **Invariant:** an operation that returns an error has written nothing, except that after [`Broken`](Self::Broken)
/// and [`Closed`](Self::Closed) the fate of the last commit is known only when the store is opened again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody claimed the shard after the caller did. The caller no longer owns its runs and must drop them.
    #[error("shard {shard} belongs to epoch {current} now, and this process holds epoch {held}")]
    Fenced {
        /// The first shard of the append that has a new owner.
        shard: Shard,
        /// The epoch of the caller's claim.
        held: Epoch,
        /// The epoch of the present owner.
        current: Epoch,
    },
    /// An append does not follow the last fact of its run.
    #[error("the facts for run {run} follow number {given}, but the last one in the journal is number {last}")]
    Conflict {
        /// The run.
        run: RunId,
        /// The number after which the facts were to stand; 0 for a new run.
        given: u64,
        /// The number of the last fact that is there; 0 where the run is not there.
        last: u64,
    },
    /// Another run was started with the same idempotency key.
    #[error("run {run} was started with the same idempotency key")]
    KeyTaken {
        /// The run that has the key.
        run: RunId,
    },
    /// What was asked for is not there.
    #[error("there is no {0}")]
    Missing(String),
    /// Something stands where a store or backup was to be written.
    #[error("there is something at {0} already")]
    Exists(String),
    /// The run, or the one that waits for it, has not ended and so cannot be deleted.
    #[error("run {run} is still needed: it, or the run that started it, has not ended")]
    Unended {
        /// The run that was to be deleted.
        run: RunId,
    },
    /// A newer binary has written to this store.
    #[error("the store has schema version {found}, and this drawloom knows versions up to {known}")]
    Newer {
        /// The version in the store.
        found: u32,
        /// The newest version this binary knows.
        known: u32,
    },
    /// Another process owns the store.
    #[error("the store at {place} is in use by {holder}")]
    Locked {
        /// Where the store is.
        place: String,
        /// The owner, as far as it is known.
        holder: String,
    },
    /// The disk, or the space granted to the store, is full.
    #[error("there is no room left for the store: {0}")]
    Full(String),
    /// The store may be read but not written.
    #[error("the store cannot be written: {0}")]
    ReadOnly(String),
    /// Bytes in the store are not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store cannot be reached, or is too busy.
    #[error("the store cannot be used just now: {0}")]
    Unavailable(String),
    /// A write or flush failed, so nothing more is written until the store is opened again.
    #[error("the store stopped writing after an error: {0}")]
    Broken(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// This store cannot do this.
    #[error("{0} is not possible with this store")]
    Unsupported(String),
}

impl StoreError {
    /// The stable name of the error, which is also the name of its page in the book.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fenced { .. } => "store-fenced",
            Self::Conflict { .. } => "store-conflict",
            Self::KeyTaken { .. } => "store-key-taken",
            Self::Missing(_) => "store-missing",
            Self::Exists(_) => "store-exists",
            Self::Unended { .. } => "store-unended",
            Self::Newer { .. } => "store-newer",
            Self::Locked { .. } => "store-locked",
            Self::Full(_) => "store-full",
            Self::ReadOnly(_) => "store-read-only",
            Self::Damaged(_) => "store-damaged",
            Self::Unavailable(_) => "store-unavailable",
            Self::Broken(_) => "store-broken",
            Self::Closed => "store-closed",
            Self::Unsupported(_) => "store-unsupported",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Fenced { .. } => "nothing is lost: the process that took over goes on with these runs",
            Self::Conflict { .. } => "restart this process; it goes on from what the journal holds",
            Self::KeyTaken { .. } => "use that run, or start with another key",
            Self::Missing(_) => "check the name; list what is there with `drawloom runs list` or `drawloom flows list`",
            Self::Exists(_) => "move it away first, or name another place",
            Self::Unended { .. } => "cancel the run first with `drawloom runs cancel`, or wait for its end",
            Self::Newer { .. } => "use the newer drawloom, or restore a backup made by this one",
            Self::Locked { .. } => "stop that process, or give this one another store with `--store`",
            Self::Full(_) => {
                "make room on the disk, or drop old runs with `drawloom store prune`; then `drawloom resume`"
            }
            Self::ReadOnly(_) => "check the permissions of the store's folder and files, or of its user on the server",
            Self::Damaged(_) => {
                "look at it with `drawloom store check`; go back to a backup with `drawloom store restore`"
            }
            Self::Unavailable(_) => {
                "try again; if that does not help, check the store's address, and the disk or server behind it"
            }
            Self::Broken(_) => {
                "check the disk or the server, then `drawloom resume`: the journal holds all that was acknowledged"
            }
            Self::Closed => "open the store again",
            Self::Unsupported(_) => "use another store for this, such as SQLite",
        }
    }
}
