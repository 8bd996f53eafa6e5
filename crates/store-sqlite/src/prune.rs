//! Dropping ended runs, a bounded number at a time.
//!
//! **Invariant:** a run goes with everything that is its own, in one commit, and never while it or its parent has not
//! ended.

use drawloom_blueprint::{RunId, RunStatus};
use drawloom_store::{Keep, Prune, Pruned, StoreError};
use rusqlite::{Connection, OptionalExtension, Params, params};

use crate::{
    columns::{count, key, labels, limit as sql_limit, run_id, status, unsigned},
    fault::Work,
    writer::Desk,
};

/// Holds for a run `r` for whose end nobody waits.
const NOT_NEEDED: &str = "NOT EXISTS (SELECT 1 FROM runs p WHERE p.id = r.parent AND p.status < 3)";

/// Drops what `prune` asks for.
pub(crate) fn prune(desk: &mut Desk, prune: &Prune) -> Work<Pruned> {
    let mut pruned = Pruned::default();
    for flow in flows(desk.conn(), prune)? {
        let left = prune.limit.saturating_sub(usize::try_from(pruned.runs).unwrap_or(usize::MAX));
        for run in candidates(desk.conn(), prune, &flow, left)? {
            pruned.runs += 1;
            pruned.facts += delete(desk, run)?;
        }
    }
    Ok(pruned)
}

/// Drops one run. Says whether it was there.
pub(crate) fn delete_run(desk: &mut Desk, run: RunId) -> Work<bool> {
    let sql = format!("SELECT r.status, {NOT_NEEDED} FROM runs r WHERE r.id = ?");
    let mut find = desk.conn().prepare_cached(&sql)?;
    let found: Option<(RunStatus, bool)> =
        find.query_row([key(run)], |row| Ok((status(row, 0)?, row.get(1)?))).optional()?;
    drop(find);
    match found {
        None => Ok(false),
        Some((status, true)) if status.is_end() => delete(desk, run).map(|_| true),
        Some(_) => Err(StoreError::Unended { run }.into()),
    }
}

/// The flows that have ended runs, found by leaping from one to the next in the index.
fn flows(conn: &Connection, prune: &Prune) -> Work<Vec<String>> {
    if let Some(flow) = &prune.flow {
        return Ok(vec![flow.clone()]);
    }
    let (mut flows, mut from) = (Vec::new(), String::new());
    let mut next =
        conn.prepare_cached("SELECT flow FROM runs WHERE status >= 3 AND flow >= ? ORDER BY flow LIMIT 1")?;
    while let Some(flow) = next.query_row([&from], |row| row.get::<_, String>(0)).optional()? {
        // No text lies between another and the same with a zero byte behind it.
        from = format!("{flow}\0");
        flows.push(flow);
    }
    Ok(flows)
}

/// The runs of `flow` to drop, oldest end first.
fn candidates(conn: &Connection, prune: &Prune, flow: &str, limit: usize) -> Work<Vec<RunId>> {
    let ended = "FROM runs r WHERE r.flow = ? AND r.status >= 3 AND r.ended_at IS NOT NULL";
    match prune.keep {
        Keep::For(age) => {
            let until = prune.now.0.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
            let sql =
                format!("SELECT r.id {ended} AND r.ended_at <= ? AND {NOT_NEEDED} ORDER BY r.ended_at, r.id LIMIT ?");
            ids(conn, &sql, params![flow, until, sql_limit(limit)])
        }
        Keep::Last(keep) => {
            let sql = format!("SELECT count(*) {ended}");
            let there = conn.prepare_cached(&sql)?.query_row([flow], |row| count(row, 0))?;
            let over = unsigned(there.saturating_sub(keep));
            let sql = format!(
                "SELECT r.id FROM (SELECT r.id, r.parent, r.ended_at {ended} ORDER BY r.ended_at, r.id LIMIT ?) r \
                 WHERE {NOT_NEEDED} ORDER BY r.ended_at, r.id LIMIT ?"
            );
            ids(conn, &sql, params![flow, over, sql_limit(limit)])
        }
    }
}

fn ids(conn: &Connection, sql: &str, values: impl Params) -> Work<Vec<RunId>> {
    let mut find = conn.prepare_cached(sql)?;
    let rows = find.query_map(values, |row| run_id(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Drops a run and says how many facts it had.
fn delete(desk: &mut Desk, run: RunId) -> Work<u64> {
    desk.forget(run);
    let conn = desk.conn();
    let id = key(run);
    let mut find = conn.prepare_cached("DELETE FROM runs WHERE id = ? RETURNING labels, last_seq")?;
    let (labels, facts) = find.query_row([id], |row| Ok((labels(row, 0)?, count(row, 1)?)))?;
    for (name, value) in labels {
        let sql = "DELETE FROM run_labels WHERE name = ? AND value = ? AND run = ?";
        conn.prepare_cached(sql)?.execute(params![name, value, id])?;
    }
    for table in ["facts", "run_blobs", "log_batches", "log_sources"] {
        conn.prepare_cached(&format!("DELETE FROM {table} WHERE run = ?"))?.execute([id])?;
    }
    Ok(facts)
}
