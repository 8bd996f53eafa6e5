//! The engine alone: decide and apply, and apply alone, beside encoding and copying the same facts.

use std::{collections::VecDeque, hint::black_box, sync::Arc};

use drawloom_blueprint::{Blueprint, Fact, FlowHash, Outcome, RunId, Started, Timestamp, Value};
use drawloom_engine::{Effect, Input, Run};

use crate::{Row, Size, clock, compile::blueprint, report::What};

pub(crate) fn measure(size: Size, progress: &mut dyn FnMut(&str)) -> Vec<Row> {
    let mut rows = Vec::new();
    for (workload, replay, unit, text) in WORKLOADS {
        for units in size.steps(1_000) {
            progress(&format!("{workload} of {units}"));
            let blueprint = Arc::new(blueprint(&text(units)));
            let (mut live, mut again, mut limit) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
            let mut bytes = 0;
            for _ in clock::rounds() {
                let (seconds, facts) = clock::thread(|| drive(&blueprint));
                live = live.min(seconds);
                limit = limit.min(clock::thread(|| encode_and_copy(&facts)).0);
                again = again.min(clock::thread(|| apply(&blueprint, &facts)).0);
                bytes = facts.iter().map(|it| it.encode().len()).sum();
            }
            let what = What { workload, unit, units, limit_is: "encoding and copying the same facts" };
            let journal_bytes = Some(bytes as f64 / units as f64);
            rows.push(Row { journal_bytes, ..Row::time(what, live, limit) });
            rows.push(Row::time(What { workload: replay, ..what }, again, limit));
        }
    }
    rows
}

type Workload = (&'static str, &'static str, &'static str, fn(usize) -> String);

const WORKLOADS: [Workload; 4] = [
    ("engine/inline", "replay/inline", "step", |n| list(n, "set: { v: 1 }", "")),
    ("engine/chain", "replay/chain", "step", |n| list(n, "uses: work", "")),
    ("engine/flat", "replay/flat", "step", |n| list(n, "uses: work", "\n    needs: []")),
    ("engine/map", "replay/map", "item", map),
];

fn list(steps: usize, does: &str, more: &str) -> String {
    let steps = (0..steps).map(|at| format!("  - id: s{at}\n    {does}{more}\n"));
    format!("drawloom: 1\nname: bench\nsteps:\n{}", steps.collect::<String>())
}

/// A map over so many items, each a `set`.
pub(crate) fn map(items: usize) -> String {
    format!(
        "drawloom: 1\nname: bench\ninputs:\n  items: {{ type: array, default: [] }}\nsteps:\n  - id: each\n    \
         for_each: {{ in: \"{{{{ inputs.items or range({}) }}}}\" }}\n    do:\n      - id: v\n        \
         set: {{ v: \"{{{{ item }}}}\" }}\n",
        items.min(100_000)
    )
}

fn no_inline(_: &str, with: &Value) -> Result<Value, drawloom_blueprint::StepError> {
    Ok(with.clone())
}

pub(crate) fn started(inputs: Value) -> Box<Started> {
    Box::new(Started {
        run: RunId(1),
        flow: "bench".to_owned(),
        version: FlowHash([0; 32]),
        number: None,
        inputs,
        trigger: Value::Null,
        seed: 1,
        parent: None,
        labels: std::collections::BTreeMap::new(),
        concurrency_key: None,
        forked_from: None,
        depth: 0,
    })
}

/// Runs a flow to its end with tasks that end at once.
fn drive(blueprint: &Arc<Blueprint>) -> Vec<Fact> {
    let started = started(Value::object([("items", Value::from(Vec::new()))]));
    let mut inputs = VecDeque::from([Input::Start { started, admitted: true, adopt: Vec::new() }]);
    let mut facts = Vec::new();
    let mut run = Run::new(Arc::clone(blueprint), no_inline);
    while let Some(input) = inputs.pop_front() {
        let decision = run.handle(input, Timestamp(1));
        facts.extend(decision.fact);
        for effect in decision.effects {
            match effect {
                Effect::Dispatch(it) => {
                    let outcome = Outcome::Success(Value::Null);
                    inputs.push_back(Input::Result { attempt: it.attempt, outcome });
                }
                Effect::Continue => inputs.push_back(Input::Continue),
                _ => {}
            }
        }
    }
    debug_assert!(run.end().is_some(), "invariant: the workloads end");
    facts
}

/// Rebuilds the run from its facts.
fn apply(blueprint: &Arc<Blueprint>, facts: &[Fact]) {
    let mut run = Run::new(Arc::clone(blueprint), no_inline);
    for fact in facts {
        if run.apply(Timestamp(1), fact).is_err() {
            break;
        }
    }
    black_box(&run);
}

/// The limit: no engine can say what happened without at least writing it down.
fn encode_and_copy(facts: &[Fact]) {
    let mut copies = Vec::with_capacity(facts.len());
    for fact in facts {
        black_box(fact.encode());
        copies.push(fact.clone());
    }
    black_box(&copies);
}
