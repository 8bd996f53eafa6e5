//! Durable runs in an SQLite file, every commit flushed, beside the same facts appended raw: as many commits,
//! each with as many rows of as many bytes, and nothing else.

use std::{path::Path, time::Instant};

use drawloom_runtime::Error;
use drawloom_store::StoreError;
use rusqlite::Connection;

use crate::{
    Row, Size, Tools,
    clock::rounds,
    loom::{self, Done, Workload, block_on},
    report::What,
};

const WORKLOADS: [(&str, Workload); 3] =
    [("sqlite/fan", Workload::Fan), ("sqlite/chain", Workload::Chain), ("sqlite/runs", Workload::Runs)];

pub(crate) fn measure(tools: &Tools, size: Size, progress: &mut dyn FnMut(&str)) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for units in size.steps(1_000) {
        for (name, workload) in WORKLOADS {
            progress(&format!("{name} of {units}"));
            let units = workload.fitting(units);
            let (mut best, mut limit): (Option<Done>, _) = (None, f64::INFINITY);
            for _ in rounds() {
                let folder = tempfile::tempdir().map_err(|it| StoreError::Unavailable(it.to_string()))?;
                let store = (tools.sqlite)(&folder.path().join("store.db"))?;
                let done = block_on(loom::drive(tools, store, workload, units))?;
                let raw = append(&folder.path().join("raw.db"), &done);
                limit = limit.min(raw.map_err(|it| StoreError::Broken(it.to_string()))?);
                best = Some(done.better(best));
            }
            let limit_is = "raw SQLite: the same facts, a row each, in as many commits";
            let what = What { workload: name, unit: "step", units, limit_is };
            rows.extend(best.map(|it| it.row(what, limit)));
        }
    }
    Ok(rows)
}

/// The seconds that it takes to append as many rows of as many bytes in as many flushed commits.
fn append(path: &Path, done: &Done) -> rusqlite::Result<f64> {
    let (commits, facts) = (done.added.commits.max(1), done.added.facts);
    let body = vec![7_u8; usize::try_from(done.added.fact_bytes / facts.max(1)).unwrap_or(0)];
    let mut conn = Connection::open(path)?;
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.execute_batch(
        "CREATE TABLE raw (run INTEGER, seq INTEGER, at INTEGER, fact BLOB, PRIMARY KEY (run, seq)) WITHOUT ROWID",
    )?;
    let begin = Instant::now();
    let mut seq = 0;
    for commit in 1..=commits {
        let tx = conn.transaction()?;
        {
            let mut insert = tx.prepare_cached("INSERT INTO raw VALUES (1, ?, ?, ?)")?;
            while seq < facts * commit / commits {
                seq += 1;
                insert.execute(rusqlite::params![seq.cast_signed(), seq.cast_signed(), body])?;
            }
        }
        tx.commit()?;
    }
    Ok(begin.elapsed().as_secs_f64())
}
