//! Task steps, lowered: what a step does not say is taken from the flow's `defaults`, field by field.

use std::time::Duration;

use drawloom_blueprint::{Cache, Op, Retry, StepIx, Task};

use super::scopes::Emitter;
use crate::{Placement, model};

impl<'a> Emitter<'a> {
    /// A task, or an inline op where the kind does no I/O. What an inline kind would be given for its attempts
    /// (`retry`, `timeout`, `cache`, …) means nothing to it; but one that can be undone is a task all the same, as
    /// only what was handed out has something to undo.
    pub(super) fn task(&mut self, own: StepIx, it: &'a model::Task, timeout: Option<Duration>) -> Op {
        self.exprs.secrets();
        let with = self.exprs.parameters(it.with.as_ref());
        let secrets = self.exprs.secrets();
        let kind = it.uses.value.clone();
        if self.is_inline(it) && it.compensate.is_none() {
            return Op::Inline { kind, with };
        }
        let defaults = &self.flow.defaults;
        Op::Task(Task {
            kind,
            with,
            retry: retry(it.retry.as_ref(), defaults.retry.as_ref()),
            timeout: timeout.or(defaults.timeout.map(|it| it.value)),
            cache: it.cache.as_ref().or(defaults.cache.as_ref()).map(|it| self.cache(it)),
            queue: it.queue.as_ref().or(defaults.queue.as_ref()).map(|it| it.value.clone()),
            priority: it.priority.or(defaults.priority).map_or(0, |it| it.value),
            secrets,
            compensate: it.compensate.as_ref().map(|it| self.scope(Some(own), "compensate", it)),
        })
    }

    fn is_inline(&self, it: &model::Task) -> bool {
        let Some(info) = self.options.kinds.get(&it.uses.value) else { return false };
        let placement = match info.place {
            None => info.placement,
            Some(place) => {
                let empty = || serde_json::Value::Object(serde_json::Map::new());
                place(&it.with.as_ref().map_or_else(empty, |it| (&it.to_value()).into()))
            }
        };
        placement == Placement::Inline
    }

    fn cache(&mut self, it: &model::Cache) -> Cache {
        Cache { ttl: it.ttl.value, key: it.key.as_ref().map(|it| self.exprs.node(it)) }
    }
}

fn retry(own: Option<&model::Retry>, default: Option<&model::Retry>) -> Retry {
    match (own, default) {
        (None, None) => Retry::default(),
        (Some(it), None) | (None, Some(it)) => it.policy(),
        (Some(own), Some(default)) => model::Retry {
            span: own.span,
            attempts: own.attempts.or(default.attempts),
            delay: own.delay.or(default.delay),
            backoff: own.backoff.or(default.backoff),
            max_delay: own.max_delay.or(default.max_delay),
            jitter: own.jitter.or(default.jitter),
            on: own.on.clone().or_else(|| default.on.clone()),
        }
        .policy(),
    }
}
