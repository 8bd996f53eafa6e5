//! Secrets reach executors and nothing else.

use drawloom_blueprint::RunStatus;
use drawloom_runtime::{SecretBook, Seen};
use drawloom_store::{LogPlace, LogQuery, vault::MasterKey};

use crate::world::{Within, memory, start};

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
