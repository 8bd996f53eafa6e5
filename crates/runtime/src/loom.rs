//! The loom: the owner of a store's runs, and what can be asked of it.
//!
//! **Invariant:** what a call acknowledges is durable. Dropping the last handle ends the work at once, as a crash
//! would; closing ends it gently; either way the runs go on when they are recovered.

use std::sync::{Arc, OnceLock};

use drawloom_blueprint::{RunEnd, RunId, Value};
use drawloom_engine::Input;
use drawloom_store::{Claim, Store};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    Begun, Error, Events, Reader, RunView, Settings, Start, Taken,
    commit::Flight,
    core::{Core, FETCHES_MAX},
    data::Data,
    event::Teller,
    inbox::{Given, GivenRule, INBOX_MAX, Message, Waiter},
    keys::Keys,
    logs::LogSender,
    recovery,
    shard::Shard,
    slots,
    start::{NewRun, Origin, new_run},
};

/// A handle on the loom. Cheap to clone.
#[derive(Clone)]
pub struct Loom(Arc<Handle>);

struct Handle {
    core: Arc<Core>,
    keys: Keys,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.dead.cancel();
    }
}

/// Which runs of an earlier process go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recover {
    /// All of the store.
    All,
    /// This one, and its sub-flows.
    Run(RunId),
}

impl Loom {
    /// Becomes the owner of the store's runs. No run goes on before it is [recovered](Self::recover) or addressed.
    /// Must be called within a tokio runtime, which then does the work.
    ///
    /// # Errors
    /// Where another process owns the store, or it cannot be read.
    pub async fn open(store: Arc<dyn Store>, settings: Settings) -> Result<Self, Error> {
        let claim: Claim = store.claim(&settings.owner).await?;
        let reader = Reader::new(Arc::clone(&store), settings.inline);
        let slots = slots::restore(&*store, &reader).await?;
        let flight = Flight::new(Arc::clone(&store), claim, settings.blob_from);
        let (inbox, messages) = mpsc::channel(INBOX_MAX);
        let core = Arc::new(Core {
            logs: LogSender::new(Arc::clone(&store)),
            data: Arc::new(Data(Arc::clone(&store))),
            store,
            settings,
            reader,
            teller: Teller::new(),
            fetches: Semaphore::new(FETCHES_MAX),
            dead: CancellationToken::new(),
            inbox,
            failure: OnceLock::new(),
        });
        let shard = Shard::new(Arc::clone(&core), messages, slots, flight);
        let end = core.dead.clone().drop_guard();
        tokio::spawn(async move {
            // However the loop ends, everything that works for it ends too.
            let _end = end;
            if let Err(error) = shard.run().await {
                tracing::error!(code = error.code(), %error, remedy = error.remedy(), "the work has stopped");
            }
        });
        Ok(Self(Arc::new(Handle { core, keys: Keys::default() })))
    }

    /// Has runs of an earlier process go on, and says which.
    ///
    /// # Errors
    /// Where the run does not exist or has ended, or the index cannot be read.
    pub async fn recover(&self, which: Recover) -> Result<Vec<RunId>, Error> {
        let core = &self.0.core;
        match which {
            Recover::All => recovery::recover_all(core).await,
            Recover::Run(run) => {
                let status = core.reader.row(run).await?.state.status;
                if status.is_end() {
                    return Err(Error::Ended { run, status });
                }
                core.send(Message::Touch(run)).await?;
                Ok(vec![run])
            }
        }
    }

    /// Starts a run. Its first facts are durable when this returns.
    ///
    /// # Errors
    /// Where the version or the inputs are wrong, the flow is full, or the store fails.
    pub async fn start(&self, start: Start) -> Result<Begun, Error> {
        let Some(key) = start.idempotency_key.clone() else {
            let new = self.new_run(start, Origin::default()).await?;
            return self.begin(new).await;
        };
        let _turn = self.0.keys.turn(&key).await;
        if let Some(run) = self.0.core.store.started_with(&key).await? {
            return Ok(Begun { run, is_new: false });
        }
        let new = self.new_run(start, Origin::default()).await?;
        self.begin(new).await
    }

    /// Checks a start and evaluates what must be known before the run is.
    pub(crate) async fn new_run(&self, start: Start, origin: Origin) -> Result<NewRun, Error> {
        new_run(&*self.0.core.settings.world, self.reader().versions(), start, origin).await
    }

    pub(crate) async fn begin(&self, new: NewRun) -> Result<Begun, Error> {
        let run = new.started.run;
        let (reply, answer) = oneshot::channel();
        self.0.core.send(Message::Begin(Box::new(new), reply)).await?;
        self.answered(answer).await?;
        Ok(Begun { run, is_new: true })
    }

    async fn answered<T>(&self, answer: oneshot::Receiver<Result<T, Error>>) -> Result<T, Error> {
        answer.await.unwrap_or_else(|_| Err(self.0.core.why_dead()))
    }

    /// Listens from now on. A listener made before a start sees all of the run.
    #[must_use]
    pub fn events(&self) -> Events {
        self.0.core.teller.listen()
    }

    /// Reads runs.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.0.core.reader
    }

    /// Waits for the end of a run and says how it ended.
    ///
    /// # Errors
    /// Where there is no such run, or the loom ends before the run does.
    pub async fn ended(&self, run: RunId) -> Result<RunEnd, Error> {
        let (unknown, is_unknown) = oneshot::channel();
        let (ended, mut end) = oneshot::channel();
        self.0.core.send(Message::Wait(run, Waiter { ended, unknown: Some(unknown) })).await?;
        tokio::select! {
            biased;
            end = &mut end => return end.map_err(|_| self.0.core.why_dead()),
            Ok(()) = is_unknown => {}
        }
        // A run that ended before the loop took notice of the wish has its end in the index by now.
        if self.reader().row(run).await?.state.status.is_end() {
            let run = self.reader().rebuild(run).await?;
            return run.end().cloned().ok_or_else(|| Error::NoRun(run.id().to_string()));
        }
        end.await.map_err(|_| self.0.core.why_dead())
    }

    /// Waits for the end of a run and gives all of it.
    ///
    /// # Errors
    /// Where there is no such run, or the loom ends before the run does.
    pub async fn finished(&self, run: RunId) -> Result<RunView, Error> {
        self.ended(run).await?;
        self.reader().view(run).await
    }

    async fn give(&self, run: RunId, input: Input) -> Result<Taken, Error> {
        let (reply, answer) = oneshot::channel();
        let given = Given { input, rule: GivenRule::Always, reply: Some(reply) };
        self.0.core.send(Message::Give(run, given)).await?;
        self.answered(answer).await
    }

    /// Stops all work of a run; its `finally` and `compensate` steps are done, then it is cancelled. A second
    /// cancel kills.
    ///
    /// # Errors
    /// Where there is no such run, or it has ended.
    pub async fn cancel(&self, run: RunId) -> Result<Taken, Error> {
        self.give(run, Input::Cancel).await
    }

    /// Ends a run at once.
    ///
    /// # Errors
    /// Where there is no such run, or it has ended.
    pub async fn kill(&self, run: RunId) -> Result<Taken, Error> {
        self.give(run, Input::Kill).await
    }

    /// Has a run start nothing new.
    ///
    /// # Errors
    /// Where there is no such run, or it has ended.
    pub async fn pause(&self, run: RunId) -> Result<Taken, Error> {
        self.give(run, Input::Pause).await
    }

    /// Has a paused run go on.
    ///
    /// # Errors
    /// Where there is no such run, or it has ended.
    pub async fn resume(&self, run: RunId) -> Result<Taken, Error> {
        self.give(run, Input::Resume).await
    }

    /// Sends a signal. One that nothing waits for yet is kept.
    ///
    /// # Errors
    /// Where there is no such run, or it has ended.
    pub async fn signal(&self, run: RunId, name: &str, payload: Value) -> Result<Taken, Error> {
        self.give(run, Input::Signal { name: name.to_owned(), payload }).await
    }

    /// Answers a `webhook` or `approval` wait.
    ///
    /// # Errors
    /// Where there is no such run, or it has ended.
    pub async fn token(&self, run: RunId, token: &str, payload: Value) -> Result<Taken, Error> {
        self.give(run, Input::Token { token: token.to_owned(), payload }).await
    }

    /// Deletes an ended run, and says whether it was there.
    ///
    /// # Errors
    /// Where it, or the run that started it, has not ended.
    pub async fn delete(&self, run: RunId) -> Result<bool, Error> {
        Ok(self.0.core.store.delete_run(run).await?)
    }

    /// Waits until the loom has ended, and says why: its store failed, or it was closed.
    pub async fn failed(&self) -> Error {
        self.0.core.dead.cancelled().await;
        self.0.core.why_dead()
    }

    /// Ends the work gently: nothing new begins, tasks are stopped (and handed out again when their runs are
    /// recovered), what has succeeded meanwhile is journaled, logs are stored. The store stays open.
    ///
    /// # Errors
    /// Where the store had failed.
    pub async fn close(self) -> Result<(), Error> {
        let core = &self.0.core;
        let (reply, done) = oneshot::channel();
        core.send(Message::Close(reply)).await?;
        let closed = done.await.map_err(|_| core.why_dead());
        core.logs.flush().await;
        closed
    }
}
