//! What starts runs: the items of `triggers`.

use super::{
    fields::Fields,
    flow::is_written,
    reader::{Field, Reader, head, list as words},
};
use crate::{
    Code, Data, Diagnostic, Node, Span,
    diagnostic::closest,
    model::{Overlap, Trigger, TriggerOn, Webhook},
};

/// The keys that say what a trigger is.
const FORMS: [&str; 6] = ["cron", "interval", "webhook", "queue", "dataset", "flow"];

pub(super) fn list(reader: &mut Reader, field: Field) -> Vec<Trigger> {
    match field.node.data {
        Data::List(items) => items.into_iter().filter_map(|it| trigger(reader, it)).collect(),
        Data::Null => Vec::new(),
        _ => {
            reader.wrong(&field, "a list of triggers");
            Vec::new()
        }
    }
}

fn trigger(reader: &mut Reader, node: Node) -> Option<Trigger> {
    let (span, at, settings) = (node.span, head(&node), node.clone());
    let Data::Object(members) = node.data else {
        reader.wrong_node(&node, "expected a trigger, such as { cron: \"0 2 * * *\" }", None);
        return None;
    };
    let mut fields = Fields::new(members, at, "a trigger");
    let on = form(reader, &mut fields);
    let trigger = Trigger {
        span,
        on: TriggerOn::Queue(Node::new(Data::Null, span)),
        timezone: fields.take("timezone").and_then(|it| reader.constant(it)),
        overlap: fields.take("overlap").and_then(|it| reader.choice(&it, &Overlap::ALL)),
        catchup: fields.take("catchup").filter(is_written).and_then(|it| catchup(reader, it)),
        with: fields.take("with").and_then(|it| reader.object(it, "an object of inputs")),
        settings,
    };
    fields.finish(reader);
    on.map(|on| Trigger { on, ..trigger })
}

fn form(reader: &mut Reader, fields: &mut Fields) -> Option<TriggerOn> {
    let found: Vec<(&str, Span)> = FORMS.iter().filter_map(|it| fields.place(it).map(|at| (*it, at))).collect();
    let taken = FORMS.map(|it| fields.take(it));
    if let [(first, first_at), (second, second_at), ..] = found[..] {
        let message = format!("a trigger is one thing, not both `{first}` and `{second}`");
        let problem = Diagnostic::new(Code::SeveralForms, second_at, message).label(first_at, "first said here");
        reader.report(problem.help("write two triggers"));
    }
    let Some(field) = taken.into_iter().flatten().next() else {
        let message = "a trigger does not say what it waits for";
        let like = fields.left().find_map(|it| closest(it, FORMS).map(|form| (it.to_owned(), form)));
        let (at, help) = match like {
            Some((written, form)) => {
                let at = fields.drain(|it| it == written).first().map_or(fields.at, |it| it.span);
                (at, format!("`{written}` is unknown; did you mean `{form}`?"))
            }
            None => (fields.at, format!("give it one of {}", words(FORMS))),
        };
        reader.report(Diagnostic::new(Code::NoForm, at, message).help(help));
        return None;
    };
    match field.key {
        "cron" => reader.constant(field).map(TriggerOn::Cron),
        "interval" => reader.duration(&field).map(TriggerOn::Interval),
        "webhook" => webhook(reader, field).map(TriggerOn::Webhook),
        "queue" => Some(TriggerOn::Queue(field.node)),
        "dataset" => Some(TriggerOn::Dataset(field.node)),
        _ => Some(TriggerOn::Flow(field.node)),
    }
}

/// `catchup: { window: 1d }`, or the window alone.
fn catchup(reader: &mut Reader, field: Field) -> Option<crate::Spanned<std::time::Duration>> {
    if !matches!(field.node.data, Data::Object(_)) {
        return reader.duration(&field);
    }
    let mut fields = Fields::of(reader, field, "`catchup`")?;
    let window = fields.need(reader, "window").and_then(|it| reader.duration(&it));
    fields.finish(reader);
    window
}

/// `webhook: { path: …, … }`, or the path alone.
fn webhook(reader: &mut Reader, field: Field) -> Option<Webhook> {
    let span = field.node.span;
    if matches!(field.node.data, Data::Text(_)) {
        let path = reader.constant(field)?;
        return Some(Webhook { span, path, method: None, secret: None, respond: None });
    }
    let mut fields = Fields::of(reader, field, "`webhook`")?;
    let path = fields.need(reader, "path").and_then(|it| reader.constant(it));
    let method = fields.take("method").and_then(|it| reader.constant(it));
    let secret = fields.take("secret").map(|it| it.node);
    let respond = fields.take("respond").and_then(|it| {
        let word = it.node.as_str().map(str::to_owned);
        let span = reader.choice(&it, &[("accepted", ()), ("result", ())])?.span;
        word.map(|it| crate::Spanned::new(it, span))
    });
    fields.finish(reader);
    Some(Webhook { span, path: path?, method, secret, respond })
}
