//! Which version runs, replays and forks are of, and what they take along.

use std::sync::atomic::Ordering;

use drawloom_blueprint::{RunStatus, Value};
use drawloom_runtime::{Error, Fork, Loom, RunView, Start, Which};
use drawloom_store::{Catalog as _, StoreError};

use crate::{
    world::{Within, json, memory, publish, start},
    wrapped::Wrapped,
};

fn text(n: u32, more: &str) -> String {
    format!(
        "
name: versioned
inputs: {{ k: {{ type: integer, default: 1 }}{more} }}
labels: {{ of: flow }}
steps: [ {{ id: a, uses: probe, with: {{ value: {n} }} }}, {{ id: b, set: {{ v: '{{{{ [a, inputs.k, run.version] }}}}' }} }} ]
outputs: {{ v: '{{{{ b.v }}}}' }}
"
    )
}

async fn run(loom: &Loom, start: Start) -> RunView {
    let run = loom.start(start).await.unwrap().run;
    loom.finished(run).soon().await.unwrap()
}

fn published(number: Option<u32>) -> Start {
    let which = Which::Published { flow: "versioned".to_owned(), number };
    let labels = [("of", "caller"), ("more", "x")].map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    Start { inputs: json(r#"{"k": 5}"#), labels, ..Start::of(which, Value::Null) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_names_a_version_or_means_the_active_one() {
    let world = memory();
    let loom = world.open().await;
    let store = world.store().await;
    publish(&*store, &text(1, "")).await;
    publish(&*store, &text(2, "")).await;
    for (number, v) in [(None, "[2,5,2]"), (Some(1), "[1,5,1]"), (Some(2), "[2,5,2]")] {
        let view = run(&loom, published(number)).await;
        assert_eq!(view.outputs.get("v").unwrap().to_json(), v);
        assert_eq!(view.number, Some(number.unwrap_or(2)));
        assert_eq!(format!("{:?}", view.labels), r#"{"more": "x", "of": "flow"}"#);
    }
    let view = run(&loom, start(&text(3, ""))).await;
    assert_eq!((view.number, view.inputs.to_json().as_str()), (None, r#"{"k":1}"#));
    // What was not published is kept all the same.
    let hash = loom.reader().row(view.run).await.unwrap().head.version;
    assert!(store.version(hash).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_the_same_again_whatever_was_published_meanwhile() {
    let world = memory();
    let loom = world.open().await;
    let store = world.store().await;
    publish(&*store, &text(1, "")).await;
    let old = run(&loom, published(None)).await;
    publish(&*store, &text(2, "")).await;
    let begun = loom.replay(old.run).await.unwrap();
    let new = loom.finished(begun.run).soon().await.unwrap();
    assert_eq!((new.outputs, new.number, new.inputs, new.labels), (old.outputs, Some(1), old.inputs, old.labels));
    assert_eq!(new.forked_from, Some(old.run));
    assert_eq!(new.trigger.to_json(), format!(r#"{{"kind":"replay","run":"{}"}}"#, old.run));
    assert_eq!(world.probe.begun("a"), 2, "all of it is done again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_takes_along_what_the_new_version_knows() {
    let world = memory();
    let loom = world.open().await;
    let store = world.store().await;
    publish(&*store, &text(1, ", gone: { default: 1 }")).await;
    let old = run(&loom, published(None)).await;
    let fork = |fork: Fork| async {
        let (begun, view) = loom.fork(old.run, fork).await.unwrap();
        (loom.finished(begun.run).soon().await.unwrap(), view)
    };
    let (same, view) = fork(Fork { from: vec!["b".to_owned()], ..Fork::default() }).await;
    assert_eq!((view.keep.join(","), view.redo.join(",")), ("a".to_owned(), "b".to_owned()));
    assert_eq!((same.status, same.number, same.outputs), (RunStatus::Succeeded, Some(1), old.outputs.clone()));
    assert_eq!(same.labels, old.labels);
    assert_eq!(same.trigger.to_json(), format!(r#"{{"kind":"fork","run":"{}"}}"#, old.run));
    assert_eq!(world.probe.begun("a"), 1, "what is kept is not done again");
    publish(&*store, &text(2, "")).await;
    let which = Which::Published { flow: "versioned".to_owned(), number: None };
    let set = vec![("k".to_owned(), Value::from(9_i64))];
    let (other, _) = fork(Fork { from: vec!["a".to_owned()], version: Some(which), set }).await;
    assert_eq!(other.number, Some(2));
    assert_eq!(other.inputs.to_json(), r#"{"k":9}"#, "an input that the new version does not know is left behind");
    assert_eq!(other.outputs.get("v").unwrap().to_json(), "[2,9,2]");
    let blueprint = crate::world::flow(&text(3, ""));
    let which = Which::Blueprint { blueprint, source: None };
    let (third, _) = fork(Fork { from: vec!["a".to_owned()], version: Some(which), set: Vec::new() }).await;
    assert_eq!(third.number, None, "that version has no number");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_could_not_be_stored_is_stored_at_the_next_start() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    hooks.version_failures.store(1, Ordering::SeqCst);
    let loom = world.open_on(store.clone()).await;
    let start = start(&text(1, ""));
    let refused = loom.start(start.clone()).soon().await;
    assert!(matches!(refused, Err(Error::Store(StoreError::Unavailable(_)))), "{refused:?}");
    assert_eq!(run(&loom, start).await.status, RunStatus::Succeeded);
    assert_eq!(store.versions(None, 9).await.unwrap().len(), 1);
}
