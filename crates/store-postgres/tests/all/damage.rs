//! Damage that only a look at the tables can bring about: it is noticed.

use drawloom_blueprint::{Fact, RunStatus, Timestamp};
use drawloom_store::{Journal as _, RunState, StoreError, Upkeep as _};

use super::{Server, append, fact, run};

/// What a check says of a run with three facts, the last of which is its end, after `change`.
async fn found(change: &str) -> Vec<String> {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    for after in 0..3 {
        let mut it = fact(run(1), after, Fact::default().encode());
        if after == 2 {
            it.state = RunState { status: RunStatus::Failed, ended_at: Some(Timestamp(9)), ..RunState::default() };
        }
        append(&store, claim, vec![it]).await.unwrap();
    }
    place.sql(change).await;
    let findings = store.check(10).await.unwrap();
    drop(store);
    place.drop().await;
    assert!(findings.iter().all(|it| it.about == run(1).to_string()), "{findings:?}");
    findings.into_iter().map(|it| it.message).collect()
}

#[tokio::test]
async fn what_is_missing_or_left_over_is_found() {
    for (change, wanted) in [
        ("DELETE FROM facts WHERE seq = 2", "fact 3 follows fact 1"),
        ("DELETE FROM facts WHERE seq = 3", "its row counts 3 facts and its journal has 2"),
        ("DELETE FROM facts", "its row counts 3 facts and its journal has 0"),
        ("DELETE FROM runs", "it has facts and is not in the index of runs"),
        ("UPDATE facts SET body = '' WHERE seq = 2", "the facts of run"),
        ("UPDATE facts SET body = substr(body, 1, length(body) - 1) WHERE seq = 2", "the facts of run"),
    ] {
        let messages = found(change).await;
        assert!(messages.iter().any(|it| it.contains(wanted)), "{change}: {messages:?}");
    }
}

#[tokio::test]
async fn facts_that_are_not_all_there_are_not_read() {
    let place = Server::shared().place();
    let store = place.open();
    let claim = store.claim("owner").await.unwrap();
    append(&store, claim, vec![fact(run(1), 0, "one")]).await.unwrap();
    append(&store, claim, vec![fact(run(1), 1, "two")]).await.unwrap();
    place.sql("UPDATE facts SET body = '' WHERE seq = 2").await;
    let damaged = store.facts(run(1), 0).await;
    assert!(matches!(damaged, Err(StoreError::Damaged(_))), "{damaged:?}");
    drop(store);
    place.drop().await;
}
