//! Secrets: where they may be used, and how they are named.

use super::{sites::Slot, suggest::shortened, uses::Use};
use crate::{
    Code, Diagnostic, Span, Text,
    model::{Flow, Step},
    template::has_expressions,
};

/// Checks a use of `secrets`.
pub(super) fn check(slot: Slot, it: &Use) -> Option<Diagnostic> {
    let whole = it.tail.first().map_or(it.span, |part| part.span);
    if let Slot::Other(place) = slot {
        let message = format!("a secret must not stand in {place}: it would be kept and shown");
        let help = "secrets may stand in the `with` of task steps and in the settings of triggers";
        return Some(Diagnostic::new(Code::SecretExposed, whole, message).help(help));
    }
    let Some(name) = it.tail.first().and_then(|part| part.name.as_deref()) else {
        let message = "secrets are used one by one and by their names";
        return Some(Diagnostic::new(Code::SecretsAsWhole, whole, message).help("write `secrets.NAME`"));
    };
    let first = name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    if first && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_') {
        return None;
    }
    let message = format!("`{}` is not a name for a secret", shortened(name));
    let help = "letters, digits and `_`, beginning with a letter or `_`";
    Some(Diagnostic::new(Code::BadSecretName, whole, message).help(help))
}

/// Checks texts that are shown as they are written: ids, names and descriptions.
pub(super) fn check_plain(flow: &Flow, problems: &mut Vec<Diagnostic>) {
    if let Some(it) = &flow.description {
        text("a description", it, problems);
    }
    plain("a name", &flow.name.value, flow.name.span, problems);
    flow.each_step(&mut |step| of_step(step, problems));
}

fn of_step(step: &Step, problems: &mut Vec<Diagnostic>) {
    plain("an id", &step.id.value, step.id.span, problems);
    if let Some(it) = &step.name {
        let reported = text("a name", it, problems);
        if !reported && has_expressions(&it.value) {
            let message = "expressions in `name` are not evaluated: it is shown as it is written";
            problems.push(Diagnostic::new(Code::NoEffect, it.span, message));
        }
    }
    if let Some(it) = &step.description {
        text("a description", it, problems);
    }
}

fn text(what: &str, it: &Text, problems: &mut Vec<Diagnostic>) -> bool {
    plain(what, &it.value, it.span, problems)
}

/// Reports a secret in an expression that will not even be evaluated: whoever wrote it expects it to be.
fn plain(what: &str, value: &str, span: Span, problems: &mut Vec<Diagnostic>) -> bool {
    let is_meant = has_expressions(value) && value.contains("secrets.");
    if is_meant {
        let message = format!("a secret must not stand in {what}: it would be shown");
        problems.push(Diagnostic::new(Code::SecretExposed, span, message).help("take it out"));
    }
    is_meant
}
