//! What each step does, compiled: names are indices, policies are resolved, scopes stand apart.

use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::{Cache, ExprIx, Retry, ScopeIx};

/// The work of a step.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Op {
    /// An attempt handed to an executor.
    #[n(0)]
    Task(#[n(0)] Task),
    /// A kind without I/O, evaluated by the engine on the spot.
    #[n(1)]
    Inline {
        /// The kind's name.
        #[n(0)]
        kind: String,
        /// Its parameters.
        #[n(1)]
        with: ExprIx,
    },
    /// Values computed by the engine: an object.
    #[n(2)]
    Set(#[n(0)] ExprIx),
    /// End the run failed, with this message.
    #[n(3)]
    Fail(#[n(0)] ExprIx),
    /// End the run succeeded, with this message.
    #[n(4)]
    Stop(#[n(0)] ExprIx),
    /// Branches at once.
    #[n(5)]
    Parallel(#[n(0)] Branches),
    /// The first arm whose condition holds; `if` is a switch of two arms.
    #[n(6)]
    Switch(#[n(0)] Vec<Arm>),
    /// The same steps for each item.
    #[n(7)]
    ForEach(#[n(0)] ForEach),
    /// The same steps again and again.
    #[n(8)]
    Loop(#[n(0)] Loop),
    /// Another flow as a run of its own.
    #[n(9)]
    Flow(#[n(0)] FlowRef),
    /// Nothing until something happens.
    #[n(10)]
    Wait(#[n(0)] Wait),
    /// Steps with a rescue and a last word.
    #[n(11)]
    Try(#[n(0)] Try),
}

impl Op {
    /// The word for this operation in flows, listings and plans.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Task(it) => &it.kind,
            Self::Inline { kind, .. } => kind,
            Self::Set(_) => "set",
            Self::Fail(_) => "fail",
            Self::Stop(_) => "stop",
            Self::Parallel(_) => "parallel",
            Self::Switch(_) => "switch",
            Self::ForEach(_) => "for_each",
            Self::Loop(_) => "loop",
            Self::Flow(_) => "flow",
            Self::Wait(_) => "wait",
            Self::Try(_) => "try",
        }
    }

    /// Whether the engine does it within one decision, without frame, dispatch or timer.
    #[must_use]
    pub fn is_inline(&self) -> bool {
        matches!(self, Self::Inline { .. } | Self::Set(_) | Self::Fail(_) | Self::Stop(_))
    }
}

/// A task step: an attempt of a kind, with its policies.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Task {
    /// The kind's name.
    #[n(0)]
    pub kind: String,
    /// Its parameters.
    #[n(1)]
    pub with: ExprIx,
    /// How failed attempts are tried again.
    #[n(2)]
    pub retry: Retry,
    /// The longest that one attempt may take.
    #[n(3)]
    pub timeout: Option<Duration>,
    /// Whether and how long its results serve others.
    #[n(4)]
    pub cache: Option<Cache>,
    /// The queue whose workers take it; none: the default one.
    #[n(5)]
    pub queue: Option<String>,
    /// Higher goes first among tasks that are ready in the same flow.
    #[n(6)]
    pub priority: i32,
    /// The secrets that its parameters name.
    #[n(7)]
    pub secrets: Vec<String>,
    /// The steps that undo it.
    #[n(8)]
    pub compensate: Option<ScopeIx>,
}

/// The branches of a `parallel`.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Branches {
    /// Each branch with its name (its number, for a list of lists).
    #[n(0)]
    pub branches: Vec<(String, ScopeIx)>,
    /// Whether the output is an object by name; a list otherwise.
    #[n(1)]
    pub named: bool,
    /// How many branches must succeed before the step does; the rest is then cancelled.
    #[n(2)]
    pub join: JoinPolicy,
}

/// How many branches a join waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum JoinPolicy {
    /// Each must succeed.
    #[n(0)]
    All,
    /// The first that succeeds decides; it fails when none does.
    #[n(1)]
    Any,
    /// So many must succeed.
    #[n(2)]
    Count(#[n(0)] u32),
}

/// One arm of a `switch`.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Arm {
    /// The condition; none for the last arm that always holds.
    #[n(0)]
    pub when: Option<ExprIx>,
    /// What is then done.
    #[n(1)]
    pub scope: ScopeIx,
}

/// A map over items that are known when the step starts.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct ForEach {
    /// A list, or an object (whose items are then `{key, value}`).
    #[n(0)]
    pub items: ExprIx,
    /// The name of the item in the body.
    #[n(1)]
    pub item: String,
    /// The name of its position in the body, from 0.
    #[n(2)]
    pub index: Option<String>,
    /// Items under way at once; none: no limit but the run's.
    #[n(3)]
    pub concurrency: Option<ExprIx>,
    /// Items handed to the body at a time, as a list; none: one, as itself.
    #[n(4)]
    pub batch: Option<ExprIx>,
    /// Whether a failed item yields null and the others go on.
    #[n(5)]
    pub continue_on_failure: bool,
    /// What is done for each.
    #[n(6)]
    pub body: ScopeIx,
}

/// A loop whose conditions are evaluated in the scope of its body.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Loop {
    /// Checked before each iteration; false ends the loop.
    #[n(0)]
    pub while_: Option<ExprIx>,
    /// Checked after each iteration; true ends the loop.
    #[n(1)]
    pub until: Option<ExprIx>,
    /// Reaching so many iterations fails the step.
    #[n(2)]
    pub max: ExprIx,
    /// The pause between iterations.
    #[n(3)]
    pub every: Option<Duration>,
    /// What is repeated.
    #[n(4)]
    pub body: ScopeIx,
}

/// A sub-flow.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct FlowRef {
    /// The flow's name.
    #[n(0)]
    pub name: String,
    /// The published number; none: the newest when the run starts.
    #[n(1)]
    pub version: Option<u32>,
    /// The version itself, where it was compiled together with this flow.
    #[n(2)]
    pub hash: Option<crate::FlowHash>,
    /// Its inputs.
    #[n(3)]
    pub with: ExprIx,
    /// Whether the step ends once the run is started, and the run lives on by itself.
    #[n(4)]
    pub detach: bool,
}

/// What a `wait` waits for.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Wait {
    /// A time from now, as a duration text or a number of seconds.
    #[n(0)]
    For(#[n(0)] ExprIx),
    /// An instant, as RFC 3339 text or a number of seconds since 1970.
    #[n(1)]
    Until(#[n(0)] ExprIx),
    /// A signal of that name.
    #[n(2)]
    Signal(#[n(0)] ExprIx),
    /// A call to an unguessable address.
    #[n(3)]
    Webhook(#[n(0)] ExprIx),
    /// A person's yes or no, with this message.
    #[n(4)]
    Approval(#[n(0)] ExprIx),
}

/// Steps with a rescue and a last word.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Try {
    /// What is tried.
    #[n(0)]
    pub body: ScopeIx,
    /// What is done when it failed; `error` is in scope.
    #[n(1)]
    pub catch: Option<ScopeIx>,
    /// What is done in any case, also on cancel.
    #[n(2)]
    pub finally: Option<ScopeIx>,
}

impl Op {
    /// The expressions that it evaluates.
    #[must_use]
    pub fn exprs(&self) -> Vec<ExprIx> {
        match self {
            Self::Task(it) => {
                let key = it.cache.as_ref().and_then(|cache| cache.key);
                std::iter::once(it.with).chain(key).collect()
            }
            Self::Inline { with: it, .. }
            | Self::Set(it)
            | Self::Fail(it)
            | Self::Stop(it)
            | Self::Wait(Wait::For(it) | Wait::Until(it) | Wait::Signal(it) | Wait::Webhook(it) | Wait::Approval(it)) =>
            {
                vec![*it]
            }
            Self::Switch(arms) => arms.iter().filter_map(|arm| arm.when).collect(),
            Self::ForEach(it) => std::iter::once(it.items).chain(it.concurrency).chain(it.batch).collect(),
            Self::Loop(it) => it.while_.into_iter().chain(it.until).chain([it.max]).collect(),
            Self::Flow(it) => vec![it.with],
            Self::Parallel(_) | Self::Try(_) => Vec::new(),
        }
    }

    /// The scopes that it owns.
    #[must_use]
    pub fn scopes(&self) -> Vec<ScopeIx> {
        match self {
            Self::Task(it) => it.compensate.into_iter().collect(),
            Self::Parallel(it) => it.branches.iter().map(|(_, scope)| *scope).collect(),
            Self::Switch(arms) => arms.iter().map(|arm| arm.scope).collect(),
            Self::ForEach(it) => vec![it.body],
            Self::Loop(it) => vec![it.body],
            Self::Try(it) => std::iter::once(it.body).chain(it.catch).chain(it.finally).collect(),
            Self::Inline { .. } | Self::Set(_) | Self::Fail(_) | Self::Stop(_) | Self::Flow(_) | Self::Wait(_) => {
                Vec::new()
            }
        }
    }
}
