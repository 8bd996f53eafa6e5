//! Copies everything from one store to another, whatever they are made of.
//!
//! **Invariant:** speaks to both through the port alone, holds a page of each at most, writes into an empty store only,
//! and compares the two at the end. Secrets are copied as they are sealed: the copy opens with the same master key.

mod compare;
mod runs;

use bytes::Bytes;

use crate::{BlobHash, Publish, RunFilter, Store, StoreError, Version};

/// So many rows are asked for at a time.
const PAGE: usize = 500;
/// So many bytes of a blob are read at a time.
const PIECE: usize = 1024 * 1024;

/// What was copied so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Versions of flows.
    pub versions: u64,
    /// Numbers under which versions are published.
    pub published: u64,
    /// Sealed secrets.
    pub secrets: u64,
    /// Cached results.
    pub cached: u64,
    /// Blobs.
    pub blobs: u64,
    /// Runs.
    pub runs: u64,
    /// Their facts.
    pub facts: u64,
    /// Lines that their attempts printed.
    pub lines: u64,
}

/// Why a store was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The store to copy cannot be read.
    #[error("the store to copy: {0}")]
    Source(#[source] StoreError),
    /// The new store cannot be written.
    #[error("the new store: {0}")]
    Target(#[source] StoreError),
    /// The copy is not what was to be copied.
    #[error("the copy differs: {0}")]
    Differs(String),
}

/// What is told of the progress.
pub type Progress<'a> = &'a mut (dyn FnMut(&Copied) + Send);

/// Copies all of `from` to `to`, which must be empty, and compares them. Nothing may write to either meanwhile: this
/// claims both, so that a former owner can not.
///
/// # Errors
/// Where `to` is not empty, either store fails, or they differ in the end. What was copied until then stays in `to`.
pub async fn copy(from: &dyn Store, to: &dyn Store, progress: Progress<'_>) -> Result<Copied, CopyError> {
    from.claim("store copy").await.map_err(CopyError::Source)?;
    let claim = to.claim("store copy").await.map_err(CopyError::Target)?;
    if !is_empty(to).await.map_err(CopyError::Target)? {
        let place = to.info().await.map_err(CopyError::Target)?.place;
        return Err(CopyError::Target(StoreError::Exists(place)));
    }
    let mut copier = Copier { from, to, done: Copied::default(), progress };
    copier.versions().await?;
    copier.flows().await?;
    copier.secrets().await?;
    copier.cached().await?;
    copier.blobs().await?;
    runs::copy(&mut copier, claim).await?;
    compare::compare(from, to).await?;
    Ok(copier.done)
}

/// Whether nothing is in the store.
async fn is_empty(store: &dyn Store) -> Result<bool, StoreError> {
    Ok(store.runs(&RunFilter::default(), None, 1).await?.is_empty()
        && store.versions(None, 1).await?.is_empty()
        && store.secrets().await?.is_empty()
        && store.blobs(None, 1).await?.is_empty()
        && store.all_cached(None, 1).await?.is_empty())
}

struct Copier<'a> {
    from: &'a dyn Store,
    to: &'a dyn Store,
    done: Copied,
    progress: Progress<'a>,
}

impl Copier<'_> {
    fn tell(&mut self) {
        (self.progress)(&self.done);
    }

    async fn versions(&mut self) -> Result<(), CopyError> {
        let mut after = None;
        loop {
            let page = self.from.versions(after, PAGE).await.map_err(CopyError::Source)?;
            for hash in &page {
                let Version { blueprint, source, .. } =
                    self.from.version(*hash).await.and_then(there("version")).map_err(CopyError::Source)?;
                let copied = self.to.put_version(blueprint, source.as_deref()).await.map_err(CopyError::Target)?;
                if copied != *hash {
                    return Err(CopyError::Differs(format!("version {hash} became {copied}")));
                }
                self.done.versions += 1;
            }
            self.tell();
            after = page.last().copied();
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    async fn flows(&mut self) -> Result<(), CopyError> {
        let mut after: Option<String> = None;
        loop {
            let page = self.from.flows(after.as_deref(), PAGE).await.map_err(CopyError::Source)?;
            for row in &page {
                let flow = &row.active.flow;
                for number in 1..=row.latest {
                    self.publish(flow, number).await?;
                }
                self.to.activate(flow, row.active.number).await.map_err(CopyError::Target)?;
            }
            self.tell();
            after = page.last().map(|it| it.active.flow.clone());
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    async fn publish(&mut self, flow: &str, number: u32) -> Result<(), CopyError> {
        let found = self.from.published(flow, number).await.and_then(there("published version"));
        let it = found.map_err(CopyError::Source)?;
        let publish = Publish { flow: it.flow, hash: it.hash, note: it.note, at: it.at };
        let copied = self.to.publish(publish).await.map_err(CopyError::Target)?;
        if copied.number != number {
            return Err(CopyError::Differs(format!("`{flow}@{number}` became number {}", copied.number)));
        }
        self.done.published += 1;
        Ok(())
    }

    async fn secrets(&mut self) -> Result<(), CopyError> {
        for row in self.from.secrets().await.map_err(CopyError::Source)? {
            let sealed = self.from.secret(&row.name).await.and_then(there("secret")).map_err(CopyError::Source)?;
            self.to.put_secret(&row.name, sealed, row.updated_at).await.map_err(CopyError::Target)?;
            self.done.secrets += 1;
        }
        self.tell();
        Ok(())
    }

    async fn cached(&mut self) -> Result<(), CopyError> {
        let mut after = None;
        loop {
            let page = self.from.all_cached(after, PAGE).await.map_err(CopyError::Source)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.key);
            for it in page {
                self.to.put_cached(&it.key, it.output, it.expires).await.map_err(CopyError::Target)?;
                self.done.cached += 1;
            }
            self.tell();
        }
    }

    async fn blobs(&mut self) -> Result<(), CopyError> {
        let mut after = None;
        loop {
            let page = self.from.blobs(after, PAGE).await.map_err(CopyError::Source)?;
            for hash in &page {
                self.blob(*hash).await?;
                self.done.blobs += 1;
                self.tell();
            }
            after = page.last().copied();
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    async fn blob(&mut self, hash: BlobHash) -> Result<(), CopyError> {
        let mut writer = self.to.new_blob().await.map_err(CopyError::Target)?;
        let mut from = 0;
        loop {
            let part = self.from.blob_part(hash, from, PIECE).await.and_then(there("blob"));
            let part: Bytes = part.map_err(CopyError::Source)?;
            if part.is_empty() {
                break;
            }
            from += part.len() as u64;
            writer.write(part).await.map_err(CopyError::Target)?;
        }
        let copied = writer.finish().await.map_err(CopyError::Target)?;
        if copied != hash {
            return Err(CopyError::Source(StoreError::Damaged(format!("the bytes of blob {hash} have another hash"))));
        }
        Ok(())
    }
}

/// What a listing named must be there.
fn there<T>(what: &'static str) -> impl FnOnce(Option<T>) -> Result<T, StoreError> {
    move |found| found.ok_or_else(|| StoreError::Damaged(format!("a {what} that is listed is not there")))
}
