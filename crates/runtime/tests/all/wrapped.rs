//! A store around another whose commits, rows, blobs, log lines and secrets tests can hold, fail and count.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{FlowHash, RunId, Timestamp};
use drawloom_store::{
    Append, BlobHash, BlobWriter, Blobs, CachedRow, Catalog, Claim, Commit, DuePlace, Finding, FlowRow, IdPrefix,
    Journal, LogAppend, LogPlace, LogQuery, LogRecord, LogSource, Logs, Prune, Pruned, Publish, Published, Record,
    ResultCache, RunAppend, RunFilter, RunReader, RunRow, SecretRow, Secrets, Store, StoreError, StoreInfo, Unended,
    Upkeep, Version,
};
use tokio::sync::{mpsc, oneshot, watch};

type Answer<T> = Result<T, StoreError>;

/// What a test does to commits.
pub(crate) struct Hooks {
    held: watch::Sender<bool>,
    /// The append with this number, and all after it, fail; 0: none does.
    pub(crate) fail_from: AtomicU64,
    pub(crate) appends: AtomicU64,
    pub(crate) committed: AtomicU64,
    /// Journals have lost all facts from this number on.
    pub(crate) torn_from: AtomicU64,
    /// What the appends held that failed.
    pub(crate) refused: Mutex<Vec<RunAppend>>,
    /// Whether the store says that it writes early; asked when a loom is opened.
    pub(crate) early: AtomicBool,
    /// The most runs of one append.
    pub(crate) widest: AtomicUsize,
    /// This run's row is read so often; whoever reads it once more waits.
    rows_held: watch::Sender<Option<(RunId, u64)>>,
    /// How often that row was asked for.
    row_reads: AtomicU64,
    /// So many times reading a row fails, as the store cannot be reached.
    pub(crate) row_failures: AtomicU64,
    /// So many times putting a version fails.
    pub(crate) version_failures: AtomicU64,
    /// While this holds, no fact is read.
    facts_held: watch::Sender<bool>,
    /// How often facts were asked for.
    fact_reads: AtomicU64,
    /// While this holds, no log line is stored.
    logs_held: watch::Sender<bool>,
    /// So many times storing log lines fails.
    pub(crate) log_failures: AtomicU64,
    /// While this holds, no blob is put.
    blobs_held: watch::Sender<bool>,
    /// Blobs that were to be put.
    pub(crate) puts: AtomicU64,
    pub(crate) renewals: AtomicU64,
    /// Whether what is read of blobs is not what was put.
    pub(crate) garbled: AtomicBool,
    /// While this holds, no secret is read.
    secrets_held: watch::Sender<bool>,
    /// So many times reading a secret fails, as the store cannot be reached.
    pub(crate) secret_failures: AtomicU64,
    pub(crate) secret_reads: AtomicU64,
}

impl Hooks {
    pub(crate) fn hold(&self) {
        self.held.send_replace(true);
    }

    pub(crate) fn let_go(&self) {
        self.held.send_replace(false);
    }

    /// Lets the row of `run` be read so often in all, and holds whoever reads it once more.
    pub(crate) fn let_read(&self, run: RunId, times: u64) {
        self.rows_held.send_replace(Some((run, times)));
    }

    /// Waits until somebody has asked for that row so often.
    pub(crate) async fn until_read(&self, times: u64) {
        while self.row_reads.load(Ordering::SeqCst) < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn hold_facts(&self, hold: Hold) {
        self.facts_held.send_replace(hold == Hold::On);
    }

    /// Waits until somebody has asked for facts so often.
    pub(crate) async fn until_facts_are_read(&self, times: u64) {
        while self.fact_reads.load(Ordering::SeqCst) < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn hold_logs(&self, hold: Hold) {
        self.logs_held.send_replace(hold == Hold::On);
    }

    pub(crate) fn hold_blobs(&self, hold: Hold) {
        self.blobs_held.send_replace(hold == Hold::On);
    }

    pub(crate) fn hold_secrets(&self, hold: Hold) {
        self.secrets_held.send_replace(hold == Hold::On);
    }
}

/// Whether a test holds something back.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Hold {
    On,
    Off,
}

/// Fails where a failure is left of those that were asked for.
fn unless_failing(failures: &AtomicU64) -> Answer<()> {
    match failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1)) {
        Ok(_) => Err(StoreError::Unavailable("says the test".to_owned())),
        Err(_) => Ok(()),
    }
}

async fn unless_held(held: &watch::Sender<bool>) {
    // The sender outlives the wait.
    let _ = held.subscribe().wait_for(|held| !held).await;
}

pub(crate) struct Wrapped {
    inner: Arc<dyn Store>,
    hooks: Arc<Hooks>,
    appends: mpsc::UnboundedSender<(Append, oneshot::Sender<Answer<()>>)>,
}

impl Wrapped {
    pub(crate) fn around(inner: Arc<dyn Store>) -> (Arc<Self>, Arc<Hooks>) {
        let hooks = Arc::new(Hooks {
            held: watch::Sender::new(false),
            fail_from: AtomicU64::new(0),
            appends: AtomicU64::new(0),
            committed: AtomicU64::new(0),
            torn_from: AtomicU64::new(u64::MAX),
            refused: Mutex::default(),
            early: AtomicBool::new(false),
            widest: AtomicUsize::new(0),
            rows_held: watch::Sender::new(None),
            row_reads: AtomicU64::new(0),
            row_failures: AtomicU64::new(0),
            version_failures: AtomicU64::new(0),
            facts_held: watch::Sender::new(false),
            fact_reads: AtomicU64::new(0),
            logs_held: watch::Sender::new(false),
            log_failures: AtomicU64::new(0),
            blobs_held: watch::Sender::new(false),
            puts: AtomicU64::new(0),
            renewals: AtomicU64::new(0),
            garbled: AtomicBool::new(false),
            secrets_held: watch::Sender::new(false),
            secret_failures: AtomicU64::new(0),
            secret_reads: AtomicU64::new(0),
        });
        let (appends, mut queue) = mpsc::unbounded_channel::<(Append, oneshot::Sender<Answer<()>>)>();
        let (store, seen) = (Arc::clone(&inner), Arc::clone(&hooks));
        tokio::spawn(async move {
            while let Some((append, answer)) = queue.recv().await {
                unless_held(&seen.held).await;
                let number = seen.committed.fetch_add(1, Ordering::SeqCst) + 1;
                let fail_from = seen.fail_from.load(Ordering::SeqCst);
                let result = if fail_from > 0 && number >= fail_from {
                    seen.refused.lock().unwrap().extend(append.runs);
                    Err(StoreError::Full("no room, says the test".to_owned()))
                } else {
                    store.append(append).await
                };
                let _ = answer.send(result);
            }
        });
        (Arc::new(Self { inner, hooks: Arc::clone(&hooks), appends }), hooks)
    }
}

#[async_trait]
impl Journal for Wrapped {
    async fn claim(&self, owner: &str) -> Answer<Claim> {
        self.inner.claim(owner).await
    }
    fn append(&self, append: Append) -> Commit {
        self.hooks.appends.fetch_add(1, Ordering::SeqCst);
        self.hooks.widest.fetch_max(append.runs.len(), Ordering::SeqCst);
        let (answer, result) = oneshot::channel();
        let _ = self.appends.send((append, answer));
        Box::pin(async move { result.await.unwrap_or(Err(StoreError::Closed)) })
    }
    fn writes_early(&self) -> bool {
        self.hooks.early.load(Ordering::SeqCst)
    }
    async fn facts(&self, run: RunId, after: u64) -> Answer<Vec<Record>> {
        self.hooks.fact_reads.fetch_add(1, Ordering::SeqCst);
        unless_held(&self.hooks.facts_held).await;
        let torn_from = self.hooks.torn_from.load(Ordering::SeqCst);
        let facts = self.inner.facts(run, after).await?;
        Ok(facts.into_iter().filter(|it| it.seq < torn_from).collect())
    }
    async fn unended(&self, which: Unended, after: Option<RunId>, limit: usize) -> Answer<Vec<RunRow>> {
        self.inner.unended(which, after, limit).await
    }
    async fn due(&self, until: Timestamp, after: Option<DuePlace>, limit: usize) -> Answer<Vec<RunRow>> {
        self.inner.due(until, after, limit).await
    }
}

#[async_trait]
impl RunReader for Wrapped {
    async fn run(&self, run: RunId) -> Answer<Option<RunRow>> {
        let held = self.hooks.rows_held.borrow().is_some_and(|(it, _)| it == run);
        if held {
            let number = self.hooks.row_reads.fetch_add(1, Ordering::SeqCst) + 1;
            // The sender outlives the wait.
            let _ = self.hooks.rows_held.subscribe().wait_for(|it| it.is_none_or(|(_, most)| number <= most)).await;
        }
        unless_failing(&self.hooks.row_failures)?;
        self.inner.run(run).await
    }
    async fn runs(&self, filter: &RunFilter, before: Option<RunId>, limit: usize) -> Answer<Vec<RunRow>> {
        self.inner.runs(filter, before, limit).await
    }
    async fn ids(&self, prefix: IdPrefix, limit: usize) -> Answer<Vec<RunId>> {
        self.inner.ids(prefix, limit).await
    }
    async fn started_with(&self, key: &str) -> Answer<Option<RunId>> {
        self.inner.started_with(key).await
    }
    async fn blobs_of(&self, run: RunId) -> Answer<Vec<BlobHash>> {
        self.inner.blobs_of(run).await
    }
}

#[async_trait]
impl Catalog for Wrapped {
    async fn put_version(&self, blueprint: Bytes, source: Option<&str>) -> Answer<FlowHash> {
        unless_failing(&self.hooks.version_failures)?;
        self.inner.put_version(blueprint, source).await
    }
    async fn version(&self, hash: FlowHash) -> Answer<Option<Version>> {
        self.inner.version(hash).await
    }
    async fn versions(&self, after: Option<FlowHash>, limit: usize) -> Answer<Vec<FlowHash>> {
        self.inner.versions(after, limit).await
    }
    async fn publish(&self, publish: Publish) -> Answer<Published> {
        self.inner.publish(publish).await
    }
    async fn published(&self, flow: &str, number: u32) -> Answer<Option<Published>> {
        self.inner.published(flow, number).await
    }
    async fn history(&self, flow: &str, before: Option<u32>, limit: usize) -> Answer<Vec<Published>> {
        self.inner.history(flow, before, limit).await
    }
    async fn active(&self, flow: &str) -> Answer<Option<Published>> {
        self.inner.active(flow).await
    }
    async fn activate(&self, flow: &str, number: u32) -> Answer<Published> {
        self.inner.activate(flow, number).await
    }
    async fn flows(&self, after: Option<&str>, limit: usize) -> Answer<Vec<FlowRow>> {
        self.inner.flows(after, limit).await
    }
}

#[async_trait]
impl Secrets for Wrapped {
    async fn put_secret(&self, name: &str, sealed: Bytes, at: Timestamp) -> Answer<()> {
        self.inner.put_secret(name, sealed, at).await
    }
    async fn secret(&self, name: &str) -> Answer<Option<Bytes>> {
        self.hooks.secret_reads.fetch_add(1, Ordering::SeqCst);
        unless_held(&self.hooks.secrets_held).await;
        unless_failing(&self.hooks.secret_failures)?;
        self.inner.secret(name).await
    }
    async fn secrets(&self) -> Answer<Vec<SecretRow>> {
        self.inner.secrets().await
    }
    async fn delete_secret(&self, name: &str) -> Answer<bool> {
        self.inner.delete_secret(name).await
    }
}

#[async_trait]
impl ResultCache for Wrapped {
    async fn cached(&self, key: &[u8; 32], now: Timestamp) -> Answer<Option<Bytes>> {
        self.inner.cached(key, now).await
    }
    async fn put_cached(&self, key: &[u8; 32], output: Bytes, expires: Timestamp) -> Answer<()> {
        self.inner.put_cached(key, output, expires).await
    }
    async fn drop_expired(&self, now: Timestamp, limit: usize) -> Answer<usize> {
        self.inner.drop_expired(now, limit).await
    }
    async fn all_cached(&self, after: Option<[u8; 32]>, limit: usize) -> Answer<Vec<CachedRow>> {
        self.inner.all_cached(after, limit).await
    }
}

#[async_trait]
impl Blobs for Wrapped {
    async fn put_blob(&self, bytes: Bytes) -> Answer<BlobHash> {
        self.hooks.puts.fetch_add(1, Ordering::SeqCst);
        unless_held(&self.hooks.blobs_held).await;
        self.inner.put_blob(bytes).await
    }
    async fn blob(&self, hash: BlobHash) -> Answer<Option<Bytes>> {
        self.inner.blob(hash).await
    }
    async fn has_blob(&self, hash: BlobHash) -> Answer<bool> {
        self.inner.has_blob(hash).await
    }
    async fn new_blob(&self) -> Answer<Box<dyn BlobWriter>> {
        self.inner.new_blob().await
    }
    async fn blob_part(&self, hash: BlobHash, from: u64, most: usize) -> Answer<Option<Bytes>> {
        let part = self.inner.blob_part(hash, from, most).await?;
        let garbled = self.hooks.garbled.load(Ordering::SeqCst);
        Ok(part.map(|it| if garbled { it.iter().map(|byte| byte ^ 1).collect() } else { it }))
    }
    async fn renew_blob(&self, hash: BlobHash) -> Answer<bool> {
        self.hooks.renewals.fetch_add(1, Ordering::SeqCst);
        self.inner.renew_blob(hash).await
    }
    async fn blobs(&self, after: Option<BlobHash>, limit: usize) -> Answer<Vec<BlobHash>> {
        self.inner.blobs(after, limit).await
    }
}

#[async_trait]
impl Logs for Wrapped {
    async fn append_logs(&self, appends: Vec<LogAppend>) -> Answer<()> {
        unless_held(&self.hooks.logs_held).await;
        unless_failing(&self.hooks.log_failures)?;
        self.inner.append_logs(appends).await
    }
    async fn read_logs(&self, query: &LogQuery, after: LogPlace, limit: usize) -> Answer<Vec<LogRecord>> {
        self.inner.read_logs(query, after, limit).await
    }
    async fn log_sources(&self, run: RunId) -> Answer<Vec<LogSource>> {
        self.inner.log_sources(run).await
    }
}

#[async_trait]
impl Upkeep for Wrapped {
    async fn info(&self) -> Answer<StoreInfo> {
        self.inner.info().await
    }
    async fn check(&self, limit: usize) -> Answer<Vec<Finding>> {
        self.inner.check(limit).await
    }
    async fn prune(&self, prune: Prune) -> Answer<Pruned> {
        self.inner.prune(prune).await
    }
    async fn delete_run(&self, run: RunId) -> Answer<bool> {
        self.inner.delete_run(run).await
    }
    async fn backup(&self, to: &Path) -> Answer<()> {
        self.inner.backup(to).await
    }
    async fn close(&self) -> Answer<()> {
        self.inner.close().await
    }
}
