//! Simulated executors: work that takes simulated time and ends in every way that work can end.
//!
//! **Invariant:** an execution is noted in the ledger when it begins and when it ends; what it returns holds a
//! number that nothing else has.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use drawloom_blueprint::{ErrorClass, Outcome, StepError, Value};
use drawloom_queue::{Context, Executor, KindInfo, Line, Placement, Stream, Task, TaskId};
use tokio::time::{Instant, sleep};

use crate::{
    flows::WORK,
    stage::{Life, Stage},
};

/// The executors of one process.
pub(crate) struct Hands {
    info: KindInfo,
    stage: Arc<Stage>,
    life: Arc<Life>,
}

/// How an execution goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Succeed,
    Fail(ErrorClass),
    /// Does nothing until it is asked to stop.
    Hang,
    /// Does not hear that it is to stop.
    Deaf,
    /// Succeeds when it is asked to stop.
    TooLate,
    Panic,
    /// Takes no notice of its time limit.
    Overtime,
}

/// Notes the end of an execution, also of one that is dropped.
struct Noted {
    stage: Arc<Stage>,
    life: Arc<Life>,
    task: TaskId,
}

impl Drop for Noted {
    fn drop(&mut self) {
        if self.life.is_owner() {
            self.stage.ledger().ends(self.task);
        }
    }
}

impl Hands {
    pub(crate) fn new(stage: &Arc<Stage>, life: &Arc<Life>) -> Arc<Self> {
        let any = Value::object([("type", Value::from("object"))]);
        let info = KindInfo {
            name: WORK,
            summary: "Simulated work.",
            version: 1,
            placement: Placement::Worker,
            with: any.clone(),
            returns: any,
            docs: "",
        };
        Arc::new(Self { info, stage: Arc::clone(stage), life: Arc::clone(life) })
    }

    fn way(&self) -> Way {
        if self.stage.fault(self.stage.plan.odd) {
            return match self.stage.rng().u8(0..5) {
                0 => Way::Hang,
                1 => Way::Deaf,
                2 => Way::TooLate,
                3 => Way::Panic,
                _ => Way::Overtime,
            };
        }
        if !self.stage.fault(self.stage.plan.failure) {
            return Way::Succeed;
        }
        let classes = [ErrorClass::Failed, ErrorClass::Failed, ErrorClass::Failed];
        let rare = ErrorClass::ALL;
        let mut rng = self.stage.rng();
        let at = rng.usize(0..classes.len() + rare.len());
        Way::Fail(*classes.iter().chain(&rare).nth(at).unwrap_or(&ErrorClass::Failed))
    }

    async fn work(&self, task: &Task, context: &Context, way: Way) -> Result<(), StepError> {
        let span = self.stage.span(self.stage.plan.work);
        let calm = self.stage.calm.clone();
        let stopped = || StepError::new(ErrorClass::Cancelled, "it was asked to stop");
        let stop =
            async { if way == Way::Deaf { std::future::pending().await } else { context.stop.cancelled().await } };
        let limit = async {
            match task.timeout {
                Some(limit) if way != Way::Overtime => sleep(limit).await,
                _ => std::future::pending().await,
            }
        };
        let work = async {
            match way {
                Way::Hang | Way::Deaf | Way::TooLate | Way::Overtime => calm.cancelled().await,
                _ if self.stage.plan.brief && self.stage.fault(500) => {}
                _ => sleep(span).await,
            }
        };
        tokio::select! {
            biased;
            () = stop => {
                if self.stage.fault(300) {
                    sleep(Duration::from_millis(2)).await;
                }
                return if way == Way::TooLate { Ok(()) } else { Err(stopped()) };
            }
            () = limit => return Err(StepError::new(ErrorClass::Timeout, "it took too long")),
            () = work => {}
        }
        match way {
            Way::Fail(class) => {
                let error = StepError::new(class, "it did not work");
                Err(StepError { retry_after_ms: self.stage.fault(100).then_some(3_000), ..error })
            }
            Way::Panic => std::panic::resume_unwind(Box::new("on purpose")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Executor for Hands {
    fn info(&self) -> &KindInfo {
        &self.info
    }

    fn is_brief(&self) -> bool {
        self.stage.plan.brief
    }

    async fn execute(self: Arc<Self>, task: Task, context: Context) -> Outcome {
        self.life.breathe().await;
        if context.stop.is_cancelled() {
            return Outcome::Failure(StepError::new(ErrorClass::Cancelled, "it was asked to stop before it began"));
        }
        let way = self.way();
        let name = format!("{}#{}", task.path, task.id.attempt);
        self.stage.say(format_args!("process {}: {} {name} begins: {way:?}", self.life.number, task.id.run));
        let _noted = Noted { stage: Arc::clone(&self.stage), life: Arc::clone(&self.life), task: task.id };
        if self.life.is_owner() {
            let mut ledger = self.stage.ledger();
            let allowed = ledger.begins(task.id, Instant::now());
            let many = ledger.executing() > self.stage.plan.parallelism;
            drop(ledger);
            self.stage.check(allowed);
            if many {
                self.stage.break_off("more attempts are executed than the process has room for".to_owned());
            }
        }
        if self.stage.fault(100) {
            context.output.line(Line { stream: Stream::Out, text: name.clone() });
        }
        let result = self.work(&task, &context, way).await;
        self.life.breathe().await;
        self.stage.say(format_args!("process {}: {} {name} ends: {result:?}", self.life.number, task.id.run));
        match result {
            Ok(()) => {
                let number = self.stage.number();
                self.stage.ledger().returns(task.id, number);
                let of = task.with.get("v").cloned().unwrap_or_default();
                let text = if self.stage.fault(100) { "x".repeat(200) } else { String::new() };
                Outcome::Success(Value::object([("by", Value::Int(number)), ("of", of), ("text", text.into())]))
            }
            Err(error) => Outcome::Failure(error),
        }
    }
}
