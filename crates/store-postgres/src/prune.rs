//! Dropping ended runs, a bounded number at a time.
//!
//! **Invariant:** a run goes with everything that is its own, in one commit, and never while it or its parent has not
//! ended.

use drawloom_blueprint::RunId;
use drawloom_store::{Keep, Prune, Pruned, StoreError};

use crate::{
    columns::{ENDED, Key, count, limit as sql_limit, unsigned},
    connect::{Session, Values},
    fault::Work,
};

/// Holds for a run `r` for whose end nobody waits.
const NOT_NEEDED: &str = "NOT EXISTS (SELECT FROM runs p WHERE p.id = r.parent AND p.status < 3)";

/// Drops what `prune` asks for.
pub(crate) async fn prune(session: &Session, prune: &Prune) -> Work<Pruned> {
    let mut pruned = Pruned::default();
    for flow in flows(session, prune).await? {
        let left = prune.limit.saturating_sub(usize::try_from(pruned.runs).unwrap_or(usize::MAX));
        let runs = candidates(session, prune, &flow, left).await?;
        pruned.facts += delete(session, &runs).await?;
        pruned.runs += runs.len() as u64;
    }
    Ok(pruned)
}

/// Drops one run. Says whether it was there.
pub(crate) async fn delete_run(session: &Session, run: RunId) -> Work<bool> {
    let sql = format!("SELECT r.status, {NOT_NEEDED} FROM runs r WHERE r.id = $1 FOR UPDATE OF r");
    let Some(row) = session.find(&sql, &[&Key::from(run)]).await? else { return Ok(false) };
    let (status, is_free): (i16, bool) = (row.try_get(0)?, row.try_get(1)?);
    if status < ENDED || !is_free {
        return Err(StoreError::Unended { run }.into());
    }
    delete(session, &[run.into()]).await.map(|_| true)
}

/// The flows that have ended runs, found by leaping from one to the next in the index.
async fn flows(session: &Session, prune: &Prune) -> Work<Vec<Vec<u8>>> {
    if let Some(flow) = &prune.flow {
        return Ok(vec![flow.as_bytes().to_vec()]);
    }
    let (mut flows, mut from) = (Vec::new(), Vec::new());
    let sql = "SELECT flow FROM runs WHERE status >= 3 AND flow >= $1 ORDER BY flow LIMIT 1";
    while let Some(row) = session.find(sql, &[&from]).await? {
        let flow: Vec<u8> = row.try_get(0)?;
        // Nothing lies between some bytes and the same with a zero byte behind them.
        from.clone_from(&flow);
        from.push(0);
        flows.push(flow);
    }
    Ok(flows)
}

/// The runs of `flow` to drop, oldest end first. They are locked, and those that others hold are left out.
async fn candidates(session: &Session, prune: &Prune, flow: &[u8], limit: usize) -> Work<Vec<Key>> {
    let ended = "FROM runs r WHERE r.flow = $1 AND r.status >= 3 AND r.ended_at IS NOT NULL";
    let order = "ORDER BY r.ended_at, r.id";
    let limit = sql_limit(limit);
    match prune.keep {
        Keep::For(age) => {
            let until = prune.now.0.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
            let sql = format!(
                "SELECT r.id {ended} AND r.ended_at <= $2 AND {NOT_NEEDED} {order} LIMIT $3 FOR UPDATE OF r SKIP LOCKED"
            );
            ids(session, &sql, &[&flow, &until, &limit]).await
        }
        Keep::Last(keep) => {
            let there = count(&session.one(&format!("SELECT count(*) {ended}"), &[&flow]).await?, 0)?;
            let over = unsigned(there.saturating_sub(keep));
            let sql = format!(
                "SELECT r.id FROM runs r WHERE r.id = ANY(ARRAY(SELECT r.id {ended} {order} LIMIT $2)) \
                 AND r.status >= 3 AND {NOT_NEEDED} {order} LIMIT $3 FOR UPDATE OF r SKIP LOCKED"
            );
            ids(session, &sql, &[&flow, &over, &limit]).await
        }
    }
}

async fn ids(session: &Session, sql: &str, values: Values<'_>) -> Work<Vec<Key>> {
    session.query(sql, values).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Drops runs and says how many facts they had.
async fn delete(session: &Session, runs: &[Key]) -> Work<u64> {
    if runs.is_empty() {
        return Ok(0);
    }
    let sql = "WITH gone AS (DELETE FROM runs WHERE id = ANY($1) RETURNING last_seq) \
               SELECT coalesce(sum(last_seq), 0)::bigint FROM gone";
    let facts = count(&session.one(sql, &[&runs]).await?, 0)?;
    for table in ["facts", "run_labels", "run_blobs", "log_batches", "log_sources"] {
        session.execute(&format!("DELETE FROM {table} WHERE run = ANY($1)"), &[&runs]).await?;
    }
    Ok(facts)
}
