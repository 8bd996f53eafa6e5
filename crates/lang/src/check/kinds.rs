//! Task steps: their kinds, and their parameters against the kinds' schemas.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Map, Value as Json};

use super::{
    plan::Plan,
    schema::{self, Schema, Sort, Subject},
    suggest::{Suggest, shortened, some_of},
    types::Types,
};
use crate::{
    Code, Diagnostic, KindInfo, Options, Placement, Spanned,
    model::{Body, Step, Task},
};

/// Words that say what a step does, which might be taken for kinds.
const FORMS: [&str; 13] =
    ["parallel", "if", "switch", "for_each", "loop", "flow", "wait", "try", "group", "set", "fail", "stop", "uses"];

pub(super) fn check(
    plan: &Plan,
    (options, types): (&Options, &Types),
    suggest: &mut Suggest,
    problems: &mut Vec<Diagnostic>,
) {
    let mut validators: BTreeMap<&str, Option<Validator>> = BTreeMap::new();
    for (_, step) in plan.steps() {
        let Body::Task(task) = &step.body else { continue };
        let Some(kind) = options.kinds.get(&task.uses.value) else {
            problems.push(unknown(&task.uses, options, suggest));
            continue;
        };
        let validator = validators.entry(&kind.name).or_insert_with(|| schema::validator(&kind.schema));
        if let Some(validator) = validator {
            let subject = Subject { node: task.with.as_ref(), at: task.uses.span, name: "`with`", types };
            parameters(subject, Schema { json: &kind.schema, validator }, suggest, problems);
        }
        if task.compensate.is_none() && placement(kind, task) == Placement::Inline {
            policies(step, task, problems);
        }
    }
}

fn unknown(uses: &Spanned<String>, options: &Options, suggest: &mut Suggest) -> Diagnostic {
    let name = shortened(&uses.value);
    let problem = Diagnostic::new(Code::UnknownKind, uses.span, format!("unknown kind `{name}`"));
    let help = match uses.value.as_str() {
        "sleep" | "delay" => "write `wait: { for: 5s }` instead of `uses`".to_owned(),
        "js" | "javascript" | "script" => "did you mean `code`?".to_owned(),
        "bash" | "sh" | "command" | "exec" => "did you mean `shell`?".to_owned(),
        "jq" => "did you mean `transform`?".to_owned(),
        it if FORMS.contains(&it) => format!("`{name}` is a form of its own: write `{name}: …` instead of `uses`"),
        it => suggest.like(it, options.kinds.names()).unwrap_or_else(|| match options.kinds.names().next() {
            None => "no kinds are installed".to_owned(),
            Some(_) => format!("the kinds are {}", some_of(options.kinds.names())),
        }),
    };
    problem.help(help)
}

fn parameters(subject: Subject, schema: Schema, suggest: &mut Suggest, problems: &mut Vec<Diagnostic>) {
    for it in schema::misfits(schema, subject, suggest) {
        let code = match it.sort {
            Sort::Unknown => Code::UnknownParameter,
            Sort::Missing => Code::MissingParameter,
            Sort::Value => Code::WithInvalid,
        };
        problems.push(Diagnostic::new(code, it.span, it.message).maybe_help(it.help));
    }
}

/// Where a step of a kind is done.
fn placement(kind: &KindInfo, task: &Task) -> Placement {
    let with = || task.with.as_ref().map_or_else(|| Json::Object(Map::new()), |it| Json::from(&it.to_value()));
    kind.place.map_or(kind.placement, |place| place(&with()))
}

/// Reports policies that mean nothing to a step that the engine does on the spot.
fn policies(step: &Step, task: &Task, problems: &mut Vec<Diagnostic>) {
    let given = [
        ("retry", task.retry.as_ref().map(|it| it.span)),
        ("cache", task.cache.as_ref().map(|it| it.span)),
        ("queue", task.queue.as_ref().map(|it| it.span)),
        ("priority", task.priority.map(|it| it.span)),
        ("timeout", step.timeout.map(|it| it.span)),
    ];
    for (key, span) in given {
        if let Some(span) = span {
            let message =
                format!("`{key}` has no meaning for `{}`, which is done on the spot", shortened(&task.uses.value));
            problems.push(Diagnostic::new(Code::NotForInlineKind, span, message).help("leave it out"));
        }
    }
}
