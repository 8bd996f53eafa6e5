//! The answer: its status judged, its headers and its body as values.
//!
//! **Invariant:** no more than `max_bytes` of a body is ever held.

use std::{borrow::Cow, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use drawloom_blueprint::{ErrorClass, StepError, Value};
use encoding_rs::{Encoding, UTF_8};
use reqwest::{
    Response, Url,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, SET_COOKIE},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{With, errors, stream};
use crate::perform::{Attempt, shortened};

/// How much of an unexpected body an error shows, in bytes.
const SHOWN_MAX: usize = 2000;

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Form {
    #[default]
    Auto,
    Json,
    Text,
    Bytes,
    Stream,
}

/// An answer that was expected.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Value,
    pub(super) body: Value,
}

/// Reads an answer, or the error that its status stands for.
pub(super) async fn read(mut answer: Response, with: &With, url: &Url, attempt: &Attempt) -> Result<Answer, StepError> {
    let status = answer.status();
    if !with.expect.holds(status.as_u16()) {
        let retry_after = answer.headers().get(RETRY_AFTER).cloned();
        let content_type = content_type(answer.headers());
        // The status is what matters; that the rest of the body does not come changes nothing.
        let redactor = &attempt.task.redactor;
        let (mut bytes, whole) = take(&mut answer, SHOWN_MAX + redactor.longest()).await.unwrap_or_default();
        if !whole {
            bytes.truncate(redactor.cut_before(&bytes, bytes.len()));
        }
        let (text, _) = charset(&content_type).decode_without_bom_handling(&bytes);
        let text = shortened(redactor, text.trim(), SHOWN_MAX);
        let shown = if text.is_empty() { String::new() } else { format!(": {text}") };
        let message = format!("{} answered {status}{shown}", errors::origin(url));
        return Err(errors::status(status, retry_after.as_ref(), message));
    }
    let headers = headers(answer.headers());
    let content_type = content_type(answer.headers());
    let max = with.max_bytes();
    let body = if with.response == Form::Stream {
        stream::keep(answer, max, url, attempt).await?
    } else {
        let held = usize::try_from(max).unwrap_or(usize::MAX);
        let (bytes, whole) = take(&mut answer, held).await.map_err(|it| errors::transport(&it, url))?;
        if !whole {
            return Err(too_large(max));
        }
        body(&bytes, with.response, &content_type)?
    };
    Ok(Answer { status: status.as_u16(), headers, body })
}

/// The error for a body that is too long.
pub(super) fn too_large(max: u64) -> StepError {
    failed(format!("the body is longer than {max} bytes (`max_bytes`)")).with_code("too_large")
}

/// The first `max` bytes of a body, and whether they are all of it.
async fn take(answer: &mut Response, max: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        let room = max - bytes.len();
        if chunk.len() > room {
            bytes.extend_from_slice(&chunk[..room]);
            return Ok((bytes, false));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes, true))
}

fn body(bytes: &[u8], form: Form, content_type: &str) -> Result<Value, StepError> {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let says_json = essence == "application/json" || essence == "text/json" || essence.ends_with("+json");
    match form {
        Form::Bytes | Form::Stream => Ok(STANDARD.encode(bytes).into()),
        Form::Text => Ok(text(bytes, content_type).into()),
        Form::Json => json(bytes),
        Form::Auto if bytes.is_empty() && says_json => Ok(Value::Null),
        Form::Auto if says_json => json(bytes),
        Form::Auto if is_text(essence, content_type, bytes) => Ok(text(bytes, content_type).into()),
        Form::Auto => Ok(STANDARD.encode(bytes).into()),
    }
}

fn json(bytes: &[u8]) -> Result<Value, StepError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Value::from_json(bytes).map_err(|it| {
        failed(format!("the body is not JSON: {it} (`response: text` takes it as it is)")).with_code("bad_body")
    })
}

/// Whether a body is text for sure: by its type, or because it says how it is encoded, or reads as UTF-8.
fn is_text(essence: &str, content_type: &str, bytes: &[u8]) -> bool {
    essence.starts_with("text/")
        || essence.ends_with("+xml")
        || matches!(essence, "application/xml" | "application/javascript" | "application/x-www-form-urlencoded")
        || content_type.contains("charset=")
        || std::str::from_utf8(bytes).is_ok()
}

fn text(bytes: &[u8], content_type: &str) -> String {
    match charset(content_type).decode(bytes).0 {
        Cow::Borrowed(it) => it.to_owned(),
        Cow::Owned(it) => it,
    }
}

fn charset(content_type: &str) -> &'static Encoding {
    let label = content_type.split(';').skip(1).find_map(|it| {
        let (name, value) = it.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    label.and_then(|it| Encoding::for_label(it.as_bytes())).unwrap_or(UTF_8)
}

/// The content type, in lower case.
fn content_type(headers: &HeaderMap) -> String {
    headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
}

fn headers(headers: &HeaderMap) -> Value {
    let one = |name: &reqwest::header::HeaderName| {
        let values = headers.get_all(name).iter().map(|it| String::from_utf8_lossy(it.as_bytes()));
        let values: Vec<Cow<'_, str>> = values.collect();
        values.join(if *name == SET_COOKIE { "\n" } else { ", " })
    };
    Value::object(headers.keys().map(|name| (Arc::<str>::from(name.as_str()), one(name).into())))
}

fn failed(message: impl Into<String>) -> StepError {
    StepError::new(ErrorClass::Failed, message)
}
