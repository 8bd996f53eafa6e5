//! The JSON form of a blueprint. Expressions are what they could be in a flow in JSON; scopes are numbers; steps
//! are named by their ids.

use drawloom_blueprint::{Blueprint, ExprIx, FlowHash, Limits, OnFull, Step, StepIx, format_duration};
use serde_json::{Map, Value as Json, json};

use super::{
    op::{Detail, details},
    source::expr_json,
};
use crate::PassReport;

/// A blueprint and what each pass did, for machines.
#[must_use]
pub fn json(blueprint: &Blueprint, passes: &[PassReport]) -> Json {
    let sources = |it: &mut dyn Iterator<Item = (&String, ExprIx)>| -> Json {
        Json::Object(it.map(|(name, ix)| (name.clone(), source(blueprint, ix))).collect())
    };
    let needs = needs(blueprint);
    let steps: Vec<Json> = blueprint.steps.iter().zip(&needs).map(|(it, needs)| step(blueprint, it, needs)).collect();
    json!({
        "flow": blueprint.flow,
        "hash": FlowHash::of(&blueprint.encode()).to_string(),
        "description": blueprint.description,
        "labels": sources(&mut blueprint.labels.iter().map(|(name, ix)| (name, *ix))),
        "inputs": blueprint.inputs.iter().map(|it| json!({
            "name": it.name,
            "schema": Json::from(&it.schema),
            "required": it.default.is_none(),
            "default": it.default.as_ref().map(Json::from),
        })).collect::<Vec<_>>(),
        "vars": Json::from(&blueprint.vars),
        "outputs": sources(&mut blueprint.outputs.iter().map(|(name, ix)| (name, *ix))),
        "limits": limits(blueprint, &blueprint.limits),
        "triggers": blueprint.triggers.iter().map(|it| json!({
            "kind": it.kind,
            "settings": Json::from(&it.settings),
        })).collect::<Vec<_>>(),
        "scopes": blueprint.scopes.iter().map(|it| json!({
            "owner": it.owner.map(|at| blueprint.step(at).id.as_str()),
            "name": it.name,
            "first": it.first.0,
            "len": it.len,
            "last": it.last.map(|at| blueprint.step(at).id.as_str()),
        })).collect::<Vec<_>>(),
        "steps": steps,
        "expressions": blueprint.exprs.len(),
        "passes": passes.iter().map(|it| json!({ "pass": it.pass, "changes": it.changes })).collect::<Vec<_>>(),
    })
}

/// The ids of the steps that each step needs.
pub(super) fn needs(blueprint: &Blueprint) -> Vec<Vec<&str>> {
    let mut needs = vec![Vec::new(); blueprint.steps.len()];
    for from in (0..).map(StepIx).take(blueprint.steps.len()) {
        for to in blueprint.next(from) {
            needs[to.ix()].push(blueprint.step(from).id.as_str());
        }
    }
    needs
}

fn step(blueprint: &Blueprint, it: &Step, needs: &[&str]) -> Json {
    let mut all = Map::new();
    let mut put = |name: &str, value: Json| all.insert(name.to_owned(), value);
    put("id", json!(it.id));
    put("name", json!(it.title));
    put("scope", json!(it.scope.0));
    put("op", json!(it.op.name()));
    put("inline", json!(it.op.is_inline()));
    put("needs", json!(needs));
    put("run_if", json!(it.rule.name()));
    put("when", it.when.iter().map(|ix| source(blueprint, *ix)).collect());
    put("on_failure", json!(if it.continue_on_failure { "continue" } else { "fail" }));
    put("timeout", json!(it.timeout.map(format_duration)));
    put("groups", json!(it.groups));
    put("fused_next", json!(it.fused_next.map(|at| blueprint.step(at).id.as_str())));
    let particulars = details(&it.op).into_iter().map(|(name, value)| (name.to_owned(), detail(blueprint, value)));
    put("particulars", Json::Object(particulars.collect()));
    Json::Object(all)
}

fn detail(blueprint: &Blueprint, it: Detail) -> Json {
    match it {
        Detail::Expr(ix) => source(blueprint, ix),
        Detail::Scope(at) => json!(at.0),
        Detail::Plain(it) => it,
        Detail::Arms(arms) => {
            let arm = |(when, scope): (Option<ExprIx>, drawloom_blueprint::ScopeIx)| {
                json!({
                    "name": blueprint.scope(scope).name,
                    "when": when.map(|ix| source(blueprint, ix)),
                    "scope": scope.0,
                })
            };
            arms.into_iter().map(arm).collect()
        }
    }
}

fn limits(blueprint: &Blueprint, it: &Limits) -> Json {
    let concurrency = it.concurrency.as_ref().map(|it| {
        json!({
            "max": it.max,
            "key": it.key.map(|ix| source(blueprint, ix)),
            "when_full": match it.when_full {
                OnFull::Queue => "queue",
                OnFull::Skip => "skip",
                OnFull::Reject => "reject",
                OnFull::CancelRunning => "cancel_running",
            },
        })
    });
    json!({
        "parallel_steps": it.parallel_steps,
        "timeout": it.timeout.map(format_duration),
        "concurrency": concurrency,
        "on_failure": if it.stop_on_failure { "stop" } else { "continue" },
    })
}

fn source(blueprint: &Blueprint, ix: ExprIx) -> Json {
    expr_json(&blueprint.exprs, ix)
}
