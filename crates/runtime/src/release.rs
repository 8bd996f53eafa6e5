//! What leaves once a batch is durable: events, effects, answers.

use std::{collections::BTreeMap, sync::Arc};

use drawloom_blueprint::{Outcome, RunEnd, RunId, StepError};
use drawloom_engine::{AttemptId, Dispatch, Effect, Input};
use drawloom_queue::{Line, OutputSink, Redactor, Stream, TaskId};

use crate::{
    Event, Work,
    attempt::{self, Means, Parameters},
    batch::{Batch, Change, Release},
    dispatch::{Stopping, attempt_id, task_id},
    inbox::{Given, Message},
    output::Output,
    shard::Shard,
};

impl Shard {
    /// Releases a batch that has landed.
    pub(crate) fn release(&mut self, batch: Batch) {
        for change in &batch.changes {
            self.tell(change);
        }
        for it in batch.releases {
            match it {
                Release::Effects(run, effects) => {
                    for effect in effects {
                        self.act(run, effect);
                    }
                }
                Release::Message(it) => self.own.push_back(*it),
                Release::Reply(it) => it(),
            }
        }
        self.pump();
    }

    /// Tells listeners what happened.
    fn tell(&mut self, change: &Change) {
        let Some(live) = self.runs.get_mut(&change.run) else { return };
        let heard = self.core.teller.is_heard();
        for ((at, fact), seq) in change.facts.iter().zip(change.first..) {
            live.durable = seq;
            for made in &fact.moves {
                live.trail.follow(made);
                if let Some((path, text)) = live.trail.message(made) {
                    // A `log` step has no executor that could print for it.
                    let output = Output::new(Arc::clone(&self.core), (change.run, path.into(), 1), Redactor::default());
                    text.lines().for_each(|it| output.line(Line { stream: Stream::Out, text: it.to_owned() }));
                }
                if heard && let Some(what) = live.trail.tell(made) {
                    self.core.teller.tell(Event { run: change.run, at: *at, seq, what });
                }
            }
        }
    }

    fn act(&mut self, run: RunId, effect: Effect) {
        let works = self.core.settings.work == Work::Do && !self.is_closing();
        match effect {
            Effect::Dispatch(it) if works => self.line_up(run, &it),
            Effect::StartChild(it) if works => self.start_child(*it),
            Effect::Dispatch(_) | Effect::StartChild(_) => {}
            Effect::Abort(it) => self.abort(run, it),
            Effect::Kill(it) => self.tasks.kill(&self.core, task_id(run, it)),
            Effect::CancelChild(child) => {
                self.own.push_back(Message::Give(child, Given::quietly(Input::Cancel)));
            }
            Effect::Ended(end) => self.ended(run, end),
            Effect::Continue if self.is_closing() => {}
            Effect::Continue => self.own.push_back(Message::Give(run, Given::quietly(Input::Continue))),
        }
    }

    fn line_up(&mut self, run: RunId, it: &Dispatch) {
        let flow = self.runs.get(&run).and_then(|live| live.run.started()).map(|it| it.flow.as_str());
        if let Some(flow) = flow {
            self.tasks.line_up(run, flow, it);
        }
    }

    fn abort(&mut self, run: RunId, it: AttemptId) {
        if self.tasks.stop(task_id(run, it)) == Stopping::NotRunning {
            let outcome = Outcome::Failure(attempt::cancelled());
            self.own.push_back(Message::Give(run, Given::quietly(Input::Result { attempt: it, outcome })));
        }
    }

    /// A run has ended: whoever waits for it is told, its slot is free, it leaves memory.
    fn ended(&mut self, run: RunId, end: Box<RunEnd>) {
        let live = self.runs.remove(&run);
        self.timers.set(run, None);
        for it in self.waiters.remove(&run).unwrap_or_default() {
            // Whoever no longer waits needs no answer.
            let _ = it.ended.send((*end).clone());
        }
        self.free_slot(run);
        let parent = live.as_ref().and_then(|it| it.run.started()).and_then(|it| it.parent.clone());
        if let Some(parent) = parent.filter(|it| !it.detached) {
            self.own.push_back(Message::ChildDone { child: run, parent, end });
        }
    }

    /// Gives free slots of this process to attempts that wait for one.
    pub(crate) fn pump(&mut self) {
        while let Some(task) = self.tasks.next() {
            match self.means(task) {
                None => {}
                Some(Ok(it)) => self.tasks.begin(&self.core, task, it, self.clock.last()),
                Some(Err(error)) => {
                    let input = Input::Result { attempt: attempt_id(task), outcome: Outcome::Failure(error) };
                    self.own.push_back(Message::Give(task.run, Given::quietly(input)));
                }
            }
        }
    }

    /// What an attempt is executed with; none where it was stopped while it waited.
    fn means(&self, task: TaskId) -> Option<Result<Means, StepError>> {
        let run = &self.runs.get(&task.run)?.run;
        let attempt = attempt_id(task);
        run.may_begin(attempt).then(|| {
            let executor = self.core.executor(run.kind_of(task.step))?;
            let parameters = match run.secrets_of(task.step) {
                [] => Parameters::Resolved(run.resolve(attempt, &BTreeMap::new())?),
                names => Parameters::Secret(names.to_vec()),
            };
            Ok(Means { executor, parameters })
        })
    }
}
