//! Batches log lines on their way to the store.
//!
//! **Invariant:** lines of an attempt are stored in order; what waits here is bounded in bytes, and offering a line
//! never waits.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use drawloom_store::{LogAppend, LogLine, LogSource, Store};
use tokio::sync::{mpsc, oneshot};

/// The most bytes that wait to be stored.
const WAITING_MAX: usize = 32 * 1024 * 1024;

/// What a waiting line takes besides its text.
const LINE_COST: usize = 128;

/// The most lines of one commit.
const LINES_MAX: usize = 4_096;

/// How long lines are gathered.
const GATHER: Duration = Duration::from_millis(100);

enum Item {
    Line(Arc<LogSource>, LogLine),
    Flush(oneshot::Sender<()>),
}

/// Where lines are offered.
#[derive(Clone)]
pub(crate) struct LogSender {
    items: mpsc::UnboundedSender<Item>,
    waiting: Arc<AtomicUsize>,
}

impl LogSender {
    /// Begins to store lines; ends when the last sender is gone. Must be called within the async runtime.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let (items, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        tokio::spawn(keep(store, receiver, Arc::clone(&waiting)));
        Self { items, waiting }
    }

    /// Offers a line. Says whether there was room.
    pub(crate) fn offer(&self, source: &Arc<LogSource>, line: LogLine) -> bool {
        let cost = line.text.len() + LINE_COST;
        if self.waiting.fetch_add(cost, Ordering::Relaxed) > WAITING_MAX {
            self.waiting.fetch_sub(cost, Ordering::Relaxed);
            return false;
        }
        self.items.send(Item::Line(Arc::clone(source), line)).is_ok()
    }

    /// Waits until all that was offered is stored, or could not be.
    pub(crate) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.items.send(Item::Flush(done)).is_ok() {
            // A writer that is gone has nothing left.
            let _ = wait.await;
        }
    }
}

async fn keep(store: Arc<dyn Store>, mut items: mpsc::UnboundedReceiver<Item>, waiting: Arc<AtomicUsize>) {
    let mut gathered = Vec::new();
    while items.recv_many(&mut gathered, LINES_MAX).await > 0 {
        if !gathered.iter().any(|it| matches!(it, Item::Flush(_))) && gathered.len() < LINES_MAX {
            let rest = async {
                while gathered.len() < LINES_MAX && !matches!(gathered.last(), Some(Item::Flush(_))) {
                    match items.recv().await {
                        Some(it) => gathered.push(it),
                        None => return,
                    }
                }
            };
            // The end of the time is the usual end of gathering.
            let _ = tokio::time::timeout(GATHER, rest).await;
        }
        let (appends, cost, flushed) = sort(gathered.drain(..));
        if !appends.is_empty()
            && let Err(error) = store.append_logs(appends).await
        {
            tracing::warn!(%error, "log lines cannot be stored");
        }
        waiting.fetch_sub(cost, Ordering::Relaxed);
        for it in flushed {
            let _ = it.send(());
        }
    }
}

/// Sorts lines by attempt, those of each in order, and adds up what they take.
fn sort(items: impl Iterator<Item = Item>) -> (Vec<LogAppend>, usize, Vec<oneshot::Sender<()>>) {
    let mut appends: Vec<LogAppend> = Vec::new();
    let mut places: HashMap<Arc<LogSource>, usize> = HashMap::new();
    let mut cost = 0;
    let mut flushed = Vec::new();
    for it in items {
        match it {
            Item::Line(source, line) => {
                cost += line.text.len() + LINE_COST;
                let at = *places.entry(source).or_insert_with_key(|source| {
                    appends.push(LogAppend { source: (**source).clone(), lines: Vec::new() });
                    appends.len() - 1
                });
                appends[at].lines.push(line);
            }
            Item::Flush(done) => flushed.push(done),
        }
    }
    (appends, cost, flushed)
}
