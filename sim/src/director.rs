//! One simulation from its first run to the last: processes come and go over one disk, people ask for things, and
//! in the end everything must come to rest.
//!
//! **Invariant:** all that it does is drawn from the seed; what it hears as an answer it compares with the ledger at
//! that moment.

mod acts;
mod rest;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use drawloom_blueprint::{Blueprint, RunId};
use drawloom_lang::Optimise;
use drawloom_runtime::{Error, Loom, Recover, Settings, World};
use drawloom_store::{Catalog, Publish};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    core::Core,
    disk::Disk,
    flows::{blueprint, inline},
    generate::Document,
    hands::Hands,
    ledger::SLACK,
    stage::{Life, Stage},
};

/// A process: a loom, its disk, and the calls that are under way to it.
struct Process {
    life: Arc<Life>,
    disk: Arc<Disk>,
    loom: Loom,
    jobs: JoinSet<()>,
}

/// Runs by the key with which they were started.
type Keys = Arc<Mutex<BTreeMap<String, RunId>>>;

/// Drives a simulation.
pub(crate) struct Director {
    stage: Arc<Stage>,
    flows: Vec<Arc<Blueprint>>,
    lives: u32,
    /// Since when nothing has hindered the process.
    well_since: Instant,
    outage_until: Option<Instant>,
    keys: Keys,
    /// Processes that lost the store and do not know it yet.
    former: Vec<(Process, Instant)>,
}

impl Director {
    /// A director over an empty store in which these flows are published.
    ///
    /// # Errors
    /// Where a flow does not compile.
    pub(crate) async fn new(stage: &Arc<Stage>, documents: &[Document]) -> Result<Self, String> {
        let mut flows = Vec::new();
        for it in documents {
            let optimise = if stage.rng().bool() { Optimise::On } else { Optimise::Off };
            let it = blueprint(it, optimise)?;
            let store = &stage.memory;
            let hash = store.put_version(it.encode().into(), None).await.map_err(|it| it.to_string())?;
            let publish = Publish { flow: it.flow.clone(), hash, note: String::new(), at: stage.now() };
            store.publish(publish).await.map_err(|it| it.to_string())?;
            flows.push(it);
        }
        Ok(Self {
            stage: Arc::clone(stage),
            flows,
            lives: 0,
            well_since: Instant::now(),
            outage_until: None,
            keys: Keys::default(),
            former: Vec::new(),
        })
    }

    /// Plays each flow on the engine alone, and a fork of it.
    pub(crate) fn play_cores(&self, seed: u64) {
        for flow in &self.flows {
            let mut core = Core::new(seed, Arc::clone(flow));
            if self.play_core(&mut core, &flow.flow) {
                match core.fork() {
                    Ok(mut fork) => {
                        self.play_core(&mut fork, &flow.flow);
                    }
                    Err(why) => self.stage.break_off(format!("flow `{}` cannot be forked: {why}", flow.flow)),
                }
            }
        }
    }

    /// Plays a run on the engine alone, and says whether nothing broke.
    fn play_core(&self, core: &mut Core, flow: &str) -> bool {
        let checked = core.play().map_err(|why| format!("flow `{flow}` on the engine alone: {why}"));
        self.stage.say(format_args!("`{flow}` on the engine alone: {} moves", core.moves));
        self.stage.ledger().moves += core.moves;
        let sound = checked.is_ok();
        if !sound {
            core.last().into_iter().for_each(|it| self.stage.say(it));
        }
        self.stage.check(checked);
        sound
    }

    /// Plays to the end, or to the first thing that is broken.
    pub(crate) async fn play(&mut self) {
        let mut process = self.open().await;
        for _ in 0..self.stage.plan.acts {
            if self.stage.trouble().is_some() {
                return;
            }
            let pause = self.stage.span(self.stage.plan.pause * 2);
            process = self.live(process, pause).await;
            self.weather().await;
            process = self.act(process).await;
            self.look_after().await;
        }
        self.rest(process).await;
    }

    /// Lets time pass; a process that dies or stops meanwhile is followed by another.
    async fn live(&mut self, mut process: Process, span: Duration) -> Process {
        let until = Instant::now() + span;
        loop {
            while process.jobs.try_join_next().is_some() {}
            let failed = tokio::select! {
                biased;
                () = self.stage.death_of(&process.life) => None,
                error = process.loom.failed() => Some(error),
                () = tokio::time::sleep_until(until) => return process,
            };
            if let Some(error) = &failed {
                self.stage.say(format_args!("process {} stops: {error}", process.life.number));
                self.sound(error);
            }
            if failed.is_some() || !process.life.is_alive() {
                self.bury(process).await;
                process = self.open().await;
            }
            if self.stage.trouble().is_some() {
                return process;
            }
        }
    }

    /// No error says that the journal makes no sense, and no loop ends without a reason.
    fn sound(&self, error: &Error) {
        if matches!(error, Error::Closed) {
            self.stage.break_off("the shard loop ended without saying why".to_owned());
        }
        let damaged = match error {
            Error::Stopped(it) => matches!(**it, Error::Damaged { .. }),
            it => matches!(it, Error::Damaged { .. }),
        };
        if damaged {
            self.stage.break_off(error.to_string());
        }
    }

    /// The process is gone, with all that it had under way.
    async fn bury(&mut self, mut process: Process) {
        process.disk.crash();
        process.jobs.shutdown().await;
        drop(process);
        // What worked for it is dropped when it is next looked at.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }

    fn settings(&self, life: &Arc<Life>) -> Settings {
        let plan = &self.stage.plan;
        Settings {
            parallelism: plan.parallelism,
            grace: plan.grace,
            blob_from: plan.blob_from,
            idle: plan.idle,
            owner: format!("process {}", life.number),
            world: Arc::clone(&self.stage) as Arc<dyn World>,
            ..Settings::new(vec![Hands::new(&self.stage, life)], inline)
        }
    }

    /// The next process, which goes on with everything.
    async fn open(&mut self) -> Process {
        loop {
            self.lives += 1;
            let life = Arc::new(Life::new(self.lives));
            let disk = Disk::open(&self.stage, &life);
            self.stage.say(format_args!("process {} opens the store", life.number));
            let settings = self.settings(&life);
            let opening = async {
                let loom = Loom::open(Arc::clone(&disk) as Arc<dyn drawloom_store::Store>, settings).await?;
                loom.recover(Recover::All).await?;
                Ok::<_, Error>(loom)
            };
            let opened = tokio::select! {
                biased;
                () = self.stage.death_of(&life) => None,
                it = opening => Some(it),
            };
            match opened {
                Some(Ok(loom)) if life.is_alive() => {
                    self.well_since = Instant::now();
                    let mut process = Process { life, disk, loom, jobs: JoinSet::new() };
                    self.listen(&mut process);
                    return process;
                }
                Some(Err(error)) => {
                    self.stage.say(format_args!("process {} cannot open the store: {error}", life.number));
                    self.sound(&error);
                }
                _ => {}
            }
            disk.crash();
            sleep(Duration::from_millis(700)).await;
            self.weather().await;
        }
    }

    /// Outages end, former owners notice, and what is due must not lie about.
    async fn weather(&mut self) {
        if self.outage_until.is_some_and(|it| it <= Instant::now()) {
            self.outage_until = None;
            self.stage.set_outage(false);
            self.well_since = Instant::now();
            self.stage.say("the store can be reached again");
        }
        let over = self.former.iter().position(|(_, until)| *until <= Instant::now());
        if let Some(at) = over {
            let (process, _) = self.former.remove(at);
            self.bury(process).await;
        }
    }

    /// Checks what should have happened by now, where nothing hindered it.
    async fn look_after(&mut self) {
        if self.outage_until.is_some() || self.well_since.elapsed() < SLACK + SLACK / 2 {
            return;
        }
        let now = self.stage.now();
        let checked = {
            let ledger = self.stage.ledger();
            ledger.punctual(now).and_then(|()| ledger.orphans(now))
        };
        self.stage.check(checked);
    }

    /// Listens to what the loom tells: nothing that is not durable.
    fn listen(&self, process: &mut Process) {
        if self.stage.rng().bool() {
            return;
        }
        let stage = Arc::clone(&self.stage);
        let mut events = process.loom.events();
        process.jobs.spawn(async move {
            while let Some(seen) = events.next().await {
                let drawloom_runtime::Seen::Event(it) = seen else { continue };
                let of_fact = !matches!(it.what, drawloom_runtime::What::Line { .. });
                if of_fact && it.seq > stage.ledger().last_seq(it.run) && !stage.ledger().is_deleted(it.run) {
                    stage.break_off(format!("an event was told before its fact was durable: {it:?}"));
                }
            }
        });
    }
}
