//! One step of a flow, as written.

use std::time::Duration;

use drawloom_blueprint::TriggerRule;

use super::{Cache, Retry};
use crate::{Node, Span, Spanned, Text, node::Members};

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where the whole step stands.
    pub span: Span,
    /// Its id; empty where it is missing, which has been reported.
    pub id: Spanned<String>,
    /// Its name for people.
    pub name: Option<Text>,
    /// What it is for.
    pub description: Option<Text>,
    /// The steps that it needs; none: the one before it in its list.
    pub needs: Option<Vec<Spanned<String>>>,
    /// The condition under which it is not skipped.
    pub when: Option<Node>,
    /// The rule by which its needs let it run.
    pub run_if: Option<Spanned<TriggerRule>>,
    /// What its failure means for the steps after it.
    pub on_failure: Option<Spanned<OnFailure>>,
    /// The longest that it (a task step: one attempt) may take.
    pub timeout: Option<Spanned<Duration>>,
    /// What it does.
    pub body: Body,
    /// Where the key stands that says what it does (`uses`, `parallel`, …).
    pub form: Span,
}

/// What a failure means for the steps after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// They do not run.
    #[default]
    Fail,
    /// They do.
    Continue,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// `uses`
    Task(Box<Task>),
    /// `parallel`
    Parallel(Branches),
    /// `if`
    If(If),
    /// `switch`
    Switch(Vec<Arm>),
    /// `for_each`
    ForEach(ForEach),
    /// `loop`
    Loop(Loop),
    /// `flow`
    Flow(SubFlow),
    /// `wait`
    Wait(Wait),
    /// `try`
    Try(Try),
    /// `group`
    Group(Vec<Step>),
    /// `set`
    Set(Members),
    /// `fail`
    Fail(Node),
    /// `stop`
    Stop(Node),
    /// Something that could not be read. It has been reported as an error, so that checks say nothing about it
    /// and no blueprint is made of it; the step still counts as one that exists.
    Broken,
}

impl Body {
    /// The key by which flows name it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Task(_) => "uses",
            Self::Parallel(_) => "parallel",
            Self::If(_) => "if",
            Self::Switch(_) => "switch",
            Self::ForEach(_) => "for_each",
            Self::Loop(_) => "loop",
            Self::Flow(_) => "flow",
            Self::Wait(_) => "wait",
            Self::Try(_) => "try",
            Self::Group(_) => "group",
            Self::Set(_) => "set",
            Self::Fail(_) => "fail",
            Self::Stop(_) => "stop",
            Self::Broken => "nothing",
        }
    }
}

/// A task step.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// The kind.
    pub uses: Spanned<String>,
    /// Its parameters: an object.
    pub with: Option<Node>,
    /// How failed attempts are tried again.
    pub retry: Option<Retry>,
    /// Whether and how long results serve others.
    pub cache: Option<Cache>,
    /// The queue whose workers take the tasks.
    pub queue: Option<Spanned<String>>,
    /// Higher goes first.
    pub priority: Option<Spanned<i32>>,
    /// The steps that undo it.
    pub compensate: Option<Vec<Step>>,
}

/// Branches at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Branches {
    /// The branches, in order of writing.
    pub branches: Vec<Branch>,
    /// Whether they are named; otherwise they are counted from 0.
    pub named: bool,
    /// How many must succeed.
    pub join: Option<Spanned<Join>>,
}

/// One of several branches.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// Its name, or its number as a text.
    pub name: Spanned<String>,
    /// What it does.
    pub steps: Vec<Step>,
}

/// How many branches a join waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Each.
    All,
    /// The first that succeeds.
    Any,
    /// So many.
    Count(u32),
}

/// A condition with what is done when it holds and when it does not.
#[derive(Clone, Debug, PartialEq)]
pub struct If {
    /// The condition.
    pub condition: Node,
    /// What is done when it holds.
    pub then: Vec<Step>,
    /// What is done when it does not.
    pub otherwise: Option<Vec<Step>>,
}

/// One arm of a switch.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Where it stands.
    pub span: Span,
    /// The condition; only the last arm may lack it.
    pub when: Option<Node>,
    /// What is then done.
    pub steps: Vec<Step>,
}

/// The same steps for each item.
#[derive(Clone, Debug, PartialEq)]
pub struct ForEach {
    /// The items: a list or an object.
    pub items: Node,
    /// The item's name in the body; `item` where it is absent.
    pub item: Option<Spanned<String>>,
    /// The name of its position.
    pub index: Option<Spanned<String>>,
    /// Items under way at once: an integer or an expression.
    pub concurrency: Option<Node>,
    /// Items handed to the body at a time: an integer or an expression.
    pub batch: Option<Node>,
    /// What a failed item means for the others.
    pub on_failure: Option<Spanned<OnFailure>>,
    /// What is done for each.
    pub body: Vec<Step>,
}

impl ForEach {
    /// The name of the item where a flow gives none.
    pub const ITEM: &'static str = "item";

    /// The name of the item in the body.
    #[must_use]
    pub fn item_name(&self) -> &str {
        self.item.as_ref().map_or(Self::ITEM, |it| &it.value)
    }
}

/// The same steps again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// Where the settings stand.
    pub span: Span,
    /// Checked before each iteration.
    pub condition: Option<Node>,
    /// Checked after each iteration.
    pub until: Option<Node>,
    /// The most iterations: an integer or an expression; 1,000 where it is absent.
    pub max: Option<Node>,
    /// The pause between iterations.
    pub every: Option<Spanned<Duration>>,
    /// What is repeated.
    pub body: Vec<Step>,
}

impl Loop {
    /// The most iterations where a flow does not say.
    pub const MAX: i64 = 1_000;
}

/// Another flow.
#[derive(Clone, Debug, PartialEq)]
pub struct SubFlow {
    /// Which one, as written.
    pub target: Spanned<FlowTarget>,
    /// Its inputs: an object.
    pub with: Option<Node>,
    /// Whether the step ends once the run is started.
    pub detach: Option<Spanned<bool>>,
}

/// Which flow a sub-flow step means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowTarget {
    /// The one in this file, relative to the document.
    File(String),
    /// A published one; its newest version where none is given.
    Published {
        /// The flow's name.
        name: String,
        /// The version's number.
        version: Option<u32>,
    },
}

/// A wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// Where the settings stand.
    pub span: Span,
    /// What it waits for.
    pub until: WaitFor,
    /// The longest wait.
    pub timeout: Option<Spanned<Duration>>,
}

/// What a wait waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitFor {
    /// `for`: a time from now.
    Time(Node),
    /// `until`: an instant.
    Instant(Node),
    /// `signal`: a message of that name.
    Signal(Node),
    /// `webhook`: a call to an address made for it.
    Webhook(Node),
    /// `approval`: a person's yes or no.
    Approval(Node),
}

impl WaitFor {
    /// The expression in it.
    #[must_use]
    pub fn node(&self) -> &Node {
        match self {
            Self::Time(it) | Self::Instant(it) | Self::Signal(it) | Self::Webhook(it) | Self::Approval(it) => it,
        }
    }
}

/// Steps with a rescue and a last word.
#[derive(Clone, Debug, PartialEq)]
pub struct Try {
    /// What is tried.
    pub body: Vec<Step>,
    /// What is done when it failed.
    pub catch: Option<Vec<Step>>,
    /// What is done in any case.
    pub finally: Option<Vec<Step>>,
}

impl Step {
    /// The lists of steps in this one, with their names: `do`, `then`, a branch's name, `catch`, …
    #[must_use]
    pub fn lists(&self) -> Vec<(&str, &[Step])> {
        let mut lists: Vec<(&str, &[Step])> = Vec::new();
        match &self.body {
            Body::Task(it) => lists.extend(it.compensate.iter().map(|it| ("compensate", it.as_slice()))),
            Body::Parallel(it) => lists.extend(it.branches.iter().map(|it| (it.name.as_str(), it.steps.as_slice()))),
            Body::If(it) => {
                lists.push(("then", &it.then));
                lists.extend(it.otherwise.iter().map(|it| ("else", it.as_slice())));
            }
            Body::Switch(arms) => lists.extend(arms.iter().map(|it| ("do", it.steps.as_slice()))),
            Body::ForEach(it) => lists.push(("do", &it.body)),
            Body::Loop(it) => lists.push(("do", &it.body)),
            Body::Try(it) => {
                lists.push(("try", &it.body));
                lists.extend(it.catch.iter().map(|it| ("catch", it.as_slice())));
                lists.extend(it.finally.iter().map(|it| ("finally", it.as_slice())));
            }
            Body::Group(it) => lists.push(("group", it)),
            Body::Flow(_) | Body::Wait(_) | Body::Set(_) | Body::Fail(_) | Body::Stop(_) | Body::Broken => {}
        }
        lists
    }
}
