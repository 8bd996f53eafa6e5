//! Members of values whose members are known: of the run, of an error, of `set`, `parallel` and sub-flows.

use super::{
    suggest::{Suggest, shortened, some_of},
    uses::Use,
};
use crate::{
    Code, Diagnostic,
    diagnostic::did_you_mean,
    model::{Body, Flow, FlowTarget, Step, SubFlow},
};

/// What `run` holds.
const RUN: [&str; 7] = ["id", "flow", "version", "hash", "started_at", "trigger", "depth"];
/// What `error` holds.
const ERROR: [&str; 4] = ["class", "code", "message", "step"];

/// Checks a use of `run`.
pub(super) fn run(it: &Use) -> Option<Diagnostic> {
    fixed(it, &RUN, Code::UnknownRunField, "`run`")
}

/// Checks a use of `error`.
pub(super) fn error(it: &Use) -> Option<Diagnostic> {
    fixed(it, &ERROR, Code::UnknownField, "`error`")
}

fn fixed(it: &Use, known: &[&str], code: Code, what: &str) -> Option<Diagnostic> {
    let part = it.tail.first()?;
    let name = part.name.as_deref().filter(|name| !known.contains(name) && !it.guarded)?;
    let help = did_you_mean(name, known.iter().copied());
    let help = help.unwrap_or_else(|| format!("there is {}", some_of(known.iter().copied())));
    Some(Diagnostic::new(code, part.span, format!("{what} has no `{}`", shortened(name))).help(help))
}

/// Checks what is taken of a step's output, where that is known.
pub(super) fn of_step(flow: &Flow, step: &Step, it: &Use, suggest: &mut Suggest) -> Option<Diagnostic> {
    let part = it.tail.first()?;
    let (code, known): (Code, Vec<&str>) = match &step.body {
        Body::Set(members) => (Code::UnknownField, members.iter().map(|(name, _)| name.value.as_str()).collect()),
        Body::Parallel(it) if it.named => {
            (Code::UnknownField, it.branches.iter().map(|it| it.name.value.as_str()).collect())
        }
        Body::Flow(sub) if sub.detach.is_some_and(|it| it.value) => {
            let message = format!("`{}` is detached: nobody waits for its outputs", shortened(it.root));
            return (!it.guarded).then(|| Diagnostic::new(Code::SubFlowDetached, part.span, message));
        }
        Body::Flow(sub) => (Code::SubFlowOutput, outputs(flow, sub)?),
        _ => return None,
    };
    let name = part.name.as_deref().filter(|name| !known.contains(name) && !it.guarded)?;
    let help = suggest.like(name, known.iter().copied()).unwrap_or_else(|| match known.is_empty() {
        true => "it has no outputs".to_owned(),
        false => format!("there is {}", some_of(known)),
    });
    let message = format!("the output of `{}` has no `{}`", shortened(it.root), shortened(name));
    Some(Diagnostic::new(code, part.span, message).help(help))
}

/// The outputs of a sub-flow in a file, where they are known.
fn outputs<'a>(flow: &'a Flow, sub: &SubFlow) -> Option<Vec<&'a str>> {
    let FlowTarget::File(path) = &sub.target.value else { return None };
    let child = flow.children.get(path).filter(|it| it.hash.is_some())?;
    Some(child.outputs.iter().map(String::as_str).collect())
}
