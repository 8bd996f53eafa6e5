//! Newtypes for everything that is counted or addressed, so that two of them cannot be confused.

use std::{fmt, str::FromStr};

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] pub u32);

        impl $name {
            /// The index as a position in its arena.
            #[must_use]
            pub fn ix(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index! {
    /// The position of a step in [`Blueprint::steps`](crate::Blueprint::steps).
    StepIx
}
index! {
    /// The position of a scope (a list of steps) in [`Blueprint::scopes`](crate::Blueprint::scopes).
    ScopeIx
}
index! {
    /// The position of an expression in [`Blueprint::exprs`](crate::Blueprint::exprs).
    ExprIx
}

/// The identity of a run: 48 bits of start time in milliseconds, then 80 bits of chance.
///
/// Written as 26 characters of Crockford's base 32 (a ULID) in lower case, so that ids sort by start time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub u128);

impl RunId {
    /// The id of the sub-flow run that `path` of this run starts, always the same for the same arguments, so
    /// that a start repeated after a crash finds the first one.
    #[must_use]
    pub fn child(self, path: &str, attempt: u32) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0.to_be_bytes());
        hash.update(path.as_bytes());
        hash.update(attempt.to_be_bytes());
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        let time = self.0 & (u128::MAX << 80);
        Self(time | (u128::from_be_bytes(bytes) & (u128::MAX >> 48)))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&ulid::Ulid::from(self.0).to_string().to_lowercase())
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunId({self})")
    }
}

impl FromStr for RunId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ulid::Ulid::from_string(text)
            .map(|it| Self(it.into()))
            .map_err(|_| format!("`{text}` is not a run id (26 letters and digits)"))
    }
}

impl<C> Encode<C> for RunId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0.to_be_bytes())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for RunId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = d.bytes()?;
        let bytes: [u8; 16] =
            bytes.try_into().map_err(|_| minicbor::decode::Error::message("a run id has 16 bytes"))?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }
}

/// The identity of a version: the SHA-256 of its encoded blueprint.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct FlowHash(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

impl FlowHash {
    /// The hash of an encoded blueprint.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first 12 hexadecimal digits, enough for people.
    #[must_use]
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

impl fmt::Display for FlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for FlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlowHash({})", self.short())
    }
}
