//! A list of nodes done again and again.

use serde_json::{Value as Json, json};

use super::super::super::{
    build::{Obj, put},
    expr::primary,
    ids::identifier,
    text::escape,
};
use super::super::{
    Scope,
    blocks::collect,
    node::{Made, Node, list},
    scope::{Bound, Frame, Shape},
    template::expression,
};
use super::{Rules, carried};
use crate::Code;

/// A variable that an iteration hands to the next, and what it is before the first.
struct Carried {
    name: String,
    before: Bound,
}

impl Carried {
    /// The expression for it at the begin of an iteration.
    fn last(&self) -> String {
        format!("last.{} | default({})", identifier(&self.name), self.before.whole())
    }

    fn bound(&self, expr: String) -> Bound {
        Bound { expr, ..self.before.clone() }
    }
}

/// A loop that goes on by `rules`.
pub(super) fn repeat(node: &mut Node<'_>, nodes: &Json, rules: Rules<'_>, scope: &mut Scope) -> Made {
    let names = carried(nodes, scope).into_iter();
    let carried: Vec<Carried> =
        names.filter_map(|name| Some(Carried { before: scope.look_up(&name)?, name })).collect();
    let counter = rules.index.as_deref().map(identifier);
    let going_on = match going_on(node, &rules, &carried, scope) {
        Ok(it) => it,
        Err(why) => return unreadable(&why),
    };
    scope.frames.push(Frame::new());
    let first = first_step(node, &rules, &carried, scope);
    let first_id = first.as_ref().and_then(|it| it.get("id")?.as_str().map(str::to_owned)).unwrap_or_default();
    let mut steps: Vec<Json> = first.into_iter().collect();
    steps.extend(list(nodes, &format!("{}.body", node.place), scope));
    let until = rules.until.map(|it| expression(it, &format!("{}.until", node.place), scope));
    let frame = scope.frames.pop().unwrap_or_default();

    let mut settings = Obj::new();
    put(&mut settings, "while", going_on.map(|it| format!("{{{{ {it} }}}}")));
    match until {
        Some(Ok(it)) => drop(settings.insert("until".into(), format!("{{{{ {it} }}}}").into())),
        Some(Err(why)) => return unreadable(&why),
        None => {}
    }
    if let Some(times) = &rules.times {
        let number = times.parse::<u64>().ok();
        settings.insert("max".into(), number.map_or(json!(1_000_000), |it| json!(it.max(1))));
    }
    put(&mut settings, "max", rules.max);
    put(&mut settings, "every", rules.every.map(|it| escape(&it)));
    let counter = counter.map(|it| (format!("{first_id}.{it}"), it));
    steps.extend(last_step(node, &scope.read_outside(&frame, &[nodes]), (&frame, &carried), counter, scope));
    let mut step = Obj::new();
    step.insert("loop".into(), Json::Object(settings));
    step.insert("do".into(), steps.into());
    Made::Step(step, Bound::plain(node.id.clone()))
}

fn unreadable(why: &str) -> Made {
    Made::Impossible(Code::ForeignNotMapped, format!("the condition of the loop cannot be read: {why}"))
}

/// What must hold before each iteration; asked outside the body, where only the last iteration is known.
fn going_on(
    node: &Node<'_>,
    rules: &Rules<'_>,
    carried: &[Carried],
    scope: &mut Scope,
) -> Result<Option<String>, String> {
    let counting = match (&rules.times, rules.index.as_deref().map(identifier)) {
        (Some(times), Some(counter)) => {
            Some(format!("(last.{counter} | default(-1)) + 1 < {}", primary(times.clone())))
        }
        _ => None,
    };
    let Some(condition) = rules.while_ else { return Ok(counting) };
    scope.frames.push(Frame::new());
    for it in carried {
        scope.bind(&it.name, it.bound(it.last()));
    }
    let condition = expression(condition, &format!("{}.condition", node.place), scope);
    scope.frames.pop();
    let condition = condition?;
    Ok(Some(match counting {
        Some(counting) => format!("{} and {counting}", primary(condition)),
        None => condition,
    }))
}

/// The step that takes over from the last iteration, where there is something to take over.
fn first_step(node: &Node<'_>, rules: &Rules<'_>, carried: &[Carried], scope: &mut Scope) -> Option<Json> {
    let mut set = Obj::new();
    let counter = rules.index.as_deref().map(identifier);
    if let Some(counter) = &counter {
        set.insert(counter.clone(), format!("{{{{ (last.{counter} | default(-1)) + 1 }}}}").into());
    }
    for it in carried {
        set.insert(identifier(&it.name), format!("{{{{ {} }}}}", it.last()).into());
    }
    if set.is_empty() {
        return None;
    }
    let id = scope.ids.fresh(&format!("{}_in", node.id));
    for it in carried {
        scope.bind(&it.name, it.bound(format!("{id}.{}", identifier(&it.name))));
    }
    if let (Some(index), Some(counter)) = (&rules.index, &counter) {
        scope.bind(index, Bound::plain(format!("{id}.{counter}")));
        if let Some((item, list)) = &rules.item {
            scope.bind(item, Bound::plain(format!("{}[{id}.{counter}]", primary(list.clone()))));
        }
    }
    Some(json!({ "id": id, "set": set }))
}

/// The step that hands on what the next iteration or a later node reads, where there is such a thing.
fn last_step(
    node: &Node<'_>,
    read_later: &[String],
    (frame, carried): (&Frame, &[Carried]),
    counter: Option<(String, String)>,
    scope: &mut Scope,
) -> Option<Json> {
    let own = carried.iter().map(|it| &it.name);
    let more = read_later.iter().filter(|name| !carried.iter().any(|it| it.name == **name));
    let names = own.chain(more);
    let mut values: Vec<_> = names.filter_map(|name| Some((name.clone(), frame.get(name)?.whole()))).collect();
    if let Some((expr, counter)) = counter {
        values.retain(|(name, _)| identifier(name) != counter);
        values.push((counter, expr));
    }
    if values.is_empty() {
        return None;
    }
    let step = collect(&node.id, &values, scope);
    for (name, _) in values {
        let ours = identifier(&name);
        let shape = frame.get(&name).map_or(Shape::Plain, |it| it.shape);
        let before = carried.iter().find(|it| it.name == name);
        let before = before.map_or_else(|| "none".to_owned(), |it| it.before.whole());
        let expr = format!("({}.{ours} if {} else {})", node.id, node.id, primary(before));
        scope.bind(&name, Bound { expr, shape, maybe: false });
    }
    Some(step)
}
