//! The SQLite store: one file, one writer, one transaction per group commit.
//!
//! The store at `PATH` is the file itself, `PATH-wal` and `PATH-shm` (SQLite's log and its index), `PATH.lock` (held
//! by the owner) and the folder `PATH.blobs`. One process owns it; others may read beside it, and may look after the
//! catalog and secrets. One thread writes; a few connections read.
//!
//! **Invariant:** an acknowledged commit is in the log on disk ([`Durability::Full`]), and what a refused or failed
//! one wrote is in no reader's sight.

mod backup;
mod blobs;
mod catalog;
mod columns;
mod fault;
mod journal;
mod keep;
mod lock;
mod logs;
mod prune;
mod readers;
mod runs;
mod schema;
mod upkeep;
mod writer;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use drawloom_store::{FolderBlobs, StoreError, files};

use crate::{fault::Fault, readers::Readers, writer::Writer};

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When it is on disk: each group of commits is flushed before it is acknowledged. Nothing acknowledged is lost.
    #[default]
    Full,
    /// When the operating system has it; it is flushed at most 50 ms later. If the process dies nothing is lost. If
    /// the machine dies or loses power, what was acknowledged in the last 50 ms may be gone: such runs go on from an
    /// earlier fact, and their latest steps may be done again. What is left is always sound.
    Relaxed,
}

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading and writing. The file is created where there is none.
    Write(Durability),
    /// Reading only, also beside a running owner.
    Read,
}

/// A store in an SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    blobs: FolderBlobs,
    readers: Readers,
    // Dropped after the readers: the last connection to close moves the log into the file, and readers may not.
    writer: Option<Arc<Writer>>,
}

impl SqliteStore {
    /// Opens the store at `path`. Blocks for as long as opening the file and preparing its schema takes.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is nothing to read; [`StoreError::Newer`] where a newer binary wrote it;
    /// [`StoreError::Damaged`] where it is not a store; [`StoreError::ReadOnly`] where it is to be written and cannot.
    pub fn open(path: &Path, access: Access) -> Result<Self, StoreError> {
        let writer = match access {
            Access::Write(durability) => {
                create_folder_of(path)?;
                Some(Arc::new(Writer::start(path, durability)?))
            }
            Access::Read => {
                look_at(path)?;
                None
            }
        };
        let blobs = FolderBlobs::new(&blobs_of(path));
        Ok(Self { path: path.to_owned(), blobs, writer, readers: Readers::new(path) })
    }

    /// Where the store is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn writer(&self) -> Result<&Arc<Writer>, StoreError> {
        self.writer.as_ref().ok_or_else(|| StoreError::ReadOnly("it was opened for reading".to_owned()))
    }

    fn readers(&self) -> &Readers {
        &self.readers
    }
}

/// The folder of the blobs of the store at `path`.
fn blobs_of(path: &Path) -> PathBuf {
    lock::beside(path, ".blobs")
}

/// Makes the folder of a store that is about to be made. A process that died before may have made a part of the way
/// and not flushed it, so all of it is flushed: nothing in the store outlasts a power cut that its folder does not.
fn create_folder_of(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty() && !path.exists()) else { return Ok(()) };
    let failed = |it| lock::io_error(folder, &it);
    fs::create_dir_all(folder).map_err(failed)?;
    for it in folder.ancestors().filter(|it| !it.as_os_str().is_empty()) {
        match files::sync_folder_of(it) {
            // What this user may not list was there before, or a later step finds it missing.
            Err(error) if lock::is_refusal(&error) => break,
            done => done.map_err(failed)?,
        }
    }
    Ok(())
}

/// Makes sure that there is a store that can be read.
fn look_at(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing(format!("store at {}", path.display())));
    }
    let reading = |it: Fault| it.reading(path);
    let conn = schema::reading(path).map_err(reading)?;
    if schema::is_current(&conn).map_err(reading)? {
        return Ok(());
    }
    // The schema is older than this binary. Reading it takes a migration first, which an owner would not survive;
    // the lock sees to that.
    drop(conn);
    let mut conn = schema::writing(path).map_err(|it| it.opening(path))?;
    schema::migrate(path, &mut conn).map_err(|it| it.opening(path))
}
