//! One node: what all nodes share, and which kind of node it is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::super::{
    build::{Members, Obj, is_on_the_spot, put, retry, scalar_text, take_duration, truth, word},
    ids::identifier,
};
use super::{
    Scope, action, blocks, loops,
    scope::{Bound, Shape},
    template,
};
use crate::Code;

/// The members of nodes that hold nodes.
pub(super) const NODE_LISTS: &[&str] = &[
    "nodes",
    "branches",
    "then",
    "else",
    "body",
    "do",
    "steps",
    "cases",
    "default",
    "try",
    "catch",
    "finally",
    "then_nodes",
    "else_nodes",
    "children",
    "actions",
];

/// A node on its way to become a step.
pub(super) struct Node<'a> {
    pub(super) members: Members<'a>,
    pub(super) object: &'a Obj,
    /// Its id in the flow.
    pub(super) id: String,
    /// Its own id, by which others read it.
    pub(super) name: Option<String>,
    /// Its place in the document.
    pub(super) place: String,
}

/// The nodes before each node.
pub(super) type Edges = BTreeMap<String, Vec<String>>;

/// The steps for a list of nodes.
pub(super) fn list(nodes: &Json, place: &str, scope: &mut Scope) -> Vec<Json> {
    ordered(nodes, place, &Edges::new(), scope)
}

/// The steps for a list of nodes with an order on top of what the nodes say.
pub(super) fn ordered(nodes: &Json, place: &str, edges: &Edges, scope: &mut Scope) -> Vec<Json> {
    let items: Vec<&Json> = match nodes {
        Json::Array(items) => items.iter().collect(),
        Json::Object(it) if it.contains_key("kind") || it.contains_key("action") => vec![nodes],
        Json::Object(it) => match NODE_LISTS.iter().find_map(|name| it.get(*name)) {
            Some(inner) => return ordered(inner, place, edges, scope),
            None => Vec::new(),
        },
        Json::Null => Vec::new(),
        _ => {
            scope.report.fault(Code::ForeignType, place, "this is no list of nodes");
            Vec::new()
        }
    };
    let graph = !edges.is_empty() || items.iter().any(|it| it.as_object().is_some_and(|it| needs_of(it).is_some()));
    let mut steps = Vec::new();
    scope.graphs += usize::from(graph);
    for (at, item) in items.iter().enumerate() {
        let place = format!("{place}[{at}]");
        let Some(object) = item.as_object() else {
            scope.report.fault(Code::ForeignType, &place, "this is no node");
            continue;
        };
        let made = node(object, place.clone(), graph, scope);
        let Some(mut step) = made else { continue };
        if graph {
            order(&mut step, object, edges, &place, scope);
        }
        steps.push(step);
    }
    scope.graphs -= usize::from(graph);
    if graph {
        siblings(&mut steps, place, scope);
    }
    steps
}

/// Steps need only their siblings: a node that became a block around its step is needed as that block. And whoever
/// reads a sibling needs it, also where the document does not say so.
fn siblings(steps: &mut [Json], place: &str, scope: &mut Scope) {
    let ids: BTreeSet<String> = steps.iter().filter_map(|it| it.get("id")?.as_str().map(str::to_owned)).collect();
    for step in steps.iter_mut() {
        let mut read = BTreeSet::new();
        expression_words(step, &mut read);
        let own = step.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
        let Some(needs) = step.get_mut("needs").and_then(Json::as_array_mut) else { continue };
        needs.retain_mut(|need| {
            let name = need.as_str().unwrap_or_default();
            let block = format!("{name}_if");
            if ids.contains(name) {
                return true;
            }
            if ids.contains(&block) {
                *need = block.into();
                return true;
            }
            scope.report.lost(place, format!("the order after `{name}`, which stands in another list"));
            false
        });
        for id in ids.intersection(&read).filter(|it| **it != own) {
            if !needs.iter().any(|it| it == id) {
                needs.push(id.clone().into());
            }
        }
    }
}

/// The words in the expressions of a step.
fn expression_words(value: &Json, out: &mut BTreeSet<String>) {
    match value {
        Json::String(text) => {
            for part in text.split("{{").skip(1) {
                let inner = part.split("}}").next().unwrap_or_default();
                out.extend(inner.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_owned));
            }
        }
        Json::Array(items) => items.iter().for_each(|it| expression_words(it, out)),
        Json::Object(members) => members.values().for_each(|it| expression_words(it, out)),
        _ => {}
    }
}

const NEEDS: &[&str] = &["depends_on", "dependsOn", "needs", "after", "dependencies"];

fn needs_of(node: &Obj) -> Option<&Json> {
    NEEDS.iter().find_map(|name| node.get(*name)).filter(|it| !it.is_null())
}

/// Writes the `needs` of a step in a list where the order is not that of writing.
fn order(step: &mut Json, node: &Obj, edges: &Edges, place: &str, scope: &mut Scope) {
    let own = node.get("id").and_then(scalar_text);
    let mut needs: Vec<String> = match needs_of(node) {
        Some(Json::Array(items)) => items.iter().filter_map(scalar_text).collect(),
        Some(other) => scalar_text(other).into_iter().collect(),
        None => Vec::new(),
    };
    needs.extend(own.and_then(|it| edges.get(&it)).into_iter().flatten().cloned());
    let mut ours: Vec<Json> = Vec::new();
    for name in needs {
        match scope.nodes.get(&name) {
            Some((id, _)) if !ours.iter().any(|it| it == id) => ours.push(id.clone().into()),
            Some(_) => {}
            None => scope.report.fault(
                Code::ForeignConnection,
                place,
                format!("it depends on `{name}`, which is not there"),
            ),
        }
    }
    let Some(step) = step.as_object_mut() else { return };
    let mut ordered = Obj::new();
    for key in ["id", "name", "description"] {
        put(&mut ordered, key, step.shift_remove(key));
    }
    ordered.insert("needs".into(), Json::Array(ours));
    ordered.append(step);
    *step = ordered;
}

/// The step for one node; none for one that only marks a place in a list that runs in order of writing.
fn node(object: &Obj, place: String, graph: bool, scope: &mut Scope) -> Option<Json> {
    let mut members = Members::new(object);
    let name = members.take_text(&["id"]);
    let kind = members.take_text(&["kind"]).unwrap_or_else(|| "Action".to_owned());
    members.take(NEEDS);
    for ignored in ["position", "ui", "metadata", "comment", "label", "x", "y"] {
        members.take(&[ignored]);
    }
    let title = members.take_text(&["name", "title"]);
    let claimed = name.as_ref().and_then(|it| scope.nodes.get(it)).map(|(id, _)| id.clone());
    let id = match claimed {
        Some(id) if scope.used.insert(id.clone()) => id,
        Some(id) => scope.ids.fresh(&id),
        None => scope.ids.fresh(title.as_deref().or(object.get("action").and_then(Json::as_str)).unwrap_or(&kind)),
    };
    let mut head = Obj::new();
    head.insert("id".into(), id.clone().into());
    put(&mut head, "name", title.filter(|it| identifier(it) != id && !is_name_of_set(&kind)));
    put(&mut head, "description", members.take_text(&["description"]));
    let mut node = Node { members, object, id, name, place };
    if let Some(step) = guarded(&mut node, &kind, &head, scope) {
        return Some(step);
    }
    let made = match dispatch(&mut node, &kind, scope) {
        Made::Nothing if graph => {
            Made::Step(Obj::from_iter([("set".to_owned(), json!({ "done": true }))]), Bound::plain(node.id.clone()))
        }
        Made::Nothing => return None,
        other => other,
    };
    Some(finish(node, head, made, scope))
}

/// In a `SetVariable`, `name` names the variable.
fn is_name_of_set(kind: &str) -> bool {
    matches!(word(kind).as_str(), "setvariable" | "setvar" | "assign" | "variable" | "set")
}

/// What a node becomes.
pub(super) enum Made {
    /// This, beside the head of the step.
    Step(Obj, Bound),
    /// Nothing; it only marked a place.
    Nothing,
    /// It cannot be done, for this reason.
    Impossible(Code, String),
}

fn dispatch(node: &mut Node<'_>, kind: &str, scope: &mut Scope) -> Made {
    match word(kind).as_str() {
        "action" | "task" | "step" | "call" => {
            let action = node.members.take_text(&["action", "type", "uses", "function"]).unwrap_or_default();
            action::action(node, &action, scope)
        }
        "parallel" | "fork" | "split" => blocks::parallel(node, scope),
        "sequence" | "group" | "block" | "serial" => blocks::sequence(node, scope),
        "if" | "condition" | "conditional" | "branch" | "ifelse" => blocks::condition(node, scope),
        "switch" | "match" | "choice" => blocks::switch(node, scope),
        "try" | "trycatch" => blocks::attempt(node, scope),
        "loop" | "foreach" | "for" | "while" | "repeat" | "map" | "until" => loops::any(node, kind, scope),
        "start" | "end" | "noop" | "begin" | "join" | "merge" => Made::Nothing,
        _ => action::action(node, kind, scope),
    }
}

/// A node with a condition of its own: as a block around it, so that what comes after does not hang on it.
fn guarded(node: &mut Node<'_>, kind: &str, head: &Obj, scope: &mut Scope) -> Option<Json> {
    let kind = word(kind);
    if matches!(kind.as_str(), "if" | "condition" | "conditional" | "branch" | "ifelse" | "while" | "loop" | "until") {
        return None;
    }
    let disabled = node.members.take(&["enabled"]).and_then(truth) == Some(false)
        || node.members.take(&["disabled"]).and_then(truth) == Some(true);
    let condition = match node.members.take(&["when", "condition", "if", "run_if"]) {
        _ if disabled => json!(false),
        Some(it) => it.clone(),
        None => return None,
    };
    let mut inner = node.object.clone();
    for key in ["when", "condition", "if", "run_if", "enabled", "disabled"].iter().chain(NEEDS) {
        inner.shift_remove(*key);
    }
    // The step itself comes next, by the same name.
    scope.used.remove(&node.id);
    let outer = json!({ "kind": "If", "condition": condition, "then": [inner] });
    let id = scope.ids.fresh(&format!("{}_if", node.id));
    let outer = outer.as_object()?;
    let mut members = Members::new(outer);
    members.take(&["kind"]);
    let mut head = head.clone();
    head.retain(|key, _| key == "id");
    head.insert("id".into(), id.clone().into());
    let mut block = Node { members, object: outer, id, name: None, place: node.place.clone() };
    let made = blocks::condition(&mut block, scope);
    Some(finish(block, head, made, scope))
}

/// Adds what all steps share, binds the names, and reports what nobody read.
fn finish(mut node: Node<'_>, mut head: Obj, made: Made, scope: &mut Scope) -> Json {
    let place = node.place.clone();
    let (body, mut bound) = match made {
        Made::Step(body, bound) => (body, bound),
        Made::Nothing => (Obj::new(), Bound::plain(node.id.clone())),
        Made::Impossible(code, why) => {
            scope.report.fault(code, &place, format!("{why}; the step fails until it is written anew"));
            let message = super::super::text::escape(&format!("not converted: {why}"));
            (Obj::from_iter([("fail".to_owned(), message.into())]), Bound::plain(node.id.clone()))
        }
    };
    policies(&mut node, &mut head, &body, &mut bound, scope);
    let task = body.contains_key("uses");
    let mut step = head;
    let tail: Obj = step.iter().filter(|(key, _)| is_policy(key)).map(|(key, it)| (key.clone(), it.clone())).collect();
    step.retain(|key, _| !is_policy(key));
    step.extend(body);
    step.extend(tail);
    let saved = ["output", "save_as", "saveAs", "result", "output_var", "assign_to", "store_as", "output_variable"];
    match node.members.take(&saved) {
        Some(Json::String(name)) => scope.bind(name.trim_matches(['$', '{', '}']), bound.clone()),
        Some(Json::Object(it)) => outputs(it, &bound, &node, scope),
        Some(_) => scope.report.lost(&place, "its output names no variable"),
        None => {}
    }
    if let Some(name) = &node.name {
        scope.bind(name, bound);
    }
    if task || !step.contains_key("fail") {
        for (key, _) in node.members.rest() {
            scope.report.lost(&format!("{place}.{key}"), "this has no counterpart");
        }
    }
    Json::Object(step)
}

fn is_policy(key: &str) -> bool {
    matches!(key, "retry" | "timeout" | "on_failure")
}

/// Retries, time limit and what a failure means.
fn policies(node: &mut Node<'_>, head: &mut Obj, body: &Obj, bound: &mut Bound, scope: &mut Scope) {
    let place = node.place.clone();
    let on_the_spot = is_on_the_spot(body);
    let task = body.contains_key("uses") && !on_the_spot;
    if let Some((key, policy)) = node.members.take_named(&["retry", "retry_policy", "retries", "max_retries"]) {
        let (policy, unknown) = retry(policy);
        for it in unknown {
            scope.report.lost(&format!("{place}.{key}"), it);
        }
        match policy {
            Some(policy) if task => drop(head.insert("retry".into(), policy)),
            _ => {
                scope.report.lost(&format!("{place}.{key}"), "only steps that work outside the engine are tried again");
            }
        }
    }
    let timeouts = ["timeout", "timeout_ms", "timeoutMs", "timeout_seconds", "timeout_secs"];
    if let Some((key, it)) = take_duration(&mut node.members, &timeouts) {
        if key == "timeout" && node.object.get("timeout").is_some_and(Json::is_number) {
            scope.report.info(&format!("{place}.timeout"), "a number without a unit is read as seconds");
        }
        if on_the_spot {
            scope.report.info(&format!("{place}.{key}"), "what is done on the spot has no time limit");
        } else {
            head.insert("timeout".into(), it.into());
        }
    }
    let goes_on = ["continue_on_error", "continueOnError", "ignore_errors", "continue_on_failure"];
    let goes_on = node.members.take(&goes_on).and_then(truth) == Some(true);
    let on_error = node.members.take(&["on_error", "on_failure", "onError"]);
    let on_error = on_error.map(|it| it.as_str().map(word).unwrap_or_default());
    match on_error.as_deref() {
        _ if goes_on => continues(head, bound),
        None | Some("fail" | "stop" | "abort") => {}
        Some("continue" | "ignore" | "skip") => continues(head, bound),
        Some(_) => scope.report.lost(&format!("{place}.on_error"), "only `continue` and `stop` have a counterpart"),
    }
}

fn continues(head: &mut Obj, bound: &mut Bound) {
    head.insert("on_failure".into(), "continue".into());
    bound.maybe = true;
}

/// `output: {name: path}`: variables taken from the result.
fn outputs(names: &Obj, bound: &Bound, node: &Node<'_>, scope: &mut Scope) {
    for (name, path) in names {
        let path = path.as_str().and_then(|it| super::super::expr::path(it.trim_start_matches("$.")));
        match path {
            Some(path) => {
                let tail: Vec<_> = std::iter::once(super::super::expr::Seg::Name(path.root)).chain(path.tail).collect();
                let expr = bound.field(&tail);
                scope.bind(name, Bound { expr, shape: Shape::Plain, maybe: false });
            }
            None => scope.report.lost(&node.place, format!("the output `{name}` is no path")),
        }
    }
}

/// A value of the node that may be an expression although it has no `${…}`: `${i} + 1`.
pub(super) fn assigned(it: &Json, place: &str, scope: &mut Scope) -> Json {
    if let Json::String(text) = it
        && template::is_arithmetic(text)
        && let Ok(expr) = template::expression(it, place, scope)
    {
        scope.report.info(place, "read as arithmetic");
        return format!("{{{{ {expr} }}}}").into();
    }
    template::value(it, place, scope)
}
