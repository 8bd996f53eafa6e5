//! Blobs and their parts: what is in use or in the making stays, and what nobody will finish goes.

use std::time::{Duration, Instant};

use drawloom_blueprint::Timestamp;
use drawloom_store::{BlobHash, BlobWriter, Blobs as _, Keep, Prune, Upkeep as _};
use drawloom_store_postgres::PostgresStore;

use super::Server;

/// Larger than the parts in which blobs are stored.
const LARGE: usize = 600_000;

const AGED: &str = "UPDATE blobs SET put_at = now() - interval '2 hours'";

/// Sweeps, and says how many blobs went.
async fn sweep(store: &PostgresStore) -> u64 {
    let prune = Prune { flow: None, keep: Keep::Last(1), now: Timestamp(0), limit: 100 };
    store.prune(prune).await.unwrap().blobs
}

/// A blob of which all but the last bytes are written.
async fn begun(store: &PostgresStore) -> Box<dyn BlobWriter> {
    let mut writer = store.new_blob().await.unwrap();
    writer.write(vec![7; LARGE].into()).await.unwrap();
    writer
}

#[tokio::test]
async fn a_blob_that_is_put_again_is_young_again() {
    let place = Server::shared().place();
    let store = place.open();
    let hash = store.put_blob(vec![7; LARGE].into()).await.unwrap();
    place.sql(AGED).await;
    assert_eq!(store.put_blob(vec![7; LARGE].into()).await, Ok(hash));
    assert_eq!(sweep(&store).await, 0);
    place.sql(AGED).await;
    assert_eq!(begun(&store).await.finish().await, Ok(hash));
    assert_eq!(sweep(&store).await, 0, "piece by piece");
    assert_eq!(store.blob(hash).await.unwrap().map(|it| it.len()), Some(LARGE));
    place.sql(AGED).await;
    assert_eq!(sweep(&store).await, 1);
    drop(store);
    place.drop().await;
}

/// More blobs than go in one commit.
#[tokio::test]
async fn all_old_blobs_are_swept_however_many() {
    let place = Server::shared().place();
    let store = place.open();
    let many = "INSERT INTO blobs (hash, key, size, put_at) \
                SELECT sha256(n::text::bytea), -n, 0, now() - interval '2 hours' FROM generate_series(1, 450) n";
    place.sql(many).await;
    let young = store.put_blob("young".into()).await.unwrap();
    assert_eq!(sweep(&store).await, 450);
    assert_eq!(store.blobs(None, 10).await, Ok(vec![young]));
    drop(store);
    place.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_that_is_renewed_while_old_ones_are_swept_stays() {
    let place = Server::shared().place();
    let store = std::sync::Arc::new(place.open());
    let hash = store.put_blob("of a run to come".into()).await.unwrap();
    place.sql(AGED).await;
    let renewing = place.client().await;
    renewing.batch_execute("BEGIN; UPDATE blobs SET put_at = now()").await.unwrap();
    let sweeping = tokio::spawn({
        let store = std::sync::Arc::clone(&store);
        async move { sweep(&store).await }
    });
    let watch = place.client().await;
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%DELETE FROM blobs%'";
    while watch.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    renewing.batch_execute("COMMIT").await.unwrap();
    assert_eq!(sweeping.await.unwrap(), 0);
    assert_eq!(store.has_blob(hash).await, Ok(true));
    drop(store);
    place.drop().await;
}

#[tokio::test]
async fn a_draft_stays_while_it_is_written_and_goes_when_nobody_will_finish_it() {
    let place = Server::shared().place();
    let store = place.open();
    let client = place.client().await;
    let rows = async || -> (i64, i64) {
        let sql = "SELECT (SELECT count(*) FROM blob_drafts), (SELECT count(*) FROM blob_parts)";
        let row = client.query_one(sql, &[]).await.unwrap();
        (row.get(0), row.get(1))
    };
    let writer = begun(&store).await;
    assert_eq!(sweep(&store).await, 0);
    assert_eq!(writer.finish().await, Ok(BlobHash::of(&[7; LARGE])), "it was not swept");
    assert_eq!(rows().await, (0, 3));
    drop(begun(&store).await);
    // It is dropped aside.
    let start = Instant::now();
    while rows().await != (0, 3) {
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", rows().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // A process that is killed drops nothing.
    std::mem::forget(begun(&store).await);
    assert_eq!(rows().await, (1, 5));
    place.sql("UPDATE blob_drafts SET begun_at = now() - interval '2 days'").await;
    assert_eq!(sweep(&store).await, 0, "it was no blob");
    assert_eq!(rows().await, (0, 3));
    drop(store);
    place.drop().await;
}
