//! The binary form of everything that is kept: one version byte, then CBOR with numbered fields.
//!
//! **Invariant:** bytes written by an older binary always read; bytes of a newer one that this one cannot
//! understand are an error that says so, never a misreading. Fields are added with new numbers as `Option`s.

use std::sync::Arc;

use minicbor::{
    Decode, Decoder, Encode, Encoder,
    data::Type,
    decode::Error as DecodeError,
    encode::{Error as EncodeError, Write},
};

use crate::{Blueprint, DEPTH_MAX, Fact, Object, Value, expr::Expr};

/// The version of the encodings of facts and blueprints.
pub const VERSION: u8 = 1;

/// Why bytes could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// There are none.
    #[error("there are no bytes to read")]
    Empty,
    /// A newer binary wrote them.
    #[error("written in encoding version {0}, but this binary reads up to version {VERSION}: use a newer drawloom")]
    Newer(u8),
    /// They make no sense, or hold what only a newer binary knows.
    #[error("damaged, or written by a newer drawloom: {0}")]
    Malformed(String),
}

impl From<DecodeError> for CodecError {
    fn from(it: DecodeError) -> Self {
        Self::Malformed(it.to_string())
    }
}

/// The bytes of `it`.
pub fn encode<T: Encode<()>>(it: &T) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    encode_onto(it, &mut bytes);
    bytes
}

/// Appends the bytes of `it`, without a version byte, to `bytes`.
pub fn encode_onto<T: Encode<()>>(it: &T, bytes: &mut Vec<u8>) {
    minicbor::encode(it, bytes).expect("invariant: writing to memory cannot fail");
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// Where the bytes are damaged or of a newer version.
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, CodecError> {
    let (version, rest) = bytes.split_first().ok_or(CodecError::Empty)?;
    if *version != VERSION {
        return Err(CodecError::Newer(*version));
    }
    let mut decoder = Decoder::new(rest);
    let it = decoder.decode()?;
    if decoder.position() != rest.len() {
        return Err(CodecError::Malformed("there is more after the end".to_owned()));
    }
    Ok(it)
}

impl Fact {
    /// The fact as the journal keeps it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Appends the fact as the journal keeps it to `bytes`.
    pub fn encode_onto(&self, bytes: &mut Vec<u8>) {
        bytes.push(VERSION);
        encode_onto(self, bytes);
    }

    /// Reads a journal record.
    ///
    /// # Errors
    /// Where the record is damaged or a newer binary wrote it.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        decode(bytes)
    }
}

impl Blueprint {
    /// The blueprint as it is stored, and hashed to name its version.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a stored blueprint and checks that every index in it points where it should.
    ///
    /// # Errors
    /// Where the bytes are damaged or a newer binary wrote them.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let it: Self = decode(bytes)?;
        crate::flow::check_indices(&it).and_then(|()| crate::shape::check(&it)).map_err(CodecError::Malformed)?;
        Ok(it)
    }
}

impl<C> Encode<C> for Value {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), EncodeError<W::Error>> {
        match self {
            Self::Null => e.null()?.ok(),
            Self::Bool(it) => e.bool(*it)?.ok(),
            Self::Int(it) => e.i64(*it)?.ok(),
            Self::UInt(it) => e.u64(*it)?.ok(),
            Self::Float(it) => e.f64(*it)?.ok(),
            Self::Str(it) => e.str(it)?.ok(),
            Self::List(it) => {
                e.array(it.len() as u64)?;
                it.iter().try_for_each(|item| item.encode(e, ctx))
            }
            Self::Object(it) => {
                e.map(it.len() as u64)?;
                it.iter().try_for_each(|(name, value)| {
                    e.str(name)?;
                    value.encode(e, ctx)
                })
            }
        }
    }

    fn is_nil(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl<'b, C> Decode<'b, C> for Value {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        value(d, DEPTH_MAX * 2)
    }

    fn nil() -> Option<Self> {
        Some(Self::Null)
    }
}

fn value(d: &mut Decoder<'_>, depth: usize) -> Result<Value, DecodeError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(DecodeError::message("a value is nested too deeply"));
    };
    Ok(match d.datatype()? {
        Type::Null => {
            d.null()?;
            Value::Null
        }
        Type::Bool => d.bool()?.into(),
        Type::F16 | Type::F32 | Type::F64 => d.f64()?.into(),
        Type::String => d.str()?.into(),
        Type::Array => {
            let len = length(d.array()?, d)?;
            (0..len).map(|_| value(d, depth)).collect::<Result<Value, _>>()?
        }
        Type::Map => {
            let len = length(d.map()?, d)?;
            let mut entries: Vec<(Arc<str>, Value)> = Vec::with_capacity(len);
            for _ in 0..len {
                entries.push((d.str()?.into(), value(d, depth)?));
            }
            Value::Object(Object::new(entries))
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => d.u64()?.into(),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => Value::Int(d.i64()?),
        other => return Err(DecodeError::message(format!("a value cannot be of type {other}"))),
    })
}

/// The length of a list or map: bounded by the bytes that are left, so that a damaged one reserves no memory.
fn length(announced: Option<u64>, d: &Decoder<'_>) -> Result<usize, DecodeError> {
    let announced = announced.ok_or_else(|| DecodeError::message("lists of unknown length are not used"))?;
    let left = d.input().len().saturating_sub(d.position());
    match usize::try_from(announced) {
        Ok(it) if it <= left => Ok(it),
        _ => Err(DecodeError::message("a list is longer than the bytes that are left")),
    }
}

/// The stored forms of expressions.
#[derive(Encode, Decode)]
enum Stored {
    #[n(0)]
    Const(#[n(0)] Value),
    #[n(1)]
    Path(#[n(0)] String, #[n(1)] Vec<crate::expr::Seg>),
    #[n(2)]
    Jinja(#[n(0)] String, #[n(1)] Vec<String>),
    #[n(3)]
    Text(#[n(0)] Vec<crate::ExprIx>),
    #[n(4)]
    List(#[n(0)] Vec<crate::ExprIx>),
    #[n(5)]
    Object(#[n(0)] Vec<(String, crate::ExprIx)>),
}

impl<C> Encode<C> for Expr {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), EncodeError<W::Error>> {
        match self.clone() {
            Self::Const(it) => Stored::Const(it),
            Self::Path { root, tail } => Stored::Path(root, tail),
            Self::Jinja(it) => Stored::Jinja(it.source, it.roots),
            Self::Text(it) => Stored::Text(it),
            Self::List(it) => Stored::List(it),
            Self::Object(it) => {
                Stored::Object(it.into_iter().map(|(name, ix)| (name.as_ref().to_owned(), ix)).collect())
            }
        }
        .encode(e, ctx)
    }
}

impl<'b, C> Decode<'b, C> for Expr {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        Ok(match Stored::decode(d, ctx)? {
            Stored::Const(it) => Self::Const(it),
            Stored::Path(root, tail) => Self::Path { root, tail },
            Stored::Jinja(source, roots) => Self::jinja(source, roots),
            Stored::Text(it) => Self::Text(it),
            Stored::List(it) => Self::List(it),
            Stored::Object(it) => Self::Object(it.into_iter().map(|(name, ix)| (name.into(), ix)).collect()),
        })
    }
}

/// A value that may be absent, so that `null` is not taken for nothing: it stands as CBOR's `undefined`.
pub(crate) mod present {
    use minicbor::{
        Decode, Decoder, Encode, Encoder,
        data::Type,
        decode::Error as DecodeError,
        encode::{Error as EncodeError, Write},
    };

    use crate::Value;

    pub(crate) fn encode<C, W: Write>(
        it: &Option<Value>,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        match it {
            None => e.null()?.ok(),
            Some(Value::Null) => e.undefined()?.ok(),
            Some(it) => it.encode(e, ctx),
        }
    }

    pub(crate) fn decode<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Option<Value>, DecodeError> {
        match d.datatype()? {
            Type::Null => d.null().map(|()| None),
            Type::Undefined => d.undefined().map(|()| Some(Value::Null)),
            _ => Value::decode(d, ctx).map(Some),
        }
    }

    pub(crate) fn nil() -> Option<Option<Value>> {
        Some(None)
    }

    pub(crate) fn is_nil(it: &Option<Value>) -> bool {
        it.is_none()
    }
}
