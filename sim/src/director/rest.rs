//! The end of a simulation: faults stop, everybody answers, and every run must end.

use std::{collections::BTreeSet, time::Duration};

use drawloom_blueprint::{RunId, RunStatus};
use drawloom_runtime::{Start, Which};
use drawloom_store::{RunReader, Upkeep};
use futures_util::FutureExt;
use tokio::time::Instant;

use super::{Director, Process};
use crate::generate::KEYS;

/// So often everybody is asked and answered without anything happening before it counts as stuck. Rounds become
/// longer, up to [`ROUND_MAX`]: waits of hours pass within them.
const ROUNDS: u32 = 60;

/// The longest round.
const ROUND_MAX: Duration = Duration::from_secs(600);

impl Director {
    pub(super) async fn rest(&mut self, mut process: Process) {
        self.stage.say("the world is calm from now on");
        for (former, _) in std::mem::take(&mut self.former) {
            self.bury(former).await;
        }
        self.stage.calm.cancel();
        self.outage_until = None;
        self.stage.set_outage(false);
        self.stage.set_clock_right();
        self.well_since = Instant::now();
        process = self.settle(process).await;
        if self.stage.trouble().is_some() {
            return;
        }
        self.probe(&mut process).await;
        process = self.settle(process).await;
        if self.stage.trouble().is_none() {
            self.audit().await;
        }
        self.bury(process).await;
    }

    /// Gives every run what it waits for until all have ended.
    async fn settle(&mut self, mut process: Process) -> Process {
        let (mut quiet, mut moves) = (0, 0);
        while quiet < ROUNDS {
            process = self.live(process, ROUND_MAX.min(Duration::from_secs(5 + u64::from(quiet) * 20))).await;
            let so_far = self.stage.ledger().moves;
            quiet = if so_far == moves { quiet + 1 } else { 0 };
            moves = so_far;
            self.look_after().await;
            let open: Vec<_> = self.stage.ledger().glance().into_iter().filter(|it| it.ended.is_none()).collect();
            if open.is_empty() || self.stage.trouble().is_some() {
                return process;
            }
            let mut named = BTreeSet::new();
            for it in &open {
                self.feed(&mut process, it.run, &mut named).await;
            }
            if quiet > 20 && named.is_empty() {
                self.stage.break_off(format!("{} runs wait for nothing", open.len()));
                return process;
            }
        }
        let open = self.stage.ledger().glance().into_iter().find(|it| it.ended.is_none());
        if let Some(it) = open {
            let why = self.why(&process, it.run, 5).await;
            self.stage.break_off(format!("run {} does not end: {why}", it.run));
        }
        process
    }

    /// Gives a run what it says that it waits for, and notes that it waits for something that has a name.
    async fn feed(&mut self, process: &mut Process, run: RunId, named: &mut BTreeSet<RunId>) {
        let Ok(row) = process.loom.reader().row(run).await else { return };
        let waits = process.loom.reader().waits(run).await.unwrap_or_default();
        if row.state.in_flight > 0 || !waits.is_empty() || row.state.next_due.is_some() {
            named.insert(run);
        }
        match row.state.status {
            RunStatus::Paused => {
                named.insert(run);
                self.resume(process, run);
            }
            RunStatus::Queued => {
                // Of any step it is said who holds the slots; where nobody does, the run is about to begin.
                let why = self.why(process, run, 1).await;
                if why.contains("held by") {
                    named.insert(run);
                }
            }
            _ => {}
        }
        for it in waits {
            match it.kind {
                "signal" => self.send(process, run, &it.name),
                "webhook" | "approval" => self.token(process, run),
                _ => {}
            }
        }
    }

    /// Why the first `steps` steps that have not ended are where they are.
    async fn why(&self, process: &Process, run: RunId, steps: usize) -> String {
        let reader = process.loom.reader();
        let Ok(view) = reader.view(run).await else { return "it cannot be read".to_owned() };
        let mut all = Vec::new();
        for step in view.steps.iter().filter(|it| it.ended_at.is_none()).take(steps) {
            let whys = reader.why(run, &step.id).await.unwrap_or_default();
            all.extend(whys.into_iter().map(|it| format!("{} {}: {}", it.path, it.status, it.reason)));
        }
        all.join("; ")
    }

    /// All have ended, so every slot is free: a run of each flow and key begins at once.
    async fn probe(&mut self, process: &mut Process) {
        // The last end is on the disk, and the loop may have to hear of it yet.
        tokio::time::sleep(Duration::from_secs(1)).await;
        for blueprint in self.flows.clone() {
            if blueprint.limits.concurrency.is_none() {
                continue;
            }
            for key in KEYS {
                let version = Which::Published { flow: blueprint.flow.clone(), number: None };
                let inputs = drawloom_blueprint::Value::object([("k", drawloom_blueprint::Value::from(key))]);
                match process.loom.start(Start::of(version, inputs)).await {
                    Ok(begun) if self.stage.ledger().is_admitted(begun.run) => {
                        // It may have ended by itself, and its end be on its way to the disk.
                        let _ = process.loom.kill(begun.run).await;
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    Ok(begun) => self.stage.break_off(format!("run {} has no slot, and nobody holds any", begun.run)),
                    Err(error) => self.stage.break_off(format!("no slot is free, and nobody holds any: {error}")),
                }
            }
        }
    }

    /// The store holds what the ledger says, and is sound.
    async fn audit(&self) {
        match self.stage.memory.check(5).await {
            Ok(findings) if findings.is_empty() => {}
            other => self.stage.break_off(format!("the store is not sound: {other:?}")),
        }
        let runs = self.stage.ledger().glance();
        for it in runs {
            let row = self.stage.memory.run(it.run).now_or_never().and_then(Result::ok).flatten();
            let seq = self.stage.ledger().last_seq(it.run);
            if row.map(|it| it.last_seq) != Some(seq) {
                self.stage.break_off(format!("run {} is not in the store with its {seq} facts", it.run));
            }
        }
    }
}
