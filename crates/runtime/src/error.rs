//! What can go wrong in the loom: each error has a stable code, says what happened, and says what to do.

use std::sync::Arc;

use drawloom_blueprint::{FlowHash, RunId, RunStatus, expr::ExprError};
use drawloom_engine::{ForkError, InputProblem};
use drawloom_store::{
    StoreError,
    vault::{KeyError, VaultError},
};

/// Why the loom did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store did not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The loom has stopped, as its store failed. Nothing that was acknowledged is lost.
    #[error("the work has stopped: {0}")]
    Stopped(Arc<Error>),
    /// The loom was closed.
    #[error("the loom is closed")]
    Closed,
    /// There is no such run.
    #[error("there is no run `{0}`")]
    NoRun(String),
    /// Several runs have ids with this beginning.
    #[error("several runs have ids that begin with `{prefix}`: {}, …", list(.runs))]
    Ambiguous {
        /// The beginning.
        prefix: String,
        /// Some of them.
        runs: Vec<RunId>,
    },
    /// There is no such published flow, or not with this number.
    #[error("there is no published flow `{flow}`{}", .number.map(|it| format!(" with number {it}")).unwrap_or_default())]
    NoFlow {
        /// The flow's name.
        flow: String,
        /// The number that was asked for.
        number: Option<u32>,
    },
    /// The store has no version with this hash.
    #[error("there is no version {0}")]
    NoVersion(FlowHash),
    /// The inputs are wrong.
    #[error("{}", problems(.0))]
    Inputs(Vec<InputProblem>),
    /// A label or the key of `limits.concurrency` has no value.
    #[error("a label or the key of `limits.concurrency` has no value: {0}")]
    Prepare(ExprError),
    /// All slots of the flow are held, and it says `when_full: reject`.
    #[error("all {max} slots of flow `{flow}` are held{}", .key.as_deref().map(|it| format!(" for key `{it}`")).unwrap_or_default())]
    Full {
        /// The flow's name.
        flow: String,
        /// How many slots there are.
        max: u32,
        /// The key of the slots.
        key: Option<String>,
    },
    /// The run has ended.
    #[error("run {run} has ended: {}", .status.name())]
    Ended {
        /// The run.
        run: RunId,
        /// How.
        status: RunStatus,
    },
    /// The flow has no such step.
    #[error("run {run} has no step `{step}`")]
    NoStep {
        /// The run.
        run: RunId,
        /// What was asked for.
        step: String,
    },
    /// A fork cannot be.
    #[error(transparent)]
    Fork(#[from] ForkError),
    /// What the store holds of a run or version makes no sense.
    #[error("{what} cannot be read: {why}")]
    Damaged {
        /// Which run or version.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The master key of the vault cannot be had.
    #[error("the master key cannot be had: {0}")]
    Key(Arc<KeyError>),
    /// A secret cannot be sealed or opened.
    #[error("the secret `{name}`: {why}")]
    Vault {
        /// Its name.
        name: String,
        /// What is wrong.
        why: VaultError,
    },
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoChance(String),
}

fn list(runs: &[RunId]) -> String {
    runs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn problems(problems: &[InputProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// The stable name of the error, which is also the name of its page in the book.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(it) => it.code(),
            Self::Stopped(it) => it.code(),
            Self::Closed => "loom-closed",
            Self::NoRun(_) => "run-missing",
            Self::Ambiguous { .. } => "run-ambiguous",
            Self::NoFlow { .. } => "flow-missing",
            Self::NoVersion(_) => "version-missing",
            Self::Inputs(_) => "inputs",
            Self::Prepare(_) => "start-expression",
            Self::Full { .. } => "flow-full",
            Self::Ended { .. } => "run-ended",
            Self::NoStep { .. } => "step-missing",
            Self::Fork(_) => "fork",
            Self::Damaged { .. } => "journal-damaged",
            Self::Key(it) => it.code(),
            Self::Vault { why, .. } => why.code(),
            Self::NoChance(_) => "no-chance",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Store(it) => it.remedy(),
            Self::Stopped(it) => it.remedy(),
            Self::Closed => "open the store again",
            Self::NoRun(_) => "list the runs with `drawloom runs list`",
            Self::Ambiguous { .. } => "give more letters of the id",
            Self::NoFlow { .. } => "list the flows with `drawloom flows list`, or publish it first",
            Self::NoVersion(_) => "publish or run the flow again, so that its version is in the store",
            Self::Inputs(_) => "give the inputs as the flow declares them",
            Self::Prepare(_) => "mend the expression, or give the input that it uses",
            Self::Full { .. } => "wait for a run of the flow to end, or cancel one",
            Self::Ended { .. } => "an ended run stays as it is; fork or replay it to run it again",
            Self::NoStep { .. } => "use the id of a step as the flow names it",
            Self::Fork(_) => "name steps of the flow's outermost level",
            Self::Damaged { .. } => "look at the store with `drawloom store check`; a newer drawloom may be needed",
            Self::Key(it) => it.remedy(),
            Self::Vault { why, .. } => why.remedy(),
            Self::NoChance(_) => "look at the system: it has no source of random numbers",
        }
    }
}
