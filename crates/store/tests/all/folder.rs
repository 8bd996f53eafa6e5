//! Blobs in a folder whose files were left by a process that died.

use std::{
    collections::HashSet,
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use drawloom_store::{BlobHash, Blobs as _, FolderBlobs};

fn file_of(blobs: &FolderBlobs, hash: BlobHash) -> PathBuf {
    let name = hash.to_string();
    blobs.folder().join(&name[..2]).join(name)
}

#[tokio::test]
async fn a_blob_that_was_torn_is_whole_again_when_it_is_put_again() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::new(folder.path());
    let whole = Bytes::from_static(b"all of it");
    let hash = blobs.put_blob(whole.clone()).await.unwrap();
    for left in ["all", "", "more than all of it"] {
        fs::write(file_of(&blobs, hash), left).unwrap();
        assert!(blobs.blob(hash).await.is_err(), "{left:?} is noticed");
        assert_eq!(blobs.put_blob(whole.clone()).await, Ok(hash));
        assert_eq!(blobs.blob(hash).await, Ok(Some(whole.clone())), "after {left:?}");
        fs::write(file_of(&blobs, hash), left).unwrap();
        let mut writer = blobs.new_blob().await.unwrap();
        writer.write(whole.clone()).await.unwrap();
        assert_eq!(writer.finish().await, Ok(hash));
        assert_eq!(blobs.blob(hash).await, Ok(Some(whole.clone())), "piece by piece, after {left:?}");
    }
}

#[tokio::test]
async fn a_blob_that_is_being_written_is_not_swept() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::new(folder.path());
    let mut writer = blobs.new_blob().await.unwrap();
    writer.write(Bytes::from_static(b"some of it, ")).await.unwrap();
    assert_eq!(blobs.sweep(&HashSet::new(), Duration::from_secs(3600)), Ok(0));
    writer.write(Bytes::from_static(b"and the rest")).await.unwrap();
    let hash = writer.finish().await.unwrap();
    assert_eq!(blobs.blob(hash).await, Ok(Some(Bytes::from_static(b"some of it, and the rest"))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_that_is_put_while_old_ones_are_swept_is_there_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::new(folder.path());
    let bytes = Bytes::from_static(b"put again and again");
    let hash = blobs.put_blob(bytes.clone()).await.unwrap();
    for round in 0..300 {
        let file = fs::OpenOptions::new().write(true).open(file_of(&blobs, hash)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
        let sweeper = blobs.clone();
        let sweep = move || sweeper.sweep(&HashSet::new(), Duration::from_secs(3600)).unwrap();
        let sweeping = tokio::task::spawn_blocking(sweep);
        assert_eq!(blobs.put_blob(bytes.clone()).await, Ok(hash));
        sweeping.await.unwrap();
        assert_eq!(blobs.has_blob(hash).await, Ok(true), "round {round}");
    }
}
