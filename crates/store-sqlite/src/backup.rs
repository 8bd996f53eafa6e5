//! Copies of a store: written while it is in use, and put back.
//!
//! **Invariant:** a copy bears its name only once it is whole and flushed. It is as of one instant, and holds every
//! blob that its runs refer to.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use drawloom_store::{BlobHash, FolderBlobs, StoreError, files};
use rusqlite::{Connection, backup::Backup};

use crate::{
    SqliteStore, blobs_of,
    fault::Work,
    lock::{OwnerLock, beside, io_error},
    schema,
};

/// Writes a copy of the store that `from` reads, and of its blobs, to `to`.
pub(crate) fn write(from: &Connection, blobs: &Path, to: &Path) -> Work<()> {
    if to.exists() {
        return Err(StoreError::Exists(to.display().to_string()).into());
    }
    let draft = beside(to, ".draft");
    let written = write_draft(from, blobs, &draft, to);
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&draft);
    }
    written
}

fn write_draft(from: &Connection, blobs: &Path, draft: &Path, to: &Path) -> Work<()> {
    found(fs::remove_file(draft)).map_err(|it| io_error(draft, &it))?;
    let mut copy = Connection::open(draft)?;
    // All pages in one step: the reader's transaction keeps them as of one instant, and keeps nobody from writing.
    Backup::new(from, &mut copy)?.step(-1)?;
    // One file, without a log beside it, can be carried about.
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    copy_blobs(&copy, blobs, &blobs_of(to))?;
    copy.close().map_err(|(_, it)| it)?;
    let finish = || -> io::Result<()> {
        File::open(draft)?.sync_all()?;
        // A link fails where something appeared in the meantime, and a rename would replace it.
        fs::hard_link(draft, to)?;
        fs::remove_file(draft)?;
        files::sync_folder_of(to)
    };
    finish().map_err(|it| io_error(to, &it).into())
}

fn copy_blobs(copy: &Connection, from: &Path, to: &Path) -> Work<()> {
    let mut find = copy.prepare("SELECT DISTINCT blob FROM run_blobs")?;
    let hashes = find.query_map([], |row| row.get(0).map(BlobHash))?;
    let (from, to) = (FolderBlobs::new(from), FolderBlobs::new(to));
    for hash in hashes {
        to.copy_from(&from, hash?)?;
    }
    Ok(())
}

impl SqliteStore {
    /// Puts the copy at `backup` where a store is to be, at `to`. Blocks while copying.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where there is a store already; [`StoreError::Missing`], [`StoreError::Damaged`] or
    /// [`StoreError::Newer`] where the copy cannot be used.
    pub fn restore(backup: &Path, to: &Path) -> Result<(), StoreError> {
        Self::try_restore(backup, to).map_err(|it| it.reading(backup))
    }

    fn try_restore(backup: &Path, to: &Path) -> Work<()> {
        if !backup.exists() {
            return Err(StoreError::Missing(format!("backup at {}", backup.display())).into());
        }
        let from = schema::reading(backup)?;
        schema::is_current(&from)?;
        let verdict: String = from.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(StoreError::Damaged(verdict).into());
        }
        crate::create_folder_of(to)?;
        let _lock = OwnerLock::take(to, "restoring a backup")?;
        write(&from, &blobs_of(backup), to)
    }
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(it) if it.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
