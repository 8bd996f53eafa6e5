//! The values of a group commit, column by column, as the schema's function takes them.
//!
//! **Invariant:** the columns of one table have one length, and their order is that of the function's parameters.

use bytes::Bytes;
use drawloom_blueprint::RunId;
use drawloom_store::{Entry, RunHead, RunState, pack};
use tokio_postgres::types::ToSql;

use crate::columns::{Key, Raw, labels_text, short_hash, status_code, unsigned};

/// What changes in a run's row.
#[derive(Debug, Default)]
struct States {
    id: Vec<Key>,
    status: Vec<i16>,
    flight: Vec<i64>,
    ended: Vec<Option<i64>>,
    due: Vec<Option<i64>>,
    error: Vec<Option<Raw>>,
    last: Vec<i64>,
    bytes: Vec<i64>,
}

impl States {
    fn push(&mut self, run: RunId, state: &RunState, (last, bytes): (u64, u64)) {
        self.id.push(run.into());
        self.status.push(status_code(state.status));
        self.flight.push(state.in_flight.into());
        self.ended.push(state.ended_at.map(|it| it.0));
        self.due.push(state.next_due.map(|it| it.0));
        self.error.push(state.error.as_deref().map(Raw::from));
        self.last.push(unsigned(last));
        self.bytes.push(unsigned(bytes));
    }
}

/// What never changes in a run's row.
#[derive(Debug, Default)]
struct Heads {
    flow: Vec<Raw>,
    version: Vec<Raw>,
    number: Vec<Option<i64>>,
    labels: Vec<Raw>,
    started: Vec<i64>,
    parent: Vec<Option<Key>>,
    concurrency: Vec<Option<Raw>>,
    key: Vec<Option<Raw>>,
}

/// Rows of the journal.
#[derive(Debug, Default)]
struct Facts {
    run: Vec<Key>,
    seq: Vec<i64>,
    count: Vec<i32>,
    bytes: Vec<i32>,
    /// All bodies, one after the other, and where each of them ends.
    packed: Vec<u8>,
    ends: Vec<usize>,
    body: Vec<Raw>,
}

/// The values of a group commit.
#[derive(Debug, Default)]
pub(super) struct Columns {
    heads: Heads,
    new: States,
    follows: Vec<Option<i64>>,
    old: States,
    facts: Facts,
    label: Vec<Key>,
    label_run: Vec<Key>,
    blob_run: Vec<Key>,
    blob: Vec<Raw>,
}

impl Columns {
    /// A run that begins, with its last number and the bytes of its facts.
    pub(super) fn new_run(&mut self, run: RunId, head: &RunHead, state: &RunState, ends: (u64, u64)) {
        self.new.push(run, state, ends);
        let heads = &mut self.heads;
        heads.flow.push(Raw::from(&*head.flow));
        heads.version.push(Raw(Bytes::copy_from_slice(&head.version.0)));
        heads.number.push(head.number.map(i64::from));
        heads.labels.push(labels_text(&head.labels));
        heads.started.push(head.started_at.0);
        heads.parent.push(head.parent.map(Key::from));
        heads.concurrency.push(head.concurrency_key.as_deref().map(Raw::from));
        heads.key.push(head.idempotency_key.as_deref().map(Raw::from));
        for (name, value) in &head.labels {
            self.label.push(short_hash(&[name, value]));
            self.label_run.push(run.into());
        }
    }

    /// A run that goes on, with its last number and the bytes of facts that are new to its row. Where it is not
    /// known, the database is asked whether its facts ended with number `follows`.
    pub(super) fn old_run(&mut self, run: RunId, follows: Option<u64>, state: &RunState, ends: (u64, u64)) {
        self.follows.push(follows.map(unsigned));
        self.old.push(run, state, ends);
    }

    /// A row of facts, of which the first has number `seq`.
    pub(super) fn facts(&mut self, run: RunId, seq: u64, facts: &[&Entry]) {
        let it = &mut self.facts;
        it.run.push(run.into());
        it.seq.push(unsigned(seq));
        it.count.push(i32::try_from(facts.len()).unwrap_or(i32::MAX));
        let bytes: usize = facts.iter().map(|it| it.fact.len()).sum();
        it.bytes.push(i32::try_from(bytes).unwrap_or(i32::MAX));
        pack::pack_facts(facts.iter().copied(), &mut it.packed);
        it.ends.push(it.packed.len());
    }

    pub(super) fn blob(&mut self, run: RunId, blob: &[u8; 32]) {
        self.blob_run.push(run.into());
        self.blob.push(Raw(Bytes::copy_from_slice(blob)));
    }

    /// Ends the gathering.
    pub(super) fn freeze(&mut self) {
        let packed = Bytes::from(std::mem::take(&mut self.facts.packed));
        let mut from = 0;
        for end in self.facts.ends.drain(..) {
            self.facts.body.push(Raw(packed.slice(from..end)));
            from = end;
        }
    }

    /// Rows and bytes of the journal.
    pub(super) fn size(&self) -> (u64, u64) {
        let bytes: usize = self.facts.body.iter().map(|it| it.0.len()).sum();
        (self.facts.body.len() as u64, bytes as u64)
    }

    /// The call that writes all of it.
    pub(super) const CALL: &str = "SELECT append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
        $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37)";

    /// The values of the call.
    pub(super) fn values<'a>(&'a self, claim: [&'a i64; 3]) -> [&'a (dyn ToSql + Sync); 37] {
        let [epoch, line, turn] = claim;
        let (heads, new, old, facts) = (&self.heads, &self.new, &self.old, &self.facts);
        [
            epoch,
            line,
            turn,
            &new.id,
            &heads.flow,
            &heads.version,
            &heads.number,
            &heads.labels,
            &heads.started,
            &heads.parent,
            &heads.concurrency,
            &heads.key,
            &new.status,
            &new.flight,
            &new.ended,
            &new.due,
            &new.error,
            &new.last,
            &new.bytes,
            &old.id,
            &self.follows,
            &old.status,
            &old.flight,
            &old.ended,
            &old.due,
            &old.error,
            &old.last,
            &old.bytes,
            &facts.run,
            &facts.seq,
            &facts.count,
            &facts.bytes,
            &facts.body,
            &self.label,
            &self.label_run,
            &self.blob_run,
            &self.blob,
        ]
    }
}
