//! What a group of appends writes: rows, gathered from all of them.
//!
//! **Invariant:** a plan is made of appends that follow each other. What it takes on trust (where the facts of a run
//! ended before the group) is asked of the database in the same commit, unless this connection has written it itself.

use std::collections::{HashMap, HashSet};

use drawloom_blueprint::RunId;
use drawloom_store::{Append, Entry, Follows, RunAppend, RunHead, RunState};

use super::{columns::Columns, known::Known};

/// Facts that share a row take at most about half a page of the database, so that two rows fill it.
const ROW_FULL: usize = 3_900;

/// Rows of facts that a run may have which its own row does not count yet: reading the run counts them.
const LOOSE_MAX: u32 = 64;

/// A group of appends as one commit.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) columns: Columns,
    /// How it leaves the runs that it touches.
    pub(super) ends: Vec<End>,
}

/// How a group leaves a run.
#[derive(Debug)]
pub(super) struct End {
    pub(super) run: RunId,
    /// The number of its last fact.
    pub(super) last: u64,
    /// How many facts were added.
    pub(super) added: u64,
    pub(super) state: RunState,
    /// Rows of facts that its own row does not count, and their bytes; none where its row is written.
    pub(super) loose: Option<(u32, u64)>,
}

/// What the appends of a group do to one run.
struct Part<'a> {
    head: Option<&'a RunHead>,
    follows: u64,
    state: &'a RunState,
    facts: Vec<&'a Entry>,
    blobs: HashSet<[u8; 32]>,
}

impl Part<'_> {
    fn last(&self) -> u64 {
        self.follows + self.facts.len() as u64
    }
}

/// The plan of these appends; none where they contradict each other or what is known, so that some must be refused.
pub(super) fn plan<'a>(appends: impl Iterator<Item = &'a Append>, known: &Known) -> Option<Plan> {
    let mut parts: Vec<(RunId, Part<'a>)> = Vec::new();
    let mut places: HashMap<RunId, usize> = HashMap::new();
    let mut keys: HashSet<&str> = HashSet::new();
    for it in appends.flat_map(|it| &it.runs) {
        match places.get(&it.run) {
            Some(place) => join(&mut parts[*place].1, it)?,
            None => {
                places.insert(it.run, parts.len());
                parts.push((it.run, begin(it, known)?));
            }
        }
        if let Follows::Nothing(head) = &it.follows
            && let Some(key) = head.idempotency_key.as_deref()
            && !keys.insert(key)
        {
            return None;
        }
    }
    let mut plan = Plan::default();
    for (run, part) in &parts {
        plan.add(*run, part, known);
    }
    plan.columns.freeze();
    Some(plan)
}

fn begin<'a>(it: &'a RunAppend, known: &Known) -> Option<Part<'a>> {
    let (head, follows) = match &it.follows {
        Follows::Nothing(_) if it.facts.is_empty() => return None,
        Follows::Nothing(head) => (Some(&**head), 0),
        Follows::Seq(0) => return None,
        // A number that no column holds is one that no run has.
        Follows::Seq(seq) => (None, i64::try_from(*seq).ok().filter(|it| *it < i64::MAX / 2)?.unsigned_abs()),
    };
    if known.last(it.run).is_some_and(|last| last != follows) {
        return None;
    }
    let blobs = it.blobs.iter().map(|it| it.0).collect();
    Some(Part { head, follows, state: &it.state, facts: it.facts.iter().collect(), blobs })
}

fn join<'a>(part: &mut Part<'a>, it: &'a RunAppend) -> Option<()> {
    if it.follows != Follows::Seq(part.last()) {
        return None;
    }
    part.state = &it.state;
    part.facts.extend(&it.facts);
    part.blobs.extend(it.blobs.iter().map(|it| it.0));
    Some(())
}

impl Plan {
    fn add(&mut self, run: RunId, part: &Part<'_>, known: &Known) {
        let rows = self.pack(run, part);
        let bytes: u64 = part.facts.iter().map(|it| it.fact.len() as u64).sum();
        let state = part.state;
        let mut loose = None;
        match part.head {
            Some(head) => self.columns.new_run(run, head, state, (part.last(), bytes)),
            None => match known.get(run) {
                // The facts say all that there is to say.
                Some(it) if it.state == *state && !state.status.is_end() && it.loose_rows + rows <= LOOSE_MAX => {
                    loose = Some((rows, bytes));
                }
                Some(it) => self.columns.old_run(run, None, state, (part.last(), bytes + it.loose_bytes)),
                None => self.columns.old_run(run, Some(part.follows), state, (part.last(), bytes)),
            },
        }
        self.ends.push(End { run, last: part.last(), added: part.facts.len() as u64, state: state.clone(), loose });
        for blob in &part.blobs {
            self.columns.blob(run, blob);
        }
    }

    fn pack(&mut self, run: RunId, part: &Part<'_>) -> u32 {
        let (mut seq, mut rest, mut rows) = (part.follows + 1, &part.facts[..], 0);
        while !rest.is_empty() {
            let mut size = 0;
            let full = rest.iter().position(|it| {
                let is_first = size == 0;
                size += it.fact.len() + 12;
                size > ROW_FULL && !is_first
            });
            let (row, behind) = rest.split_at(full.unwrap_or(rest.len()));
            self.columns.facts(run, seq, row);
            seq += row.len() as u64;
            rows += 1;
            rest = behind;
        }
        rows
    }
}

/// How much a group of appends weighs, so that groups stay of a size that is quick to send.
pub(super) fn weight(append: &Append) -> usize {
    append.runs.iter().flat_map(|it| &it.facts).map(|it| it.fact.len() + 16).sum()
}
