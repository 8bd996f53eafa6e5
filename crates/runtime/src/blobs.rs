//! Large values are kept beside the journal: a fact on its way there has references in their place, and a fact
//! that comes back has the values again. Neither the engine nor the store knows.
//!
//! A reference is the object `{"$drawloom.blob": HASH}`. A value of a flow that happens to be an object with a
//! single member of such a name is written as `{"$drawloom.value": VALUE}`.
//!
//! **Invariant:** what comes back is what was given, whatever the value is; blobs are put before the facts that
//! refer to them are appended.

use std::collections::{HashMap, hash_map::Entry};

use bytes::Bytes;
use drawloom_blueprint::{Fact, Move, OpenedAs, Value, codec};
use drawloom_store::{BlobHash, Store};

use crate::{Error, data};

const PREFIX: &str = "$drawloom.";
const BLOB: &str = "$drawloom.blob";
const VALUE: &str = "$drawloom.value";

/// A fact as the journal keeps it, and what is to be kept beside it.
pub(crate) struct Written {
    pub(crate) fact: Bytes,
    pub(crate) blobs: Vec<(BlobHash, Bytes)>,
    /// What values of the fact refer to, if it is there.
    pub(crate) refers: Vec<BlobHash>,
}

/// Whether a fact needs nothing beside the journal: no value of more than `from` bytes, and none that refers to a
/// blob or looks like a reference.
pub(crate) fn is_plain(fact: &Fact, from: usize) -> bool {
    let mut plain = true;
    for_each(fact, &mut |it| {
        plain = plain && !exceeds(it, from) && !is_marked(it) && data::references(it).is_empty();
    });
    plain
}

/// Writes a fact; values of more than `from` bytes become blobs.
pub(crate) fn write(fact: &Fact, from: usize) -> Written {
    let mut refers = Vec::new();
    for_each(fact, &mut |it| refers.extend(data::references(it)));
    let mut fact = fact.clone();
    let mut blobs = Vec::new();
    for_each_mut(&mut fact, &mut |it| {
        if exceeds(it, from) {
            let bytes = Bytes::from(codec::encode(it));
            let hash = BlobHash::of(&bytes);
            *it = Value::object([(BLOB, Value::from(hash.to_string()))]);
            blobs.push((hash, bytes));
        } else if is_marked(it) {
            *it = Value::object([(VALUE, it.clone())]);
        }
    });
    Written { fact: fact.encode().into(), blobs, refers }
}

/// Reads a fact, and fetches the values that stand beside the journal.
pub(crate) async fn read(bytes: &[u8], store: &dyn Store) -> Result<Fact, Error> {
    let damaged = |why: String| Error::Damaged { what: "a fact".to_owned(), why };
    let mut fact = Fact::decode(bytes).map_err(|it| damaged(it.to_string()))?;
    let mut wanted = Vec::new();
    let mut marked = false;
    for_each(&fact, &mut |it| {
        marked |= is_marked(it);
        wanted.extend(reference(it));
    });
    if !marked {
        return Ok(fact);
    }
    let mut found: HashMap<BlobHash, Value> = HashMap::new();
    for hash in wanted {
        if let Entry::Vacant(place) = found.entry(hash) {
            let bytes = store.blob(hash).await?.ok_or_else(|| damaged(format!("its blob {hash} is missing")))?;
            place.insert(codec::decode(&bytes).map_err(|it| damaged(format!("its blob {hash} is {it}")))?);
        }
    }
    for_each_mut(&mut fact, &mut |it| {
        if let Some(value) = reference(it).and_then(|hash| found.get(&hash)).or_else(|| it.get(VALUE)) {
            *it = value.clone();
        }
    });
    Ok(fact)
}

fn is_marked(value: &Value) -> bool {
    value.as_object().is_some_and(|it| it.len() == 1 && it.entries()[0].0.starts_with(PREFIX))
}

fn reference(value: &Value) -> Option<BlobHash> {
    if is_marked(value) { value.get(BLOB)?.as_str()?.parse().ok() } else { None }
}

/// Whether a value takes more than about `max` bytes. Looks at no more of it than that.
pub(crate) fn exceeds(value: &Value, max: usize) -> bool {
    weigh(value, &mut max.saturating_add(1)).is_none()
}

/// Takes the size of a value off what is left; none where there is too little.
fn weigh(value: &Value, left: &mut usize) -> Option<()> {
    let mut take = |bytes: usize| {
        *left = left.checked_sub(bytes).filter(|it| *it > 0)?;
        Some(())
    };
    match value {
        Value::Null | Value::Bool(_) => take(1),
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => take(5),
        Value::Str(it) => take(it.len() + 3),
        Value::List(it) => {
            take(3)?;
            it.iter().try_for_each(|item| weigh(item, left))
        }
        Value::Object(it) => {
            take(3)?;
            it.iter().try_for_each(|(name, value)| {
                *left = left.checked_sub(name.len() + 3)?;
                weigh(value, left)
            })
        }
    }
}

fn for_each(fact: &Fact, see: &mut impl FnMut(&Value)) {
    for it in &fact.moves {
        match it {
            Move::Started(it) => {
                see(&it.inputs);
                see(&it.trigger);
            }
            Move::Succeeded(_, _, it) | Move::Adopted(_, _, it) | Move::SignalKept(_, it) => see(it),
            Move::Opened(_, _, it) => match &it.what {
                OpenedAs::ForEach { items: it, .. } | OpenedAs::Flow { inputs: it, .. } => see(it),
                _ => {}
            },
            Move::Ended(it) => see(&it.outputs),
            _ => {}
        }
    }
}

fn for_each_mut(fact: &mut Fact, change: &mut impl FnMut(&mut Value)) {
    for it in &mut fact.moves {
        match it {
            Move::Started(it) => {
                change(&mut it.inputs);
                change(&mut it.trigger);
            }
            Move::Succeeded(_, _, it) | Move::Adopted(_, _, it) | Move::SignalKept(_, it) => change(it),
            Move::Opened(_, _, it) => match &mut it.what {
                OpenedAs::ForEach { items: it, .. } | OpenedAs::Flow { inputs: it, .. } => change(it),
                _ => {}
            },
            Move::Ended(it) => change(&mut it.outputs),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use drawloom_blueprint::StepIx;
    use drawloom_store::{Blobs, MemoryStore};

    use super::*;

    #[tokio::test]
    async fn whatever_a_value_is_it_comes_back() {
        let store = MemoryStore::new();
        let hash = BlobHash::of(b"not there").to_string();
        for (value, blobs) in [
            (Value::from("x".repeat(2_000)), 1),
            (Value::from("small"), 0),
            (Value::object([(BLOB, Value::from(hash.as_str()))]), 0),
            (Value::object([(VALUE, Value::object([(BLOB, Value::from(hash.as_str()))]))]), 0),
            (Value::object([(BLOB, Value::from("y".repeat(2_000)))]), 1),
            (std::iter::repeat_n(Value::from(7_i64), 1_000).collect(), 1),
        ] {
            let fact = Fact { moves: vec![Move::Succeeded(0, StepIx(0), value)] };
            let written = write(&fact, 1_000);
            assert_eq!(written.blobs.len(), blobs);
            assert!(written.fact.len() < 1_000);
            for (_, bytes) in written.blobs {
                store.put_blob(bytes).await.unwrap();
            }
            assert_eq!(read(&written.fact, &store).await.unwrap(), fact);
        }
    }

    #[test]
    fn weighing_looks_at_no_more_than_it_must() {
        assert!(exceeds(&Value::from("x".repeat(10)), 9));
        assert!(!exceeds(&Value::from("x".repeat(10)), 20));
        let list: Value = std::iter::repeat_n(Value::Null, 100).collect();
        assert!(exceeds(&list, 50) && !exceeds(&list, 200));
    }
}
