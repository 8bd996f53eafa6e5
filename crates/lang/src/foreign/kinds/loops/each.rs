//! A list of nodes done for each of several items.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::super::{
    build::{Obj, count, put, truth},
    expr::primary,
    ids::identifier,
};
use super::super::{
    Scope,
    blocks::collect,
    node::{Made, Node, list},
    scope::{Bound, Frame, Shape, count_reads},
    template::{contains_reference, value},
};
use super::{Rules, carried, repeat::repeat};

/// What a loop over items says of itself.
struct Settings {
    /// The items, converted.
    items: Json,
    /// What the document calls an item, and its position.
    item: String,
    index: Option<String>,
    /// How many items are done at once; none: all.
    at_once: Option<Json>,
}

fn settings(node: &mut Node<'_>, items: &Json, nodes: &Json, scope: &mut Scope) -> Settings {
    let place = format!("{}.items", node.place);
    let items = match items {
        Json::String(text) if contains_reference(items) || !text.contains(['[', '{']) => {
            let text = if text.contains("${") { text.clone() } else { format!("${{{text}}}") };
            value(&Json::String(text), &place, scope)
        }
        Json::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => value(other, &place, scope),
    };
    let names = ["item", "as", "item_var", "itemVar", "item_name", "variable", "iterator", "var"];
    let item = node.members.take_text(&names).unwrap_or_else(|| "item".to_owned());
    let mut reads = BTreeMap::new();
    count_reads(nodes, false, &mut reads);
    let index = node.members.take_text(&["index", "index_var", "indexVar", "index_name"]);
    let index = index.or_else(|| reads.contains_key("index").then(|| "index".to_owned()));
    let parallel = node.members.take(&["parallel", "concurrent"]);
    let limit = node.members.take(&["concurrency", "max_concurrency", "max_parallel", "parallelism", "batch_size"]);
    let at_once = match (limit.and_then(count), parallel.and_then(truth), parallel.and_then(count)) {
        (Some(count), _, _) | (None, None, Some(count)) => Some(count.into()),
        (None, Some(true), _) => None,
        _ => Some(json!(1)),
    };
    Settings { items, item, index, at_once }
}

/// A map; or, where an iteration hands variables to the next, a loop that counts through the items.
pub(super) fn over_items(node: &mut Node<'_>, items: &Json, nodes: &Json, scope: &mut Scope) -> Made {
    let settings = settings(node, items, nodes, scope);
    let carried = carried(nodes, scope);
    if settings.at_once == Some(json!(1)) && !carried.is_empty() {
        let list = match &settings.items {
            Json::String(text) => text.trim_start_matches("{{").trim_end_matches("}}").trim().to_owned(),
            other => other.to_string(),
        };
        let rules = Rules {
            times: Some(format!("({} | length)", primary(list.clone()))),
            index: Some(settings.index.unwrap_or_else(|| "index".to_owned())),
            item: Some((settings.item, list)),
            ..Rules::default()
        };
        return repeat(node, nodes, rules, scope);
    }
    for name in carried {
        scope.report.lost(&node.place, format!("`{name}` is not handed from item to item: they run at once"));
    }
    map(node, nodes, settings, scope)
}

fn map(node: &mut Node<'_>, nodes: &Json, settings: Settings, scope: &mut Scope) -> Made {
    let Settings { items, item, index, at_once } = settings;
    scope.frames.push(Frame::new());
    let ours = loop_name(&item, scope);
    scope.bind(&item, Bound::plain(ours.clone()));
    let index = index.map(|index| {
        let ours = loop_name(&index, scope);
        scope.bind(&index, Bound::plain(ours.clone()));
        (index, ours)
    });
    let mut steps = list(nodes, &format!("{}.body", node.place), scope);
    let mut frame = scope.frames.pop().unwrap_or_default();
    frame.shift_remove(&item);
    scope.loop_names.pop();
    if let Some((name, _)) = &index {
        frame.shift_remove(name);
        scope.loop_names.pop();
    }
    export(node, nodes, &frame, &mut steps, scope);
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

/// Ends the body with what later nodes read; what they read is that of the last item.
fn export(node: &Node<'_>, nodes: &Json, frame: &Frame, steps: &mut Vec<Json>, scope: &mut Scope) {
    let exported = scope.read_outside(frame, &[nodes]);
    if exported.is_empty() {
        return;
    }
    let values: Vec<_> = exported.iter().filter_map(|name| Some((name.clone(), frame.get(name)?.whole()))).collect();
    steps.push(collect(&node.id, &values, scope));
    for name in exported {
        scope.report.approximated(&node.place, format!("after the loop `{name}` is that of the last item"));
        let shape = frame.get(&name).map_or(Shape::Plain, |it| it.shape);
        let expr = format!("({} | last).{}", node.id, identifier(&name));
        scope.bind(&name, Bound { expr, shape, maybe: false });
    }
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
