//! What the simulated store passes on to the memory store.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{FlowHash, RunId, Timestamp};
use drawloom_store::{
    Append, BlobHash, BlobWriter, Blobs, CachedRow, Catalog, Claim, Commit, DuePlace, Finding, FlowRow, IdPrefix,
    Journal, LogAppend, LogPlace, LogQuery, LogRecord, LogSource, Logs, Prune, Pruned, Publish, Published, Record,
    ResultCache, RunFilter, RunReader, RunRow, SecretRow, Secrets, StoreError, StoreInfo, Unended, Upkeep, Version,
};
use tokio::sync::oneshot;

use super::{Disk, Waiting};

type Answer<T> = Result<T, StoreError>;

/// A call that takes its time before it is answered, and after: what it tells may be old when it arrives.
macro_rules! pass {
    ($self:ident, $call:expr) => {{
        $self.gate().await?;
        let answer = $call.await;
        $self.gate().await?;
        answer
    }};
}

#[async_trait]
impl Journal for Disk {
    async fn claim(&self, owner: &str) -> Answer<Claim> {
        self.gate().await?;
        let claim = self.memory.claim(owner).await?;
        if claim.epoch <= self.stage.epoch() {
            self.stage.break_off(format!("epoch {} was given again", claim.epoch));
        }
        self.stage.claimed(claim.epoch, &self.life);
        Ok(claim)
    }

    fn append(&self, append: Append) -> Commit {
        self.stage.count_call();
        if !self.life.is_alive() {
            return Box::pin(std::future::pending());
        }
        let (answer, result) = oneshot::channel();
        self.queue().push_back(Waiting { append, answer });
        self.more.notify_one();
        let life = Arc::clone(&self.life);
        Box::pin(async move {
            match result.await {
                Ok(it) => it,
                Err(_) => {
                    life.breathe().await;
                    Err(StoreError::Closed)
                }
            }
        })
    }

    fn writes_early(&self) -> bool {
        true
    }

    async fn facts(&self, run: RunId, after: u64) -> Answer<Vec<Record>> {
        pass!(self, self.memory.facts(run, after))
    }

    async fn unended(&self, which: Unended, after: Option<RunId>, limit: usize) -> Answer<Vec<RunRow>> {
        pass!(self, self.memory.unended(which, after, limit))
    }

    async fn due(&self, until: Timestamp, after: Option<DuePlace>, limit: usize) -> Answer<Vec<RunRow>> {
        pass!(self, self.memory.due(until, after, limit))
    }
}

#[async_trait]
impl RunReader for Disk {
    async fn run(&self, run: RunId) -> Answer<Option<RunRow>> {
        pass!(self, self.memory.run(run))
    }

    async fn runs(&self, filter: &RunFilter, before: Option<RunId>, limit: usize) -> Answer<Vec<RunRow>> {
        pass!(self, self.memory.runs(filter, before, limit))
    }

    async fn ids(&self, prefix: IdPrefix, limit: usize) -> Answer<Vec<RunId>> {
        pass!(self, self.memory.ids(prefix, limit))
    }

    async fn started_with(&self, key: &str) -> Answer<Option<RunId>> {
        pass!(self, self.memory.started_with(key))
    }

    async fn blobs_of(&self, run: RunId) -> Answer<Vec<BlobHash>> {
        pass!(self, self.memory.blobs_of(run))
    }
}

#[async_trait]
impl Catalog for Disk {
    async fn put_version(&self, blueprint: Bytes, source: Option<&str>) -> Answer<FlowHash> {
        pass!(self, self.memory.put_version(blueprint, source))
    }

    async fn version(&self, hash: FlowHash) -> Answer<Option<Version>> {
        pass!(self, self.memory.version(hash))
    }

    async fn versions(&self, after: Option<FlowHash>, limit: usize) -> Answer<Vec<FlowHash>> {
        pass!(self, self.memory.versions(after, limit))
    }

    async fn publish(&self, publish: Publish) -> Answer<Published> {
        pass!(self, self.memory.publish(publish))
    }

    async fn published(&self, flow: &str, number: u32) -> Answer<Option<Published>> {
        pass!(self, self.memory.published(flow, number))
    }

    async fn history(&self, flow: &str, before: Option<u32>, limit: usize) -> Answer<Vec<Published>> {
        pass!(self, self.memory.history(flow, before, limit))
    }

    async fn active(&self, flow: &str) -> Answer<Option<Published>> {
        pass!(self, self.memory.active(flow))
    }

    async fn activate(&self, flow: &str, number: u32) -> Answer<Published> {
        pass!(self, self.memory.activate(flow, number))
    }

    async fn flows(&self, after: Option<&str>, limit: usize) -> Answer<Vec<FlowRow>> {
        pass!(self, self.memory.flows(after, limit))
    }
}

#[async_trait]
impl Secrets for Disk {
    async fn put_secret(&self, name: &str, sealed: Bytes, at: Timestamp) -> Answer<()> {
        pass!(self, self.memory.put_secret(name, sealed, at))
    }

    async fn secret(&self, name: &str) -> Answer<Option<Bytes>> {
        pass!(self, self.memory.secret(name))
    }

    async fn secrets(&self) -> Answer<Vec<SecretRow>> {
        pass!(self, self.memory.secrets())
    }

    async fn delete_secret(&self, name: &str) -> Answer<bool> {
        pass!(self, self.memory.delete_secret(name))
    }
}

#[async_trait]
impl ResultCache for Disk {
    async fn cached(&self, key: &[u8; 32], now: Timestamp) -> Answer<Option<Bytes>> {
        pass!(self, self.memory.cached(key, now))
    }

    async fn put_cached(&self, key: &[u8; 32], output: Bytes, expires: Timestamp) -> Answer<()> {
        pass!(self, self.memory.put_cached(key, output, expires))
    }

    async fn all_cached(&self, after: Option<[u8; 32]>, limit: usize) -> Answer<Vec<CachedRow>> {
        pass!(self, self.memory.all_cached(after, limit))
    }

    async fn drop_expired(&self, now: Timestamp, limit: usize) -> Answer<usize> {
        pass!(self, self.memory.drop_expired(now, limit))
    }
}

#[async_trait]
impl Blobs for Disk {
    async fn put_blob(&self, bytes: Bytes) -> Answer<BlobHash> {
        pass!(self, self.memory.put_blob(bytes))
    }

    async fn blob(&self, hash: BlobHash) -> Answer<Option<Bytes>> {
        pass!(self, self.memory.blob(hash))
    }

    async fn has_blob(&self, hash: BlobHash) -> Answer<bool> {
        pass!(self, self.memory.has_blob(hash))
    }

    async fn new_blob(&self) -> Answer<Box<dyn BlobWriter>> {
        pass!(self, self.memory.new_blob())
    }

    async fn blob_part(&self, hash: BlobHash, from: u64, most: usize) -> Answer<Option<Bytes>> {
        pass!(self, self.memory.blob_part(hash, from, most))
    }

    async fn renew_blob(&self, hash: BlobHash) -> Answer<bool> {
        pass!(self, self.memory.renew_blob(hash))
    }

    async fn blobs(&self, after: Option<BlobHash>, limit: usize) -> Answer<Vec<BlobHash>> {
        pass!(self, self.memory.blobs(after, limit))
    }
}

#[async_trait]
impl Logs for Disk {
    async fn append_logs(&self, appends: Vec<LogAppend>) -> Answer<()> {
        pass!(self, self.memory.append_logs(appends))
    }

    async fn read_logs(&self, query: &LogQuery, after: LogPlace, limit: usize) -> Answer<Vec<LogRecord>> {
        pass!(self, self.memory.read_logs(query, after, limit))
    }

    async fn log_sources(&self, run: RunId) -> Answer<Vec<LogSource>> {
        pass!(self, self.memory.log_sources(run))
    }
}

#[async_trait]
impl Upkeep for Disk {
    async fn info(&self) -> Answer<StoreInfo> {
        pass!(self, self.memory.info())
    }

    async fn check(&self, limit: usize) -> Answer<Vec<Finding>> {
        pass!(self, self.memory.check(limit))
    }

    async fn prune(&self, prune: Prune) -> Answer<Pruned> {
        pass!(self, self.memory.prune(prune))
    }

    async fn delete_run(&self, run: RunId) -> Answer<bool> {
        self.gate().await?;
        let answer = self.memory.delete_run(run).await;
        if answer == Ok(true) {
            self.stage.say(format_args!("run {run} is deleted"));
            self.stage.ledger().delete(run);
        }
        self.gate().await?;
        answer
    }

    async fn backup(&self, to: &Path) -> Answer<()> {
        pass!(self, self.memory.backup(to))
    }

    async fn close(&self) -> Answer<()> {
        pass!(self, self.memory.close())
    }
}
