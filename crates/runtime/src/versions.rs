//! Versions in memory: each blueprint is decoded once and shared by its runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use drawloom_blueprint::{Blueprint, FlowHash};
use drawloom_store::Store;

use crate::{Error, Which};

/// Beyond so many, versions that no run uses are dropped.
const KEPT_MAX: usize = 1_000;

/// A version, found.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) blueprint: Arc<Blueprint>,
    pub(crate) hash: FlowHash,
    pub(crate) number: Option<u32>,
}

/// The versions of a store.
pub(crate) struct Versions {
    store: Arc<dyn Store>,
    known: Mutex<HashMap<FlowHash, Arc<Blueprint>>>,
}

impl Versions {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<FlowHash, Arc<Blueprint>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, hash: FlowHash, blueprint: &Arc<Blueprint>) {
        let mut known = self.known();
        if known.len() >= KEPT_MAX {
            known.retain(|_, it| Arc::strong_count(it) > 1);
        }
        known.insert(hash, Arc::clone(blueprint));
    }

    /// The version with this hash.
    pub(crate) async fn get(&self, hash: FlowHash) -> Result<Arc<Blueprint>, Error> {
        if let Some(it) = self.known().get(&hash) {
            return Ok(Arc::clone(it));
        }
        let version = self.store.version(hash).await?.ok_or(Error::NoVersion(hash))?;
        let blueprint = Blueprint::decode(&version.blueprint)
            .map_err(|it| Error::Damaged { what: format!("version {hash}"), why: it.to_string() })?;
        let blueprint = Arc::new(blueprint);
        self.keep(hash, &blueprint);
        Ok(blueprint)
    }

    /// The version that is meant. One that the store does not have yet is in it afterwards.
    pub(crate) async fn find(&self, which: &Which) -> Result<Found, Error> {
        match which {
            Which::Blueprint { blueprint, source } => {
                let bytes = blueprint.encode();
                let hash = FlowHash::of(&bytes);
                if !self.known().contains_key(&hash) {
                    self.store.put_version(bytes.into(), source.as_deref()).await?;
                    self.keep(hash, blueprint);
                }
                Ok(Found { blueprint: Arc::clone(blueprint), hash, number: None })
            }
            Which::Hash(hash) => Ok(Found { blueprint: self.get(*hash).await?, hash: *hash, number: None }),
            Which::Published { flow, number } => {
                let published = match number {
                    Some(number) => self.store.published(flow, *number).await?,
                    None => self.store.active(flow).await?,
                };
                let it = published.ok_or_else(|| Error::NoFlow { flow: flow.clone(), number: *number })?;
                Ok(Found { blueprint: self.get(it.hash).await?, hash: it.hash, number: Some(it.number) })
            }
        }
    }
}
