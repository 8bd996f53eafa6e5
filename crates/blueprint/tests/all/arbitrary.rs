//! Random values, facts and blueprints of every variant, from a seed.

use std::{collections::BTreeMap, time::Duration};

use drawloom_blueprint::{
    Arm, Blueprint, Branches, Cache, Concurrency, ErrorClass, ExprIx, Fact, FlowHash, FlowRef, ForEach, InputDef,
    JoinPolicy, Limits, Loop, Move, OnFull, Op, Opened, OpenedAs, Parent, Retry, RunEnd, RunId, RunStatus, Scope,
    ScopeIx, SkipReason, Started, Step, StepError, StepIx, StopReason, Task, Timestamp, Trigger, TriggerRule, Try,
    Value, Wait, WaitFor,
    expr::{Expr, Seg},
};

/// How many moves there are; [`Source::fact_move`] takes numbers below.
pub(crate) const MOVES: u64 = 25;
/// How many operations there are.
pub(crate) const OPS: u64 = 16;
/// How many expressions there are.
pub(crate) const EXPRS: u64 = 6;

/// A small generator of numbers (SplitMix64), so that the tests need no crate for it.
pub(crate) struct Source(pub(crate) u64);

impl Source {
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        it ^ (it >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 0
    }

    fn small(&mut self) -> u32 {
        self.number() as u32 >> self.below(32)
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.yes() { Some(make(self)) } else { None }
    }

    fn some<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| make(self)).collect()
    }

    pub(crate) fn text(&mut self) -> String {
        const SIGNS: [&str; 10] = ["a", "Z", "_", "0", "\0", "é", "\u{1F600}", "\"", "\\", "{{ x }}"];
        (0..self.below(6)).map(|_| SIGNS[self.below(10) as usize]).collect()
    }

    pub(crate) fn value(&mut self, depth: u32) -> Value {
        match self.below(if depth == 0 { 9 } else { 12 }) {
            0 => Value::Null,
            1 => self.yes().into(),
            2 => Value::Int(self.number() as i64 >> self.below(64)),
            3 => Value::from(self.number()),
            4 => Value::from(f64::from_bits(self.number())),
            5 => Value::from([0.0, -0.0, 1.5, 1e308, 5e-324, 9_007_199_254_740_993.0][self.below(6) as usize]),
            6 => [i64::MIN, -1, 0, i64::MAX][self.below(4) as usize].into(),
            7 | 8 => self.text().into(),
            9 | 10 => self.some(|it| it.value(depth - 1)).into(),
            _ => Value::object(self.some(|it| (it.text(), it.value(depth - 1)))),
        }
    }

    fn time(&mut self) -> Timestamp {
        Timestamp(self.number() as i64 >> self.below(64))
    }

    fn duration(&mut self) -> Duration {
        Duration::new(self.number() >> self.below(64), self.small() % 1_000_000_000)
    }

    fn run(&mut self) -> RunId {
        RunId(u128::from(self.number()) << self.below(64))
    }

    fn hash(&mut self) -> FlowHash {
        FlowHash([self.number() as u8; 32])
    }

    pub(crate) fn error(&mut self) -> StepError {
        StepError {
            class: ErrorClass::ALL[self.below(6) as usize],
            code: self.maybe(Self::text),
            message: self.text(),
            step: self.maybe(Self::text),
            retry_after_ms: self.maybe(Self::number),
        }
    }

    fn status(&mut self) -> RunStatus {
        use RunStatus::{Cancelled, Failed, Paused, Queued, Running, Succeeded};
        [Queued, Running, Paused, Succeeded, Failed, Cancelled][self.below(6) as usize]
    }

    fn started(&mut self) -> Started {
        Started {
            run: self.run(),
            flow: self.text(),
            version: self.hash(),
            number: self.maybe(Self::small),
            inputs: self.value(3),
            trigger: self.value(2),
            seed: self.number(),
            parent: self.maybe(|it| Parent {
                run: it.run(),
                frame: it.small(),
                serial: it.number(),
                step: StepIx(it.small()),
                detached: it.yes(),
            }),
            labels: self.some(|it| (it.text(), it.text())).into_iter().collect::<BTreeMap<_, _>>(),
            concurrency_key: self.maybe(Self::text),
            forked_from: self.maybe(Self::run),
            depth: self.small(),
        }
    }

    fn opened(&mut self) -> Opened {
        let what = match self.below(7) {
            0 => OpenedAs::Parallel,
            1 => OpenedAs::Arm(self.small()),
            2 => OpenedAs::ForEach { items: self.value(3), concurrency: self.maybe(Self::small) },
            3 => OpenedAs::Loop(self.number()),
            4 => OpenedAs::Flow { run: self.run(), inputs: self.value(2) },
            5 => OpenedAs::Wait(match self.below(4) {
                0 => WaitFor::Until(self.time()),
                1 => WaitFor::Signal(self.text()),
                2 => WaitFor::Webhook(self.text()),
                _ => WaitFor::Approval(self.text(), self.text()),
            }),
            _ => OpenedAs::Try,
        };
        Opened { what, deadline: self.maybe(Self::time) }
    }

    fn run_end(&mut self) -> RunEnd {
        RunEnd { status: self.status(), outputs: self.value(3), error: self.maybe(Self::error) }
    }

    fn stop_reason(&mut self) -> StopReason {
        use StopReason::{Cancel, Failure, Flow, Joined, Kill, Timeout};
        [Cancel, Kill, Timeout, Joined, Failure, Flow][self.below(6) as usize]
    }

    pub(crate) fn fact_move(&mut self, variant: u64) -> Move {
        let (frame, step, slot) = (self.small(), StepIx(self.small()), self.small());
        match variant {
            0 => Move::Started(Box::new(self.started())),
            1 => Move::Admitted,
            2 => Move::Entered { frame, step, scope: ScopeIx(self.small()), index: self.number(), slot },
            3 => Move::Ready(frame, step),
            4 => Move::Dispatched(frame, step, self.small()),
            5 => Move::Opened(frame, step, self.opened()),
            6 => Move::Succeeded(frame, step, self.value(4)),
            7 => Move::Failed(frame, step, Box::new(self.error())),
            8 => {
                let reasons = [SkipReason::When, SkipReason::RunIf, SkipReason::Stop];
                Move::Skipped(frame, step, reasons[self.below(3) as usize])
            }
            9 => Move::UpstreamFailed(frame, step),
            10 => Move::Cancelled(frame, step),
            11 => {
                let (error, due, lost) = (Box::new(self.error()), self.time(), self.yes());
                Move::Retrying { frame, step, error, due, lost }
            }
            12 => Move::Resting(frame, step, self.time()),
            13 => Move::Left(frame),
            14 => Move::Aborting(frame, step),
            15 => Move::Stopping(frame, self.stop_reason()),
            16 => Move::SignalKept(self.text(), self.value(3)),
            17 => Move::SignalTaken(self.text()),
            18 => Move::Paused,
            19 => Move::Resumed,
            20 => Move::Compensating { frame, step, slot },
            21 => Move::Ending(self.status(), self.maybe(|it| Box::new(it.error())), self.time()),
            22 => Move::Ended(Box::new(self.run_end())),
            23 => Move::Adopted(frame, step, self.value(4)),
            _ => Move::Closed(frame, step),
        }
    }

    pub(crate) fn fact(&mut self) -> Fact {
        Fact { moves: self.some(|it| it.below(MOVES)).into_iter().map(|it| self.fact_move(it)).collect() }
    }

    /// An expression that may use those before position `at`.
    pub(crate) fn expr(&mut self, variant: u64, at: u32) -> Expr {
        let part = |it: &mut Self| ExprIx(u32::try_from(it.below(u64::from(at.max(1)))).unwrap_or(0));
        match variant {
            1 => {
                let seg = |it: &mut Self| if it.yes() { Seg::Name(it.text()) } else { Seg::Index(it.number() as i64) };
                Expr::Path { root: self.text(), tail: self.some(seg) }
            }
            2 => Expr::jinja(self.text(), self.some(Self::text)),
            3 if at > 0 => Expr::Text(self.some(part)),
            4 if at > 0 => Expr::List(self.some(part)),
            5 if at > 0 => Expr::Object(self.some(|it| (it.text().into(), part(it)))),
            _ => Expr::Const(self.value(4)),
        }
    }

    fn retry(&mut self) -> Retry {
        Retry {
            attempts: self.small(),
            delay: self.duration(),
            backoff: 1.0 + f64::from(self.small()),
            max_delay: self.duration(),
            jitter: 0.25,
            on: self.some(|it| ErrorClass::ALL[it.below(6) as usize]),
        }
    }

    /// An operation over one expression and one scope, 0.
    pub(crate) fn op(&mut self, variant: u64) -> Op {
        let (ix, scope) = (ExprIx(0), ScopeIx(0));
        match variant {
            0 => Op::Task(Task {
                kind: self.text(),
                with: ix,
                retry: self.retry(),
                timeout: self.maybe(Self::duration),
                cache: self.maybe(|it| Cache { ttl: it.duration(), key: it.maybe(|_| ix) }),
                queue: self.maybe(Self::text),
                priority: self.number() as i32,
                secrets: self.some(Self::text),
                compensate: self.maybe(|_| scope),
            }),
            1 => Op::Inline { kind: self.text(), with: ix },
            2 => Op::Set(ix),
            3 => Op::Fail(ix),
            4 => Op::Stop(ix),
            5 => {
                let join = [JoinPolicy::All, JoinPolicy::Any, JoinPolicy::Count(self.small())][self.below(3) as usize];
                Op::Parallel(Branches { branches: self.some(|it| (it.text(), scope)), named: self.yes(), join })
            }
            6 => Op::Switch(self.some(|it| Arm { when: it.maybe(|_| ix), scope })),
            7 => Op::ForEach(ForEach {
                items: ix,
                item: self.text(),
                index: self.maybe(Self::text),
                concurrency: self.maybe(|_| ix),
                batch: self.maybe(|_| ix),
                continue_on_failure: self.yes(),
                body: scope,
            }),
            8 => Op::Loop(Loop {
                while_: self.maybe(|_| ix),
                until: self.maybe(|_| ix),
                max: ix,
                every: self.maybe(Self::duration),
                body: scope,
            }),
            9 => Op::Flow(FlowRef {
                name: self.text(),
                version: self.maybe(Self::small),
                hash: self.maybe(Self::hash),
                with: ix,
                detach: self.yes(),
            }),
            10 => Op::Wait(Wait::For(ix)),
            11 => Op::Wait(Wait::Until(ix)),
            12 => Op::Wait(Wait::Signal(ix)),
            13 => Op::Wait(Wait::Webhook(ix)),
            14 => Op::Wait(Wait::Approval(ix)),
            _ => Op::Try(Try { body: scope, catch: self.maybe(|_| scope), finally: self.maybe(|_| scope) }),
        }
    }

    pub(crate) fn blueprint(&mut self) -> Blueprint {
        let exprs = (0..1 + self.below(6)).zip(0..).map(|(_, at)| (self.below(EXPRS), at));
        let exprs: Vec<(u64, u32)> = exprs.collect();
        let exprs = exprs.into_iter().map(|(variant, at)| self.expr(variant, at)).collect();
        let ops: Vec<u64> = (0..1 + self.below(5)).map(|_| self.below(OPS)).collect();
        let steps: Vec<Step> = ops.into_iter().map(|variant| self.step(variant)).collect();
        let len = u32::try_from(steps.len()).expect("few");
        let root = Scope { owner: None, name: self.text(), first: StepIx(0), len, last: Some(StepIx(len - 1)) };
        let (steps, scopes) = with_scopes_of_their_own(steps, root);
        let on_full = [OnFull::Queue, OnFull::Skip, OnFull::Reject, OnFull::CancelRunning][self.below(4) as usize];
        Blueprint {
            flow: self.text(),
            description: self.maybe(Self::text),
            labels: self.some(|it| (it.text(), ExprIx(0))).into_iter().collect(),
            inputs: self.some(|it| InputDef {
                name: it.text(),
                schema: it.value(3),
                default: it.maybe(|it| it.value(2)),
            }),
            outputs: self.some(|it| (it.text(), ExprIx(0))),
            limits: Limits {
                parallel_steps: self.maybe(Self::small),
                timeout: self.maybe(Self::duration),
                concurrency: self.maybe(|it| Concurrency {
                    max: it.small(),
                    key: it.maybe(|_| ExprIx(0)),
                    when_full: on_full,
                }),
                stop_on_failure: self.yes(),
            },
            triggers: self.some(|it| Trigger { kind: it.text(), settings: it.value(2) }),
            scopes,
            steps,
            edges: Vec::new(),
            exprs,
            vars: self.value(3),
            ..Blueprint::default()
        }
    }

    fn step(&mut self, variant: u64) -> Step {
        Step {
            id: format!("s{}", self.number()),
            title: self.maybe(Self::text),
            scope: ScopeIx(0),
            op: self.op(variant),
            needs: self.small(),
            rule: TriggerRule::ALL[self.below(12) as usize].1,
            when: self.some(|_| ExprIx(0)),
            edges_first: 0,
            edges_len: 0,
            continue_on_failure: self.yes(),
            timeout: self.maybe(Self::duration),
            groups: self.some(Self::text),
            fused_next: None,
        }
    }
}

/// The steps, each with empty scopes of its own for those that its operation names, and all scopes.
fn with_scopes_of_their_own(mut steps: Vec<Step>, root: Scope) -> (Vec<Step>, Vec<Scope>) {
    let end = StepIx(root.len);
    let mut scopes = vec![root];
    for (step, at) in steps.iter_mut().zip(0..) {
        let mut own = |scope: &mut ScopeIx| {
            *scope = ScopeIx(u32::try_from(scopes.len()).expect("few"));
            scopes.push(Scope { owner: Some(StepIx(at)), name: "do".to_owned(), first: end, len: 0, last: None });
        };
        match &mut step.op {
            Op::Task(it) => it.compensate.iter_mut().for_each(own),
            Op::Parallel(it) => it.branches.iter_mut().for_each(|(_, scope)| own(scope)),
            Op::Switch(arms) => arms.iter_mut().for_each(|it| own(&mut it.scope)),
            Op::ForEach(it) => own(&mut it.body),
            Op::Loop(it) => own(&mut it.body),
            Op::Try(it) => {
                own(&mut it.body);
                it.catch.iter_mut().chain(&mut it.finally).for_each(own);
            }
            _ => {}
        }
    }
    (steps, scopes)
}
