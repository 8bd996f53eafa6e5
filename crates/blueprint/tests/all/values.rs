//! Values, instants and ids through their public door.

use std::time::Duration;

use drawloom_blueprint::{RunId, RunStatus, Timestamp, Value, format_duration, parse_duration};

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).expect("JSON")
}

#[test]
fn a_condition_holds_for_what_is_not_null_false_zero_or_empty() {
    for text in ["null", "false", "0", "0.0", "-0.0", "\"\"", "[]", "{}"] {
        assert!(!json(text).is_true(), "{text}");
    }
    for text in ["true", "1", "-1", "18446744073709551615", "0.5", "\"false\"", "\"0\"", "[null]", "{\"a\": false}"] {
        assert!(json(text).is_true(), "{text}");
    }
    assert!(!Value::UInt(0).is_true());
}

#[test]
fn depth_is_counted_through_lists_and_objects_alike() {
    let deep = [json("[[[1]]]"), json(r#"{"a": {"b": {"c": 1}}}"#), json(r#"[0, {"x": 1, "a": [2], "y": 3}]"#)];
    for it in deep {
        assert!(!it.is_deeper_than(3), "{it}");
        assert!(it.is_deeper_than(2), "{it}");
    }
    assert!(!json("1").is_deeper_than(0) && json("[]").is_deeper_than(0) && json("{}").is_deeper_than(0));
}

#[test]
fn numbers_keep_their_64_bits_and_their_kind() {
    for (text, kind) in [
        ("9223372036854775807", "integer"),
        ("-9223372036854775808", "integer"),
        ("9223372036854775808", "integer"),
        ("18446744073709551615", "integer"),
        ("1.0", "number"),
        ("18446744073709551616", "number"),
    ] {
        assert_eq!(json(text).type_name(), kind, "{text}");
        if kind == "integer" {
            assert_eq!(json(text).to_json(), text);
        }
        let other = serde_json::Value::from(&json(text));
        assert_eq!(Value::from(other), json(text), "{text}");
    }
    assert_eq!(Value::from(9_223_372_036_854_775_808_u64), Value::UInt(1 << 63));
    assert_eq!(Value::from(9_223_372_036_854_775_807_u64), Value::Int(i64::MAX));
    assert_eq!((Value::from(f64::NAN), Value::from(f64::NEG_INFINITY)), (Value::Null, Value::Null));
}

#[test]
fn objects_are_equal_in_any_order_and_keep_theirs() {
    for count in [2, 12, 13, 40] {
        let members = |order: &mut dyn Iterator<Item = i64>| {
            Value::object(order.map(|it| (format!("m{it}"), Value::from(it))).collect::<Vec<_>>())
        };
        let (forth, back) = (members(&mut (0..count)), members(&mut (0..count).rev()));
        assert_eq!(forth, back, "{count}");
        assert_ne!(forth.to_json(), back.to_json());
        let fewer = members(&mut (0..count - 1));
        assert_ne!(forth, fewer, "{count}: one more");
        assert_ne!(fewer, forth, "{count}: one less");
        let other = members(&mut (1..=count));
        assert_ne!(forth, other, "as many, with another name");
    }
}

#[test]
fn the_last_of_equal_names_wins_wherever_it_stands() {
    for extra in [0, 30] {
        let names = ["a", "b", "a", "c", "b", "a"].map(str::to_owned).into_iter();
        let names: Vec<String> = names.chain((0..extra).map(|it| format!("x{it}"))).chain(["b".to_owned()]).collect();
        let numbered = names.iter().enumerate().map(|(at, name)| (name.clone(), Value::from(at as u64)));
        let it = Value::object(numbered);
        assert_eq!(it.get("a"), Some(&Value::Int(5)));
        assert_eq!(it.get("b"), Some(&Value::from(names.len() as u64 - 1)));
        assert_eq!(it.get("c"), Some(&Value::Int(3)));
        let order: Vec<&str> = it.as_object().expect("an object").iter().map(|(name, _)| &**name).collect();
        assert_eq!(order[..3], ["a", "b", "c"], "each keeps the place of its first");
        assert_eq!(order.len(), 3 + extra);
    }
}

#[test]
fn time_never_runs_backwards_and_ends_where_numbers_do() {
    let (early, late) = (Timestamp(1_000_000), Timestamp(3_500_000));
    assert_eq!(late.since(early), Duration::from_millis(2500));
    assert_eq!(early.since(late), Duration::ZERO);
    assert_eq!(Timestamp(i64::MAX).since(Timestamp(i64::MIN)), Duration::from_micros(i64::MAX.unsigned_abs()));
    assert_eq!(early.after(Duration::from_micros(7)), Timestamp(1_000_007));
    assert_eq!(late.after(Duration::MAX), Timestamp(i64::MAX));
    assert_eq!(Timestamp::parse(" 2023-11-14T22:13:20.000001Z\n"), Some(Timestamp(1_700_000_000_000_001)));
    assert_eq!(Timestamp::parse("2023-11-14T23:13:20+01:00"), Some(Timestamp(1_700_000_000_000_000)));
    assert_eq!(Timestamp::parse("yesterday"), None);
}

#[test]
fn a_duration_is_at_most_a_hundred_years() {
    assert_eq!(parse_duration("36600d"), Ok(Duration::from_secs(36_600 * 86_400)));
    assert!(parse_duration("36600d1ms").is_err());
    assert_eq!(format_duration(Duration::ZERO), "0s");
    assert_eq!(format_duration(Duration::from_micros(90_061_001_999)), "1d1h1m1s1ms");
    assert_eq!(parse_duration(" 1d1h1m1s1ms "), Ok(Duration::from_millis(90_061_001)));
}

#[test]
fn a_sub_flow_has_the_same_id_each_time_and_sorts_with_its_parent() {
    let parent = RunId(0x0190_1234_5678_9abc_def0_1234_5678_9abc);
    let child = parent.child("a.b[3]", 2);
    assert_eq!(parent.to_string(), "01j0938nkrkaydxw0j6hb7h6nw");
    // Runs under way refer to their children by this: it may never change.
    assert_eq!(format!("{:032x}", child.0), "019012345678386a07258387a3a007db");
    assert_eq!(child.0 >> 80, parent.0 >> 80);
    for other in [parent.child("a.b[3]", 1), parent.child("a.b[4]", 2), RunId(parent.0 + 1).child("a.b[3]", 2)] {
        assert_ne!(other, child);
    }
}

#[test]
fn every_status_is_found_by_its_name() {
    use RunStatus::{Cancelled, Failed, Paused, Queued, Running, Succeeded};
    for (status, name, is_end) in [
        (Queued, "queued", false),
        (Running, "running", false),
        (Paused, "paused", false),
        (Succeeded, "succeeded", true),
        (Failed, "failed", true),
        (Cancelled, "cancelled", true),
    ] {
        assert_eq!((status.name(), status.is_end(), RunStatus::from_name(name)), (name, is_end, Some(status)));
    }
    assert_eq!(RunStatus::from_name("Failed"), None);
}
