//! The engine alone: decide and apply, and apply alone, beside encoding and copying the same facts.

use std::{collections::VecDeque, hint::black_box, sync::Arc, time::Instant};

use drawloom_blueprint::{Blueprint, Fact, FlowHash, Outcome, RunId, Started, Timestamp, Value};
use drawloom_engine::{Effect, Input, Run};

use crate::{Row, Size, compile::blueprint};

pub(crate) fn measure(size: Size, progress: &mut dyn FnMut(&str)) -> Vec<Row> {
    let mut rows = Vec::new();
    for (workload, replay, unit, text) in WORKLOADS {
        for units in size.steps(1_000) {
            progress(&format!("{workload} of {units}"));
            let blueprint = Arc::new(blueprint(&text(units)));
            let live = drive(&blueprint);
            let limit = encode_and_copy(&live.facts);
            let per = |seconds: f64| seconds * 1e9 / units as f64;
            let row = |workload, cost: f64| Row {
                workload,
                unit,
                units,
                measure: "ns",
                cost: per(cost),
                limit: per(limit),
                limit_is: "encoding and copying the same facts",
                ratio: limit / cost,
                journal_bytes: Some(live.bytes as f64 / units as f64),
            };
            rows.push(row(workload, live.seconds));
            rows.push(row(replay, apply(&blueprint, &live.facts)));
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

pub(crate) struct Live {
    pub(crate) seconds: f64,
    facts: Vec<Fact>,
    bytes: usize,
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
fn drive(blueprint: &Arc<Blueprint>) -> Live {
    let started = started(Value::object([("items", Value::from(Vec::new()))]));
    let mut inputs = VecDeque::from([Input::Start { started, admitted: true, adopt: Vec::new() }]);
    let mut facts = Vec::new();
    let begin = Instant::now();
    let mut run = Run::new(Arc::clone(blueprint), no_inline);
    while let Some(input) = inputs.pop_front() {
        let decision = run.handle(input, Timestamp(1));
        facts.extend(decision.facts);
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
    let seconds = begin.elapsed().as_secs_f64();
    debug_assert!(run.end().is_some(), "invariant: the workloads end");
    let bytes = facts.iter().map(|it| it.encode().len()).sum();
    Live { seconds, facts, bytes }
}

/// Rebuilds the run from its facts; seconds.
fn apply(blueprint: &Arc<Blueprint>, facts: &[Fact]) -> f64 {
    let begin = Instant::now();
    let mut run = Run::new(Arc::clone(blueprint), no_inline);
    for fact in facts {
        if run.apply(Timestamp(1), fact).is_err() {
            break;
        }
    }
    black_box(&run);
    begin.elapsed().as_secs_f64()
}

/// The limit: no engine can say what happened without at least writing it down.
fn encode_and_copy(facts: &[Fact]) -> f64 {
    let begin = Instant::now();
    let mut copies = Vec::with_capacity(facts.len());
    for fact in facts {
        black_box(fact.encode());
        copies.push(fact.clone());
    }
    black_box(&copies);
    begin.elapsed().as_secs_f64()
}
