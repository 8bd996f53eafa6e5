//! What is checked and evaluated before a run is, and what its steps see of it.

use drawloom_blueprint::{ErrorClass, OnFull, Outcome, Timestamp, Value, expr::Expr};
use drawloom_engine::{Input, Run, check_inputs, fork_plan, prepare};

use crate::world::{Crashes, World, bad, drive, flow_of, good, started};

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).expect("JSON")
}

const INPUTS: &str = "
inputs:
  day: { type: string, format: date }
  n: { type: integer, minimum: 1, default: 7 }
  none: { default: null }
labels: { day: 'on {{ inputs.day }}', who: '{{ run.flow }}' }
limits: { concurrency: { max: 2, key: '{{ inputs.n % 2 }}', when_full: skip } }
vars: { shop: x }
steps: [ { id: a, set: { v: '{{ [inputs.n, vars.shop, run.version, run.trigger.kind, run.labels is defined] }}' } } ]
outputs: { v: '{{ a.v }}' }
";

#[test]
fn inputs_are_checked_and_filled_in() {
    let flow = flow_of(INPUTS);
    let checked = |text: &str| match check_inputs(&flow, &json(text)) {
        Ok(it) => it.to_json(),
        Err(problems) => problems.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(","),
    };
    assert_eq!(checked(r#"{"none": 1, "n": 3, "day": "2026-01-31"}"#), r#"{"day":"2026-01-31","n":3,"none":1}"#);
    assert_eq!(checked(r#"{"day": "2026-01-31"}"#), r#"{"day":"2026-01-31","n":7,"none":null}"#);
    assert_eq!(checked(r#"{"day": "2026-01-32"}"#), "day", "formats are checked");
    assert_eq!(checked("{}"), "day");
    assert_eq!(checked("null"), "day", "nothing is no input");
    assert_eq!(checked(r#"{"day": "2026-01-31", "n": 0}"#), "n");
    assert_eq!(checked(r#"{"day": "2026-01-31", "n": null}"#), "n", "a default does not stand for what was given");
    assert_eq!(checked(r#"{"other": 1, "day": 5, "n": "x"}"#), "other,day,n", "all that is wrong is said");
    assert_eq!(checked("[1]"), "");
}

#[test]
fn labels_and_the_key_are_known_before_the_run_is() {
    let flow = flow_of(INPUTS);
    let mut it = started();
    it.inputs = check_inputs(&flow, &json(r#"{"day": "2026-01-31"}"#)).expect("inputs that fit");
    it.labels = [("who", "caller"), ("more", "x")].map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    prepare(&flow, &mut it, Timestamp(0)).expect("values");
    let labels: Vec<String> = it.labels.iter().map(|(name, text)| format!("{name}={text}")).collect();
    assert_eq!(labels, ["day=on 2026-01-31", "more=x", "who=test"], "those of the flow win");
    assert_eq!(it.concurrency_key.as_deref(), Some("1"));
    let limit = flow.limits.concurrency.as_ref().expect("a limit");
    assert_eq!((limit.max, limit.when_full), (2, OnFull::Skip));
    assert!(prepare(&flow, &mut started(), Timestamp(0)).is_err(), "without `inputs.day`");
}

#[test]
fn steps_see_the_run_its_inputs_and_the_constants() {
    for (number, version) in [(Some(4), "4"), (None, "\"000000000000\"")] {
        let mut run = Run::new(flow_of(INPUTS).into(), |_, with| Ok(with.clone()));
        let mut it = started();
        (it.inputs, it.number, it.trigger) = (json(r#"{"n": 5}"#), number, json(r#"{"kind": "manual"}"#));
        run.handle(Input::Start { started: Box::new(it), admitted: true, adopt: Vec::new() }, Timestamp(0));
        let end = run.end().expect("an end");
        assert_eq!(end.outputs.to_json(), format!(r#"{{"v":[5,"x",{version},"manual",false]}}"#), "{:?}", end.error);
    }
}

#[test]
fn a_step_without_output_is_undefined_and_not_null() {
    let text = |of: &str| {
        format!(
            "
steps:
  - {{ id: n, uses: work, with: {{ v: 1 }} }}
  - {{ id: a, when: '{{{{ n == 0 }}}}', set: {{ v: 1 }} }}
  - {{ id: f, uses: work, on_failure: continue }}
  - {{ id: b, run_if: all_done, set: {{ v: '{{{{ {of} }}}}' }} }}
outputs: {{ v: '{{{{ b.v }}}}' }}
"
        )
    };
    let script = |path: &str, _: u32| if path == "f" { bad("no") } else { Outcome::Success(Value::Int(1)) };
    for (of, expected) in [
        ("a is defined", "false"),
        ("f is defined", "false"),
        ("a | default(5)", "5"),
        ("f | default(5)", "5"),
        ("[n, n | default(5)]", "[1,1]"),
    ] {
        let (end, ..) = drive(&|| flow_of(&text(of)), &script);
        assert_eq!(end.outputs.get("v").map(Value::to_json).as_deref(), Some(expected), "{of}: {:?}", end.error);
    }
}

#[test]
fn a_catch_knows_what_failed_and_where() {
    let text = "
steps:
  - id: t
    try: [ { id: m, for_each: [1, 2], do: [ { id: x, uses: work } ] } ]
    catch: [ { id: c, set: { v: '{{ [error.class, error.code, error.message, error.step] }}' } } ]
outputs: { v: '{{ t.v }}' }
";
    let script = |path: &str, attempt: u32| {
        if path != "t.try.m[1].x" {
            return good(path, attempt);
        }
        Outcome::Failure(drawloom_blueprint::StepError::new(ErrorClass::Unavailable, "why").with_code("c"))
    };
    let (end, ..) = drive(&|| flow_of(text), &script);
    assert_eq!(end.outputs.to_json(), r#"{"v":["unavailable","c","why","t.try.m[1].x"]}"#);
}

#[test]
fn conditions_and_values_that_cannot_be_had_fail_their_step() {
    for step in [
        "{ id: a, when: '{{ 1 // run.depth }}', set: { v: 1 } }",
        "{ id: a, set: { v: '{{ 1 // run.depth }}' } }",
        "{ id: a, uses: work, with: { v: '{{ 1 // run.depth }}' } }",
        "{ id: a, if: '{{ 1 // run.depth }}', then: [ { id: b, set: { v: 1 } } ] }",
        "{ id: a, for_each: '{{ 1 // run.depth }}', do: [ { id: b, set: { v: 1 } } ] }",
        "{ id: a, wait: { signal: '{{ 1 // run.depth }}' } }",
        "{ id: a, flow: other, with: { v: '{{ 1 // run.depth }}' } }",
        "{ id: a, stop: '{{ 1 // run.depth }}' }",
        "{ id: a, fail: '{{ 1 // run.depth }}' }",
    ] {
        let (end, states, _) = drive(&|| flow_of(&format!("steps: [ {step} ]")), &good);
        assert!(states.starts_with("a=failed"), "{step}: {states}");
        let error = end.error.expect("an error");
        assert_eq!((error.class, error.code.as_deref()), (ErrorClass::Invalid, Some("expression")), "{step}");
    }
    // An output that cannot be had fails the run.
    let text = "steps: [ { id: a, uses: work } ]\noutputs: { good: 1, wrong: '{{ 1 // run.depth }}' }";
    let (end, states, _) = drive(&|| flow_of(text), &good);
    assert_eq!((end.status.name(), states.as_str()), ("failed", "a=succeeded"));
    assert!(end.error.expect("an error").message.starts_with("output `wrong`: "));
    // Nothing chosen is no failure.
    let text = "
steps: [ { id: a, switch: [ { when: '{{ run.depth }}', do: [ { id: b, set: { v: 1 } } ] } ] } ]
outputs: { a: '{{ a }}' }";
    let (end, ..) = drive(&|| flow_of(text), &good);
    assert_eq!(end.outputs.to_json(), r#"{"a":null}"#);
}

#[test]
fn what_a_block_returns_is_what_its_last_step_does() {
    let text = "
steps:
  - { id: p, parallel: { b: [ { id: x, set: { v: 1 } }, { id: y, set: { v: 2 } } ], a: [ { id: z, uses: work } ] } }
  - { id: l, parallel: [ [ { id: q, set: { v: 3 } } ], [ { id: r, uses: work } ] ] }
  - { id: s, if: '{{ p }}', then: [ { id: e, set: { v: 4 } }, { id: f, when: '{{ not p }}', set: { v: 5 } } ] }
outputs: { p: '{{ p }}', l: '{{ l }}', s: '{{ s }}' }
";
    let (end, ..) = drive(&|| flow_of(text), &good);
    assert_eq!(end.outputs.to_json(), r#"{"p":{"b":{"v":2},"a":true},"l":[{"v":3},true],"s":null}"#);
}

#[test]
fn attempts_know_their_kind_limits_key_and_chance() {
    let text = "
steps:
  - id: m
    for_each: { in: [1, 2], as: n }
    do:
      - id: a
        uses: work
        with: { n: '{{ n }}', at: '{{ now() }}' }
        timeout: 9s
        retry: { attempts: 2, delay: 5s, jitter: 0 }
        cache: { ttl: 1h, key: '{{ [n, \"k\"] }}' }
        priority: 3
        queue: q
";
    let script = |_: &str, _: u32| bad("no");
    let mut world = World::new(flow_of(text), &script, Crashes::Always);
    world.start("{}");
    let mut seeds = Vec::new();
    let mut attempts = Vec::new();
    while world.run.end().is_none() {
        if let Some(task) = world.tasks.front() {
            assert_eq!((task.priority, task.queue.as_deref()), (3, Some("q")));
            let it = world.run.resolve(task.attempt, &Default::default()).expect("values");
            let n = it.with.get("n").expect("a number").to_json();
            let at = it.with.get("at").and_then(Value::as_str).expect("a time").to_owned();
            let (ttl, key) = it.cache.expect("it is cached");
            let key = key.expect("the flow's own key").to_json();
            attempts.push(format!(
                "{} {} {:?} {ttl:?} {key} {n} {at}",
                world.run.kind_of(task.attempt.step),
                it.path,
                it.timeout
            ));
            seeds.push(it.seed);
        }
        world.step();
    }
    // The time in an attempt is that of the first, so that handing it out again gives the same.
    let expected = |n: u32| format!(r#"work m[{}].a Some(9s) 3600s [{n},"k"] {n} 2023-11-14T22:13:20.000Z"#, n - 1);
    assert_eq!(attempts, [expected(1), expected(2), expected(1), expected(2)]);
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 4, "each attempt has chance of its own");
}

#[test]
fn secrets_are_not_shown_where_the_engine_evaluates() {
    let text = "
steps: [ { id: a, uses: work, with: { t: 'x {{ secrets.token }}', u: \"{{ secrets.other | upper }}\" } } ]
";
    let mut world = World::new(flow_of(text), &good, Crashes::Never);
    world.start("{}");
    let attempt = world.tasks.front().expect("a task").attempt;
    let mut names = world.run.secrets_of(attempt.step).to_vec();
    names.sort();
    assert_eq!(names, ["other", "token"]);
    let secrets = [("token", "T"), ("other", "o")].map(|(name, it)| (name.to_owned(), it.to_owned())).into();
    assert_eq!(world.run.resolve(attempt, &secrets).expect("values").with.to_json(), r#"{"t":"x T","u":"O"}"#);
    assert!(world.run.resolve(attempt, &Default::default()).is_err(), "a name that is not there is undefined");
    let mut plain = crate::build::flow(vec![crate::build::set("a", "'-'")], Some("a"));
    plain.exprs[0] = Expr::jinja("[secrets.my_token_2 | lower, secrets.x]".to_owned(), vec!["secrets".to_owned()]);
    let mut world = World::new(plain, &good, Crashes::Never);
    world.start("{}");
    let end = world.run.end().expect("an end");
    assert_eq!(end.outputs.to_json(), r#"{"out":["***","***"]}"#, "{:?}", end.error);
}

const OLD: &str = "
steps:
  - { id: a, needs: [], uses: work }
  - { id: b, needs: [a], uses: work }
  - { id: c, needs: [b], set: { v: 1 } }
  - { id: d, needs: [], uses: work }
  - { id: f, needs: [], uses: work }
  - { id: g, needs: [f], run_if: all_done, set: { v: 2 } }
  - { id: k, needs: [], for_each: [1], do: [ { id: inner, uses: work } ] }
";

#[test]
fn a_fork_keeps_what_succeeded_and_does_not_follow_from_what_is_done_again() {
    let script = |path: &str, attempt: u32| if path == "f" { bad("no") } else { good(path, attempt) };
    let mut world = World::new(flow_of(OLD), &script, Crashes::Never);
    world.start("{}");
    world.go();
    let plan = |new: &str, from: &[&str]| {
        let from: Vec<String> = from.iter().map(|it| (*it).to_owned()).collect();
        let new = flow_of(new);
        fork_plan(&world.run, &new, &from).map(|it| {
            let keep: Vec<&str> = it.keep.iter().map(|(step, _)| new.step(*step).id.as_str()).collect();
            format!("{} | {}", keep.join(" "), it.redo.join(" "))
        })
    };
    assert_eq!(plan(OLD, &[]).expect("a plan"), "a b c d k | f g");
    assert_eq!(plan(OLD, &["a"]).expect("a plan"), "d k | a b c f g");
    assert_eq!(plan(OLD, &["d", "b"]).expect("a plan"), "a k | b c d f g");
    assert!(plan(OLD, &["inner"]).is_err() && plan(OLD, &["nobody"]).is_err());
    let other = OLD.replace("{ id: b, needs: [a], uses: work }", "{ id: b, needs: [a], set: { v: 1 } }");
    assert_eq!(plan(&other, &[]).expect("a plan"), "a d k | b c f g", "other work of that name is another step");
    let more = OLD.replace("{ id: d, needs: []", "{ id: new, needs: [], set: { v: 1 } }\n  - { id: d, needs: [new]");
    assert_eq!(plan(&more, &[]).expect("a plan"), "a b c k | new d f g");
}

#[test]
fn a_step_that_runs_always_does_not_wait_for_its_needs() {
    let text = "steps: [ { id: a, uses: work }, { id: b, needs: [a], run_if: always, set: { v: 1 } } ]";
    for crashes in [Crashes::Never, Crashes::Always] {
        let mut world = World::new(flow_of(text), &good, crashes);
        world.start("{}");
        assert_eq!(world.states(), "a=running b=succeeded");
    }
}

#[test]
fn a_step_that_follows_in_one_go_keeps_its_rule() {
    let text = "
inputs: { b: { type: boolean } }
steps: [ { id: a, when: '{{ inputs.b }}', set: { v: 1 } }, { id: b, needs: [a], set: { v: 2 } } ]
";
    assert!(flow_of(text).steps[0].fused_next.is_some(), "the optimiser fuses them");
    for (inputs, states) in [(r#"{"b":true}"#, "a=succeeded b=succeeded"), (r#"{"b":false}"#, "a=skipped b=skipped")] {
        let mut world = World::new(flow_of(text), &good, Crashes::Never);
        world.start(inputs);
        assert_eq!(world.states(), states);
    }
}

#[test]
fn times_in_expressions_are_those_of_the_run_and_of_the_attempt() {
    let text = "
steps: [ { id: w, wait: 10s }, { id: a, uses: work, with: { run: '{{ run.started_at }}', now: '{{ now() }}' } } ]
outputs: { a: '{{ a }}' }
";
    let given = |_: &str, _: u32| drawloom_blueprint::Outcome::Success(Value::Null);
    let (end, ..) = drive(&|| flow_of(text), &given);
    assert_eq!(end.outputs.to_json(), r#"{"a":{"run":"2023-11-14T22:13:20.000Z","now":"2023-11-14T22:13:30.000Z"}}"#);
}

#[test]
fn a_default_must_fit_its_schema_too() {
    let mut flow = flow_of(INPUTS);
    let at = flow.inputs.iter().position(|it| it.name == "n").expect("an input");
    flow.inputs[at].default = Some(Value::from("seven"));
    let problems = check_inputs(&flow, &json(r#"{"day": "2026-01-31"}"#)).expect_err("no number");
    assert_eq!(problems.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["n"]);
}

#[test]
fn a_fork_does_not_take_over_a_step_that_stood_elsewhere() {
    let old = "steps: [ { id: t, try: [ { id: a, uses: work } ] }, { id: b, uses: work } ]";
    let mut world = World::new(flow_of(old), &good, Crashes::Never);
    world.start("{}");
    world.go();
    let new = flow_of("steps: [ { id: a, uses: work }, { id: b, needs: [], uses: work } ]");
    let plan = fork_plan(&world.run, &new, &[]).expect("a plan");
    assert_eq!((plan.keep.len(), plan.redo), (1, vec!["a".to_owned()]));
}

#[test]
fn a_fork_decides_anew_what_was_skipped() {
    let text = "steps: [ { id: a, when: '{{ inputs.b }}', uses: work }, { id: b, needs: [], uses: work } ]";
    let flow = flow_of(&format!("inputs: {{ b: {{ type: boolean }} }}\n{text}"));
    let mut world = World::new(flow.clone(), &good, Crashes::Never);
    world.start("{\"b\":false}");
    world.go();
    assert_eq!(world.states(), "a=skipped b=succeeded");
    let plan = fork_plan(&world.run, &flow, &[]).expect("a plan");
    assert_eq!((plan.keep.len(), plan.redo), (1, vec!["a".to_owned()]));
}

#[test]
fn addresses_are_guessed_from_no_other() {
    let text = "steps: [ { id: m, for_each: { in: '{{ range(600) }}', concurrency: 600 }, do: [ { id: q, wait: { webhook: true } } ] } ]";
    let tokens = |seed: u64| {
        let mut run = Run::new(flow_of(text).into(), |_, with| Ok(with.clone()));
        let started = Box::new(drawloom_blueprint::Started { seed, ..started() });
        let mut decision = run.handle(Input::Start { started, admitted: true, adopt: Vec::new() }, Timestamp(0));
        while !decision.effects.is_empty() {
            decision = run.handle(Input::Continue, Timestamp(0));
        }
        run.waits().into_iter().map(|it| it.name).collect::<std::collections::BTreeSet<_>>()
    };
    let all = [7, 8, 7 + (1 << 32), 7 + (1 << 63)].map(tokens);
    assert!(all.iter().all(|it| it.len() == 600), "each item has an address of its own");
    assert_eq!(all.iter().flatten().collect::<std::collections::BTreeSet<_>>().len(), 2_400, "and each run its own");
}

#[test]
fn the_error_is_that_of_the_innermost_body_around_a_step() {
    let text = "
steps:
  - id: t
    try: [ { id: a, uses: work } ]
    catch:
      - id: u
        try: [ { id: b, uses: work } ]
        catch: [ { id: c, set: { v: '{{ error.message }}' } } ]
      - { id: d, set: { v: '{{ [u.v, error.message] }}' } }
outputs: { v: '{{ t.v }}' }
";
    let (end, ..) = drive(&|| flow_of(text), &|path, _| bad(path));
    assert_eq!(end.outputs.to_json(), r#"{"v":["t.catch.u.try.b","t.try.a"]}"#);
}

#[test]
fn the_last_words_of_a_try_know_why_its_body_failed_however_it_was_caught() {
    let text = "
steps:
  - id: t
    try: [ { id: a, uses: work } ]
    catch: [ { id: c, uses: work } ]
    finally: [ { id: f, uses: work, with: { v: \"{{ error.message | default('none') }}\" } } ]
";
    for (failing, expected) in [("", "none"), ("t.try.a", "t.try.a"), ("t.try.a t.catch.c", "t.try.a")] {
        let script = |path: &str, _: u32| match path {
            "t.finally.f" => Outcome::Success(Value::Null),
            _ if failing.split(' ').any(|it| it == path) => bad(path),
            _ => good(path, 1),
        };
        let mut world = World::new(flow_of(text), &script, Crashes::Always);
        world.start("{}");
        world.go();
        let history = world.history();
        let last = history.steps().iter().find(|it| it.id == "f").and_then(|it| it.output.as_ref());
        assert_eq!(last.map(Value::to_json), Some(format!(r#"{{"v":"{expected}"}}"#)), "{failing}");
    }
}
