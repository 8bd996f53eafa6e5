//! Promises about secrets and cached results.

use bytes::Bytes;
use drawloom_blueprint::Timestamp;

use super::{
    Place,
    kit::{WEIRD, open},
};
use crate::{CachedRow, PAGE_BYTES, SecretRow};

pub(super) async fn secrets_by_name(place: &dyn Place) {
    let store = open(place).await;
    for name in WEIRD {
        for value in ["old", name] {
            let sealed = Bytes::copy_from_slice(value.as_bytes());
            store.put_secret(name, sealed.clone(), Timestamp(value.len() as i64)).await.expect("it is kept");
            assert_eq!(store.secret(name).await, Ok(Some(sealed)), "{name:?}");
        }
    }
    let mut wanted: Vec<_> =
        WEIRD.iter().map(|it| SecretRow { name: (*it).to_owned(), updated_at: Timestamp(it.len() as i64) }).collect();
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(store.secrets().await, Ok(wanted));
    assert_eq!(store.delete_secret("é").await, Ok(true));
    assert_eq!(store.delete_secret("é").await, Ok(false));
    assert_eq!(store.secret("é").await, Ok(None));
    assert_eq!(store.secrets().await.map(|it| it.len()), Ok(WEIRD.len() - 1), "no other one went with it");
}

pub(super) async fn results_expire(place: &dyn Place) {
    let store = open(place).await;
    for n in 0..10_u8 {
        let output = Bytes::from(vec![n; usize::from(n)]);
        store.put_cached(&[n; 32], output.clone(), Timestamp(i64::from(n))).await.expect("it is kept");
        assert_eq!(store.cached(&[n; 32], Timestamp(i64::from(n) - 1)).await, Ok(Some(output)));
        assert_eq!(store.cached(&[n; 32], Timestamp(i64::from(n))).await, Ok(None), "expired at that very instant");
    }
    store.put_cached(&[0; 32], Bytes::from_static(b"new"), Timestamp(50)).await.expect("it is kept");
    assert_eq!(store.cached(&[0; 32], Timestamp(9)).await, Ok(Some(Bytes::from_static(b"new"))));
    assert_eq!(store.drop_expired(Timestamp(5), 3).await, Ok(3), "bounded");
    assert_eq!(store.drop_expired(Timestamp(5), 3).await, Ok(2));
    assert_eq!(store.drop_expired(Timestamp(5), 3).await, Ok(0));
    assert!(store.cached(&[6; 32], Timestamp(0)).await.is_ok_and(|it| it.is_some()));
    assert_eq!(store.cached(&[5; 32], Timestamp(0)).await, Ok(None));
}

pub(super) async fn results_are_listed_by_key(place: &dyn Place) {
    let store = open(place).await;
    assert_eq!(store.all_cached(None, 10).await, Ok(Vec::new()));
    // Large ones are more than a page together, and one is more than that by itself.
    let row = |n: u8| CachedRow {
        key: [n; 32],
        output: Bytes::from(match n {
            253 => vec![n; PAGE_BYTES + 1],
            250.. => vec![n; PAGE_BYTES / 2 + 1],
            _ => vec![n; usize::from(n)],
        }),
        expires: Timestamp(i64::from(n)),
    };
    let mut wanted: Vec<CachedRow> = [200, 3, 253, 252, 7, 0, 251, 250].map(row).to_vec();
    for it in &wanted {
        store.put_cached(&it.key, it.output.clone(), it.expires).await.expect("it is kept");
    }
    wanted.sort_by_key(|it| it.key);
    let mut listed: Vec<CachedRow> = Vec::new();
    loop {
        let page = store.all_cached(listed.last().map(|it| it.key), 3).await.expect("it is listed");
        assert!(page.len() <= 3 && page.iter().skip(1).map(|it| it.output.len()).sum::<usize>() <= PAGE_BYTES);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert!(listed == wanted, "all of them, also those that have expired long ago, in order");
}
