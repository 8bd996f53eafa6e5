//! Loops: over items, a number of times, while or until something holds.
//!
//! A variable that an iteration hands to the next is read from `last`, the output of the iteration before: the first
//! step of the body takes it from there (or from before the loop), the last step hands it on.

use serde_json::{Value as Json, json};

use super::super::{
    build::{Obj, count, put, take_duration, truth, word},
    expr::primary,
    ids::identifier,
    text::escape,
};
use super::{
    Scope,
    action::assigned_names,
    blocks::collect,
    node::{Made, Node, list},
    scope::{Bound, Frame, Shape, count_reads},
    template::{expression, value},
};

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
            Err(why) => return Made::Impossible(format!("how often it repeats cannot be read: {why}")),
        };
    }
    rules.until = node.members.take(&["until", "break_if", "exit_condition", "stop_when"]);
    let condition = node.members.take(&["while", "condition", "when", "expression"]);
    if word(kind) == "until" {
        rules.until = rules.until.or(condition)
    } else {
        rules.while_ = condition
    }
    if rules.times.is_none() && rules.until.is_none() && rules.while_.is_none() {
        rules.times = max.and_then(count).map(|it| it.to_string());
        if rules.times.is_none() {
            return Made::Impossible("nothing says when the loop ends".to_owned());
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

fn over_items(node: &mut Node<'_>, items: &Json, nodes: &Json, scope: &mut Scope) -> Made {
    let items = match items {
        Json::String(text) if super::template::contains_reference(items) || !text.contains(['[', '{']) => {
            let text = if text.contains("${") { text.clone() } else { format!("${{{text}}}") };
            value(&Json::String(text), &format!("{}.items", node.place), scope)
        }
        Json::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => value(other, &format!("{}.items", node.place), scope),
    };
    let item =
        node.members.take_text(&["item", "as", "item_var", "itemVar", "item_name", "variable", "iterator", "var"]);
    let item = item.unwrap_or_else(|| "item".to_owned());
    let index = node.members.take_text(&["index", "index_var", "indexVar", "index_name"]);
    let mut reads = std::collections::BTreeMap::new();
    count_reads(nodes, false, &mut reads);
    let index = index.or_else(|| reads.contains_key("index").then(|| "index".to_owned()));
    let parallel = node.members.take(&["parallel", "concurrent"]);
    let limit = node.members.take(&["concurrency", "max_concurrency", "max_parallel", "parallelism", "batch_size"]);
    let at_once = limit.and_then(count).map(Json::from).or(match parallel.map(|it| (truth(it), count(it))) {
        Some((Some(true), _)) => None,
        Some((None, Some(count))) => Some(count.into()),
        _ => Some(json!(1)),
    });
    let at_once = if parallel.and_then(truth) == Some(true) && limit.is_none() { None } else { at_once };
    let carried = carried(nodes, scope);
    if at_once == Some(json!(1)) && !carried.is_empty() {
        let list = match &items {
            Json::String(text) => text.trim_start_matches("{{").trim_end_matches("}}").trim().to_owned(),
            other => other.to_string(),
        };
        let times = Some(format!("({} | length)", primary(list.clone())));
        let rules = Rules {
            times,
            index: Some(index.unwrap_or_else(|| "index".to_owned())),
            item: Some((item, list)),
            ..Rules::default()
        };
        return repeat(node, nodes, rules, scope);
    }
    for name in carried {
        scope.report.lost(&node.place, format!("`{name}` is not handed from item to item: they run at once"));
    }
    scope.frames.push(Frame::new());
    let ours = loop_name(&item, scope);
    scope.bind(&item, Bound::plain(ours.clone()));
    let index = index.map(|index| {
        let ours = loop_name(&index, scope);
        scope.bind(&index, Bound::plain(ours.clone()));
        (index, ours)
    });
    let mut steps = list(nodes, &format!("{}.body", node.place), &[], scope);
    let mut frame = scope.frames.pop().unwrap_or_default();
    frame.shift_remove(&item);
    scope.loop_names.pop();
    if let Some((name, _)) = &index {
        frame.shift_remove(name);
        scope.loop_names.pop();
    }
    let exported = scope.read_outside(&frame, &[nodes]);
    if !exported.is_empty() {
        let values: Vec<_> =
            exported.iter().filter_map(|name| Some((name.clone(), frame.get(name)?.whole()))).collect();
        steps.push(collect(&node.id, &values, scope));
        for name in exported {
            scope.report.approximated(&node.place, format!("after the loop `{name}` is that of the last item"));
            let shape = frame.get(&name).map_or(Shape::Plain, |it| it.shape);
            scope.bind(
                &name,
                Bound { expr: format!("({} | last).{}", node.id, identifier(&name)), shape, maybe: false },
            );
        }
    }
    let mut each = Obj::new();
    each.insert("in".into(), items);
    each.insert("as".into(), ours.into());
    put(&mut each, "index", index.map(|(_, ours)| ours));
    put(&mut each, "concurrency", at_once);
    let goes_on = node.members.take(&["continue_on_error", "on_item_error"]).is_some_and(|it| truth(it) != Some(false));
    put(&mut each, "on_failure", goes_on.then_some("continue"));
    let mut step = Obj::new();
    step.insert("for_each".into(), Json::Object(each));
    step.insert("do".into(), steps.into());
    Made::Step(step, Bound::plain(node.id.clone()))
}

/// A name for the item or its number that is no step's and not in use around here.
fn loop_name(wanted: &str, scope: &mut Scope) -> String {
    let base = identifier(wanted);
    let mut name = base.clone();
    let mut count = 1;
    while !is_free(&name, scope) {
        count += 1;
        name = format!("{base}_{count}");
    }
    scope.loop_names.push(name.clone());
    scope.all_loop_names.insert(name.clone());
    name
}

/// Loops beside each other may give the same name, but no loop hides another's.
fn is_free(name: &str, scope: &mut Scope) -> bool {
    if scope.all_loop_names.contains(name) {
        return !scope.loop_names.iter().any(|it| it == name);
    }
    scope.ids.reserve(name)
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

fn repeat(node: &mut Node<'_>, nodes: &Json, rules: Rules<'_>, scope: &mut Scope) -> Made {
    let id = node.id.clone();
    let carried: Vec<(String, Bound)> =
        carried(nodes, scope).into_iter().filter_map(|it| Some((it.clone(), scope.look_up(&it)?))).collect();
    let last = |name: &str, bound: &Bound| format!("last.{} | default({})", identifier(name), bound.whole());
    let mut settings = Obj::new();
    if let Some(condition) = rules.while_ {
        scope.frames.push(Frame::new());
        for (name, bound) in &carried {
            scope.bind(name, Bound { expr: last(name, bound), ..bound.clone() });
        }
        let condition = expression(condition, &format!("{}.condition", node.place), scope);
        scope.frames.pop();
        match condition {
            Ok(it) => drop(settings.insert("while".into(), format!("{{{{ {it} }}}}").into())),
            Err(why) => return Made::Impossible(format!("the condition of the loop cannot be read: {why}")),
        }
    }
    scope.frames.push(Frame::new());
    let mut steps = Vec::new();
    let mut first = Obj::new();
    let counter = rules.index.as_deref().map(identifier);
    if let Some(counter) = &counter {
        let expr = format!("{{{{ (last.{counter} | default(-1)) + 1 }}}}");
        first.insert(counter.clone(), expr.into());
    }
    for (name, bound) in &carried {
        first.insert(identifier(name), format!("{{{{ {} }}}}", last(name, bound)).into());
    }
    if !first.is_empty() {
        let first_id = scope.ids.fresh(&format!("{id}_in"));
        for (name, bound) in &carried {
            scope.bind(name, Bound { expr: format!("{first_id}.{}", identifier(name)), ..bound.clone() });
        }
        if let (Some(index), Some(counter)) = (&rules.index, &counter) {
            scope.bind(index, Bound::plain(format!("{first_id}.{counter}")));
            if let Some((item, list)) = &rules.item {
                scope.bind(item, Bound::plain(format!("{}[{first_id}.{counter}]", primary(list.clone()))));
            }
        }
        steps.push(json!({ "id": first_id, "set": first }));
    }
    steps.extend(list(nodes, &format!("{}.body", node.place), &[], scope));
    let until = rules.until.map(|it| expression(it, &format!("{}.until", node.place), scope));
    let frame = scope.frames.pop().unwrap_or_default();
    match until {
        Some(Ok(it)) => drop(settings.insert("until".into(), format!("{{{{ {it} }}}}").into())),
        Some(Err(why)) => return Made::Impossible(format!("the condition of the loop cannot be read: {why}")),
        None => {}
    }
    if let (Some(times), Some(counter)) = (&rules.times, &counter) {
        let times = format!("(last.{counter} | default(-1)) + 1 < {}", primary(times.clone()));
        let both = match settings.shift_remove("while").as_ref().and_then(Json::as_str) {
            Some(it) => {
                format!("{{{{ ({}) and {times} }}}}", it.trim_start_matches("{{").trim_end_matches("}}").trim())
            }
            None => format!("{{{{ {times} }}}}"),
        };
        settings.insert("while".into(), both.into());
        let number = rules.times.as_ref().and_then(|it| it.parse::<u64>().ok());
        settings.insert("max".into(), number.map_or(json!(1_000_000), |it| json!(it.max(1))));
    }
    put(&mut settings, "max", rules.max);
    put(&mut settings, "every", rules.every.map(|it| escape(&it)));
    export(node, nodes, &frame, &carried, counter.as_deref(), &mut steps, scope);
    let mut step = Obj::new();
    step.insert("loop".into(), Json::Object(settings));
    step.insert("do".into(), steps.into());
    Made::Step(step, Bound::plain(id))
}

/// Ends the body with what the next iteration or a later node reads.
fn export(
    node: &Node<'_>,
    nodes: &Json,
    frame: &Frame,
    carried: &[(String, Bound)],
    counter: Option<&str>,
    steps: &mut Vec<Json>,
    scope: &mut Scope,
) {
    let mut names: Vec<String> = carried.iter().map(|(name, _)| name.clone()).collect();
    for name in scope.read_outside(frame, &[nodes]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut values: Vec<_> = names.iter().filter_map(|name| Some((name.clone(), frame.get(name)?.whole()))).collect();
    if let Some(counter) = counter {
        let first = steps.first().and_then(|it| it.get("id")?.as_str()).unwrap_or_default();
        values.retain(|(name, _)| identifier(name) != counter);
        values.push((counter.to_owned(), format!("{first}.{counter}")));
    }
    if values.is_empty() {
        return;
    }
    steps.push(collect(&node.id, &values, scope));
    for (name, _) in values {
        let ours = identifier(&name);
        let shape = frame.get(&name).map_or(Shape::Plain, |it| it.shape);
        let before = carried.iter().find(|(it, _)| *it == name).map_or_else(|| "none".to_owned(), |(_, it)| it.whole());
        let expr = format!("({}.{ours} if {} else {})", node.id, node.id, primary(before));
        scope.bind(&name, Bound { expr, shape, maybe: false });
    }
}
