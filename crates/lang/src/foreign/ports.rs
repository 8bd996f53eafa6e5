//! The ports dialect: nodes with a type and a configuration, and connections between their ports.
//!
//! A connection is an order between two steps; where its ends are ports that carry data, the later step also reads
//! the earlier one's output.

mod branch;
mod node;
mod settings;
mod tasks;
mod typed;
mod values;
mod wires;

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{
    build::{Members, Obj, put, scalar_text, truth},
    ids::{Ids, flow_name, is_uuid},
    report::{Note, Report},
};
use crate::Code;
use node::Family;
use wires::Wires;

/// Everything that the conversion of one document knows and collects.
#[derive(Default)]
struct Importer<'a> {
    report: Report,
    ids: Ids,
    nodes: Vec<PortNode<'a>>,
    wires: Wires,
    /// The flow's inputs, found on the way.
    inputs: Obj,
    /// Whether the run goes on whatever step fails.
    goes_on: bool,
}

/// A node with what is known of it before any is converted.
struct PortNode<'a> {
    /// Its own id.
    own: String,
    /// Its id in the flow.
    id: String,
    family: Family,
    object: &'a Obj,
    place: String,
}

/// The flow for a document of this dialect.
pub(super) fn convert(document: &Obj) -> (Json, Vec<Note>) {
    let mut members = Members::new(document);
    let mut importer = Importer::default();
    importer.read_nodes(members.take(&["nodes"]).and_then(Json::as_array).map_or(&[], Vec::as_slice));
    let connections = members.take(&["connections", "edges"]).cloned().unwrap_or_default();
    importer.wires = Wires::read(&connections, &importer.nodes, &mut importer.report);

    let name = members.take_text(&["name"]).or_else(|| members.take_text(&["id"])).unwrap_or_else(|| "imported".into());
    members.take(&["id"]);
    let slug = flow_name(&name);
    let mut flow = Obj::new();
    flow.insert("drawloom".into(), json!(1));
    flow.insert("name".into(), slug.clone().into());
    let description = members.take_text(&["description"]);
    put(&mut flow, "description", description.or_else(|| (slug != name).then_some(name)));

    let settings = members.take(&["settings"]).and_then(Json::as_object).cloned().unwrap_or_default();
    let (limits, goes_on) = settings::limits(&settings, &mut importer.report);
    importer.goes_on = goes_on;
    let triggers = members.take(&["triggers"]).map(|it| settings::triggers(it, &mut importer.report));
    for ignored in ["version", "metadata", "created_at", "updated_at", "layout", "tags"] {
        members.take(&[ignored]);
    }
    for (key, _) in members.rest() {
        importer.report.lost(key, "this has no counterpart in a flow");
    }

    let mut steps = Vec::new();
    for at in 0..importer.nodes.len() {
        let mut step = node::step(&mut importer, at);
        if goes_on && !step.contains_key("on_failure") {
            step.insert("on_failure".into(), "continue".into());
        }
        steps.push(Json::Object(step));
    }
    if !importer.inputs.is_empty() {
        flow.insert("inputs".into(), Json::Object(importer.inputs));
    }
    put(&mut flow, "limits", (!limits.is_empty()).then_some(Json::Object(limits)));
    put(&mut flow, "triggers", triggers.filter(|it| !it.is_empty()));
    flow.insert("steps".into(), Json::Array(steps));
    (Json::Object(flow), importer.report.into_notes())
}

impl<'a> Importer<'a> {
    /// Whether the run may go on although the node at `at` has failed, and so has no output.
    fn may_lack(&self, at: usize) -> bool {
        let config = self.nodes[at].object.get("config").map(typed::plain);
        let fails = config.as_ref().and_then(|it| it.get("fail_on_error")).and_then(truth) != Some(false);
        self.goes_on || self.wires.is_watched(at) || !fails
    }

    fn read_nodes(&mut self, nodes: &'a [Json]) {
        let mut known = BTreeSet::new();
        for (at, node) in nodes.iter().enumerate() {
            let place = format!("nodes[{at}]");
            let Some(object) = node.as_object() else {
                self.report.fault(Code::ForeignType, &place, "this is no node");
                continue;
            };
            let own = object.get("id").and_then(scalar_text).unwrap_or_else(|| place.clone());
            if !known.insert(own.clone()) {
                self.report.fault(
                    Code::ForeignDuplicate,
                    &place,
                    format!("another node has the id `{own}` too: connections go to the first"),
                );
            }
            let node_type = object.get("node_type").and_then(Json::as_str).unwrap_or_default();
            let title = object.get("name").and_then(Json::as_str).filter(|it| !it.is_empty());
            let wanted = if is_uuid(&own) || own == place { title.unwrap_or(node_type) } else { &own };
            let id = self.ids.fresh(wanted);
            if id != own && !is_uuid(&own) {
                self.report.info(&place, format!("its id is now `{id}`"));
            }
            self.nodes.push(PortNode { own, id, family: Family::of(node_type), object, place });
        }
    }
}
