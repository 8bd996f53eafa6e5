//! The catalog in SQLite.

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{FlowHash, Timestamp};
use drawloom_store::{Catalog, FlowRow, Publish, Published, StoreError, Version};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use crate::{
    SqliteStore,
    columns::{flow_hash, limit as sql_limit},
    fault::Work,
};

/// The columns that [`published_row`] reads.
const PUBLISHED: &str = "p.flow, p.number, p.hash, p.note, p.at";

#[async_trait]
impl Catalog for SqliteStore {
    async fn put_version(&self, blueprint: Bytes, source: Option<&str>) -> Result<FlowHash, StoreError> {
        let hash = FlowHash::of(&blueprint);
        let source = source.map(str::to_owned);
        self.writer()?
            .alone(move |desk| {
                let sql = "INSERT INTO versions (hash, blueprint, source) VALUES (?, ?, ?) \
                           ON CONFLICT (hash) DO UPDATE SET source = excluded.source \
                           WHERE source IS NULL AND excluded.source IS NOT NULL";
                desk.conn().prepare_cached(sql)?.execute(params![hash.0, &blueprint[..], source])?;
                Ok(hash)
            })
            .await
    }

    async fn version(&self, hash: FlowHash) -> Result<Option<Version>, StoreError> {
        self.readers()
            .read(move |conn| {
                let mut find = conn.prepare_cached("SELECT blueprint, source FROM versions WHERE hash = ?")?;
                let found = find.query_row([hash.0], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?))).optional()?;
                let Some((blueprint, source)) = found else { return Ok(None) };
                if FlowHash::of(&blueprint) != hash {
                    return Err(StoreError::Damaged(format!("the blueprint of version {hash} has another hash")).into());
                }
                Ok(Some(Version { hash, blueprint: blueprint.into(), source }))
            })
            .await
    }

    async fn versions(&self, after: Option<FlowHash>, limit: usize) -> Result<Vec<FlowHash>, StoreError> {
        self.readers()
            .read(move |conn| {
                let mut find = conn.prepare_cached("SELECT hash FROM versions WHERE hash > ? ORDER BY hash LIMIT ?")?;
                // Nothing lies below the empty hash.
                let after: &[u8] = after.as_ref().map_or(&[], |it| &it.0);
                let hashes = find.query_map(params![after, sql_limit(limit)], |row| flow_hash(row, 0))?;
                Ok(hashes.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn publish(&self, it: Publish) -> Result<Published, StoreError> {
        self.writer()?.alone(move |desk| publish(desk.conn(), it)).await
    }

    async fn published(&self, flow: &str, number: u32) -> Result<Option<Published>, StoreError> {
        let flow = flow.to_owned();
        self.readers().read(move |conn| one(conn, "p.flow = ? AND p.number = ?", params![flow, number])).await
    }

    async fn history(&self, flow: &str, before: Option<u32>, limit: usize) -> Result<Vec<Published>, StoreError> {
        let flow = flow.to_owned();
        self.readers()
            .read(move |conn| {
                let sql = format!(
                    "SELECT {PUBLISHED} FROM published p WHERE p.flow = ? AND p.number < ? ORDER BY p.number DESC LIMIT ?"
                );
                let mut find = conn.prepare_cached(&sql)?;
                let before = before.map_or(i64::MAX, i64::from);
                let rows = find.query_map(params![flow, before, sql_limit(limit)], published_row)?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn active(&self, flow: &str) -> Result<Option<Published>, StoreError> {
        let flow = flow.to_owned();
        let active = "p.flow = ?1 AND p.number = (SELECT active FROM flows WHERE name = ?1)";
        self.readers().read(move |conn| one(conn, active, [flow])).await
    }

    async fn activate(&self, flow: &str, number: u32) -> Result<Published, StoreError> {
        let flow = flow.to_owned();
        self.writer()?
            .alone(move |desk| {
                let found = one(desk.conn(), "p.flow = ? AND p.number = ?", params![flow, number])?;
                let found = found.ok_or_else(|| StoreError::Missing(format!("version {number} of flow `{flow}`")))?;
                set_active(desk.conn(), &found)?;
                Ok(found)
            })
            .await
    }

    async fn flows(&self, after: Option<&str>, limit: usize) -> Result<Vec<FlowRow>, StoreError> {
        let after = after.map(str::to_owned);
        self.readers()
            .read(move |conn| {
                let sql = format!(
                    "SELECT {PUBLISHED}, (SELECT max(number) FROM published WHERE flow = f.name) \
                     FROM flows f JOIN published p ON p.flow = f.name AND p.number = f.active \
                     WHERE ?1 IS NULL OR f.name > ?1 ORDER BY f.name LIMIT ?2"
                );
                let mut find = conn.prepare_cached(&sql)?;
                let rows = find.query_map(params![after, sql_limit(limit)], |row| {
                    Ok(FlowRow { active: published_row(row)?, latest: row.get(5)? })
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }
}

fn publish(conn: &Connection, it: Publish) -> Work<Published> {
    let known: bool = conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM versions WHERE hash = ?)")?
        .query_row([it.hash.0], |row| row.get(0))?;
    if !known {
        return Err(StoreError::Missing(format!("version {}", it.hash)).into());
    }
    let latest = "p.flow = ?1 AND p.number = (SELECT max(number) FROM published WHERE flow = ?1)";
    let latest = one(conn, latest, [&it.flow])?;
    let published = match latest {
        Some(latest) if latest.hash == it.hash => latest,
        latest => {
            let number = latest.map_or(Some(1), |latest| latest.number.checked_add(1));
            let number = number.ok_or_else(|| StoreError::Full(format!("flow `{}` has too many versions", it.flow)))?;
            let sql = "INSERT INTO published (flow, number, hash, note, at) VALUES (?, ?, ?, ?, ?)";
            conn.prepare_cached(sql)?.execute(params![it.flow, number, it.hash.0, it.note, it.at.0])?;
            Published { flow: it.flow, number, hash: it.hash, note: it.note, at: it.at }
        }
    };
    set_active(conn, &published)?;
    Ok(published)
}

fn set_active(conn: &Connection, it: &Published) -> Work<()> {
    let sql = "INSERT INTO flows (name, active) VALUES (?, ?) ON CONFLICT DO UPDATE SET active = excluded.active";
    conn.prepare_cached(sql)?.execute(params![it.flow, it.number])?;
    Ok(())
}

fn one(conn: &Connection, condition: &str, values: impl Params) -> Work<Option<Published>> {
    let sql = format!("SELECT {PUBLISHED} FROM published p WHERE {condition}");
    Ok(conn.prepare_cached(&sql)?.query_row(values, published_row).optional()?)
}

fn published_row(row: &Row<'_>) -> rusqlite::Result<Published> {
    Ok(Published {
        flow: row.get(0)?,
        number: row.get(1)?,
        hash: flow_hash(row, 2)?,
        note: row.get(3)?,
        at: Timestamp(row.get(4)?),
    })
}
