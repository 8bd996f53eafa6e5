//! Where the writer works: its connection, what it has sent, and what waits.
//!
//! **Invariant:** answers are given in the order of the commits, and only to what is committed or known to be refused.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, PoisonError, atomic::Ordering},
    task::Poll,
    time::{Duration, Instant},
};

use drawloom_blueprint::RunId;
use drawloom_store::{Append, Claim, Epoch, StoreError};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    Answer, Job, Shared,
    columns::Columns,
    known::Known,
    plan::{End, Plan, plan, weight},
};
use crate::{
    connect::{Connector, Line, Session, answered, pause},
    fault::{Fault, Work},
    lease::{Lease, Owned},
};

/// Appends that share a commit at most.
const GROUP_JOBS: usize = 512;

/// What they weigh at most, unless it is one append.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// Commits that are sent before the first is done, so that the database never waits for the next.
const FLIGHT_MAX: usize = 2;

/// How often a group is tried that is refused. Each time somebody else must have changed something in between.
const TRIES: u32 = 20;

/// How long a server that does not answer is waited for when the store is being closed.
const HURRIED: Duration = Duration::from_secs(2);

/// A commit that was sent.
pub(super) struct Sent {
    pub(super) jobs: Vec<(Append, Answer)>,
    /// Which of them are refused, and why; empty where none is.
    refusals: Vec<Option<StoreError>>,
    pub(super) ends: Vec<End>,
    /// Rows and bytes of the journal.
    size: (u64, u64),
    turn: i64,
    at: Instant,
    outcome: Pin<Box<dyn Future<Output = Work<()>> + Send>>,
}

pub(super) struct Desk {
    pub(super) connector: Arc<Connector>,
    shared: Arc<Shared>,
    pub(super) session: Option<Arc<Session>>,
    pub(super) lease: Lease,
    pub(super) owned: Option<Owned>,
    /// Handed over and not sent.
    pub(super) waiting: VecDeque<Job>,
    /// So many of those have to be looked at one by one, since some of them may have to be refused.
    pub(super) careful: usize,
    /// How often the group in front was refused.
    tries: u32,
    /// Sent and not known to be done.
    pub(super) flight: VecDeque<Sent>,
    pub(super) known: Known,
    /// The number of the next commit on this connection.
    pub(super) turn: i64,
    /// A run and a number that the database must have, since it has acknowledged them.
    pub(super) witness: Option<(RunId, u64)>,
    /// The same of a run that has ended since, unless that was deleted meanwhile.
    pub(super) ended: Option<(RunId, u64)>,
    pub(super) broken: Option<String>,
}

impl Desk {
    pub(super) fn new(connector: Arc<Connector>, shared: Arc<Shared>) -> Result<Self, StoreError> {
        let lease = Lease::new(Arc::clone(&connector))?;
        Ok(Self {
            connector,
            shared,
            session: None,
            lease,
            owned: None,
            waiting: VecDeque::new(),
            careful: 0,
            tries: 0,
            flight: VecDeque::new(),
            known: Known::default(),
            turn: 0,
            witness: None,
            ended: None,
            broken: None,
        })
    }

    /// Works until it is closed or nobody can hand anything over any more.
    pub(super) async fn work(mut self, mut jobs: UnboundedReceiver<Job>) {
        let mut is_open = true;
        loop {
            while let Ok(job) = jobs.try_recv() {
                self.waiting.push_back(job);
            }
            if self.may_send() {
                self.send().await;
                continue;
            }
            if self.flight.is_empty() {
                match self.waiting.pop_front() {
                    Some(Job::Claim(owner, answer)) => {
                        // Whoever asked may have gone.
                        let _ = answer.send(self.claim(&owner).await);
                        continue;
                    }
                    Some(Job::Close(answer)) => {
                        self.hand_back().await;
                        let _ = answer.send(());
                        return;
                    }
                    Some(append) => self.waiting.push_front(append),
                    None if is_open => {}
                    None => return self.hand_back().await,
                }
            }
            let silence = self.silence();
            tokio::select! {
                biased;
                outcome = landed(&mut self.flight, silence) => self.settle(outcome).await,
                job = jobs.recv(), if is_open => match job {
                    Some(job) => self.waiting.push_back(job),
                    None => is_open = false,
                },
            }
        }
    }

    fn may_send(&self) -> bool {
        let room = if self.careful > 0 { self.flight.is_empty() } else { self.flight.len() < FLIGHT_MAX };
        room && matches!(self.waiting.front(), Some(Job::Append(..)))
    }

    /// Sends what waits, or refuses it.
    async fn send(&mut self) {
        let group = self.next_group();
        let Some(owned) = self.owned else {
            let error = StoreError::ReadOnly("this process has not claimed the store".to_owned());
            return refuse(group, &self.broken.clone().map_or(error, StoreError::Broken));
        };
        if let Some(message) = &self.broken {
            return refuse(group, &StoreError::Broken(message.clone()));
        }
        if self.careful > 0 {
            self.careful = self.careful.saturating_sub(group.len());
            return self.append_carefully(group, owned).await;
        }
        let is_ours = group.iter().all(|(it, _)| it.claim.epoch == owned.epoch);
        match plan(group.iter().map(|(it, _)| it), &self.known).filter(|_| is_ours) {
            Some(plan) => self.dispatch(group, Vec::new(), plan, owned).await,
            None => {
                self.careful = group.len();
                self.put_back(group);
            }
        }
    }

    fn next_group(&mut self) -> Vec<(Append, Answer)> {
        let most = if self.careful > 0 { self.careful } else { GROUP_JOBS };
        let (mut group, mut bytes) = (Vec::new(), 0);
        while group.len() < most
            && bytes < GROUP_BYTES
            && let Some(job) = self.waiting.pop_front()
        {
            match job {
                Job::Append(append, answer) => {
                    bytes += weight(&append);
                    group.push((append, answer));
                }
                other => {
                    self.waiting.push_front(other);
                    break;
                }
            }
        }
        group
    }

    /// Sends a group. Its outcome is waited for elsewhere.
    pub(super) async fn dispatch(
        &mut self,
        jobs: Vec<(Append, Answer)>,
        refusals: Vec<Option<StoreError>>,
        plan: Plan,
        owned: Owned,
    ) {
        let session = match self.line().await {
            Ok(it) => it,
            Err(fault) => {
                self.put_back(jobs);
                return self.recover(fault).await;
            }
        };
        self.known.note(&plan);
        let (turn, size) = (self.turn, plan.columns.size());
        let ends = plan.ends;
        let mut outcome: Pin<Box<dyn Future<Output = Work<()>> + Send>> = if ends.is_empty() {
            Box::pin(std::future::ready(Ok(())))
        } else {
            self.turn += 1;
            Box::pin(call(session, plan.columns, owned, turn))
        };
        // Asking once sends it; what it answers comes later.
        let sent = std::future::poll_fn(|cx| Poll::Ready(outcome.as_mut().poll(cx))).await;
        if let Poll::Ready(done) = sent {
            outcome = Box::pin(std::future::ready(done));
        }
        self.flight.push_back(Sent { jobs, refusals, ends, size, turn, at: Instant::now(), outcome });
    }

    /// Deals with the outcome of the commit that was sent first.
    async fn settle(&mut self, outcome: Work<()>) {
        let Some(sent) = self.flight.pop_front() else { return };
        let fault = match outcome {
            Ok(()) => return self.done(sent),
            Err(fault) => fault,
        };
        if let Fault::Lost(_) = fault {
            self.flight.push_front(sent);
            return self.recover(fault).await;
        }
        // The commits behind it are refused by the database, since it failed, and are sent again.
        self.turn = sent.turn;
        let behind: Vec<Sent> = self.flight.drain(..).collect();
        for mut it in behind.into_iter().rev() {
            if let Err(Fault::Lost(message)) = answered(self.silence(), &mut it.outcome).await {
                tracing::debug!(message, "the connection was lost behind a commit that failed");
                self.session = None;
            }
            self.put_back(it.jobs);
        }
        self.known.forget();
        self.decide(sent.jobs, fault).await;
    }

    /// What follows for a group that the database refused.
    pub(super) async fn decide(&mut self, jobs: Vec<(Append, Answer)>, fault: Fault) {
        match fault {
            Fault::Refused | Fault::Again(_) if self.tries < TRIES => {
                tracing::debug!(?fault, tries = self.tries, "a commit was refused; looking why");
                tokio::time::sleep(pause(self.tries)).await;
                self.tries += 1;
                self.careful = jobs.len();
                self.put_back(jobs);
            }
            Fault::Refused => self.break_off(jobs, "the database refuses a commit again and again".to_owned()),
            Fault::Store(error @ (StoreError::Full(_) | StoreError::ReadOnly(_))) => refuse(jobs, &error),
            other => self.break_off(jobs, other.message()),
        }
    }

    /// Answers those whose commit is done.
    pub(super) fn done(&mut self, sent: Sent) {
        self.count(sent.size);
        // A run that goes on cannot be deleted, so it is still there when it is asked for.
        let goes_on = sent.ends.iter().find(|it| it.added > 0 && !it.state.status.is_end());
        match goes_on {
            Some(it) => self.witness = Some((it.run, it.last)),
            None if sent.ends.iter().any(|it| self.witness.is_some_and(|(run, _)| run == it.run)) => {
                self.witness = None;
            }
            None => {}
        }
        if let Some(it) = sent.ends.iter().find(|it| it.added > 0 && it.state.status.is_end()) {
            self.ended = Some((it.run, it.last));
        }
        self.tries = 0;
        let refusals = sent.refusals.into_iter().chain(std::iter::repeat(None));
        for ((_, answer), refusal) in sent.jobs.into_iter().zip(refusals) {
            // Whoever asked may have gone; what was committed stays committed.
            let _ = answer.send(refusal.map_or(Ok(()), Err));
        }
    }

    pub(super) fn count(&self, (rows, bytes): (u64, u64)) {
        let mut written = self.shared.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.commits += u64::from(rows > 0);
        written.rows += rows;
        written.bytes += bytes;
    }

    pub(super) fn put_back(&mut self, jobs: Vec<(Append, Answer)>) {
        for (append, answer) in jobs.into_iter().rev() {
            self.waiting.push_front(Job::Append(append, answer));
        }
    }

    /// Stops writing for good.
    pub(super) fn break_off(&mut self, jobs: Vec<(Append, Answer)>, message: String) {
        tracing::error!(%message, "the store stops writing");
        refuse(jobs, &StoreError::Broken(message.clone()));
        self.broken.get_or_insert(message);
        self.session = None;
    }

    /// The connection for appends.
    pub(super) async fn line(&mut self) -> Work<Arc<Session>> {
        if let Some(it) = &self.session {
            return Ok(Arc::clone(it));
        }
        let session = Arc::new(self.connector.connect(Line::Appends).await?);
        session.prepare(Columns::CALL).await?;
        self.turn = 0;
        self.session = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Until when a server that does not answer is waited for, from `start` on.
    pub(super) fn patience(&self) -> Duration {
        let patience = self.connector.options.patience;
        if self.shared.hurried.load(Ordering::Relaxed) { patience.min(HURRIED) } else { patience }
    }

    /// How long an answer of the server is waited for.
    pub(super) fn silence(&self) -> Duration {
        let is_hurried = self.shared.hurried.load(Ordering::Relaxed);
        if is_hurried { HURRIED } else { self.connector.options.silence() }
    }

    async fn claim(&mut self, owner: &str) -> Result<Claim, StoreError> {
        if let Some(message) = &self.broken {
            return Err(StoreError::Broken(message.clone()));
        }
        let start = Instant::now();
        self.known.forget();
        (self.witness, self.ended) = (None, None);
        self.careful = 0;
        for tries in 0.. {
            let claimed = match self.line().await {
                Ok(session) => self.lease.take(&session, owner).await,
                Err(fault) => Err(fault),
            };
            match claimed {
                Ok(owned) => {
                    self.owned = Some(owned);
                    return Ok(Claim { epoch: owned.epoch });
                }
                Err(fault) if fault.may_pass() && start.elapsed() < self.patience() => {
                    self.session = None;
                    tokio::time::sleep(pause(tries)).await;
                }
                Err(fault) => return Err(fault.reading()),
            }
        }
        Err(StoreError::Closed)
    }

    async fn hand_back(&mut self) {
        self.owned = None;
        if let Some(session) = &self.session {
            // It is a courtesy: where nobody answers, the lease ends by itself.
            let _ = tokio::time::timeout(HURRIED, self.lease.hand_back(session)).await;
        }
    }
}

async fn call(session: Arc<Session>, columns: Columns, owned: Owned, turn: i64) -> Work<()> {
    let Epoch(epoch) = owned.epoch;
    let (epoch, line) = (crate::columns::unsigned(epoch), owned.line);
    let statement = session.prepare(Columns::CALL).await?;
    session.client().execute(&statement, &columns.values([&epoch, &line, &turn])).await?;
    Ok(())
}

/// The outcome of the first of these, unless the server is silent for too long. Waits for ever where there is none.
async fn landed(flight: &mut VecDeque<Sent>, silence: Duration) -> Work<()> {
    match flight.front_mut() {
        Some(first) => answered(silence.saturating_sub(first.at.elapsed()), &mut first.outcome).await,
        None => std::future::pending().await,
    }
}

fn refuse(jobs: Vec<(Append, Answer)>, error: &StoreError) {
    for (_, answer) in jobs {
        // Whoever asked may have gone.
        let _ = answer.send(Err(error.clone()));
    }
}
