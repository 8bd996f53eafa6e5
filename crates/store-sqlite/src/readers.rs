//! A few connections for reading, beside the writer's.
//!
//! **Invariant:** reads never wait for a commit, and see committed data only. They run on threads for blocking work.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use drawloom_store::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::{fault::Work, schema};

/// Reads at once. More would wait for the disk and each other anyway.
const READERS: usize = 4;

#[derive(Clone, Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Arc::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    /// Runs `work` on a connection, in one read transaction.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Work<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let it = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            it.read_here(work)
        });
        reading.await.unwrap_or_else(|it| Err(StoreError::Unavailable(it.to_string())))
    }

    fn read_here<T>(&self, work: impl FnOnce(&Connection) -> Work<T>) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => schema::reading(&self.path).map_err(|it| it.reading(&self.path))?,
        };
        let read = || -> Work<T> {
            let tx = conn.unchecked_transaction()?;
            let found = work(&tx)?;
            tx.commit()?;
            Ok(found)
        };
        let found = read().map_err(|it| it.reading(&self.path))?;
        // A connection that met an error is dropped.
        if !self.permits.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        }
        Ok(found)
    }

    /// Refuses what no connection is needed for, once the store is closed.
    pub(crate) fn refuse_closed(&self) -> Result<(), StoreError> {
        if self.permits.is_closed() { Err(StoreError::Closed) } else { Ok(()) }
    }

    /// Refuses every later read.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
