//! What each form of a step holds.

use super::{ON_FAILURE, condition, list};
use crate::{
    Code, Data, Diagnostic, Node, Span, Spanned,
    diagnostic::closest,
    model::{Arm, Body, Branch, Branches, FlowTarget, ForEach, If, Join, Loop, SubFlow, Task, Try, Wait, WaitFor},
    node::Members,
    parse::{
        fields::Fields,
        policy,
        reader::{Field, Reader, head},
    },
};

/// Reads the form in `field`; `beside` holds the step's other keys.
pub(super) fn read(reader: &mut Reader, field: Field, beside: &mut Fields) -> Option<Body> {
    match field.key {
        "uses" => task(reader, field, beside),
        "parallel" => parallel(reader, field, beside),
        "if" => either(reader, field, beside),
        "switch" => switch(reader, field),
        "for_each" => for_each(reader, field, beside),
        "loop" => repeat(reader, field, beside),
        "flow" => sub_flow(reader, field, beside),
        "wait" => wait(reader, field),
        "try" => Some(Body::Try(Try {
            body: list(reader, field),
            catch: beside.take("catch").map(|it| list(reader, it)),
            finally: beside.take("finally").map(|it| list(reader, it)),
        })),
        "group" => Some(Body::Group(list(reader, field))),
        "set" => reader.members(field, "an object of names and values").map(Body::Set),
        "fail" => message(reader, field).map(Body::Fail),
        _ => message(reader, field).map(Body::Stop),
    }
}

fn task(reader: &mut Reader, field: Field, beside: &mut Fields) -> Option<Body> {
    let uses = reader.constant(field);
    let task = Task {
        uses: Spanned::default(),
        with: beside.take("with").and_then(|it| reader.object(it, "an object of parameters")),
        retry: beside.take("retry").and_then(|it| policy::retry(reader, it)),
        cache: beside.take("cache").and_then(|it| policy::cache(reader, it)),
        queue: beside.take("queue").and_then(|it| reader.constant(it)),
        priority: beside.take("priority").and_then(|it| policy::priority(reader, &it)),
        compensate: beside.take("compensate").map(|it| list(reader, it)),
    };
    uses.map(|uses| Body::Task(Box::new(Task { uses, ..task })))
}

fn parallel(reader: &mut Reader, field: Field, beside: &mut Fields) -> Option<Body> {
    let join = beside.take("join").and_then(|it| join(reader, &it));
    let at = field.at;
    let key = field.key;
    let (named, nodes): (bool, Members) = match field.node.data {
        Data::Object(members) => (true, members),
        Data::List(items) => {
            let number = |(at, node): (usize, Node)| (Spanned::new(at.to_string(), node.span), node);
            (false, items.into_iter().enumerate().map(number).collect())
        }
        _ => {
            reader.wrong(&field, "branches: an object of names and lists of steps, or a list of lists of steps");
            return None;
        }
    };
    if nodes.is_empty() {
        reader.report(Diagnostic::new(Code::EmptyBlock, at, "`parallel` has no branches"));
    }
    let mut branches = Vec::new();
    for (name, node) in nodes {
        if named {
            reader.check_name(&name);
        } else if matches!(node.data, Data::Object(_)) {
            let help = "put the steps of each branch into a list of their own: `- [ { id: … } ]`";
            reader.wrong_node(&node, "`parallel`: expected a list of steps for each branch", Some(help));
            continue;
        }
        let steps = list(reader, Field { key, at, node });
        branches.push(Branch { name, steps });
    }
    Some(Body::Parallel(Branches { branches, named, join }))
}

fn join(reader: &mut Reader, field: &Field) -> Option<Spanned<Join>> {
    if matches!(field.node.data, Data::Int(_) | Data::UInt(_)) {
        return reader.count(field).map(|it| it.map(Join::Count));
    }
    if !matches!(field.node.data, Data::Text(_)) {
        reader.wrong(field, "`all`, `any` or a number of branches");
        return None;
    }
    reader.choice(field, &[("all", Join::All), ("any", Join::Any)])
}

fn either(reader: &mut Reader, field: Field, beside: &mut Fields) -> Option<Body> {
    let condition = condition(reader, field);
    let then = beside.need(reader, "then").map(|it| list(reader, it)).unwrap_or_default();
    let otherwise = beside.take("else").map(|it| list(reader, it));
    condition.map(|condition| Body::If(If { condition, then, otherwise }))
}

fn switch(reader: &mut Reader, field: Field) -> Option<Body> {
    let at = field.at;
    let Data::List(items) = field.node.data else {
        reader.wrong(&field, "a list of arms, each { when, do }");
        return None;
    };
    if items.is_empty() {
        reader.report(Diagnostic::new(Code::EmptyBlock, at, "`switch` has no arms"));
    }
    let last = items.len().saturating_sub(1);
    let arms = items.into_iter().enumerate().filter_map(|(at, it)| arm(reader, it, at == last));
    Some(Body::Switch(arms.collect()))
}

fn arm(reader: &mut Reader, node: Node, last: bool) -> Option<Arm> {
    let (span, at) = (node.span, head(&node));
    let Data::Object(members) = node.data else {
        reader.wrong_node(&node, "`switch`: expected an arm, { when, do }", None);
        return None;
    };
    let mut fields = Fields::new(members, at, "an arm of a `switch`");
    let when = fields.take("when");
    let slip = fields.left().any(|it| closest(it, ["when"]).is_some());
    if when.is_none() && !last && !slip {
        let message = "only the last arm of a `switch` may lack `when`; the arms after this one would never be taken";
        reader.report(Diagnostic::new(Code::DefaultArmNotLast, at, message));
    }
    let when = when.and_then(|it| condition(reader, it));
    let steps = fields.need(reader, "do").map(|it| list(reader, it)).unwrap_or_default();
    fields.finish(reader);
    Some(Arm { span, when, steps })
}

fn for_each(reader: &mut Reader, field: Field, beside: &mut Fields) -> Option<Body> {
    let body = beside.need(reader, "do").map(|it| list(reader, it)).unwrap_or_default();
    let plain = |items| {
        let (item, index, concurrency) = (None, None, None);
        ForEach { items, item, index, concurrency, batch: None, on_failure: None, body: Vec::new() }
    };
    if matches!(field.node.data, Data::Text(_) | Data::List(_)) {
        return Some(Body::ForEach(ForEach { body, ..plain(field.node) }));
    }
    let mut fields = Fields::of(reader, field, "`for_each`")?;
    let items = fields.need(reader, "in");
    let for_each = ForEach {
        item: fields.take("as").and_then(|it| reader.id(it)),
        index: fields.take("index").and_then(|it| reader.id(it)),
        concurrency: fields.take("concurrency").and_then(|it| amount(reader, it)),
        batch: fields.take("batch").and_then(|it| amount(reader, it)),
        on_failure: fields.take("on_failure").and_then(|it| reader.choice(&it, &ON_FAILURE)),
        body,
        ..plain(Node::new(Data::Null, Span::default()))
    };
    fields.finish(reader);
    let items = items?;
    if matches!(items.node.data, Data::Text(_) | Data::List(_) | Data::Object(_)) {
        return Some(Body::ForEach(ForEach { items: items.node, ..for_each }));
    }
    reader.wrong(&items, "a list, an object or an expression that gives one");
    None
}

/// A positive whole number, or an expression that gives one.
fn amount(reader: &mut Reader, field: Field) -> Option<Node> {
    let expression = field.node.as_str().is_some_and(crate::template::has_expressions);
    if expression || reader.count(&field).is_some() { Some(field.node) } else { None }
}

fn repeat(reader: &mut Reader, field: Field, beside: &mut Fields) -> Option<Body> {
    let body = beside.need(reader, "do").map(|it| list(reader, it)).unwrap_or_default();
    let span = field.at;
    let mut fields = Fields::of(reader, field, "`loop`")?;
    let repeat = Loop {
        span,
        condition: fields.take("while").and_then(|it| condition(reader, it)),
        until: fields.take("until").and_then(|it| condition(reader, it)),
        max: fields.take("max").and_then(|it| amount(reader, it)),
        every: fields.take("every").and_then(|it| reader.duration(&it)),
        body,
    };
    fields.finish(reader);
    Some(Body::Loop(repeat))
}

fn sub_flow(reader: &mut Reader, field: Field, beside: &mut Fields) -> Option<Body> {
    let with = beside.take("with").and_then(|it| reader.object(it, "an object of inputs"));
    let detach = beside.take("detach").and_then(|it| reader.flag(&it));
    let written = reader.constant(field)?;
    let target = target(reader, &written)?;
    Some(Body::Flow(SubFlow { target: Spanned::new(target, written.span), with, detach }))
}

/// A file (`./child.yaml`), or a published flow (`name`, `name@3`).
fn target(reader: &mut Reader, written: &Spanned<String>) -> Option<FlowTarget> {
    let text = written.value.as_str();
    let file = ["./", "../", "/"].iter().any(|it| text.starts_with(it))
        || [".yaml", ".yml", ".json"].iter().any(|it| text.ends_with(it));
    if file {
        return Some(FlowTarget::File(text.to_owned()));
    }
    let (name, version) = match text.rsplit_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let number = version.map(|it| it.parse::<u32>().ok().filter(|it| *it > 0));
    if name.trim().is_empty() || number == Some(None) {
        let message = "a sub-flow is named `name`, `name@3` or by its file, `./child.yaml`";
        reader.report(Diagnostic::new(Code::SubFlowReference, written.span, message));
        return None;
    }
    Some(FlowTarget::Published { name: name.to_owned(), version: number.flatten() })
}

/// Makes a wait of what stands behind its key.
type MakeWait = fn(Node) -> WaitFor;

/// The forms of a wait.
const WAITS: [(&str, MakeWait); 5] = [
    ("for", WaitFor::Time),
    ("until", WaitFor::Instant),
    ("signal", WaitFor::Signal),
    ("webhook", WaitFor::Webhook),
    ("approval", WaitFor::Approval),
];

/// `wait: { for: 5s }` and its like, or the duration alone.
fn wait(reader: &mut Reader, field: Field) -> Option<Body> {
    let span = field.at;
    if matches!(field.node.data, Data::Text(_)) {
        return Some(Body::Wait(Wait { span, until: WaitFor::Time(field.node), timeout: None }));
    }
    let mut fields = Fields::of(reader, field, "`wait`")?;
    let timeout = fields.take("timeout").and_then(|it| reader.duration(&it));
    let found: Vec<_> = WAITS.iter().filter_map(|(key, form)| fields.take(key).map(|field| (field, *form))).collect();
    let mut found = found.into_iter();
    let until = match (found.next(), found.next()) {
        (Some((field, form)), None) => wait_node(reader, field).map(form),
        (Some((first, _)), Some((second, _))) => {
            let message = format!("a wait is for one thing, not both `{}` and `{}`", first.key, second.key);
            reader.report(Diagnostic::new(Code::SeveralForms, second.at, message).label(first.at, "first said here"));
            None
        }
        (None, _) => {
            let message = "`wait` does not say what it waits for";
            let help = "give it one of `for`, `until`, `signal`, `webhook`, `approval`";
            reader.report(Diagnostic::new(Code::NoForm, span, message).help(help));
            None
        }
    };
    fields.finish(reader);
    until.map(|until| Body::Wait(Wait { span, until, timeout }))
}

/// What is waited for. A webhook or an approval may say nothing more.
fn wait_node(reader: &mut Reader, field: Field) -> Option<Node> {
    let open = matches!(field.key, "webhook" | "approval");
    let time = matches!(field.key, "for" | "until");
    match &field.node.data {
        Data::Text(_) => Some(field.node),
        Data::Int(_) | Data::UInt(_) | Data::Float(_) if time => Some(field.node),
        Data::Null | Data::Bool(true) if open => Some(Node::made("", field.at)),
        Data::Object(_) if open => {
            let at = field.at;
            let mut fields = Fields::of(reader, field, "a wait")?;
            let message = fields.take("message").and_then(|it| reader.text(it));
            fields.finish(reader);
            Some(message.map_or(Node::made("", at), |it| Node::new(Data::Text(it.clone()), it.span)))
        }
        _ => {
            reader.wrong(&field, if time { "a time or an expression" } else { "a string" });
            None
        }
    }
}

/// The message of `fail` and `stop`: any scalar.
fn message(reader: &mut Reader, field: Field) -> Option<Node> {
    match field.node.data {
        Data::List(_) | Data::Object(_) => {
            reader.wrong(&field, "a message");
            None
        }
        Data::Null => Some(Node::made("", field.at)),
        _ => Some(field.node),
    }
}
