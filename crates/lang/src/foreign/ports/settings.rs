//! Run-wide settings and triggers.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{
    super::{
        build::{Members, Obj, count, duration, put, truth, word},
        report::Report,
    },
    typed::plain,
};
use crate::Code;

/// The flow's limits, and whether a failure of any step lets the others go on.
pub(super) fn limits(settings: &Obj, report: &mut Report) -> (Obj, bool) {
    let mut members = Members::new(settings);
    let mut limits = Obj::new();
    let parallel = members.take(&["max_parallel_nodes"]).map(plain);
    put(&mut limits, "parallel_steps", parallel.as_ref().and_then(count));
    let timeout = members.take(&["max_execution_time_ms"]).map(plain);
    put(&mut limits, "timeout", timeout.as_ref().and_then(|it| duration(it, Duration::from_millis(1))));
    let mut goes_on = false;
    if let Some(on_error) = members.take(&["on_error"]) {
        match on_error.as_str().map(word).as_deref() {
            Some("stopworkflow" | "stop" | "fail") => drop(limits.insert("on_failure".into(), json!("stop"))),
            Some("continueonerror" | "continue") => {
                goes_on = true;
                report.info("settings.on_error", "each step has `on_failure: continue`");
            }
            _ => report.lost("settings.on_error", format!("{on_error} has no counterpart: fork a failed run instead")),
        }
    }
    for (key, _) in members.rest() {
        report.lost(&format!("settings.{key}"), "this setting has no counterpart");
    }
    (limits, goes_on)
}

/// The flow's triggers.
pub(super) fn triggers(triggers: &Json, report: &mut Report) -> Vec<Json> {
    let mut out = Vec::new();
    let Some(items) = triggers.as_array() else {
        report.fault(Code::ForeignType, "triggers", "this is no list");
        return out;
    };
    for (at, trigger) in items.iter().enumerate() {
        let place = format!("triggers[{at}]");
        if trigger.get("enabled").and_then(truth) == Some(false) {
            report.info(&place, "it was switched off and is left out");
            continue;
        }
        let kind = trigger.get("trigger_type").unwrap_or(trigger);
        match trigger_of(kind) {
            Some(Ok(it)) => out.push(it),
            Some(Err(why)) => report.lost(&place, why),
            None => {}
        }
    }
    out
}

/// One trigger; nothing for one that only a person pulls.
fn trigger_of(kind: &Json) -> Option<Result<Json, String>> {
    let tagged = kind.get("type").and_then(Json::as_str).or(kind.as_str());
    let (name, inner) = match (tagged, kind.as_object()) {
        (Some(name), _) => (name, kind),
        (None, Some(it)) if it.len() == 1 => it.iter().next().map(|(name, inner)| (name.as_str(), inner))?,
        _ => return Some(Err("it does not say what it is".to_owned())),
    };
    let text = |key: &str| inner.get(key).and_then(Json::as_str);
    match word(name).as_str() {
        "manual" => None,
        "cron" | "schedule" => Some(match text("expression").or(text("cron")) {
            Some(it) if it.split_whitespace().count() == 5 => Ok(json!({ "cron": it })),
            Some(it) => Err(format!("`{it}` is no cron expression of five fields")),
            None => Err("its cron expression is missing".to_owned()),
        }),
        "webhook" => Some(match text("path").map(|it| it.trim_matches('/')).filter(|it| !it.is_empty()) {
            Some(path) => Ok(json!({ "webhook": { "path": path } })),
            None => Err("its path is missing".to_owned()),
        }),
        _ => Some(Err(format!("a trigger of type `{name}` has no counterpart"))),
    }
}
