//! A pipeline of processes, beside spawning the same processes and nothing else.

use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use drawloom_runtime::Error;
use drawloom_store::{MemoryStore, StoreError};

use crate::{
    Row, Size, Tools,
    clock::rounds,
    loom::{block_on, one},
    report::What,
};

/// A program that every machine has, and that does nothing.
const PROGRAM: &str = "/bin/true";

pub(crate) fn measure(tools: &Tools, size: Size, progress: &mut dyn FnMut(&str)) -> Result<Vec<Row>, Error> {
    let units = if size == Size::Full { 600 } else { 150 };
    progress(&format!("shell/chain of {units}"));
    let step = |at| format!("  - id: s{at}\n    uses: shell\n    with: {{ argv: [{PROGRAM}] }}\n");
    let steps: String = (0..units).map(step).collect();
    let (mut cost, mut cpu, mut limit) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for _ in rounds() {
        let done = block_on(one(tools, Arc::new(MemoryStore::new()), &steps))?;
        cost = cost.min(done.spent.wall);
        cpu = cpu.min(done.spent.cpu);
        limit = limit.min(spawn(units).map_err(|it| StoreError::Unavailable(format!("{PROGRAM}: {it}")))?);
    }
    let limit_is = "spawning the same process with its output read";
    let what = What { workload: "shell/chain", unit: "step", units, limit_is };
    Ok(vec![Row { cpu: Some(cpu * 1e9 / units as f64), ..Row::time(what, cost, limit) }])
}

/// The seconds for as many processes, one after the other, output read as a step's is.
fn spawn(units: usize) -> std::io::Result<f64> {
    let begin = Instant::now();
    for _ in 0..units {
        Command::new(PROGRAM).stdin(Stdio::null()).output()?;
    }
    Ok(begin.elapsed().as_secs_f64())
}
