//! The keys of a flow's document, but for its steps and triggers.

use std::sync::Arc;

use drawloom_blueprint::OnFull;

use super::{
    fields::Fields,
    policy,
    reader::{Field, Reader, head},
    step, trigger,
};
use crate::{
    Code, Data, Diagnostic, Node, Source, Spanned,
    model::{Concurrency, Flow, Input, Limits, OnUnhandled},
    node::Members,
};

/// The version of the language that this program knows.
const VERSION: u64 = 1;

/// Reads the tree of a document.
pub(super) fn read(reader: &mut Reader, node: Node, source: &Source) -> Option<Flow> {
    let (span, at) = (node.span, head(&node));
    let Data::Object(members) = node.data else {
        let message = format!("expected a flow (an object), found {}", node.describe());
        let help = "a flow begins with `drawloom: 1`, `name: …` and `steps: …`";
        reader.report(Diagnostic::new(Code::NotAFlow, at, message).help(help));
        return None;
    };
    let mut fields = Fields::new(members, at, "a flow");
    let drawloom = version(reader, &mut fields)?;
    let name = fields.need(reader, "name").and_then(|it| reader.name(it));
    let flow = Flow {
        source: Arc::new(source.clone()),
        span,
        drawloom,
        name: name.unwrap_or_default(),
        description: fields.take("description").filter(is_written).and_then(|it| reader.text(it)),
        labels: fields.take("labels").map(|it| labels(reader, it)).unwrap_or_default(),
        inputs: fields.take("inputs").map(|it| inputs(reader, it)).unwrap_or_default(),
        vars: take_members(reader, &mut fields, "vars"),
        defaults: fields.take("defaults").and_then(|it| policy::defaults(reader, it)).unwrap_or_default(),
        limits: fields.take("limits").and_then(|it| limits(reader, it)).unwrap_or_default(),
        triggers: fields.take("triggers").map(|it| trigger::list(reader, it)).unwrap_or_default(),
        steps: fields.need(reader, "steps").map(|it| step::list(reader, it)).unwrap_or_default(),
        outputs: take_members(reader, &mut fields, "outputs"),
        children: std::collections::BTreeMap::new(),
    };
    fields.finish(reader);
    Some(flow)
}

/// Whether there is anything behind a key.
pub(super) fn is_written(field: &Field) -> bool {
    field.node.data != Data::Null
}

/// The language version. A newer one ends the reading: what else is wrong may be right there.
fn version(reader: &mut Reader, fields: &mut Fields) -> Option<Spanned<u64>> {
    let at = Spanned::new(VERSION, fields.at);
    let Some(field) = fields.take("drawloom") else {
        let message = "a flow needs the key `drawloom`, the version of its language";
        reader.report(Diagnostic::new(Code::MissingKey, fields.at, message).help("begin it with `drawloom: 1`"));
        return Some(at);
    };
    let span = field.node.span;
    match field.node.data {
        Data::Int(1) => Some(Spanned::new(VERSION, span)),
        Data::Int(2..) | Data::UInt(_) => {
            let message = format!("the flow is written in a newer language; this drawloom knows version {VERSION}");
            reader.report(Diagnostic::new(Code::NewerLanguage, span, message).help("use a newer drawloom"));
            None
        }
        Data::Int(_) => {
            let message = format!("there is no such version of the language; write `drawloom: {VERSION}`");
            reader.report(Diagnostic::new(Code::OutOfRange, span, message));
            Some(at)
        }
        _ => {
            reader.wrong(&field, "the language's version, 1");
            Some(at)
        }
    }
}

fn take_members(reader: &mut Reader, fields: &mut Fields, key: &'static str) -> Members {
    fields.take(key).and_then(|it| reader.members(it, "an object of names and values")).unwrap_or_default()
}

fn labels(reader: &mut Reader, field: Field) -> Members {
    let members = reader.members(field, "an object of names and texts").unwrap_or_default();
    for (key, node) in &members {
        reader.check_name(key);
        if matches!(node.data, Data::List(_) | Data::Object(_)) {
            reader.wrong_node(node, &format!("label `{}`: expected a string", key.value), None);
        }
    }
    members
}

fn inputs(reader: &mut Reader, field: Field) -> Vec<Input> {
    let members = reader.members(field, "an object of names and JSON Schemas").unwrap_or_default();
    members.into_iter().filter_map(|(name, node)| input(reader, name, node)).collect()
}

/// An input: a JSON Schema, or the name of its type alone.
fn input(reader: &mut Reader, name: Spanned<String>, node: Node) -> Option<Input> {
    reader.check_name(&name);
    let span = node.span;
    let schema = match node.data {
        Data::Object(_) => node,
        Data::Text(_) => Node::new(Data::Object(vec![(Spanned::new("type".to_owned(), span), node)]), span),
        Data::Null => Node::new(Data::Object(Members::new()), name.span),
        _ => {
            let expected = format!("input `{}`: expected a JSON Schema, such as {{ type: string }}", name.value);
            reader.wrong_node(&node, &expected, None);
            return None;
        }
    };
    let default = schema.get("default").cloned();
    Some(Input { name, schema, default })
}

fn limits(reader: &mut Reader, field: Field) -> Option<Limits> {
    if !is_written(&field) {
        return None;
    }
    let mut fields = Fields::of(reader, field, "`limits`")?;
    let on_failure = [("continue", OnUnhandled::Continue), ("stop", OnUnhandled::Stop)];
    let limits = Limits {
        parallel_steps: fields.take("parallel_steps").and_then(|it| reader.count(&it)),
        timeout: fields.take("timeout").and_then(|it| reader.duration(&it)),
        concurrency: fields.take("concurrency").and_then(|it| concurrency(reader, it)),
        on_failure: fields.take("on_failure").and_then(|it| reader.choice(&it, &on_failure)),
    };
    fields.finish(reader);
    Some(limits)
}

fn concurrency(reader: &mut Reader, field: Field) -> Option<Concurrency> {
    if matches!(field.node.data, Data::Int(_) | Data::UInt(_)) {
        return reader.count(&field).map(|max| Concurrency { max, key: None, when_full: None });
    }
    let mut fields = Fields::of(reader, field, "`concurrency`")?;
    let when_full = [
        ("queue", OnFull::Queue),
        ("skip", OnFull::Skip),
        ("reject", OnFull::Reject),
        ("cancel_running", OnFull::CancelRunning),
    ];
    let max = fields.need(reader, "max").and_then(|it| reader.count(&it));
    let key = fields.take("key").map(|it| it.node);
    let when_full = fields.take("when_full").and_then(|it| reader.choice(&it, &when_full));
    fields.finish(reader);
    Some(Concurrency { max: max?, key, when_full })
}
