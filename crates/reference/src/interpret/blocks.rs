//! Blocks: branches, arms, loops and rescues, and what all blocks share.

use std::collections::BTreeMap;

use drawloom_blueprint::{ErrorClass, StepError, Value};
use drawloom_lang::model::{Arm, Body, Branches, Join, Loop, Step, Try};

use super::{
    At, Said, State, Unsaid,
    cut::{Cut, from_outside},
    eval::Scope,
    list::Listed,
    steps::{Ended, Frame, FrameEnd, Interpreter, Left, Undo, micros},
    waits::timeout,
};

/// A block that is being evaluated.
pub(super) struct Block<'f> {
    pub(super) frame: &'f Frame,
    pub(super) path: &'f str,
    pub(super) start: At,
    pub(super) cut: Cut,
    pub(super) handled: bool,
    pub(super) after: &'f [usize],
}

/// How what is inside a block ended.
pub(super) struct Inner {
    pub(super) at: At,
    pub(super) value: Result<Value, StepError>,
    pub(super) stopped: bool,
}

/// Variables of a frame.
pub(super) type Vars = BTreeMap<String, Option<Value>>;

impl Block<'_> {
    /// A frame inside the block: where its paths go on, its variables and its beginning.
    pub(super) fn inner(&self, name: &str, vars: Vars, start: At) -> Frame {
        Frame {
            prefix: format!("{}{name}.", self.path),
            scope: Scope::new(Some(&self.frame.scope), vars),
            start,
            cut: self.cut.clone(),
            handled: self.handled,
            after: self.after.to_vec(),
        }
    }
}

impl Inner {
    pub(super) fn of(left: Left) -> Self {
        let value = match left.end {
            FrameEnd::Succeeded(it) => Ok(it),
            FrameEnd::Failed(error) => Err(error),
            FrameEnd::Stopped => Ok(Value::Null),
        };
        Self { at: left.at, value, stopped: left.stopped }
    }

    pub(super) fn now(at: At, value: Result<Value, StepError>) -> Self {
        Self { at, value, stopped: false }
    }

    pub(super) fn stopped(at: At) -> Self {
        Self { at, value: Ok(Value::Null), stopped: true }
    }
}

impl<'a> Interpreter<'a> {
    pub(super) fn block(
        &mut self,
        frame: &Frame,
        it: &Listed<'a>,
        path: &str,
        start: At,
        after: &[usize],
    ) -> Said<Ended> {
        let handled = frame.handled || it.goes_on;
        let mut block = Block { frame, path, start, cut: frame.cut.clone(), handled, after };
        let mark = self.log.len();
        let mut inner = self.inside(&block, it.step)?;
        let Some(limit) = it.step.timeout.map(|it| start + micros(it.value)) else {
            return Ok(ended(inner, &block));
        };
        if inner.at == limit {
            return Err(Unsaid(format!("`{path}` ends at its very limit")));
        }
        if inner.at < limit {
            return Ok(ended(inner, &block));
        }
        if limit < frame.cut.instant() {
            block.cut = from_outside(&self.log[mark..], limit)?;
            self.log.truncate(mark);
            inner = self.inside(&block, it.step)?;
        }
        Ok(Ended::with(inner.at.max(limit), Err(timeout())))
    }

    fn inside(&mut self, block: &Block<'_>, step: &'a Step) -> Said<Inner> {
        match &step.body {
            Body::Parallel(it) => self.parallel(block, it),
            Body::If(it) => {
                let arm = match block.frame.scope.node(&it.condition, block.start) {
                    Ok(value) if value.is_true() => Some(("then", it.then.as_slice())),
                    Ok(_) => it.otherwise.as_deref().map(|it| ("else", it)),
                    Err(error) => return Ok(Inner::now(block.start, Err(error))),
                };
                self.arm(block, arm)
            }
            Body::Switch(arms) => match self.taken(block, arms) {
                Ok(arm) => self.arm(block, arm.map(|it| ("do", it.steps.as_slice()))),
                Err(error) => Ok(Inner::now(block.start, Err(error))),
            },
            Body::ForEach(it) => self.for_each(block, it),
            Body::Loop(it) => self.repeat(block, it),
            Body::Try(it) => self.rescue(block, it),
            _ => Err(Unsaid(format!("`{}` is no block", block.path))),
        }
    }

    fn taken(&self, block: &Block<'_>, arms: &'a [Arm]) -> Result<Option<&'a Arm>, StepError> {
        for arm in arms {
            let holds = match &arm.when {
                None => true,
                Some(when) => block.frame.scope.node(when, block.start)?.is_true(),
            };
            if holds {
                return Ok(Some(arm));
            }
        }
        Ok(None)
    }

    fn arm(&mut self, block: &Block<'_>, arm: Option<(&str, &'a [Step])>) -> Said<Inner> {
        let Some((name, steps)) = arm else { return Ok(Inner::now(block.start, Ok(Value::Null))) };
        let frame = block.inner(&format!(".{name}"), Vars::new(), block.start);
        Ok(Inner::of(self.frame(steps, &frame, Undo::Elsewhere)?))
    }

    fn parallel(&mut self, block: &Block<'_>, it: &'a Branches) -> Said<Inner> {
        let mark = self.log.len();
        let mut cuts = vec![block.cut.clone(); it.branches.len()];
        let (mut lefts, parts) = self.branches(block, it, &cuts)?;
        let total = it.branches.len();
        let wanted = match it.join.map(|it| it.value) {
            None | Some(Join::All) => total,
            Some(Join::Any) => total.min(1),
            Some(Join::Count(it)) => total.min(it as usize),
        };
        let hurried = it.join.is_some_and(|it| it.value != Join::All);
        if let Some(at) = decided(&lefts, wanted).filter(|at| hurried && *at < block.cut.instant()) {
            if lefts.iter().filter(|it| it.at == at).count() > 1 {
                return Err(Unsaid(format!("two branches of `{}` end at once", block.path)));
            }
            for ((left, part), cut) in lefts.iter().zip(parts).zip(&mut cuts) {
                if left.at > at {
                    *cut = from_outside(&self.log[part], at)?;
                }
            }
            self.log.truncate(mark);
            lefts = self.branches(block, it, &cuts)?.0;
        }
        let at = lefts.iter().map(|it| it.at).max().unwrap_or(block.start);
        let succeeded = lefts.iter().filter(|it| matches!(it.end, FrameEnd::Succeeded(_))).count();
        let error =
            lefts.iter().find_map(|it| if let FrameEnd::Failed(it) = &it.end { Some(it.clone()) } else { None });
        let outputs = lefts.iter().map(|it| match &it.end {
            FrameEnd::Succeeded(it) => it.clone(),
            _ => Value::Null,
        });
        let names = it.branches.iter().map(|it| it.name.value.as_str());
        let output = if it.named { Value::object(names.zip(outputs)) } else { outputs.collect() };
        let few = || StepError::new(ErrorClass::Failed, "too few branches succeeded");
        let value = if succeeded >= wanted { Ok(output) } else { Err(error.unwrap_or_else(few)) };
        let stopped = at > block.cut.instant()
            || lefts.iter().zip(&cuts).any(|(left, cut)| left.stopped && cut.instant() == block.cut.instant());
        Ok(Inner { at, value, stopped })
    }

    /// The branches, each with the part of the log that is its own.
    fn branches(
        &mut self,
        block: &Block<'_>,
        it: &'a Branches,
        cuts: &[Cut],
    ) -> Said<(Vec<Left>, Vec<std::ops::Range<usize>>)> {
        let (mut lefts, mut parts) = (Vec::new(), Vec::new());
        for (branch, cut) in it.branches.iter().zip(cuts) {
            let from = self.log.len();
            let frame = block.inner(&format!(".{}", branch.name.value), Vars::new(), block.start);
            lefts.push(self.frame(&branch.steps, &Frame { cut: cut.clone(), ..frame }, Undo::Elsewhere)?);
            parts.push(from..self.log.len());
        }
        Ok((lefts, parts))
    }

    fn repeat(&mut self, block: &Block<'_>, it: &'a Loop) -> Said<Inner> {
        let scope = &block.frame.scope;
        let max = match it.max.as_ref().map(|it| scope.node(it, block.start)) {
            None => Loop::MAX,
            Some(Ok(Value::Int(max))) if max >= 1 => max,
            Some(Ok(_)) => return Ok(Inner::now(block.start, Err(StepError::invalid("max")))),
            Some(Err(error)) => return Ok(Inner::now(block.start, Err(error))),
        };
        let (mut at, mut last, mut iterations) = (block.start, None, 0);
        let from = self.log.len();
        loop {
            let vars = Vars::from([("last".to_owned(), last.clone())]);
            if let Some(condition) = &it.condition {
                match Scope::new(Some(scope), vars.clone()).node(condition, at) {
                    Ok(it) if it.is_true() => {}
                    Ok(_) => return Ok(Inner::now(at, Ok(last.unwrap_or_default()))),
                    Err(error) => return Ok(Inner::now(at, Err(error))),
                }
            }
            if iterations >= max {
                let error = StepError::new(ErrorClass::Failed, "too many iterations").with_code("loop_max");
                return Ok(Inner::now(at, Err(error)));
            }
            let mut frame = block.inner(&format!("[{iterations}]"), vars, at);
            frame.after.extend(from..self.log.len());
            let left = self.frame(&it.body, &frame, Undo::Elsewhere)?;
            let FrameEnd::Succeeded(value) = &left.end else { return Ok(Inner::of(left)) };
            if left.stopped {
                return Ok(Inner::stopped(left.at));
            }
            (at, iterations) = (left.at, iterations + 1);
            match it.until.as_ref().map(|it| frame.scope.node(it, at)) {
                Some(Ok(done)) if done.is_true() => return Ok(Inner::now(at, Ok(value.clone()))),
                Some(Err(error)) => return Ok(Inner::now(at, Err(error))),
                _ => last = Some(value.clone()),
            }
            if let Some(pause) = it.every.filter(|_| it.condition.is_some() || iterations < max) {
                at += micros(pause.value);
                if at > block.cut.instant() {
                    return Ok(Inner::stopped(block.cut.instant()));
                }
            }
        }
    }

    fn rescue(&mut self, block: &Block<'_>, it: &'a Try) -> Said<Inner> {
        let from = self.log.len();
        let mut body = block.inner(".try", Vars::new(), block.start);
        body.handled |= it.catch.is_some();
        let undo = if it.catch.is_some() { Undo::IfStopped } else { Undo::Here };
        let mut left = self.frame(&it.body, &body, undo)?;
        let mut stopped = left.stopped;
        let error = if let FrameEnd::Failed(error) = &left.end { Some(error_value(error)) } else { None };
        let vars = Vars::from([("error".to_owned(), error)]);
        if let (FrameEnd::Failed(_), Some(catch), false) = (&left.end, &it.catch, stopped) {
            let mut frame = block.inner(".catch", vars.clone(), left.at);
            frame.after.extend(from..self.log.len());
            left = self.frame(catch, &frame, Undo::Elsewhere)?;
            stopped = left.stopped;
        }
        let mut inner = Inner { stopped, ..Inner::of(left) };
        if let Some(finally) = &it.finally {
            let mut frame = block.inner(".finally", vars, inner.at);
            frame.after.extend(from..self.log.len());
            // Nothing that stops the block stops its last word.
            frame.cut = Cut::never();
            let left = self.frame(finally, &frame, Undo::Elsewhere)?;
            inner.at = left.at;
            if let FrameEnd::Failed(error) = left.end {
                inner.value = Err(error);
            }
        }
        Ok(inner)
    }
}

/// When enough branches have succeeded, or too few can.
fn decided(lefts: &[Left], wanted: usize) -> Option<At> {
    let mut ends: Vec<(At, bool)> = lefts.iter().map(|it| (it.at, matches!(it.end, FrameEnd::Succeeded(_)))).collect();
    ends.sort_unstable();
    let (mut good, mut open) = (0, ends.len());
    for (at, success) in ends {
        open -= 1;
        good += usize::from(success);
        if good >= wanted || good + open < wanted {
            return Some(at);
        }
    }
    None
}

/// A block is stopped where it has not ended by itself before.
fn ended(inner: Inner, block: &Block<'_>) -> Ended {
    let cut = &block.frame.cut;
    let caught = ['.', '['].iter().any(|sign| cut.catches(&format!("{}{sign}", block.path), inner.at));
    if inner.stopped || caught {
        return Ended::without(inner.at.max(cut.instant()), State::Cancelled);
    }
    Ended::with(inner.at, inner.value)
}

fn error_value(error: &StepError) -> Value {
    let text = |it: &Option<String>| it.as_deref().map_or(Value::Null, Value::from);
    Value::object([
        ("class", Value::from(error.class.name())),
        ("code", text(&error.code)),
        ("message", Value::from(error.message.as_str())),
        ("step", text(&error.step)),
    ])
}
