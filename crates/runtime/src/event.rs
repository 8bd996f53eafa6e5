//! Live events: what happens in runs, told to whoever listens.
//!
//! **Invariant:** an event about a fact leaves after the fact is durable. A slow listener misses events and is told
//! how many; it never slows a run.

use std::{fmt::Display, sync::Arc};

use drawloom_blueprint::{RunId, RunStatus, StepError, Timestamp};
use drawloom_engine::Status;
use drawloom_queue::Stream;
use serde::{Serialize, Serializer};
use tokio::sync::broadcast;

/// So many events a listener may lag behind.
const LAG_MAX: usize = 16_384;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// In this run.
    #[serde(serialize_with = "text")]
    pub run: RunId,
    /// Then.
    pub at: Timestamp,
    /// The number of the fact in its run; of a line, its number in its attempt. Numbers grow.
    pub seq: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The run is in a new state.
    Run {
        /// Its flow.
        flow: Arc<str>,
        /// The state.
        status: RunStatus,
        /// Why it did not succeed.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
        /// The run that started it.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_text")]
        parent: Option<RunId>,
    },
    /// A step is in a new state.
    Step {
        /// Its id in the flow.
        id: Arc<str>,
        /// Its place in the run: `enrich[17].score`.
        path: Arc<str>,
        /// The state.
        #[serde(serialize_with = "status_name")]
        status: Status,
        /// Which attempt was handed out.
        #[serde(skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        /// Until when it waits.
        #[serde(skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
        /// Why it, or its last attempt, did not succeed.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
        /// The run of the sub-flow that it starts.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_text")]
        child: Option<RunId>,
    },
    /// The run was to go on and cannot be read: it stays as it is, and others go on without it.
    Unreadable {
        /// The stable name of the error.
        code: &'static str,
        /// What is wrong.
        message: String,
    },
    /// An attempt printed a line.
    Line {
        /// The place of its step.
        path: Arc<str>,
        /// Its number.
        attempt: u32,
        /// Where it was printed.
        #[serde(serialize_with = "stream_name")]
        stream: Stream,
        /// The text, secrets hidden.
        text: Arc<str>,
    },
}

pub(crate) fn text<T: Display, S: Serializer>(it: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(it)
}

pub(crate) fn maybe_text<T: Display, S: Serializer>(it: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match it {
        Some(it) => serializer.collect_str(it),
        None => serializer.serialize_none(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn status_name<S: Serializer>(it: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(it.name())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn stream_name<S: Serializer>(it: &Stream, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match it {
        Stream::Out => "stdout",
        Stream::Err => "stderr",
        Stream::System => "system",
    })
}

/// What a listener gets.
#[derive(Clone, Debug)]
pub enum Seen {
    /// An event.
    Event(Arc<Event>),
    /// The listener was too slow and missed so many: what is now, the journal and the logs know.
    Missed(u64),
}

/// A listener. It sees what happens from its making on.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<Arc<Event>>);

impl Events {
    /// The next event; none once the loom is gone.
    pub async fn next(&mut self) -> Option<Seen> {
        match self.0.recv().await {
            Ok(it) => Some(Seen::Event(it)),
            Err(broadcast::error::RecvError::Lagged(count)) => Some(Seen::Missed(count)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// Where events are told.
#[derive(Clone, Debug)]
pub(crate) struct Teller(broadcast::Sender<Arc<Event>>);

impl Teller {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(LAG_MAX))
    }

    pub(crate) fn listen(&self) -> Events {
        Events(self.0.subscribe())
    }

    /// Whether anybody listens: events that nobody wants are not even made.
    pub(crate) fn is_heard(&self) -> bool {
        self.0.receiver_count() > 0
    }

    pub(crate) fn tell(&self, event: Event) {
        // Nobody listening is fine.
        let _ = self.0.send(Arc::new(event));
    }
}
