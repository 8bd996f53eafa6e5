//! The compiled, flat, read-only form of a version.
//!
//! **Invariant:** every index in a blueprint points into its own arenas; [`Blueprint::decode`] checks that
//! once, so that nothing that runs it has to.

use std::collections::BTreeMap;
use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::{ExprIx, Limits, Lookup, Op, ScopeIx, StepIx, TriggerRule, Value, expr::Expr};

/// A compiled flow. Steps, scopes and expressions stand in contiguous arenas; edges are compressed rows.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Blueprint {
    /// The flow's name.
    #[n(0)]
    pub flow: String,
    /// What the flow is for.
    #[n(1)]
    pub description: Option<String>,
    /// Labels of each run, by name.
    #[n(2)]
    pub labels: BTreeMap<String, ExprIx>,
    /// The inputs, in order of writing.
    #[n(3)]
    pub inputs: Vec<InputDef>,
    /// The run's outputs, in order of writing.
    #[n(4)]
    pub outputs: Vec<(String, ExprIx)>,
    /// The limits of each run.
    #[n(5)]
    pub limits: Limits,
    /// What starts runs.
    #[n(6)]
    pub triggers: Vec<Trigger>,
    /// Scopes; the first is the root.
    #[n(7)]
    pub scopes: Vec<Scope>,
    /// Steps, each scope's together and in order of writing.
    #[n(8)]
    pub steps: Vec<Step>,
    /// The rows of [`Step::next`], one after the other.
    #[n(9)]
    pub edges: Vec<StepIx>,
    /// Expressions.
    #[n(10)]
    pub exprs: Vec<Expr>,
    /// The constants that `vars` holds.
    #[n(11)]
    pub vars: Value,
    /// Steps by id.
    #[cbor(skip)]
    pub lookup: Lookup,
}

/// An input of a flow.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct InputDef {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// The JSON Schema of its value.
    #[n(1)]
    pub schema: Value,
    /// The value where none is given; an input without one must be given.
    #[cbor(n(2), with = "crate::codec::present", has_nil)]
    pub default: Option<Value>,
}

/// A list of steps: the root, a branch, the body of a loop or map.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Scope {
    /// The step whose block this is; none for the root.
    #[n(0)]
    pub owner: Option<StepIx>,
    /// Its name among the owner's scopes: `do`, `then`, a branch's name, `catch`, …
    #[n(1)]
    pub name: String,
    /// The first of its steps.
    #[n(2)]
    pub first: StepIx,
    /// How many steps it has.
    #[n(3)]
    pub len: u32,
    /// The step whose output is the scope's; none when it has no steps.
    #[n(4)]
    pub last: Option<StepIx>,
}

/// A step, with its edges and policies.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Step {
    /// Its id in the flow, by which it is known across versions.
    #[n(0)]
    pub id: String,
    /// Its name for people, where it has one.
    #[n(1)]
    pub title: Option<String>,
    /// The scope in which it stands.
    #[n(2)]
    pub scope: ScopeIx,
    /// What it does.
    #[n(3)]
    pub op: Op,
    /// How many steps it needs (all in the same scope).
    #[n(4)]
    pub needs: u32,
    /// When they let it run.
    #[n(5)]
    pub rule: TriggerRule,
    /// Conditions that must all hold, or it is skipped.
    #[n(6)]
    pub when: Vec<ExprIx>,
    /// Where the steps that need it begin in [`Blueprint::edges`].
    #[n(7)]
    pub edges_first: u32,
    /// How many there are.
    #[n(8)]
    pub edges_len: u32,
    /// Whether its failure counts as handled and lets the steps after it run.
    #[n(9)]
    pub continue_on_failure: bool,
    /// The longest the whole step may take, where it is a block (a task's limit is per attempt, in its op).
    #[n(10)]
    pub timeout: Option<Duration>,
    /// The groups around it, outermost first, for drawing.
    #[n(11)]
    pub groups: Vec<String>,
    /// The single step after this one, where both are inline and nothing else joins in between: the engine
    /// goes straight on.
    #[n(12)]
    pub fused_next: Option<StepIx>,
}

/// What starts runs of a flow. They fire in the server only.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(array)]
pub struct Trigger {
    /// `cron`, `interval`, `webhook`, …
    #[n(0)]
    pub kind: String,
    /// Its settings as written, checked by the compiler.
    #[n(1)]
    pub settings: Value,
}

impl Blueprint {
    /// The root scope.
    pub const ROOT: ScopeIx = ScopeIx(0);

    /// The step at `ix`.
    #[must_use]
    pub fn step(&self, ix: StepIx) -> &Step {
        &self.steps[ix.ix()]
    }

    /// The scope at `ix`.
    #[must_use]
    pub fn scope(&self, ix: ScopeIx) -> &Scope {
        &self.scopes[ix.ix()]
    }

    /// The expression at `ix`.
    #[must_use]
    pub fn expr(&self, ix: ExprIx) -> &Expr {
        &self.exprs[ix.ix()]
    }

    /// The steps that need `step`.
    #[must_use]
    pub fn next(&self, step: StepIx) -> &[StepIx] {
        let it = self.step(step);
        &self.edges[it.edges_first as usize..(it.edges_first + it.edges_len) as usize]
    }

    /// The step with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<StepIx> {
        self.lookup.find(&self.steps, id)
    }

    /// The steps of a scope.
    pub fn steps_of(&self, scope: ScopeIx) -> impl ExactSizeIterator<Item = StepIx> + use<> {
        let it = self.scope(scope);
        (it.first.0..it.first.0 + it.len).map(StepIx)
    }
}

/// Says which index of `it` points nowhere.
pub(crate) fn check_indices(it: &Blueprint) -> Result<(), String> {
    let expr = |ix: &ExprIx| if ix.ix() < it.exprs.len() { Ok(()) } else { Err(format!("no expression {}", ix.0)) };
    let step = |ix: &StepIx| if ix.ix() < it.steps.len() { Ok(()) } else { Err(format!("no step {}", ix.0)) };
    let scope = |ix: &ScopeIx| if ix.ix() < it.scopes.len() { Ok(()) } else { Err(format!("no scope {}", ix.0)) };
    scope(&Blueprint::ROOT)?;
    it.labels.values().chain(it.outputs.iter().map(|(_, ix)| ix)).try_for_each(expr)?;
    it.limits.concurrency.iter().filter_map(|it| it.key.as_ref()).try_for_each(expr)?;
    it.edges.iter().try_for_each(step)?;
    for at in &it.scopes {
        let end = at.first.0.checked_add(at.len).ok_or("a scope has too many steps")?;
        if end as usize > it.steps.len() {
            return Err(format!("a scope ends behind the last step, at {end}"));
        }
        at.owner.iter().chain(&at.last).try_for_each(step)?;
    }
    for at in &it.steps {
        scope(&at.scope)?;
        at.when.iter().try_for_each(expr)?;
        at.fused_next.iter().try_for_each(step)?;
        let end = at.edges_first.checked_add(at.edges_len).ok_or("a step has too many edges")?;
        if end as usize > it.edges.len() {
            return Err(format!("the edges of `{}` end behind the last edge", at.id));
        }
        at.op.exprs().iter().try_for_each(expr)?;
        at.op.scopes().iter().try_for_each(scope)?;
    }
    // An expression may only use earlier ones, so that evaluating it ends.
    for (at, it) in it.exprs.iter().enumerate() {
        if it.parts().iter().any(|part| part.ix() >= at) {
            return Err(format!("expression {at} uses a later one"));
        }
    }
    Ok(())
}
