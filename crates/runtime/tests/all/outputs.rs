//! Large outputs, and results that serve again.

use std::collections::BTreeSet;

use drawloom_blueprint::RunStatus;
use drawloom_runtime::Fork;
use drawloom_store::{BlobHash, LogPlace, LogQuery, Logs as _};

use crate::{
    world::{Within, memory, start, worlds},
    wrapped::{Hold, Wrapped},
};

#[tokio::test(flavor = "multi_thread")]
async fn large_outputs_stand_beside_the_journal() {
    for mut world in worlds() {
        world.settings.blob_from = 10_000;
        world.settings.output_max = 1_000_000;
        let text = "
name: large
steps:
  - { id: a, uses: probe, with: { bytes: 500000 } }
  - { id: b, uses: probe, with: { value: '{{ a | length }}', hold: b } }
  - { id: c, uses: probe, with: { bytes: 2000000 }, retry: { attempts: 3 }, on_failure: continue }
outputs: { b: '{{ b }}', a: '{{ a }}' }
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        world.probe.until(|it| it.begun("b") == 1).await;
        drop(loom);
        let loom = world.recover().await;
        world.probe.open("b");
        let view = loom.finished(run).soon().await.unwrap();
        assert_eq!(view.status, RunStatus::Succeeded, "{:?}", view.error);
        assert_eq!(view.outputs.get("b").unwrap().to_json(), "500000");
        assert_eq!(view.outputs.get("a").unwrap().as_str().unwrap().len(), 500_000);
        let error = view.steps[2].error.clone().unwrap();
        assert_eq!(error.code.as_deref(), Some("output_too_large"));
        assert_eq!(view.steps[2].attempts, 1, "it is not tried again");
        let store = world.store().await;
        let facts = store.facts(run, 0).await.unwrap();
        assert!(facts.iter().map(|it| it.fact.len()).sum::<usize>() < 10_000);
        assert_eq!(store.blobs_of(run).await.unwrap().len(), 2);
        assert!(store.check(10).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_that_no_journal_could_hold_fail_the_step() {
    for world in worlds() {
        let text = "
name: deep
steps:
  - { id: a, uses: probe, with: { levels: 100 } }
  - { id: b, uses: probe, with: { levels: 200 }, on_failure: continue }
  - { id: c, uses: probe, with: { members: 200 }, on_failure: continue }
  - { id: d, uses: probe, with: { levels: 127 } }
  - { id: e, uses: probe, with: { members: 128 }, on_failure: continue }
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        let view = loom.finished(run).soon().await.unwrap();
        assert_eq!(view.steps[0].status, "succeeded");
        for at in [1, 2, 4] {
            assert_eq!(view.steps[at].error.as_ref().unwrap().code.as_deref(), Some("output_too_deep"));
        }
        assert_eq!(view.steps[3].status, "succeeded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_result_serves_later_tasks_with_the_same_parameters() {
    for world in worlds() {
        let text = |value: u32| {
            format!(
                "
name: cached
steps: [ {{ id: a, uses: probe, with: {{ value: {value} }}, cache: {{ ttl: 1h }} }} ]
outputs: {{ a: '{{{{ a }}}}' }}
"
            )
        };
        let loom = world.open().await;
        for (value, begun) in [(1, 1), (1, 1), (2, 2), (1, 2)] {
            let run = loom.start(start(&text(value))).await.unwrap().run;
            let view = loom.finished(run).soon().await.unwrap();
            assert_eq!(view.outputs.to_json(), format!(r#"{{"a":{value}}}"#));
            assert_eq!(world.probe.begun("a"), begun);
        }
        let run = loom.start(start(&text(2))).await.unwrap().run;
        loom.finished(run).soon().await.unwrap();
        loom.close().soon().await.unwrap();
        let query = LogQuery { run, path: None, attempt: None };
        let lines = world.store().await.read_logs(&query, LogPlace::default(), 10).await.unwrap();
        assert!(lines[0].line.text.contains("cache"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_does_not_serve_later_either() {
    let mut world = memory();
    world.settings.output_max = 1_000;
    let text = "\nname: c\nsteps: [ { id: a, uses: probe, with: { bytes: 2000 }, cache: { ttl: 1h } } ]\n";
    let loom = world.open().await;
    for begun in 1..=2 {
        let run = loom.start(start(text)).await.unwrap().run;
        let error = loom.finished(run).soon().await.unwrap().error.unwrap();
        assert_eq!((error.code.as_deref(), world.probe.begun("a")), (Some("output_too_large"), begun));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_result_does_not_serve_when_the_data_it_refers_to_is_gone() {
    for world in worlds() {
        let gone = BlobHash::of(b"nobody put this");
        let text = format!(
            "
name: cached
steps: [ {{ id: a, uses: probe, with: {{ value: {{ blob: {gone}, size: 5 }} }}, cache: {{ ttl: 1h }} }} ]
"
        );
        let loom = world.open().await;
        for begun in 1..=3 {
            // The data is there for the last one, which finds what the one before it kept.
            if begun == 3 {
                world.store().await.put_blob("nobody put this".into()).await.unwrap();
            }
            let run = loom.start(start(&text)).await.unwrap().run;
            assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
            assert_eq!(world.probe.begun("a"), begun.min(2));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_beside_a_run_is_kept_by_each_run_that_refers_to_it() {
    let hash = BlobHash::of(b"some data");
    for world in worlds() {
        let text = "
name: keeps
steps:
  - { id: a, uses: probe, with: { keep: some data, hold: a } }
  - { id: n, uses: probe, with: { fetch: '{{ a }}' } }
outputs: { all: [ '{{ a }}' ], n: '{{ n }}' }
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        let store = world.store().await;
        world.probe.until(|it| it.begun("a") == 1).await;
        while !store.has_blob(hash).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        // The blob is written, its fact is not: the next process does the attempt again.
        drop(loom);
        assert_eq!(store.blobs_of(run).await.unwrap(), []);
        assert!(store.check(10).await.unwrap().is_empty());
        let loom = world.recover().await;
        world.probe.open("a");
        let view = loom.finished(run).soon().await.unwrap();
        assert_eq!(view.status, RunStatus::Succeeded, "{:?}", view.error);
        let blob = format!(r#"{{"blob":"{hash}","size":9,"content_type":"text/plain"}}"#);
        assert_eq!(view.outputs.to_json(), format!(r#"{{"all":[{blob}],"n":9}}"#));
        assert_eq!(store.blobs_of(run).await.unwrap(), [hash]);
        let nothing = BlobHash::of(b"nobody put this");
        let text = format!(
            "
name: passes-on
steps:
  - {{ id: a, set: {{ x: {blob}, no: {{ blob: {nothing}, size: 5 }} }} }}
  - {{ id: n, uses: probe, with: {{ fetch: {{ blob: {nothing}, size: 5 }} }}, on_failure: continue }}
"
        );
        let other = loom.start(start(&text)).await.unwrap().run;
        let view = loom.finished(other).soon().await.unwrap();
        assert_eq!(view.steps[1].error.as_ref().unwrap().code.as_deref(), Some("no_blob"));
        assert!(store.delete_run(run).await.unwrap());
        assert_eq!(store.blobs_of(other).await.unwrap(), [hash], "the other run keeps it");
        assert!(store.check(10).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_beside_a_run_is_kept_by_its_forks_too() {
    for world in worlds() {
        let text = "
name: keeps
steps: [ { id: a, uses: probe, with: { keep: some data } }, { id: b, uses: probe, with: {} } ]
";
        let loom = world.open().await;
        let run = loom.start(start(text)).await.unwrap().run;
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        let fork = Fork { from: vec!["b".to_owned()], ..Fork::default() };
        let fork = loom.fork(run, fork).await.unwrap().0.run;
        assert_eq!(loom.finished(fork).soon().await.unwrap().status, RunStatus::Succeeded);
        assert_eq!(world.probe.begun("a"), 1);
        assert!(loom.delete(run).await.unwrap());
        let store = world.store().await;
        assert_eq!(store.blobs_of(fork).await.unwrap(), [BlobHash::of(b"some data")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_told_apart_by_the_key_that_the_flow_gives() {
    let world = memory();
    let text = |value: u32, key: u32| {
        format!(
            "
name: keyed
steps: [ {{ id: a, uses: probe, with: {{ value: {value} }}, cache: {{ ttl: 1h, key: 'k{key}' }} }} ]
outputs: {{ a: '{{{{ a }}}}' }}
"
        )
    };
    let loom = world.open().await;
    for (value, key, expected) in [(1, 1, 1), (2, 1, 1), (2, 2, 2), (1, 2, 2)] {
        let run = loom.start(start(&text(value, key))).await.unwrap().run;
        let view = loom.finished(run).soon().await.unwrap();
        assert_eq!(view.outputs.to_json(), format!(r#"{{"a":{expected}}}"#));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_told_apart_by_how_the_parameters_nest() {
    let world = memory();
    let loom = world.open().await;
    for (list, begun) in
        [("[[1], 2]", 1), ("[[1, 2]]", 2), ("[[1], 2]", 2), ("[{ a: [], b: 1 }]", 3), ("[{ a: [1], b: [] }]", 4)]
    {
        let text = format!(
            "\nname: nested\nsteps: [ {{ id: a, uses: probe, with: {{ list: {list} }}, cache: {{ ttl: 1h }} }} ]\n"
        );
        let run = loom.start(start(&text)).await.unwrap().run;
        assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
        assert_eq!(world.probe.begun("a"), begun, "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_kept_in_order_however_many_there_are_and_whatever_died() {
    let world = memory();
    let text = "
name: talks
steps: [ { id: a, uses: probe, with: { print: \"one\\ntwo\", warn: three, hold: a } }, { id: l, uses: log, with: { message: \"x\\ny\" } } ]
";
    let loom = world.open().await;
    let run = loom.start(start(text)).await.unwrap().run;
    world.probe.until(|it| it.begun("a") == 1).await;
    // The lines of the first life are on their way to the store for a while.
    let store = world.store().await;
    let query = LogQuery { run, path: None, attempt: None };
    while store.read_logs(&query, LogPlace::default(), 10).await.unwrap().len() < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    drop(loom);
    let loom = world.recover().await;
    world.probe.open("a");
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
    loom.close().soon().await.unwrap();
    let lines = world.store().await.read_logs(&query, LogPlace::default(), 100).await.unwrap();
    let told: Vec<String> =
        lines.iter().map(|it| format!("{} {:?} {}", it.source.path, it.line.stream, it.line.text)).collect();
    let life = ["a Stdout one", "a Stdout two", "a Stderr three"];
    assert_eq!(told, [life.as_slice(), &life, &["l Stdout x", "l Stdout y"]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn room_for_lines_is_given_back_when_they_are_stored() {
    let world = memory();
    let line = "x".repeat(1 << 20);
    let text = format!("\nname: talks\nsteps: [ {{ id: a, uses: probe, with: {{ print: {line} }} }} ]\n");
    let loom = world.open().await;
    let start = start(&text);
    let mut runs = Vec::new();
    for _ in 0..40 {
        let run = loom.start(start.clone()).await.unwrap().run;
        loom.finished(run).soon().await.unwrap();
        runs.push(run);
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    loom.close().soon().await.unwrap();
    let store = world.store().await;
    let mut kept = 0;
    for run in runs {
        let query = LogQuery { run, path: None, attempt: None };
        kept += store.read_logs(&query, LogPlace::default(), 10).await.unwrap().len();
    }
    assert_eq!(kept, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_for_which_there_is_no_room_are_counted_and_room_comes_back() {
    let world = memory();
    let (store, hooks) = Wrapped::around(world.store().await);
    let loom = world.open_on(store.clone()).await;
    hooks.hold_logs(Hold::On);
    // More is refused than there is room for, so room that a refusal took would be missed.
    let line = "x".repeat(1 << 20);
    let with = format!("{{ print: {line}, times: 70, hold: a, last: \"after\\nwards\" }}");
    let run = loom.start(start(&format!("\nname: t\nsteps: [ {{ id: a, uses: probe, with: {with} }} ]\n"))).await;
    let run = run.unwrap().run;
    world.probe.until(|it| it.has_printed("a")).await;
    hooks.hold_logs(Hold::Off);
    let query = LogQuery { run, path: None, attempt: None };
    let texts = async || {
        let (mut texts, mut after) = (Vec::new(), LogPlace::default());
        loop {
            let page = store.read_logs(&query, after, 100).await.unwrap();
            let Some(last) = page.last() else { return texts };
            after = last.place;
            texts.extend(page.into_iter().map(|it| it.line.text));
        }
    };
    // All that found room is stored a moment after the first of it.
    while texts().await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    world.probe.open("a");
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
    loom.close().soon().await.unwrap();
    let texts = texts().await;
    assert!(texts.iter().any(|it| it == "wards"), "there is room again");
    assert!(texts.iter().any(|it| it.contains("lines were dropped")), "it is said that there was none");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_stand_with_the_attempt_that_printed_them() {
    let world = memory();
    let text = "
name: talks
steps: [ { id: a, uses: probe, with: { print: hello, fails: 1 }, retry: { attempts: 2, delay: 1ms } } ]
";
    let loom = world.open().await;
    let run = loom.start(start(text)).await.unwrap().run;
    assert_eq!(loom.finished(run).soon().await.unwrap().status, RunStatus::Succeeded);
    loom.close().soon().await.unwrap();
    for (attempt, lines) in [(None, 2), (Some(1), 1), (Some(2), 1), (Some(3), 0)] {
        let query = LogQuery { run, path: Some("a".to_owned()), attempt };
        let found = world.store().await.read_logs(&query, LogPlace::default(), 10).await.unwrap();
        assert_eq!(found.len(), lines, "{attempt:?}");
    }
}

#[tokio::test]
async fn each_item_of_a_map_has_a_key_of_its_own_which_its_attempts_share() {
    let text = "
name: keys
steps:
  - id: m
    for_each: [1, 2, 3]
    do: [ { id: w, uses: probe, with: { fails: 1 }, retry: { attempts: 2, delay: 1ms } } ]
";
    let world = memory();
    let loom = world.open().await;
    let run = loom.start(start(text)).soon().await.unwrap().run;
    loom.finished(run).soon().await.unwrap();
    let tries = world.probe.done();
    let keys: BTreeSet<&str> = tries.iter().map(|it| it.key.as_str()).collect();
    assert_eq!((tries.len(), keys.len()), (6, 3), "{keys:?}");
}
