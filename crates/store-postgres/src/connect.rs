//! Connections: how they are made, and what is made sure of before they are used.
//!
//! **Invariant:** whatever is reached through a connection is the store that was opened first, and no other that
//! answers at the same address.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use drawloom_store::StoreError;
use tokio::{runtime, task::JoinSet};
use tokio_postgres::{Client, Error, Row, Statement, error::SqlState, types::ToSql};

use crate::{
    Durability, Options,
    fault::{Fault, Work},
    options::chain,
    tls::Tls,
};

/// The oldest PostgreSQL that is supported, as it numbers itself.
const OLDEST: i32 = 140_000;

/// Values for a statement.
pub(crate) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection, with what was prepared on it.
pub(crate) struct Session {
    client: Client,
    prepared: Mutex<HashMap<String, Statement>>,
}

impl Session {
    /// The statement for `sql`, which is prepared when it is first asked for.
    pub(crate) async fn prepare(&self, sql: &str) -> Work<Statement> {
        let known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let statement = self.client.prepare(sql).await?;
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(crate) async fn query(&self, sql: &str, values: Values<'_>) -> Work<Vec<Row>> {
        let statement = self.prepare(sql).await?;
        Ok(self.client.query(&statement, values).await?)
    }

    pub(crate) async fn find(&self, sql: &str, values: Values<'_>) -> Work<Option<Row>> {
        let statement = self.prepare(sql).await?;
        Ok(self.client.query_opt(&statement, values).await?)
    }

    pub(crate) async fn one(&self, sql: &str, values: Values<'_>) -> Work<Row> {
        let statement = self.prepare(sql).await?;
        Ok(self.client.query_one(&statement, values).await?)
    }

    pub(crate) async fn execute(&self, sql: &str, values: Values<'_>) -> Work<u64> {
        let statement = self.prepare(sql).await?;
        Ok(self.client.execute(&statement, values).await?)
    }

    /// Does statements that return nothing and have no values.
    pub(crate) async fn batch(&self, sql: &str) -> Work<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Does `work` in a transaction that begins with `begin`, and commits it.
    pub(crate) async fn transact<T>(&self, begin: &str, work: impl Future<Output = Work<T>>) -> Work<T> {
        self.batch(begin).await?;
        match work.await {
            Ok(it) => {
                self.batch("COMMIT").await?;
                Ok(it)
            }
            Err(fault) => {
                // Where this fails too, the connection is of no more use, and the first error says why.
                let _ = self.batch("ROLLBACK").await;
                Err(fault)
            }
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Reading, and writing what needs no claim.
    Any,
    /// Appending facts.
    Appends,
}

/// Makes connections.
pub(crate) struct Connector {
    pub(crate) options: Options,
    durability: Option<Durability>,
    tls: Tls,
    room: runtime::Handle,
    /// The id of the store that was opened.
    id: OnceLock<String>,
    /// Whether a server has answered, if only that it cannot be used at this moment.
    answered: AtomicBool,
}

impl Connector {
    /// Connections with the store that `options` name; for reading only where no durability is given.
    pub(crate) fn new(options: Options, durability: Option<Durability>, room: runtime::Handle) -> Work<Arc<Self>> {
        let tls = Tls::new(options.trust, options.authorities.as_deref())
            .map_err(|it| StoreError::Unavailable(format!("the certificates of authorities cannot be used: {it}")))?;
        Ok(Arc::new(Self { options, durability, tls, room, id: OnceLock::new(), answered: AtomicBool::new(false) }))
    }

    /// A connection to the server, on which nothing was looked at yet.
    pub(crate) async fn raw(&self) -> Work<Session> {
        // Two answers are waited for: that of the machine, and that of the server on it.
        let time = self.options.connect_time() * 2;
        tokio::time::timeout(time, self.make()).await.unwrap_or_else(|_| {
            Err(Fault::Lost(format!(
                "{} takes connections, and nothing answers within {} s; check that PostgreSQL works there",
                self.options.server(),
                time.as_secs()
            )))
        })
    }

    async fn make(&self) -> Work<Session> {
        let (config, tls) = (self.options.config.clone(), self.tls.clone());
        // The connection's socket and its task belong to the store's own runtime, whoever asks.
        let mut connecting = JoinSet::new();
        let connect = async move {
            let (client, connection) = config.connect(tls).await?;
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(error = chain(&error), "a connection ended");
                }
            });
            Ok::<_, Error>(client)
        };
        connecting.spawn_on(connect, &self.room);
        let client = match connecting.join_next().await {
            Some(Ok(connected)) => connected.map_err(|it| self.explain(&it))?,
            Some(Err(_)) | None => return Err(StoreError::Closed.into()),
        };
        self.answered.store(true, Ordering::Relaxed);
        let session = Session { client, prepared: Mutex::default() };
        session.batch(&self.settings()).await?;
        let version: i32 = session.one("SELECT current_setting('server_version_num')::int", &[]).await?.try_get(0)?;
        if version < OLDEST {
            let (major, minor) = (version / 10_000, version % 10_000);
            let message = format!("the server is PostgreSQL {major}.{minor}; version 14 or a newer one is needed");
            return Err(StoreError::Unavailable(message).into());
        }
        Ok(session)
    }

    /// A connection to the store that was opened.
    pub(crate) async fn connect(&self, line: Line) -> Work<Session> {
        let session = self.raw().await?;
        let known = self.id.get().map_or("", String::as_str);
        let found = session.find("SELECT id::text, version FROM store", &[]).await;
        let (id, version) = match found {
            Ok(Some(row)) => (row.try_get::<_, String>(0)?, row.try_get::<_, i32>(1)?),
            Ok(None) => (String::new(), 0),
            // An empty database has no such table.
            Err(Fault::Store(StoreError::Damaged(_))) => (String::new(), 0),
            Err(other) => return Err(other),
        };
        if id != known || id.is_empty() {
            let found = if id.is_empty() { "no store".to_owned() } else { format!("another store, {id}") };
            let message = format!(
                "{} holds {found} now, where store {known} was; if the server failed over, point it to the one that \
                 has the data",
                self.options.place()
            );
            return Err(StoreError::Damaged(message).into());
        }
        if version != i32::try_from(crate::schema::SCHEMA).unwrap_or(i32::MAX) {
            let found = u32::try_from(version).unwrap_or_default();
            return Err(StoreError::Newer { found, known: crate::schema::SCHEMA }.into());
        }
        if line == Line::Appends {
            session
                .batch(
                    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
                     SET enable_mergejoin = off; SET drawloom.turn = '0'",
                )
                .await?;
        }
        Ok(session)
    }

    /// Notes which store it is. Later connections must find the same.
    pub(crate) fn found(&self, id: String) {
        // The first one found is the one.
        let _ = self.id.set(id);
    }

    /// Whether what was lost may come back by itself soon: a server is there, and starts, stops or cuts connections.
    pub(crate) fn is_there(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// Whether this is for reading only.
    pub(crate) fn only_reads(&self) -> bool {
        self.durability.is_none()
    }

    /// What a session needs to have set, however server, database and role are set up.
    fn settings(&self) -> String {
        let mut sql = format!(
            "SET search_path TO \"{}\"; SET jit = off; SET statement_timeout = 0; SET lock_timeout = 0; \
             SET idle_in_transaction_session_timeout = '5s'; SET default_transaction_isolation = 'read committed'; \
             SET default_transaction_deferrable = off",
            self.options.schema
        );
        match self.durability {
            // Whatever is stricter than this is left as it is.
            Some(Durability::Full) => sql.push_str(
                "; SELECT set_config('synchronous_commit', 'on', false) \
                 WHERE current_setting('synchronous_commit') = 'off'",
            ),
            Some(Durability::Relaxed) => sql.push_str("; SET synchronous_commit = off"),
            None => sql.push_str("; SET default_transaction_read_only = on"),
        }
        sql
    }

    /// Why a connection could not be made, and what to do about it.
    fn explain(&self, error: &Error) -> Fault {
        let config = &self.options.config;
        let (server, user) = (self.options.server(), config.get_user().unwrap_or("this system's user"));
        let Some(it) = error.as_db_error() else {
            let text = chain(error);
            if text.contains("failed to lookup address") {
                return Fault::Lost(format!("the host of {server} is not known; check the store's URL ({text})"));
            }
            if text.contains("password missing") {
                return Fault::Store(StoreError::Unavailable(format!(
                    "the server at {server} asks for the password of `{user}`: put it into the store's URL, or into PGPASSWORD"
                )));
            }
            let is_tls = text.contains("TLS handshake") || text.contains("certificate");
            if is_tls {
                return Fault::Store(StoreError::Unavailable(format!(
                    "no trusted connection to {server}: {text}; see `sslmode` and `sslrootcert` in the store's URL"
                )));
            }
            return Fault::Lost(format!(
                "no PostgreSQL server answers at {server} ({text}); start it, or check the store's URL"
            ));
        };
        let message = it.message();
        let refused = |advice: String| Fault::Store(StoreError::Unavailable(format!("{message}: {advice}")));
        match *it.code() {
            SqlState::INVALID_PASSWORD => {
                refused(format!("check user and password in the store's URL, or PGPASSWORD, for {server}"))
            }
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                refused(format!("check the user and `sslmode` in the store's URL, and pg_hba.conf on {server}"))
            }
            SqlState::INVALID_CATALOG_NAME => refused(format!(
                "make it with `createdb {}`, or name another in the store's URL",
                self.options.database()
            )),
            SqlState::INSUFFICIENT_PRIVILEGE => refused(format!("let `{user}` connect to it, or use another user")),
            SqlState::TOO_MANY_CONNECTIONS => {
                Fault::Lost(format!("{message}: raise max_connections on {server}, or stop others"))
            }
            SqlState::CANNOT_CONNECT_NOW | SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => {
                self.answered.store(true, Ordering::Relaxed);
                Fault::Lost(format!("{server}: {message}; wait until it is up, and see its log if it stays so"))
            }
            _ => Fault::Lost(format!("{server}: {message}")),
        }
    }
}

/// What the server answers to `work`, unless it takes longer than `time`.
pub(crate) async fn answered<T>(time: Duration, work: impl Future<Output = Work<T>>) -> Work<T> {
    let in_time = tokio::time::timeout(time, work).await;
    in_time.unwrap_or_else(|_| Err(Fault::Lost(format!("the server has not answered for {} s", time.as_secs()))))
}

/// How long to wait before a connection is tried for the `n`th time again.
pub(crate) fn pause(n: u32) -> Duration {
    Duration::from_millis(10 << n.min(4)).min(Duration::from_millis(200))
}
