//! Dispatch and result of tasks that do nothing, with a store in memory, beside as many empty tasks of tokio.

use std::{sync::Arc, time::Instant};

use drawloom_runtime::Error;
use drawloom_store::MemoryStore;
use tokio::task::JoinSet;

use crate::{
    Row, Size, Tools,
    clock::rounds,
    loom::{self, Done, Workload, block_on},
    report::What,
};

pub(crate) fn measure(tools: &Tools, size: Size, progress: &mut dyn FnMut(&str)) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for units in size.steps(1_000) {
        for (name, workload) in [("memory/fan", Workload::Fan), ("memory/runs", Workload::Runs)] {
            progress(&format!("{name} of {units}"));
            let units = workload.fitting(units);
            let (mut best, mut limit): (Option<Done>, _) = (None, f64::INFINITY);
            for _ in rounds() {
                let done = block_on(loom::drive(tools, Arc::new(MemoryStore::new()), workload, units))?;
                best = Some(done.better(best));
                limit = limit.min(spawn_and_join(units));
            }
            let what = What { workload: name, unit: "step", units, limit_is: "tokio: spawn and join of empty tasks" };
            rows.extend(best.map(|it| it.row(what, limit)));
        }
    }
    Ok(rows)
}

/// The seconds that tokio takes for as many tasks that do nothing.
fn spawn_and_join(units: usize) -> f64 {
    block_on(async {
        let begin = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..units {
            tasks.spawn(async {});
        }
        while tasks.join_next().await.is_some() {}
        begin.elapsed().as_secs_f64()
    })
}
