//! Policies of task steps: `retry`, `cache`, `defaults`.

use drawloom_blueprint::ErrorClass;

use super::{
    fields::Fields,
    flow::is_written,
    reader::{Field, Reader},
};
use crate::{
    Data, Spanned,
    model::{Cache, Defaults, Retry},
};

/// The most tries in all.
const ATTEMPTS: i64 = 1_000;

pub(super) fn defaults(reader: &mut Reader, field: Field) -> Option<Defaults> {
    if !is_written(&field) {
        return None;
    }
    let mut fields = Fields::of(reader, field, "`defaults`")?;
    let defaults = Defaults {
        timeout: fields.take("timeout").and_then(|it| reader.duration(&it)),
        retry: fields.take("retry").and_then(|it| retry(reader, it)),
        cache: fields.take("cache").and_then(|it| cache(reader, it)),
        queue: fields.take("queue").and_then(|it| reader.constant(it)),
        priority: fields.take("priority").and_then(|it| priority(reader, &it)),
    };
    fields.finish(reader);
    Some(defaults)
}

pub(super) fn priority(reader: &mut Reader, field: &Field) -> Option<Spanned<i32>> {
    let it = reader.whole(field, -1_000..=1_000)?;
    i32::try_from(it.value).ok().map(|value| Spanned::new(value, it.span))
}

/// `retry: { attempts: 3, … }`, or the number of attempts alone.
pub(super) fn retry(reader: &mut Reader, field: Field) -> Option<Retry> {
    let span = field.node.span;
    let plain = Retry { span, attempts: None, delay: None, backoff: None, max_delay: None, jitter: None, on: None };
    if matches!(field.node.data, Data::Int(_) | Data::UInt(_)) {
        return Some(Retry { attempts: attempts(reader, &field), ..plain });
    }
    if !matches!(field.node.data, Data::Object(_)) {
        reader.wrong(&field, "a number of attempts, or an object");
        return None;
    }
    let mut fields = Fields::of(reader, field, "`retry`")?;
    let retry = Retry {
        attempts: fields.take("attempts").and_then(|it| attempts(reader, &it)),
        delay: fields.take("delay").and_then(|it| reader.duration(&it)),
        backoff: fields.take("backoff").and_then(|it| reader.number(&it, 1.0..=100.0)),
        max_delay: fields.take("max_delay").and_then(|it| reader.duration(&it)),
        jitter: fields.take("jitter").and_then(|it| reader.number(&it, 0.0..=1.0)),
        on: fields.take("on").and_then(|it| classes(reader, it)),
        ..plain
    };
    fields.finish(reader);
    Some(retry)
}

fn attempts(reader: &mut Reader, field: &Field) -> Option<Spanned<u32>> {
    let it = reader.whole(field, 1..=ATTEMPTS)?;
    u32::try_from(it.value).ok().map(|value| Spanned::new(value, it.span))
}

/// Error classes: a list of them, or one alone.
fn classes(reader: &mut Reader, field: Field) -> Option<Vec<Spanned<ErrorClass>>> {
    let choices = ErrorClass::ALL.map(|it| (it.name(), it));
    let (key, at) = (field.key, field.at);
    let items = match field.node.data {
        Data::List(it) => it,
        Data::Text(_) => vec![field.node],
        _ => {
            reader.wrong(&field, "a list of error classes");
            return None;
        }
    };
    Some(items.into_iter().filter_map(|node| reader.choice(&Field { key, at, node }, &choices)).collect())
}

/// `cache: { ttl: 1h, key: … }`, or the duration alone.
pub(super) fn cache(reader: &mut Reader, field: Field) -> Option<Cache> {
    let span = field.node.span;
    if matches!(field.node.data, Data::Text(_)) {
        return reader.duration(&field).map(|ttl| Cache { span, ttl, key: None });
    }
    let mut fields = Fields::of(reader, field, "`cache`")?;
    let ttl = fields.need(reader, "ttl").and_then(|it| reader.duration(&it));
    let key = fields.take("key").map(|it| it.node);
    fields.finish(reader);
    Some(Cache { span, ttl: ttl?, key })
}
