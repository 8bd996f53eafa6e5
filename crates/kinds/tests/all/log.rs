use serde_json::json;

use crate::support::{inlines, value};

#[test]
fn messages_become_text() {
    inlines("log", json!({"message": "hello"}), json!("hello"));
    inlines("log", json!({"message": 7, "level": "warn"}), json!("7"));
    inlines("log", json!({"message": {"a": [1, null]}}), json!(r#"{"a":[1,null]}"#));
}

#[test]
fn wrong_parameters_are_refused() {
    for with in [json!({}), json!({"message": "x", "level": "loud"}), json!({"message": "x", "more": 1}), json!([1])] {
        let error = drawloom_kinds::inline("log", &value(with.clone())).expect_err("must be refused");
        assert_eq!(error.code.as_deref(), Some("bad_with"), "{with}");
    }
    assert!(drawloom_kinds::inline("shell", &value(json!({}))).is_err());
}
