//! How ids, states, labels and rows stand in columns.
//!
//! **Invariant:** codes of states are never changed; a column that makes no sense is an error, never a guess.

use std::{collections::BTreeMap, error::Error};

use bytes::{BufMut, Bytes, BytesMut};
use drawloom_blueprint::{FlowHash, RunId, RunStatus, Timestamp};
use drawloom_store::{BlobHash, RunHead, RunRow, RunState, StoreError};
use sha2::{Digest, Sha256};
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked},
};

use crate::fault::Work;

/// A run's id as a column of type `uuid`, whose order is that of the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) u128);

impl From<RunId> for Key {
    fn from(run: RunId) -> Self {
        Self(run.0)
    }
}

impl ToSql for Key {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_u128(self.0);
        Ok(IsNull::No)
    }

    accepts!(UUID);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Key {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(u128::from_be_bytes(raw.try_into()?)))
    }

    accepts!(UUID);
}

/// Shared bytes as a column of type `bytea`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Raw(pub(crate) Bytes);

impl ToSql for Raw {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_slice(&self.0);
        Ok(IsNull::No)
    }

    accepts!(BYTEA);
    to_sql_checked!();
}

impl From<&str> for Raw {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// The first half of a hash, which stands for texts that may be too long for an index.
pub(crate) fn short_hash(parts: &[&str]) -> Key {
    let mut hash = Sha256::new();
    for it in parts {
        hash.update((it.len() as u64).to_be_bytes());
        hash.update(it);
    }
    let hash: [u8; 32] = hash.finalize().into();
    Key(hash[..16].iter().fold(0, |all, byte| all << 8 | u128::from(*byte)))
}

/// A count or number as a column, which holds 63 bits.
pub(crate) fn unsigned(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit as SQL takes it.
pub(crate) fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn run_id(row: &Row, at: usize) -> Work<RunId> {
    Ok(RunId(row.try_get::<_, Key>(at)?.0))
}

pub(crate) fn count(row: &Row, at: usize) -> Work<u64> {
    let number: i64 = row.try_get(at)?;
    u64::try_from(number).map_err(|_| senseless(row, at))
}

/// A number of 32 bits, which PostgreSQL keeps in a wider column for want of unsigned ones.
pub(crate) fn number(row: &Row, at: usize) -> Work<u32> {
    let number: i64 = row.try_get(at)?;
    u32::try_from(number).map_err(|_| senseless(row, at))
}

pub(crate) fn text(row: &Row, at: usize) -> Work<String> {
    optional_text(row, at)?.ok_or_else(|| senseless(row, at))
}

pub(crate) fn optional_text(row: &Row, at: usize) -> Work<Option<String>> {
    let bytes: Option<&[u8]> = row.try_get(at)?;
    let text = bytes.map(|it| std::str::from_utf8(it).map(str::to_owned));
    text.transpose().map_err(|_| senseless(row, at))
}

fn hash(row: &Row, at: usize) -> Work<[u8; 32]> {
    let bytes: &[u8] = row.try_get(at)?;
    bytes.try_into().map_err(|_| senseless(row, at))
}

pub(crate) fn flow_hash(row: &Row, at: usize) -> Work<FlowHash> {
    hash(row, at).map(FlowHash)
}

pub(crate) fn blob_hash(row: &Row, at: usize) -> Work<BlobHash> {
    hash(row, at).map(BlobHash)
}

fn senseless(row: &Row, at: usize) -> crate::fault::Fault {
    let name = row.columns().get(at).map_or("?", tokio_postgres::Column::name);
    StoreError::Damaged(format!("a column `{name}` makes no sense")).into()
}

/// From this code on a run has ended.
pub(crate) const ENDED: i16 = 3;

pub(crate) fn status_code(status: RunStatus) -> i16 {
    match status {
        RunStatus::Queued => 0,
        RunStatus::Running => 1,
        RunStatus::Paused => 2,
        RunStatus::Succeeded => ENDED,
        RunStatus::Failed => 4,
        RunStatus::Cancelled => 5,
    }
}

pub(crate) fn status(row: &Row, at: usize) -> Work<RunStatus> {
    use RunStatus::{Cancelled, Failed, Paused, Queued, Running, Succeeded};
    let code: i16 = row.try_get(at)?;
    [Queued, Running, Paused, Succeeded, Failed, Cancelled]
        .into_iter()
        .find(|it| status_code(*it) == code)
        .ok_or_else(|| senseless(row, at))
}

/// Labels as a column: a JSON object, or nothing where there are none.
pub(crate) fn labels_text(labels: &BTreeMap<String, String>) -> Raw {
    if labels.is_empty() {
        return Raw(Bytes::new());
    }
    Raw(serde_json::to_vec(labels).expect("invariant: texts by name are always JSON").into())
}

fn labels(row: &Row, at: usize) -> Work<BTreeMap<String, String>> {
    let text: &[u8] = row.try_get(at)?;
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    serde_json::from_slice(text).map_err(|_| senseless(row, at))
}

/// The columns of a run `r` that [`run_row`] reads.
pub(crate) const RUN: &str = "r.id, r.flow, r.version, r.number, r.labels, r.started_at, r.parent, r.concurrency_key, \
    r.idempotency_key, r.status, r.ended_at, r.next_due, r.in_flight, r.error, \
    CASE WHEN r.status < 3 THEN last_seq_of(r.id, r.last_seq) ELSE r.last_seq END AS last_seq";

pub(crate) fn run_row(row: &Row) -> Work<RunRow> {
    let number: Option<i64> = row.try_get(3)?;
    let number = number.map(|it| u32::try_from(it).map_err(|_| senseless(row, 3))).transpose()?;
    Ok(RunRow {
        run: run_id(row, 0)?,
        head: RunHead {
            flow: text(row, 1)?,
            version: flow_hash(row, 2)?,
            number,
            labels: labels(row, 4)?,
            started_at: Timestamp(row.try_get(5)?),
            parent: row.try_get::<_, Option<Key>>(6)?.map(|it| RunId(it.0)),
            concurrency_key: optional_text(row, 7)?,
            idempotency_key: optional_text(row, 8)?,
        },
        state: RunState {
            status: status(row, 9)?,
            ended_at: row.try_get::<_, Option<i64>>(10)?.map(Timestamp),
            next_due: row.try_get::<_, Option<i64>>(11)?.map(Timestamp),
            in_flight: self::number(row, 12)?,
            error: optional_text(row, 13)?,
        },
        last_seq: count(row, 14)?,
    })
}
