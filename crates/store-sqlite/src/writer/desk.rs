//! Where everything is written: the connection, what is remembered of it, and its transactions.
//!
//! **Invariant:** what is remembered of the file holds as long as nobody else has written to it; that is asked at the
//! start of each transaction. A transaction that failed leaves nothing remembered.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use drawloom_blueprint::RunId;
use drawloom_store::{Claim, Epoch, RunState, StoreError, Written};
use rusqlite::Connection;

use super::{Answer, Shared, room::Room, wal::WalFlush};
use crate::{
    Durability,
    fault::{Fault, Work},
    lock::OwnerLock,
    schema,
};

/// Runs of which something is remembered at most.
const REMEMBERED: usize = 100_000;

/// Pages in the log before they are moved into the file: 16 MiB. Larger saves writes, smaller saves space.
const CHECKPOINT_PAGES: i64 = 4096;

/// What the writer knows of a run without looking it up.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The number of its last fact.
    pub(super) last: u64,
    /// Bytes of facts that its row does not count yet.
    pub(super) unwritten: u64,
    /// The state in its row; none where the row was not written by this process.
    pub(super) state: Option<RunState>,
}

/// The writer's connection and memory.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(super) conn: Connection,
    pub(super) path: PathBuf,
    lock: Option<OwnerLock>,
    pub(super) epoch: Epoch,
    /// What is known of unended runs.
    pub(super) known: HashMap<RunId, Known>,
    data_version: i64,
    flush: Option<WalFlush>,
    room: Option<Room>,
    broken: Option<String>,
    /// What the present transaction writes; counted once it is committed.
    pub(super) writing: Written,
    /// What was written since the start; others look at it.
    written: Arc<Mutex<Written>>,
}

impl Desk {
    pub(super) fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        Self::try_open(path, durability).map_err(|it| it.opening(path))
    }

    fn try_open(path: &Path, durability: Durability) -> Work<Self> {
        let mut conn = schema::writing(path)?;
        schema::migrate(path, &mut conn)?;
        schema::use_log(&conn)?;
        schema::settle(&conn)?;
        let (level, flush, room) = match durability {
            Durability::Full => ("FULL", None, Some(Room::new(path))),
            // Nobody waits for a flush, so it may take its time.
            Durability::Relaxed => ("NORMAL", Some(WalFlush::new(path)), None),
        };
        conn.pragma_update(None, "synchronous", level)?;
        conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        conn.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
        conn.pragma_update(None, "cache_size", -32 * 1024)?;
        Ok(Self {
            conn,
            path: path.to_owned(),
            lock: None,
            epoch: Epoch(0),
            known: HashMap::new(),
            data_version: -1,
            flush,
            room,
            broken: None,
            writing: Written::default(),
            written: Arc::default(),
        })
    }

    /// How long the flush of what was acknowledged before may wait; none where none is due.
    pub(super) fn flush_due_in(&self) -> Option<Duration> {
        self.flush.as_ref().and_then(WalFlush::due_in)
    }

    /// Flushes commits that were acknowledged before they were on disk.
    pub(super) fn flush_log(&mut self) {
        if let Some(flush) = &mut self.flush
            && let Err(error) = flush.flush()
        {
            self.break_off(format!("{}: the log could not be flushed: {error}", self.path.display()));
        }
    }

    /// Makes this process the owner.
    pub(crate) fn claim(&mut self, owner: &str) -> Work<Claim> {
        if self.lock.is_none() {
            self.lock = Some(OwnerLock::take(&self.path, owner)?);
        }
        let mut claim =
            self.conn.prepare_cached("UPDATE ownership SET epoch = epoch + 1, owner = ? RETURNING epoch")?;
        let epoch: i64 = claim.query_row([owner], |row| row.get(0))?;
        self.epoch = Epoch(epoch.unsigned_abs());
        Ok(Claim { epoch: self.epoch })
    }

    /// Whether this handle has claimed the store.
    pub(super) fn is_owner(&self) -> bool {
        self.lock.is_some()
    }

    /// The connection, inside a transaction.
    pub(crate) fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Forgets what is remembered of a run that is deleted.
    pub(crate) fn forget(&mut self, run: RunId) {
        self.known.remove(&run);
    }

    /// Does `work` in a transaction and commits it, or does nothing and says why.
    pub(super) fn transact<T>(&mut self, work: impl FnOnce(&mut Self) -> Work<T>) -> Result<T, StoreError> {
        if let Some(message) = &self.broken {
            return Err(StoreError::Broken(message.clone()));
        }
        let done = self.begin().and_then(|()| work(self)).and_then(|it| {
            self.conn.prepare_cached("COMMIT")?.execute([])?;
            Ok(it)
        });
        match done {
            Ok(it) => {
                if let Some(flush) = &mut self.flush {
                    flush.committed();
                }
                self.count();
                Ok(it)
            }
            Err(fault) => Err(self.roll_back(fault)),
        }
    }

    fn count(&mut self) {
        let new = std::mem::take(&mut self.writing);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.commits += u64::from(new.rows > 0);
        written.rows += new.rows;
        written.bytes += new.bytes;
    }

    /// Where it is counted what was written to the journal.
    pub(super) fn written(&self) -> Arc<Mutex<Written>> {
        Arc::clone(&self.written)
    }

    fn begin(&mut self) -> Work<()> {
        self.writing = Written::default();
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let version: i64 = self.conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if version != self.data_version {
            self.data_version = version;
            self.known.clear();
            let epoch: i64 = self.conn.query_row("SELECT epoch FROM ownership", [], |row| row.get(0))?;
            self.epoch = Epoch(epoch.unsigned_abs());
        }
        Ok(())
    }

    fn roll_back(&mut self, fault: Fault) -> StoreError {
        self.known.clear();
        self.data_version = -1;
        let error = fault.writing(&self.path);
        // SQLite rolls back by itself after some errors.
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            self.break_off(format!("a transaction could not be rolled back: {error}"));
        }
        if let StoreError::Broken(message) = &error {
            self.break_off(message.clone());
        }
        error
    }

    fn break_off(&mut self, message: String) {
        tracing::error!(%message, "the store stops writing");
        self.broken.get_or_insert(message);
    }

    /// Commits shared jobs together, each refused or accepted on its own: the first, and whatever `more` brings while
    /// they are being written.
    pub(super) fn commit_group(&mut self, first: (Shared, Answer), mut more: impl FnMut() -> Option<(Shared, Answer)>) {
        let (first, answer) = first;
        let mut asked: Vec<(Answer, Result<(), StoreError>)> = vec![(answer, Ok(()))];
        let committed = self.transact(|desk| {
            let mut job = first;
            loop {
                let done = match job {
                    Shared::Append(append) => desk.append(&append),
                    Shared::Logs(appends) => desk.append_logs(appends),
                };
                match (done, asked.last_mut()) {
                    // A refusal comes before the first write of its job, so the others are untouched by it.
                    (Err(Fault::Store(refusal)), Some((_, outcome))) if !matches!(refusal, StoreError::Broken(_)) => {
                        *outcome = Err(refusal);
                    }
                    (done, _) => done?,
                }
                let Some((next, answer)) = more() else { return Ok(()) };
                asked.push((answer, Ok(())));
                job = next;
            }
        });
        if committed.is_err() {
            // What waits already may build on what was rolled back, and would meet the same.
            asked.extend(std::iter::from_fn(more).map(|(_, answer)| (answer, Ok(()))));
        }
        for (answer, outcome) in asked {
            // Whoever asked may have gone; what was committed stays committed.
            let _ = answer.send(outcome.and_then(|()| committed.clone()));
        }
        self.room.iter_mut().for_each(Room::make);
    }
}
