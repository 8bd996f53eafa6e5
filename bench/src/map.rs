//! Memory: a map over many items, beside the outputs that it must hold in any case.

use std::sync::Arc;

use drawloom_blueprint::{RunId, Timestamp, Value};
use drawloom_engine::{Effect, Input, Run};

use crate::{Row, Size, compile::blueprint, engine, report::What};

pub(crate) fn measure(size: Size, progress: &mut dyn FnMut(&str)) -> Vec<Row> {
    // One size only: a second one would be served from what the first has freed, and show nothing.
    let items = if size == Size::Full { 1_000_000 } else { 100_000 };
    measure_one(items, progress).into_iter().collect()
}

/// The peak of memory while a map runs, over what there was before it; the limit is what its outputs and items
/// take by themselves. None where the system does not tell.
fn measure_one(items: usize, progress: &mut dyn FnMut(&str)) -> Option<Row> {
    progress(&format!("map of {items}"));
    let blueprint = Arc::new(blueprint(&engine::map(items)));
    let numbers = || (0..items as u64).map(Value::from).collect::<Value>();
    let before = peak_from_now()?;
    let outputs: Vec<Value> = (0..items as u64).map(|it| Value::object([("v", Value::from(it))])).collect();
    let limit = peak()?.saturating_sub(before);
    let inputs = Value::object([("items", numbers())]);
    let before = peak_from_now()?;
    let mut run = Run::new(blueprint, |_, with| Ok(with.clone()));
    let mut input = Some(Input::Start { started: engine::started(inputs), admitted: true, adopt: Vec::new() });
    while let Some(it) = input.take() {
        let decision = run.handle(it, Timestamp(1));
        input = decision.effects.contains(&Effect::Continue).then_some(Input::Continue);
    }
    let cost = peak()?.saturating_sub(before);
    debug_assert!(run.end().is_some() && run.id() == RunId(1), "invariant: the workload ends");
    // Held until here, so that the run could not be given their memory.
    drop(outputs);
    let what = What { workload: "map/memory", unit: "item", units: items, limit_is: "the outputs alone" };
    Some(Row::bytes(what, cost, limit))
}

/// Forgets the peak so far and gives the memory in use, in bytes.
pub(crate) fn peak_from_now() -> Option<usize> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    peak()
}

/// The most memory that was in use since, in bytes.
pub(crate) fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|it| it.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok().map(|kib| kib * 1024)
}
