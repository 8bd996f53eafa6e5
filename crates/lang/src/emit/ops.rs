//! What a step does, lowered: names become indices, policies are resolved, inner lists become scopes.

use std::time::Duration;

use drawloom_blueprint::{Arm, Branches, FlowHash, FlowRef, ForEach, JoinPolicy, Loop, Op, StepIx, Try, Value, Wait};

use super::scopes::Emitter;
use crate::model::{self, Body, FlowTarget, Join, OnFailure, Step, WaitFor};

impl<'a> Emitter<'a> {
    /// The operation of a step, and the limit of the step as a whole.
    pub(super) fn op(&mut self, own: StepIx, step: &'a Step) -> (Op, Option<Duration>) {
        let timeout = step.timeout.map(|it| it.value);
        match &step.body {
            Body::Task(it) => (self.task(own, it, timeout), None),
            Body::Wait(it) => (self.wait(it), it.timeout.map(|it| it.value).or(timeout)),
            body => (self.block(own, body), timeout),
        }
    }

    fn block(&mut self, own: StepIx, body: &'a Body) -> Op {
        match body {
            Body::Parallel(it) => self.parallel(own, it),
            Body::If(it) => self.condition(own, it),
            Body::Switch(arms) => Op::Switch(arms.iter().map(|it| self.arm(own, it)).collect()),
            Body::ForEach(it) => self.for_each(own, it),
            Body::Loop(it) => self.repeat(own, it),
            Body::Flow(it) => self.sub_flow(it),
            Body::Try(it) => Op::Try(Try {
                body: self.scope(Some(own), "try", &it.body),
                catch: it.catch.as_ref().map(|it| self.scope(Some(own), "catch", it)),
                finally: it.finally.as_ref().map(|it| self.scope(Some(own), "finally", it)),
            }),
            Body::Set(it) => Op::Set(self.exprs.members(it)),
            Body::Fail(it) => Op::Fail(self.exprs.node(it)),
            Body::Stop(it) => Op::Stop(self.exprs.node(it)),
            // Tasks and waits are lowered by the caller, groups are dissolved before, and a flow with a broken
            // step is not lowered at all; nothing is what is left to do.
            Body::Task(_) | Body::Wait(_) | Body::Group(_) | Body::Broken => {
                Op::Set(self.exprs.value(Value::object::<&str>([])))
            }
        }
    }

    fn parallel(&mut self, own: StepIx, it: &'a model::Branches) -> Op {
        let branch = |it: &'a model::Branch| {
            let name = it.name.value.clone();
            let scope = self.scope(Some(own), &name, &it.steps);
            (name, scope)
        };
        let branches = it.branches.iter().map(branch).collect();
        let join = match it.join.map(|it| it.value) {
            None | Some(Join::All) => JoinPolicy::All,
            Some(Join::Any) => JoinPolicy::Any,
            Some(Join::Count(it)) => JoinPolicy::Count(it),
        };
        Op::Parallel(Branches { branches, named: it.named, join })
    }

    /// A condition is a switch of one or two arms.
    fn condition(&mut self, own: StepIx, it: &'a model::If) -> Op {
        let when = Some(self.exprs.node(&it.condition));
        let then = Arm { when, scope: self.scope(Some(own), "then", &it.then) };
        let otherwise = it.otherwise.as_ref().map(|it| Arm { when: None, scope: self.scope(Some(own), "else", it) });
        Op::Switch(std::iter::once(then).chain(otherwise).collect())
    }

    fn arm(&mut self, own: StepIx, it: &'a model::Arm) -> Arm {
        Arm { when: it.when.as_ref().map(|it| self.exprs.node(it)), scope: self.scope(Some(own), "do", &it.steps) }
    }

    fn for_each(&mut self, own: StepIx, it: &'a model::ForEach) -> Op {
        Op::ForEach(ForEach {
            items: self.exprs.node(&it.items),
            item: it.item_name().to_owned(),
            index: it.index.as_ref().map(|it| it.value.clone()),
            concurrency: it.concurrency.as_ref().map(|it| self.exprs.node(it)),
            batch: it.batch.as_ref().map(|it| self.exprs.node(it)),
            continue_on_failure: it.on_failure.is_some_and(|it| it.value == OnFailure::Continue),
            body: self.scope(Some(own), "do", &it.body),
        })
    }

    fn repeat(&mut self, own: StepIx, it: &'a model::Loop) -> Op {
        Op::Loop(Loop {
            while_: it.condition.as_ref().map(|it| self.exprs.node(it)),
            until: it.until.as_ref().map(|it| self.exprs.node(it)),
            max: match &it.max {
                Some(it) => self.exprs.node(it),
                None => self.exprs.value(Value::Int(model::Loop::MAX)),
            },
            every: it.every.map(|it| it.value),
            body: self.scope(Some(own), "do", &it.body),
        })
    }

    fn sub_flow(&mut self, it: &'a model::SubFlow) -> Op {
        let (name, version, hash): (String, Option<u32>, Option<FlowHash>) = match &it.target.value {
            FlowTarget::Published { name, version } => (name.clone(), *version, None),
            FlowTarget::File(path) => match self.flow.children.get(path) {
                Some(child) => (child.name.clone(), None, child.hash),
                None => (path.clone(), None, None),
            },
        };
        let with = self.exprs.parameters(it.with.as_ref());
        Op::Flow(FlowRef { name, version, hash, with, detach: it.detach.is_some_and(|it| it.value) })
    }

    fn wait(&mut self, it: &'a model::Wait) -> Op {
        let ix = self.exprs.node(it.until.node());
        Op::Wait(match &it.until {
            WaitFor::Time(_) => Wait::For(ix),
            WaitFor::Instant(_) => Wait::Until(ix),
            WaitFor::Signal(_) => Wait::Signal(ix),
            WaitFor::Webhook(_) => Wait::Webhook(ix),
            WaitFor::Approval(_) => Wait::Approval(ix),
        })
    }
}
