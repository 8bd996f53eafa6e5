//! What people and the world do to a loom: one act at a time, each drawn by chance.

use std::{sync::Arc, time::Duration};

use drawloom_blueprint::{RunId, Value};
use drawloom_runtime::{Error, Fork, Loom, Start, Taken, Which};
use tokio::time::Instant;

use super::{Director, Process};
use crate::{
    generate::{KEYS, SIGNALS},
    stage::Stage,
};

impl Director {
    pub(super) async fn act(&mut self, mut process: Process) -> Process {
        let what = self.stage.rng().u32(0..100);
        let run = self.some_run();
        match (what, run) {
            (0..=24, _) | (_, None) => self.start(&mut process),
            (25..=40, Some(run)) => self.signal(&mut process, run),
            (41..=47, Some(run)) => self.token(&mut process, run),
            (48..=53, Some(run)) => self.cancel(&mut process, run),
            (54..=55, Some(run)) => self.kill(&mut process, run),
            (56..=58, Some(run)) => self.pause(&mut process, run),
            (59..=63, Some(run)) => self.resume(&mut process, run),
            (64..=70, Some(run)) => self.fork(&mut process, run),
            (71, Some(run)) => self.replay(&mut process, run),
            (72..=73, Some(run)) => self.delete(&mut process, run),
            (74..=75, Some(run)) => self.look(&mut process, run),
            (76..=79, _) => return self.crash(process).await,
            (80..=82, _) => return self.take_over(process).await,
            (83..=84, _) => return self.close(process).await,
            (85..=87, _) => self.jump(&mut process),
            (88..=89, _) => self.outage(),
            (90..=94, _) => return self.sleep(process, 20_000).await,
            (95..=98, _) => return self.sleep(process, 200_000).await,
            _ => return self.sleep(process, 10_000_000).await,
        }
        let dies = self.stage.plan.crash > 0 && self.stage.rng().u8(0..10) == 0;
        if dies { self.crash_soon(process).await } else { process }
    }

    /// The process dies while what it was just asked for is on its way.
    async fn crash_soon(&mut self, process: Process) -> Process {
        let span = self.stage.span(12);
        let process = self.live(process, span).await;
        self.crash(process).await
    }

    /// A run, more often a young one.
    fn some_run(&self) -> Option<RunId> {
        let runs = self.stage.ledger().glance();
        let mut rng = self.stage.rng();
        let at =
            if rng.bool() { rng.usize(0..runs.len().max(1)) } else { runs.len().saturating_sub(1 + rng.usize(0..4)) };
        runs.get(at).map(|it| it.run)
    }

    pub(super) fn start(&mut self, process: &mut Process) {
        let flow = self.stage.rng().choice(&self.flows).cloned();
        let Some(blueprint) = flow else { return };
        let mut rng = self.stage.rng();
        let version = if rng.bool() {
            Which::Published { flow: blueprint.flow.clone(), number: None }
        } else {
            Which::Blueprint { blueprint: Arc::clone(&blueprint), source: None }
        };
        let key = KEYS[rng.usize(0..KEYS.len())];
        let inputs = Value::object([("k", Value::from(key)), ("n", Value::Int(rng.i64(0..7)))]);
        let idempotency_key = (rng.u8(0..3) == 0).then(|| format!("{}-{}", blueprint.flow, rng.u8(0..4)));
        // A caller that hears nothing asks again.
        let calls = if idempotency_key.is_some() && rng.bool() { 2 } else { 1 };
        drop(rng);
        let start = Start { idempotency_key, ..Start::of(version, inputs) };
        for _ in 0..calls {
            self.begin(process, &blueprint.flow, start.clone());
        }
    }

    fn begin(&self, process: &mut Process, flow: &str, start: Start) {
        let idempotency_key = start.idempotency_key.clone();
        let (stage, keys) = (Arc::clone(&self.stage), Arc::clone(&self.keys));
        self.call(process, format!("start {flow} {idempotency_key:?}"), move |loom| async move {
            let begun = loom.start(start).await?;
            if !stage.ledger().knows(begun.run) {
                stage.break_off(format!("the start of run {} was acknowledged and is not durable", begun.run));
            }
            if let Some(key) = idempotency_key {
                let mut keys = keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let first = *keys.entry(key.clone()).or_insert(begun.run);
                if first != begun.run && !stage.ledger().is_deleted(first) {
                    stage.break_off(format!("two runs were started with the key {key}: {first} and {}", begun.run));
                }
                keys.insert(key, begun.run);
            }
            follow(&stage, &loom, begun.run).await
        });
    }

    pub(super) fn signal(&mut self, process: &mut Process, run: RunId) {
        let name = SIGNALS[self.stage.rng().usize(0..SIGNALS.len())];
        self.send(process, run, name);
        if self.stage.rng().u8(0..6) == 0 {
            self.send(process, run, name);
        }
    }

    pub(super) fn send(&mut self, process: &mut Process, run: RunId, name: &str) {
        let (stage, name) = (Arc::clone(&self.stage), name.to_owned());
        let number = stage.number();
        let payload = Value::object([("sig", Value::Int(number))]);
        self.call(process, format!("signal {run} {name} {number}"), move |loom| async move {
            let taken = loom.signal(run, &name, payload).await?;
            if taken == Taken::Yes && !stage.ledger().has_signal(run, number) {
                stage.break_off(format!("signal {number} to run {run} was acknowledged and is not durable"));
            }
            Ok(format!("{taken:?}"))
        });
    }

    pub(super) fn token(&mut self, process: &mut Process, run: RunId) {
        let tokens = self.stage.ledger().tokens(run);
        let Some(token) = self.stage.rng().choice(&tokens).cloned() else { return };
        let stage = Arc::clone(&self.stage);
        let number = stage.number();
        let approved = stage.rng().u8(0..4) != 0;
        let payload = Value::object([
            ("sig", Value::Int(number)),
            ("approved", Value::Bool(approved)),
            ("comment", Value::from(format!("sig {number}"))),
        ]);
        self.call(process, format!("token {run} {number} {approved}"), move |loom| async move {
            let taken = loom.token(run, &token, payload).await?;
            if taken == Taken::Yes && !stage.ledger().has_signal(run, number) {
                stage.break_off(format!("answer {number} to run {run} was acknowledged and is not durable"));
            }
            Ok(format!("{taken:?}"))
        });
    }

    pub(super) fn cancel(&mut self, process: &mut Process, run: RunId) {
        let stage = Arc::clone(&self.stage);
        self.call(process, format!("cancel {run}"), move |loom| async move {
            let taken = loom.cancel(run).await?;
            if taken == Taken::Yes && !stage.ledger().is_ending(run) {
                stage.break_off(format!("the cancel of run {run} was acknowledged and is not durable"));
            }
            Ok(format!("{taken:?}"))
        });
    }

    fn kill(&mut self, process: &mut Process, run: RunId) {
        self.call(
            process,
            format!("kill {run}"),
            move |loom| async move { Ok(format!("{:?}", loom.kill(run).await?)) },
        );
    }

    fn pause(&mut self, process: &mut Process, run: RunId) {
        self.call(
            process,
            format!("pause {run}"),
            move |loom| async move { Ok(format!("{:?}", loom.pause(run).await?)) },
        );
    }

    pub(super) fn resume(&mut self, process: &mut Process, run: RunId) {
        let label = format!("resume {run}");
        self.call(process, label, move |loom| async move { Ok(format!("{:?}", loom.resume(run).await?)) });
    }

    fn fork(&mut self, process: &mut Process, run: RunId) {
        let stage = Arc::clone(&self.stage);
        let set = vec![("n".to_owned(), Value::Int(stage.rng().i64(0..7)))];
        let from = self.some_steps(run);
        self.call(process, format!("fork {run} from {from:?}"), move |loom| async move {
            let (begun, _) = loom.fork(run, Fork { from, set, ..Fork::default() }).await?;
            follow(&stage, &loom, begun.run).await
        });
    }

    /// Steps of the root from which on a run may be done again; none: from what failed in it.
    fn some_steps(&self, run: RunId) -> Vec<String> {
        let all = self.stage.ledger().roots(run);
        let mut rng = self.stage.rng();
        let count = if rng.bool() { 0 } else { rng.usize(1..3) };
        (0..count).filter_map(|_| rng.choice(&all).cloned()).collect()
    }

    fn replay(&mut self, process: &mut Process, run: RunId) {
        let stage = Arc::clone(&self.stage);
        self.call(process, format!("replay {run}"), move |loom| async move {
            let begun = loom.replay(run).await?;
            follow(&stage, &loom, begun.run).await
        });
    }

    fn delete(&mut self, process: &mut Process, run: RunId) {
        let label = format!("delete {run}");
        self.call(process, label, move |loom| async move { Ok(format!("{:?}", loom.delete(run).await?)) });
    }

    /// Reads what can be read of a run, at some fact of it.
    fn look(&mut self, process: &mut Process, run: RunId) {
        let seq = self.stage.rng().u64(1..60);
        self.call(process, format!("look {run}"), move |loom| async move {
            let reader = loom.reader();
            let view = reader.state_at(run, seq).await?;
            for step in view.steps.iter().take(3) {
                reader.why(run, &step.id).await?;
            }
            reader.waits(run).await?;
            Ok(format!("{} after {} facts", view.status.name(), view.facts))
        });
    }

    async fn crash(&mut self, process: Process) -> Process {
        self.bury(process).await;
        let down = self.stage.span(20_000);
        tokio::time::sleep(down).await;
        self.open().await
    }

    /// Another process takes the store, and the one that had it does not know.
    async fn take_over(&mut self, process: Process) -> Process {
        self.stage.say(format_args!("process {} is cut off", process.life.number));
        let until = Instant::now() + self.stage.span(20_000);
        self.former.push((process, until));
        self.open().await
    }

    async fn close(&mut self, process: Process) -> Process {
        self.stage.say(format_args!("process {} is closed", process.life.number));
        let closing = tokio::time::timeout(Duration::from_secs(60), process.loom.clone().close());
        tokio::select! {
            biased;
            () = self.stage.death_of(&process.life) => {}
            it = closing => match it {
                Ok(Ok(())) => {}
                Ok(Err(Error::Closed)) => {}
                Ok(Err(error)) => self.sound(&error),
                Err(_) if self.stage.is_out() => {}
                Err(_) => self.stage.break_off("a loom was asked to close and did not".to_owned()),
            }
        }
        self.bury(process).await;
        self.open().await
    }

    fn jump(&mut self, process: &mut Process) {
        let hour = 3_600_000_000_i64;
        let micros = self.stage.rng().i64(-2 * hour..3 * hour);
        self.stage.jump(micros);
        self.well_since = Instant::now();
        self.stage.say(format_args!("the clock jumps by {} s", micros / 1_000_000));
        // What changes nothing reaches runs that are due by now.
        let count = self.stage.rng().u8(0..6);
        for _ in 0..count {
            if let Some(run) = self.some_run() {
                self.resume(process, run);
            }
        }
    }

    fn outage(&mut self) {
        self.outage_until = Some(Instant::now() + self.stage.span(30_000));
        self.stage.set_outage(true);
        self.stage.say("the store cannot be reached");
    }

    async fn sleep(&mut self, process: Process, most: u64) -> Process {
        let span = self.stage.span(most);
        self.live(process, span).await
    }

    /// Calls the loom; the answer may come late or never.
    pub(super) fn call<F>(&self, process: &mut Process, label: String, call: impl FnOnce(Loom) -> F)
    where
        F: Future<Output = Result<String, Error>> + Send + 'static,
    {
        self.stage.say(format_args!("process {}: {label}", process.life.number));
        let (stage, answer) = (Arc::clone(&self.stage), call(process.loom.clone()));
        process.jobs.spawn(async move {
            match answer.await {
                Ok(it) => stage.say(format_args!("{label}: {it}")),
                Err(error @ Error::Damaged { .. }) => stage.break_off(format!("{label}: {error}")),
                Err(error) => stage.say(format_args!("{label}: {error}")),
            }
        });
    }
}

/// Waits for the end of a run, and looks whether it is durable when it is told.
async fn follow(stage: &Stage, loom: &Loom, run: RunId) -> Result<String, Error> {
    stage.say(format_args!("run {run} has begun"));
    let view = loom.finished(run).await?;
    let known = stage.ledger().end(run);
    if known != Some(view.status) && !stage.ledger().is_deleted(run) {
        stage.break_off(format!("run {run} is said to be {}, and its facts say {known:?}", view.status.name()));
    }
    Ok(view.status.name().to_owned())
}
