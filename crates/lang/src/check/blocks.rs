//! Settings of blocks that are written out, so that they can be judged before a run.

use drawloom_blueprint::{Timestamp, Value, parse_duration};

use super::{
    conditions::known_value,
    plan::Plan,
    types::{Type, Types},
};
use crate::{
    Code, Diagnostic, Node,
    model::{Body, Branches, ForEach, Join, Loop, Step, WaitFor},
    template::{Template, has_expressions},
};

pub(super) fn check(plan: &Plan, types: &Types, problems: &mut Vec<Diagnostic>) {
    for (_, step) in plan.steps() {
        match &step.body {
            Body::Parallel(it) => join(it, problems),
            Body::ForEach(it) => for_each(it, types, problems),
            Body::Loop(it) => repeat(it, problems),
            Body::Wait(it) => wait(&it.until, problems),
            _ => {}
        }
        without_effect(step, problems);
    }
}

fn join(it: &Branches, problems: &mut Vec<Diagnostic>) {
    let Some(join) = &it.join else { return };
    if let Join::Count(count) = join.value
        && count as usize > it.branches.len()
    {
        let branches = it.branches.len();
        let message = format!("`join` waits for {count} branches, but there are {branches}");
        problems.push(Diagnostic::new(Code::JoinTooLarge, join.span, message));
    }
}

fn for_each(it: &ForEach, types: &Types, problems: &mut Vec<Diagnostic>) {
    if let Some(wrong) = not_items(&it.items, types) {
        let message = format!("`for_each` goes over a list or an object, not over {wrong}");
        let problem = Diagnostic::new(Code::ExpressionType, it.items.span, message);
        let plain = it.items.as_str().filter(|it| !has_expressions(it));
        problems.push(problem.maybe_help(plain.map(|it| match it.chars().count() {
            0..=60 => format!("write `{{{{ {} }}}}` to use a value of that name", it.trim()),
            _ => "put an expression between `{{` and `}}`".to_owned(),
        })));
    }
    it.concurrency.iter().for_each(|it| amount("concurrency", it, problems));
    it.batch.iter().for_each(|it| amount("batch", it, problems));
}

/// What the items are that are certainly none.
fn not_items(node: &Node, types: &Types) -> Option<&'static str> {
    match known_value(node) {
        Some(Value::List(_) | Value::Object(_)) => None,
        Some(Value::Null) => Some("nothing"),
        Some(Value::Bool(_)) => Some("a boolean"),
        Some(Value::Str(_)) => Some("a string"),
        Some(_) => Some("a number"),
        None if is_mixed(node) => Some("a text with expressions in it"),
        None => {
            let template = Template::parse(node.as_text()?, &mut Vec::new());
            match types.of(&template.single()?.ast)? {
                Type::List | Type::Object => None,
                Type::Bool => Some("a boolean"),
                Type::Text => Some("a string"),
                Type::Int | Type::Number => Some("a number"),
            }
        }
    }
}

/// Whether a node is a text with more in it than one expression.
fn is_mixed(node: &Node) -> bool {
    let mixed = |it: &crate::Text| Template::parse(it, &mut Vec::new()).parts.len() > 1;
    node.as_text().is_some_and(|it| has_expressions(&it.value) && mixed(it))
}

/// A positive whole number, as far as it is known.
fn amount(key: &str, node: &Node, problems: &mut Vec<Diagnostic>) {
    let problem = match known_value(node) {
        Some(Value::Int(1..) | Value::UInt(_)) => return,
        Some(Value::Int(it)) => {
            Diagnostic::new(Code::LimitOutOfRange, node.span, format!("`{key}` must be at least 1, not {it}"))
        }
        Some(other) => {
            let message = format!("`{key}` must be an integer, not of the type {}", other.type_name());
            Diagnostic::new(Code::ExpressionType, node.span, message)
        }
        None if is_mixed(node) => {
            let message = format!("`{key}` must be an integer, not a text with expressions in it");
            Diagnostic::new(Code::ExpressionType, node.span, message)
        }
        None => return,
    };
    problems.push(problem);
}

fn repeat(it: &Loop, problems: &mut Vec<Diagnostic>) {
    if it.condition.is_none() && it.until.is_none() {
        let message = "a loop needs `while` or `until`, or it would never end well";
        let help = "to do something for each of several items, use `for_each`";
        problems.push(Diagnostic::new(Code::LoopWithoutCondition, it.span, message).help(help));
    }
    it.max.iter().for_each(|it| amount("max", it, problems));
}

fn wait(until: &WaitFor, problems: &mut Vec<Diagnostic>) {
    let node = until.node();
    let Some(value) = known_value(node) else { return };
    let problem = match (until, &value) {
        (WaitFor::Time(_), Value::Str(it)) => match parse_duration(it) {
            Ok(_) => return,
            Err(why) => Diagnostic::new(Code::BadDuration, node.span, why),
        },
        (WaitFor::Time(_), Value::Int(0..) | Value::UInt(_)) => return,
        (WaitFor::Time(_), Value::Float(it)) if *it >= 0.0 => return,
        (WaitFor::Time(_), _) => {
            Diagnostic::new(Code::BadDuration, node.span, "expected a duration such as 5s, or a number of seconds")
        }
        (WaitFor::Instant(_), Value::Str(it)) if Timestamp::parse(it).is_some() => return,
        (WaitFor::Instant(_), Value::Int(_) | Value::UInt(_) | Value::Float(_)) => return,
        (WaitFor::Instant(_), _) => {
            let message = "expected an instant such as 2030-01-31T09:00:00Z, or a number of seconds since 1970";
            Diagnostic::new(Code::BadInstant, node.span, message)
        }
        (WaitFor::Signal(_), Value::Str(it)) if !it.trim().is_empty() => return,
        (WaitFor::Signal(_), _) => {
            Diagnostic::new(Code::ExpressionType, node.span, "a signal is waited for by its name, a string")
        }
        (WaitFor::Webhook(_) | WaitFor::Approval(_), _) => return,
    };
    problems.push(problem);
}

/// Reports time limits of steps that have none: who sets one for a group counts on it.
fn without_effect(step: &Step, problems: &mut Vec<Diagnostic>) {
    let Some(timeout) = &step.timeout else { return };
    problems.extend(match &step.body {
        Body::Group(_) => {
            let message = "a group has no time limit: its steps behave as if they stood outside";
            let help = "give each step its own, or use `try` instead of `group`, which is a block";
            Some(Diagnostic::new(Code::MisplacedKey, timeout.span, message).help(help))
        }
        Body::Set(_) | Body::Fail(_) | Body::Stop(_) => {
            let message = "`timeout` has no effect: the step is done on the spot";
            Some(Diagnostic::new(Code::NoEffect, timeout.span, message).help("leave it out"))
        }
        _ => None,
    });
}
