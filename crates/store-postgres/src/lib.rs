//! The PostgreSQL store: pipelined group commits, a lease on the runs, readers apart.
//!
//! A store lives in one schema of a database. One process owns its runs and appends on one connection; a second one
//! keeps the lease; a few others, of this and of other processes, read, and look after the catalog and secrets.
//!
//! **Invariant:** an acknowledged commit is on the server's disk ([`Durability::Full`]); a former owner can write
//! nothing; and a server that does not have what was acknowledged is noticed and refused.

mod blobs;
mod catalog;
mod columns;
mod connect;
mod fault;
mod journal;
mod keep;
mod lease;
mod logs;
mod options;
mod pool;
mod prune;
mod room;
mod runs;
mod schema;
mod tls;
mod upkeep;
mod writer;

use std::{sync::Arc, time::Duration};

use drawloom_store::StoreError;

pub use crate::options::{Options, UrlError};
use crate::{connect::Connector, fault::Fault, pool::Pool, room::Room, writer::Writer};

/// How long a store that is dropped waits for a server to do what was handed over.
const CLOSING: Duration = Duration::from_secs(4);

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When the server has it on disk, and wherever else its `synchronous_commit` asks for. Nothing acknowledged is
    /// lost with it.
    #[default]
    Full,
    /// When the server has it in memory; it writes it within three times its `wal_writer_delay` (0.6 s, unless that
    /// was changed). If this process or its connection dies nothing is lost. If the server dies, what was
    /// acknowledged in that time may be gone. What is left is always sound.
    Relaxed,
}

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading and writing. The schema is made where there is none.
    Write(Durability),
    /// Reading only, also beside a running owner, and also from a standby.
    Read,
}

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    connector: Arc<Connector>,
    pool: Arc<Pool>,
    writer: Option<Writer>,
    room: Room,
}

impl PostgresStore {
    /// Opens the store that `options` name. Blocks for as long as connecting and preparing the schema takes.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is nothing to read; [`StoreError::Newer`] where a newer binary wrote it;
    /// [`StoreError::Damaged`] where something else stands there; [`StoreError::ReadOnly`] where it may not be made;
    /// [`StoreError::Unavailable`] where the server cannot be reached or does not let this user in.
    pub fn open(options: Options, access: Access) -> Result<Self, StoreError> {
        let room = Room::open()?;
        let durability = match access {
            Access::Write(durability) => Some(durability),
            Access::Read => None,
        };
        let connector = Connector::new(options, durability, room.handle().clone()).map_err(Fault::reading)?;
        let preparing = Arc::clone(&connector);
        room.wait(async move { schema::prepare(&preparing).await })?.map_err(Fault::reading)?;
        let writer = match access {
            Access::Write(_) => Some(Writer::start(Arc::clone(&connector), room.handle())?),
            Access::Read => None,
        };
        let pool = Arc::new(Pool::new(Arc::clone(&connector)));
        Ok(Self { connector, pool, writer, room })
    }

    /// Where the store is, for people. It names no password.
    #[must_use]
    pub fn place(&self) -> String {
        self.connector.options.place()
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or_else(|| StoreError::ReadOnly("it was opened for reading".to_owned()))
    }

    fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The connections for writing what needs no claim.
    fn writing(&self) -> Result<&Pool, StoreError> {
        self.writer()?;
        Ok(&self.pool)
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.pool.close();
        if let Some(writer) = &self.writer {
            writer.hurry();
            let closing = writer.close();
            // The writer's task is gone where it was closed before, and so is whom to wait for. A server that was asked
            // before there was a hurry may be waited for longer than that allows.
            let _ = self.room.wait(async { drop(tokio::time::timeout(CLOSING, closing).await) });
        }
        self.room.close();
    }
}
