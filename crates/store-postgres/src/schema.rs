//! The schema of a store, and how it comes about.
//!
//! **Invariant:** migrations run in order, in one transaction, by one process at a time; what is in a schema and is
//! not a store, or is newer, is left alone.

use std::time::{Duration, Instant};

use drawloom_store::StoreError;

use crate::{
    connect::{Connector, Session, pause},
    fault::{Fault, Work},
};

/// Migration `n` stands at position `n - 1`. They are never changed, only added to.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001.sql")];

/// The schema version this binary knows.
pub(crate) const SCHEMA: u32 = MIGRATIONS.len() as u32;

/// What stands in a schema.
enum Found {
    /// A store with this id and version.
    Store(String, u32),
    /// Nothing, or no such schema at all.
    Nothing,
    /// Something else.
    Foreign,
}

/// How long a server that starts, stops or cuts connections is waited for when a store is opened.
const OPENING: Duration = Duration::from_secs(20);

/// Finds the store, as soon as a server that is there lets it.
pub(crate) async fn prepare(connector: &Connector) -> Work<()> {
    let (start, patience) = (Instant::now(), OPENING.min(connector.options.patience));
    for tries in 0.. {
        match find(connector).await {
            Err(Fault::Lost(message)) if connector.is_there() && start.elapsed() < patience => {
                tracing::debug!(message, "the store is not open yet");
                tokio::time::sleep(pause(tries)).await;
            }
            other => return other,
        }
    }
    Err(StoreError::Closed.into())
}

/// Finds the store, and makes it or brings it up to date where it may. What is found is what later connections
/// must find.
async fn find(connector: &Connector) -> Work<()> {
    let session = connector.raw().await?;
    let schema = &connector.options.schema;
    let id = match look(&session, schema).await? {
        Found::Store(id, version) if version == SCHEMA => id,
        Found::Store(_, found) if found > SCHEMA => return Err(StoreError::Newer { found, known: SCHEMA }.into()),
        Found::Foreign => {
            let message = format!(
                "schema `{schema}` of database `{}` holds something that is not a Drawloom store; name another \
                 with `?schema=` in the store's URL",
                connector.options.database()
            );
            return Err(StoreError::Damaged(message).into());
        }
        Found::Nothing if connector.only_reads() => {
            return Err(StoreError::Missing(format!("store at {}", connector.options.place())).into());
        }
        Found::Nothing | Found::Store(..) => {
            // An older store is migrated whatever it is opened for, as it cannot be read before.
            session
                .transact("BEGIN READ WRITE", migrate(&session, schema))
                .await
                .map_err(|it| explain(it, connector))?
        }
    };
    connector.found(id);
    Ok(())
}

async fn look(session: &Session, schema: &str) -> Work<Found> {
    let sql = "SELECT to_regclass(quote_ident($1) || '.store') IS NOT NULL AS is_store, \
               EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                       WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm')) AS is_used";
    let row = session.one(sql, &[&schema]).await?;
    match (row.try_get(0)?, row.try_get(1)?) {
        (false, false) => Ok(Found::Nothing),
        (false, true) => Ok(Found::Foreign),
        (true, _) => match session.find("SELECT id::text, version FROM store", &[]).await {
            Ok(Some(row)) => {
                let version: i32 = row.try_get(1)?;
                Ok(Found::Store(row.try_get(0)?, u32::try_from(version).unwrap_or(u32::MAX)))
            }
            Ok(None) | Err(Fault::Other(_) | Fault::Store(StoreError::Damaged(_))) => Ok(Found::Foreign),
            Err(other) => Err(other),
        },
    }
}

/// Brings the schema up to date and returns the store's id.
async fn migrate(session: &Session, schema: &str) -> Work<String> {
    // Whoever else is at it has done it when this is passed.
    session.execute("SELECT pg_advisory_xact_lock(hashtextextended('drawloom ' || $1, 0))", &[&schema]).await?;
    let done = match look(session, schema).await? {
        Found::Store(id, version) if version >= SCHEMA => return Ok(id),
        Found::Store(_, version) => version,
        Found::Nothing | Found::Foreign => {
            session.batch(&format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")).await?;
            0
        }
    };
    for (version, sql) in (1_i32..).zip(MIGRATIONS).skip(done as usize) {
        session.batch(sql).await?;
        let sql = "INSERT INTO store (version) VALUES ($1) ON CONFLICT (one) DO UPDATE SET version = excluded.version";
        session.execute(sql, &[&version]).await?;
        tracing::debug!(version, "the store's schema was migrated");
    }
    Ok(session.one("SELECT id::text FROM store", &[]).await?.try_get(0)?)
}

fn explain(fault: Fault, connector: &Connector) -> Fault {
    match fault {
        Fault::Store(StoreError::ReadOnly(message)) => {
            let (schema, database) = (&connector.options.schema, connector.options.database());
            let advice = format!(
                "{message}; let an administrator do `CREATE SCHEMA {schema} AUTHORIZATION <this user>` in database `{database}`"
            );
            StoreError::ReadOnly(advice).into()
        }
        other => other,
    }
}
