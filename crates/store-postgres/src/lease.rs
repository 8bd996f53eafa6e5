//! The lease: who owns the runs, and until when they need not be asked.
//!
//! **Invariant:** the lease is a courtesy that keeps processes from taking the store from each other; what keeps a
//! former owner from writing is the epoch alone. Times are those of the server's clock.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use drawloom_store::{Epoch, StoreError};
use tokio::task::JoinHandle;

use crate::{
    columns::{Key, count, text},
    connect::{Connector, Line, Session, answered, pause},
    fault::{Fault, Work},
};

/// An owner holds this lock for sharing on its keeper's connection, so that others see whether it is there at all.
const LOCK: &str = "1148341357, 'lease'::regclass::oid::int4";

/// How long an owner whose connection is gone may take to make it again, before it counts as dead.
const GONE: Duration = Duration::from_secs(1);

/// How long to wait before looking again whether an owner has come back.
const LOOK: Duration = Duration::from_millis(50);

/// How long the rows of owner and lease are waited for before it is looked who holds them.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '1s'";

/// A claim that was granted, and which connection under it may append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) epoch: Epoch,
    pub(crate) line: i64,
}

/// A handle's part in the lease.
pub(crate) struct Lease {
    connector: Arc<Connector>,
    /// What this handle is known by.
    holder: Key,
    keeper: Option<JoinHandle<()>>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What an attempt to take the lease met.
enum Met {
    /// It was free.
    Taken(Epoch),
    /// Somebody has it.
    Held { holder: Option<Key>, owner: String, is_gone: bool },
}

impl Lease {
    pub(crate) fn new(connector: Arc<Connector>) -> Result<Self, StoreError> {
        let mut chance = [0; 16];
        getrandom::fill(&mut chance).map_err(|it| StoreError::Unavailable(format!("no random numbers: {it}")))?;
        Ok(Self { connector, holder: Key(u128::from_be_bytes(chance)), keeper: None })
    }

    /// Becomes the owner. Waits a moment for an owner that seems to be dead.
    pub(crate) async fn take(&mut self, session: &Session, owner: &str) -> Work<Owned> {
        let owner = format!("process {} on {} ({owner})", std::process::id(), host());
        let mut gone: Option<(Option<Key>, Instant)> = None;
        loop {
            let is_dead = gone.is_some_and(|(_, since)| since.elapsed() >= GONE);
            let dead = gone.filter(|_| is_dead).and_then(|(holder, _)| holder);
            let silence = self.connector.options.silence();
            match answered(silence, owning(session, self.try_take(session, &owner, dead))).await? {
                Met::Taken(epoch) => {
                    self.keep();
                    return Ok(Owned { epoch, line: 1 });
                }
                Met::Held { holder, is_gone: true, .. } => {
                    if gone.is_none_or(|(known, _)| known != holder) {
                        gone = Some((holder, Instant::now()));
                    }
                    tokio::time::sleep(LOOK).await;
                }
                Met::Held { owner, is_gone: false, .. } => {
                    let place = self.connector.options.place();
                    return Err(StoreError::Locked { place, holder: owner }.into());
                }
            }
        }
    }

    /// One attempt, in a transaction; from a holder that is `dead` it is taken before its time.
    async fn try_take(&self, session: &Session, owner: &str, dead: Option<Key>) -> Work<Met> {
        let sql = format!("SELECT pg_try_advisory_xact_lock({LOCK})");
        let is_gone: bool = session.one(&sql, &[]).await?.try_get(0)?;
        let sql = "UPDATE lease SET holder = $1, owner = $2, \
                   expires = clock_timestamp() + $3 * interval '1 microsecond' \
                   WHERE holder IS NULL OR holder = $1 OR expires <= clock_timestamp() OR ($4 AND holder = $5)";
        let lease = micros(self.connector.options.lease);
        let taken = session.execute(sql, &[&self.holder, &owner.as_bytes(), &lease, &is_gone, &dead]).await?;
        if taken == 0 {
            let row = session.one("SELECT holder, owner FROM lease", &[]).await?;
            return Ok(Met::Held { holder: row.try_get(0)?, owner: text(&row, 1)?, is_gone });
        }
        // This waits for appends of the former owner that are under way.
        let row = session.one("UPDATE ownership SET epoch = epoch + 1, session = 1 RETURNING epoch", &[]).await?;
        Ok(Met::Taken(Epoch(count(&row, 0)?)))
    }

    /// Renews the lease from now on.
    fn keep(&mut self) {
        if self.keeper.as_ref().is_none_or(JoinHandle::is_finished) {
            self.keeper = Some(tokio::spawn(keep(Arc::clone(&self.connector), self.holder)));
        }
    }

    fn stop(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            keeper.abort();
        }
    }

    /// Lets others have it at once. Where that fails, they have it when its time is over.
    pub(crate) async fn hand_back(&mut self, session: &Session) {
        self.stop();
        let sql = "UPDATE lease SET holder = NULL, owner = '', expires = '-infinity' WHERE holder = $1";
        if let Err(fault) = session.execute(sql, &[&self.holder]).await {
            tracing::debug!(?fault, "the lease was not handed back");
        }
    }
}

/// Does `work` with the rows of owner and lease, in a transaction that waits for them a moment only. Where that was too
/// short, the next attempt finds connections gone that would have held them for ever.
pub(crate) async fn owning<T>(session: &Session, work: impl Future<Output = Work<T>>) -> Work<T> {
    let done = session.transact(BEGIN, work).await;
    if let Err(Fault::Again(_)) = &done {
        unblock(session).await;
    }
    done
}

/// Ends connections that hold these rows and wait for their client. It was paused or cut off in the middle of a commit or
/// claim, which the server cannot know; what it had begun is undone. A commit that works or waits for a disk is left alone.
async fn unblock(session: &Session) {
    let sql = "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.wait_event = 'ClientRead' \
               AND a.pid <> pg_backend_pid() AND a.pid IN (SELECT l.pid FROM pg_locks l JOIN pg_database d \
               ON d.oid = l.database AND d.datname = current_database() \
               WHERE l.granted AND l.relation IN ('ownership'::regclass, 'lease'::regclass))";
    match session.query(sql, &[]).await {
        Ok(ended) if ended.is_empty() => {}
        Ok(ended) => tracing::warn!(ended = ended.len(), "connections of an owner that is out of reach were ended"),
        // They may be another role's. Then the rows are waited for.
        Err(fault) => tracing::debug!(?fault, "connections that hold the lease could not be ended"),
    }
}

/// Renews the lease for as long as it is this holder's.
async fn keep(connector: Arc<Connector>, holder: Key) {
    let lease = connector.options.lease;
    let mut tries = 0;
    loop {
        match renew(&connector, holder, &mut tries).await {
            Ok(()) => {
                tracing::warn!("the lease is another process's now");
                return;
            }
            Err(fault) => {
                tracing::debug!(?fault, "the lease could not be renewed");
                tokio::time::sleep(pause(tries).min(lease / 10)).await;
                tries += 1;
            }
        }
    }
}

/// Renews the lease on one connection. Returns when it is another's.
async fn renew(connector: &Connector, holder: Key, tries: &mut u32) -> Work<()> {
    let lease = connector.options.lease;
    let session = connector.connect(Line::Any).await?;
    answered(lease, session.execute(&format!("SELECT pg_advisory_lock_shared({LOCK})"), &[])).await?;
    loop {
        let sql = "UPDATE lease SET expires = clock_timestamp() + $2 * interval '1 microsecond' WHERE holder = $1";
        // A server that does not answer within a lease is better looked for anew.
        if answered(lease, session.execute(sql, &[&holder, &micros(lease)])).await? == 0 {
            return Ok(());
        }
        *tries = 0;
        tokio::time::sleep(lease * 3 / 10).await;
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_micros() as f64
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
