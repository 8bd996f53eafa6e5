//! Idempotency keys: starts with the same key take turns.
//!
//! **Invariant:** while one start with a key is looked up and committed, no other with that key goes on; so the
//! store never has to refuse one, which would refuse the runs that share its commit.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The keys that are being started with.
#[derive(Debug, Default)]
pub(crate) struct Keys(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Keys {
    /// Waits until nobody else starts with `key`. The turn lasts until the guard is dropped.
    pub(crate) async fn turn(&self, key: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Keys that nobody waits for are only here.
            keys.retain(|_, it| Arc::strong_count(it) > 1);
            Arc::clone(keys.entry(key.to_owned()).or_default())
        };
        lock.lock_owned().await
    }
}
