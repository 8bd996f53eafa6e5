//! Blocks: branches at once, one after the other, one of several.
//!
//! A step outside a block sees only the block's output. So where a later node reads what a node inside has set, the
//! block's last step collects those values, and the name is read from the block from then on.

use serde_json::{Value as Json, json};

use super::super::{
    build::{Obj, count, put, word},
    expr::primary,
    ids::identifier,
};
use super::{
    Scope,
    node::{Made, Node, list},
    scope::{Bound, Frame, Shape},
    template::expression,
};
use crate::Code;

/// The steps of a block's list and the names that they set.
pub(super) fn body(nodes: &Json, place: &str, scope: &mut Scope) -> (Vec<Json>, Frame) {
    scope.frames.push(Frame::new());
    let steps = list(nodes, place, scope);
    (steps, scope.frames.pop().unwrap_or_default())
}

/// The step that collects `names` at the end of a list.
pub(super) fn collect(id: &str, names: &[(String, String)], scope: &mut Scope) -> Json {
    let id = scope.ids.fresh(&format!("{id}_out"));
    let set: Obj =
        names.iter().map(|(name, expr)| (identifier(name), Json::from(format!("{{{{ {expr} }}}}")))).collect();
    json!({ "id": id, "set": set })
}

/// The branches of one block of which one is taken.
struct Arms<'a> {
    /// The documents, for what they read themselves.
    sources: Vec<&'a Json>,
    steps: Vec<Vec<Json>>,
    frames: Vec<Frame>,
}

impl Arms<'_> {
    /// Adds to each arm the step that collects what is read later, and reads it from block `id` from then on.
    fn export(&mut self, id: &str, scope: &mut Scope) {
        let mut names: Vec<String> = Vec::new();
        for frame in &self.frames {
            for name in scope.read_outside(frame, &self.sources) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        if names.is_empty() {
            return;
        }
        for (steps, frame) in self.steps.iter_mut().zip(&self.frames) {
            let value = |name: &String, scope: &Scope| {
                let bound = frame.get(name).cloned().or_else(|| scope.look_up(name));
                bound.map_or_else(|| "none".to_owned(), |it| it.whole())
            };
            let values: Vec<_> = names.iter().map(|name| (name.clone(), value(name, scope))).collect();
            let last = collect(id, &values, scope);
            steps.push(last);
        }
        for name in names {
            let shapes = self.frames.iter().filter_map(|it| it.get(&name)).map(|it| it.shape);
            let shape = shapes.into_iter().next().unwrap_or(Shape::Plain);
            scope.bind(&name, Bound { expr: format!("{id}.{}", identifier(&name)), shape, maybe: false });
        }
    }
}

fn condition_of(it: &Json, place: &str, scope: &mut Scope) -> Result<String, String> {
    expression(it, &format!("{place}.condition"), scope)
        .map(|it| format!("{{{{ {it} }}}}"))
        .map_err(|why| format!("the condition {it} cannot be read: {why}"))
}

/// `If`: a condition, `then` and `else`.
pub(super) fn condition(node: &mut Node<'_>, scope: &mut Scope) -> Made {
    let Some(condition) = node.members.take(&["condition", "if", "when", "expression", "expr", "test"]) else {
        return Made::Impossible(Code::ForeignMissing, "the condition is missing".to_owned());
    };
    let when = match condition_of(condition, &node.place, scope) {
        Ok(it) => it,
        Err(why) => return Made::Impossible(Code::ForeignNotMapped, why),
    };
    let names = ["then", "true", "on_true", "if_true", "then_branch", "then_nodes", "true_branch", "yes"];
    let then = node.members.take(&names).unwrap_or(&Json::Null);
    let names =
        ["else", "false", "on_false", "if_false", "else_branch", "else_nodes", "false_branch", "otherwise", "no"];
    let other = node.members.take(&names).unwrap_or(&Json::Null);
    if [then, other].iter().any(|it| jumps(it)) {
        return Made::Impossible(
            Code::ForeignNotMapped,
            "its branches name nodes elsewhere instead of holding them".to_owned(),
        );
    }
    let (then_steps, then_frame) = body(then, &format!("{}.then", node.place), scope);
    let (else_steps, else_frame) = body(other, &format!("{}.else", node.place), scope);
    let mut arms =
        Arms { sources: vec![then, other], steps: vec![then_steps, else_steps], frames: vec![then_frame, else_frame] };
    arms.export(&node.id, scope);
    let mut step = Obj::new();
    step.insert("if".into(), when.into());
    for (key, steps) in ["then", "else"].into_iter().zip(arms.steps) {
        if key == "then" || !steps.is_empty() {
            step.insert(key.into(), steps.into());
        }
    }
    Made::Step(step, Bound::plain(node.id.clone()))
}

fn jumps(nodes: &Json) -> bool {
    nodes.is_string() || nodes.as_array().is_some_and(|it| it.iter().any(Json::is_string))
}

/// `Switch`: cases with a condition each, or with a value that a common expression is compared to.
pub(super) fn switch(node: &mut Node<'_>, scope: &mut Scope) -> Made {
    let subject = node.members.take(&["expression", "value", "on", "variable", "switch", "input"]);
    let subject = match subject.map(|it| expression(it, &node.place, scope)) {
        Some(Err(why)) => {
            return Made::Impossible(Code::ForeignNotMapped, format!("what it compares cannot be read: {why}"));
        }
        Some(Ok(it)) => Some(it),
        None => None,
    };
    let cases: Vec<(Json, &Json)> = match node.members.take(&["cases", "branches", "arms"]) {
        Some(Json::Array(items)) => {
            let when = |it: &Json| {
                ["when", "condition", "value", "case", "equals"].iter().find_map(|key| it.get(*key)).cloned()
            };
            items.iter().map(|it| (when(it).unwrap_or(json!(true)), it)).collect()
        }
        Some(Json::Object(items)) => items.iter().map(|(value, it)| (value.clone().into(), it)).collect(),
        _ => return Made::Impossible(Code::ForeignMissing, "it has no cases".to_owned()),
    };
    let default = node.members.take(&["default", "else", "otherwise"]).unwrap_or(&Json::Null);
    let mut arms = Arms { sources: Vec::new(), steps: Vec::new(), frames: Vec::new() };
    let mut conditions = Vec::new();
    for (at, (when, nodes)) in cases.iter().enumerate() {
        let place = format!("{}.cases[{at}]", node.place);
        let when = match (&subject, when) {
            (Some(subject), value) => {
                let value = value.as_str().map_or_else(|| value.to_string(), super::super::text::quoted);
                format!("{{{{ {} == {value} }}}}", primary(subject.clone()))
            }
            (None, when) => match condition_of(when, &place, scope) {
                Ok(it) => it,
                Err(why) => return Made::Impossible(Code::ForeignNotMapped, why),
            },
        };
        let inner = if nodes.get("kind").is_some() { *nodes } else { inner_list(nodes) };
        let (steps, frame) = body(inner, &place, scope);
        conditions.push(Some(when));
        arms.sources.push(inner);
        arms.steps.push(steps);
        arms.frames.push(frame);
    }
    let (steps, frame) = body(default, &format!("{}.default", node.place), scope);
    conditions.push(None);
    arms.sources.push(default);
    arms.steps.push(steps);
    arms.frames.push(frame);
    arms.export(&node.id, scope);
    let arms = conditions.into_iter().zip(arms.steps).map(|(when, steps)| {
        let mut arm = Obj::new();
        put(&mut arm, "when", when);
        arm.insert("do".into(), steps.into());
        Json::Object(arm)
    });
    Made::Step(Obj::from_iter([("switch".to_owned(), arms.collect())]), Bound::plain(node.id.clone()))
}

/// The list of nodes in an object that describes a branch or case.
fn inner_list(it: &Json) -> &Json {
    match it {
        Json::Object(members) if !members.contains_key("kind") => {
            let names = ["nodes", "steps", "body", "do", "then", "actions"];
            names.iter().find_map(|name| members.get(*name)).unwrap_or(&Json::Null)
        }
        other => other,
    }
}

/// `Sequence`: drawn together, otherwise as if its nodes stood alone.
pub(super) fn sequence(node: &mut Node<'_>, scope: &mut Scope) -> Made {
    let nodes = node.members.take(&["nodes", "steps", "body", "do", "children", "actions"]).unwrap_or(&Json::Null);
    let steps = list(nodes, &format!("{}.nodes", node.place), scope);
    Made::Step(Obj::from_iter([("group".to_owned(), steps.into())]), Bound::plain(node.id.clone()))
}

/// `Parallel`: branches at once, with a join at the end.
pub(super) fn parallel(node: &mut Node<'_>, scope: &mut Scope) -> Made {
    let Some(branches) = node.members.take(&["branches", "nodes", "steps", "children", "tasks"]) else {
        return Made::Impossible(Code::ForeignMissing, "it has no branches".to_owned());
    };
    let branches: Vec<(Option<String>, &Json)> = match branches {
        Json::Array(items) => items.iter().map(|it| (branch_name(it), inner_list(it))).collect(),
        Json::Object(items) => items.iter().map(|(name, it)| (Some(identifier(name)), inner_list(it))).collect(),
        _ => return Made::Impossible(Code::ForeignType, "its branches are no list".to_owned()),
    };
    let mut made = Vec::new();
    for (at, (name, nodes)) in branches.into_iter().enumerate() {
        let (steps, frame) = body(nodes, &format!("{}.branches[{at}]", node.place), scope);
        let exported = scope.read_outside(&frame, &[nodes]);
        made.push((name, steps, frame, exported));
    }
    let named = made.iter().any(|(name, _, _, exported)| name.is_some() || !exported.is_empty());
    let mut object = Obj::new();
    let mut items = Vec::new();
    for (at, (name, mut steps, frame, exported)) in made.into_iter().enumerate() {
        let mut name = name.unwrap_or_else(|| format!("branch_{}", at + 1));
        while object.contains_key(&name) {
            name.push('_');
        }
        if !exported.is_empty() {
            let whole = |it: &String| frame.get(it).map(Bound::whole).unwrap_or_default();
            let values: Vec<_> = exported.iter().map(|it| (it.clone(), whole(it))).collect();
            let last = collect(&format!("{}_{name}", node.id), &values, scope);
            steps.push(last);
        }
        for it in exported {
            let shape = frame.get(&it).map(|it| it.shape).unwrap_or_default();
            let expr = format!("{}.{name}.{}", node.id, identifier(&it));
            scope.bind(&it, Bound { expr, shape, maybe: false });
        }
        if named {
            object.insert(name, steps.into());
        } else {
            items.push(Json::Array(steps));
        }
    }
    let mut step = Obj::new();
    step.insert("parallel".into(), if named { Json::Object(object) } else { Json::Array(items) });
    join(node, &mut step, scope);
    Made::Step(step, Bound::plain(node.id.clone()))
}

fn branch_name(branch: &Json) -> Option<String> {
    let branch = branch.as_object().filter(|it| !it.contains_key("kind"))?;
    ["name", "id"].iter().find_map(|key| branch.get(*key)).and_then(Json::as_str).map(identifier)
}

fn join(node: &mut Node<'_>, step: &mut Obj, scope: &mut Scope) {
    let Some(join) = node.members.take(&["join", "wait", "wait_for", "mode", "strategy", "completion"]) else { return };
    let policy = match (count(join), join.as_str().map(word).as_deref()) {
        (Some(count), _) => json!(count),
        (None, Some("any" | "first" | "race")) => json!("any"),
        (None, Some("all")) => return,
        _ if join.as_bool() == Some(true) => return,
        _ => return scope.report.lost(&format!("{}.join", node.place), format!("{join} is no way to join branches")),
    };
    step.insert("join".into(), policy);
}

/// `Try`: nodes with a rescue and a last word.
pub(super) fn attempt(node: &mut Node<'_>, scope: &mut Scope) -> Made {
    let main = node.members.take(&["try", "body", "nodes", "do", "steps"]).unwrap_or(&Json::Null);
    let catch = node.members.take(&["catch", "on_error", "rescue", "except"]);
    let finally = node.members.take(&["finally", "always", "ensure"]);
    let (steps, frame) = body(main, &format!("{}.try", node.place), scope);
    let mut arms = Arms { sources: vec![main], steps: vec![steps], frames: vec![frame] };
    if let Some(catch) = catch {
        let (steps, frame) = body(catch, &format!("{}.catch", node.place), scope);
        arms.sources.push(catch);
        arms.steps.push(steps);
        arms.frames.push(frame);
    }
    arms.export(&node.id, scope);
    let mut step = Obj::new();
    for (key, steps) in ["try", "catch"].into_iter().zip(arms.steps) {
        step.insert(key.into(), steps.into());
    }
    if let Some(finally) = finally {
        let (steps, _) = body(finally, &format!("{}.finally", node.place), scope);
        step.insert("finally".into(), steps.into());
    }
    Made::Step(step, Bound::plain(node.id.clone()))
}
