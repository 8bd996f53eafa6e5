//! Blueprints built by hand, so that these tests need no compiler.

use drawloom_blueprint::{
    Arm, Blueprint, Branches, ExprIx, ForEach, JoinPolicy, Loop, Op, Retry, Scope, ScopeIx, Step, StepIx, Task,
    TriggerRule, Try, Value, Wait, expr::Expr,
};

/// A step to be.
pub(crate) struct S {
    pub(crate) id: &'static str,
    pub(crate) needs: Option<Vec<&'static str>>,
    pub(crate) rule: TriggerRule,
    pub(crate) when: Option<&'static str>,
    pub(crate) go_on: bool,
    pub(crate) timeout: Option<u64>,
    pub(crate) form: Form,
}

/// What it is to do.
pub(crate) enum Form {
    Task { retry: Retry, undo: Vec<S> },
    Set(&'static str),
    Fail(&'static str),
    Stop(&'static str),
    Parallel(Vec<(&'static str, Vec<S>)>, JoinPolicy),
    If(&'static str, Vec<S>, Vec<S>),
    ForEach { items: &'static str, concurrency: Option<i64>, go_on: bool, body: Vec<S> },
    Loop { while_: Option<&'static str>, until: Option<&'static str>, max: i64, every: Option<u64>, body: Vec<S> },
    Try(Vec<S>, Option<Vec<S>>, Option<Vec<S>>),
    Wait(&'static str),
    Signal(&'static str),
    Webhook,
    Approval(&'static str),
}

pub(crate) fn step(id: &'static str, form: Form) -> S {
    S { id, needs: None, rule: TriggerRule::NoneFailed, when: None, go_on: false, timeout: None, form }
}

pub(crate) fn task(id: &'static str) -> S {
    step(id, Form::Task { retry: Retry::default(), undo: Vec::new() })
}

pub(crate) fn set(id: &'static str, expr: &'static str) -> S {
    step(id, Form::Set(expr))
}

impl S {
    pub(crate) fn needs(mut self, needs: &[&'static str]) -> Self {
        self.needs = Some(needs.to_vec());
        self.rule = TriggerRule::AllSuccess;
        self
    }
    pub(crate) fn rule(mut self, rule: TriggerRule) -> Self {
        self.rule = rule;
        self
    }
    pub(crate) fn when(mut self, when: &'static str) -> Self {
        self.when = Some(when);
        self
    }
    pub(crate) fn go_on(mut self) -> Self {
        self.go_on = true;
        self
    }
    pub(crate) fn timeout(mut self, seconds: u64) -> Self {
        self.timeout = Some(seconds);
        self
    }
    pub(crate) fn tries(mut self, attempts: u32) -> Self {
        if let Form::Task { retry, .. } = &mut self.form {
            retry.attempts = attempts;
        }
        self
    }
    pub(crate) fn undo(mut self, steps: Vec<S>) -> Self {
        if let Form::Task { undo, .. } = &mut self.form {
            *undo = steps;
        }
        self
    }
}

/// A flow of these steps, whose output `out` is the expression given.
pub(crate) fn flow(steps: Vec<S>, out: Option<&str>) -> Blueprint {
    let mut blueprint = Blueprint { flow: "test".to_owned(), ..Blueprint::default() };
    scope(&mut blueprint, None, "root", steps);
    if let Some(out) = out {
        let ix = expr(&mut blueprint, out);
        blueprint.outputs.push(("out".to_owned(), ix));
    }
    for at in 0..blueprint.steps.len() {
        let next: Vec<StepIx> = std::mem::take(&mut blueprint.steps[at].groups)
            .iter()
            .filter_map(|it| it.parse().ok().map(StepIx))
            .collect();
        blueprint.steps[at].edges_first = u32::try_from(blueprint.edges.len()).expect("few");
        blueprint.steps[at].edges_len = u32::try_from(next.len()).expect("few");
        blueprint.edges.extend(next);
    }
    Blueprint::decode(&blueprint.encode()).expect("a valid blueprint")
}

fn expr(blueprint: &mut Blueprint, source: &str) -> ExprIx {
    let names = blueprint.steps.iter().map(|it| it.id.clone());
    let more = ["inputs", "run", "item", "at", "last", "error", "vars", "now"].map(str::to_owned);
    let roots = names.chain(more).filter(|it| source.contains(it.as_str())).collect();
    blueprint.exprs.push(Expr::jinja(source.to_owned(), roots));
    ExprIx(u32::try_from(blueprint.exprs.len() - 1).expect("few"))
}

fn constant(blueprint: &mut Blueprint, value: Value) -> ExprIx {
    blueprint.exprs.push(Expr::Const(value));
    ExprIx(u32::try_from(blueprint.exprs.len() - 1).expect("few"))
}

fn scope(blueprint: &mut Blueprint, owner: Option<StepIx>, name: &str, steps: Vec<S>) -> ScopeIx {
    let ix = ScopeIx(u32::try_from(blueprint.scopes.len()).expect("few"));
    let first = u32::try_from(blueprint.steps.len()).expect("few");
    let len = u32::try_from(steps.len()).expect("few");
    let last = (len > 0).then(|| StepIx(first + len - 1));
    blueprint.scopes.push(Scope { owner, name: name.to_owned(), first: StepIx(first), len, last });
    let ids: Vec<&str> = steps.iter().map(|it| it.id).collect();
    for (it, at) in steps.iter().zip(0_u32..) {
        let implied = at.checked_sub(1).map(|at| ids[at as usize]);
        let needs = it.needs.clone().unwrap_or_else(|| implied.into_iter().collect());
        for need in &needs {
            let at = ids.iter().position(|it| it == need).expect("a step of the list");
            // Edges are gathered in `groups` until all steps are known.
            let target = (first + u32::try_from(ids.iter().position(|id| *id == it.id).expect("itself")).expect("few"))
                .to_string();
            let from = first as usize + at;
            if from < blueprint.steps.len() {
                blueprint.steps[from].groups.push(target);
            } else {
                panic!("tests write needed steps first");
            }
        }
        blueprint.steps.push(Step {
            id: it.id.to_owned(),
            title: None,
            scope: ix,
            op: Op::Parallel(Branches { branches: Vec::new(), named: true, join: JoinPolicy::All }),
            needs: u32::try_from(needs.len()).expect("few"),
            rule: it.rule,
            when: Vec::new(),
            edges_first: 0,
            edges_len: 0,
            continue_on_failure: it.go_on,
            timeout: it.timeout.map(std::time::Duration::from_secs),
            groups: Vec::new(),
            fused_next: None,
        });
    }
    for (it, at) in steps.into_iter().zip(first..) {
        let when = it.when.map(|when| expr(blueprint, when));
        blueprint.steps[at as usize].when = when.into_iter().collect();
        let op = op(blueprint, StepIx(at), it.form);
        blueprint.steps[at as usize].op = op;
    }
    ix
}

fn op(blueprint: &mut Blueprint, at: StepIx, form: Form) -> Op {
    let mut inner = |name: &str, steps: Vec<S>| scope(blueprint, Some(at), name, steps);
    match form {
        Form::Task { retry, undo } => {
            let compensate = (!undo.is_empty()).then(|| inner("compensate", undo));
            let with = constant(blueprint, Value::Null);
            let kind = "work".to_owned();
            let (timeout, cache, queue, priority, secrets) = (None, None, None, 0, Vec::new());
            Op::Task(Task { kind, with, retry, timeout, cache, queue, priority, secrets, compensate })
        }
        Form::Set(source) => Op::Set(expr(blueprint, source)),
        Form::Fail(source) => Op::Fail(expr(blueprint, source)),
        Form::Stop(source) => Op::Stop(expr(blueprint, source)),
        Form::Parallel(branches, join) => {
            let branches = branches.into_iter().map(|(name, steps)| (name.to_owned(), inner(name, steps))).collect();
            Op::Parallel(Branches { branches, named: true, join })
        }
        Form::If(when, then, otherwise) => {
            let (then, otherwise) = (inner("then", then), inner("else", otherwise));
            let when = Some(expr(blueprint, when));
            Op::Switch(vec![Arm { when, scope: then }, Arm { when: None, scope: otherwise }])
        }
        Form::ForEach { items, concurrency, go_on, body } => {
            let body = inner("do", body);
            let concurrency = concurrency.map(|it| constant(blueprint, it.into()));
            Op::ForEach(ForEach {
                items: expr(blueprint, items),
                item: "item".to_owned(),
                index: Some("at".to_owned()),
                concurrency,
                batch: None,
                continue_on_failure: go_on,
                body,
            })
        }
        Form::Loop { while_, until, max, every, body } => {
            let body = inner("do", body);
            Op::Loop(Loop {
                while_: while_.map(|it| expr(blueprint, it)),
                until: until.map(|it| expr(blueprint, it)),
                max: constant(blueprint, max.into()),
                every: every.map(std::time::Duration::from_secs),
                body,
            })
        }
        Form::Try(body, catch, finally) => {
            let body = inner("try", body);
            let catch = catch.map(|it| inner("catch", it));
            let finally = finally.map(|it| inner("finally", it));
            Op::Try(Try { body, catch, finally })
        }
        Form::Wait(duration) => Op::Wait(Wait::For(constant(blueprint, duration.into()))),
        Form::Webhook => Op::Wait(Wait::Webhook(constant(blueprint, Value::Null))),
        Form::Approval(question) => Op::Wait(Wait::Approval(expr(blueprint, question))),
        Form::Signal(name) => Op::Wait(Wait::Signal(constant(blueprint, name.into()))),
    }
}
