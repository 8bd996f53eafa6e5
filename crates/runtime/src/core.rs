//! What the loop, its helpers and the handles share.
//!
//! **Invariant:** nothing here is state of a run. Once the loom is dead nothing spawned through it goes on.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use drawloom_blueprint::{StepError, Timestamp};
use drawloom_queue::{Blobs, Executor};
use drawloom_store::{Store, StoreError};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{Error, Reader, Settings, event::Teller, inbox::Message, logs::LogSender};

/// So many runs are read from the journal at once.
pub(crate) const FETCHES_MAX: usize = 32;

/// How long to wait before a store that cannot be reached is asked again.
const PATIENCE: Duration = Duration::from_millis(500);

pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) settings: Settings,
    pub(crate) reader: Reader,
    pub(crate) teller: Teller,
    pub(crate) logs: LogSender,
    /// Where attempts keep large data.
    pub(crate) data: Arc<dyn Blobs>,
    pub(crate) fetches: Semaphore,
    /// Cancelled when the loom has ended, however.
    pub(crate) dead: CancellationToken,
    pub(crate) inbox: mpsc::Sender<Message>,
    pub(crate) failure: OnceLock<Arc<Error>>,
}

impl Core {
    /// Runs `future` beside the loop; it is dropped when the loom ends.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let dead = self.dead.clone();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = dead.cancelled() => {}
                () = future => {}
            }
        });
    }

    /// What executes a kind.
    pub(crate) fn executor(&self, kind: &str) -> Result<Arc<dyn Executor>, StepError> {
        let found = self.settings.executors.iter().find(|it| it.info().name == kind);
        found.cloned().ok_or_else(|| {
            StepError::invalid(format!("this drawloom has no executor for the kind `{kind}`")).with_code("kind")
        })
    }

    /// The present instant by the wall clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.settings.world.now()
    }

    /// Sends to the loop, waiting for room.
    pub(crate) async fn send(&self, message: Message) -> Result<(), Error> {
        self.inbox.send(message).await.map_err(|_| self.why_dead())
    }

    /// Asks the store, and asks again for as long as it cannot be reached.
    pub(crate) async fn patiently<T, F: Future<Output = Result<T, Error>>>(ask: impl Fn() -> F) -> Result<T, Error> {
        loop {
            match ask().await {
                Err(Error::Store(StoreError::Unavailable(why))) => {
                    tracing::warn!(why, "the store cannot be reached; asking again");
                    tokio::time::sleep(PATIENCE).await;
                }
                answer => return answer,
            }
        }
    }

    /// Why nobody answers.
    pub(crate) fn why_dead(&self) -> Error {
        self.failure.get().map_or(Error::Closed, |it| Error::Stopped(Arc::clone(it)))
    }
}
