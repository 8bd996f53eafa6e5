//! Large outputs, kept beside the journal under the hash of their bytes.
//!
//! **Invariant:** the bytes under a hash have that hash; a blob that was put is there after a crash.

mod draft;
mod folder;

use std::{fmt, str::FromStr};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::StoreError;

pub use folder::FolderBlobs;

/// The SHA-256 of a blob.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobHash(pub [u8; 32]);

impl BlobHash {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobHash({})", hex::encode(&self.0[..6]))
    }
}

impl FromStr for BlobHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| format!("`{text}` is not a blob's hash (64 hexadecimal digits)"))?;
        Ok(Self(bytes))
    }
}

/// Keeps blobs. Needs no claim.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Keeps `bytes` and returns their hash. Doing so again changes nothing.
    async fn put_blob(&self, bytes: Bytes) -> Result<BlobHash, StoreError>;

    /// The bytes with this hash.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where the stored bytes do not have it any more.
    async fn blob(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError>;

    /// Whether a blob with this hash is there. Its bytes are not looked at.
    async fn has_blob(&self, hash: BlobHash) -> Result<bool, StoreError>;

    /// A new blob, to be written piece by piece.
    async fn new_blob(&self) -> Result<Box<dyn BlobWriter>, StoreError>;

    /// At most `most` bytes of a blob, from the byte number `from` on; none of them behind its end. What is read so is
    /// not compared with the hash.
    async fn blob_part(&self, hash: BlobHash, from: u64, most: usize) -> Result<Option<Bytes>, StoreError>;

    /// Says whether a blob is there, and has it stay as long as if it had just been put.
    async fn renew_blob(&self, hash: BlobHash) -> Result<bool, StoreError>;

    /// At most `limit` hashes above `after`, in order.
    async fn blobs(&self, after: Option<BlobHash>, limit: usize) -> Result<Vec<BlobHash>, StoreError>;
}

/// Writes one blob without holding all of it. Dropping this leaves nothing of it.
#[async_trait]
pub trait BlobWriter: Send {
    /// Adds bytes. After an error nothing more can be written.
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError>;

    /// Keeps what was written, as [`Blobs::put_blob`] would.
    async fn finish(self: Box<Self>) -> Result<BlobHash, StoreError>;
}
