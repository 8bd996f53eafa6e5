//! The Flow document: what a person wrote, typed and with places, before anything is checked against anything else.
//!
//! **Invariant:** every spelling (YAML, JSON, a foreign dialect) becomes this model, and nothing else reaches the
//! checks. What holds expressions stays a [`Node`]; what must be constant is typed.

mod policy;
mod step;
mod trigger;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use drawloom_blueprint::{FlowHash, InputDef, OnFull};

use crate::{Node, Source, Span, Spanned, Text, node::Members};

pub use policy::{Cache, Defaults, Retry};
pub use step::{
    Arm, Body, Branch, Branches, FlowTarget, ForEach, If, Join, Loop, OnFailure, Step, SubFlow, Task, Try, Wait,
    WaitFor,
};
pub use trigger::{Overlap, Trigger, TriggerOn, Webhook};

/// A flow as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// The document.
    pub source: Arc<Source>,
    /// Where the flow stands in it.
    pub span: Span,
    /// The version of the language.
    pub drawloom: Spanned<u64>,
    /// The flow's name.
    pub name: Spanned<String>,
    /// What it is for.
    pub description: Option<Text>,
    /// Labels of its runs; the values may hold expressions.
    pub labels: Members,
    /// Its inputs.
    pub inputs: Vec<Input>,
    /// Constants.
    pub vars: Members,
    /// Policies of task steps that do not state their own.
    pub defaults: Defaults,
    /// Limits of its runs.
    pub limits: Limits,
    /// What starts runs.
    pub triggers: Vec<Trigger>,
    /// What a run does.
    pub steps: Vec<Step>,
    /// What a run returns.
    pub outputs: Members,
    /// What is known of the sub-flows in files, by their path as written; filled in by [`crate::compile`].
    pub children: BTreeMap<String, Child>,
}

/// An input of a flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: Spanned<String>,
    /// The JSON Schema of its value, `default` included; an object.
    pub schema: Node,
    /// The value where none is given; an input without one must be given.
    pub default: Option<Node>,
}

/// Limits of a flow's runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Task attempts under way at once in one run.
    pub parallel_steps: Option<Spanned<u32>>,
    /// The longest a run may take.
    pub timeout: Option<Spanned<Duration>>,
    /// Runs at once.
    pub concurrency: Option<Concurrency>,
    /// Whether an unhandled failure stops independent branches.
    pub on_failure: Option<Spanned<OnUnhandled>>,
}

/// How many runs may be under way at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Concurrency {
    /// Slots per key.
    pub max: Spanned<u32>,
    /// Runs with the same value of this share slots.
    pub key: Option<Node>,
    /// What becomes of a run without a slot.
    pub when_full: Option<Spanned<OnFull>>,
}

/// What an unhandled failure does to branches that do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnhandled {
    /// They go on.
    #[default]
    Continue,
    /// They are cancelled.
    Stop,
}

/// What is known of a sub-flow in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// The name that its document gives it.
    pub name: String,
    /// Its version; none where it is a flow that is being compiled just now, because it calls itself.
    pub hash: Option<FlowHash>,
    /// Its inputs; empty where it calls itself.
    pub inputs: Vec<InputDef>,
    /// The names of its outputs; empty where it calls itself.
    pub outputs: Vec<String>,
}

impl Flow {
    /// Calls `visit` with each step, however deep, a step before the steps in it, in order of writing.
    pub fn each_step<'a>(&'a self, visit: &mut dyn FnMut(&'a Step)) {
        each(&self.steps, visit);
    }
}

fn each<'a>(steps: &'a [Step], visit: &mut dyn FnMut(&'a Step)) {
    for step in steps {
        visit(step);
        for (_, inner) in step.lists() {
            each(inner, visit);
        }
    }
}
