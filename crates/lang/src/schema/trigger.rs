//! What starts runs.

use schemars::JsonSchema;

use super::value::{Any, Duration, Object};

/// Something that starts runs: exactly one of `cron`, `interval`, `webhook`, `queue`, `dataset` and `flow`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["cron"] }, { "required": ["interval"] }, { "required": ["webhook"] },
    { "required": ["queue"] }, { "required": ["dataset"] }, { "required": ["flow"] }
]))]
pub(super) struct Trigger {
    /// The instants of a cron expression.
    #[schemars(extend("examples" = ["0 2 * * MON-FRI"]))]
    cron: Option<String>,
    /// Every so often.
    interval: Option<Duration>,
    /// A call over HTTP.
    webhook: Option<Webhook>,
    /// A message on a queue.
    queue: Option<Any>,
    /// New data.
    dataset: Option<Any>,
    /// The end of another flow's run.
    flow: Option<Any>,
    /// The zone in which the cron expression is meant, such as `Europe/Berlin`; UTC where it is not said.
    timezone: Option<String>,
    /// What happens while a run that it started has not ended.
    overlap: Option<Overlap>,
    /// How far back runs that were missed are made up for; not at all where it is not said.
    catchup: Option<Catchup>,
    /// Inputs of the runs.
    with: Option<Object>,
}

/// What a trigger does while a run that it started has not ended.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Overlap {
    /// It starts none.
    Skip,
    /// It starts one afterwards.
    Queue,
    /// It starts one beside it.
    Parallel,
    /// It cancels that run and starts one.
    CancelRunning,
}

/// How far back runs are made up for: the settings, or the time alone.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Catchup {
    /// The time.
    Window(Duration),
    /// The settings.
    Settings(CatchupSettings),
}

/// How far back runs are made up for.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CatchupSettings {
    /// Runs missed in this time are started, oldest first.
    window: Duration,
}

/// A call over HTTP: the settings, or the path alone.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Webhook {
    /// The end of its address.
    Path(String),
    /// The settings.
    Settings(WebhookSettings),
}

/// A call over HTTP.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookSettings {
    /// The end of its address.
    path: String,
    /// The method; `POST` where it is not said.
    method: Option<String>,
    /// What callers sign with: an expression over `secrets`.
    secret: Option<Any>,
    /// When the call is answered.
    respond: Option<Respond>,
}

/// When a call is answered.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Respond {
    /// At once.
    Accepted,
    /// With the outputs, once the run has ended.
    Result,
}
