//! What starts runs of a flow, as written.

use std::time::Duration;

use crate::{Node, Span, Spanned};

/// One thing that starts runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub on: TriggerOn,
    /// The IANA name of the zone in which a cron expression is meant; UTC where it is absent.
    pub timezone: Option<Spanned<String>>,
    /// What happens when the run before has not ended.
    pub overlap: Option<Spanned<Overlap>>,
    /// How far back runs that were missed are made up for.
    pub catchup: Option<Spanned<Duration>>,
    /// Inputs of the runs; the values may hold expressions.
    pub with: Option<Node>,
    /// The whole trigger as written, an object.
    pub settings: Node,
}

/// What a trigger waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum TriggerOn {
    /// The instants of a cron expression.
    Cron(Spanned<String>),
    /// Every so often.
    Interval(Spanned<Duration>),
    /// A call over HTTP.
    Webhook(Webhook),
    /// A message on a queue.
    Queue(Node),
    /// New data.
    Dataset(Node),
    /// The end of another flow's run.
    Flow(Node),
}

impl TriggerOn {
    /// The key by which flows name it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cron(_) => "cron",
            Self::Interval(_) => "interval",
            Self::Webhook(_) => "webhook",
            Self::Queue(_) => "queue",
            Self::Dataset(_) => "dataset",
            Self::Flow(_) => "flow",
        }
    }
}

/// A call over HTTP that starts a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Where it stands.
    pub span: Span,
    /// The end of its address.
    pub path: Spanned<String>,
    /// The method; `POST` where it is absent.
    pub method: Option<Spanned<String>>,
    /// What callers sign with; an expression over `secrets`.
    pub secret: Option<Node>,
    /// Whether the answer waits for the outputs (`result`) or not (`accepted`).
    pub respond: Option<Spanned<String>>,
}

/// What a trigger does while a run that it started has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// It starts none.
    Skip,
    /// It starts one afterwards.
    Queue,
    /// It starts one beside it.
    Parallel,
    /// It cancels that run and starts one.
    CancelRunning,
}

impl Overlap {
    /// Every choice with its name in flows.
    pub const ALL: [(&'static str, Self); 4] = [
        ("skip", Self::Skip),
        ("queue", Self::Queue),
        ("parallel", Self::Parallel),
        ("cancel_running", Self::CancelRunning),
    ];
}
