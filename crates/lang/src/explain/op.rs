//! The particulars of an operation as names and values: the one description that both forms share.

use drawloom_blueprint::{Branches, ForEach, JoinPolicy, Loop, Op, Retry, ScopeIx, Task, Wait, format_duration};
use serde_json::{Value as Json, json};

/// One particular of an operation.
pub(super) enum Detail {
    /// An expression.
    Expr(drawloom_blueprint::ExprIx),
    /// A scope that it owns.
    Scope(ScopeIx),
    /// Scopes with what leads to each: nothing, a name, or a condition.
    Arms(Vec<(Option<drawloom_blueprint::ExprIx>, ScopeIx)>),
    /// Anything else.
    Plain(Json),
}

/// What there is to say about an operation beside its name, in a fixed order.
pub(super) fn details(op: &Op) -> Vec<(&'static str, Detail)> {
    use Detail::{Arms, Expr, Plain, Scope};
    match op {
        Op::Task(it) => task(it),
        Op::Inline { with, .. } => vec![("with", Expr(*with))],
        Op::Set(it) => vec![("values", Expr(*it))],
        Op::Fail(it) | Op::Stop(it) => vec![("message", Expr(*it))],
        Op::Parallel(it) => parallel(it),
        Op::Switch(arms) => vec![("arms", Arms(arms.iter().map(|it| (it.when, it.scope)).collect()))],
        Op::ForEach(it) => for_each(it),
        Op::Loop(it) => repeat(it),
        Op::Flow(it) => {
            let mut all = vec![("flow", Plain(json!(it.name)))];
            all.extend(it.version.map(|it| ("version", Plain(json!(it)))));
            all.extend(it.hash.map(|it| ("hash", Plain(json!(it.to_string())))));
            all.push(("with", Expr(it.with)));
            all.extend(it.detach.then_some(("detach", Plain(json!(true)))));
            all
        }
        Op::Wait(it) => vec![match it {
            Wait::For(it) => ("for", Expr(*it)),
            Wait::Until(it) => ("until", Expr(*it)),
            Wait::Signal(it) => ("signal", Expr(*it)),
            Wait::Webhook(it) => ("webhook", Expr(*it)),
            Wait::Approval(it) => ("approval", Expr(*it)),
        }],
        Op::Try(it) => {
            let rescue = it.catch.map(|it| ("catch", Scope(it)));
            std::iter::once(("try", Scope(it.body)))
                .chain(rescue)
                .chain(it.finally.map(|it| ("finally", Scope(it))))
                .collect()
        }
    }
}

fn task(it: &Task) -> Vec<(&'static str, Detail)> {
    use Detail::{Expr, Plain, Scope};
    let mut all = vec![("with", Expr(it.with))];
    if it.retry != Retry::default() {
        all.push(("retry", Plain(retry(&it.retry))));
    }
    all.extend(it.timeout.map(|it| ("timeout", Plain(json!(format_duration(it))))));
    if let Some(cache) = &it.cache {
        all.push(("cache_ttl", Plain(json!(format_duration(cache.ttl)))));
        all.extend(cache.key.map(|it| ("cache_key", Expr(it))));
    }
    all.extend(it.queue.as_ref().map(|it| ("queue", Plain(json!(it)))));
    if it.priority != 0 {
        all.push(("priority", Plain(json!(it.priority))));
    }
    if !it.secrets.is_empty() {
        all.push(("secrets", Plain(json!(it.secrets))));
    }
    all.extend(it.compensate.map(|it| ("compensate", Scope(it))));
    all
}

fn retry(it: &Retry) -> Json {
    let on: Vec<&str> = it.on.iter().map(|it| it.name()).collect();
    json!({
        "attempts": it.attempts,
        "delay": format_duration(it.delay),
        "backoff": it.backoff,
        "max_delay": format_duration(it.max_delay),
        "jitter": it.jitter,
        "on": on,
    })
}

fn parallel(it: &Branches) -> Vec<(&'static str, Detail)> {
    let join = match it.join {
        JoinPolicy::All => json!("all"),
        JoinPolicy::Any => json!("any"),
        JoinPolicy::Count(it) => json!(it),
    };
    let branches = it.branches.iter().map(|(_, scope)| (None, *scope)).collect();
    vec![("join", Detail::Plain(join)), ("named", Detail::Plain(json!(it.named))), ("branches", Detail::Arms(branches))]
}

fn for_each(it: &ForEach) -> Vec<(&'static str, Detail)> {
    use Detail::{Expr, Plain, Scope};
    let mut all = vec![("in", Expr(it.items)), ("as", Plain(json!(it.item)))];
    all.extend(it.index.as_ref().map(|it| ("index", Plain(json!(it)))));
    all.extend(it.concurrency.map(|it| ("concurrency", Expr(it))));
    all.extend(it.batch.map(|it| ("batch", Expr(it))));
    all.extend(it.continue_on_failure.then_some(("on_failure", Plain(json!("continue")))));
    all.push(("do", Scope(it.body)));
    all
}

fn repeat(it: &Loop) -> Vec<(&'static str, Detail)> {
    use Detail::{Expr, Plain, Scope};
    let mut all: Vec<(&'static str, Detail)> = Vec::new();
    all.extend(it.while_.map(|it| ("while", Expr(it))));
    all.extend(it.until.map(|it| ("until", Expr(it))));
    all.push(("max", Expr(it.max)));
    all.extend(it.every.map(|it| ("every", Plain(json!(format_duration(it))))));
    all.push(("do", Scope(it.body)));
    all
}
