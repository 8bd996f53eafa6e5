//! What flows into a node: its configuration and the outputs of the nodes that are connected to it.

use serde_json::Value as Json;

use super::{
    super::{build::Obj, expr::primary, ids::identifier, text::escape},
    Importer,
    node::Family,
    wires::{answer, is_failure, is_order},
};

/// What flows into a node, by port: a configured value or an expression for another node's output.
pub(super) struct Ports {
    pub(super) values: Vec<(String, Json)>,
    taken: Vec<String>,
}

impl Ports {
    /// The first value under one of `names`; all of them count as read.
    pub(super) fn take(&mut self, names: &[&str]) -> Option<Json> {
        self.taken.extend(names.iter().map(|it| (*it).to_owned()));
        names.iter().find_map(|name| self.values.iter().find(|(it, _)| it == name)).map(|(_, value)| value.clone())
    }

    /// All values that nobody read, as one object; they count as read.
    pub(super) fn take_rest(&mut self) -> Option<Obj> {
        let rest: Obj = self.rest().into_iter().collect();
        self.taken.extend(rest.keys().cloned());
        Some(rest).filter(|it| !it.is_empty())
    }

    /// The values that nobody read.
    pub(super) fn rest(&self) -> Vec<(String, Json)> {
        self.values.iter().filter(|(name, _)| !self.taken.contains(name)).cloned().collect()
    }
}

/// The configured values, replaced and joined by what is connected.
pub(super) fn ports(importer: &mut Importer<'_>, at: usize, config: &Json) -> Ports {
    let mut values: Vec<(String, Json)> = match config.as_object() {
        Some(it) => it.iter().map(|(name, value)| (name.clone(), escaped(value))).collect(),
        None => Vec::new(),
    };
    for wire in importer.wires.leading_to(at).to_vec() {
        let data = !is_order(&wire.to_port) && !is_failure(&wire.from_port);
        let expr = if data { output(importer, wire.from, &wire.from_port, 0) } else { None };
        let expr =
            expr.map(|it| if importer.may_lack(wire.from) { format!("{} | default(none)", primary(it)) } else { it });
        match expr {
            Some(expr) => {
                values.retain(|(name, _)| *name != wire.to_port);
                values.push((wire.to_port, format!("{{{{ {expr} }}}}").into()));
            }
            None if data && !is_order(&wire.from_port) && answer(&wire.from_port).is_none() => {
                let message = format!("nothing leaves port `{}`: only the order is kept", wire.from_port);
                importer.report.lost(&wire.place, message);
            }
            None => {}
        }
    }
    Ports { values, taken: Vec::new() }
}

/// A configured value is data: nothing in it is an expression.
fn escaped(value: &Json) -> Json {
    match value {
        Json::String(it) => escape(it).into(),
        Json::Array(items) => items.iter().map(escaped).collect(),
        Json::Object(members) => members.iter().map(|(name, it)| (name.clone(), escaped(it))).collect::<Obj>().into(),
        other => other.clone(),
    }
}

/// Nodes that pass values on are looked through no further than this.
const HOPS_MAX: usize = 64;

/// The expression for what leaves `port` of the node at position `at`.
fn output(importer: &Importer<'_>, at: usize, port: &str, hops: usize) -> Option<String> {
    let node = &importer.nodes[at];
    let id = &node.id;
    let main = matches!(port, "output" | "result" | "out" | "data" | "response" | "value" | "default" | "");
    match node.family {
        Family::Http if main => Some(format!("{id}.body")),
        Family::Http => match port {
            "body" | "status" | "headers" => Some(format!("{id}.{port}")),
            "status_code" => Some(format!("{id}.status")),
            _ => None,
        },
        Family::Shell if main => Some(format!("{id}.output")),
        Family::Shell => match port {
            "stdout" | "stderr" | "exit_code" => Some(format!("{id}.{port}")),
            "success" => Some(format!("({id}.exit_code == 0)")),
            _ => None,
        },
        Family::Code if main => Some(id.clone()),
        Family::Code => Some(format!("{id}.{}", identifier(port))),
        Family::Parse | Family::Stringify | Family::Jq | Family::Log => (!is_order(port)).then(|| id.clone()),
        Family::Merge if main || port == "merged" => Some(id.clone()),
        Family::Set if main => Some(id.clone()),
        Family::Merge | Family::Set => Some(format!("{id}.{}", identifier(port))),
        Family::Branch if answer(port).is_some() => Some(format!("{id}.payload")),
        Family::Branch => Some(format!("{id}.condition")).filter(|_| port == "condition"),
        Family::Delay => {
            let wire =
                importer.wires.leading_to(at).iter().find(|it| it.to_port == port).filter(|_| hops < HOPS_MAX)?;
            output(importer, wire.from, &wire.from_port, hops + 1)
        }
        Family::Other => (!is_order(port)).then(|| format!("{id}.{}", identifier(port))),
    }
}
