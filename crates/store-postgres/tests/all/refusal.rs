//! Servers and databases that cannot be used: each refusal says what to do.

use drawloom_store::{Journal as _, StoreError, Upkeep as _};
use drawloom_store_postgres::{Access, Durability, Options, PostgresStore};

use super::{Server, append, fact, run};

const WRITE: Access = Access::Write(Durability::Full);

fn refusal(url: &str) -> String {
    match PostgresStore::open(Options::parse(url).unwrap(), WRITE) {
        Err(StoreError::Unavailable(message)) => message,
        Err(other) => panic!("{url}: {other:?}"),
        Ok(_) => panic!("{url} was opened"),
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_used_says_what_to_do() {
    let server = Server::shared().place();
    server.sql("CREATE ROLE locked_out").await;
    let (_, rest) = server.url.split_once('@').unwrap();
    let (address, _) = rest.split_once('/').unwrap();
    for (url, wanted) in [
        ("postgres://x@127.0.0.1:1/x".to_owned(), "start it, or check the store's URL"),
        ("postgres://x@no-such-host.invalid/x".to_owned(), "is not known; check the store's URL"),
        (format!("postgres://postgres@{address}/no_such_db"), "make it with `createdb no_such_db`"),
        (format!("postgres://locked_out@{address}/postgres"), "check the user"),
        (format!("postgres://postgres@{address}/postgres?sslmode=require"), "sslmode"),
    ] {
        let message = refusal(&url);
        assert!(message.contains(wanted), "{url}: {message}");
    }
    server.sql("DROP ROLE locked_out").await;
}

#[tokio::test]
async fn a_wrong_password_says_so_and_a_right_one_does() {
    let server = Server::own();
    let place = server.place();
    place.sql("CREATE ROLE sally LOGIN PASSWORD 'right'; GRANT ALL ON DATABASE postgres TO sally").await;
    place.sql("COPY (SELECT 'host all sally all scram-sha-256' UNION ALL SELECT 'host all all all trust') TO PROGRAM 'cat > $PGDATA/pg_hba.conf'").await;
    place.sql("SELECT pg_reload_conf()").await;
    let as_sally = |password: &str| place.url.replacen("postgres@", &format!("sally{password}@"), 1);
    while !refusal(&as_sally("")).contains("PGPASSWORD") {}
    let message = refusal(&as_sally(":wrong"));
    assert!(message.contains("check user and password") && !message.contains("wrong"), "{message}");
    let options = Options::parse(&as_sally("")).unwrap().or_password(Some("right".to_owned()));
    assert!(PostgresStore::open(options, WRITE).is_ok());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_long() {
    // It takes connections, as a server that is paused does, and nobody is there to answer.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap();
    let start = std::time::Instant::now();
    let message = refusal(&format!("postgres://x@{address}/x?connect_timeout=1"));
    assert!(message.contains("nothing answers"), "{message}");
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_server_that_is_starting_is_waited_for() {
    let server = Server::own();
    let place = server.place();
    place.open();
    let proxy = super::support::Proxy::to(place.address()).await;
    let through = place.through(proxy.port);
    let opening =
        tokio::task::spawn_blocking(move || (0..20).map(|_| through.try_open(WRITE).map(drop)).collect::<Vec<_>>());
    while !opening.is_finished() {
        place.kill("true").await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for it in opening.await.unwrap() {
        assert_eq!(it, Ok(()), "connections that are cut while a store is opened are made again");
    }
}

#[tokio::test]
async fn a_newer_store_and_a_foreign_schema_are_refused_and_left_alone() {
    let place = Server::shared().place();
    let missing = place.try_open(Access::Read).err();
    assert!(matches!(missing, Some(StoreError::Missing(_))), "{missing:?}");
    let again = place.try_open(Access::Read).err();
    assert!(matches!(again, Some(StoreError::Missing(_))), "reading makes nothing: {again:?}");
    place.open().close().await.unwrap();
    place.sql("UPDATE store SET version = 99").await;
    for access in [WRITE, Access::Read] {
        assert_eq!(place.try_open(access).err(), Some(StoreError::Newer { found: 99, known: 1 }));
    }
    place.drop().await;

    let place = Server::shared().place();
    place.sql(&format!("CREATE SCHEMA {0}; CREATE TABLE {0}.mine (x int)", place.schema)).await;
    for access in [WRITE, Access::Read] {
        let refused = place.try_open(access).err();
        assert!(matches!(&refused, Some(StoreError::Damaged(it)) if it.contains("?schema=")), "{refused:?}");
    }
    place.drop().await;
}

#[tokio::test]
async fn many_processes_may_make_the_store_at_once() {
    let place = Server::shared().place();
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let place = place.clone();
            std::thread::spawn(move || place.try_open(WRITE).map(|_| ()))
        })
        .collect();
    for it in opening {
        assert_eq!(it.join().unwrap(), Ok(()));
    }
    place.drop().await;
}

#[tokio::test]
async fn a_reader_changes_nothing() {
    let place = Server::shared().place();
    let owner = place.open();
    let claim = owner.claim("owner").await.unwrap();
    append(&owner, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    let reader = place.try_open(Access::Read).unwrap();
    assert_eq!(super::count(&reader, run(1)).await, 1);
    append(&owner, claim, vec![fact(run(1), 1, "two")]).await.unwrap();
    assert_eq!(super::count(&reader, run(1)).await, 2);
    let refused: &dyn drawloom_store::Store = &reader;
    assert!(matches!(refused.claim("reader").await, Err(StoreError::ReadOnly(_))));
    assert!(matches!(append(refused, claim, vec![]).await, Err(StoreError::ReadOnly(_))));
    assert!(matches!(refused.put_blob("x".into()).await, Err(StoreError::ReadOnly(_))));
    assert!(matches!(refused.delete_run(run(1)).await, Err(StoreError::ReadOnly(_))));
    assert!(matches!(refused.backup("x".as_ref()).await, Err(StoreError::Unsupported(it)) if it.contains("pg_dump")));
    drop((owner, reader));
    place.drop().await;
}
