//! Connections, and the schema they find.
//!
//! **Invariant:** nobody reads or writes through a connection before the file is known to be a Drawloom store whose
//! schema is the one this binary knows. Migrations run in order, one transaction each, by the lock's holder.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
    time::Duration,
};

use drawloom_store::StoreError;
use rusqlite::{Connection, OpenFlags};

use crate::{
    fault::{Fault, Work},
    lock::{OwnerLock, beside},
};

/// Migration `n` stands at position `n - 1`. They are never changed, only added to.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001.sql"), include_str!("../migrations/0002.sql")];

/// The schema version this binary knows.
pub(crate) const SCHEMA: u32 = MIGRATIONS.len() as u32;

/// Marks the file as a Drawloom store (`DrLm`).
const APPLICATION_ID: i32 = 0x4472_4c6d;

/// How long a statement waits for another process that writes just now.
const BUSY: Duration = Duration::from_secs(10);

/// How long opening waits for another process that migrates just now.
const MIGRATING: Duration = Duration::from_secs(10);

/// A connection that writes. Creates the file where there is none.
pub(crate) fn writing(path: &Path) -> Work<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(64);
    if conn.is_readonly("main")? {
        return Err(StoreError::ReadOnly(path.display().to_string()).into());
    }
    Ok(conn)
}

/// A connection that only reads.
pub(crate) fn reading(path: &Path) -> Work<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = if cannot_change(path) {
        // Readers share an index of the log, which cannot be made here; nor is there anybody to share it with.
        Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        Connection::open_with_flags(path, flags)?
    };
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

/// Whether the file system takes no changes, and the file holds all that there is: no log beside it, which would have to be
/// read too.
fn cannot_change(path: &Path) -> bool {
    let is_refused = |it: io::Error| it.kind() == io::ErrorKind::ReadOnlyFilesystem;
    OpenOptions::new().append(true).open(path).is_err_and(is_refused)
        && fs::metadata(beside(path, "-wal")).map_or(true, |it| it.len() == 0)
}

/// The URI of a file that nobody changes.
fn immutable(path: &Path) -> OsString {
    let mut uri = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02x}").bytes()),
            _ => uri.push(*byte),
        }
    }
    uri.extend(b"?immutable=1");
    OsString::from_vec(uri)
}

/// Whether the schema is the known one. Where it is older, or the file is empty, it has to be migrated.
pub(crate) fn is_current(conn: &Connection) -> Work<bool> {
    // All as of one instant: somebody else may be making the store just now.
    let conn = conn.unchecked_transaction()?;
    let found: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let mark: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if mark != APPLICATION_ID {
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if mark != 0 || found != 0 || tables != 0 {
            return Err(StoreError::Damaged("this SQLite file is not a Drawloom store".to_owned()).into());
        }
    }
    if found > SCHEMA {
        return Err(StoreError::Newer { found, known: SCHEMA }.into());
    }
    Ok(found == SCHEMA)
}

/// Makes commits go to a log beside the file, so that readers never wait. The file remembers it, but a restored one
/// was written without.
pub(crate) fn use_log(conn: &Connection) -> Work<()> {
    Ok(conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?)
}

/// Moves what a process that died left in the log into the file, and flushes that. Where a flush of the log had failed, the
/// system shows what it was to keep, but need not have it on disk nor ever write it again: what is written now, and
/// stands behind it in the log, would be gone with it after a power cut.
pub(crate) fn settle(conn: &Connection) -> Work<()> {
    match conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        // On a full disk the log may still have room.
        Err(rusqlite::Error::SqliteFailure(it, _)) if it.code == rusqlite::ErrorCode::DiskFull => Ok(()),
        done => Ok(done?),
    }
}

/// Brings the schema of the store at `path` up to date.
pub(crate) fn migrate(path: &Path, conn: &mut Connection) -> Work<()> {
    if is_current(conn)? {
        return Ok(());
    }
    let _lock = OwnerLock::wait(path, "preparing the store", MIGRATING)?;
    use_log(conn)?;
    let found: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (version, sql) in (1_u32..).zip(MIGRATIONS).skip(found as usize) {
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", version)?;
        tx.commit()?;
        tracing::debug!(version, "the store's schema was migrated");
    }
    is_current(conn).and_then(|it| {
        if it { Ok(()) } else { Err(Fault::Store(StoreError::Damaged("the migrations did not take".to_owned()))) }
    })
}
