//! Which flows call which, as far as the documents at hand tell.
//!
//! **Invariant:** each document is read once per check, and no recursion follows the calls.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Options, Span,
    check::{
        cycles::Order,
        needs,
        plan::{Plan, Role},
        skips::Skips,
        suggest::Suggest,
    },
    child_path,
    model::{Body, Flow, FlowTarget},
    parse,
};

/// A step that runs a flow.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) target: Target,
    /// Whether each run of the calling flow comes to it, failures aside.
    pub(super) is_certain: bool,
    pub(super) span: Span,
}

/// The flow that a call is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// The document at this path.
    File(String),
    /// The newest version of the published flow of this name.
    Newest(String),
    /// Some version of it, which may be older than the document at hand.
    Numbered(String),
}

/// Whether a flow leads back to the one that is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Back {
    Never,
    /// Under conditions.
    Perhaps,
    Always,
}

/// The calls of all documents that can be reached from one.
pub(super) struct Calls<'a> {
    options: &'a Options<'a>,
    path: String,
    name: &'a str,
    documents: BTreeMap<String, Vec<Call>>,
    known: BTreeMap<Target, Back>,
}

impl<'a> Calls<'a> {
    pub(super) fn new(flow: &'a Flow, options: &'a Options) -> Self {
        let path = child_path("", flow.source.name());
        Self { options, path, name: &flow.name.value, documents: BTreeMap::new(), known: BTreeMap::new() }
    }

    /// Whether a call leads back.
    pub(super) fn back(&mut self, target: &Target) -> Back {
        if let Some(known) = self.known.get(target) {
            return *known;
        }
        let back = if matches!(target, Target::Numbered(_)) {
            if self.leads_back(target, Kinds::All) { Back::Perhaps } else { Back::Never }
        } else if self.leads_back(target, Kinds::Certain) {
            Back::Always
        } else if self.leads_back(target, Kinds::All) {
            Back::Perhaps
        } else {
            Back::Never
        };
        self.known.insert(target.clone(), back);
        back
    }

    fn leads_back(&mut self, target: &Target, kinds: Kinds) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![target.clone()];
        while let Some(at) = open.pop() {
            let file = match at {
                Target::File(it) if it == self.path => return true,
                Target::Newest(it) | Target::Numbered(it) if it == self.name => return true,
                Target::File(it) => it,
                Target::Newest(_) | Target::Numbered(_) => continue,
            };
            if !seen.insert(file.clone()) {
                continue;
            }
            let calls = self.calls_of(&file).iter();
            let kept = calls.filter(|it| match kinds {
                Kinds::All => true,
                Kinds::Certain => it.is_certain && !matches!(it.target, Target::Numbered(_)),
            });
            open.extend(kept.map(|it| it.target.clone()));
        }
        false
    }

    fn calls_of(&mut self, path: &str) -> &[Call] {
        if !self.documents.contains_key(path) {
            let flow = self.options.children.get(path).and_then(|it| parse(it).0);
            let calls = flow.map(|flow| {
                let mut plan = Plan::new(&flow);
                needs::resolve(&mut plan, &mut Suggest::new(), &mut Vec::new());
                let skips = Skips::new(&plan, &Order::new(&plan));
                of_flow(&flow, &plan, &skips)
            });
            self.documents.insert(path.to_owned(), calls.unwrap_or_default());
        }
        self.documents.get(path).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Which calls are followed.
#[derive(Clone, Copy)]
enum Kinds {
    All,
    Certain,
}

/// The calls of a flow.
pub(super) fn of_flow(flow: &Flow, plan: &Plan, skips: &Skips) -> Vec<Call> {
    // A flow that can end early need not come to its calls.
    let ends = plan.steps().any(|(_, step)| matches!(step.body, Body::Fail(_) | Body::Stop(_)));
    let path = child_path("", flow.source.name());
    let mut calls = Vec::new();
    for (no, step) in plan.steps() {
        let Body::Flow(it) = &step.body else { continue };
        let target = match &it.target.value {
            FlowTarget::File(file) => Target::File(child_path(&path, file)),
            FlowTarget::Published { name, version: None } => Target::Newest(name.clone()),
            FlowTarget::Published { name, version: Some(_) } => Target::Numbered(name.clone()),
        };
        let mut around = std::iter::once(no).chain(plan.blocks(no));
        let is_certain = !ends && around.all(|it| !skips.may_be_skipped(it) && is_always_taken(plan.list_of(it).role));
        calls.push(Call { target, is_certain, span: it.target.span });
    }
    calls
}

/// Whether a list is done whenever its block is.
fn is_always_taken(role: Role) -> bool {
    match role {
        Role::Root | Role::Branch | Role::Try | Role::Finally => true,
        Role::Loop(it) => it.condition.is_none(),
        Role::Arm(..) | Role::Then(_) | Role::Else(_) | Role::Each(_) | Role::Catch | Role::Compensate => false,
    }
}
