//! JSON, base64 and hashes.
//!
//! **Invariant:** one pass over the input each.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use drawloom_blueprint::{ErrorClass, StepError, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::with;

/// A text as JSON.
pub(super) fn json_parse(value: &Value) -> Result<Value, StepError> {
    let text = text_of("json_parse", value)?;
    Value::from_json(text.as_bytes()).map_err(|it| failed(format!("the text is not JSON: {it}")))
}

/// A value as JSON text.
pub(super) fn json_stringify(value: &Value, pretty: bool) -> Result<Value, StepError> {
    if !pretty {
        return Ok(value.to_json().into());
    }
    let text =
        serde_json::to_string_pretty(value).map_err(|it| failed(format!("the value cannot be written: {it}")))?;
    Ok(text.into())
}

/// The base64 of a text, or of the JSON of any other value.
pub(super) fn base64_encode(value: &Value) -> Value {
    match value.as_str() {
        Some(it) => STANDARD.encode(it).into(),
        None => STANDARD.encode(value.to_json()).into(),
    }
}

/// The text that base64 stands for; padding may be missing, line breaks are passed over, and both alphabets are read.
pub(super) fn base64_decode(value: &Value) -> Result<Value, StepError> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let text: String = text_of("base64 decode", value)?
        .chars()
        .filter(|it| !it.is_ascii_whitespace())
        .map(|it| match it {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    let bytes = engine.decode(text).map_err(|it| failed(format!("the text is not base64: {it}")))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("what the base64 stands for is not text"))?;
    Ok(text.into())
}

/// The hash functions.
#[derive(Clone, Copy)]
pub(super) enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            _ => return None,
        })
    }
}

/// The hash of a text, or of the JSON of any other value, in hexadecimal digits.
pub(super) fn hash(algorithm: Algorithm, value: &Value) -> Value {
    let text = with::text(value);
    match algorithm {
        Algorithm::Sha256 => hex::encode(Sha256::digest(text)).into(),
        Algorithm::Sha384 => hex::encode(Sha384::digest(text)).into(),
        Algorithm::Sha512 => hex::encode(Sha512::digest(text)).into(),
    }
}

/// The text that `what` needs.
pub(super) fn text_of<'a>(what: &str, value: &'a Value) -> Result<&'a str, StepError> {
    value.as_str().ok_or_else(|| with::invalid(format!("`{what}` takes a text, not a {}", value.type_name())))
}

fn failed(message: impl Into<String>) -> StepError {
    StepError::new(ErrorClass::Failed, message).with_code("transform")
}
