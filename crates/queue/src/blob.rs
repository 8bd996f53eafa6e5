//! Large data of an attempt: it goes to and comes from beside the run, piece by piece, and values refer to it.
//!
//! **Invariant:** a reference is given out only once what it names is kept for good.

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{StepError, Value};

/// What a value says of data that is kept beside the run: `{"blob": HASH, "size": BYTES}`, and a `content_type` where
/// one is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRef {
    /// The SHA-256 of the data, as 64 hexadecimal digits in lower case.
    pub hash: String,
    /// How many bytes it is.
    pub size: u64,
}

impl BlobRef {
    /// The reference that a value is, if it is one.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let members = value.as_object()?;
        if !members.iter().all(|(name, _)| matches!(&**name, "blob" | "size" | "content_type")) {
            return None;
        }
        let hash = value.get("blob")?.as_str()?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        let size = match value.get("size")? {
            Value::Int(it) => u64::try_from(*it).ok()?,
            Value::UInt(it) => *it,
            _ => return None,
        };
        is_hash.then(|| Self { hash: hash.to_owned(), size })
    }

    /// The value that refers to the data.
    #[must_use]
    pub fn into_value(self, content_type: Option<&str>) -> Value {
        let members = [("blob", Value::from(self.hash)), ("size", self.size.into())];
        Value::object(members.into_iter().chain(content_type.map(|it| ("content_type", it.into()))))
    }

    /// Calls `see` with each reference in a value.
    pub fn each(value: &Value, see: &mut impl FnMut(Self)) {
        match value {
            Value::List(it) => it.iter().for_each(|item| Self::each(item, see)),
            Value::Object(it) => match Self::read(value) {
                Some(it) => see(it),
                None => it.iter().for_each(|(_, member)| Self::each(member, see)),
            },
            _ => {}
        }
    }
}

/// Keeps large data, and finds it again.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// New data, to be written piece by piece.
    async fn create(&self) -> Result<Box<dyn BlobSink>, StepError>;

    /// The data that a reference names.
    ///
    /// # Errors
    /// Where it is not there, or not any more.
    async fn open(&self, blob: &BlobRef) -> Result<Box<dyn BlobSource>, StepError>;
}

/// Takes data. What was not finished is not kept.
#[async_trait]
pub trait BlobSink: Send {
    /// Takes the next bytes.
    async fn write(&mut self, bytes: Bytes) -> Result<(), StepError>;

    /// Keeps what was written.
    async fn finish(self: Box<Self>) -> Result<BlobRef, StepError>;
}

/// Gives data.
#[async_trait]
pub trait BlobSource: Send {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// Where it cannot be read, and at the end where it was not what the reference names.
    async fn next(&mut self) -> Result<Option<Bytes>, StepError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        Value::from_json(text.as_bytes()).expect("JSON")
    }

    #[test]
    fn references_are_told_from_other_objects() {
        let hash = "0123456789abcdef".repeat(4);
        let blob = BlobRef { hash: hash.clone(), size: 7 };
        for value in [blob.clone().into_value(None), blob.clone().into_value(Some("text/csv"))] {
            assert_eq!(BlobRef::read(&value), Some(blob.clone()));
            let mut seen = Vec::new();
            let within = Value::object([("a", Value::from(vec![Value::Null, value.clone()])), ("b", value)]);
            BlobRef::each(&within, &mut |it| seen.push(it));
            assert_eq!(seen, [blob.clone(), blob.clone()]);
        }
        // Whether it fits a signed number makes no difference.
        let huge = BlobRef { hash: hash.clone(), size: u64::MAX };
        assert_eq!(BlobRef::read(&huge.clone().into_value(None)), Some(huge));
        for other in [
            format!(r#"{{"blob":"{hash}"}}"#),
            format!(r#"{{"blob":"{hash}","size":-1}}"#),
            format!(r#"{{"blob":"{hash}","size":"7"}}"#),
            format!(r#"{{"blob":"{hash}","size":7,"name":"x"}}"#),
            format!(r#"{{"blob":"{}","size":7}}"#, hash.to_uppercase()),
            r#"{"blob":"0123","size":7}"#.to_owned(),
            r#"{"blob":7,"size":7}"#.to_owned(),
            "{}".to_owned(),
            format!("\"{hash}\""),
        ] {
            assert_eq!(BlobRef::read(&json(&other)), None, "{other}");
        }
    }
}
