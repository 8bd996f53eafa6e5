//! Small things kept by key: sealed secrets, and results of tasks that may serve again.
//!
//! **Invariant:** a store sees sealed bytes only; what a secret says is known to the [vault](crate::vault) alone.

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::Timestamp;

use crate::StoreError;

/// A secret in a listing, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRow {
    /// Its name.
    pub name: String,
    /// When it was last set.
    pub updated_at: Timestamp,
}

/// A cached output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedRow {
    /// Its key.
    pub key: [u8; 32],
    /// The encoded output.
    pub output: Bytes,
    /// From when on it serves no more.
    pub expires: Timestamp,
}

/// Keeps sealed secrets by name.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Sets a secret, in place of an earlier one of that name.
    async fn put_secret(&self, name: &str, sealed: Bytes, at: Timestamp) -> Result<(), StoreError>;

    /// The sealed bytes of a secret.
    async fn secret(&self, name: &str) -> Result<Option<Bytes>, StoreError>;

    /// All secrets, by name.
    async fn secrets(&self) -> Result<Vec<SecretRow>, StoreError>;

    /// Forgets a secret. Says whether there was one.
    async fn delete_secret(&self, name: &str) -> Result<bool, StoreError>;
}

/// Keeps encoded outputs of tasks for a while, by key. Losing one costs a repetition, nothing else.
#[async_trait]
pub trait ResultCache: Send + Sync {
    /// The output under `key`, unless it expires at `now` or earlier.
    async fn cached(&self, key: &[u8; 32], now: Timestamp) -> Result<Option<Bytes>, StoreError>;

    /// Keeps an output until `expires`, in place of an earlier one of that key.
    async fn put_cached(&self, key: &[u8; 32], output: Bytes, expires: Timestamp) -> Result<(), StoreError>;

    /// Drops at most `limit` outputs that expire at `now` or earlier, and says how many there were.
    async fn drop_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// At most `limit` outputs (and a page's worth of bytes at most, but one output at least) whose keys lie above
    /// `after`, in order of key, expired or not. An empty answer is the end.
    async fn all_cached(&self, after: Option<[u8; 32]>, limit: usize) -> Result<Vec<CachedRow>, StoreError>;
}
