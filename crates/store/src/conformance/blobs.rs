//! Promises about blobs.

use bytes::Bytes;

use super::{Place, kit::open};
use crate::BlobHash;

pub(super) async fn blobs_by_hash(place: &dyn Place) {
    let store = open(place).await;
    let mut hashes = Vec::new();
    for size in [0, 1, 1000, 1_000_000] {
        let bytes = Bytes::from(vec![5; size]);
        let hash = BlobHash::of(&bytes);
        assert_eq!(store.has_blob(hash).await, Ok(false));
        assert_eq!(store.blob(hash).await, Ok(None));
        for _ in 0..2 {
            assert_eq!(store.put_blob(bytes.clone()).await, Ok(hash));
        }
        assert_eq!(store.has_blob(hash).await, Ok(true));
        assert_eq!(store.blob(hash).await, Ok(Some(bytes)));
        hashes.push(hash);
    }
    let same = Bytes::from_static(b"put by many at once");
    let puts: Vec<_> = (0..8)
        .map(|_| {
            let (store, same) = (store.clone(), same.clone());
            tokio::spawn(async move { store.put_blob(same).await })
        })
        .collect();
    for put in puts {
        assert_eq!(put.await.expect("no task fails"), Ok(BlobHash::of(&same)));
    }
    hashes.push(BlobHash::of(&same));
    for it in alike() {
        hashes.push(store.put_blob(it).await.expect("it is kept"));
    }
    hashes.sort_unstable();
    let mut found: Vec<BlobHash> = Vec::new();
    while let Ok(page) = store.blobs(found.last().copied(), 2).await
        && !page.is_empty()
    {
        assert!(page.len() <= 2);
        found.extend(page);
    }
    assert_eq!(found, hashes);
    drop(store);
    let store = open(place).await;
    assert_eq!(store.blob(BlobHash::of(&same)).await, Ok(Some(same)), "a blob outlives its handle");
}

pub(super) async fn blobs_piece_by_piece(place: &dyn Place) {
    let store = open(place).await;
    let whole: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
    let hash = BlobHash::of(&whole);
    assert_eq!(store.renew_blob(hash).await, Ok(false));
    assert_eq!(store.blob_part(hash, 0, 10).await, Ok(None));
    let mut dropped = store.new_blob().await.expect("a blob is begun");
    dropped.write(Bytes::from_static(b"never to be seen")).await.expect("it is written");
    drop(dropped);
    for _ in 0..2 {
        let mut writer = store.new_blob().await.expect("a blob is begun");
        for piece in whole.chunks(30_000) {
            writer.write(Bytes::copy_from_slice(piece)).await.expect("it is written");
        }
        assert_eq!(writer.finish().await, Ok(hash));
    }
    let empty = store.new_blob().await.expect("a blob is begun").finish().await;
    assert_eq!(empty, Ok(BlobHash::of(b"")));
    assert_eq!(store.blob(hash).await, Ok(Some(whole.clone().into())));
    assert_eq!(store.put_blob(whole.clone().into()).await, Ok(hash));
    assert_eq!(store.renew_blob(hash).await, Ok(true));
    let mut read = Vec::new();
    while let Ok(Some(part)) = store.blob_part(hash, read.len() as u64, 70_000).await
        && !part.is_empty()
    {
        assert!(part.len() <= 70_000);
        read.extend_from_slice(&part);
    }
    assert!(read == whole);
    assert_eq!(store.blob_part(hash, u64::MAX / 4, 10).await, Ok(Some(Bytes::new())));
    let mut both = vec![hash, BlobHash::of(b"")];
    both.sort_unstable();
    assert_eq!(store.blobs(None, 10).await, Ok(both), "what was dropped is not there");
}

/// Blobs whose hashes begin alike, so that a store may keep them in one place.
fn alike() -> impl Iterator<Item = Bytes> {
    (0_u32..).map(|n| Bytes::from(n.to_string())).filter(|it| BlobHash::of(it).0[0] == 7).take(5)
}
