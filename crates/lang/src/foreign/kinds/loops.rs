//! Loops: over items, a number of times, while or until something holds.
//!
//! A variable that an iteration hands to the next is read from `last`, the output of the iteration before: the first
//! step of the body takes it from there (or from before the loop), the last step hands it on.

mod each;
mod repeat;

use serde_json::Value as Json;

use super::super::build::{count, take_duration, word};
use super::{
    Scope,
    node::{Made, Node},
    template::expression,
    variables::assigned_names,
};
use crate::Code;
use each::over_items;
use repeat::repeat;

const BODIES: &[&str] = &["body", "do", "nodes", "steps", "children", "actions", "branches"];

/// A loop of whichever sort its members say.
pub(super) fn any(node: &mut Node<'_>, kind: &str, scope: &mut Scope) -> Made {
    let items = node.members.take(&["items", "over", "in", "collection", "list", "for_each", "forEach", "iterate"]);
    let body = node.members.take(BODIES).unwrap_or(&Json::Null);
    if let Some(items) = items {
        return over_items(node, items, body, scope);
    }
    let mut rules = Rules::default();
    let max = node.members.take(&["max_iterations", "maxIterations", "max", "limit"]);
    if let Some(times) = node.members.take(&["times", "count", "iterations", "repeat"]) {
        rules.times = match expression(times, &node.place, scope) {
            Ok(it) => Some(it),
            Err(why) => {
                return Made::Impossible(Code::ForeignNotMapped, format!("how often it repeats cannot be read: {why}"));
            }
        };
    }
    rules.until = node.members.take(&["until", "break_if", "exit_condition", "stop_when"]);
    let condition = node.members.take(&["while", "condition", "when", "expression"]);
    match word(kind).as_str() {
        "until" => rules.until = rules.until.or(condition),
        _ => rules.while_ = condition,
    }
    if rules.times.is_none() && rules.until.is_none() && rules.while_.is_none() {
        rules.times = max.and_then(count).map(|it| it.to_string());
        if rules.times.is_none() {
            return Made::Impossible(Code::ForeignMissing, "nothing says when the loop ends".to_owned());
        }
    } else if let Some(max) = max.and_then(count) {
        scope.report.approximated(&node.place, format!("reaching {max} iterations fails the step"));
        rules.max = Some(max.into());
    }
    let index = node.members.take_text(&["index", "index_var", "counter"]);
    rules.index = index.or_else(|| rules.times.is_some().then(|| "index".to_owned()));
    rules.every =
        take_duration(&mut node.members, &["delay", "delay_ms", "interval", "interval_ms", "every"]).map(|it| it.1);
    repeat(node, body, rules, scope)
}

/// When a loop goes on, and what it counts.
#[derive(Default)]
struct Rules<'a> {
    while_: Option<&'a Json>,
    until: Option<&'a Json>,
    /// An expression for the number of iterations.
    times: Option<String>,
    max: Option<Json>,
    every: Option<String>,
    /// What the document calls the number of the iteration, from 0.
    index: Option<String>,
    /// What it calls the item, and the expression of the list that it is taken from.
    item: Option<(String, String)>,
}

/// The variables from before the loop that its body sets anew.
fn carried(nodes: &Json, scope: &Scope) -> Vec<String> {
    let mut names = Vec::new();
    assigned_names(nodes, &mut names);
    let mut out: Vec<String> = Vec::new();
    for name in names {
        if !out.contains(&name) && scope.look_up(&name).is_some() {
            out.push(name);
        }
    }
    out
}
