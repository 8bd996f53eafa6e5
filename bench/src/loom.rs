//! Drives a loom through the workloads that every store is measured with.
//!
//! **Invariant:** what is timed begins with a start and ends when the last run has ended durably. The loom is warm: it
//! has done the same before, so that the flow's version is in memory, and memory has been asked of the system.

use std::{future::Future, sync::Arc, time::Instant};

use drawloom_blueprint::{FlowHash, RunStatus, Value};
use drawloom_runtime::{Error, Loom, Start, Which};
use drawloom_store::Store;

use crate::{
    Row, Tools,
    clock::{Since, Spent},
    compile::blueprint,
    report::What,
};

/// Runs that are under way at once where there are many.
const AT_ONCE: usize = 50;

/// How often a loom does the same before it is measured.
const WARM: usize = 3;

/// What was measured of a workload.
pub(crate) struct Done {
    pub(crate) spent: Spent,
    /// What it added to the store.
    pub(crate) added: Added,
}

/// What a store holds and has written, or the difference between two moments.
#[derive(Clone, Copy)]
pub(crate) struct Added {
    pub(crate) commits: u64,
    pub(crate) facts: u64,
    pub(crate) fact_bytes: u64,
}

impl Added {
    async fn so_far(store: &Arc<dyn Store>) -> Result<Self, Error> {
        let info = store.info().await?;
        Ok(Self {
            commits: info.written.commits,
            facts: info.flows.iter().map(|it| it.facts).sum(),
            fact_bytes: info.flows.iter().map(|it| it.fact_bytes).sum(),
        })
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            commits: self.commits - earlier.commits,
            facts: self.facts - earlier.facts,
            fact_bytes: self.fact_bytes - earlier.fact_bytes,
        }
    }
}

impl Done {
    /// The faster of two rounds.
    pub(crate) fn better(self, other: Option<Self>) -> Self {
        match other {
            Some(it) if it.spent.wall < self.spent.wall => it,
            _ => self,
        }
    }

    /// Its row, beside the seconds of the limit.
    pub(crate) fn row(&self, what: What, limit: f64) -> Row {
        let per = |figure: f64| Some(figure / what.units as f64);
        Row {
            cpu: per(self.spent.cpu * 1e9),
            journal_bytes: per(self.added.fact_bytes as f64),
            ..Row::time(what, self.spent.wall, limit)
        }
    }
}

/// A runtime like that of the program.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("invariant: a program that runs can have two more threads").block_on(future)
}

/// What a loom is measured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// One run of independent tasks.
    Fan,
    /// One run of tasks, one after the other.
    Chain,
    /// Runs of three tasks, one after the other in each, fifty runs at a time.
    Runs,
}

impl Workload {
    /// The number of tasks that stands for a size: what waits for a commit after each is measured with fewer.
    pub(crate) fn fitting(self, units: usize) -> usize {
        match self {
            Self::Fan => units,
            Self::Chain => units / 10,
            Self::Runs => units / 3 * 3,
        }
    }
}

/// Drives a workload of `units` tasks to its end.
pub(crate) async fn drive(
    tools: &Tools,
    store: Arc<dyn Store>,
    workload: Workload,
    units: usize,
) -> Result<Done, Error> {
    let steps = |more: &str| (0..units).map(|at| format!("  - id: s{at}\n    uses: work\n{more}")).collect::<String>();
    match workload {
        Workload::Fan => one(tools, store, &steps("    needs: []\n")).await,
        Workload::Chain => one(tools, store, &steps("")).await,
        Workload::Runs => many(tools, store, units / 3).await,
    }
}

/// One run of these steps.
pub(crate) async fn one(tools: &Tools, store: Arc<dyn Store>, steps: &str) -> Result<Done, Error> {
    let (loom, flow) = open(tools, &store, steps).await?;
    for _ in 0..WARM {
        go(&loom, flow).await?;
    }
    let before = Added::so_far(&store).await?;
    let begin = Since::now();
    go(&loom, flow).await?;
    finish(loom, &store, (begin, before)).await
}

async fn many(tools: &Tools, store: Arc<dyn Store>, runs: usize) -> Result<Done, Error> {
    let (loom, flow) = open(tools, &store, THREE).await?;
    for _ in 0..WARM {
        go_many(&loom, flow, AT_ONCE).await?;
    }
    let before = Added::so_far(&store).await?;
    let begin = Since::now();
    go_many(&loom, flow, runs).await?;
    finish(loom, &store, (begin, before)).await
}

async fn go_many(loom: &Loom, flow: FlowHash, runs: usize) -> Result<(), Error> {
    let hands = (0..AT_ONCE.min(runs)).map(|hand| {
        let loom = loom.clone();
        let share = runs / AT_ONCE + usize::from(hand < runs % AT_ONCE);
        tokio::spawn(async move {
            for _ in 0..share {
                go(&loom, flow).await?;
            }
            Ok::<_, Error>(())
        })
    });
    for hand in hands.collect::<Vec<_>>() {
        hand.await.map_err(|_| Error::Closed)??;
    }
    Ok(())
}

/// So many runs of three tasks, alone in the world; the seconds that each took, sorted.
pub(crate) async fn alone(tools: &Tools, store: Arc<dyn Store>, units: usize) -> Result<Vec<f64>, Error> {
    let (loom, flow) = open(tools, &store, THREE).await?;
    go(&loom, flow).await?;
    let mut times = Vec::with_capacity(units);
    for _ in 0..units {
        let begin = Instant::now();
        go(&loom, flow).await?;
        times.push(begin.elapsed().as_secs_f64());
    }
    loom.close().await?;
    times.sort_by(f64::total_cmp);
    Ok(times)
}

const THREE: &str = "  - id: a\n    uses: work\n  - id: b\n    uses: work\n  - id: c\n    uses: work\n";

/// A loom whose store knows the flow with these steps.
async fn open(tools: &Tools, store: &Arc<dyn Store>, steps: &str) -> Result<(Loom, FlowHash), Error> {
    let blueprint = blueprint(&format!("drawloom: 1\nname: bench\nsteps:\n{steps}"));
    let kept = store.put_version(blueprint.encode().into(), None).await?;
    Ok((Loom::open(Arc::clone(store), tools.settings()).await?, kept))
}

async fn go(loom: &Loom, flow: FlowHash) -> Result<(), Error> {
    let begun = loom.start(Start::of(Which::Hash(flow), Value::Null)).await?;
    let end = loom.ended(begun.run).await?;
    debug_assert_eq!(end.status, RunStatus::Succeeded, "invariant: the workloads succeed");
    Ok(())
}

async fn finish(loom: Loom, store: &Arc<dyn Store>, (begin, before): (Since, Added)) -> Result<Done, Error> {
    let spent = begin.spent();
    loom.close().await?;
    Ok(Done { spent, added: Added::so_far(store).await?.since(before) })
}
