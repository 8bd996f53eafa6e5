//! Maps and loops: what the items are, how many are under way, what comes out.

use crate::world::{Crashes, World, bad, drive, flow_of, good};

/// The run's output `out`, or its error's code or message.
fn out(text: &str) -> String {
    let make = || flow_of(text);
    let (end, ..) = drive(&make, &good);
    match end.error {
        Some(error) => error.code.unwrap_or(error.message),
        None => end.outputs.get("out").expect("the output `out`").to_json(),
    }
}

fn map(of: &str, value: &str) -> String {
    let body = format!("do: [ {{ id: v, set: {{ v: '{value}' }} }} ]");
    out(&format!(
        "steps:\n  - {{ id: m, for_each: {{ {of} }}, {body} }}\noutputs: {{ out: '{{{{ m | map(attribute=\"v\") | list }}}}' }}"
    ))
}

#[test]
fn items_are_those_of_lists_members_of_objects_or_batches() {
    assert_eq!(map("in: [3, 1, 2], as: n, index: at", "{{ [at, n] }}"), "[[0,3],[1,1],[2,2]]");
    assert_eq!(map("in: []", "{{ item }}"), "[]");
    assert_eq!(map("in: { a: 1, b: [2] }", "{{ item }}"), r#"[{"key":"a","value":1},{"key":"b","value":[2]}]"#);
    assert_eq!(map("in: [1, 2, 3, 4, 5], batch: 2", "{{ item }}"), "[[1,2],[3,4],[5]]");
    assert_eq!(map("in: [1, 2], batch: 2", "{{ item }}"), "[[1,2]]");
    assert_eq!(map("in: [1], batch: 9, concurrency: '{{ 1 + 1 }}'", "{{ item }}"), "[[1]]");
    for wrong in
        ["in: '{{ run.depth }}'", "in: [1], concurrency: '{{ run.depth }}'", "in: [1], batch: '{{ run.depth }}'"]
    {
        assert_eq!(map(wrong, "{{ item }}"), "for_each", "{wrong}");
    }
}

#[test]
fn a_map_has_the_outputs_of_all_items_in_their_order_however_they_end() {
    let text = |on_failure: &str| {
        format!(
            "
steps:
  - id: m
    for_each: {{ in: '{{{{ range(6) }}}}', as: n, on_failure: {on_failure} }}
    do: [ {{ id: w, uses: work, with: {{ n: '{{{{ n }}}}' }} }}, {{ id: v, set: {{ n: '{{{{ n }}}}' }} }} ]
outputs: {{ out: '{{{{ m }}}}' }}
"
        )
    };
    let fails = |path: &str, _: u32| match path {
        "m[1].w" | "m[3].w" | "m[5].w" => bad(path),
        _ => good(path, 1),
    };
    let make = || flow_of(&text("continue"));
    let (end, ..) = drive(&make, &fails);
    assert_eq!(end.outputs.to_json(), r#"{"out":[{"n":0},null,{"n":2},null,{"n":4},null]}"#);
    // What ends late does not move what ended before.
    for last_first in [false, true] {
        let mut world = World::new(make(), &fails, Crashes::Never);
        world.start("{}");
        while !world.tasks.is_empty() {
            if last_first {
                world.tasks.rotate_right(1);
            }
            world.step();
        }
        let end = world.run.end().expect("an end");
        assert_eq!(end.outputs.to_json(), r#"{"out":[{"n":0},null,{"n":2},null,{"n":4},null]}"#);
    }
    let make = || flow_of(&text("fail"));
    let (end, states, _) = drive(&make, &fails);
    let error = end.error.expect("an error");
    assert_eq!((error.message.as_str(), error.step.as_deref()), ("m[1].w", Some("m[1].w")), "the first failure tells");
    assert!(states.contains("m[5].v=upstream_failed"), "what had begun goes on: {states}");
}

#[test]
fn so_many_items_are_under_way_and_none_waits_for_a_whole_batch() {
    let text = |limits: &str, of: &str| {
        format!(
            "{limits}steps:\n  - {{ id: m, for_each: {{ in: '{{{{ range(600) }}}}'{of} }}, do: [ {{ id: w, uses: work }} ] }}\n"
        )
    };
    for (limits, of, widest) in [
        ("", "", 256),
        ("", ", concurrency: 300", 300),
        ("limits: { parallel_steps: 9 }\n", "", 9),
        ("limits: { parallel_steps: 9 }\n", ", concurrency: 5", 5),
        ("", ", concurrency: 1", 1),
    ] {
        let mut world = World::new(flow_of(&text(limits, of)), &good, Crashes::Never);
        world.start("{}");
        for done in 0..100 {
            assert_eq!(world.run.running(), widest, "{limits}{of}: after {done}");
            world.step();
        }
    }
    // No item beyond `concurrency` is begun, also where nothing of it runs.
    let text =
        "steps:\n  - { id: m, for_each: { in: [1, 2, 3], concurrency: 2 }, do: [ { id: w, wait: { signal: x } } ] }\n";
    let mut world = World::new(flow_of(text), &good, Crashes::Never);
    world.start("{}");
    assert_eq!(world.states(), "m=waiting m[0].w=waiting m[1].w=waiting");
}

#[test]
fn after_a_failure_no_item_begins() {
    let text =
        "steps:\n  - { id: m, for_each: { in: '{{ range(9) }}', concurrency: 2 }, do: [ { id: w, uses: work } ] }\n";
    let fails = |path: &str, _: u32| if path == "m[0].w" { bad("no") } else { good(path, 1) };
    let make = || flow_of(text);
    let (_, states, log) = drive(&make, &fails);
    assert_eq!(log, ["m[0].w#1", "m[1].w#1"]);
    assert_eq!(states, "m=failed m[0].w=failed m[1].w=succeeded");
}

#[test]
fn names_are_those_of_the_innermost_block() {
    let text = "
steps:
  - id: m
    for_each: { in: [1, 2], as: x, index: i }
    do:
      - id: n
        for_each: { in: [7, 8], as: y, index: j }
        do: [ { id: v, set: { v: '{{ [i, j, x, y] }}' } } ]
outputs: { out: '{{ m }}' }
";
    let row = |i: u32, x: u32| format!(r#"[{{"v":[{i},0,{x},7]}},{{"v":[{i},1,{x},8]}}]"#);
    assert_eq!(out(text), format!("[{},{}]", row(0, 1), row(1, 2)));
}

#[test]
fn a_loop_counts_its_iterations() {
    let count = |of: &str| {
        let text = format!(
            "steps:\n  - {{ id: l, loop: {{ {of} }}, do: [ {{ id: w, uses: work }}, {{ id: n, set: {{ n: '{{{{ (last.n | default(0)) + 1 }}}}' }} }} ] }}\noutputs: {{ out: '{{{{ l }}}}' }}"
        );
        let mut world = World::new(flow_of(&text), &good, Crashes::Always);
        world.start("{}");
        world.go();
        let end = world.run.end().expect("an end").clone();
        let how = end.error.and_then(|it| it.code).unwrap_or_else(|| end.outputs.to_json());
        (world.log.len(), how, world.now.since(world.run.started_at()).as_secs())
    };
    let n = |n: u32| format!(r#"{{"out":{{"n":{n}}}}}"#);
    assert_eq!(count("until: '{{ n.n >= 3 }}', max: 3"), (3, n(3), 0));
    assert_eq!(count("until: '{{ n.n >= 4 }}', max: 3"), (3, "loop_max".to_owned(), 0));
    assert_eq!(count("until: '{{ n.n >= 4 }}', max: 3, every: 1h"), (3, "loop_max".to_owned(), 7_200));
    assert_eq!(count("until: '{{ n.n >= 3 }}', max: 9, every: 1h"), (3, n(3), 7_200));
    assert_eq!(count("while: '{{ (last.n | default(0)) < 2 }}', max: 2"), (2, n(2), 0));
    assert_eq!(count("while: '{{ (last.n | default(0)) < 2 }}', max: 2, every: 1h"), (2, n(2), 7_200));
    assert_eq!(count("while: '{{ 1 // run.depth }}'"), (0, "expression".to_owned(), 0));
    assert_eq!(count("until: '{{ n.n // run.depth }}'"), (1, "expression".to_owned(), 0));
    assert_eq!(count("while: true, max: '{{ run.depth }}'"), (0, "for_each".to_owned(), 0));
}

#[test]
fn a_loop_whose_body_fails_is_not_asked_whether_it_is_done() {
    let text = "
steps:
  - { id: l, loop: { until: true, max: 5 }, do: [ { id: a, uses: work }, { id: b, set: { v: 1 } } ] }
";
    let make = || flow_of(text);
    let (end, states, _) = drive(&make, &|_, _| bad("no"));
    assert_eq!((end.status.name(), states.as_str()), ("failed", "l=failed l[0].a=failed l[0].b=upstream_failed"));
}

#[test]
fn a_loop_within_a_loop_begins_anew_each_time() {
    let text = "
steps:
  - id: o
    loop: { until: '{{ last is defined }}', max: 2 }
    do:
      - id: i
        loop: { while: '{{ (last.n | default(0)) < 2 }}', max: 9 }
        do: [ { id: n, set: { n: '{{ (last.n | default(0)) + 1 }}' } } ]
      - { id: v, set: { n: '{{ 10 * i.n + (last.n | default(0)) }}' } }
outputs: { out: '{{ o.n }}' }
";
    assert_eq!(out(text), "40");
}

#[test]
fn an_item_that_failed_makes_room_for_the_next() {
    let text = "
steps:
  - { id: m, for_each: { in: '{{ range(6) }}', concurrency: 2, on_failure: continue }, do: [ { id: w, uses: work } ] }
";
    let fails = |path: &str, attempt: u32| if path < "m[4]" { bad(path) } else { good(path, attempt) };
    for crashes in [Crashes::Never, Crashes::Always] {
        let mut world = World::new(flow_of(text), &fails, crashes);
        world.start("{}");
        for done in 0..5 {
            assert_eq!(world.run.running(), 2, "after {done} items");
            world.step();
        }
        world.go();
        assert_eq!((world.widest, world.log.len()), (2, 6));
        assert_eq!(world.run.end().expect("an end").status.name(), "succeeded");
    }
}

#[test]
fn a_map_opens_no_more_items_than_the_run_may_do_steps_at_once() {
    let text = "
limits: { parallel_steps: 2 }
steps: [ { id: m, for_each: [1, 2, 3, 4], do: [ { id: w, uses: work } ] } ]
";
    let mut world = World::new(flow_of(text), &good, Crashes::Never);
    world.start("{}");
    assert_eq!(world.states(), "m=waiting m[0].w=running m[1].w=running");
}

#[test]
fn frames_that_stayed_to_be_undone_make_room_once_they_are() {
    let text = "
steps:
  - id: l
    loop: { until: '{{ n.n >= 20 }}', max: 20 }
    do:
      - id: t
        try:
          - id: o
            for_each: [1]
            do: [ { id: i, for_each: [1], do: [ { id: w, uses: work, compensate: [ { id: u, uses: work } ] } ] } ]
          - { id: f, uses: work }
        on_failure: continue
      - { id: n, set: { n: '{{ (last.n | default(0)) + 1 }}' } }
";
    let script = |path: &str, attempt: u32| if path.ends_with("f") { bad("no") } else { good(path, attempt) };
    let mut world = World::new(flow_of(text), &script, Crashes::Never);
    world.start("{}");
    let mut farthest = 0;
    while let Some(task) = world.tasks.front() {
        farthest = farthest.max(task.attempt.frame);
        world.step();
    }
    assert_eq!((world.log.len(), world.run.end().expect("an end").status.name()), (60, "succeeded"));
    assert!(farthest < 10, "frames of {farthest} places, of which few are in use at once");
}
