//! Strings that break software, everywhere where a person may write a text.

use drawloom_lang::{Code, Colour, Source, parse, render, to_json};
use serde_json::{Value as Json, json};

fn strings() -> Vec<String> {
    serde_json::from_str(include_str!("../../testdata/naughty_strings.json")).expect("a list of strings")
}

/// A flow that holds `text` wherever one may stand.
fn flow(text: &str) -> Json {
    json!({
        "drawloom": 1,
        "name": "naughty",
        "description": text,
        "labels": { "label": text },
        "inputs": { "input": { "type": "string", "default": text } },
        "vars": { "var": text, "more": { text: [text] } },
        "steps": [{
            "id": "a",
            "name": text,
            "description": text,
            "uses": "log",
            "with": { "message": text, "more": { text: text } },
        }],
        "outputs": { "output": text },
    })
}

#[test]
fn texts_are_kept_as_they_are() {
    for text in strings() {
        for document in [flow(&text).to_string(), serde_json::to_string_pretty(&flow(&text)).unwrap()] {
            let source = Source::new("naughty.json", document);
            let (flow, problems) = parse(&source);
            assert_eq!(problems, [], "{text:?}");
            let flow = flow.expect("a flow");
            assert_eq!(flow.description.as_ref().unwrap().value, text);
            assert_eq!(flow.steps[0].name.as_ref().unwrap().value, text);
            assert_eq!(flow.labels[0].1.as_str(), Some(&*text));
            assert_eq!(flow.vars[1].1.as_object().unwrap()[0].0.value, text);
            let drawloom_lang::model::Body::Task(task) = &flow.steps[0].body else { panic!("a task step") };
            let with = serde_json::Value::from(&task.with.as_ref().unwrap().to_value());
            assert_eq!(with, json!({ "message": text, "more": { text.as_str(): text } }));
        }
    }
}

#[test]
fn names_are_kept_or_refused() {
    for text in strings() {
        let mut document = flow("x");
        document["name"] = json!(text);
        let source = Source::new("naughty.json", document.to_string());
        let (flow, problems) = parse(&source);
        assert_eq!(flow.expect("a flow").name.value, text);
        assert!(problems.iter().all(|it| it.code == Code::BadName), "{problems:?}");
        assert_eq!(
            problems.is_empty(),
            !text.trim().is_empty() && !text.contains(char::is_control) && text.chars().count() <= 200
        );
    }
}

#[test]
fn what_is_said_about_them_is_safe_to_show() {
    for text in strings() {
        let document = json!({
            "drawloom": 1, "name": "naughty", text.as_str(): 1,
            "steps": [{ "id": text, "uses": "log", text.as_str(): 2, "run_if": text, "timeout": text }],
        });
        let sources = [Source::new(&text, document.to_string())];
        let (_, problems) = parse(&sources[0]);
        assert!(!problems.is_empty());
        let shown = render(&problems, &sources, Colour::Off);
        let obeyed = shown.find(|it: char| it.is_control() && it != '\n');
        assert_eq!(obeyed, None, "{shown:?}");
        assert_eq!(to_json(&problems, &sources)["diagnostics"].as_array().unwrap().len(), problems.len());
    }
}

#[test]
fn raw_text_is_a_document_or_an_error() {
    for text in strings() {
        for document in
            [text.clone(), format!("a: {text}"), format!("- {text}\n- \"{text}\""), format!("{{{{ {text} }}}}")]
        {
            let source = Source::new("raw.yaml", document);
            let (flow, problems) = parse(&source);
            assert!(flow.is_some() || !problems.is_empty());
            assert_eq!(render(&problems, &[source], Colour::On).is_empty(), problems.is_empty());
        }
    }
}
