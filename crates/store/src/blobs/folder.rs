//! Blobs in a local folder: one file each, named by its hash, in 256 subfolders.
//!
//! **Invariant:** a file bears a blob's name only once it is whole and flushed; temporary files never bear one.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    BlobHash, BlobWriter, Blobs,
    draft::{Draft, FolderWriter},
};
use crate::{StoreError, files::sync_folder_of};

/// A folder of blobs. It is created with the first blob.
#[derive(Clone, Debug)]
pub struct FolderBlobs {
    folder: Arc<Path>,
    /// Held shared while putting and alone while sweeping, so that a blob put again is not swept in between.
    sweeping: Arc<RwLock<()>>,
    /// The subfolders whose names this process knows to be flushed.
    flushed: Arc<Mutex<HashSet<PathBuf>>>,
}

impl FolderBlobs {
    /// The blobs in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.into(), sweeping: Arc::default(), flushed: Arc::default() }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many blobs there are, and their bytes.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        let (mut count, mut bytes) = (0, 0);
        for hash in self.list(None, usize::MAX)? {
            if let Some(meta) = found(fs::metadata(self.path(hash))).map_err(|error| self.failed(&error))? {
                count += 1;
                bytes += meta.len();
            }
        }
        Ok((count, bytes))
    }

    /// Deletes blobs that are not `used` and were put longer than `age` ago, and files of interrupted puts. Says how
    /// many blobs there were.
    ///
    /// # Errors
    /// Where the folder cannot be read or written.
    pub fn sweep(&self, used: &HashSet<BlobHash>, age: Duration) -> Result<u64, StoreError> {
        let Some(old) = SystemTime::now().checked_sub(age) else { return Ok(0) };
        let is_old = |path: &Path| -> io::Result<bool> {
            Ok(found(fs::metadata(path))?.is_some_and(|it| it.modified().is_ok_and(|it| it < old)))
        };
        let sweep = || -> io::Result<u64> {
            let mut count = 0;
            for folder in sorted_names(&self.folder)? {
                for name in sorted_names(&self.folder.join(&folder))? {
                    let path = self.folder.join(&folder).join(&name);
                    let hash = name.parse::<BlobHash>().ok();
                    if hash.is_some_and(|it| used.contains(&it)) || !is_old(&path)? {
                        continue;
                    }
                    let _alone = self.sweeping.write().unwrap_or_else(PoisonError::into_inner);
                    if is_old(&path)? {
                        found(fs::remove_file(&path))?;
                        count += u64::from(hash.is_some());
                    }
                }
            }
            Ok(count)
        };
        sweep().map_err(|error| self.failed(&error))
    }

    /// Copies a blob from another folder, unless it is here already or missing there.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where the other folder's bytes do not have the hash, and where files fail.
    pub fn copy_from(&self, other: &Self, hash: BlobHash) -> Result<(), StoreError> {
        if let Some(bytes) = other.get(hash)? {
            self.put(&bytes).map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    fn get(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        let Some(bytes) = found(fs::read(self.path(hash))).map_err(|error| self.failed(&error))? else {
            return Ok(None);
        };
        if BlobHash::of(&bytes) != hash {
            return Err(StoreError::Damaged(format!("blob {hash} holds other bytes")));
        }
        Ok(Some(bytes.into()))
    }

    fn path(&self, hash: BlobHash) -> PathBuf {
        let name = hash.to_string();
        self.folder.join(&name[..2]).join(name)
    }

    fn put(&self, bytes: &[u8]) -> io::Result<BlobHash> {
        let hash = BlobHash::of(bytes);
        let _shared = self.sweeping.read().unwrap_or_else(PoisonError::into_inner);
        if self.renew(hash, bytes.len() as u64)? {
            self.flush_name(hash)?;
        } else {
            let mut draft = Draft::new(&self.folder)?;
            draft.write(bytes)?;
            self.name(draft, hash)?;
        }
        Ok(hash)
    }

    /// Makes a draft the blob that it has become.
    pub(super) fn keep(&self, draft: Draft) -> io::Result<BlobHash> {
        let (hash, len) = draft.content();
        let _shared = self.sweeping.read().unwrap_or_else(PoisonError::into_inner);
        if self.renew(hash, len)? {
            self.flush_name(hash)?;
        } else {
            self.name(draft, hash)?;
        }
        Ok(hash)
    }

    /// Makes a blob young again, so that it is not swept before a run refers to it. Says whether it is there, and as
    /// long as it should be.
    fn renew(&self, hash: BlobHash, len: u64) -> io::Result<bool> {
        let Some(file) = found(OpenOptions::new().write(true).open(self.path(hash)))? else { return Ok(false) };
        if file.metadata()?.len() != len {
            return Ok(false);
        }
        file.set_modified(SystemTime::now())?;
        Ok(true)
    }

    fn name(&self, draft: Draft, hash: BlobHash) -> io::Result<()> {
        let path = self.path(hash);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        self.flush_way(folder)?;
        draft.keep(&path)
    }

    /// Flushes the name of a blob that is there: whoever put it may have died before that.
    fn flush_name(&self, hash: BlobHash) -> io::Result<()> {
        let path = self.path(hash);
        self.flush_way(path.parent().unwrap_or(&self.folder))?;
        sync_folder_of(&path)
    }

    /// Flushes the names of a subfolder and of the folder, once in this process.
    fn flush_way(&self, subfolder: &Path) -> io::Result<()> {
        let flushed = || self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        if !flushed().contains(subfolder) {
            sync_folder_of(subfolder)?;
            sync_folder_of(&self.folder)?;
            flushed().insert(subfolder.to_owned());
        }
        Ok(())
    }

    fn part(&self, hash: BlobHash, from: u64, most: usize) -> io::Result<Option<Bytes>> {
        let Some(mut file) = found(File::open(self.path(hash)))? else { return Ok(None) };
        if from >= file.metadata()?.len() {
            return Ok(Some(Bytes::new()));
        }
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(most as u64).read_to_end(&mut bytes)?;
        Ok(Some(bytes.into()))
    }

    /// What the file system refuses here, in the words of the port.
    pub(super) fn failed(&self, error: &io::Error) -> StoreError {
        let message = format!("{}: {error}", self.folder.display());
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full(message),
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => StoreError::ReadOnly(message),
            _ => StoreError::Unavailable(message),
        }
    }

    fn list(&self, after: Option<BlobHash>, limit: usize) -> Result<Vec<BlobHash>, StoreError> {
        let first = after.map(|it| it.to_string()).unwrap_or_default();
        let mut hashes = Vec::new();
        for folder in sorted_names(&self.folder).map_err(|error| self.failed(&error))? {
            if folder.as_str() < &first[..first.len().min(2)] {
                continue;
            }
            for name in sorted_names(&self.folder.join(&folder)).map_err(|error| self.failed(&error))? {
                match name.parse() {
                    Ok(hash) if name > first => hashes.push(hash),
                    _ => {}
                }
                if hashes.len() == limit {
                    return Ok(hashes);
                }
            }
        }
        Ok(hashes)
    }
}

#[async_trait]
impl Blobs for FolderBlobs {
    async fn put_blob(&self, bytes: Bytes) -> Result<BlobHash, StoreError> {
        let it = self.clone();
        aside(move || it.put(&bytes).map_err(|error| it.failed(&error))).await
    }

    async fn blob(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        let it = self.clone();
        aside(move || it.get(hash)).await
    }

    async fn has_blob(&self, hash: BlobHash) -> Result<bool, StoreError> {
        let it = self.clone();
        aside(move || Ok(found(fs::metadata(it.path(hash))).map_err(|error| it.failed(&error))?.is_some())).await
    }

    async fn new_blob(&self) -> Result<Box<dyn BlobWriter>, StoreError> {
        let it = self.clone();
        let draft = aside(move || Draft::new(&it.folder).map_err(|error| it.failed(&error))).await?;
        Ok(Box::new(FolderWriter::new(self.clone(), draft)))
    }

    async fn blob_part(&self, hash: BlobHash, from: u64, most: usize) -> Result<Option<Bytes>, StoreError> {
        let it = self.clone();
        aside(move || it.part(hash, from, most).map_err(|error| it.failed(&error))).await
    }

    async fn renew_blob(&self, hash: BlobHash) -> Result<bool, StoreError> {
        let (it, here) = (self.clone(), self.clone());
        let renew = move || {
            let _shared = it.sweeping.read().unwrap_or_else(PoisonError::into_inner);
            let Some(meta) = found(fs::metadata(it.path(hash)))? else { return Ok(false) };
            it.renew(hash, meta.len())
        };
        aside(move || renew().map_err(|error| here.failed(&error))).await
    }

    async fn blobs(&self, after: Option<BlobHash>, limit: usize) -> Result<Vec<BlobHash>, StoreError> {
        let it = self.clone();
        aside(move || it.list(after, limit)).await
    }
}

/// Does blocking work where it disturbs nobody.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|it| Err(StoreError::Unavailable(it.to_string())))
}

/// Nothing instead of an error where there is no such file.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(it) => Ok(Some(it)),
        Err(it) if matches!(it.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(it) => Err(it),
    }
}

fn sorted_names(folder: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = found(fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        // Names that are not text are not blobs.
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_old_and_unused_blobs_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FolderBlobs::new(folder.path());
        let [used, old, young] = [&b"used"[..], b"old", b"young"].map(Bytes::from_static);
        let used = blobs.put_blob(used).await.unwrap();
        let old_hash = blobs.put_blob(old.clone()).await.unwrap();
        let young = blobs.put_blob(young).await.unwrap();
        let age = |hash| {
            let file = OpenOptions::new().write(true).open(blobs.path(hash)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
        };
        let hour = Duration::from_secs(3600);
        age(used);
        age(old_hash);
        blobs.put_blob(old).await.unwrap();
        assert_eq!(blobs.sweep(&HashSet::from([used]), hour), Ok(0), "putting it again made it young");
        age(old_hash);
        assert_eq!(blobs.renew_blob(old_hash).await, Ok(true));
        assert_eq!(blobs.sweep(&HashSet::from([used]), hour), Ok(0), "it was renewed");
        age(old_hash);
        assert_eq!(blobs.sweep(&HashSet::from([used]), hour), Ok(1));
        assert_eq!(blobs.renew_blob(old_hash).await, Ok(false));
        let mut left = vec![used, young];
        left.sort_unstable();
        assert_eq!(blobs.blobs(None, 10).await, Ok(left));
        assert_eq!(blobs.size(), Ok((2, 9)));
    }

    #[tokio::test]
    async fn a_blob_that_is_not_finished_leaves_nothing_and_what_a_crash_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FolderBlobs::new(folder.path());
        let drafts = || sorted_names(&folder.path().join("drafts")).unwrap();
        let mut writer = blobs.new_blob().await.unwrap();
        writer.write(Bytes::from_static(b"some of it")).await.unwrap();
        assert_eq!(drafts().len(), 1);
        drop(writer);
        assert_eq!(drafts(), [""; 0]);
        let mut writer = blobs.new_blob().await.unwrap();
        writer.write(Bytes::from_static(b"some of it")).await.unwrap();
        std::mem::forget(writer);
        assert_eq!(blobs.blobs(None, 10).await, Ok(Vec::new()));
        let left = File::options().write(true).open(folder.path().join("drafts").join(&drafts()[0])).unwrap();
        left.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
        assert_eq!(blobs.sweep(&HashSet::new(), Duration::from_secs(3600)), Ok(0), "it was no blob");
        assert_eq!(drafts(), [""; 0]);
    }

    #[tokio::test]
    async fn a_blob_whose_bytes_changed_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FolderBlobs::new(folder.path());
        let hash = blobs.put_blob(Bytes::from_static(b"right")).await.unwrap();
        fs::write(blobs.path(hash), "wrong").unwrap();
        assert!(matches!(blobs.blob(hash).await, Err(StoreError::Damaged(_))));
    }
}
