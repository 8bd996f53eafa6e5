use std::time::{Duration, Instant};

use drawloom_blueprint::ErrorClass::{Cancelled, Failed, Invalid, Timeout};
use drawloom_kinds::{inline, placement};
use drawloom_queue::Placement;
use serde_json::json;

use crate::support::{Job, fails, inlines, run, value};

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "tests write values in place")]
fn jq(program: &str, input: serde_json::Value, expected: serde_json::Value) {
    inlines("transform", json!({"jq": program, "input": input}), expected);
}

#[test]
fn cheap_jq_programs_run_inline() {
    let orders = json!({"items": [{"id": 2, "price": 4, "n": 3, "tag": "a"}, {"id": 1, "price": 2.5, "n": 1, "tag": "b"}, {"id": 3, "price": 1, "n": 1, "tag": "a"}]});
    jq(".items[0].id", orders.clone(), json!(2));
    jq(".items | map(.id)", orders.clone(), json!([2, 1, 3]));
    jq(".items[] | .id", orders.clone(), json!([2, 1, 3]));
    jq(".items[] | select(.id > 2) | .id", orders.clone(), json!(3));
    jq(".items[] | select(.id > 7)", orders.clone(), json!([]));
    jq(".items | map(.price * .n) | add", orders.clone(), json!(15.5));
    jq(
        ".items | sort_by(.id) | map({id, total: (.price * .n)}) | .[:1]",
        orders.clone(),
        json!([{"id": 1, "total": 2.5}]),
    );
    jq(
        ".items | group_by(.tag) | map({tag: .[0].tag, count: length})",
        orders.clone(),
        json!([{"tag": "a", "count": 2}, {"tag": "b", "count": 1}]),
    );
    jq(".items | length", orders.clone(), json!(3));
    jq(".items | max_by(.price).id", orders.clone(), json!(2));
    jq("[.items[].tag] | unique | join(\", \")", orders.clone(), json!("a, b"));
    jq("\"\\(.items | length) items\"", orders.clone(), json!("3 items"));
    jq(".items[0] | to_entries | map(.key)", orders.clone(), json!(["id", "price", "n", "tag"]));
    jq(".items[0] | with_entries(select(.value != 3))", orders.clone(), json!({"id": 2, "price": 4, "tag": "a"}));
    jq(".items[0] | del(.tag) | keys", orders.clone(), json!(["id", "n", "price"]));
    jq(".items |= map(.id) | .items", orders.clone(), json!([2, 1, 3]));
    jq(".items[].id |= . + 1 | [.items[].id]", orders.clone(), json!([3, 2, 4]));
    jq(".total = 5 | .total += 1 | .total", orders.clone(), json!(6));
    jq("if .items == [] then \"none\" elif .x then 1 else \"some\" end", orders.clone(), json!("some"));
    jq(".nothing // \"default\"", orders.clone(), json!("default"));
    jq("try error(\"x\") catch .", orders.clone(), json!("x"));
    jq(".items[0].id?, .items[1].id?", orders, json!([2, 1]));
    jq("\"12\" | tonumber | . + 1", json!(null), json!(13));
    jq(
        "{a: 1, b: [2, 3][1], \"c d\": -4, \"\\(1)\": null}",
        json!(null),
        json!({"a": 1, "b": 3, "c d": -4, "1": null}),
    );
    jq(
        ".",
        json!({"big": u64::MAX, "f": 1.5, "t": true, "n": null}),
        json!({"big": u64::MAX, "f": 1.5, "t": true, "n": null}),
    );
    jq("\"ab\" * 3", json!(null), json!("ababab"));
    jq("@base64, @json", json!("x"), json!(["eA==", "\"x\""]));
    jq("split(\",\") | map(ascii_upcase)", json!("a,b"), json!(["A", "B"]));
    inlines("transform", json!({"jq": "1 + 1"}), json!(2));
}

#[test]
fn programs_that_may_take_for_ever_are_not_inline() {
    for program in [
        "range(10)",
        "[limit(3; repeat(1))]",
        "recurse",
        "..",
        "def f: f; f",
        "reduce .[] as $x (0; . + $x)",
        "foreach .[] as $x (0; . + $x)",
        "until(. > 100; . + 1)",
        "while(true; .)",
        "label $f | break $f",
        "test(\"a\")",
        "gsub(\"a\"; \"b\")",
        ". as $x | $x",
        "[.[] | .] | [.[] + .[]]",
        "{a: .[], b: .[]}",
        "map(.) | combinations",
        "[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]",
        "walk(.)",
        "transpose",
        ".[.[]]",
        "fromjson",
        "now",
        "env",
        "$ENV",
        "input",
        ".[] = .",
        "map(. * .[])",
        "join(.x)",
        "contains(.x)",
        "paths",
        "splits(\"a\")",
        "\"\\(.[])\\(.[])\"",
        "(.[],.[])|(.[],.[])|(.[],.[])|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)",
        "import \"x\" as x; 1",
        "[.[] | tojson | tojson | tojson | tojson | tojson]",
        "@sh",
        "first(range(.))",
        "$x",
    ] {
        let with = json!({"jq": program, "input": []});
        if placement("transform", &with) == Placement::Inline {
            // What cannot be run at all may be refused at once.
            let error = inline("transform", &value(with)).expect_err(program);
            assert_eq!(error.code.as_deref(), Some("jq_program"), "{program}: {error}");
        } else {
            let error = inline("transform", &value(with)).expect_err(program);
            assert_eq!((error.class, error.code.as_deref()), (Invalid, Some("needs_executor")), "{program}");
        }
    }
}

#[test]
fn hostile_programs_are_read_without_harm() {
    for program in [
        "(".repeat(8000),
        "-".repeat(8000),
        "[".repeat(4000) + &"]".repeat(4000),
        "1+".repeat(4000) + "1",
        ".a".repeat(4000),
        "try ".repeat(2000) + "1",
        "if . then ".repeat(800),
        "\"\\(".repeat(2000),
        ".|".repeat(4000) + ".",
        "(".repeat(4000) + "." + &")".repeat(4000),
        "(".repeat(1_000_000),
    ] {
        let with = json!({"jq": program, "input": 1});
        if placement("transform", &with) == Placement::Inline {
            let _ = inline("transform", &value(with));
        }
    }
}

#[test]
fn cheap_programs_stay_cheap_on_large_inputs() {
    let items: Vec<_> = (0..30_000).map(|it| json!({"id": it, "tag": format!("t{}", it % 100), "n": 1.5})).collect();
    let input = value(json!({"items": items}));
    for program in [
        ".items | map(.tag) | join(\",\") | length",
        "[.items[].tag] | add | length",
        ".items | map([.id]) | add | length",
        ".items | map({(.tag): .id}) | add | length",
        ".items | map({(\"k\\(.id)\"): .id}) | add | length",
        ".items | group_by(.tag) | length",
        ".items | map({key: .tag, value: .id}) | from_entries | length",
        ".items[].n |= . * 2 | .items | length",
        ".items | map(tojson) | join(\"\\n\") | length",
        "[.items[] | select(.id > 5) | \"\\(.tag)-\\(.id)\"] | unique | length",
    ] {
        let with = drawloom_blueprint::Value::object([("jq", program.into()), ("input", input.clone())]);
        let started = Instant::now();
        inline("transform", &with).unwrap_or_else(|it| panic!("{program}: {it}"));
        assert!(started.elapsed() < Duration::from_secs(30), "{program}: {:?}", started.elapsed());
    }
}

#[test]
fn errors_in_jq_say_where_and_what() {
    let refuse =
        |program: &str| inline("transform", &value(json!({"jq": program, "input": {"a": "x"}}))).expect_err(program);
    let error = refuse(".a |\n  map(");
    assert_eq!((error.class, error.code.as_deref()), (Invalid, Some("jq_program")));
    assert!(error.message.contains("line 2"), "{}", error.message);
    assert!(refuse("nothing_like_it").message.contains("nothing_like_it"));
    let error = refuse(".a + 1");
    assert_eq!((error.class, error.code.as_deref()), (Failed, Some("jq")));
    assert!(error.message.contains("cannot calculate"), "{}", error.message);
    assert!(refuse("{(.a, .a): 1} | error").message.len() < 600);
    assert_eq!(refuse("\"x\" * 1000000000").class, Failed);
    assert_eq!(refuse("{(1): 2}").class, Failed);
}

#[tokio::test]
async fn any_jq_program_runs_in_a_process_of_its_own() {
    let returned = run("transform", json!({"jq": "[range(5)] | map(. * 2)"})).await.unwrap();
    assert_eq!(returned, json!([0, 2, 4, 6, 8]));
    let returned = run("transform", json!({"jq": "reduce .[] as $x (0; . + $x)", "input": [1, 2, 3]})).await.unwrap();
    assert_eq!(returned, json!(6));
    let returned = run("transform", json!({"jq": "[.[] | capture(\"(?<k>\\\\w)=(?<v>\\\\d)\")]", "input": ["a=1"]}))
        .await
        .unwrap();
    assert_eq!(returned, json!([{"k": "a", "v": "1"}]));
    let returned = run("transform", json!({"jq": "[limit(3; repeat(1))]"})).await.unwrap();
    assert_eq!(returned, json!([1, 1, 1]));
    // Cheap programs do too, where the flow had them as an expression.
    assert_eq!(run("transform", json!({"jq": ".a", "input": {"a": 1}})).await.unwrap(), json!(1));
    assert_eq!(run("transform", json!({"jq": "env"})).await.unwrap(), json!({}));
    fails("transform", json!({"jq": "range("}), Invalid, "jq_program").await;
    fails("transform", json!({"jq": "range(3) | error(\"x\")"}), Failed, "jq").await;
    fails("transform", json!({"jq": "halt"}), Failed, "jq").await;
    fails("transform", json!({"jq": "input"}), Invalid, "jq_program").await;
    fails("transform", json!({"jq": "import \"/etc/passwd\" as x; 1"}), Invalid, "jq_program").await;
}

#[tokio::test]
async fn a_program_without_end_is_ended() {
    for program in [
        "def f: f; f",
        "[range(1e18)] | length",
        "last(repeat(1))",
        "until(false; .)",
        "reduce range(1e15) as $x (0; . + 1)",
    ] {
        let job = Job::new("transform", json!({"jq": program})).timeout(Duration::from_millis(300));
        let started = Instant::now();
        let error = job.run().await.expect_err(program);
        assert!(error.class == Timeout || error.code.as_deref() == Some("broke_down"), "{program}: {error}");
        assert!(started.elapsed() < Duration::from_secs(30), "{program}: {:?}", started.elapsed());
    }
    let job = Job::new("transform", json!({"jq": "last(repeat(1))"}));
    let cancel = async { job.stop.cancel() };
    let (result, ()) = tokio::join!(job.run(), cancel);
    assert_eq!(result.unwrap_err().class, Cancelled);
}

#[tokio::test]
async fn memory_is_bounded() {
    for program in [
        "\"x\" * 1e10",
        "[limit(40; repeat(1))] | reduce .[] as $x ([0]; [., .]) | tojson | length",
        "[limit(40; repeat(1))] | reduce .[] as $x ([0]; [., .])",
        "def f: 1 + f; f",
    ] {
        let error = Job::new("transform", json!({"jq": program}))
            .timeout(Duration::from_secs(5))
            .run()
            .await
            .expect_err(program);
        let known = matches!(error.code.as_deref(), Some("broke_down" | "too_large" | "jq")) || error.class == Timeout;
        assert!(known, "{program}: {error:?}");
    }
}

#[test]
fn json_base64_and_hashes() {
    inlines("transform", json!({"json_parse": " {\"a\": [1]} "}), json!({"a": [1]}));
    inlines("transform", json!({"json_stringify": {"b": 1, "a": null}}), json!("{\"b\":1,\"a\":null}"));
    inlines("transform", json!({"json_stringify": [1], "pretty": true}), json!("[\n  1\n]"));
    inlines("transform", json!({"json_stringify": null}), json!("null"));
    inlines("transform", json!({"base64": {"encode": "héé>"}}), json!("aMOpw6k+"));
    inlines("transform", json!({"base64": "encode", "input": "x"}), json!("eA=="));
    inlines("transform", json!({"base64": {"decode": "aMOpw6k+"}}), json!("héé>"));
    inlines("transform", json!({"base64": {"decode": "aMOpw6k-\n"}}), json!("héé>"));
    inlines("transform", json!({"base64": "decode", "input": "eA"}), json!("x"));
    inlines(
        "transform",
        json!({"hash": {"sha256": "abc"}}),
        json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    );
    inlines(
        "transform",
        json!({"hash": "sha256", "input": {"a": 1}}),
        json!("015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"),
    );
    let made = inline("transform", &value(json!({"hash": "sha512", "input": ""}))).unwrap();
    assert!(made.as_str().unwrap().starts_with("cf83e1357eefb8bd"));
}

#[test]
fn tables() {
    inlines(
        "transform",
        json!({"csv": {"parse": "\u{feff}a,b\r\n1,\"x, \"\"y\"\"\"\n"}}),
        json!([{"a": "1", "b": "x, \"y\""}]),
    );
    inlines(
        "transform",
        json!({"csv": {"parse": "1;2\n3", "delimiter": ";", "header": false}}),
        json!([["1", "2"], ["3"]]),
    );
    inlines("transform", json!({"csv": {"parse": "1,2", "header": ["x", "y"]}}), json!([{"x": "1", "y": "2"}]));
    inlines("transform", json!({"csv": "parse", "input": ""}), json!([]));
    inlines(
        "transform",
        json!({"csv": {"format": [{"a": 1, "b": "x,y"}, {"b": null, "c": {"d": 2}}]}}),
        json!("a,b,c\n1,\"x,y\",\n,,\"{\"\"d\"\":2}\"\n"),
    );
    inlines("transform", json!({"csv": {"format": [[1, 2], [true]], "delimiter": "\t"}}), json!("1\t2\ntrue\n"));
    inlines("transform", json!({"csv": {"format": [{"a": 1, "b": 2}], "header": ["b"]}}), json!("b\n2\n"));
    inlines("transform", json!({"csv": {"format": [{"a": 1}], "header": false}}), json!("1\n"));
    let error = inline("transform", &value(json!({"csv": {"parse": "a,b\n1\n"}}))).unwrap_err();
    assert!(error.class == Failed && error.message.contains("line 2"), "{error}");
}

#[tokio::test]
async fn templates() {
    let with = json!({"template": "{% for it in items %}{{ loop.index }}:{{ it.name | upper }};{% endfor %}{{ none_at_all | default('-') }}", "data": {"items": [{"name": "a"}, {"name": "b"}]}});
    assert_eq!(run("transform", with).await.unwrap(), json!("1:A;2:B;-"));
    let message = fails("transform", json!({"template": "a\n{{ missing }}"}), Failed, "template").await;
    assert!(message.contains("line 2"), "{message}");
    fails("transform", json!({"template": "{% for %}"}), Invalid, "template_syntax").await;
    for template in [
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% for a in range(100000) %}{{ 'x' * 100000 }}{% endfor %}",
        "{% include 'x' %}",
    ] {
        fails("transform", json!({"template": template}), Failed, "template").await;
    }
    let bomb =
        "{% set ns = namespace(x='x') %}{% for a in range(64) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}";
    let error = run("transform", json!({"template": bomb})).await.unwrap_err();
    assert_eq!(error.class, Failed, "{error}");
}

#[test]
fn wrong_parameters_are_refused() {
    for with in [
        json!({}),
        json!({"jq": ".", "json_parse": "1"}),
        json!({"jq": 5}),
        json!({"base64": "encode"}),
        json!({"base64": {"encode": "x", "decode": "y"}}),
        json!({"base64": {"encode": "x"}, "input": "y"}),
        json!({"base64": 5}),
        json!({"base64": "shuffle", "input": ""}),
        json!({"hash": {"md5": "x"}}),
        json!({"csv": {"parse": "x", "delimiter": "ab"}}),
        json!({"csv": {"delimiter": ";"}}),
        json!({"csv": {"format": "x"}}),
        json!({"csv": {"format": [1]}}),
        json!({"json_parse": 5}),
        json!({"json_parse": "1", "input": 5}),
        json!({"jq": ".", "data": 5}),
        json!({"jq": ".", "inputs": 5}),
    ] {
        let error = inline("transform", &value(with.clone())).expect_err(&with.to_string());
        assert_eq!((error.class, error.code.as_deref()), (Invalid, Some("bad_with")), "{with}");
    }
    for with in [json!({"json_parse": "{"}), json!({"base64": {"decode": "%"}}), json!({"base64": {"decode": "/w=="}})]
    {
        assert_eq!(inline("transform", &value(with.clone())).expect_err("must fail").class, Failed, "{with}");
    }
}
