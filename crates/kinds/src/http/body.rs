//! What is sent: text, JSON, a form, a multipart form.
//!
//! **Invariant:** a body can be made again, for a redirect may ask for it twice.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use drawloom_blueprint::{StepError, Value};
use drawloom_queue::BlobRef;
use reqwest::{
    RequestBuilder,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap},
    multipart,
};
use serde::Deserialize;

use super::{With, stream};
use crate::{
    perform::Attempt,
    with::{self, invalid},
};

/// A file in a multipart form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    content: Option<Value>,
    #[serde(default)]
    base64: Option<String>,
    #[serde(default)]
    filename: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
}

/// Checks that there is at most one body.
pub(super) fn check(with: &With) -> Result<(), StepError> {
    let given = [with.body.is_some(), with.form.is_some(), with.multipart.is_some()];
    if given.into_iter().filter(|it| *it).count() > 1 {
        return Err(invalid("give at most one of `body`, `form` and `multipart`"));
    }
    Ok(())
}

/// Adds the body to a request. Headers that the flow gives stand over the content type.
pub(super) async fn add(
    request: RequestBuilder,
    with: &With,
    headers: &HeaderMap,
    attempt: &Attempt,
) -> Result<RequestBuilder, StepError> {
    let typed = |request: RequestBuilder, content_type: &str| {
        if headers.contains_key(CONTENT_TYPE) { request } else { request.header(CONTENT_TYPE, content_type) }
    };
    if let Some(blob) = with.body.as_ref().and_then(BlobRef::read) {
        let content_type = with.body.as_ref().and_then(|it| it.get("content_type")?.as_str());
        let request = typed(request, content_type.unwrap_or("application/octet-stream"));
        return Ok(request.header(CONTENT_LENGTH, blob.size).body(stream::send(&blob, attempt).await?));
    }
    if let Some(body) = &with.body {
        return Ok(match body {
            Value::Str(text) => typed(request, "text/plain; charset=utf-8").body(text.to_string()),
            other => typed(request, "application/json").body(other.to_json()),
        });
    }
    if let Some(form) = &with.form {
        return Ok(request.form(&pairs("form", form)?));
    }
    match &with.multipart {
        Some(parts) => Ok(request.multipart(multipart(parts)?)),
        None => Ok(request),
    }
}

fn multipart(parts: &BTreeMap<String, Value>) -> Result<multipart::Form, StepError> {
    let mut form = multipart::Form::new();
    for (name, part) in parts {
        let part = match part {
            Value::Object(_) => file(name, with::read(part, &[])?)?,
            other => multipart::Part::text(with::text(other)),
        };
        form = form.part(name.clone(), part);
    }
    Ok(form)
}

fn file(name: &str, file: File) -> Result<multipart::Part, StepError> {
    let wrong = |why: String| invalid(format!("the part `{name}` {why}"));
    let bytes = match (file.content, file.base64) {
        (Some(it), None) => with::text(&it).into_bytes(),
        (None, Some(it)) => STANDARD.decode(it).map_err(|it| wrong(format!("is not base64: {it}")))?,
        _ => return Err(wrong("has exactly one of `content` and `base64`".to_owned())),
    };
    let mut part = multipart::Part::bytes(bytes);
    if let Some(it) = file.filename {
        part = part.file_name(it);
    }
    match file.content_type {
        Some(it) => part.mime_str(&it).map_err(|_| wrong(format!("has no content type `{it}`"))),
        None => Ok(part),
    }
}

/// Names and texts: a list gives a name several times, null leaves it out.
pub(super) fn pairs(what: &str, value: &Value) -> Result<Vec<(String, String)>, StepError> {
    let members = match value {
        Value::Object(it) => it,
        Value::Null => return Ok(Vec::new()),
        other => return Err(invalid(format!("`{what}` is an object, not a {}", other.type_name()))),
    };
    let mut pairs = Vec::new();
    for (name, value) in members.iter() {
        match value {
            Value::Null => {}
            Value::List(all) => {
                for it in all.iter().filter(|it| **it != Value::Null) {
                    pairs.push((name.to_string(), with::text(it)));
                }
            }
            one => pairs.push((name.to_string(), with::text(one))),
        }
    }
    Ok(pairs)
}
