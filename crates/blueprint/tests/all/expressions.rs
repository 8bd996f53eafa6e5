//! Expressions through their public door.

use std::sync::Arc;

use drawloom_blueprint::{
    ExprIx, Timestamp, Value,
    expr::{Expr, ExprError, Found, Names, OUTPUT_MAX, Seg, eval},
};

struct World(Value);

impl Names for World {
    fn find(&self, name: &str) -> Found {
        match self.0.get(name) {
            Some(it) => Found::Value(it.clone()),
            None => Found::Missing(Arc::from(format!("step `{name}` was skipped"))),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000_000)
    }
}

fn jinja(source: &str) -> Result<Value, ExprError> {
    let world = World(
        Value::from_json(br#"{"a": {"items": [{"n": 1}, {"n": 2}], "big": 9223372036854775807}, "s": "x", "n": null}"#)
            .expect("JSON"),
    );
    let roots = ["a", "s", "n", "gone", "now"].map(str::to_owned).to_vec();
    eval(&[Expr::jinja(source.to_owned(), roots)], ExprIx(0), &world)
}

fn json(source: &str) -> String {
    jinja(source).map_or_else(|error| format!("error: {}", error.message), |it| it.to_json())
}

#[test]
fn values_keep_their_type() {
    assert_eq!(json("a.items[0].n + 1"), "2");
    assert_eq!(json("a.items | length"), "2");
    assert_eq!(json("a.items[-1]"), r#"{"n":2}"#);
    assert_eq!(json("a.big"), "9223372036854775807");
    assert_eq!(json("('[18446744073709551615]' | fromjson)[0]"), "18446744073709551615");
    assert_eq!(json("a.items | map(attribute='n') | list"), "[1,2]");
    assert_eq!(json("{'k': [1, 2.5, none, true]}"), r#"{"k":[1,2.5,null,true]}"#);
    assert_eq!(json("s ~ '!' if n is none else 0"), r#""x!""#);
    assert_eq!(json("'[1]' | fromjson"), "[1]");
    assert_eq!(json("a | tojson | fromjson | keys"), r#"["items","big"]"#);
    assert_eq!(json("'%.2f EUR' | format(1.005 + 1)"), r#""2.00 EUR""#);
    assert_eq!(json("'a b&c' | urlencode"), r#""a%20b%26c""#);
    assert_eq!(json("now()"), r#""2023-11-14T22:13:20.000Z""#);
}

#[test]
fn what_is_undefined_is_an_error_but_for_default() {
    assert_eq!(json("gone"), "error: step `gone` was skipped");
    assert_eq!(json("gone.deep[0].er | default(7)"), "7");
    assert_eq!(json("gone is defined"), "false");
    assert_eq!(json("a.nope | default('d')"), r#""d""#);
    assert_eq!(json("n | default(3, true)"), "3");
    for (source, expected) in [
        ("a.nope.deeper | default(0)", "0"),
        ("a.nope[3]['x'].y | d(0)", "0"),
        ("a.items[9].n | default(0)", "0"),
        ("(a.nope.deeper | default(1)) + (a.no.where | default(2))", "3"),
        ("[a.nope.deeper | default(1), a.items[0].n]", "[1,1]"),
        ("a.nope.deeper is defined", "false"),
        ("a.nope.deeper is undefined", "true"),
        ("a.items[0].n if a.nope.deeper is undefined else 5", "1"),
    ] {
        assert_eq!(json(source), expected, "{source}");
    }
    for source in [
        "a.nope.deeper == 1",
        "a.nope.deeper != 1",
        "a.nope.deeper == 1 and (a.no.where | default(1))",
        "[a.nope.deeper | default(1), a.other.thing]",
        "(a.no.where | default(1)) ~ a.nope",
        "(a.no.where | default(1)) if a.nope else 2",
        "[a.nope.deeper] | length",
        "a.no.where | default(a.nope)",
        "a.no.where | default(1) in a.nope",
        "[a.nope.deeper == 1, a.no.where | default(1)]",
    ] {
        assert!(json(source).starts_with("error: "), "{source} gives {}", json(source));
    }
    for source in
        ["a.nope", "gone + 1", "gone ~ ''", "1 if gone.x else 2", "gone | upper", "gone | length", "a.nope.deeper"]
    {
        assert!(json(source).starts_with("error: "), "{source} gives {}", json(source));
    }
}

#[test]
fn default_stands_in_for_what_is_missing_and_only_if_asked_for_what_is_empty() {
    for (source, expected) in [
        ("0 | default(3)", "0"),
        ("'' | default(3)", "\"\""),
        ("n | default(3)", "null"),
        ("0 | default(3, true)", "3"),
        ("'' | default(3, true)", "3"),
        ("s | default(3, true)", "\"x\""),
        ("gone | default", "\"\""),
    ] {
        assert_eq!(json(source), expected, "{source}");
    }
}

#[test]
fn bounded_filters_do_what_the_unbounded_ones_did() {
    for (source, expected) in [
        ("[1, 'a', 2.5] | join('-')", "\"1-a-2.5\""),
        ("[] | join(', ')", "\"\""),
        ("['a'] | join(', ')", "\"a\""),
        ("['a', 'b'] | join", "\"ab\""),
        ("'abab' | replace('ab', 'c')", "\"cc\""),
        ("'ab' | replace('', '-')", "\"-a-b-\""),
        (r"'a\n\nb\nc' | indent(2)", r#""a\n\n  b\n  c""#),
        (r"'a\n\nb' | indent(2, true)", r#""  a\n\n  b""#),
        (r"'a\n\nb' | indent(2, false, true)", r#""a\n  \n  b""#),
        (r"'a\n\nb' | indent(1, true, true)", r#"" a\n \n b""#),
        ("range(5) | slice(2) | list", "[[0,1,2],[3,4]]"),
        ("range(5) | batch(2) | list", "[[0,1],[2,3],[4]]"),
        ("range(3) | batch(2, 0) | list", "[[0,1],[2,0]]"),
        ("'%999d' | format(1) | length", "999"),
        ("'%05.1f|%-4s|%3d' | format(3.14159, 'ab', 7)", "\"003.1|ab  |  7\""),
    ] {
        assert_eq!(json(source), expected, "{source}");
    }
    for source in [
        "gone | join('-')",
        "a.nope | join",
        "range(3) | slice(100001)",
        "range(3) | batch(100001, 0)",
        "'%1000d' | format(1)",
        "'%.1000f' | format(1)",
    ] {
        assert!(json(source).starts_with("error: "), "{source} gives {}", json(source));
    }
}

#[test]
fn nothing_grows_without_bound() {
    for source in [
        "range(10**9)",
        "range(10**9) | list",
        "range(100000) | join('0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789')",
        "'x' * 10**9",
        "('x' * 1000000) | replace('x', 'yyyyyyyyyyyyyyyyyyyy')",
        "'a\nb' | indent(10**9)",
        "'%1000000000d' | format(1)",
    ] {
        assert!(json(source).starts_with("error: "), "{source} is {} bytes", json(source).len());
    }
}

#[test]
fn bounds_hold_for_what_is_not_kept_and_for_all_parts_together() {
    let part = "x".repeat(200);
    let joined = json(&format!("range(100000) | join('{part}') | length"));
    assert!(joined.starts_with("error: "), "a text on the way is bounded too: {joined}");
    let parts = |count: usize| json(&format!("[{}]", vec!["s * 1000000"; count].join(", ")));
    assert!(!parts(15).starts_with("error: "));
    assert!(parts(17).starts_with("error: "), "the parts of a list are counted together");
    // What is missing is remembered until the end, so that there is a bound to it.
    let many = |count: usize| {
        let world = World(Value::object([("l", Value::from(vec![Value::object::<&str>([]); count]))]));
        let source = "l | map(attribute='gone.more') | map('default', 1) | sum";
        eval(&[Expr::jinja(source.to_owned(), vec!["l".to_owned()])], ExprIx(0), &world)
    };
    assert_eq!(many(100), Ok(Value::from(100_i64)));
    assert!(many(1_500).is_err());
}

#[test]
fn a_text_has_all_its_parts_and_is_no_longer_than_allowed() {
    let world = World(Value::Null);
    let text = |parts: &[Value]| {
        let arena: Vec<Expr> = parts.iter().cloned().map(Expr::Const).collect();
        let ixs = (0..parts.len()).filter_map(|it| u32::try_from(it).ok()).map(ExprIx).collect();
        let whole = ExprIx(u32::try_from(parts.len()).expect("few"));
        eval(&[arena, vec![Expr::Text(ixs)]].concat(), whole, &world)
    };
    let parts = ["a", "null", "true", "1.5", "[\"x\"]", "\"y\""].map(|it| match it {
        "a" => Value::from("a"),
        json => Value::from_json(json.as_bytes()).expect("JSON"),
    });
    assert_eq!(text(&parts), Ok(Value::from("anulltrue1.5[\"x\"]y")));
    let half = Value::from("x".repeat(OUTPUT_MAX / 2));
    assert!(text(&[half.clone(), half.clone()]).is_ok());
    assert!(text(&[half.clone(), half, Value::from("x")]).is_err());
}

#[test]
fn what_wraps_a_deep_value_is_refused() {
    let deep = (0..128).fold(Value::Null, |it, _| Value::from(vec![it]));
    let world = World(Value::object([("a", deep)]));
    let arena = [Expr::Path { root: "a".into(), tail: Vec::new() }, Expr::List(vec![ExprIx(0)])];
    assert!(eval(&arena, ExprIx(0), &world).is_ok());
    assert!(eval(&arena, ExprIx(1), &world).is_err());
    assert!(eval(&[Expr::jinja("[a]".into(), vec!["a".into()])], ExprIx(0), &world).is_err());
}

#[test]
fn a_path_needs_no_engine() {
    let world = World(Value::from_json(br#"{"a": {"b": [10, 20]}}"#).expect("JSON"));
    let path = |tail: Vec<Seg>| eval(&[Expr::Path { root: "a".into(), tail }], ExprIx(0), &world);
    for (index, expected) in [(0, Some(10)), (1, Some(20)), (2, None), (-1, Some(20)), (-2, Some(10)), (-3, None)] {
        let found = path(vec![Seg::Name("b".into()), Seg::Index(index)]).ok();
        assert_eq!(found, expected.map(Value::Int), "{index}");
    }
    for index in [i64::MIN, i64::MAX] {
        assert!(path(vec![Seg::Name("b".into()), Seg::Index(index)]).is_err());
    }
    let error = path(vec![Seg::Name("c".into())]).expect_err("no c");
    assert_eq!(error.to_string(), "`c` is undefined (there is: b), in `{{ a.c }}`");
    assert!(path(vec![Seg::Name("b".into()), Seg::Index(2)]).is_err());
}

#[test]
fn an_error_names_what_there_is_and_shows_a_short_place() {
    let members = |count: i64| Value::object((0..count).map(|it| (format!("m{it}"), Value::from(it))));
    let missing = |count: i64| {
        let world = World(Value::object([("a", members(count))]));
        let path = Expr::Path { root: "a".into(), tail: vec![Seg::Name("x".into())] };
        eval(&[path], ExprIx(0), &world).expect_err("no x").message
    };
    assert!(missing(8).ends_with("m6, m7)"), "{}", missing(8));
    assert!(missing(9).ends_with("m6, m7, …)"), "{}", missing(9));
    let place = |length: usize| {
        let source = format!("gone + '{}'", "y".repeat(length - 9));
        assert_eq!(source.len(), length);
        jinja(&source).expect_err("undefined").place.expect("it has a place")
    };
    assert_eq!(place(200).chars().count(), 200);
    assert!(place(201).ends_with('…') && place(201).chars().count() == 201);
}

#[test]
fn an_expression_has_a_thousand_words_and_signs_at_most() {
    // Two brackets, and a comma behind each name.
    let list = |names: usize| format!("[{}] | length", "s,".repeat(names));
    assert_eq!(json(&list(498)), "498");
    let error = json(&list(499));
    assert!(error.starts_with("error: "), "{error}");
}

#[test]
fn expressions_are_equal_where_their_texts_are() {
    let expr = |source: &str| Expr::jinja(source.to_owned(), vec!["a".to_owned()]);
    assert_eq!(expr("a + 1"), expr("a + 1"));
    assert_ne!(expr("a + 1"), expr("a + 2"));
}
