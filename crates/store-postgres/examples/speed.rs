//! How fast the journal is, beside the same bytes through a plain multi-row insert, on the same server in one run.
//!
//! ```sh
//! tools/with-postgres.sh cargo run --profile fast -p drawloom-store-postgres --example speed
//! ```

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement ends where something is wrong")]

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use drawloom_blueprint::{FlowHash, RunId, RunStatus, Timestamp};
use drawloom_store::{Append, Entry, Follows, Journal as _, RunAppend, RunHead, RunState, Upkeep as _};
use drawloom_store_postgres::{Access, Durability, Options, PostgresStore};
use tokio_postgres::{Client, NoTls, types::Type};

/// The bytes of a fact.
const FACT: usize = 100;

/// How long each side is measured each time.
const SPAN: Duration = Duration::from_secs(2);

/// How often.
const ROUNDS: usize = 3;

/// Commits under way at once, on either side.
const FLIGHT: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Runs that go on, a fact each.
    GoOn,
    /// Runs that begin, go on and end, a third each.
    BeginAndEnd,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let url = std::env::var("DRAWLOOM_TEST_POSTGRES").unwrap();
    println!("{:<16}{:>8}{:>14}{:>14}{:>8}", "work", "batch", "raw facts/s", "facts/s", "ratio");
    for work in [Work::GoOn, Work::BeginAndEnd] {
        for batch in [1, 10, 100, 1000] {
            let (mut raws, mut ours) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                raws.push(raw(&url, batch).await);
                ours.push(store(&url, work, batch).await);
            }
            raws.sort_by(f64::total_cmp);
            ours.sort_by(f64::total_cmp);
            let (raw, own) = (raws[ROUNDS / 2], ours[ROUNDS / 2]);
            let name = if work == Work::GoOn { "go on" } else { "begin and end" };
            println!("{name:<16}{batch:>8}{raw:>14.0}{own:>14.0}{:>8.2}", own / raw);
        }
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Rows of a key, a number, an instant and bytes.
async fn raw(url: &str, batch: usize) -> f64 {
    let client = connect(url).await;
    let table = "CREATE TABLE raw (run uuid, seq bigint, at bigint, body bytea, PRIMARY KEY (run, seq))";
    client.batch_execute(&format!("DROP TABLE IF EXISTS raw; {table}")).await.unwrap();
    let sql = "INSERT INTO raw SELECT r::uuid, s, a, b FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[]) AS u (r, s, a, b)";
    let types = [Type::TEXT_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY, Type::BYTEA_ARRAY];
    let insert = client.prepare_typed(sql, &types).await.unwrap();
    let (client, runs) = (&client, (0..batch).map(|it| format!("{:032x}", key(it as u64))).collect::<Vec<_>>());
    let (mut flight, mut seq, mut done) = (VecDeque::new(), 0_i64, 0);
    let start = Instant::now();
    while start.elapsed() < SPAN {
        while flight.len() < FLIGHT {
            seq += 1;
            let (seqs, ats, bodies) = (vec![seq; batch], vec![seq; batch], vec![vec![7_u8; FACT]; batch]);
            let (insert, runs) = (insert.clone(), &runs);
            let mut sent =
                Box::pin(async move { client.execute(&insert, &[runs, &seqs, &ats, &bodies]).await.unwrap() });
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(sent.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            flight.push_back(sent);
        }
        flight.pop_front().unwrap().await;
        done += batch;
    }
    done as f64 / start.elapsed().as_secs_f64()
}

fn key(n: u64) -> u128 {
    (u128::from(1_700_000_000_000 + n) << 80) | u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

async fn store(url: &str, work: Work, batch: usize) -> f64 {
    connect(url).await.batch_execute("DROP SCHEMA IF EXISTS speed CASCADE").await.unwrap();
    let options = Options::parse(&format!("{url}?schema=speed")).unwrap();
    let store = PostgresStore::open(options, Access::Write(Durability::Full)).unwrap();
    let claim = store.claim("speed").await.unwrap();
    if work == Work::GoOn {
        let runs = (0..batch as u64).map(|it| append(it, 0)).collect();
        store.append(Append { claim, runs }).await.unwrap();
    }
    let (mut flight, mut turn, mut done) = (VecDeque::new(), 0_u64, 0);
    let start = Instant::now();
    while start.elapsed() < SPAN {
        while flight.len() < FLIGHT {
            turn += 1;
            let fact = |n: u64| match work {
                Work::GoOn => append(n, turn),
                // The stream goes through lives of three facts, one after the other.
                Work::BeginAndEnd => {
                    let place = (turn - 1) * batch as u64 + n;
                    let mut it = append(place / 3, place % 3);
                    if place % 3 == 2 {
                        let status = RunStatus::Succeeded;
                        it.state = RunState { status, ended_at: Some(Timestamp(1)), ..RunState::default() };
                    }
                    it
                }
            };
            flight.push_back(store.append(Append { claim, runs: (0..batch as u64).map(fact).collect() }));
        }
        flight.pop_front().unwrap().await.unwrap();
        done += batch;
    }
    let speed = done as f64 / start.elapsed().as_secs_f64();
    store.close().await.unwrap();
    speed
}

/// One fact of the `n`th run, behind `after` others.
fn append(n: u64, after: u64) -> RunAppend {
    let head = || RunHead {
        flow: "speed".to_owned(),
        version: FlowHash([7; 32]),
        number: None,
        labels: Default::default(),
        started_at: Timestamp(0),
        parent: None,
        concurrency_key: None,
        idempotency_key: None,
    };
    let follows = if after == 0 { Follows::Nothing(Box::new(head())) } else { Follows::Seq(after) };
    let state = RunState { status: RunStatus::Running, in_flight: 1, ..RunState::default() };
    let facts = vec![Entry { at: Timestamp(after as i64), fact: vec![7; FACT].into() }];
    RunAppend { run: RunId(key(n)), follows, facts, state, blobs: Vec::new() }
}
