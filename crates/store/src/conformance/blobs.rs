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
