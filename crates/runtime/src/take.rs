//! What the loop does with each message.

use std::collections::BTreeMap;

use drawloom_blueprint::{ErrorClass, Outcome, RunId, StepError};
use drawloom_engine::{Admitted, Decision, Input, Resolved};
use drawloom_queue::TaskId;
use tokio::sync::oneshot;

use crate::{
    Error, Taken,
    batch::Release,
    dispatch::{Ended, attempt_id},
    inbox::{Given, GivenRule, Message, Reply},
    live::Live,
    load,
    shard::{Mood, Shard},
    start::NewRun,
};

impl Shard {
    pub(crate) fn take(&mut self, message: Message) {
        match message {
            Message::Begin(new, reply) => self.begin_for(*new, reply),
            Message::Give(run, given) => self.give(run, given),
            Message::ChildDone { child, parent, end } => self.child_done(child, &parent, end),
            Message::Wait(run, mut waiter) => {
                if !self.runs.contains_key(&run)
                    && let Some(unknown) = waiter.unknown.take()
                {
                    // A caller that no longer waits needs no answer.
                    let _ = unknown.send(());
                }
                self.waiters.entry(run).or_default().push(waiter);
            }
            Message::Touch(run) => self.touch(run),
            Message::Fetched(run, it) => self.fetched(run, it),
            Message::Child { child, parent, fate } => self.child_known(child, parent, fate),
            Message::Resolve { task, secrets, reply } => self.resolve(task, &secrets, reply),
            Message::ReachAll => self.reach_all(),
            Message::Index(rows) => self.index(&rows),
            Message::Close(reply) => self.close(reply),
        }
    }

    /// Gives an input to a run, which first comes into memory where it is not.
    pub(crate) fn give(&mut self, run: RunId, given: Given) {
        if self.is_closing() && given.reply.is_some() {
            return answer(given.reply, Err(Error::Closed));
        }
        let (now, instant) = (self.now(), self.clock.instant());
        let Some(live) = self.runs.get_mut(&run) else { return self.park(run, given) };
        live.touched = instant;
        if let GivenRule::Of(child) = given.rule {
            // Not before: the run may have come into memory for this, and taken the sub-flow for one under way.
            live.children.remove(&child);
        }
        let status = live.run.status();
        if status.is_end() {
            return answer(given.reply, Err(Error::Ended { run, status }));
        }
        if given.rule == GivenRule::UnlessEnding && live.ending {
            return;
        }
        let woken = matches!(given.input, Input::Tick);
        let decision = live.run.handle(given.input, now);
        let taken = if decision.dropped { Taken::Dropped } else { Taken::Yes };
        let futile = woken && decision.fact.is_none();
        let next = live.run.next_due();
        self.decided(run, decision);
        if futile {
            // A run that does nothing with a time that has come is not woken for it again and again.
            self.timers.set(run, next.filter(|it| *it > now));
        }
        if let Some(reply) = given.reply {
            self.batch.release(Release::Reply(Box::new(move || answer(Some(reply), Ok(taken)))));
        }
    }

    fn park(&mut self, run: RunId, given: Given) {
        if let Some(parked) = self.starting.get_mut(&run).or(self.loading.get_mut(&run)) {
            return parked.push(given);
        }
        self.loading.insert(run, vec![given]);
        load::spawn(&self.core, run);
    }

    /// What a run decided becomes part of the batch.
    fn decided(&mut self, run: RunId, decision: Decision) {
        let now = self.clock.last();
        let Some(live) = self.runs.get_mut(&run) else { return };
        let Decision { fact, effects, .. } = decision;
        if let Some(noted) = live.note(now, fact, &effects) {
            self.batch.add(noted);
        }
        if !effects.is_empty() {
            self.batch.release(Release::Effects(run, effects));
        }
        let due = live.run.next_due();
        self.timers.set(run, due);
    }

    fn begin_for(&mut self, new: NewRun, reply: Reply<()>) {
        if self.is_closing() {
            return answer(Some(reply), Err(Error::Closed));
        }
        match self.begin(new) {
            Ok(()) => self.batch.release(Release::Reply(Box::new(move || answer(Some(reply), Ok(()))))),
            Err(error) => answer(Some(reply), Err(error)),
        }
    }

    /// Begins a run.
    pub(crate) fn begin(&mut self, new: NewRun) -> Result<(), Error> {
        let run = new.started.run;
        if self.runs.contains_key(&run) {
            return Ok(());
        }
        let admitted = self.ask_for_slot(&new.blueprint, &new.started)?;
        let now = self.now();
        let mut live = Live::beginning(&new, self.core.settings.inline, now);
        let start = Input::Start { started: new.started, admitted: admitted == Admitted::Now, adopt: new.adopt };
        let decision = live.run.handle(start, now);
        self.runs.insert(run, live);
        self.decided(run, decision);
        match admitted {
            Admitted::Skipped => {
                let message = "all slots of the flow are held, and it says `when_full: skip`";
                let reason = StepError::new(ErrorClass::Cancelled, message).with_code("flow_full");
                self.give(run, Given::quietly(Input::Refuse(reason)));
            }
            Admitted::Instead(others) => {
                for other in others {
                    let given = Given { input: Input::Cancel, rule: GivenRule::UnlessEnding, reply: None };
                    // In one commit with the start, as neither should be without the other.
                    self.give(other, given);
                }
            }
            Admitted::Now | Admitted::Queued | Admitted::Rejected => {}
        }
        Ok(())
    }

    fn resolve(
        &mut self,
        task: TaskId,
        secrets: &BTreeMap<String, String>,
        reply: oneshot::Sender<Result<Resolved, StepError>>,
    ) {
        let gone = || Err(StepError::invalid("the attempt has ended"));
        let resolved = self.runs.get(&task.run).map_or_else(gone, |it| it.run.resolve(attempt_id(task), secrets));
        // An attempt that was killed meanwhile needs no parameters.
        let _ = reply.send(resolved);
    }

    /// An attempt has ended, and its slot is free.
    pub(crate) fn attempt_ended(&mut self, (task, outcome): Ended) {
        // A task that was stopped because the process ends is handed out again by the next one.
        let returned = self.is_closing() && matches!(outcome, Outcome::Failure(_));
        // A run whose attempt is under way is in memory, unless it was killed.
        if !returned && self.runs.contains_key(&task.run) {
            self.give(task.run, Given::quietly(Input::Result { attempt: attempt_id(task), outcome }));
        }
        self.pump();
    }

    fn close(&mut self, reply: oneshot::Sender<()>) {
        self.tasks.stop_all(&self.core);
        match &mut self.mood {
            Mood::Closing(waiting) => waiting.push(reply),
            Mood::Working => self.mood = Mood::Closing(vec![reply]),
        }
    }
}

/// Answers a caller; one that no longer waits needs no answer.
pub(crate) fn answer<T>(reply: Option<Reply<T>>, with: Result<T, Error>) {
    if let Some(reply) = reply {
        let _ = reply.send(with);
    }
}
