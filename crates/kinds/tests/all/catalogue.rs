use drawloom_kinds::{catalogue, executors, placement};
use drawloom_queue::Placement;
use serde_json::{Value, json};

use crate::support::{json_of, settings};

#[test]
fn every_kind_has_schemas_without_combinators_and_a_page_with_an_example() {
    fn check(kind: &str, schema: &Value) {
        match schema {
            Value::Object(members) => {
                for (name, value) in members {
                    assert!(!["oneOf", "anyOf", "allOf", "$ref", "$defs"].contains(&name.as_str()), "{kind}: {schema}");
                    check(kind, value);
                }
            }
            Value::Array(items) => items.iter().for_each(|it| check(kind, it)),
            _ => {}
        }
    }
    for info in catalogue() {
        let (with, returns) = (json_of(&info.with), json_of(&info.returns));
        check(info.name, &with);
        check(info.name, &returns);
        assert_eq!(with["type"], "object", "{}", info.name);
        assert_eq!(with["additionalProperties"], false, "{}", info.name);
        for (name, property) in with["properties"].as_object().expect("properties") {
            assert!(property["description"].is_string(), "{}.{name} says nothing of itself", info.name);
        }
        assert!(info.docs.starts_with(&format!("# {}\n", info.name)));
        assert!(info.docs.contains("```yaml\ndrawloom: 1\n"), "{}", info.name);
        assert!(info.docs.contains(&format!("uses: {}\n", info.name)));
    }
}

/// Calls `see` with each part of a schema.
fn each_schema(schema: &Value, see: &mut impl FnMut(&Value)) {
    see(schema);
    let parts = |name: &str| schema.get(name).and_then(Value::as_object).into_iter().flat_map(|it| it.values());
    parts("properties").chain(schema.get("items")).chain(schema.get("additionalProperties")).for_each(|it| {
        each_schema(it, see);
    });
}

#[test]
fn every_default_fits_its_own_schema() {
    for info in catalogue() {
        let mut count = 0;
        for schema in [json_of(&info.with), json_of(&info.returns)] {
            each_schema(&schema, &mut |part| {
                if let Some(default) = part.get("default") {
                    count += 1;
                    assert!(jsonschema::is_valid(part, default), "{}: {part}", info.name);
                }
            });
        }
        assert!(count > 0, "{} has a default", info.name);
    }
}

#[test]
fn parameters_that_are_their_default_are_as_good_as_none() {
    let url = json!("http://10.0.0.1/");
    for (kind, given) in [
        ("http", json!({"url": url})),
        ("shell", json!({"command": "true"})),
        ("code", json!({"source": "export default () => 1"})),
        ("log", json!({"message": "x"})),
        ("transform", json!({"jq": "1"})),
    ] {
        let info = catalogue().into_iter().find(|it| it.name == kind).expect("the kind");
        let schema = json_of(&info.with);
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let mut with = given.clone();
        for (name, property) in schema["properties"].as_object().expect("properties") {
            if let Some(default) = property.get("default").filter(|_| given.get(name).is_none()) {
                with[name] = default.clone();
            }
        }
        assert!(validator.is_valid(&with), "{kind}: {with}");
    }
}

#[test]
fn whatever_is_executed_is_described() {
    let names: Vec<&str> = catalogue().iter().map(|it| it.name).collect();
    for executor in executors(&settings()).expect("settings") {
        assert!(names.contains(&executor.info().name));
    }
}

#[test]
fn placement_is_known_before_anything_runs() {
    assert_eq!(placement("log", &json!({"message": "x"})), Placement::Inline);
    assert_eq!(placement("http", &json!({"url": "x"})), Placement::Worker);
    assert_eq!(placement("transform", &json!({"json_parse": "{{ x }}"})), Placement::Inline);
    assert_eq!(placement("transform", &json!({"jq": ".a", "input": "{{ x }}"})), Placement::Inline);
    assert_eq!(placement("transform", &json!({"jq": "{{ x }}"})), Placement::Local);
    assert_eq!(placement("transform", &json!({"jq": "range(.)"})), Placement::Local);
    assert_eq!(placement("transform", &json!({"template": "x"})), Placement::Local);
    assert_eq!(placement("transform", &json!("{{ x }}")), Placement::Local);
}
