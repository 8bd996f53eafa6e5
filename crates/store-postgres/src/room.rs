//! The room where the store works: a thread of its own with a small runtime, which holds the connections.
//!
//! **Invariant:** a busy program does not keep the lease from being renewed, and whoever drops a store may wait for it
//! wherever they are, since nothing here needs their thread.

use std::{
    sync::{Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use drawloom_store::StoreError;
use tokio::{runtime, sync::oneshot};

/// A handle on the thread.
#[derive(Debug)]
pub(crate) struct Room {
    handle: runtime::Handle,
    thread: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Room {
    /// Starts the thread.
    pub(crate) fn open() -> Result<Self, StoreError> {
        let failed = |it: std::io::Error| StoreError::Unavailable(format!("no thread for the store: {it}"));
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("drawloom-store".to_owned()).spawn(move || {
            // Told to stop or left behind, it ends alike, and all tasks and connections with it.
            let _ = runtime.block_on(stopped);
        });
        Ok(Self { handle, thread: Mutex::new(Some((stop, thread.map_err(failed)?))) })
    }

    /// Where tasks of the store are spawned.
    pub(crate) fn handle(&self) -> &runtime::Handle {
        &self.handle
    }

    /// Has `work` done there and waits for its outcome, blocking the caller's thread.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, outcome) = std::sync::mpsc::channel();
        self.handle.spawn(async move {
            // Whoever asked waits below.
            let _ = answer.send(work.await);
        });
        outcome.recv().map_err(|_| StoreError::Closed)
    }

    /// Ends everything that goes on there.
    pub(crate) fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((stop, thread)) = thread else { return };
        // It may have ended by itself.
        let _ = stop.send(());
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            tracing::error!("the store's thread ended in a panic");
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.close();
    }
}
