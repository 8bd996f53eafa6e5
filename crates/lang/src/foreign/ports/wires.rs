//! Connections, sorted by the node that they lead to.

use serde_json::Value as Json;

use super::{
    super::{build::scalar_text, report::Report},
    PortNode,
};
use crate::Code;

/// A connection that leads somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wire {
    /// The node that it comes from, as a position in the list of nodes.
    pub(super) from: usize,
    pub(super) from_port: String,
    pub(super) to_port: String,
    pub(super) place: String,
}

/// The connections into each node, in order of writing.
#[derive(Debug, Default)]
pub(super) struct Wires {
    into: Vec<Vec<Wire>>,
    /// Whether anything leaves a node through a port for its failures.
    watched: Vec<bool>,
}

impl Wires {
    pub(super) fn read(connections: &Json, nodes: &[PortNode<'_>], report: &mut Report) -> Self {
        let mut wires = Self { into: vec![Vec::new(); nodes.len()], watched: vec![false; nodes.len()] };
        let positions: std::collections::BTreeMap<&str, usize> =
            nodes.iter().enumerate().rev().map(|(at, it)| (it.own.as_str(), at)).collect();
        let Some(items) = connections.as_array() else {
            if !connections.is_null() {
                report.fault(Code::ForeignType, "connections", "this is no list");
            }
            return wires;
        };
        for (at, item) in items.iter().enumerate() {
            let place = format!("connections[{at}]");
            let text = |names: [&str; 2]| names.iter().find_map(|it| item.get(*it)).and_then(scalar_text);
            let (from, to) = (text(["from_node", "source"]), text(["to_node", "target"]));
            let find = |name: &Option<String>| name.as_ref().and_then(|it| positions.get(it.as_str())).copied();
            let (Some(from), Some(to)) = (find(&from), find(&to)) else {
                report.fault(Code::ForeignConnection, &place, "it leads from or to a node that is not there");
                continue;
            };
            let from_port = text(["from_port", "source_port"]).unwrap_or_default();
            let to_port = text(["to_port", "target_port"]).unwrap_or_default();
            wires.watched[from] |= is_failure(&from_port);
            wires.into[to].push(Wire { from, from_port, to_port, place });
        }
        wires
    }

    /// The connections into a node.
    pub(super) fn leading_to(&self, node: usize) -> &[Wire] {
        &self.into[node]
    }

    /// Whether another node waits for this one's failure.
    pub(super) fn is_watched(&self, node: usize) -> bool {
        self.watched[node]
    }
}

/// Whether a port is where a node's failure leaves it.
pub(super) fn is_failure(port: &str) -> bool {
    matches!(port, "error" | "failure" | "on_error" | "failed" | "on_failure")
}

/// Whether a port carries order and no data.
pub(super) fn is_order(port: &str) -> bool {
    matches!(port, "" | "in" | "trigger" | "start" | "done" | "success" | "next" | "then" | "exec" | "flow" | "after")
}

/// Which answer of a condition a port stands for.
pub(super) fn answer(port: &str) -> Option<bool> {
    match port {
        "true" | "true_out" | "then" | "yes" => Some(true),
        "false" | "false_out" | "else" | "no" => Some(false),
        _ => None,
    }
}
