//! What stands beside the journal: large values of facts, and data that values refer to.

use std::sync::atomic::Ordering;

use drawloom_blueprint::{Move, OpenedAs, RunStatus, Value};
use drawloom_runtime::Start;
use drawloom_store::{BlobHash, Blobs as _};

use crate::{
    world::{Within, memory, publish, start, worlds},
    wrapped::Wrapped,
};

#[tokio::test(flavor = "multi_thread")]
async fn large_values_are_told_apart_wherever_a_fact_has_them() {
    for mut world in worlds() {
        world.settings.blob_from = 10_000;
        let child = "
name: child
inputs: { text: { type: string } }
steps: [ { id: x, uses: probe, with: { hold: x } } ]
outputs: { n: '{{ inputs.text | length }}' }
";
        let text = "
name: parent
inputs: { text: { type: string } }
steps:
  - { id: s, wait: { signal: go } }
  - { id: sub, flow: child, with: { text: '{{ inputs.text }}z' } }
outputs: { n: '{{ sub.n }}', note: '{{ run.trigger.note | length }}' }
";
        let store = world.store().await;
        publish(&*store, child).await;
        let loom = world.open().await;
        let large = |name: &str, bytes| Value::object([(name, Value::from("x".repeat(bytes)))]);
        let start = Start { inputs: large("text", 50_000), trigger: large("note", 60_000), ..start(text) };
        let run = loom.start(start).await.unwrap().run;
        loom.signal(run, "go", Value::Null).soon().await.unwrap();
        world.probe.until(|it| it.begun("x") == 1).await;
        drop(loom);
        let loom = world.recover().await;
        world.probe.open("x");
        let view = loom.finished(run).soon().await.unwrap();
        assert_eq!(view.outputs.to_json(), r#"{"n":50001,"note":60000}"#);
        let facts = store.facts(run, 0).await.unwrap();
        assert!(facts.iter().all(|it| it.fact.len() < 10_000));
        assert_eq!(store.blobs_of(run).await.unwrap().len(), 3);
        let length = |of: &Value, name| of.get(name).and_then(Value::as_str).map(str::len);
        let mut lengths = Vec::new();
        for it in loom.reader().facts(run, 0).await.unwrap().iter().flat_map(|it| &it.fact.moves) {
            match it {
                Move::Started(it) => lengths.extend([length(&it.inputs, "text"), length(&it.trigger, "note")]),
                Move::Opened(_, _, it) => {
                    if let OpenedAs::Flow { inputs, .. } = &it.what {
                        lengths.push(length(inputs, "text"));
                    }
                }
                _ => {}
            }
        }
        assert_eq!(lengths, [Some(50_000), Some(60_000), Some(50_001)]);
    }
}

/// A flow whose only step reads the data that a reference names.
fn fetching(hash: BlobHash) -> String {
    format!("\nname: f\nsteps: [ {{ id: n, uses: probe, with: {{ fetch: {{ blob: {hash}, size: 9 }} }} }} ]\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_somebody_finds_is_not_swept_meanwhile() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store.clone()).await;
    let hash = store.put_blob("some data".into()).await.unwrap();
    let renewals = async |text: &str| {
        let before = hooks.renewals.load(Ordering::SeqCst);
        let run = loom.start(start(text)).await.unwrap().run;
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        hooks.renewals.load(Ordering::SeqCst) - before
    };
    assert_eq!(renewals(&fetching(hash)).await, 1, "it is there until the attempt has read it");
    let with = format!("{{ value: {{ blob: {hash}, size: 9 }} }}");
    let cached = format!("\nname: c\nsteps: [ {{ id: a, uses: probe, with: {with}, cache: {{ ttl: 1h }} }} ]\n");
    let executed = renewals(&cached).await;
    assert_eq!(renewals(&cached).await, executed + 1, "it is there until the fact that refers to it");
    assert_eq!(world.probe.begun("a"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_not_what_the_reference_names_is_refused() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store.clone()).await;
    let hash = store.put_blob("some data".into()).await.unwrap();
    hooks.garbled.store(true, Ordering::SeqCst);
    let run = loom.start(start(&fetching(hash))).await.unwrap().run;
    let error = loom.finished(run).soon().await.unwrap().error.unwrap();
    assert_eq!((error.class.name(), error.code.as_deref()), ("failed", Some("blobs")), "{error}");
}
