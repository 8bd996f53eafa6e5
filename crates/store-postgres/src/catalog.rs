//! The catalog in PostgreSQL.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use drawloom_blueprint::{FlowHash, Timestamp};
use drawloom_store::{Catalog, FlowRow, Publish, Published, StoreError, Version};
use tokio_postgres::Row;

use crate::{
    PostgresStore,
    columns::{Raw, flow_hash, limit as sql_limit, number, optional_text, text},
    connect::{Session, Values},
    fault::Work,
};

/// The columns that [`published_row`] reads.
const PUBLISHED: &str = "p.flow, p.number, p.hash, p.note, p.at";

#[async_trait]
impl Catalog for PostgresStore {
    async fn put_version(&self, blueprint: Bytes, source: Option<&str>) -> Result<FlowHash, StoreError> {
        let hash = FlowHash::of(&blueprint);
        let (blueprint, source) = (Raw(blueprint), source.map(str::as_bytes));
        let sql = "INSERT INTO versions (hash, blueprint, source) VALUES ($1, $2, $3) ON CONFLICT (hash) \
                   DO UPDATE SET source = excluded.source WHERE versions.source IS NULL AND excluded.source IS NOT NULL";
        self.writing()?
            .with(async |session| {
                session.execute(sql, &[&&hash.0[..], &blueprint, &source]).await?;
                Ok(hash)
            })
            .await
    }

    async fn version(&self, hash: FlowHash) -> Result<Option<Version>, StoreError> {
        let sql = "SELECT blueprint, source FROM versions WHERE hash = $1";
        self.pool()
            .with(async |session| {
                let Some(row) = session.find(sql, &[&&hash.0[..]]).await? else { return Ok(None) };
                let blueprint: Vec<u8> = row.try_get(0)?;
                if FlowHash::of(&blueprint) != hash {
                    return Err(StoreError::Damaged(format!("the blueprint of version {hash} has another hash")).into());
                }
                Ok(Some(Version { hash, blueprint: blueprint.into(), source: optional_text(&row, 1)? }))
            })
            .await
    }

    async fn versions(&self, after: Option<FlowHash>, limit: usize) -> Result<Vec<FlowHash>, StoreError> {
        // Nothing lies below the empty hash.
        let after: &[u8] = after.as_ref().map_or(&[], |it| &it.0);
        let sql = "SELECT hash FROM versions WHERE hash > $1 ORDER BY hash LIMIT $2";
        self.pool()
            .with(async |session| {
                let found = session.query(sql, &[&after, &sql_limit(limit)]).await?;
                found.iter().map(|row| flow_hash(row, 0)).collect()
            })
            .await
    }

    async fn publish(&self, it: Publish) -> Result<Published, StoreError> {
        self.writing()?.with(async |session| session.transact("BEGIN", publish(&session, &it)).await).await
    }

    async fn published(&self, flow: &str, number: u32) -> Result<Option<Published>, StoreError> {
        let number = i64::from(number);
        let find =
            async |it: Arc<Session>| one(&it, "p.flow = $1 AND p.number = $2", &[&flow.as_bytes(), &number]).await;
        self.pool().with(find).await
    }

    async fn history(&self, flow: &str, before: Option<u32>, limit: usize) -> Result<Vec<Published>, StoreError> {
        let sql = format!(
            "SELECT {PUBLISHED} FROM published p WHERE p.flow = $1 AND p.number < $2 ORDER BY p.number DESC LIMIT $3"
        );
        let before = before.map_or(i64::MAX, i64::from);
        self.pool()
            .with(async |session| {
                let found = session.query(&sql, &[&flow.as_bytes(), &before, &sql_limit(limit)]).await?;
                found.iter().map(published_row).collect()
            })
            .await
    }

    async fn active(&self, flow: &str) -> Result<Option<Published>, StoreError> {
        let active = "p.flow = $1 AND p.number = (SELECT active FROM flows WHERE name = $1)";
        self.pool().with(async |session| one(&session, active, &[&flow.as_bytes()]).await).await
    }

    async fn activate(&self, flow: &str, number: u32) -> Result<Published, StoreError> {
        self.writing()?
            .with(async |session| {
                let found =
                    one(&session, "p.flow = $1 AND p.number = $2", &[&flow.as_bytes(), &i64::from(number)]).await?;
                let found = found.ok_or_else(|| StoreError::Missing(format!("version {number} of flow `{flow}`")))?;
                set_active(&session, &found).await?;
                Ok(found)
            })
            .await
    }

    async fn flows(&self, after: Option<&str>, limit: usize) -> Result<Vec<FlowRow>, StoreError> {
        let sql = format!(
            "SELECT {PUBLISHED}, (SELECT max(number) FROM published WHERE flow = f.name) \
             FROM flows f JOIN published p ON p.flow = f.name AND p.number = f.active \
             WHERE $1::bytea IS NULL OR f.name > $1 ORDER BY f.name LIMIT $2"
        );
        let after = after.map(str::as_bytes);
        self.pool()
            .with(async |session| {
                let found = session.query(&sql, &[&after, &sql_limit(limit)]).await?;
                found.iter().map(|row| Ok(FlowRow { active: published_row(row)?, latest: number(row, 5)? })).collect()
            })
            .await
    }
}

async fn publish(session: &Session, it: &Publish) -> Work<Published> {
    // One publishes at a time, so that numbers have no gaps.
    session.batch("LOCK TABLE published IN SHARE ROW EXCLUSIVE MODE").await?;
    if session.find("SELECT FROM versions WHERE hash = $1", &[&&it.hash.0[..]]).await?.is_none() {
        return Err(StoreError::Missing(format!("version {}", it.hash)).into());
    }
    let latest = "p.flow = $1 AND p.number = (SELECT max(number) FROM published WHERE flow = $1)";
    let flow = it.flow.as_bytes();
    let published = match one(session, latest, &[&flow]).await? {
        Some(latest) if latest.hash == it.hash => latest,
        latest => {
            let number = latest.map_or(Some(1), |latest| latest.number.checked_add(1));
            let number = number.ok_or_else(|| StoreError::Full(format!("flow `{}` has too many versions", it.flow)))?;
            let sql = "INSERT INTO published (flow, number, hash, note, at) VALUES ($1, $2, $3, $4, $5)";
            let (at, note) = (it.at.0, it.note.as_bytes());
            session.execute(sql, &[&flow, &i64::from(number), &&it.hash.0[..], &note, &at]).await?;
            Published { flow: it.flow.clone(), number, hash: it.hash, note: it.note.clone(), at: it.at }
        }
    };
    set_active(session, &published).await?;
    Ok(published)
}

async fn set_active(session: &Session, it: &Published) -> Work<()> {
    let sql =
        "INSERT INTO flows (name, active) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET active = excluded.active";
    session.execute(sql, &[&it.flow.as_bytes(), &i64::from(it.number)]).await.map(drop)
}

async fn one(session: &Session, condition: &str, values: Values<'_>) -> Work<Option<Published>> {
    let sql = format!("SELECT {PUBLISHED} FROM published p WHERE {condition}");
    session.find(&sql, values).await?.as_ref().map(published_row).transpose()
}

fn published_row(row: &Row) -> Work<Published> {
    Ok(Published {
        flow: text(row, 0)?,
        number: number(row, 1)?,
        hash: flow_hash(row, 2)?,
        note: text(row, 3)?,
        at: Timestamp(row.try_get(4)?),
    })
}
