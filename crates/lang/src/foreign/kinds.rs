//! The node/kind dialect: a list of nodes that run in order, blocks that hold lists of nodes, and variables that
//! are read as `${name}`.

mod action;
mod blocks;
mod loops;
mod node;
mod scope;
mod tasks;
mod template;
mod variables;

use serde_json::{Value as Json, json};

use super::{
    build::{Members, Obj, input_type, put, scalar_text, take_duration, truth, word},
    ids::{flow_name, identifier},
    report::Note,
};
use crate::Code;
use node::{Edges, NODE_LISTS, ordered};
use scope::{Frame, Scope, count_reads};
use template::{contains_reference, value};

/// The flow for a document of this dialect.
pub(super) fn convert(document: &Obj) -> (Json, Vec<Note>) {
    let mut scope = Scope::default();
    let mut members = Members::new(document);
    count_reads(&Json::Object(document.clone()), false, &mut scope.reads);
    let nodes = members.take(&["nodes"]).cloned().unwrap_or_default();
    claim_ids(&nodes, "nodes", &mut scope);

    let mut flow = Obj::new();
    flow.insert("drawloom".into(), json!(1));
    let name = members.take_text(&["name", "id", "workflow_name"]);
    members.take(&["id"]);
    let name = name.unwrap_or_else(|| "imported".to_owned());
    let slug = flow_name(&name);
    let description = members.take_text(&["description"]);
    put(&mut flow, "description", description.or_else(|| (slug != name).then_some(name)));
    flow.insert("name".into(), slug.into());

    inputs(&mut members, &mut scope);
    scope.frames.push(Frame::new());
    let mut steps = variables(&mut members, &mut scope);
    let mut rest = ordered(&nodes, "nodes", &edges(&mut members), &mut scope);
    if let Some(first) = steps.first().and_then(|it| it.get("id")).cloned() {
        // Where the order is a graph, whatever starts at once still waits for the variables.
        let needs = rest.iter_mut().filter_map(|it| it.get_mut("needs")?.as_array_mut());
        needs.filter(|it| it.is_empty()).for_each(|it| it.push(first.clone()));
    }
    steps.append(&mut rest);
    let outputs = outputs(&mut members, &mut scope);
    limits(&mut members, &mut flow, &mut scope);
    for ignored in ["version", "schema", "metadata", "tags", "author", "created_at", "updated_at", "layout"] {
        members.take(&[ignored]);
    }
    for (key, _) in members.rest() {
        scope.report.lost(key, "this has no counterpart in a flow");
    }

    let mut ordered = Obj::new();
    for key in ["drawloom", "name", "description"] {
        put(&mut ordered, key, flow.shift_remove(key));
    }
    if !scope.inputs.is_empty() {
        ordered.insert("inputs".into(), Json::Object(scope.inputs));
    }
    if !scope.vars.is_empty() {
        ordered.insert("vars".into(), Json::Object(scope.vars));
    }
    ordered.extend(flow);
    ordered.insert("steps".into(), Json::Array(steps));
    put(&mut ordered, "outputs", outputs);
    (Json::Object(ordered), scope.report.into_notes())
}

/// Gives every node its id before anything is converted, as a node may be read before its turn.
fn claim_ids(nodes: &Json, place: &str, scope: &mut Scope) {
    match nodes {
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                claim_ids(item, &format!("{place}[{at}]"), scope);
            }
        }
        Json::Object(members) => {
            if let Some(id) = members.get("id").and_then(scalar_text)
                && (members.contains_key("kind") || members.contains_key("action"))
            {
                claim_id(id, members, place, scope);
            }
            for (name, it) in members {
                if NODE_LISTS.contains(&name.as_str()) || it.is_array() {
                    claim_ids(it, &format!("{place}.{name}"), scope);
                }
            }
        }
        _ => {}
    }
}

fn claim_id(id: String, node: &Obj, place: &str, scope: &mut Scope) {
    if scope.nodes.contains_key(&id) {
        scope.report.changed(
            Code::ForeignDuplicate,
            place,
            format!("another node has the id `{id}` too: `${{{id}}}` is that of the last"),
        );
        return;
    }
    let ours = scope.ids.fresh(&id);
    if ours != id {
        scope.report.info(place, format!("its id is now `{ours}`"));
    }
    scope.nodes.insert(id, (ours, action::shape(node)));
}

/// The declared inputs: an object of types, schemas or defaults, or a list of names or declarations.
fn inputs(members: &mut Members<'_>, scope: &mut Scope) {
    let Some((key, declared)) = members.take_named(&["inputs", "input", "parameters", "params"]) else { return };
    match declared {
        Json::Object(declared) => {
            for (name, it) in declared {
                let schema = match it {
                    Json::Object(it) => schema(it),
                    Json::String(it) if input_type(it).is_some() => json!({ "type": input_type(it) }),
                    other => json!({ "default": other }),
                };
                scope.inputs.insert(identifier(name), schema);
            }
        }
        Json::Array(declared) => {
            for it in declared {
                let name = it.get("name").or_else(|| it.get("id")).unwrap_or(it);
                match (name.as_str(), it.as_object()) {
                    (Some(name), Some(it)) => drop(scope.inputs.insert(identifier(name), schema(it))),
                    (Some(name), None) => drop(scope.inputs.insert(identifier(name), json!({}))),
                    _ => scope.report.lost(key, "an input without a name"),
                }
            }
        }
        _ => scope.report.fault(Code::ForeignType, key, "inputs are neither an object nor a list"),
    }
    for (name, schema) in scope.inputs.iter_mut().filter_map(|(name, it)| Some((name, it.as_object_mut()?))) {
        if schema.values().any(|it| it.to_string().contains("{{")) {
            scope.report.lost(key, format!("the schema and default of `{name}`, which hold `{{{{`"));
            schema.clear();
        }
    }
}

fn schema(declared: &Obj) -> Json {
    let mut members = Members::new(declared);
    let mut out = Obj::new();
    put(&mut out, "type", members.take_text(&["type"]).and_then(|it| input_type(&it)));
    put(&mut out, "description", members.take_text(&["description"]));
    put(&mut out, "enum", members.take(&["enum"]).filter(|it| it.is_array()).cloned());
    let required = members.take(&["required"]).and_then(truth);
    match (members.take(&["default", "value"]), required) {
        (Some(it), _) => drop(out.insert("default".into(), it.clone())),
        (None, Some(false)) => drop(out.insert("default".into(), Json::Null)),
        _ => {}
    }
    if out.get("default") == Some(&Json::Null) {
        out.shift_remove("type");
    }
    Json::Object(out)
}

/// The declared variables: constants where they are, a first step where they are computed.
fn variables(members: &mut Members<'_>, scope: &mut Scope) -> Vec<Json> {
    let Some((key, declared)) = members.take_named(&["variables", "vars", "context"]) else { return Vec::new() };
    let pairs: Vec<(String, Json)> = match declared {
        Json::Object(it) => it.iter().map(|(name, it)| (name.clone(), it.clone())).collect(),
        Json::Array(items) => items
            .iter()
            .filter_map(|it| {
                let value = ["value", "default"].iter().find_map(|key| it.get(key)).cloned();
                Some((it.get("name")?.as_str()?.to_owned(), value.unwrap_or_default()))
            })
            .collect(),
        _ => {
            scope.report.fault(Code::ForeignType, key, "variables are neither an object nor a list");
            return Vec::new();
        }
    };
    // A constant holds no braces, which could begin an expression.
    let (computed, constant): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(_, it)| contains_reference(it) || it.to_string().contains("{{"));
    scope.vars.extend(constant.into_iter().map(|(name, it)| (identifier(&name), it)));
    if computed.is_empty() {
        return Vec::new();
    }
    let id = scope.ids.fresh("variables");
    let mut set = Obj::new();
    for (name, it) in &computed {
        let ours = identifier(name);
        set.insert(ours.clone(), value(it, &format!("{key}.{name}"), scope));
    }
    for (name, _) in &computed {
        scope.bind(name, scope::Bound::plain(format!("{id}.{}", identifier(name))));
    }
    vec![json!({ "id": id, "set": set })]
}

/// What the document returns.
fn outputs(members: &mut Members<'_>, scope: &mut Scope) -> Option<Json> {
    let (key, declared) = members.take_named(&["outputs", "output", "returns"])?;
    let mut out = Obj::new();
    match declared {
        Json::Object(declared) => {
            for (name, it) in declared {
                let it = match it.as_str() {
                    Some(text) if scope.nodes.contains_key(text) => &Json::String(format!("${{{text}}}")),
                    _ => it,
                };
                out.insert(identifier(name), value(it, &format!("{key}.{name}"), scope));
            }
        }
        Json::Array(names) => {
            for name in names.iter().filter_map(Json::as_str) {
                let reference = Json::String(format!("${{{name}}}"));
                out.insert(identifier(name), value(&reference, key, scope));
            }
        }
        Json::String(_) => drop(out.insert("result".into(), value(declared, key, scope))),
        _ => scope.report.fault(Code::ForeignType, key, "outputs are neither an object nor a list"),
    }
    Some(Json::Object(out)).filter(|it| it != &json!({}))
}

/// The order between top-level nodes that is written apart from them: for each node those before it.
fn edges(members: &mut Members<'_>) -> Edges {
    let edges = members.take(&["edges", "connections", "links"]).and_then(Json::as_array);
    let end = |edge: &Json, names: [&str; 3]| names.iter().find_map(|name| edge.get(name)).and_then(scalar_text);
    let mut out = Edges::new();
    for edge in edges.into_iter().flatten() {
        if let (Some(from), Some(to)) =
            (end(edge, ["from", "source", "from_node"]), end(edge, ["to", "target", "to_node"]))
        {
            out.entry(to).or_default().push(from);
        }
    }
    out
}

/// Run-wide settings.
fn limits(members: &mut Members<'_>, flow: &mut Obj, scope: &mut Scope) {
    let mut limits = Obj::new();
    let settings = members.take(&["settings", "config", "options"]).and_then(Json::as_object).cloned();
    let settings = settings.unwrap_or_default();
    let mut settings = Members::new(&settings);
    let timeouts = ["timeout", "timeout_ms", "timeout_seconds", "max_execution_time_ms"];
    let timeout = take_duration(members, &timeouts).or_else(|| take_duration(&mut settings, &timeouts));
    put(&mut limits, "timeout", timeout.map(|(_, it)| it));
    let parallel = settings.take(&["max_parallel_nodes", "max_parallel", "concurrency", "max_concurrency"]);
    put(&mut limits, "parallel_steps", parallel.and_then(super::build::count));
    if let Some(it) = settings.take_text(&["on_error", "on_failure", "error_handling"]) {
        match word(&it).as_str() {
            "stop" | "stopworkflow" | "fail" | "abort" => drop(limits.insert("on_failure".into(), "stop".into())),
            _ => scope.report.lost("settings.on_error", format!("`{it}` has no counterpart for a whole run")),
        }
    }
    for (key, _) in settings.rest() {
        scope.report.lost(&format!("settings.{key}"), "this setting has no counterpart");
    }
    if !limits.is_empty() {
        flow.insert("limits".into(), Json::Object(limits));
    }
}
