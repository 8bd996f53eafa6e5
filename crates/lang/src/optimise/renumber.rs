//! Gives the indices in a step new numbers.

use drawloom_blueprint::{Arm, Branches, Cache, ExprIx, FlowRef, ForEach, Loop, Op, ScopeIx, Task, Try, Wait};

/// The new numbers of what is kept.
pub(super) struct Numbers<'a> {
    pub(super) exprs: &'a [Option<ExprIx>],
    pub(super) scopes: &'a [Option<ScopeIx>],
}

impl Numbers<'_> {
    pub(super) fn expr(&self, ix: ExprIx) -> ExprIx {
        self.exprs[ix.ix()].expect("invariant: what a kept step names is kept")
    }

    pub(super) fn scope(&self, ix: ScopeIx) -> ScopeIx {
        self.scopes[ix.ix()].expect("invariant: the scopes of a kept step are kept")
    }

    pub(super) fn op(&self, op: Op) -> Op {
        let expr = |ix| self.expr(ix);
        let scope = |ix| self.scope(ix);
        match op {
            Op::Task(it) => Op::Task(Task {
                with: expr(it.with),
                cache: it.cache.map(|cache| Cache { key: cache.key.map(expr), ..cache }),
                compensate: it.compensate.map(scope),
                ..it
            }),
            Op::Inline { kind, with } => Op::Inline { kind, with: expr(with) },
            Op::Set(it) => Op::Set(expr(it)),
            Op::Fail(it) => Op::Fail(expr(it)),
            Op::Stop(it) => Op::Stop(expr(it)),
            Op::Parallel(it) => {
                let branches = it.branches.into_iter().map(|(name, at)| (name, scope(at))).collect();
                Op::Parallel(Branches { branches, ..it })
            }
            Op::Switch(arms) => {
                let arm = |it: Arm| Arm { when: it.when.map(expr), scope: scope(it.scope) };
                Op::Switch(arms.into_iter().map(arm).collect())
            }
            Op::ForEach(it) => Op::ForEach(ForEach {
                items: expr(it.items),
                concurrency: it.concurrency.map(expr),
                batch: it.batch.map(expr),
                body: scope(it.body),
                ..it
            }),
            Op::Loop(it) => Op::Loop(Loop {
                while_: it.while_.map(expr),
                until: it.until.map(expr),
                max: expr(it.max),
                body: scope(it.body),
                ..it
            }),
            Op::Flow(it) => Op::Flow(FlowRef { with: expr(it.with), ..it }),
            Op::Wait(it) => Op::Wait(match it {
                Wait::For(it) => Wait::For(expr(it)),
                Wait::Until(it) => Wait::Until(expr(it)),
                Wait::Signal(it) => Wait::Signal(expr(it)),
                Wait::Webhook(it) => Wait::Webhook(expr(it)),
                Wait::Approval(it) => Wait::Approval(expr(it)),
            }),
            Op::Try(it) => {
                Op::Try(Try { body: scope(it.body), catch: it.catch.map(scope), finally: it.finally.map(scope) })
            }
        }
    }
}
