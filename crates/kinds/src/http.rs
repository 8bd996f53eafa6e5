//! The kind `http`: one request, followed through its redirects to its answer.
//!
//! **Invariant:** every address that is connected to has been checked by the [`Guard`], proxies and redirects
//! included.

mod answer;
mod body;
mod client;
mod errors;
mod expect;
mod guard;
mod request;
mod resolver;
mod stream;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use async_trait::async_trait;
use drawloom_blueprint::{StepError, Value};
use drawloom_queue::{KindInfo, Placement};
use schemars::JsonSchema;
use serde::Deserialize;

use self::{answer::Form, client::Clients, expect::Expect, guard::Guard};
use crate::{
    Settings, SettingsError, describe,
    perform::{Attempt, Work},
    with,
};

/// What `http` takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct With {
    /// Where the request goes.
    url: String,
    /// GET by default.
    #[serde(default)]
    #[schemars(extend("default" = "GET"))]
    method: Option<String>,
    /// Parameters added to the URL. A list gives a parameter several times; null leaves it out.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    query: Option<Value>,
    /// Headers. Text, numbers and booleans; a list gives a header several times; null leaves it out.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    headers: Option<Value>,
    /// What is sent: text as it is, what a reference names, any other value as JSON.
    #[serde(default)]
    #[schemars(with = "serde_json::Value")]
    body: Option<Value>,
    /// Fields that are sent as a form.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    form: Option<Value>,
    /// Parts that are sent as a multipart form: values, or files as objects.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    multipart: Option<BTreeMap<String, Value>>,
    /// Who is asking.
    #[serde(default)]
    auth: Option<Auth>,
    /// Whether redirects are followed (up to 10), or how many of them.
    #[serde(default)]
    #[schemars(schema_with = "redirects_schema")]
    follow_redirects: Option<Redirects>,
    /// The statuses that are no error: `200`, `200-299`, `2xx`, or a list of such; `200-399` by default.
    #[serde(default)]
    #[schemars(schema_with = "expect::schema")]
    expect: Expect,
    /// What the body becomes: `auto` goes by its content type; `bytes` is base64; `stream` keeps it beside the run and
    /// returns a reference.
    #[serde(default)]
    #[schemars(extend("default" = "auto"))]
    response: Form,
    /// The longest body that is taken; by default 16 MiB, or 1 GiB where `response` is `stream`.
    #[serde(default)]
    max_bytes: Option<u64>,
    /// The URL of a proxy. Proxies of the environment are not used.
    #[serde(default)]
    proxy: Option<String>,
    /// How the server proves who it is, and the client.
    #[serde(default)]
    tls: Tls,
}

impl With {
    fn max_bytes(&self) -> u64 {
        let usual = if self.response == Form::Stream { 1 << 30 } else { 16 << 20 };
        self.max_bytes.unwrap_or(usual)
    }
}

/// Credentials: one of these.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Auth {
    /// A name and a password.
    #[serde(default)]
    basic: Option<Basic>,
    /// A token.
    #[serde(default)]
    bearer: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Basic {
    /// The name.
    username: String,
    /// The password.
    #[serde(default)]
    password: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Redirects {
    Followed(bool),
    UpTo(u32),
}

impl Redirects {
    fn most(self) -> u32 {
        match self {
            Self::Followed(true) => 10,
            Self::Followed(false) => 0,
            Self::UpTo(it) => it.min(50),
        }
    }
}

fn redirects_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": ["boolean", "integer"], "minimum": 0, "maximum": 50, "default": true})
}

/// Settings of TLS.
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tls {
    /// Certificates (PEM) of authorities that are trusted besides the public ones.
    #[serde(default)]
    ca: Option<String>,
    /// The certificate (PEM) that the client shows, with those that lead to its authority.
    #[serde(default)]
    cert: Option<String>,
    /// The key (PEM) of `cert`.
    #[serde(default)]
    key: Option<String>,
    /// Whether the server need not prove who it is. For tests only.
    #[serde(default)]
    insecure: bool,
}

/// What `http` returns.
#[derive(JsonSchema)]
struct Returns {
    /// The status, such as 200.
    status: u16,
    /// The headers by lower-case name; values of a repeated one are joined by commas (`set-cookie`: by line breaks).
    #[schemars(with = "BTreeMap<String, String>")]
    headers: Value,
    /// The body, or for `stream` the reference to it.
    #[schemars(with = "serde_json::Value")]
    body: Value,
    /// The URL that answered, after redirects.
    url: String,
    /// How long it took, in milliseconds.
    elapsed_ms: u64,
}

impl Returns {
    fn into_value(self) -> Value {
        let Self { status, headers, body, url, elapsed_ms } = self;
        Value::object([
            ("status", i64::from(status).into()),
            ("headers", headers),
            ("body", body),
            ("url", url.into()),
            ("elapsed_ms", elapsed_ms.into()),
        ])
    }
}

/// The description of `http`.
pub(crate) fn info() -> KindInfo {
    describe::describe::<With, Returns>(&describe::About {
        name: "http",
        version: 1,
        summary: "Sends an HTTP request.",
        placement: Placement::Worker,
        docs: include_str!("http/http.md"),
    })
}

/// The work of `http`, with the connections that its steps share.
pub(crate) struct Http {
    clients: Clients,
}

impl Http {
    /// Reads what the installation allows.
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self { clients: Clients::new(Arc::new(Guard::new(&settings.http_allow)?)) })
    }
}

#[async_trait]
impl Work for Http {
    async fn work(&self, attempt: Attempt) -> Result<Value, StepError> {
        let mut with: With = with::read(&attempt.task.with, &["body"])?;
        with.body = attempt.task.with.get("body").filter(|it| **it != Value::Null).cloned();
        let started = Instant::now();
        let work = async {
            let (answer, url) = request::send(&self.clients, &with, &attempt).await?;
            let answered = answer::read(answer, &with, &url, &attempt).await?;
            let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let answer::Answer { status, headers, body } = answered;
            Ok(Returns { status, headers, body, url: url.into(), elapsed_ms }.into_value())
        };
        attempt.halt.race(work).await?
    }
}
