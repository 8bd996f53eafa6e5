//! A restart with many sleeping runs: how soon it serves, how soon it knows all of them, and what each takes.

use std::{fs::File, io::Read, path::Path, time::Instant};

use drawloom_blueprint::Value;
use drawloom_runtime::{Error, Loom, Recover, Start, Which};
use drawloom_store::StoreError;

use crate::{
    Row, Size, Tools,
    clock::Since,
    compile::blueprint,
    loom::block_on,
    map::{peak, peak_from_now},
    report::What,
};

/// A sleeping run should take no more memory than this.
const BYTES_GOAL: usize = 1024;

/// Starts under way at once while the runs are made.
const AT_ONCE: usize = 256;

pub(crate) fn measure(tools: &Tools, size: Size, progress: &mut dyn FnMut(&str)) -> Result<Vec<Row>, Error> {
    let runs = if size == Size::Full { 100_000 } else { 10_000 };
    let wrong = |it: std::io::Error| StoreError::Unavailable(it.to_string());
    let folder = tempfile::tempdir().map_err(wrong)?;
    let path = folder.path().join("store.db");
    progress(&format!("recover: {runs} runs fall asleep"));
    block_on(sleep(tools, &path, runs))?;
    progress(&format!("recover: {runs} runs are found again"));
    let limit = read(&path).map_err(wrong)?;
    // What a store and a loom take without any run is not counted: it is paid before, with another one.
    let other = folder.path().join("other.db");
    block_on(sleep(tools, &other, 1))?;
    block_on(wake(tools, &other))?;
    let before = peak_from_now();
    let (first, all, idle) = block_on(wake(tools, &path))?;
    let after = peak();
    let goal = |workload, unit, limit_is| What { workload, unit, units: 1, limit_is };
    let served = goal("recover/first", "run", "one second until a new run has ended");
    let rest = goal("sleep/cpu", "second", "a hundredth of a processor while all sleep");
    let found = What { workload: "recover/all", unit: "run", units: runs, limit_is: "reading the same file" };
    let mut rows = vec![
        Row { units: runs, ..Row::time(served, first, 1.0) },
        Row::time(found, all, limit),
        Row { units: runs, ..Row::time(rest, idle, 0.01) },
    ];
    if let (Some(before), Some(after)) = (before, after) {
        let what = What { workload: "sleep/memory", limit_is: "1 KiB for each", ..found };
        rows.push(Row::bytes(what, after.saturating_sub(before).max(1), BYTES_GOAL * runs));
    }
    Ok(rows)
}

/// Starts runs that sleep for a day, and dies.
async fn sleep(tools: &Tools, path: &Path, runs: usize) -> Result<(), Error> {
    let store = (tools.sqlite)(path)?;
    let text = "drawloom: 1\nname: bench\nsteps:\n  - id: nap\n    wait: { for: 1d }\n  - id: work\n    uses: work\n";
    let flow = store.put_version(blueprint(text).encode().into(), None).await?;
    let loom = Loom::open(store.clone(), tools.settings()).await?;
    let hands = (0..AT_ONCE).map(|hand| {
        let loom = loom.clone();
        let share = runs / AT_ONCE + usize::from(hand < runs % AT_ONCE);
        tokio::spawn(async move {
            for _ in 0..share {
                loom.start(Start::of(Which::Hash(flow), Value::Null)).await?;
            }
            Ok::<_, Error>(())
        })
    });
    for hand in hands.collect::<Vec<_>>() {
        hand.await.map_err(|_| Error::Closed)??;
    }
    drop(loom);
    Ok(store.close().await?)
}

/// Seconds until a new run was served, until all runs were found, and of processor time in one second of rest.
async fn wake(tools: &Tools, path: &Path) -> Result<(f64, f64, f64), Error> {
    let begin = Instant::now();
    let store = (tools.sqlite)(path)?;
    let loom = Loom::open(store.clone(), tools.settings()).await?;
    let text = "drawloom: 1\nname: first\nsteps:\n  - id: work\n    uses: work\n";
    let new = store.put_version(blueprint(text).encode().into(), None).await?;
    let all = loom.clone();
    let all = tokio::spawn(async move { all.recover(Recover::All).await.map(|it| it.len()) });
    let run = loom.start(Start::of(Which::Hash(new), Value::Null)).await?.run;
    loom.ended(run).await?;
    let first = begin.elapsed().as_secs_f64();
    all.await.map_err(|_| Error::Closed)??;
    let found = begin.elapsed().as_secs_f64();
    let rest = Since::now();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let idle = rest.spent().cpu;
    loom.close().await?;
    Ok((first, found, idle))
}

fn read(path: &Path) -> std::io::Result<f64> {
    let begin = Instant::now();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1024 * 1024];
    while file.read(&mut buffer)? > 0 {}
    Ok(begin.elapsed().as_secs_f64())
}
