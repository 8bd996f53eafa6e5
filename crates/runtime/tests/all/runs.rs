//! Runs from their start to their end.

use drawloom_blueprint::{RunStatus, Value};
use drawloom_engine::Status;
use drawloom_runtime::{Error, Seen, Start, What, Which};
use drawloom_store::{LogPlace, LogQuery, Publish, RunFilter};

use crate::world::{Within, ends, flow, json, memory, start, worlds};

const THREE: &str = "
name: three
inputs: { n: { type: integer, default: 2 } }
steps:
  - { id: a, uses: probe, with: { value: '{{ inputs.n }}' } }
  - { id: b, set: { twice: '{{ a * 2 }}' } }
  - { id: c, uses: probe, with: { value: '{{ b.twice + 1 }}', print: \"one\\ntwo\" } }
outputs: { n: '{{ c }}' }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_from_start_to_end() {
    for world in worlds() {
        let loom = world.open().await;
        let mut events = loom.events();
        let begun = loom.start(Start { inputs: json(r#"{"n": 20}"#), ..start(THREE) }).await.unwrap();
        let view = loom.finished(begun.run).soon().await.unwrap();
        assert_eq!(view.status, RunStatus::Succeeded);
        assert_eq!(view.outputs.to_json(), r#"{"n":41}"#);
        let mut told = Vec::new();
        let mut lines = Vec::new();
        loop {
            let Some(Seen::Event(it)) = events.next().soon().await else { panic!("an event") };
            assert_eq!(it.run, begun.run);
            match &it.what {
                What::Run { status, .. } => told.push(status.name().to_owned()),
                What::Step { path, status, .. } => told.push(format!("{path} {}", status.name())),
                What::Unreadable { message, .. } => panic!("it can be read: {message}"),
                What::Line { text, .. } => lines.push(text.to_string()),
            }
            if matches!(&it.what, What::Run { status, .. } if status.is_end()) {
                break;
            }
        }
        assert_eq!(
            told,
            ["queued", "running", "a running", "a succeeded", "b succeeded", "c running", "c succeeded", "succeeded"]
        );
        assert_eq!(lines, ["one", "two"]);
        loom.close().soon().await.unwrap();
        let store = world.store().await;
        let query = LogQuery { run: begun.run, path: None, attempt: None };
        let kept = store.read_logs(&query, LogPlace::default(), 100).await.unwrap();
        assert_eq!(kept.iter().map(|it| it.line.text.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert!(store.check(10).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_start_leaves_no_run() {
    let world = memory();
    let loom = world.open().await;
    let wrong = Start { inputs: json(r#"{"n": "x", "m": 1}"#), ..start(THREE) };
    let Err(Error::Inputs(problems)) = loom.start(wrong).await else { panic!("it is refused") };
    assert_eq!(problems.len(), 2);
    let unknown = Which::Published { flow: "three".to_owned(), number: None };
    assert!(matches!(loom.start(Start::of(unknown, Value::Null)).await, Err(Error::NoFlow { .. })));
    assert!(world.store().await.runs(&RunFilter::default(), None, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_starts_one_run_however_often_it_is_used_at_once() {
    for world in worlds() {
        let loom = world.open().await;
        let start = Start { idempotency_key: Some("order 7".to_owned()), ..start(THREE) };
        let starts = (0..20).map(|_| {
            tokio::spawn({
                let (loom, start) = (loom.clone(), start.clone());
                async move { loom.start(start).await.unwrap() }
            })
        });
        let mut begun = Vec::new();
        for it in starts.collect::<Vec<_>>() {
            begun.push(it.soon().await.unwrap());
        }
        assert_eq!(begun.iter().filter(|it| it.is_new).count(), 1);
        assert!(begun.iter().all(|it| it.run == begun[0].run));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_tried_again_and_a_defect_is_a_failure() {
    let world = memory();
    let loom = world.open().await;
    let text = "
name: again
steps:
  - { id: a, uses: probe, with: { fails: 2, value: 5 }, retry: { attempts: 3, delay: 10ms } }
  - { id: b, uses: probe, with: { panic: true }, on_failure: continue }
  - { id: c, uses: probe, with: { value: 1 } }
";
    let run = loom.start(start(text)).await.unwrap().run;
    let view = loom.finished(run).soon().await.unwrap();
    assert_eq!(view.status, RunStatus::Succeeded, "{view:?}");
    assert_eq!(view.steps[0].attempts, 3);
    assert_eq!(view.steps[1].error.as_ref().unwrap().code.as_deref(), Some("panic"));
    let keys: Vec<String> = world.probe.done().into_iter().filter(|it| it.path == "a").map(|it| it.key).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|it| *it == keys[0]), "a key is the same for all attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_flows_are_runs_of_their_own() {
    for world in worlds() {
        let loom = world.open().await;
        let store = world.store().await;
        let child = flow(
            "
name: child
inputs: { n: { type: integer } }
steps: [ { id: x, uses: probe, with: { value: '{{ inputs.n * 10 }}' } } ]
outputs: { n: '{{ x }}' }
",
        );
        let hash = store.put_version(child.encode().into(), None).await.unwrap();
        let publish =
            |flow: &str| Publish { flow: flow.to_owned(), hash, note: String::new(), at: drawloom_runtime::now() };
        store.publish(publish("child")).await.unwrap();
        let text = "
name: parent
steps:
  - { id: m, for_each: { in: '{{ [1, 2, 3] }}', as: n }, do: [ { id: sub, flow: child, with: { n: '{{ n }}' } } ] }
  - { id: free, flow: child, detach: true, with: { n: 4 } }
  - { id: wrong, flow: child, with: { n: no }, on_failure: continue }
  - { id: missing, flow: nobody, on_failure: continue }
outputs: { all: '{{ m }}' }
";
        let run = loom.start(start(text)).await.unwrap().run;
        let view = loom.finished(run).soon().await.unwrap();
        assert_eq!(view.outputs.get("all").unwrap().to_json(), r#"[{"n":10},{"n":20},{"n":30}]"#, "{view:#?}");
        let error = |path: &str| view.steps.iter().find(|it| it.path == path).unwrap().error.clone().unwrap();
        assert_eq!(error("wrong").code.as_deref(), Some("inputs"));
        assert_eq!(error("missing").code.as_deref(), Some("flow-missing"));
        let free = view.steps.iter().find(|it| it.path == "free").unwrap().output.clone().unwrap();
        let free = free.get("run").unwrap().as_str().unwrap().parse().unwrap();
        assert_eq!(loom.finished(free).soon().await.unwrap().outputs.to_json(), r#"{"n":40}"#);
        let filter = RunFilter { parent: Some(run), ..RunFilter::default() };
        assert_eq!(store.runs(&filter, None, 10).await.unwrap().len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_runs() {
    for world in worlds() {
        let loom = world.open().await;
        let text = "
name: many
steps:
  - { id: a, uses: probe, with: { value: 1 } }
  - { id: b, uses: probe, with: { value: '{{ a + 1 }}' } }
";
        let first = loom.start(start(text)).await.unwrap().run;
        let hash = world.store().await.run(first).await.unwrap().unwrap().head.version;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let loom = loom.clone();
            tasks.spawn(async move {
                let mut runs = Vec::new();
                for _ in 0..200 {
                    runs.push(loom.start(Start::of(Which::Hash(hash), Value::Null)).await.unwrap().run);
                }
                for run in runs {
                    assert_eq!(loom.finished(run).await.unwrap().status, RunStatus::Succeeded);
                }
            });
        }
        while let Some(it) = tasks.join_next().await {
            it.unwrap();
        }
        loom.finished(first).soon().await.unwrap();
        assert_eq!(world.probe.done().len(), 20_002);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_takes_over_what_succeeded() {
    let world = memory();
    let loom = world.open().await;
    let text = |fails: u32| {
        format!(
            "
name: forked
inputs: {{ n: {{ type: integer, default: 1 }} }}
steps:
  - {{ id: a, uses: probe, with: {{ value: 1 }} }}
  - {{ id: b, uses: probe, with: {{ value: '{{{{ a + inputs.n }}}}', fails: {fails} }} }}
  - {{ id: c, needs: [a], uses: probe, with: {{ value: 3 }} }}
outputs: {{ b: '{{{{ b }}}}' }}
"
        )
    };
    let old = loom.start(start(&text(9))).await.unwrap().run;
    assert_eq!(loom.finished(old).soon().await.unwrap().status, RunStatus::Failed);
    let fork = drawloom_runtime::Fork {
        version: Some(Which::Blueprint { blueprint: flow(&text(0)), source: None }),
        set: vec![("n".to_owned(), Value::from(5_i64))],
        ..Default::default()
    };
    let plan = loom.plan_fork(old, fork.clone()).await.unwrap();
    assert_eq!((plan.keep.join(","), plan.redo.join(",")), ("a,c".to_owned(), "b".to_owned()));
    let (begun, view) = loom.fork(old, fork).await.unwrap();
    assert_eq!(view, plan);
    let new = loom.finished(begun.run).soon().await.unwrap();
    assert_eq!((new.status, new.outputs.to_json().as_str()), (RunStatus::Succeeded, r#"{"b":6}"#));
    assert_eq!(new.forked_from, Some(old));
    assert_eq!(ends(&new).values().filter(|it| **it == Status::Succeeded.name()).count(), 3);
    assert_eq!((world.probe.begun("a"), world.probe.begun("b"), world.probe.begun("c")), (1, 2, 1));
    let replayed = loom.replay(begun.run).await.unwrap().run;
    assert_eq!(loom.finished(replayed).soon().await.unwrap().outputs.to_json(), r#"{"b":6}"#);
    assert!(loom.delete(replayed).await.unwrap());
    assert!(matches!(loom.finished(replayed).soon().await, Err(Error::NoRun(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beginning_of_an_id_names_a_run_where_it_is_of_one_alone() {
    let world = memory();
    let loom = world.open().await;
    let text = "\nname: f\nsteps: [ { id: a, set: { x: 1 } } ]\n";
    let first = loom.start(start(text)).await.unwrap().run;
    assert_eq!(loom.reader().find("").await.unwrap(), first);
    let second = loom.start(start(text)).await.unwrap().run;
    let both = loom.reader().find("").await;
    assert!(matches!(&both, Err(Error::Ambiguous { runs, .. }) if runs.len() == 2), "{both:?}");
    assert_eq!(loom.reader().find(&second.to_string()).await.unwrap(), second);
    for none in ["no id", &drawloom_blueprint::RunId(0).to_string()] {
        assert!(matches!(loom.reader().find(none).await, Err(Error::NoRun(_))), "{none}");
    }
}
