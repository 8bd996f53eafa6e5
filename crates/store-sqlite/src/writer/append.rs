//! Writing admitted facts: a row for each run, a row or a few for its new facts.
//!
//! **Invariant:** everything is checked before the first write, so a refused append leaves its transaction as it was.

use std::collections::HashMap;

use drawloom_blueprint::RunId;
use drawloom_store::{
    Append, Entry, Epoch, Follows, RunAppend, RunHead, RunState, Shard, StoreError, Written,
    admit::{Present, admit},
    pack,
};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::{Desk, desk::Known};
use crate::{
    columns::{UNWRITTEN, count, key, status_code, unsigned},
    fault::Work,
};

/// The size from which on no further fact is packed into a row.
const ROW_FULL: usize = 128 * 1024;

impl Desk {
    pub(super) fn append(&mut self, append: &Append) -> Work<()> {
        if !self.is_owner() {
            return Err(StoreError::ReadOnly("this process has not claimed the store".to_owned()).into());
        }
        admit(append, self)?;
        let Self { conn, known, writing, .. } = self;
        let facts = conn.prepare_cached("INSERT INTO facts (run, seq, body, count, bytes) VALUES (?, ?, ?, ?, ?)")?;
        let mut rows = Rows { conn, known, writing, facts, body: Vec::new() };
        append.runs.iter().try_for_each(|it| rows.write(it))
    }

    /// What the file says of a run; none where it is not there, which is what is asked most.
    fn look_up(&self, run: RunId) -> Work<Option<Known>> {
        let mut find = self.conn.prepare_cached("SELECT last_seq FROM runs WHERE id = ?")?;
        let Some(last) = find.query_row([key(run)], |row| count(row, 0)).optional()? else { return Ok(None) };
        let mut find = self.conn.prepare_cached(&format!(
            "SELECT coalesce(sum(f.count), 0), coalesce(sum(f.bytes), 0) FROM runs r, facts f \
             WHERE r.id = ? AND {UNWRITTEN}"
        ))?;
        let (more, unwritten) = find.query_row([key(run)], |row| Ok((count(row, 0)?, count(row, 1)?)))?;
        Ok(Some(Known { last: last + more, unwritten, state: None }))
    }
}

/// Where the rows of an append are written.
struct Rows<'a> {
    conn: &'a Connection,
    known: &'a mut HashMap<RunId, Known>,
    writing: &'a mut Written,
    /// The statement that inserts facts, which all need.
    facts: CachedStatement<'a>,
    /// What packs the facts of a row.
    body: Vec<u8>,
}

impl Rows<'_> {
    fn write(&mut self, append: &RunAppend) -> Work<()> {
        let bytes: usize = append.facts.iter().map(|it| it.fact.len()).sum();
        let (first, last) = match &append.follows {
            Follows::Nothing(head) => {
                let last = append.facts.len() as u64;
                self.insert_run(append, head, (last, bytes as u64))?;
                (1, last)
            }
            Follows::Seq(seq) => {
                let last = seq + append.facts.len() as u64;
                self.renew_run(append, (last, bytes as u64))?;
                (seq + 1, last)
            }
        };
        self.insert_facts(append.run, first, &append.facts)?;
        if !append.blobs.is_empty() {
            let mut insert = self.conn.prepare_cached("INSERT OR IGNORE INTO run_blobs (run, blob) VALUES (?, ?)")?;
            for blob in &append.blobs {
                insert.execute(params![key(append.run), blob.0])?;
            }
        }
        self.remember(append, last);
        Ok(())
    }

    fn remember(&mut self, append: &RunAppend, last: u64) {
        if append.state.status.is_end() {
            // Hardly anything follows an end, so its place is better used for another run.
            self.known.remove(&append.run);
            return;
        }
        let known = self.known.entry(append.run).or_default();
        known.last = last;
        if known.state.as_ref() != Some(&append.state) {
            known.state = Some(append.state.clone());
        }
    }

    /// Writes the row of a run, unless only its facts become more: most appends leave its state as it was, and a row
    /// stands in several indexes.
    fn renew_run(&mut self, append: &RunAppend, (last, bytes): (u64, u64)) -> Work<()> {
        let known = self.known.entry(append.run).or_default();
        known.unwritten += bytes;
        if known.state.as_ref() == Some(&append.state) && !append.state.status.is_end() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut known.unwritten);
        self.update_run(append.run, &append.state, (last, bytes))
    }

    fn insert_run(&self, append: &RunAppend, head: &RunHead, (last, bytes): (u64, u64)) -> Work<()> {
        const SQL: &str = "INSERT INTO runs (id, flow, version, number, labels, started_at, parent, concurrency_key, \
            idempotency_key, status, ended_at, next_due, in_flight, error, last_seq, fact_bytes) \
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let labels = crate::columns::labels_text(&head.labels);
        let state = &append.state;
        self.conn.prepare_cached(SQL)?.execute(params![
            key(append.run),
            head.flow,
            head.version.0,
            head.number,
            labels,
            head.started_at.0,
            head.parent.map(key),
            head.concurrency_key,
            head.idempotency_key,
            status_code(state.status),
            state.ended_at.map(|it| it.0),
            state.next_due.map(|it| it.0),
            state.in_flight,
            state.error,
            unsigned(last),
            unsigned(bytes),
        ])?;
        if !head.labels.is_empty() {
            let mut insert = self.conn.prepare_cached("INSERT INTO run_labels (name, value, run) VALUES (?, ?, ?)")?;
            for (name, value) in &head.labels {
                insert.execute(params![name, value, key(append.run)])?;
            }
        }
        Ok(())
    }

    fn update_run(&self, run: RunId, state: &RunState, (last, bytes): (u64, u64)) -> Work<()> {
        const SQL: &str = "UPDATE runs SET status = ?, ended_at = ?, next_due = ?, in_flight = ?, error = ?, \
            last_seq = ?, fact_bytes = fact_bytes + ? WHERE id = ?";
        let changed = self.conn.prepare_cached(SQL)?.execute(params![
            status_code(state.status),
            state.ended_at.map(|it| it.0),
            state.next_due.map(|it| it.0),
            state.in_flight,
            state.error,
            unsigned(last),
            unsigned(bytes),
            key(run),
        ])?;
        // It was admitted because it is there.
        if changed == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(changed).into()) }
    }

    fn insert_facts(&mut self, run: RunId, first: u64, facts: &[Entry]) -> Work<()> {
        let (mut seq, mut rest) = (first, facts);
        while !rest.is_empty() {
            let mut size = 0;
            let full = rest.iter().position(|it| {
                let full = size >= ROW_FULL;
                size += it.fact.len();
                full
            });
            let (row, behind) = rest.split_at(full.unwrap_or(rest.len()));
            self.body.clear();
            pack::pack_facts(row, &mut self.body);
            let bytes: usize = row.iter().map(|it| it.fact.len()).sum();
            self.facts.execute(params![
                key(run),
                unsigned(seq),
                self.body,
                unsigned(row.len() as u64),
                unsigned(bytes as u64)
            ])?;
            self.writing.rows += 1;
            self.writing.bytes += self.body.len() as u64;
            seq += row.len() as u64;
            rest = behind;
        }
        Ok(())
    }
}

impl Present for Desk {
    fn epoch(&mut self, _: Shard) -> Result<Epoch, StoreError> {
        // The file has one owner, so one epoch stands for each shard.
        Ok(self.epoch)
    }

    fn last_seq(&mut self, run: RunId) -> Result<u64, StoreError> {
        if let Some(known) = self.known.get(&run) {
            return Ok(known.last);
        }
        let Some(known) = self.look_up(run).map_err(|it| it.writing(&self.path))? else { return Ok(0) };
        let last = known.last;
        self.known.insert(run, known);
        Ok(last)
    }

    fn key_owner(&mut self, idempotency_key: &str) -> Result<Option<RunId>, StoreError> {
        let read = || -> Work<Option<RunId>> {
            let mut find = self.conn.prepare_cached("SELECT id FROM runs WHERE idempotency_key = ?")?;
            Ok(find.query_row([idempotency_key], |row| crate::columns::run_id(row, 0)).optional()?)
        };
        read().map_err(|it| it.writing(&self.path))
    }
}
