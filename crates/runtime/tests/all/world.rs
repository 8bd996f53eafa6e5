//! A store, a probe and the looms that come and go over them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use drawloom_blueprint::{Blueprint, StepError, Value};
use drawloom_lang::{KindInfo, Kinds, Optimise, Options, Placement, Source};
use drawloom_queue::Executor;
use drawloom_runtime::{Error, Loom, Recover, RunView, Settings, Start, Which};
use drawloom_store::{MemoryStore, Publish, Store, StoreError};
use drawloom_store_sqlite::{Access, Durability, SqliteStore};
use tempfile::TempDir;

use crate::probe::Probe;

/// A place where stores are opened again and again.
pub(crate) enum Place {
    Memory(MemoryStore),
    Sqlite(TempDir),
}

pub(crate) struct World {
    pub(crate) probe: Arc<Probe>,
    place: Place,
    pub(crate) settings: Settings,
}

/// The stores that every test runs on, and tasks that begin in place.
pub(crate) fn worlds() -> Vec<World> {
    let brief = World::with(Place::Memory(MemoryStore::new()), Probe::brief());
    vec![memory(), brief, World::new(Place::Sqlite(TempDir::new().unwrap()))]
}

pub(crate) fn memory() -> World {
    World::new(Place::Memory(MemoryStore::new()))
}

fn inline(kind: &str, with: &Value) -> Result<Value, StepError> {
    match kind {
        "log" => Ok(with.get("message").unwrap_or(with).clone()),
        other => Err(StepError::invalid(format!("no inline kind {other}"))),
    }
}

impl World {
    fn new(place: Place) -> Self {
        Self::with(place, Probe::new())
    }

    fn with(place: Place, probe: Arc<Probe>) -> Self {
        let executors: Vec<Arc<dyn Executor>> = vec![Arc::clone(&probe) as Arc<dyn Executor>];
        let mut settings = Settings::new(executors, inline);
        settings.grace = Duration::from_millis(200);
        Self { probe, place, settings }
    }

    /// The store, as the next process finds it.
    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        match &self.place {
            Place::Memory(it) => Arc::new(it.reopen()),
            Place::Sqlite(folder) => {
                let access = Access::Write(Durability::Full);
                Arc::new(SqliteStore::open(&folder.path().join("store.db"), access).expect("the store opens"))
            }
        }
    }

    pub(crate) async fn open(&self) -> Loom {
        // The last owner may be about to let go.
        for _ in 0..1_000 {
            match Loom::open(self.store().await, self.settings.clone()).await {
                Err(Error::Store(StoreError::Locked { .. })) => tokio::time::sleep(Duration::from_millis(5)).await,
                it => return it.expect("the loom opens"),
            }
        }
        panic!("somebody holds on to the store");
    }

    pub(crate) async fn open_on(&self, store: Arc<dyn Store>) -> Loom {
        Loom::open(store, self.settings.clone()).await.expect("the loom opens")
    }

    /// The next process, which goes on with everything.
    pub(crate) async fn recover(&self) -> Loom {
        let loom = self.open().await;
        loom.recover(Recover::All).await.expect("runs are recovered");
        loom
    }
}

/// The blueprint of a document.
pub(crate) fn flow(text: &str) -> Arc<Blueprint> {
    let kind = |name: &str, placement| KindInfo {
        name: name.to_owned(),
        placement,
        place: None,
        schema: serde_json::json!({"type": "object"}),
    };
    let kinds = Kinds::new([kind("probe", Placement::Worker), kind("log", Placement::Inline)]);
    let options = Options { optimise: Optimise::On, kinds: &kinds, children: &BTreeMap::new() };
    let text = format!("drawloom: 1\n{text}");
    match drawloom_lang::compile(&Source::new("test.yaml", text.clone()), &options) {
        Ok(it) => Arc::new(it.blueprint),
        Err(problems) => panic!("{problems:#?}\n{text}"),
    }
}

pub(crate) fn start(text: &str) -> Start {
    Start::of(Which::Blueprint { blueprint: flow(text), source: None }, Value::Null)
}

/// Publishes a version of a flow, and says its number.
pub(crate) async fn publish(store: &dyn Store, text: &str) -> u32 {
    let blueprint = flow(text);
    let hash = store.put_version(blueprint.encode().into(), None).await.unwrap();
    let publish = Publish { flow: blueprint.flow.clone(), hash, note: String::new(), at: drawloom_runtime::now() };
    store.publish(publish).await.unwrap().number
}

pub(crate) fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).expect("JSON")
}

pub(crate) trait Within: Sized + Future {
    /// The answer, which must come soon.
    async fn soon(self) -> Self::Output {
        tokio::time::timeout(Duration::from_secs(30), self).await.expect("an answer in time")
    }
}

impl<T: Future> Within for T {}

/// Waits until it is so no longer, which must be soon.
pub(crate) async fn wait_while(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    waiting.soon().await;
}

/// How each step ended, by path.
pub(crate) fn ends(view: &RunView) -> BTreeMap<String, &'static str> {
    view.steps.iter().map(|it| (it.path.clone(), it.status)).collect()
}
