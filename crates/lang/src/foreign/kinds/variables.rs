//! Nodes that set variables.

use serde_json::Value as Json;

use super::super::{
    build::{Members, Obj, truth, word},
    ids::identifier,
};
use super::{
    Scope,
    action::is_assignment,
    node::{Made, Node, assigned},
    scope::Bound,
    template,
};
use crate::Code;

/// Variables: the step computes them, and later nodes read them from it.
pub(super) fn set(node: &mut Node<'_>, params: &mut Members<'_>, place: &str, scope: &mut Scope) -> Made {
    let mut pairs: Vec<(String, Json)> = Vec::new();
    let name = params.take_text(&["name", "variable", "var", "key", "target"]);
    let name = name.or_else(|| node.members.take_text(&["variable", "var", "key", "name"]));
    match name {
        Some(name) => {
            let expression = params.take(&["expression", "expr"]).cloned();
            let plain = params.take(&["value"]).or_else(|| node.members.take(&["value"])).cloned();
            let it = match expression {
                Some(it) => match template::expression(&it, place, scope) {
                    Ok(expr) => format!("{{{{ {expr} }}}}").into(),
                    Err(why) => {
                        return Made::Impossible(
                            Code::ForeignNotMapped,
                            format!("the expression {it} cannot be read: {why}"),
                        );
                    }
                },
                None => assigned(&plain.unwrap_or_default(), &format!("{place}.value"), scope),
            };
            pairs.push((name, it));
        }
        None => {
            let many = params.take(&["variables", "values", "vars"]).and_then(Json::as_object).cloned();
            let many = many.unwrap_or_else(|| params.rest().map(|(key, it)| (key.to_owned(), it.clone())).collect());
            let keys: Vec<&str> = many.keys().map(String::as_str).collect();
            params.take(&keys);
            for (name, it) in &many {
                pairs.push((name.clone(), assigned(it, &format!("{place}.{name}"), scope)));
            }
        }
    }
    if pairs.is_empty() {
        return Made::Impossible(Code::ForeignMissing, "no variable is set".to_owned());
    }
    let mut set = Obj::new();
    for (name, it) in pairs {
        let ours = identifier(&name);
        scope.bind(&name, Bound::plain(format!("{}.{ours}", node.id)));
        set.insert(ours, it);
    }
    params.take(&["type", "scope"]).and_then(truth);
    Made::Step(Obj::from_iter([("set".to_owned(), Json::Object(set))]), Bound::plain(node.id.clone()))
}

/// The variables that the nodes in `nodes` set, at any depth.
pub(super) fn assigned_names(nodes: &Json, out: &mut Vec<String>) {
    match nodes {
        Json::Array(items) => items.iter().for_each(|it| assigned_names(it, out)),
        Json::Object(node) => {
            let text = |key: &str| node.get(key).and_then(Json::as_str);
            let kind = text("kind").filter(|it| word(it) != "action").or_else(|| text("action")).unwrap_or_default();
            if is_assignment(kind) {
                let params = node.get("params").or_else(|| node.get("with")).and_then(Json::as_object).unwrap_or(node);
                let named = ["name", "variable", "var", "key", "target"].iter().find_map(|key| params.get(*key));
                match named.or_else(|| node.get("variable")).and_then(Json::as_str) {
                    Some(name) => out.push(name.to_owned()),
                    None => {
                        let many = params.get("variables").or_else(|| params.get("values")).and_then(Json::as_object);
                        out.extend(many.unwrap_or(params).keys().cloned());
                    }
                }
            }
            for key in ["output", "save_as", "saveAs", "result", "output_var", "assign_to", "store_as"] {
                out.extend(text(key).map(str::to_owned));
            }
            node.values().filter(|it| it.is_array() || it.is_object()).for_each(|it| assigned_names(it, out));
        }
        _ => {}
    }
}
