//! What a server says in the midst of a commit: what passes is tried again, what has to be mended first is told, and
//! how a server is set up does not weaken what was promised.

use std::time::Duration;

use drawloom_store::{Blobs as _, Journal as _, StoreError, Upkeep as _};
use drawloom_store_postgres::{Access, Durability};

use super::{Server, Spot, append, count, fact, run};

/// Has the server refuse so many commits with this code. What a sequence gives is not given again after a rollback.
async fn refuse(place: &Spot, code: &str, times: i64) {
    let sql = format!(
        "DROP SEQUENCE IF EXISTS refusals; CREATE SEQUENCE refusals; \
         CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF nextval('refusals') <= {times} THEN RAISE EXCEPTION 'trouble' USING ERRCODE = '{code}'; END IF; \
             RETURN NULL; END $$; \
         CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON facts FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
    );
    place.sql(&sql).await;
}

#[tokio::test]
async fn what_passes_by_itself_is_tried_again() {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    // A deadlock, an isolation that failed, a lock that was not had, a statement that was stopped, no memory.
    for (after, code) in (1..).zip(["40P01", "40001", "55P03", "57014", "53200"]) {
        refuse(&place, code, 5).await;
        assert_eq!(append(&store, claim, vec![fact(run(1), after, "next")]).await, Ok(()), "{code}");
    }
    assert_eq!(count(&store, run(1)).await, 6, "nothing twice");
    drop(store);
    place.drop().await;
}

#[tokio::test]
async fn a_full_disk_refuses_commits_until_there_is_room() {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    refuse(&place, "53100", 2).await;
    for _ in 0..2 {
        let full = append(&store, claim, vec![fact(run(1), 1, "two")]).await;
        assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    }
    assert_eq!(count(&store, run(1)).await, 1);
    append(&store, claim, vec![fact(run(1), 1, "two")]).await.unwrap();
    assert_eq!(count(&store, run(1)).await, 2);
    drop(store);
    place.drop().await;
}

/// What is refused at the last moment is not there, and is not said to be.
#[tokio::test]
async fn a_transaction_that_fails_at_its_commit_is_reported() {
    let place = Server::shared().place();
    let store = place.open();
    let refusal = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                       RAISE EXCEPTION 'trouble' USING ERRCODE = '53100'; END $$; \
                   CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON blobs DEFERRABLE INITIALLY DEFERRED \
                       FOR EACH ROW EXECUTE FUNCTION refuse()";
    place.sql(refusal).await;
    let full = store.put_blob("bytes".into()).await;
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    place.sql("DROP TRIGGER refuse ON blobs").await;
    let hash = store.put_blob("bytes".into()).await.unwrap();
    assert_eq!(store.blob(hash).await, Ok(Some("bytes".into())));
    drop(store);
    place.drop().await;
}

#[tokio::test]
async fn what_is_refused_holds_up_nobody() {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    assert_eq!(store.delete_run(run(1)).await, Err(StoreError::Unended { run: run(1) }));
    let locks = "SELECT count(*) FROM pg_locks WHERE relation = 'runs'::regclass AND mode = 'RowShareLock'";
    let held: i64 = place.client().await.query_one(locks, &[]).await.unwrap().get(0);
    assert_eq!(held, 0, "its transaction has ended");
    drop(store);
    place.drop().await;
}

/// A server that was a standby a moment ago takes no writes yet.
#[tokio::test]
async fn a_server_that_takes_no_writes_for_a_moment_only_delays() {
    let server = Server::own();
    let place = server.place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let before = place.client().await;
    before.batch_execute("ALTER DATABASE postgres SET default_transaction_read_only = on").await.unwrap();
    place.kill("true").await;
    let appending = store.append(drawloom_store::Append { claim, runs: vec![fact(run(1), 1, "two")] });
    let ready = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        before.batch_execute("ALTER DATABASE postgres RESET default_transaction_read_only").await.unwrap();
    };
    let (appended, ()) = tokio::join!(appending, ready);
    appended.unwrap();
    assert_eq!(count(&store, run(1)).await, 2);
}

/// Commits take as long as they take; who waits for them knows when it has been too long.
#[tokio::test]
async fn limits_of_the_server_do_not_apply() {
    let server = Server::own();
    let place = server.place();
    for it in ["statement_timeout = '1h'", "lock_timeout = '1h'", "default_transaction_isolation = 'serializable'"] {
        place.sql(&format!("ALTER DATABASE postgres SET {it}")).await;
    }
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    let notes = "CREATE TABLE limits (it text); \
                 CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                     INSERT INTO limits VALUES (concat_ws(', ', current_setting('statement_timeout'), \
                         current_setting('lock_timeout'), current_setting('transaction_isolation'))); \
                     RETURN NULL; END $$; \
                 CREATE TRIGGER note AFTER INSERT ON facts FOR EACH STATEMENT EXECUTE FUNCTION note()";
    place.sql(notes).await;
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let row = place.client().await.query_one("SELECT it FROM limits", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "0, 0, read committed");
}

/// Whether a commit was flushed is not seen until the power goes, so each tells how it was to be done.
#[tokio::test]
async fn commits_are_flushed_as_was_chosen_however_the_server_is_set_up() {
    let server = Server::own();
    let notes = "CREATE TABLE levels (level text); \
                 CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                     INSERT INTO levels VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$; \
                 CREATE TRIGGER note AFTER INSERT ON facts FOR EACH STATEMENT EXECUTE FUNCTION note()";
    for (durability, usual, wanted) in [
        (Durability::Full, "off", "on"),
        (Durability::Full, "remote_apply", "remote_apply"),
        (Durability::Relaxed, "on", "off"),
    ] {
        let place = server.place();
        place.sql(&format!("ALTER DATABASE postgres SET synchronous_commit = {usual}")).await;
        let store = place.try_open(Access::Write(durability)).unwrap();
        let claim = store.claim("owner").await.unwrap();
        place.sql(notes).await;
        append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
        let levels = place.client().await.query("SELECT level FROM levels", &[]).await.unwrap();
        let levels: Vec<String> = levels.iter().map(|it| it.get(0)).collect();
        assert_eq!(levels, [wanted], "{durability:?} where {usual} is usual");
    }
}
