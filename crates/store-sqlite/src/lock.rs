//! The lock that makes one process the owner of a store file.
//!
//! **Invariant:** the operating system holds the lock, so it ends with its process however that dies; the file's
//! text only tells others who holds it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use drawloom_store::StoreError;

/// The held lock; dropping it lets go.
#[derive(Debug)]
pub(crate) struct OwnerLock {
    _file: File,
}

impl OwnerLock {
    /// Takes the lock of the store at `store` for `owner`.
    pub(crate) fn take(store: &Path, owner: &str) -> Result<Self, StoreError> {
        let path = beside(store, ".lock");
        let unusable = |it| io_error(&path, &it);
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(store, &mut file)),
            Err(TryLockError::Error(it)) => return Err(unusable(it)),
        }
        let text = format!("process {} ({owner})", std::process::id());
        let written =
            file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).and_then(|_| file.write_all(text.as_bytes()));
        written.map_err(unusable)?;
        Ok(Self { _file: file })
    }

    /// Takes the lock as soon as it is free, waiting at most `patience`.
    pub(crate) fn wait(store: &Path, owner: &str, patience: Duration) -> Result<Self, StoreError> {
        let start = Instant::now();
        loop {
            match Self::take(store, owner) {
                Err(StoreError::Locked { .. }) if start.elapsed() < patience => thread::sleep(Duration::from_millis(5)),
                other => return other,
            }
        }
    }
}

/// The path of a file that belongs to the store at `store`.
pub(crate) fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Whether the file system does not let this process write.
pub(crate) fn is_refusal(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

/// What the file system refuses at `path`, in the words of the port.
pub(crate) fn io_error(path: &Path, error: &std::io::Error) -> StoreError {
    use std::io::ErrorKind::{AlreadyExists, QuotaExceeded, StorageFull};
    let message = format!("{}: {error}", path.display());
    match error.kind() {
        AlreadyExists => StoreError::Exists(path.display().to_string()),
        StorageFull | QuotaExceeded => StoreError::Full(message),
        _ if is_refusal(error) => StoreError::ReadOnly(message),
        _ => StoreError::Unavailable(message),
    }
}

fn locked(store: &Path, file: &mut File) -> StoreError {
    let mut text = Vec::new();
    // Who holds the lock is a courtesy; an unreadable name must not hide that it is held.
    let holder = match file.take(1000).read_to_end(&mut text) {
        Ok(1..) => String::from_utf8_lossy(&text).trim().to_owned(),
        _ => "another process".to_owned(),
    };
    StoreError::Locked { place: store.display().to_string(), holder }
}
