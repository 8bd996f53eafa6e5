//! Lowering of a checked flow to a blueprint.
//!
//! **Invariant:** the same document gives the same bytes, whatever the machine; nothing here depends on the order
//! of a map or on chance. Every index in the blueprint points where it should.

pub(crate) mod arena;
mod exprs;
mod list;
mod ops;
mod scopes;
mod tasks;
mod tree;

use drawloom_blueprint::{Blueprint, Concurrency, InputDef, Limits, Lookup, Trigger, Value};

use self::{exprs::Exprs, scopes::Emitter};
use crate::{
    Options, PassReport,
    model::{Flow, OnUnhandled},
    optimise::optimise,
};

/// The blueprint of a flow without errors, and what each pass did.
pub(crate) fn emit(flow: &Flow, options: &Options) -> (Blueprint, Vec<PassReport>) {
    optimise(lower(flow, options), options.optimise)
}

/// The blueprint that says what the flow says.
fn lower(flow: &Flow, options: &Options) -> Blueprint {
    let mut emitter = Emitter::new(flow, options);
    emitter.scope(None, "root", &flow.steps);
    emitter.run();
    let Emitter { mut exprs, scopes, steps, edges, .. } = emitter;
    let vars = flow.vars.iter().map(|(name, node)| (name.value.as_str(), node.to_value()));
    Blueprint {
        flow: flow.name.value.clone(),
        description: flow.description.as_ref().map(|it| it.value.clone()),
        labels: flow.labels.iter().map(|(name, node)| (name.value.clone(), exprs.node(node))).collect(),
        inputs: flow.inputs.iter().map(input).collect(),
        outputs: flow.outputs.iter().map(|(name, node)| (name.value.clone(), exprs.node(node))).collect(),
        limits: limits(flow, &mut exprs),
        triggers: flow.triggers.iter().map(trigger).collect(),
        scopes,
        steps,
        edges,
        vars: Value::object(vars),
        exprs: exprs.into_exprs(),
        lookup: Lookup::default(),
    }
}

fn input(it: &crate::model::Input) -> InputDef {
    InputDef {
        name: it.name.value.clone(),
        schema: it.schema.to_value(),
        default: it.default.as_ref().map(crate::Node::to_value),
    }
}

fn trigger(it: &crate::model::Trigger) -> Trigger {
    Trigger { kind: it.on.name().to_owned(), settings: it.settings.to_value() }
}

fn limits(flow: &Flow, exprs: &mut Exprs) -> Limits {
    let it = &flow.limits;
    let concurrency = it.concurrency.as_ref().map(|it| Concurrency {
        max: it.max.value,
        key: it.key.as_ref().map(|it| exprs.node(it)),
        when_full: it.when_full.map(|it| it.value).unwrap_or_default(),
    });
    Limits {
        parallel_steps: it.parallel_steps.map(|it| it.value),
        timeout: it.timeout.map(|it| it.value),
        concurrency,
        stop_on_failure: it.on_failure.is_some_and(|it| it.value == OnUnhandled::Stop),
    }
}

#[cfg(test)]
pub(crate) mod tests;
