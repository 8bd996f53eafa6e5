//! The arenas of scopes, steps and edges while they grow.
//!
//! **Invariant:** the steps of a scope stand together and in order of writing; scopes wait in a queue, so that
//! nesting costs no stack and everything costs time in proportion to the document.

use std::collections::VecDeque;

use drawloom_blueprint::{ExprIx, Scope, ScopeIx, Step, StepIx};

use super::{
    exprs::Exprs,
    list::{Listed, listed},
};
use crate::{
    Options,
    model::{self, Flow, OnFailure},
};

/// A flow on its way into a blueprint.
pub(super) struct Emitter<'a> {
    pub(super) flow: &'a Flow,
    pub(super) options: &'a Options<'a>,
    pub(super) exprs: Exprs,
    pub(super) scopes: Vec<Scope>,
    pub(super) steps: Vec<Step>,
    pub(super) edges: Vec<StepIx>,
    open: VecDeque<(ScopeIx, &'a [model::Step])>,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(flow: &'a Flow, options: &'a Options<'a>) -> Self {
        Self {
            flow,
            options,
            exprs: Exprs::default(),
            scopes: Vec::new(),
            steps: Vec::new(),
            edges: Vec::new(),
            open: VecDeque::new(),
        }
    }

    /// Makes a scope whose steps are emitted later.
    pub(super) fn scope(&mut self, owner: Option<StepIx>, name: &str, steps: &'a [model::Step]) -> ScopeIx {
        let at = ScopeIx(index(self.scopes.len()));
        self.scopes.push(Scope { owner, name: name.to_owned(), first: StepIx(0), len: 0, last: None });
        self.open.push_back((at, steps));
        at
    }

    /// Emits the steps of all scopes that wait, and of those that come up meanwhile.
    pub(super) fn run(&mut self) {
        while let Some((at, steps)) = self.open.pop_front() {
            let steps = listed(steps);
            let first = index(self.steps.len());
            let scope = &mut self.scopes[at.ix()];
            scope.first = StepIx(first);
            scope.len = index(steps.len());
            scope.last = scope.len.checked_sub(1).map(|last| StepIx(first + last));
            let rows = self.rows(first, &steps);
            for (step, (edges_first, edges_len)) in steps.into_iter().zip(rows) {
                let it = self.step(at, step);
                self.steps.push(Step { edges_first, edges_len, ..it });
            }
        }
    }

    /// Adds the edges of a list; where those of each step begin, and how many they are.
    fn rows(&mut self, first: u32, steps: &[Listed]) -> Vec<(u32, u32)> {
        let mut rows = vec![(0, 0); steps.len()];
        for need in steps.iter().flat_map(|it| &it.needs) {
            rows[*need].1 += 1;
        }
        let mut next = index(self.edges.len());
        for (begin, len) in &mut rows {
            *begin = next;
            next += *len;
        }
        self.edges.resize(next as usize, StepIx(0));
        let mut free: Vec<u32> = rows.iter().map(|(begin, _)| *begin).collect();
        for (step, to) in steps.iter().zip(first..) {
            for need in &step.needs {
                self.edges[free[*need] as usize] = StepIx(to);
                free[*need] += 1;
            }
        }
        rows
    }

    fn step(&mut self, scope: ScopeIx, it: Listed<'a>) -> Step {
        let when: Vec<ExprIx> = it.when.iter().map(|node| self.exprs.node(node)).collect();
        let own = StepIx(index(self.steps.len()));
        let (op, timeout) = self.op(own, it.step);
        Step {
            id: it.step.id.value.clone(),
            title: it.step.name.as_ref().map(|it| it.value.clone()),
            scope,
            op,
            needs: index(it.needs.len()),
            rule: it.rule,
            when,
            edges_first: 0,
            edges_len: 0,
            continue_on_failure: it.on_failure == OnFailure::Continue,
            timeout,
            groups: it.groups,
            fused_next: None,
        }
    }
}

/// A position as an index. Documents are bounded far below 2^32 of anything.
pub(super) fn index(at: usize) -> u32 {
    u32::try_from(at).expect("invariant: documents are far smaller than 4 GiB")
}
