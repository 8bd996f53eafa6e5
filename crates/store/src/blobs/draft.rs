//! Blobs while they are written: files without a blob's name.
//!
//! **Invariant:** a draft that is dropped before it became a blob leaves no file behind, unless the process ends first;
//! what is left then is swept.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{BlobHash, BlobWriter, FolderBlobs, folder::aside};
use crate::{StoreError, files::sync_folder_of};

/// Where drafts stand in the folder of the blobs.
const FOLDER: &str = "drafts";

/// A file that may become a blob.
pub(super) struct Draft {
    file: File,
    path: PathBuf,
    hash: Sha256,
    len: u64,
    is_kept: bool,
}

impl Draft {
    /// An empty draft among the blobs in `folder`.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let folder = folder.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let mut chance = [0; 8];
        getrandom::fill(&mut chance).map_err(|_| io::Error::other("no random bytes can be had"))?;
        let path = folder.join(format!("draft-{}", hex::encode(chance)));
        Ok(Self { file: File::create_new(&path)?, path, hash: Sha256::new(), len: 0, is_kept: false })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// The hash of what was written, and how much it is.
    pub(super) fn content(&self) -> (BlobHash, u64) {
        (BlobHash(self.hash.clone().finalize().into()), self.len)
    }

    /// Makes it the file `path`, whole and flushed.
    pub(super) fn keep(mut self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        self.is_kept = true;
        sync_folder_of(path)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now is swept later.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Writes a blob into a folder, piece by piece.
pub(super) struct FolderWriter {
    blobs: FolderBlobs,
    /// None once writing failed.
    draft: Option<Draft>,
}

impl FolderWriter {
    pub(super) fn new(blobs: FolderBlobs, draft: Draft) -> Self {
        Self { blobs, draft: Some(draft) }
    }

    fn draft(&mut self) -> Result<Draft, StoreError> {
        self.draft.take().ok_or_else(|| StoreError::Unavailable("blobs: an earlier piece could not be written".into()))
    }
}

#[async_trait]
impl BlobWriter for FolderWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        let mut draft = self.draft()?;
        let blobs = self.blobs.clone();
        let written = aside(move || draft.write(&bytes).map(|()| draft).map_err(|it| blobs.failed(&it)));
        self.draft = Some(written.await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobHash, StoreError> {
        let draft = self.draft()?;
        let blobs = self.blobs.clone();
        aside(move || blobs.keep(draft).map_err(|it| blobs.failed(&it))).await
    }
}
