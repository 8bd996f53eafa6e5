//! Results of tasks that may serve again.
//!
//! **Invariant:** the cache is a help and never a need: where it fails, the task is done.

use std::time::Duration;

use drawloom_blueprint::{Value, codec};
use drawloom_queue::KindInfo;
use drawloom_store::StoreError;
use sha2::{Digest, Sha256};

use crate::{core::Core, data};

/// The key of a result: the kind, its version, and its parameters (or what the flow gives instead) however they are
/// ordered.
pub(crate) fn key(kind: &KindInfo, of: &Value) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([codec::VERSION]);
    hash.update((kind.name.len() as u64).to_be_bytes());
    hash.update(kind.name);
    hash.update(kind.version.to_be_bytes());
    feed(&mut hash, of);
    hash.finalize().into()
}

/// Feeds a value so that equal values, and no others, feed the same bytes.
fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::List(it) => {
            hash.update(b"[");
            hash.update((it.len() as u64).to_be_bytes());
            it.iter().for_each(|item| feed(hash, item));
        }
        Value::Object(it) => {
            hash.update(b"{");
            hash.update((it.len() as u64).to_be_bytes());
            let mut members: Vec<_> = it.iter().collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            for (name, value) in members {
                hash.update((name.len() as u64).to_be_bytes());
                hash.update(&**name);
                feed(hash, value);
            }
        }
        scalar => {
            let mut bytes = Vec::new();
            codec::encode_onto(scalar, &mut bytes);
            hash.update(b"=");
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
    }
}

/// The kept result, if the blobs that it refers to are there as well.
pub(crate) async fn find(core: &Core, key: &[u8; 32]) -> Option<Value> {
    look_up(core, key).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the cache cannot be read");
        None
    })
}

async fn look_up(core: &Core, key: &[u8; 32]) -> Result<Option<Value>, StoreError> {
    let found = core.store.cached(key, core.now()).await?.and_then(|it| codec::decode::<Value>(&it).ok());
    for hash in found.iter().flat_map(data::references) {
        if !core.store.renew_blob(hash).await? {
            return Ok(None);
        }
    }
    Ok(found)
}

/// Keeps a result for a while.
pub(crate) async fn keep(core: &Core, key: &[u8; 32], value: &Value, ttl: Duration) {
    let bytes = codec::encode(value).into();
    if let Err(error) = core.store.put_cached(key, bytes, core.now().after(ttl)).await {
        tracing::warn!(%error, "a result cannot be kept in the cache");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &'static str, version: u32) -> KindInfo {
        let placement = drawloom_queue::Placement::Worker;
        KindInfo { name, version, summary: "", placement, with: Value::Null, returns: Value::Null, docs: "" }
    }

    #[test]
    fn order_of_members_does_not_matter_and_all_else_does() {
        let json = |text: &str| Value::from_json(text.as_bytes()).unwrap();
        let http = kind("http", 1);
        assert_eq!(key(&http, &json(r#"{"a":1,"b":[2]}"#)), key(&http, &json(r#"{"b":[2],"a":1}"#)));
        let others = [r#"{"a":1,"b":["2"]}"#, r#"{"a":[1],"b":2}"#, r#"{"ab":1}"#, "[]", "{}", "null", "\"\""];
        let mut keys: Vec<_> = others.iter().map(|it| key(&http, &json(it))).collect();
        keys.push(key(&kind("shell", 1), &json("[]")));
        keys.push(key(&kind("http", 2), &json("[]")));
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), others.len() + 2);
    }
}
