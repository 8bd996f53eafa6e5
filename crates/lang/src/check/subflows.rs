//! Steps that run other flows: the inputs that they give, and flows that call themselves without an end.

mod calls;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use self::calls::{Back, Calls};
use super::{
    inputs::Inputs,
    plan::Plan,
    skips::Skips,
    suggest::{Suggest, shortened},
    types::Types,
};
use crate::{
    Code, Diagnostic, Options,
    model::{Body, Child, Flow, FlowTarget, SubFlow},
};

pub(super) fn check_inputs(
    flow: &Flow,
    (plan, types): (&Plan, &Types),
    suggest: &mut Suggest,
    problems: &mut Vec<Diagnostic>,
) {
    let mut known: BTreeMap<&str, Inputs> = BTreeMap::new();
    for (_, step) in plan.steps() {
        let Body::Flow(it) = &step.body else { continue };
        let FlowTarget::File(path) = &it.target.value else { continue };
        let Some(child) = flow.children.get(path).filter(|it| it.hash.is_some()) else { continue };
        let inputs = known.entry(path).or_insert_with(|| of_child(child, types));
        check_step(it, child, inputs, suggest, problems);
    }
}

fn of_child<'a>(child: &'a Child, types: &'a Types<'a>) -> Inputs<'a> {
    Inputs::new(child.inputs.iter().map(|it| (it.name.as_str(), Json::from(&it.schema), it.default.is_some())), types)
}

fn check_step(it: &SubFlow, child: &Child, inputs: &Inputs, suggest: &mut Suggest, problems: &mut Vec<Diagnostic>) {
    if let Some(with) = &it.with {
        inputs.check_given(with, Code::SubFlowInput, suggest, problems);
    }
    for name in inputs.missing(it.with.as_ref()) {
        let message = format!("the flow `{}` needs the input `{}`", shortened(&child.name), shortened(name));
        let problem = Diagnostic::new(Code::SubFlowInput, it.target.span, message);
        problems.push(problem.help("give it in `with`"));
    }
}

/// Reports steps whose flow leads back to this one.
pub(super) fn check_circles(
    flow: &Flow,
    options: &Options,
    (plan, skips): (&Plan, &Skips),
    problems: &mut Vec<Diagnostic>,
) {
    let mut calls = Calls::new(flow, options);
    for call in calls::of_flow(flow, plan, skips) {
        let back = calls.back(&call.target);
        let (code, how, help) = match back {
            Back::Never => continue,
            Back::Always if call.is_certain => {
                let help = "call it under a condition that becomes false, or use a `loop`";
                (Code::SubFlowEndless, "calls itself here, and never stops doing so", help)
            }
            _ => {
                let help = "see that its condition becomes false; runs nest no deeper than 32";
                (Code::SubFlowRecursive, "may call itself here again and again", help)
            }
        };
        let message = format!("the flow `{}` {how}", shortened(&flow.name.value));
        problems.push(Diagnostic::new(code, call.span, message).help(help));
    }
}
