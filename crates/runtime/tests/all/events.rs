//! What listeners hear: everything that happens, in order, each once, with the places that the journal tells of.

use std::time::Duration;

use drawloom_blueprint::{RunId, RunStatus};
use drawloom_runtime::{Events, Seen, What};

use crate::world::{Within, memory, publish, start};

/// All that is told until these runs have ended, in words.
async fn told(events: &mut Events, mut open: Vec<RunId>) -> Vec<String> {
    let mut told = Vec::new();
    while !open.is_empty() {
        let Some(Seen::Event(it)) = events.next().soon().await else { panic!("an event: {told:?}") };
        told.push(match &it.what {
            What::Run { flow, status, error, parent } => {
                if status.is_end() {
                    open.retain(|run| *run != it.run);
                }
                let error = error.as_ref().map(|it| it.message.as_str()).unwrap_or_default();
                format!("{flow} {} {error}{}", status.name(), if parent.is_some() { " of a parent" } else { "" })
            }
            What::Step { id, path, status, attempt, due, error, child } => {
                let error = error.as_ref().map(|it| it.message.as_str()).unwrap_or_default();
                let attempt = attempt.map(|it| format!("#{it}")).unwrap_or_default();
                let due = if due.is_some_and(|due| due > it.at) { " due" } else { "" };
                let child = if child.is_some() { " child" } else { "" };
                assert!(path.ends_with(&**id), "{path} is of {id}");
                format!("{path} {}{attempt}{due}{child} {error}", status.name())
            }
            What::Unreadable { message, .. } => panic!("it can be read: {message}"),
            What::Line { path, text, attempt, .. } => format!("{path}#{attempt} says {text}"),
        });
    }
    told.iter().map(|it| it.trim_end().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_told_once_in_order() {
    let world = memory();
    let loom = world.open().await;
    let store = world.store().await;
    publish(&*store, "\nname: child\nsteps: [ { id: x, set: { v: 1 } } ]\n").await;
    let mut events = loom.events();
    let text = "
name: told
steps:
  - { id: a, uses: probe, with: { fails: 1, print: hello }, retry: { attempts: 2, delay: 1ms, jitter: 0 }, compensate: [ { id: u, uses: probe, with: {} } ] }
  - { id: m, for_each: [1, 2], do: [ { id: l, uses: log, with: { message: 'm{{ item }}' } } ] }
  - { id: k, loop: { until: '{{ last is defined }}', every: 1ms }, do: [ { id: r, set: { v: 1 } } ] }
  - { id: w, wait: 1ms }
  - { id: g, wait: { signal: x, timeout: 1ms }, on_failure: continue }
  - { id: no, when: '{{ not a is defined }}', set: { v: 1 } }
  - { id: s, flow: child }
  - { id: f, uses: probe, with: { fail: 'broken' } }
  - { id: z, needs: [f], set: { v: 1 } }
";
    let run = loom.start(start(text)).await.unwrap().run;
    let told = told(&mut events, vec![run]).await;
    let of_child = |it: &&String| it.starts_with("child ") || it.starts_with("x ");
    let child: Vec<&String> = told.iter().filter(of_child).collect();
    assert_eq!(child, ["child queued  of a parent", "child running", "x succeeded", "child succeeded"]);
    let own: Vec<&String> = told.iter().filter(|it| !of_child(it)).collect();
    assert_eq!(
        own,
        [
            "told queued",
            "told running",
            "a running#1",
            "a#1 says hello",
            "a retrying due failure 1",
            "a running#2",
            "a#2 says hello",
            "a succeeded",
            "m waiting",
            "m[0].l#1 says m1",
            "m[0].l succeeded",
            "m[1].l#1 says m2",
            "m[1].l succeeded",
            "m succeeded",
            "k waiting",
            "k[0].r succeeded",
            "k waiting due",
            "k[1].r succeeded",
            "k succeeded",
            "w waiting due",
            "w succeeded",
            "g waiting due",
            "g failed the wait took longer than its timeout",
            "no skipped",
            "s waiting child",
            "s succeeded",
            "f running#1",
            "f failed broken",
            "z upstream_failed",
            "a.compensate.u running#1",
            "a.compensate.u succeeded",
            "told failed broken",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_to_listen_late_hears_of_the_same_places() {
    let world = memory();
    let loom = world.open().await;
    let text = "
name: late
steps: [ { id: m, for_each: [1, 2], do: [ { id: p, parallel: { b: [ { id: x, uses: probe, with: { hold: x } } ] } } ] } ]
";
    let run = loom.start(start(text)).await.unwrap().run;
    world.probe.until(|it| it.begun("m[1].p.b.x") == 1).await;
    let mut events = loom.events();
    loom.pause(run).soon().await.unwrap();
    loom.resume(run).soon().await.unwrap();
    world.probe.open("x");
    let mut heard = told(&mut events, vec![run]).await;
    assert_eq!(heard[..2], ["late paused", "late running"]);
    heard.sort();
    let steps: Vec<&String> = heard.iter().filter(|it| it.contains(".x ")).collect();
    assert_eq!(steps, ["m[0].p.b.x succeeded", "m[1].p.b.x succeeded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_events_are_those_of_facts() {
    let world = memory();
    let loom = world.open().await;
    let mut events = loom.events();
    let text = "\nname: n\nsteps: [ { id: a, uses: probe, with: {} }, { id: b, uses: probe, with: {} } ]\n";
    let run = loom.start(start(text)).await.unwrap().run;
    let view = loom.finished(run).soon().await.unwrap();
    let mut last = 0;
    while last < view.facts {
        let Some(Seen::Event(it)) = events.next().soon().await else { panic!("an event") };
        assert!(it.seq >= last && it.seq <= view.facts, "{it:?}");
        let facts = loom.reader().facts(run, it.seq - 1).await.unwrap();
        assert_eq!(facts[0].at, it.at);
        last = it.seq;
    }
    assert!(tokio::time::timeout(Duration::from_millis(30), events.next()).await.is_err() || view.facts == last);
    assert_eq!(view.status, RunStatus::Succeeded);
}
