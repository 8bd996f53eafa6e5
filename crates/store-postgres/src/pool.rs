//! A few connections for whatever is not an append.
//!
//! **Invariant:** a connection on which work did not come to its end is not used again. Work is tried again when its
//! connection was lost, for as long as the store is patient, so it must be such that doing it twice is doing it once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use drawloom_store::StoreError;
use tokio::sync::Semaphore;

use crate::{
    connect::{Connector, Line, Session, pause},
    fault::{Fault, Work},
};

/// Connections at once.
const CONNECTIONS: usize = 4;

/// How often work that was refused for a passing reason is tried again.
const AGAIN: u32 = 10;

pub(crate) struct Pool {
    connector: Arc<Connector>,
    idle: Mutex<Vec<Arc<Session>>>,
    permits: Semaphore,
    /// Since when nothing could be done, and when that was last seen.
    outage: Mutex<Option<(Instant, Instant)>>,
}

impl Pool {
    pub(crate) fn new(connector: Arc<Connector>) -> Self {
        Self { connector, idle: Mutex::default(), permits: Semaphore::new(CONNECTIONS), outage: Mutex::default() }
    }

    /// Does `work` on a connection.
    pub(crate) async fn with<T, F: Future<Output = Work<T>>>(
        &self,
        work: impl Fn(Arc<Session>) -> F,
    ) -> Result<T, StoreError> {
        let _permit = self.permits.acquire().await.map_err(|_| StoreError::Closed)?;
        let (mut lost, mut again) = (0, 0);
        loop {
            let fault = match self.try_with(&work).await {
                Ok(it) => {
                    *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    return Ok(it);
                }
                Err(fault) => fault,
            };
            let wait = match &fault {
                Fault::Lost(_) if self.outage() < self.patience() => {
                    self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    lost += 1;
                    pause(lost)
                }
                Fault::Again(_) | Fault::Refused if again < AGAIN => {
                    again += 1;
                    pause(again)
                }
                _ => return Err(fault.reading()),
            };
            if self.permits.is_closed() {
                return Err(StoreError::Closed);
            }
            tracing::debug!(?fault, "the database is asked again");
            tokio::time::sleep(wait).await;
        }
    }

    async fn try_with<T, F: Future<Output = Work<T>>>(&self, work: &impl Fn(Arc<Session>) -> F) -> Work<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let session = match idle.filter(|it| !it.client().is_closed()) {
            Some(session) => session,
            None => Arc::new(self.connector.connect(Line::Any).await?),
        };
        let done = work(Arc::clone(&session)).await;
        // An error that the server reported leaves its connection as it was: transactions are rolled back.
        if !self.permits.is_closed() && !matches!(done, Err(Fault::Lost(_) | Fault::Other(_))) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        }
        done
    }

    /// For how long all work has failed. Work that comes after the patience is spent does not begin it anew.
    fn outage(&self) -> Duration {
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // Where nothing was asked for in between, nobody knows that it lasted.
        let known = outage.filter(|(_, seen)| *seen + self.patience() > now);
        let (since, _) = *outage.insert((known.map_or(now, |(since, _)| since), now));
        now - since
    }

    fn patience(&self) -> Duration {
        self.connector.options.patience
    }

    /// Refuses all later work.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
