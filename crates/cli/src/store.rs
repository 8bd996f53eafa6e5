//! Stores by URL.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use drawloom_store::{MemoryStore, Store, StoreError};
use drawloom_store_postgres::{Options, PostgresStore};
use drawloom_store_sqlite::{Access, SqliteStore};

use crate::{
    failure::Failure,
    settings::{Durability, Settings},
};

/// What a command opens a store for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// To look at it, also beside the process that owns it.
    Read,
    /// To change it. It is made where there is none.
    Write,
}

/// Where a store is.
#[derive(Clone, Debug)]
enum Place {
    /// In this process, and gone with it.
    Memory,
    /// In a file.
    Sqlite(PathBuf),
    /// In a database of a PostgreSQL server.
    Postgres(Box<Options>),
}

impl Place {
    fn parse(url: &str) -> Result<Self, Failure> {
        if url == "memory:" {
            return Ok(Self::Memory);
        }
        let path = url.strip_prefix("sqlite://").or_else(|| (!url.contains(':')).then_some(url));
        if let Some(path) = path.filter(|it| !it.is_empty()) {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        let scheme = url.split(':').next().unwrap_or(url);
        let message = match scheme {
            "postgres" | "postgresql" => match Options::parse(url) {
                Ok(it) => return Ok(Self::Postgres(Box::new(it.or_password(std::env::var("PGPASSWORD").ok())))),
                Err(it) => it.to_string(),
            },
            "redis" | "rediss" => format!("stores on {scheme} are not in this version"),
            _ => format!("`{url}` does not name a store"),
        };
        Err(Failure::store(message).help(
            "use memory:, sqlite://PATH (with an absolute path: sqlite:///var/lib/x.db) or \
             postgres://USER@HOST:PORT/DATABASE",
        ))
    }
}

/// The path of a SQLite store; none for another kind of store.
pub(crate) fn path(url: &str) -> Option<PathBuf> {
    match Place::parse(url).ok()? {
        Place::Memory | Place::Postgres(_) => None,
        Place::Sqlite(path) => Some(path),
    }
}

/// Whether two URLs name the same place.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    match (Place::parse(one), Place::parse(other)) {
        (Ok(Place::Sqlite(one)), Ok(Place::Sqlite(other))) => {
            let real = |it: PathBuf| it.canonicalize().unwrap_or(it);
            real(one) == real(other)
        }
        (Ok(Place::Postgres(one)), Ok(Place::Postgres(other))) => one.place() == other.place(),
        _ => one == other,
    }
}

/// Opens the store that the settings name.
pub(crate) fn open(settings: &Settings, what_for: Use) -> Result<Arc<dyn Store>, Failure> {
    match Place::parse(&settings.store)? {
        Place::Memory => Ok(Arc::new(MemoryStore::new())),
        Place::Sqlite(path) => {
            let durability = match settings.durability {
                Durability::Full => drawloom_store_sqlite::Durability::Full,
                Durability::Relaxed => drawloom_store_sqlite::Durability::Relaxed,
            };
            let access = match what_for {
                Use::Read => Access::Read,
                Use::Write => Access::Write(durability),
            };
            let store = SqliteStore::open(&path, access).map_err(|it| cannot_open(it, &path.display().to_string()))?;
            Ok(Arc::new(store))
        }
        Place::Postgres(options) => {
            let durability = match settings.durability {
                Durability::Full => drawloom_store_postgres::Durability::Full,
                Durability::Relaxed => drawloom_store_postgres::Durability::Relaxed,
            };
            let access = match what_for {
                Use::Read => drawloom_store_postgres::Access::Read,
                Use::Write => drawloom_store_postgres::Access::Write(durability),
            };
            let place = options.place();
            let store = PostgresStore::open(*options, access).map_err(|it| cannot_open(it, &place))?;
            Ok(Arc::new(store))
        }
    }
}

fn cannot_open(error: StoreError, place: &str) -> Failure {
    match error {
        StoreError::Missing(_) => Failure::store(format!("there is no store at {place}"))
            .help("`drawloom run` makes one; --store or DRAWLOOM_STORE names another"),
        error => error.into(),
    }
}

/// Puts a backup where the settings say that the store is. Nothing that is there is touched.
pub(crate) fn restore(settings: &Settings, from: &Path) -> Result<(), Failure> {
    let Some(path) = path(&settings.store) else {
        return Err(Failure::usage(format!("`{}` cannot be restored to", settings.store)).help("use a sqlite:// store"));
    };
    Ok(SqliteStore::restore(from, &path)?)
}

/// The store at the URL of a PostgreSQL server, for writing, every commit flushed.
pub(crate) fn open_postgres(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    let options = Options::parse(url).map_err(|it| StoreError::Unavailable(it.to_string()))?;
    let access = drawloom_store_postgres::Access::Write(drawloom_store_postgres::Durability::Full);
    Ok(Arc::new(PostgresStore::open(options, access)?))
}

/// The store in a file, for writing, every commit flushed.
pub(crate) fn open_file(path: &Path) -> Result<Arc<dyn Store>, StoreError> {
    let access = Access::Write(drawloom_store_sqlite::Durability::Full);
    Ok(Arc::new(SqliteStore::open(path, access)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_places() {
        for (url, file) in [("sqlite://a/b.db", "a/b.db"), ("sqlite:///a/b.db", "/a/b.db"), ("b.db", "b.db")] {
            assert_eq!(path(url), Some(file.into()), "{url}");
        }
        assert!(matches!(Place::parse("memory:"), Ok(Place::Memory)));
        for url in ["postgres://host/db", "postgresql://me:secret@host:1/db?schema=x"] {
            assert!(matches!(Place::parse(url), Ok(Place::Postgres(it)) if it.place().contains("host")), "{url}");
        }
        for wrong in ["sqlite://", "", "redis://host", "sqlite:x.db", "file:x", "postgres://host/db?schema=X"] {
            assert!(Place::parse(wrong).is_err_and(|it| it.code() == 3), "{wrong}");
        }
        assert!(Place::parse("redis://h").is_err_and(|it| it.message().contains("not in this version")));
    }
}
