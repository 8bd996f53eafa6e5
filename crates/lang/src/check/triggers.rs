//! What starts runs: expressions of cron, time zones, addresses, and the inputs that are given.

use std::collections::BTreeMap;

use super::{
    inputs::Inputs,
    suggest::{Suggest, shortened, some_of},
};
use crate::{
    Code, Diagnostic, Severity, Span, Spanned,
    cron::{Cron, CronError, find_zone, zone_names},
    model::{Flow, Trigger, TriggerOn, Webhook},
    template::has_expressions,
};

/// The methods that a webhook may have.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

pub(super) fn check(flow: &Flow, inputs: &Inputs, suggest: &mut Suggest, problems: &mut Vec<Diagnostic>) {
    let mut addresses: BTreeMap<(String, String), Span> = BTreeMap::new();
    for it in &flow.triggers {
        let zone_is_known = it.timezone.as_ref().is_none_or(|zone| check_zone(zone, suggest, problems));
        match &it.on {
            TriggerOn::Cron(text) => {
                let zone = it.timezone.as_ref().filter(|_| zone_is_known).map_or("UTC", |it| &it.value);
                cron(text, zone, problems);
            }
            TriggerOn::Interval(every) if every.value.is_zero() => {
                let message = "an interval must be longer than nothing";
                problems.push(Diagnostic::new(Code::LimitOutOfRange, every.span, message));
            }
            TriggerOn::Webhook(hook) => {
                webhook(hook, problems);
                let method = hook.method.as_ref().map_or("POST", |it| &it.value).to_ascii_uppercase();
                let path = hook.path.value.trim_matches('/').to_owned();
                if let Some(first) = addresses.insert((method, path), hook.path.span) {
                    let message = format!("two webhooks have the path `{}`", shortened(&hook.path.value));
                    let problem = Diagnostic::new(Code::BadWebhook, hook.path.span, message);
                    problems.push(problem.label(first, "the other one"));
                }
            }
            _ => {}
        }
        without_effect(it, problems);
        given(it, inputs, suggest, problems);
    }
}

fn cron(text: &Spanned<String>, zone: &str, problems: &mut Vec<Diagnostic>) {
    let Err(error) = Cron::parse(&text.value, zone) else { return };
    let problem = |message: String| Diagnostic::new(Code::BadCron, text.span, message);
    let shown = shortened(&text.value);
    problems.push(match error {
        CronError::Syntax(why) => problem(format!("`{shown}` is not a cron expression: {why}"))
            .help("for example `0 2 * * MON-FRI`: minute, hour, day of month, month, day of week"),
        CronError::Never | CronError::Zone(_) => {
            problem(format!("`{shown}` never fires: there is no such date")).help("mind the lengths of months")
        }
    });
}

fn check_zone(zone: &Spanned<String>, suggest: &mut Suggest, problems: &mut Vec<Diagnostic>) -> bool {
    if find_zone(&zone.value).is_some() {
        return true;
    }
    let names = zone_names();
    let help = suggest.like(&zone.value, names.iter().map(String::as_str));
    let message = format!("unknown time zone `{}`", shortened(&zone.value));
    let help = help.unwrap_or_else(|| "give an IANA name such as `Europe/Berlin` or `UTC`".to_owned());
    problems.push(Diagnostic::new(Code::BadTimeZone, zone.span, message).help(help));
    false
}

fn webhook(it: &Webhook, problems: &mut Vec<Diagnostic>) {
    let path = it.path.value.strip_prefix('/').unwrap_or(&it.path.value);
    let fine = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.' | '~');
    let is_path = path.split('/').all(|part| !part.is_empty() && part.chars().all(fine) && !part.starts_with('.'));
    if !is_path || path.len() > crate::limits::NAME {
        let message = format!("`{}` is not a path for a webhook", shortened(&it.path.value));
        let help = "letters, digits, `-`, `_`, `.` and `~`, in parts between `/`";
        problems.push(Diagnostic::new(Code::BadWebhook, it.path.span, message).help(help));
    }
    if let Some(method) = &it.method
        && !METHODS.contains(&method.value.to_ascii_uppercase().as_str())
    {
        let message = format!("`{}` is not a method for a webhook", shortened(&method.value));
        let help = format!("the methods are {}", some_of(METHODS));
        problems.push(Diagnostic::new(Code::BadWebhook, method.span, message).help(help));
    }
    if let Some(secret) = &it.secret
        && secret.as_str().is_some_and(|it| !has_expressions(it))
    {
        let message = "a secret stands in the document for everyone to read";
        let help = "keep it in the vault and write `{{ secrets.NAME }}`";
        problems.push(Diagnostic::new(Code::DiscouragedStyle, secret.span, message).help(help));
    }
}

fn without_effect(it: &Trigger, problems: &mut Vec<Diagnostic>) {
    let is_cron = matches!(it.on, TriggerOn::Cron(_));
    let is_timed = is_cron || matches!(it.on, TriggerOn::Interval(_));
    let name = it.on.name();
    let mut report = |key: &str, span: Span| {
        let message = format!("`{key}` has no effect on the trigger `{name}`");
        problems.push(Diagnostic::new(Code::NoEffect, span, message).help("leave it out"));
    };
    if let Some(zone) = it.timezone.as_ref().filter(|_| !is_cron) {
        report("timezone", zone.span);
    }
    if let Some(window) = it.catchup.as_ref().filter(|_| !is_timed) {
        report("catchup", window.span);
    }
}

/// The inputs that a trigger gives. Nobody adds those that are missing where a clock fires.
fn given(it: &Trigger, inputs: &Inputs, suggest: &mut Suggest, problems: &mut Vec<Diagnostic>) {
    if let Some(with) = &it.with {
        inputs.check_given(with, Code::BadTriggerInput, suggest, problems);
    }
    let at = match &it.on {
        TriggerOn::Cron(text) => text.span,
        TriggerOn::Interval(every) => every.span,
        _ => return,
    };
    let missing = inputs.missing(it.with.as_ref());
    if !missing.is_empty() {
        let message = format!("the runs of this trigger lack {}", some_of(missing));
        let problem = Diagnostic::new(Code::BadTriggerInput, at, message);
        let help = "give it in the trigger's `with`, or give the input a default";
        problems.push(Diagnostic { severity: Severity::Warning, ..problem.help(help) });
    }
}
