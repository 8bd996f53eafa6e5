//! Promises about versions and what is published.

use bytes::Bytes;
use drawloom_blueprint::{FlowHash, Timestamp};

use super::{
    Place,
    kit::{WEIRD, open},
};
use crate::{Publish, Published, Store, StoreError, Version};

async fn version(store: &dyn Store, text: &str) -> FlowHash {
    store.put_version(Bytes::copy_from_slice(text.as_bytes()), Some(text)).await.expect("versions are kept")
}

async fn publish(store: &dyn Store, flow: &str, hash: FlowHash) -> Published {
    let publish = Publish { flow: flow.to_owned(), hash, note: format!("note {flow}"), at: Timestamp(3) };
    store.publish(publish).await.expect("it is published")
}

pub(super) async fn versions_are_kept_by_hash(place: &dyn Place) {
    let store = open(place).await;
    let mut hashes = Vec::new();
    for text in WEIRD {
        let hash = version(&*store, text).await;
        assert_eq!(hash, FlowHash::of(text.as_bytes()));
        hashes.push(hash);
        let again = store.put_version(Bytes::copy_from_slice(text.as_bytes()), Some("another")).await;
        assert_eq!(again, Ok(hash));
        let blueprint = Bytes::copy_from_slice(text.as_bytes());
        let wanted = Version { hash, blueprint, source: Some((*text).to_owned()) };
        assert_eq!(store.version(hash).await, Ok(Some(wanted)), "the first source stays");
    }
    let large = Bytes::from(vec![3; 3 * 1024 * 1024]);
    let hash = store.put_version(large.clone(), None).await.expect("versions are kept");
    assert_eq!(store.version(hash).await, Ok(Some(Version { hash, blueprint: large.clone(), source: None })));
    for source in [Some("late"), None, Some("later")] {
        store.put_version(large.clone(), source).await.expect("versions are kept");
    }
    let found = store.version(hash).await.map(|it| it.and_then(|it| it.source));
    assert_eq!(found, Ok(Some("late".to_owned())), "a version that had no source gets one");
    hashes.push(hash);
    hashes.sort_unstable();
    let mut found: Vec<FlowHash> = Vec::new();
    while let Ok(page) = store.versions(found.last().copied(), 4).await
        && !page.is_empty()
    {
        assert!(page.len() <= 4);
        found.extend(page);
    }
    assert_eq!(found, hashes);
    assert_eq!(store.version(FlowHash([0; 32])).await, Ok(None));
}

pub(super) async fn numbers_count_per_flow(place: &dyn Place) {
    let store = open(place).await;
    let (a, b) = (version(&*store, "a").await, version(&*store, "b").await);
    let first = publish(&*store, "f", a).await;
    assert_eq!(first, Published { flow: "f".into(), number: 1, hash: a, note: "note f".into(), at: Timestamp(3) });
    assert_eq!(publish(&*store, "f", b).await.number, 2);
    assert_eq!(publish(&*store, "g", b).await.number, 1);
    assert_eq!(publish(&*store, "f", b).await.number, 2, "the newest is not published twice");
    assert_eq!(publish(&*store, "f", a).await.number, 3, "an older one gets a new number");
    assert_eq!(store.published("f", 1).await, Ok(Some(first)));
    for number in [0, 4, u32::MAX] {
        assert_eq!(store.published("f", number).await, Ok(None));
    }
    let numbers = async |before, limit| {
        let page = store.history("f", before, limit).await.expect("history can be read");
        page.into_iter().map(|it| it.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(None, 2).await, [3, 2]);
    assert_eq!(numbers(Some(2), 2).await, [1]);
    assert_eq!(numbers(Some(1), 2).await, [0; 0]);
    let unknown = Publish { flow: "f".into(), hash: FlowHash([0; 32]), note: String::new(), at: Timestamp(0) };
    assert!(matches!(store.publish(unknown).await, Err(StoreError::Missing(_))));
}

pub(super) async fn the_active_version_moves(place: &dyn Place) {
    let store = open(place).await;
    let (a, b) = (version(&*store, "a").await, version(&*store, "b").await);
    assert_eq!(store.active("f").await, Ok(None));
    let first = publish(&*store, "f", a).await;
    let second = publish(&*store, "f", b).await;
    assert_eq!(store.active("f").await, Ok(Some(second.clone())), "publishing activates");
    assert_eq!(store.activate("f", 1).await, Ok(first.clone()));
    assert_eq!(store.active("f").await, Ok(Some(first.clone())));
    for (flow, number) in [("f", 3), ("f", 0), ("g", 1)] {
        assert!(matches!(store.activate(flow, number).await, Err(StoreError::Missing(_))), "{flow} {number}");
    }
    assert_eq!(store.active("f").await, Ok(Some(first)));
    assert_eq!(publish(&*store, "f", b).await, second, "the newest becomes active again under its number");
    assert_eq!(store.active("f").await, Ok(Some(second)));
    store.activate("f", 1).await.expect("it is there");
    assert_eq!(publish(&*store, "f", a).await.number, 3, "what is active is not therefore the newest");
    assert_eq!(store.activate("f", 2).await.map(|it| it.number), Ok(2));
    assert_eq!(store.active("f").await.map(|it| it.map(|it| it.number)), Ok(Some(2)));
}

pub(super) async fn many_publish_at_once(place: &dyn Place) {
    let store = open(place).await;
    let mut hashes = Vec::new();
    for n in 0..24 {
        hashes.push(version(&*store, &n.to_string()).await);
    }
    let tasks: Vec<_> = hashes
        .into_iter()
        .map(|hash| {
            let store = store.clone();
            tokio::spawn(async move { publish(&*store, "f", hash).await.number })
        })
        .collect();
    let mut numbers = Vec::new();
    for it in tasks {
        numbers.push(it.await.expect("no task fails"));
    }
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=24), "each has a number of its own: {numbers:?}");
}

pub(super) async fn flows_in_pages(place: &dyn Place) {
    let store = open(place).await;
    let (a, b) = (version(&*store, "a").await, version(&*store, "b").await);
    for flow in WEIRD {
        publish(&*store, flow, a).await;
        publish(&*store, flow, b).await;
        store.activate(flow, 1).await.expect("it is there");
    }
    let mut wanted: Vec<&str> = WEIRD.to_vec();
    wanted.sort_unstable();
    let mut found: Vec<String> = Vec::new();
    loop {
        let page = store.flows(found.last().map(String::as_str), 4).await.expect("flows can be read");
        assert!(page.iter().all(|it| it.active.number == 1 && it.active.hash == a && it.latest == 2));
        found.extend(page.iter().map(|it| it.active.flow.clone()));
        if page.len() < 4 {
            break;
        }
    }
    assert_eq!(found, wanted, "in order of bytes");
}
