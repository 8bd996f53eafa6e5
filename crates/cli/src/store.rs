//! Stores by URL.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use drawloom_store::{MemoryStore, Store, StoreError};
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
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// In this process, and gone with it.
    Memory,
    /// In a file.
    Sqlite(PathBuf),
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
            "postgres" | "postgresql" | "redis" | "rediss" => format!("stores on {scheme} are not in this version"),
            _ => format!("`{url}` does not name a store"),
        };
        Err(Failure::store(message)
            .help("use memory: or sqlite://PATH (with an absolute path: sqlite:///var/lib/x.db)"))
    }
}

/// The path of a SQLite store; none for another kind of store.
pub(crate) fn path(url: &str) -> Option<PathBuf> {
    match Place::parse(url).ok()? {
        Place::Memory => None,
        Place::Sqlite(path) => Some(path),
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
            let store = SqliteStore::open(&path, access).map_err(|error| match error {
                StoreError::Missing(_) => Failure::store(format!("there is no store at {}", path.display()))
                    .help("`drawloom run` makes one; --store or DRAWLOOM_STORE names another"),
                error => error.into(),
            })?;
            Ok(Arc::new(store))
        }
    }
}

/// Puts a backup where the settings say that the store is. Nothing that is there is touched.
pub(crate) fn restore(settings: &Settings, from: &Path) -> Result<(), Failure> {
    let Some(path) = path(&settings.store) else {
        return Err(Failure::usage(format!("`{}` cannot be restored to", settings.store)).help("use a sqlite:// store"));
    };
    Ok(SqliteStore::restore(from, &path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_places() {
        let parse = |url| Place::parse(url).ok();
        assert_eq!(parse("memory:"), Some(Place::Memory));
        assert_eq!(parse("sqlite://a/b.db"), Some(Place::Sqlite("a/b.db".into())));
        assert_eq!(parse("sqlite:///a/b.db"), Some(Place::Sqlite("/a/b.db".into())));
        assert_eq!(parse("b.db"), Some(Place::Sqlite("b.db".into())));
        for wrong in ["sqlite://", "", "postgres://host/db", "redis://host", "sqlite:x.db", "file:x"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert!(
            Place::parse("postgres://h")
                .is_err_and(|it| it.message().contains("not in this version") && it.code() == 3)
        );
    }
}
