//! Whether two stores hold the same.
//!
//! **Invariant:** only reads, a page at a time.

use drawloom_blueprint::RunId;
use sha2::{Digest, Sha256};

use super::{CopyError, PAGE};
use crate::{RunFilter, RunRow, Store, StoreError};

/// Says where the copy is not what was copied.
pub(super) async fn compare(from: &dyn Store, to: &dyn Store) -> Result<(), CopyError> {
    counts(from, to).await?;
    flows(from, to).await?;
    kept(from, to).await?;
    let mut before = None;
    loop {
        let page = from.runs(&RunFilter::default(), before, PAGE).await.map_err(CopyError::Source)?;
        for row in &page {
            run(from, to, row).await?;
        }
        before = page.last().map(|it| it.run);
        if page.len() < PAGE {
            return Ok(());
        }
    }
}

async fn counts(from: &dyn Store, to: &dyn Store) -> Result<(), CopyError> {
    let from = from.info().await.map_err(CopyError::Source)?;
    let to = to.info().await.map_err(CopyError::Target)?;
    same("the number of runs in some state", &from.runs, &to.runs)?;
    same("the number of versions", &from.versions, &to.versions)?;
    same("the number of blobs", &from.blobs, &to.blobs)?;
    same("the bytes of the blobs", &from.blob_bytes, &to.blob_bytes)
}

async fn flows(from: &dyn Store, to: &dyn Store) -> Result<(), CopyError> {
    let mut after: Option<String> = None;
    loop {
        let page = from.flows(after.as_deref(), PAGE).await.map_err(CopyError::Source)?;
        let copy = to.flows(after.as_deref(), PAGE).await.map_err(CopyError::Target)?;
        same("the list of flows", &page, &copy)?;
        after = page.last().map(|it| it.active.flow.clone());
        if page.len() < PAGE {
            return Ok(());
        }
    }
}

async fn kept(from: &dyn Store, to: &dyn Store) -> Result<(), CopyError> {
    let secrets = from.secrets().await.map_err(CopyError::Source)?;
    same("the list of secrets", &secrets, &to.secrets().await.map_err(CopyError::Target)?)?;
    for it in secrets {
        let sealed = from.secret(&it.name).await.map_err(CopyError::Source)?;
        let copy = to.secret(&it.name).await.map_err(CopyError::Target)?;
        same(&format!("the secret `{}`", it.name), &sealed, &copy)?;
    }
    let result = results(from).await.map_err(CopyError::Source)?;
    same("the cached results", &result, &results(to).await.map_err(CopyError::Target)?)
}

async fn run(from: &dyn Store, to: &dyn Store, row: &RunRow) -> Result<(), CopyError> {
    let run = row.run;
    let copy = to.run(run).await.map_err(CopyError::Target)?;
    same(&format!("the row of run {run}"), &Some(row), &copy.as_ref())?;
    let blobs = from.blobs_of(run).await.map_err(CopyError::Source)?;
    same(&format!("the blobs of run {run}"), &blobs, &to.blobs_of(run).await.map_err(CopyError::Target)?)?;
    let logs = from.log_sources(run).await.map_err(CopyError::Source)?;
    same(&format!("the logs of run {run}"), &logs, &to.log_sources(run).await.map_err(CopyError::Target)?)?;
    let facts = facts(from, run).await.map_err(CopyError::Source)?;
    same(&format!("the facts of run {run}"), &facts, &self::facts(to, run).await.map_err(CopyError::Target)?)
}

fn same<T: PartialEq>(what: &str, from: &T, to: &T) -> Result<(), CopyError> {
    if from == to { Ok(()) } else { Err(CopyError::Differs(format!("{what} is not the same"))) }
}

/// A hash of all facts of a run, however they come in pages.
async fn facts(store: &dyn Store, run: RunId) -> Result<[u8; 32], StoreError> {
    let mut hash = Sha256::new();
    let mut after = 0;
    loop {
        let page = store.facts(run, after).await?;
        let Some(last) = page.last() else { return Ok(hash.finalize().into()) };
        after = last.seq;
        for it in &page {
            hash.update(it.seq.to_le_bytes());
            hash.update(it.at.0.to_le_bytes());
            hash.update((it.fact.len() as u64).to_le_bytes());
            hash.update(&it.fact);
        }
    }
}

/// A hash of all cached results.
async fn results(store: &dyn Store) -> Result<[u8; 32], StoreError> {
    let mut hash = Sha256::new();
    let mut after = None;
    loop {
        let page = store.all_cached(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(hash.finalize().into()) };
        after = Some(last.key);
        for it in &page {
            hash.update(it.key);
            hash.update(it.expires.0.to_le_bytes());
            hash.update((it.output.len() as u64).to_le_bytes());
            hash.update(&it.output);
        }
    }
}
