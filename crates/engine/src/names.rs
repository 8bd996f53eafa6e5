//! What the names in expressions stand for at one place of a run.

use std::{collections::BTreeMap, sync::Arc};

use drawloom_blueprint::{
    Blueprint, FrameRef, Op, StepError, StepIx, Timestamp, Value,
    expr::{Expr, Found, Names, Seg},
};

use crate::{
    Run,
    block::{Inside, Phase},
    effect::Place,
    frame::{Frame, Status},
};

/// Why `last` has no value.
const NO_LAST: &str = "`last` is undefined: there was no iteration yet";

/// Why `error` has no value.
const NO_ERROR: &str = "`error` is undefined: the body did not fail";

/// What shows in place of a secret wherever the engine itself evaluates.
const HIDDEN: &str = "***";

/// What `secrets` is where the engine itself evaluates: the names that the flow uses, without their values.
fn hidden_secrets(blueprint: &Blueprint) -> Value {
    let names = blueprint.exprs.iter().flat_map(secret_names);
    Value::object(names.map(|name| (name, Value::from(HIDDEN))))
}

/// The names after `secrets.` in an expression.
fn secret_names(expr: &Expr) -> Vec<String> {
    match expr {
        Expr::Path { root, tail } if root == "secrets" => match tail.first() {
            Some(Seg::Name(name)) => vec![name.clone()],
            _ => Vec::new(),
        },
        Expr::Jinja(it) if it.roots.iter().any(|root| root == "secrets") => {
            let rests = it.source.split("secrets.").skip(1);
            let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            rests.map(name).collect()
        }
        _ => Vec::new(),
    }
}

/// A run seen from one of its frames.
pub(crate) struct Here<'a> {
    pub(crate) run: &'a Run,
    pub(crate) frame: FrameRef,
    pub(crate) now: Timestamp,
    /// Real secrets, where the evaluation is for a task about to be handed out.
    pub(crate) secrets: Option<&'a BTreeMap<String, String>>,
    /// The loop whose conditions are evaluated from outside its body.
    pub(crate) looping: Option<Place>,
}

impl Names for Here<'_> {
    fn find(&self, name: &str) -> Found {
        if let Some(step) = self.run.blueprint.find(name) {
            return self.step(step);
        }
        if let Some(it) = self.variable(name) {
            return it;
        }
        match name {
            "inputs" => Found::Value(self.run.started().map_or(Value::Null, |it| it.inputs.clone())),
            "run" => Found::Value(self.run_object()),
            "vars" => Found::Value(self.run.blueprint.vars.clone()),
            "secrets" => Found::Value(self.secrets()),
            _ => missing(format!("`{name}` is undefined here")),
        }
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

fn missing(why: String) -> Found {
    Found::Missing(Arc::from(why))
}

impl Here<'_> {
    fn step(&self, step: StepIx) -> Found {
        let scope = self.run.blueprint.step(step).scope;
        let id = &self.run.blueprint.step(step).id;
        let frames = &self.run.state.frames;
        let Some(frame) = frames.ancestry(self.frame).find(|at| frames.get(*at).is_some_and(|it| it.scope == scope))
        else {
            return missing(format!("step `{id}` cannot be seen from here"));
        };
        let Some(state) = self.run.step(Place { frame, step }) else {
            return missing(format!("step `{id}` cannot be seen from here"));
        };
        match (state.status, &state.output) {
            (Status::Succeeded, Some(it)) => Found::Value(it.clone()),
            (Status::Succeeded, None) => Found::Value(Value::Null),
            (status, _) if status.is_end() => missing(format!("step `{id}` has no output: it was {}", ended(status))),
            _ => missing(format!("step `{id}` has not ended")),
        }
    }

    /// The variables that blocks around this place define, innermost first.
    fn variable(&self, name: &str) -> Option<Found> {
        if let (Some(place), "last") = (self.looping, name) {
            return self.last(place);
        }
        let frames = &self.run.state.frames;
        frames.ancestry(self.frame).find_map(|at| self.variable_of(frames.get(at)?, name))
    }

    fn variable_of(&self, frame: &Frame, name: &str) -> Option<Found> {
        let owner = frame.owner?;
        let block = self.run.step(owner)?.block.as_ref().map(|it| &it.what);
        let given = |why: &str| frame.given.clone().map_or_else(|| missing(why.to_owned()), Found::Value);
        match (&self.run.blueprint.step(owner.step).op, block) {
            (Op::ForEach(it), _) if it.index.as_deref() == Some(name) => Some(Found::Value(Value::from(frame.index))),
            (Op::ForEach(it), Some(Inside::ForEach(items))) if it.item == name => {
                items.items.get(usize::try_from(frame.index).ok()?).cloned().map(Found::Value)
            }
            (Op::ForEach(it), None) if it.item == name => Some(given("the item is gone")),
            // A frame that was left has the value that it had in its time.
            (Op::Loop(_), Some(_)) if name == "last" && !frame.left => self.last(owner),
            (Op::Loop(_), _) if name == "last" => Some(given(NO_LAST)),
            (Op::Try(it), Some(Inside::Try(rescue))) if name == "error" && it.body != frame.scope => {
                let error = rescue.error.as_ref().filter(|_| rescue.phase != Phase::Body);
                Some(error.map_or_else(|| missing(NO_ERROR.to_owned()), |it| Found::Value(error_value(it))))
            }
            (Op::Try(it), None) if name == "error" && it.body != frame.scope => Some(given(NO_ERROR)),
            _ => None,
        }
    }

    fn last(&self, place: Place) -> Option<Found> {
        match &self.run.step(place)?.block.as_ref()?.what {
            Inside::Loop { last, .. } => Some(last.clone().map_or_else(|| missing(NO_LAST.to_owned()), Found::Value)),
            _ => None,
        }
    }

    fn secrets(&self) -> Value {
        match self.secrets {
            Some(it) => Value::object(it.iter().map(|(name, value)| (name.as_str(), Value::from(value.as_str())))),
            None => hidden_secrets(&self.run.blueprint),
        }
    }

    fn run_object(&self) -> Value {
        self.run.started().map_or(Value::Null, |it| crate::inputs::run_object(it, self.run.started_at()))
    }
}

fn ended(status: Status) -> &'static str {
    match status {
        Status::Skipped => "skipped",
        Status::Failed => "failed",
        Status::Cancelled => "cancelled",
        _ => "not run, as a step it needs failed",
    }
}

/// An error as a `catch` sees it.
pub(crate) fn error_value(error: &StepError) -> Value {
    let text = |it: &Option<String>| it.as_deref().map_or(Value::Null, Value::from);
    Value::object([
        ("class", Value::from(error.class.name())),
        ("code", text(&error.code)),
        ("message", Value::from(error.message.as_str())),
        ("step", text(&error.step)),
    ])
}
