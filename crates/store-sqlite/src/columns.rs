//! How ids, states, labels and rows stand in columns.
//!
//! **Invariant:** codes of states are never changed; a column that makes no sense is an error, never a guess.

use std::collections::BTreeMap;

use drawloom_blueprint::{FlowHash, RunId, RunStatus, Timestamp};
use drawloom_store::{BlobHash, RunHead, RunRow, RunState};
use rusqlite::{Error, Result, Row, types::Type};

/// A run's id as a column: big-endian, so that the order of bytes is the order of ids.
pub(crate) fn key(run: RunId) -> [u8; 16] {
    run.0.to_be_bytes()
}

/// A count or number as a column, which holds 63 bits.
pub(crate) fn unsigned(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit as SQL takes it.
pub(crate) fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn run_id(row: &Row<'_>, at: usize) -> Result<RunId> {
    row.get(at).map(|it| RunId(u128::from_be_bytes(it)))
}

pub(crate) fn flow_hash(row: &Row<'_>, at: usize) -> Result<FlowHash> {
    row.get(at).map(FlowHash)
}

pub(crate) fn blob_hash(row: &Row<'_>, at: usize) -> Result<BlobHash> {
    row.get(at).map(BlobHash)
}

pub(crate) fn count(row: &Row<'_>, at: usize) -> Result<u64> {
    let number: i64 = row.get(at)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(at, number))
}

pub(crate) fn status_code(status: RunStatus) -> u8 {
    match status {
        RunStatus::Queued => 0,
        RunStatus::Running => 1,
        RunStatus::Paused => 2,
        RunStatus::Succeeded => 3,
        RunStatus::Failed => 4,
        RunStatus::Cancelled => 5,
    }
}

pub(crate) fn status(row: &Row<'_>, at: usize) -> Result<RunStatus> {
    use RunStatus::{Cancelled, Failed, Paused, Queued, Running, Succeeded};
    let code: i64 = row.get(at)?;
    [Queued, Running, Paused, Succeeded, Failed, Cancelled]
        .into_iter()
        .find(|it| i64::from(status_code(*it)) == code)
        .ok_or(Error::IntegralValueOutOfRange(at, code))
}

/// Labels as a column: a JSON object, or nothing where there are none.
pub(crate) fn labels_text(labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    serde_json::to_string(labels).expect("invariant: texts by name are always JSON")
}

pub(crate) fn labels(row: &Row<'_>, at: usize) -> Result<BTreeMap<String, String>> {
    let text = row.get_ref(at)?.as_str()?;
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    serde_json::from_str(text).map_err(|it| Error::FromSqlConversionFailure(at, Type::Text, it.into()))
}

/// Holds for facts `f` that the row of their unended run `r` does not count yet. The row of an ended run counts all.
pub(crate) const UNWRITTEN: &str = "r.status < 3 AND f.run = r.id AND f.seq > r.last_seq";

/// The columns that [`run_row`] reads from `runs r`.
pub(crate) const RUN: &str = "id, flow, version, number, labels, started_at, parent, concurrency_key, \
    idempotency_key, status, ended_at, next_due, in_flight, error, \
    CASE WHEN status < 3 THEN coalesce((SELECT f.seq + f.count - 1 FROM facts f \
        WHERE f.run = r.id AND f.seq > r.last_seq ORDER BY f.seq DESC LIMIT 1), last_seq) ELSE last_seq END";

pub(crate) fn run_row(row: &Row<'_>) -> Result<RunRow> {
    let parent: Option<[u8; 16]> = row.get(6)?;
    Ok(RunRow {
        run: run_id(row, 0)?,
        head: RunHead {
            flow: row.get(1)?,
            version: flow_hash(row, 2)?,
            number: row.get(3)?,
            labels: labels(row, 4)?,
            started_at: Timestamp(row.get(5)?),
            parent: parent.map(|it| RunId(u128::from_be_bytes(it))),
            concurrency_key: row.get(7)?,
            idempotency_key: row.get(8)?,
        },
        state: RunState {
            status: status(row, 9)?,
            ended_at: row.get::<_, Option<i64>>(10)?.map(Timestamp),
            next_due: row.get::<_, Option<i64>>(11)?.map(Timestamp),
            in_flight: row.get(12)?,
            error: row.get(13)?,
        },
        last_seq: count(row, 14)?,
    })
}
