//! Reading loosely typed members and writing the flow's own: what both dialects need.

use std::{collections::BTreeSet, time::Duration};

use drawloom_blueprint::{format_duration, parse_duration};
use serde_json::{Value as Json, json};

/// A JSON object.
pub(super) type Obj = serde_json::Map<String, Json>;

/// The members of an object, read under any of several names, with those left over at the end.
pub(super) struct Members<'a> {
    object: &'a Obj,
    taken: BTreeSet<&'a str>,
}

impl<'a> Members<'a> {
    pub(super) fn new(object: &'a Obj) -> Self {
        Self { object, taken: BTreeSet::new() }
    }

    /// The first member under one of `names` that is not null; all of them count as read.
    pub(super) fn take(&mut self, names: &[&str]) -> Option<&'a Json> {
        self.take_named(names).map(|(_, value)| value)
    }

    /// The same with the name under which it stood.
    pub(super) fn take_named(&mut self, names: &[&str]) -> Option<(&'a str, &'a Json)> {
        let mut found = None;
        for name in names {
            if let Some((name, value)) = self.object.get_key_value(*name) {
                self.taken.insert(name);
                if found.is_none() && !value.is_null() {
                    found = Some((name.as_str(), value));
                }
            }
        }
        found
    }

    /// The same as text, where it is text or a number.
    pub(super) fn take_text(&mut self, names: &[&str]) -> Option<String> {
        self.take(names).and_then(scalar_text)
    }

    /// The members that nobody read.
    pub(super) fn rest(&self) -> impl Iterator<Item = (&'a str, &'a Json)> {
        self.object.iter().filter(|(name, _)| !self.taken.contains(name.as_str())).map(|(name, it)| (name.as_str(), it))
    }
}

/// A word without case and separators: `For_Each` and `forEach` are both `foreach`.
pub(super) fn word(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Text, or a number or truth value as text.
pub(super) fn scalar_text(value: &Json) -> Option<String> {
    match value {
        Json::String(it) => Some(it.clone()),
        Json::Number(it) => Some(it.to_string()),
        Json::Bool(it) => Some(it.to_string()),
        _ => None,
    }
}

/// A whole number that is at least 1, also where it is written as text or with a fraction of zero.
pub(super) fn count(value: &Json) -> Option<u64> {
    let number = value.as_u64().or_else(|| {
        let it = number(value)?;
        (it >= 1.0 && it <= f64::from(u32::MAX) && it.fract() == 0.0).then_some(it as u64)
    });
    number.filter(|it| *it >= 1)
}

/// A number, also where it is written as text.
pub(super) fn number(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|it| it.is_finite())
}

/// A truth value, also where it is written as text.
pub(super) fn truth(value: &Json) -> Option<bool> {
    value.as_bool().or_else(|| match value.as_str()?.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" => Some(true),
        "false" | "no" => Some(false),
        _ => None,
    })
}

/// A duration of the flow language for a number of `unit` or a text such as `5s`, `10 min` or `250ms`.
pub(super) fn duration(value: &Json, unit: Duration) -> Option<String> {
    if let Some(count) = number(value) {
        let seconds = count * unit.as_secs_f64();
        let duration = Duration::try_from_secs_f64(seconds).ok()?;
        return parse_duration(&format_duration(duration)).ok().map(format_duration);
    }
    let text: String = value.as_str()?.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    let text = [
        ("milliseconds", "ms"),
        ("millisecond", "ms"),
        ("seconds", "s"),
        ("second", "s"),
        ("secs", "s"),
        ("sec", "s"),
        ("minutes", "m"),
        ("minute", "m"),
        ("mins", "m"),
        ("min", "m"),
        ("hours", "h"),
        ("hour", "h"),
        ("days", "d"),
        ("day", "d"),
    ]
    .iter()
    .fold(text, |text, (long, short)| text.replace(long, short));
    parse_duration(&text).ok().map(format_duration)
}

/// The duration under one of several names, whose ending tells the unit; seconds where none does.
pub(super) fn take_duration(members: &mut Members<'_>, names: &[&str]) -> Option<(String, String)> {
    let (name, value) = members.take_named(names)?;
    let unit = if name.ends_with("_ms") || name.ends_with("Ms") || name.contains("milli") || name == "ms" {
        Duration::from_millis(1)
    } else if name.contains("minute") {
        Duration::from_secs(60)
    } else {
        Duration::from_secs(1)
    };
    Some((name.to_owned(), duration(value, unit)?))
}

/// The `retry` of a step for a retry policy in any usual spelling; what cannot be read is named.
pub(super) fn retry(value: &Json) -> (Option<Json>, Vec<String>) {
    if let Some(attempts) = count(value) {
        return (Some(json!({ "attempts": attempts.saturating_add(1) })), Vec::new());
    }
    let Some(policy) = value.as_object() else { return (None, vec!["it is no object".to_owned()]) };
    let mut members = Members::new(policy);
    let mut out = Obj::new();
    let attempts = members.take(&["max_attempts", "attempts", "maxAttempts", "tries"]).and_then(count);
    let again = members.take(&["max_retries", "retries", "maxRetries", "count", "times"]).and_then(count);
    out.insert("attempts".into(), attempts.or(again.map(|it| it.saturating_add(1))).unwrap_or(3).into());
    let delays = ["delay_ms", "delay", "interval_ms", "interval", "initial_delay_ms", "initial_delay", "delay_seconds"];
    if let Some((_, it)) = take_duration(&mut members, &delays) {
        out.insert("delay".into(), it.into());
    }
    let backoff = members.take(&["backoff_multiplier", "multiplier", "backoff", "backoff_factor"]);
    match backoff.map(|it| (number(it), it.as_str())) {
        Some((Some(it), _)) => drop(out.insert("backoff".into(), json!(it.max(1.0)))),
        Some((None, Some("fixed" | "constant" | "none"))) => drop(out.insert("backoff".into(), json!(1.0))),
        Some((None, Some("exponential"))) => drop(out.insert("backoff".into(), json!(2.0))),
        _ => {}
    }
    if let Some((_, it)) = take_duration(&mut members, &["max_delay_ms", "max_delay", "max_interval"]) {
        out.insert("max_delay".into(), it.into());
    }
    let jitter = members.take(&["jitter"]).map(|it| number(it).unwrap_or(if it == &json!(true) { 0.1 } else { 0.0 }));
    out.insert("jitter".into(), json!(jitter.unwrap_or(0.0).clamp(0.0, 1.0)));
    if members.take(&["retry_on_timeout"]).and_then(truth) == Some(false) {
        out.insert("on".into(), json!(["failed", "unavailable", "lost"]));
    }
    (Some(Json::Object(out)), members.rest().map(|(name, _)| format!("`{name}` is unknown")).collect())
}

/// Whether a step is done inside the engine, so that nothing is tried again and nothing takes time; and groups are not
/// done at all.
pub(super) fn is_on_the_spot(body: &Obj) -> bool {
    match body.get("uses").and_then(Json::as_str) {
        Some(kind) => matches!(kind, "log" | "transform"),
        None => ["set", "fail", "stop", "group"].iter().any(|it| body.contains_key(*it)),
    }
}

/// Puts `value` under `name`, unless there is nothing to put.
pub(super) fn put(out: &mut Obj, name: &str, value: Option<impl Into<Json>>) {
    if let Some(value) = value {
        out.insert(name.to_owned(), value.into());
    }
}

/// The JSON Schema of an input for a type name in any usual spelling; `{}` (anything) where it is unknown.
pub(super) fn input_type(name: &str) -> Option<&'static str> {
    match word(name).as_str() {
        "string" | "str" | "text" => Some("string"),
        "integer" | "int" => Some("integer"),
        "number" | "float" | "double" => Some("number"),
        "boolean" | "bool" => Some("boolean"),
        "array" | "list" => Some("array"),
        "object" | "map" | "json" | "dict" => Some("object"),
        _ => None,
    }
}
