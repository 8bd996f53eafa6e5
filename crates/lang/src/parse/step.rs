//! Lists of steps, and what all steps have in common.
//!
//! **Invariant:** a step that could be told to be one is kept, with [`Body::Broken`] if need be, so that what
//! refers to it is not reported for its sake.

mod body;

use drawloom_blueprint::TriggerRule;

use super::{
    fields::{self, Fields},
    flow::is_written,
    reader::{Field, Reader, head, list as words},
};
use crate::{
    Code, Data, Diagnostic, Node, Span, Spanned,
    diagnostic::closest,
    model::{Body, OnFailure, Step},
};

/// The keys that every step may have.
const COMMON: [&str; 8] = ["id", "name", "description", "needs", "when", "run_if", "on_failure", "timeout"];

/// The keys that say what a step does, each with the keys that go with it.
const FORMS: [(&str, &[&str]); 13] = [
    ("uses", &["with", "retry", "cache", "queue", "priority", "compensate"]),
    ("parallel", &["join"]),
    ("if", &["then", "else"]),
    ("switch", &[]),
    ("for_each", &["do"]),
    ("loop", &["do"]),
    ("flow", &["with", "detach"]),
    ("wait", &[]),
    ("try", &["catch", "finally"]),
    ("group", &[]),
    ("set", &[]),
    ("fail", &[]),
    ("stop", &[]),
];

/// The choices of `on_failure`.
const ON_FAILURE: [(&str, OnFailure); 2] = [("fail", OnFailure::Fail), ("continue", OnFailure::Continue)];

/// Reads a list of steps.
pub(super) fn list(reader: &mut Reader, field: Field) -> Vec<Step> {
    match field.node.data {
        Data::List(items) => items.into_iter().filter_map(|it| step(reader, it)).collect(),
        Data::Object(_) => {
            let expected = format!("`{}`: expected a list of steps", field.key);
            reader.wrong_node(&field.node, &expected, Some("begin each step with `- `"));
            Vec::new()
        }
        _ => {
            reader.wrong(&field, "a list of steps");
            Vec::new()
        }
    }
}

fn step(reader: &mut Reader, node: Node) -> Option<Step> {
    let (span, first) = (node.span, head(&node));
    let Data::Object(members) = node.data else {
        reader.wrong_node(&node, "expected a step (an object)", None);
        return None;
    };
    let mut fields = Fields::new(members, first, "a step");
    let id = fields.need(reader, "id").and_then(|it| reader.id(it));
    if let Some(id) = &id {
        fields.at = id.span;
    }
    let needs = fields.take("needs").and_then(|it| needs(reader, it));
    let name = fields.take("name").filter(is_written).and_then(|it| reader.text(it));
    let description = fields.take("description").filter(is_written).and_then(|it| reader.text(it));
    let when = fields.take("when").and_then(|it| condition(reader, it));
    let run_if = fields.take("run_if").and_then(|it| reader.choice(&it, &TriggerRule::ALL));
    let on_failure = fields.take("on_failure").and_then(|it| reader.choice(&it, &ON_FAILURE));
    let timeout = fields.take("timeout").and_then(|it| reader.duration(&it));
    let (body, form) = form(reader, &mut fields, id.as_ref());
    Some(Step {
        span,
        id: id.unwrap_or(Spanned::new(String::new(), first)),
        name,
        description,
        needs,
        when,
        run_if,
        on_failure,
        timeout,
        body,
        form,
    })
}

/// Reads what the step does, and reports the keys that do not go with it.
fn form(reader: &mut Reader, fields: &mut Fields, id: Option<&Spanned<String>>) -> (Body, Span) {
    let found: Vec<(&'static str, Span)> =
        FORMS.iter().filter_map(|(form, _)| fields.place(form).map(|at| (*form, at))).collect();
    let Some((key, at)) = found.first().copied() else {
        no_form(reader, fields, id);
        return (Body::Broken, fields.at);
    };
    if let Some((second, second_at)) = found.get(1) {
        let message = format!("a step does one thing, not both `{key}` and `{second}`");
        let problem = Diagnostic::new(Code::SeveralForms, *second_at, message).label(at, "first said here");
        reader.report(problem.help("make two steps of it"));
        // Which of them the other keys go with cannot be told.
        fields.drain(|_| true);
        return (Body::Broken, at);
    }
    let body = fields.take(key).and_then(|it| body::read(reader, it, fields)).unwrap_or(Body::Broken);
    let known = with_common(key);
    for left in fields.drain(|_| true) {
        reader.report(leftover(&left, key, &known));
    }
    (body, at)
}

/// The keys that go with a form.
fn with_common(form: &'static str) -> Vec<&'static str> {
    let own = FORMS.iter().find(|(it, _)| *it == form).map_or(&[][..], |(_, own)| own);
    [form].into_iter().chain(own.iter().copied()).chain(COMMON).collect()
}

/// The problem of a key that does not go with what the step does.
fn leftover(key: &Spanned<String>, form: &str, known: &[&str]) -> Diagnostic {
    let owners: Vec<&str> =
        FORMS.iter().filter(|(_, own)| own.contains(&key.value.as_str())).map(|(form, _)| *form).collect();
    if owners.is_empty() {
        return fields::unknown(key, &format!("a step with `{form}`"), known);
    }
    let message = format!("`{}` goes with {}, not with `{form}`", key.value, words(owners));
    Diagnostic::new(Code::MisplacedKey, key.span, message)
}

fn no_form(reader: &mut Reader, fields: &mut Fields, id: Option<&Spanned<String>>) {
    let forms = || FORMS.iter().map(|(form, _)| *form);
    let meant = fields.left().find_map(|it| closest(it, forms()).map(|form| (it.to_owned(), form)));
    let owner = |it: &str| FORMS.iter().filter(|(_, own)| own.contains(&it)).map(|(form, _)| *form).collect::<Vec<_>>();
    let hint = fields.left().map(|it| (it.to_owned(), owner(it))).find(|(_, owners)| !owners.is_empty());
    let name = id.map_or("a step".to_owned(), |it| format!("step `{}`", it.chars().take(60).collect::<String>()));
    let message = format!("{name} does not say what it does");
    let (at, help) = match (meant, hint) {
        (Some((written, form)), _) => {
            let at = fields.drain(|it| it == written).first().map_or(fields.at, |it| it.span);
            (at, format!("`{written}` is unknown; did you mean `{form}`?"))
        }
        (None, Some((written, owners))) => (fields.at, format!("`{written}` goes with {}", words(owners))),
        (None, None) => (fields.at, format!("give it one of {}", words(forms()))),
    };
    reader.report(Diagnostic::new(Code::NoForm, at, message).help(help));
    let own = |it: &str| FORMS.iter().any(|(_, own)| own.contains(&it));
    fields.drain(own);
    let known: Vec<&str> = COMMON.into_iter().chain(forms()).collect();
    for left in fields.drain(|_| true) {
        reader.report(fields::unknown(&left, "a step", &known));
    }
}

/// The ids of steps: a list of them, or one alone.
fn needs(reader: &mut Reader, field: Field) -> Option<Vec<Spanned<String>>> {
    let (key, at) = (field.key, field.at);
    match field.node.data {
        Data::List(items) => {
            Some(items.into_iter().filter_map(|node| reader.string(Field { key, at, node })).collect())
        }
        Data::Text(it) => Some(vec![Spanned::new(it.value, it.span)]),
        _ => {
            reader.wrong(&field, "a list of step ids");
            None
        }
    }
}

/// A condition: an expression, or `true` or `false`.
fn condition(reader: &mut Reader, field: Field) -> Option<Node> {
    if matches!(field.node.data, Data::Text(_) | Data::Bool(_)) {
        return Some(field.node);
    }
    reader.wrong(&field, "an expression such as \"{{ inputs.limit > 10 }}\"");
    None
}
