//! Names that mean one thing only: ids of steps, and the names that blocks give to items and positions.
//!
//! **Invariant:** where nothing is reported here, a name in an expression means at most one thing at its place.

use std::collections::BTreeMap;

use super::{
    plan::{Plan, Role, StepNo},
    suggest::shortened,
};
use crate::{
    Code, Diagnostic, Spanned,
    model::{Body, ForEach},
};

/// The words of the language: names that expressions know anyway, and words of their grammar.
const RESERVED: [&str; 19] = [
    "inputs", "run", "secrets", "vars", "error", "last", "now", "range", "dict", "true", "false", "none", "not", "and",
    "or", "in", "is", "if", "else",
];

fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

pub(super) fn check(plan: &Plan, problems: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<&str, StepNo> = BTreeMap::new();
    for (no, step) in plan.steps() {
        let id = &step.id;
        if id.value.is_empty() {
            continue;
        }
        if is_reserved(&id.value) {
            problems.push(reserved(id, "an id"));
        }
        match first.get(id.value.as_str()) {
            Some(first) => problems.push(repeated(plan, id, *first)),
            None => {
                first.insert(&id.value, no);
            }
        }
        if let Body::ForEach(it) = &step.body {
            check_names(plan, no, it, problems);
        }
    }
}

fn reserved(name: &Spanned<String>, what: &str) -> Diagnostic {
    let message = format!("`{}` is a word of the language and cannot be {what}", name.value);
    Diagnostic::new(Code::ReservedId, name.span, message).help(format!("write for example `{}_1`", name.value))
}

fn repeated(plan: &Plan, id: &Spanned<String>, first: StepNo) -> Diagnostic {
    let id_text = shortened(&id.value);
    Diagnostic::new(Code::DuplicateId, id.span, format!("there is another step with the id `{id_text}`"))
        .label(plan.id_span(first), format!("`{id_text}` is first used here"))
        .help("ids are unique in the whole flow, also across branches and blocks")
}

/// The names that a `for_each` gives to the item and its position.
fn check_names(plan: &Plan, no: StepNo, it: &ForEach, problems: &mut Vec<Diagnostic>) {
    for (key, name) in [("as", &it.item), ("index", &it.index)] {
        let Some(name) = name else { continue };
        if is_reserved(&name.value) {
            problems.push(reserved(name, "a name for an item or its position"));
        }
        if let Some(step) = plan.find(&name.value) {
            let message = format!("`{key}` gives a name that a step has already: `{}`", shortened(&name.value));
            let problem = Diagnostic::new(Code::NameTaken, name.span, message);
            problems.push(problem.label(plan.id_span(step), "this step").help("give one of them another name"));
        } else if let Some(outer) = hidden(plan, no, &name.value) {
            let message = format!("`{}` hides the name that a `for_each` around gives", shortened(&name.value));
            problems.push(Diagnostic::new(Code::Shadowed, name.span, message).label(outer, "the hidden name"));
        }
    }
    if let Some(index) = it.index.as_ref().filter(|index| index.value == it.item_name()) {
        let message = format!("`{}` is the name of the item already", shortened(&index.value));
        problems.push(Diagnostic::new(Code::NameTaken, index.span, message).help("give the position another name"));
    }
}

/// Where a `for_each` around the step gives the same name.
fn hidden(plan: &Plan, no: StepNo, name: &str) -> Option<crate::Span> {
    let lists = std::iter::once(no).chain(plan.blocks(no)).map(|it| plan.list_of(it).role);
    lists.filter_map(|it| if let Role::Each(it) = it { Some(it) } else { None }).find_map(|outer| {
        let names = outer.item.iter().chain(&outer.index);
        names.filter(|it| it.value == name).map(|it| it.span).next()
    })
}
