//! The text form of a blueprint: the flow, then each scope with its steps, then what each pass did.

use std::fmt::Write as _;

use drawloom_blueprint::{Blueprint, ExprIx, FlowHash, ScopeIx, Step, TriggerRule, format_duration};

use super::{
    json::needs,
    op::{Detail, details},
    source::{expr_source, shorten},
};
use crate::PassReport;

/// How many changes of one pass are listed.
const CHANGES_MAX: usize = 50;

/// A blueprint and what each pass did, for people.
#[must_use]
pub fn text(blueprint: &Blueprint, passes: &[PassReport]) -> String {
    let mut out = String::new();
    head(&mut out, blueprint);
    let needs = needs(blueprint);
    for at in (0..).map(ScopeIx).take(blueprint.scopes.len()) {
        let it = blueprint.scope(at);
        let owner = it.owner.map(|it| format!(" of `{}`", blueprint.step(it).id)).unwrap_or_default();
        line(&mut out, 0, format_args!("\nscope {}: {}{owner}", at.0, it.name));
        if it.len == 0 {
            line(&mut out, 1, format_args!("(no steps)"));
        }
        for step in blueprint.steps_of(at) {
            describe(&mut out, blueprint, blueprint.step(step), &needs[step.ix()]);
        }
    }
    if !passes.is_empty() {
        line(&mut out, 0, format_args!("\npasses"));
    }
    for it in passes {
        pass(&mut out, it);
    }
    out
}

fn line(out: &mut String, indent: usize, text: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = writeln!(out, "{:indent$}{text}", "", indent = indent * 2);
}

fn head(out: &mut String, blueprint: &Blueprint) {
    let hash = FlowHash::of(&blueprint.encode());
    let (steps, scopes, exprs) = (blueprint.steps.len(), blueprint.scopes.len(), blueprint.exprs.len());
    line(
        out,
        0,
        format_args!(
            "flow {}: {steps} steps, {scopes} scopes, {exprs} expressions, hash {}",
            blueprint.flow,
            hash.short()
        ),
    );
    for it in &blueprint.inputs {
        let default = it.default.as_ref().map(|it| format!(" = {it}")).unwrap_or_default();
        line(out, 1, format_args!("input {}{default}: {}", it.name, shorten(&it.schema.to_json())));
    }
    for (name, value) in blueprint.vars.as_object().into_iter().flat_map(|it| it.iter()) {
        line(out, 1, format_args!("var {name} = {}", shorten(&value.to_json())));
    }
    for (name, ix) in &blueprint.labels {
        line(out, 1, format_args!("label {name} = {}", source(blueprint, *ix)));
    }
    limits(out, blueprint);
    for it in &blueprint.triggers {
        line(out, 1, format_args!("trigger {}: {}", it.kind, shorten(&it.settings.to_json())));
    }
    for (name, ix) in &blueprint.outputs {
        line(out, 1, format_args!("output {name} = {}", source(blueprint, *ix)));
    }
}

fn limits(out: &mut String, blueprint: &Blueprint) {
    let it = &blueprint.limits;
    if let Some(it) = it.parallel_steps {
        line(out, 1, format_args!("limit: {it} steps at once"));
    }
    if let Some(it) = it.timeout {
        line(out, 1, format_args!("limit: {} per run", format_duration(it)));
    }
    if let Some(it) = &it.concurrency {
        let key = it.key.map(|ix| format!(" with the same {}", source(blueprint, ix))).unwrap_or_default();
        line(out, 1, format_args!("limit: {} runs at once{key}", it.max));
    }
    if it.stop_on_failure {
        line(out, 1, format_args!("limit: a failure stops the run"));
    }
}

fn describe(out: &mut String, blueprint: &Blueprint, step: &Step, needs: &[&str]) {
    let mut notes = String::new();
    match needs {
        [] => {}
        [.., _] if needs.len() > 8 => notes.push_str(&format!(" needs {} steps", needs.len())),
        _ => notes.push_str(&format!(" needs {}", needs.join(", "))),
    }
    if step.rule != TriggerRule::AllSuccess {
        notes.push_str(&format!(" if {}", step.rule.name()));
    }
    if step.continue_on_failure {
        notes.push_str(", may fail");
    }
    if !step.groups.is_empty() {
        notes.push_str(&format!(", in {}", step.groups.join("/")));
    }
    if let Some(next) = step.fused_next {
        notes.push_str(&format!(", fused with {}", blueprint.step(next).id));
    }
    line(out, 1, format_args!("{}: {}{notes}", step.id, step.op.name()));
    for ix in &step.when {
        line(out, 2, format_args!("when {}", source(blueprint, *ix)));
    }
    if let Some(it) = step.timeout {
        line(out, 2, format_args!("at most {}", format_duration(it)));
    }
    for (name, it) in details(&step.op) {
        detail(out, blueprint, name, it);
    }
}

fn detail(out: &mut String, blueprint: &Blueprint, name: &str, it: Detail) {
    match it {
        Detail::Expr(ix) => line(out, 2, format_args!("{name} {}", source(blueprint, ix))),
        Detail::Scope(at) => line(out, 2, format_args!("{name}: scope {}", at.0)),
        Detail::Plain(serde_json::Value::String(it)) => line(out, 2, format_args!("{name} {it}")),
        Detail::Plain(it) => line(out, 2, format_args!("{name} {it}")),
        Detail::Arms(arms) => {
            for (when, scope) in arms {
                let when = when.map(|ix| format!(" when {}", source(blueprint, ix))).unwrap_or_default();
                line(out, 2, format_args!("{}: scope {}{when}", blueprint.scope(scope).name, scope.0));
            }
        }
    }
}

fn source(blueprint: &Blueprint, ix: ExprIx) -> String {
    shorten(&expr_source(&blueprint.exprs, ix))
}

fn pass(out: &mut String, it: &PassReport) {
    let count = it.changes.len();
    let summary = match count {
        0 => "nothing to do".to_owned(),
        1 => "1 change".to_owned(),
        _ => format!("{count} changes"),
    };
    line(out, 1, format_args!("{}: {summary}", it.pass));
    for change in it.changes.iter().take(CHANGES_MAX) {
        line(out, 2, format_args!("{change}"));
    }
    if count > CHANGES_MAX {
        line(out, 2, format_args!("… and {} more", count - CHANGES_MAX));
    }
}
