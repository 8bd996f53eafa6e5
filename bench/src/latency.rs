//! One short run at rest: how long a person or caller waits for it, beside the flushes that it cannot do without.

use std::{fs::File, io::Write, path::Path, time::Instant};

use drawloom_runtime::Error;
use drawloom_store::StoreError;

use crate::{
    Row, Size, Tools,
    loom::{alone, block_on},
    report::What,
};

/// Commits of a run of three tasks: its start with the first dispatch, two results with the next, the last result.
const COMMITS: usize = 4;

/// What SQLite writes for a small commit: a page of facts and one of the index, with their headers.
const COMMIT_BYTES: usize = 2 * (4096 + 24);

pub(crate) fn measure(tools: &Tools, size: Size, progress: &mut dyn FnMut(&str)) -> Result<Vec<Row>, Error> {
    let wrong = |it: std::io::Error| Error::Store(StoreError::Unavailable(it.to_string()));
    let folder = tempfile::tempdir().map_err(wrong)?;
    let units = if size == Size::Full { 1_000 } else { 200 };
    progress(&format!("latency of {units} runs"));
    let times = block_on(alone(tools, (tools.sqlite)(&folder.path().join("store.db"))?, units))?;
    let flushes = flush(&folder.path().join("raw"), units * COMMITS).map_err(wrong)?;
    Ok([("latency/p50", 50), ("latency/p99", 99)]
        .map(|(workload, percent)| {
            let at = |sorted: &[f64]| sorted[(sorted.len() - 1) * percent / 100];
            let limit_is = "fdatasync after a write, for each of its four commits";
            let what = What { workload, unit: "run", units: 1, limit_is };
            Row { units, ..Row::time(what, at(&times), at(&flushes) * COMMITS as f64) }
        })
        .into())
}

/// The seconds of so many writes at the end of a file, each flushed; sorted.
fn flush(path: &Path, count: usize) -> std::io::Result<Vec<f64>> {
    let mut file = File::create(path)?;
    let page = vec![7_u8; COMMIT_BYTES];
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begin = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        times.push(begin.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}
