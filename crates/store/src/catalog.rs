//! The catalog: versions of flows, what is published under which number, and which one is active.
//!
//! **Invariant:** a version and a number, once written, never change; only the active pointer moves.

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{FlowHash, Timestamp};

use crate::StoreError;

/// A compiled version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The hash of `blueprint`.
    pub hash: FlowHash,
    /// The encoded blueprint.
    pub blueprint: Bytes,
    /// The document as its author wrote it.
    pub source: Option<String>,
}

/// A version under its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The flow's name.
    pub flow: String,
    /// The number, counted per flow from 1.
    pub number: u32,
    /// The version.
    pub hash: FlowHash,
    /// What its author says about it.
    pub note: String,
    /// When it was published.
    pub at: Timestamp,
}

/// A flow in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRow {
    /// The active version.
    pub active: Published,
    /// The highest number.
    pub latest: u32,
}

/// Keeps versions of flows. Needs no claim: publishing beside a running owner is allowed.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Keeps a version under its hash, which is returned. Doing so again changes nothing: the first source that
    /// was given stays.
    async fn put_version(&self, blueprint: Bytes, source: Option<&str>) -> Result<FlowHash, StoreError>;

    /// The version with this hash.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where the stored bytes do not have this hash.
    async fn version(&self, hash: FlowHash) -> Result<Option<Version>, StoreError>;

    /// At most `limit` hashes of versions above `after`, in order of hash.
    async fn versions(&self, after: Option<FlowHash>, limit: usize) -> Result<Vec<FlowHash>, StoreError>;

    /// Publishes a version under the next number of `flow` and makes it the active one. Where it is the version
    /// with the highest number already, that number stays and becomes active, and nothing is written twice.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where no version has this hash.
    async fn publish(&self, publish: Publish) -> Result<Published, StoreError>;

    /// The version `number` of `flow`.
    async fn published(&self, flow: &str, number: u32) -> Result<Option<Published>, StoreError>;

    /// At most `limit` published versions of `flow` with numbers below `before`, newest first.
    async fn history(&self, flow: &str, before: Option<u32>, limit: usize) -> Result<Vec<Published>, StoreError>;

    /// The active version of `flow`.
    async fn active(&self, flow: &str) -> Result<Option<Published>, StoreError>;

    /// Makes version `number` of `flow` the active one, and returns it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is no such version.
    async fn activate(&self, flow: &str, number: u32) -> Result<Published, StoreError>;

    /// At most `limit` flows whose names lie above `after`, in order of name (by bytes).
    async fn flows(&self, after: Option<&str>, limit: usize) -> Result<Vec<FlowRow>, StoreError>;
}

/// A version to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// The flow's name.
    pub flow: String,
    /// The version, which must be in the store.
    pub hash: FlowHash,
    /// What its author says about it.
    pub note: String,
    /// Now.
    pub at: Timestamp,
}
