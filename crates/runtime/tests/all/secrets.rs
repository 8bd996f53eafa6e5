//! Secrets reach executors and nothing else.

use std::sync::{Arc, atomic::Ordering};

use drawloom_blueprint::RunStatus;
use drawloom_runtime::{SecretBook, Seen};
use drawloom_store::{LogPlace, LogQuery, Store, vault::MasterKey};

use crate::{
    world::{Within, World, memory, start, wait_while},
    wrapped::{Hold, Hooks, Wrapped},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_in_no_fact_event_or_log() {
    let mut world = memory();
    let key = MasterKey::generate().unwrap();
    let book = SecretBook::new(world.store().await, move || Ok(key.clone()));
    book.set("token", "hunter2-hunter2").await.unwrap();
    assert_eq!(book.get("token").await.unwrap().as_deref(), Some("hunter2-hunter2"));
    assert_eq!(book.list().await.unwrap().len(), 1);
    world.settings.secrets = Some(book.clone());
    let loom = world.open().await;
    let mut events = loom.events();
    let text = "
name: secret
steps:
  - { id: a, uses: probe, with: { value: { said: 'it is {{ secrets.token }}' }, print: 'x {{ secrets.token }} y' } }
  - { id: b, uses: probe, with: { value: '{{ secrets.missing }}' }, on_failure: continue }
  - { id: c, uses: probe, with: { value: \"{{ secrets.token | int }}\" }, on_failure: continue }
  - { id: d, uses: probe, with: { fail: 'no {{ secrets.token }}' }, on_failure: continue }
  - { id: e, uses: probe, with: { panic: 'oh {{ secrets.token }}' }, on_failure: continue }
outputs: { a: '{{ a }}' }
";
    let run = loom.start(start(text)).await.unwrap().run;
    let view = loom.finished(run).soon().await.unwrap();
    assert_eq!(view.status, RunStatus::Succeeded, "{view:#?}");
    assert!(world.probe.withs()[0].to_json().contains("hunter2-hunter2"), "the executor has it");
    assert_eq!(view.outputs.to_json(), r#"{"a":{"said":"it is ***"}}"#);
    assert!(view.steps[1].error.as_ref().unwrap().message.contains("secrets set missing"));
    assert!(view.steps[2].error.is_some());
    assert_eq!(view.steps[3].error.as_ref().unwrap().message, "no ***");
    let of_panic = &view.steps[4].error.as_ref().unwrap().message;
    assert!(of_panic.ends_with("oh ***"), "{of_panic}");
    loom.close().soon().await.unwrap();
    let mut told = String::new();
    while let Ok(Some(Seen::Event(it))) =
        tokio::time::timeout(std::time::Duration::from_millis(50), events.next()).await
    {
        told.push_str(&serde_json::to_string(&*it).unwrap());
    }
    assert!(told.contains("x *** y") && !told.contains("hunter2"), "{told}");
    let store = world.store().await;
    let hidden = |bytes: &[u8]| !bytes.windows(7).any(|it| it == b"hunter2");
    assert!(store.facts(run, 0).await.unwrap().iter().all(|it| hidden(&it.fact)));
    let query = LogQuery { run, path: None, attempt: None };
    let lines = store.read_logs(&query, LogPlace::default(), 10).await.unwrap();
    assert!(!lines.is_empty() && lines.iter().all(|it| hidden(it.line.text.as_bytes())));
    assert!(book.delete("token").await.unwrap());
}

/// A world whose secrets a test can hold and fail, with one that is set.
async fn hooked() -> (World, Arc<dyn Store>, Arc<Hooks>) {
    let mut world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let store: Arc<dyn Store> = store;
    let key = MasterKey::generate().unwrap();
    let book = SecretBook::new(Arc::clone(&store), move || Ok(key.clone()));
    book.set("token", "hunter2-hunter2").await.unwrap();
    world.settings.secrets = Some(book);
    (world, store, hooks)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_cannot_be_read_just_now_is_asked_for_again() {
    let (world, store, hooks) = hooked().await;
    hooks.secret_failures.store(2, Ordering::SeqCst);
    let loom = world.open_on(store).await;
    let retry = "attempts: 3, delay: 1ms, on: [unavailable]";
    let text = format!(
        "
name: secret
steps: [ {{ id: a, uses: probe, with: {{ value: '{{{{ secrets.token }}}}' }}, retry: {{ {retry} }} }} ]
"
    );
    let run = loom.start(start(&text)).await.unwrap().run;
    let view = loom.finished(run).soon().await.unwrap();
    assert_eq!((view.status, view.steps[0].attempts), (RunStatus::Succeeded, 3), "{:?}", view.error);
    assert_eq!((hooks.secret_reads.load(Ordering::SeqCst), world.probe.begun("a")), (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stopped_while_its_secrets_are_read_is_not_executed() {
    let (world, store, hooks) = hooked().await;
    let loom = world.open_on(store).await;
    hooks.hold_secrets(Hold::On);
    let text = "\nname: secret\nsteps: [ { id: a, uses: probe, with: { value: '{{ secrets.token }}' } } ]\n";
    let run = loom.start(start(text)).await.unwrap().run;
    wait_while(async || hooks.secret_reads.load(Ordering::SeqCst) == 0).await;
    loom.cancel(run).soon().await.unwrap();
    // The attempt was asked to stop before it is known what it would do.
    hooks.hold_secrets(Hold::Off);
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Cancelled);
    assert_eq!(world.probe.begun("a"), 0);
}
