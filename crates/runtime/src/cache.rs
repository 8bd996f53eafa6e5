//! Results of tasks that may serve again.
//!
//! **Invariant:** the cache is a help and never a need: where it fails, the task is done.

use std::time::Duration;

use drawloom_blueprint::{Value, codec};
use sha2::{Digest, Sha256};

use crate::{clock, core::Core};

/// The key of a result: the kind, and its parameters (or what the flow gives instead) however they are ordered.
pub(crate) fn key(kind: &str, of: &Value) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([codec::VERSION]);
    hash.update((kind.len() as u64).to_be_bytes());
    hash.update(kind);
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

/// The kept result.
pub(crate) async fn find(core: &Core, key: &[u8; 32]) -> Option<Value> {
    match core.store.cached(key, clock::now()).await {
        Ok(found) => codec::decode(&found?).ok(),
        Err(error) => {
            tracing::warn!(%error, "the cache cannot be read");
            None
        }
    }
}

/// Keeps a result for a while.
pub(crate) async fn keep(core: &Core, key: &[u8; 32], value: &Value, ttl: Duration) {
    let bytes = codec::encode(value).into();
    if let Err(error) = core.store.put_cached(key, bytes, clock::now().after(ttl)).await {
        tracing::warn!(%error, "a result cannot be kept in the cache");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_members_does_not_matter_and_all_else_does() {
        let json = |text: &str| Value::from_json(text.as_bytes()).unwrap();
        assert_eq!(key("http", &json(r#"{"a":1,"b":[2]}"#)), key("http", &json(r#"{"b":[2],"a":1}"#)));
        let others = [r#"{"a":1,"b":["2"]}"#, r#"{"a":[1],"b":2}"#, r#"{"ab":1}"#, "[]", "{}", "null", "\"\""];
        let mut keys: Vec<_> = others.iter().map(|it| key("http", &json(it))).collect();
        keys.push(key("shell", &json("[]")));
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), others.len() + 1);
    }
}
