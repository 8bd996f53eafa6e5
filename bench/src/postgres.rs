//! Durable runs on a PostgreSQL server, beside the same facts through a plain multi-row insert: as many commits, each
//! with as many rows of as many bytes, and nothing else.
//!
//! **Invariant:** what is written stands in schemas made for this, which are dropped again.

use std::time::Instant;

use drawloom_runtime::Error;
use drawloom_store::StoreError;
use tokio_postgres::{Client, NoTls, Statement, types::Type};

use crate::{
    Row, Size, Tools,
    clock::rounds,
    loom::{self, Done, Workload, block_on},
    report::What,
};

const WORKLOADS: [(&str, Workload); 3] =
    [("postgres/fan", Workload::Fan), ("postgres/chain", Workload::Chain), ("postgres/runs", Workload::Runs)];

/// Where the raw rows go.
const TABLE: &str = "CREATE TABLE raw (run bigint, seq bigint, at bigint, fact bytea, PRIMARY KEY (run, seq))";

/// Measures on the server of `url`.
pub(crate) fn measure(tools: &Tools, url: &str, size: Size, progress: &mut dyn FnMut(&str)) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for units in size.steps(1_000) {
        for (name, workload) in WORKLOADS {
            progress(&format!("{name} of {units}"));
            let units = workload.fitting(units);
            let (mut best, mut limit): (Option<Done>, _) = (None, f64::INFINITY);
            for _ in rounds() {
                let (done, raw) = round(tools, url, (workload, units))?;
                limit = limit.min(raw);
                best = Some(done.better(best));
            }
            let limit_is = "raw INSERT … UNNEST: the same facts, a row each, in as many commits";
            let what = What { workload: name, unit: "step", units, limit_is };
            rows.extend(best.map(|it| it.row(what, limit)));
        }
    }
    Ok(rows)
}

/// What the loom took, and the seconds that plain inserts take.
fn round(tools: &Tools, url: &str, (workload, units): (Workload, usize)) -> Result<(Done, f64), Error> {
    let wrong = |it: tokio_postgres::Error| Error::Store(StoreError::Unavailable(it.to_string()));
    let schema = format!("drawloom_bench_{}", std::process::id());
    let mark = if url.contains('?') { '&' } else { '?' };
    let store = (tools.postgres)(&format!("{url}{mark}schema={schema}"))?;
    let done = block_on(async {
        let done = loom::drive(tools, store.clone(), workload, units).await;
        store.close().await?;
        done
    });
    block_on(async {
        let client = connect(url).await.map_err(wrong)?;
        let raw = match &done {
            Ok(done) => append(&client, &schema, done).await,
            Err(_) => Ok(0.0),
        };
        client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await.map_err(wrong)?;
        Ok((done?, raw.map_err(wrong)?))
    })
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // It ends with the client.
    tokio::spawn(connection);
    Ok(client)
}

/// The seconds that it takes to append as many rows of as many bytes in as many commits.
async fn append(client: &Client, schema: &str, done: &Done) -> Result<f64, tokio_postgres::Error> {
    client.batch_execute(&format!("SET search_path TO {schema}; {TABLE}")).await?;
    let sql = "INSERT INTO raw SELECT 1, s, a, f FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS u (s, a, f)";
    let types = [Type::INT8_ARRAY, Type::INT8_ARRAY, Type::BYTEA_ARRAY];
    let insert: Statement = client.prepare_typed(sql, &types).await?;
    let (commits, facts) = (done.added.commits.max(1), done.added.facts);
    let body = vec![7_u8; usize::try_from(done.added.fact_bytes / facts.max(1)).unwrap_or(0)];
    let begin = Instant::now();
    let mut seq = 0;
    for commit in 1..=commits {
        let seqs: Vec<i64> = (seq + 1..=facts * commit / commits).map(u64::cast_signed).collect();
        seq += seqs.len() as u64;
        let bodies = vec![&body[..]; seqs.len()];
        client.execute(&insert, &[&seqs, &seqs, &bodies]).await?;
    }
    Ok(begin.elapsed().as_secs_f64())
}
