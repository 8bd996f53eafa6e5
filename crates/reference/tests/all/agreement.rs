//! The reference and the engine agree: status, outputs, error class and place, and the end of every step.
//!
//! `REFERENCE_SEEDS=A..B` tries other flows; a failure names its seed, and prints the flow.

use std::collections::BTreeMap;

use drawloom_blueprint::{Blueprint, StepError, Value};
use drawloom_lang::{KindInfo, Kinds, Optimise, Options, Placement, Source, compile, parse};
use drawloom_reference::{
    generate::{INLINE, TASK, flow},
    interpret::{Unsaid, interpret},
};

use crate::{
    outside::{START, Seeded},
    world::drive,
};

pub(crate) fn blueprint(text: &str, optimise: Optimise) -> Blueprint {
    let kind = |name: &str, placement| KindInfo {
        name: name.to_owned(),
        placement,
        place: None,
        schema: serde_json::json!({ "type": "object" }),
    };
    let kinds = Kinds::new([kind(TASK, Placement::Local), kind(INLINE, Placement::Inline)]);
    let options = Options { optimise, kinds: &kinds, children: &BTreeMap::new() };
    let source = Source::new("random.json", text.to_owned());
    match compile(&source, &options) {
        Ok(compiled) => {
            let back = Blueprint::decode(&compiled.blueprint.encode()).expect("a round trip");
            assert_eq!(back, compiled.blueprint);
            back
        }
        Err(problems) => panic!("{}\n{text}", drawloom_lang::render(&problems, &[source], drawloom_lang::Colour::Off)),
    }
}

/// A run's end in words, a line per step.
type Lines = Vec<String>;

/// Which of several failures came first is not said where `parallel_steps` moves them.
fn error(text: &str, it: Option<&StepError>) -> String {
    let said = it.filter(|_| !text.contains("parallel_steps"));
    said.map_or_else(String::new, |it| format!("{} {:?} at {:?}", it.class, it.code, it.step))
}

fn by_engine(text: &str, outside: Seeded, optimise: Optimise) -> Lines {
    // Signals whose names stand in the flow are sent at their times, whether or not somebody waits.
    let names = text.split("\"signal\":\"").skip(1).filter_map(|it| it.split('"').next());
    let names: Vec<String> = names.filter(|it| !it.contains("{{")).map(str::to_owned).collect();
    let world = drive(blueprint(text, optimise), outside, &names);
    let mut lines: Lines = Vec::new();
    let end = world.run.end();
    for it in world.history.steps() {
        let output = it.output.as_ref().filter(|_| it.status == "succeeded").map(Value::to_json).unwrap_or_default();
        lines.push(format!("{} {} {output}", it.path, it.status));
    }
    lines.sort();
    lines.push(end.map_or_else(
        || "does not end".to_owned(),
        |it| format!("{} {} {}", it.status.name(), it.outputs, error(text, it.error.as_ref())),
    ));
    lines
}

fn by_reference(text: &str, outside: Seeded) -> Result<Lines, Unsaid> {
    let (parsed, _) = parse(&Source::new("random.json", text.to_owned()));
    let inputs = Value::object([("n", Value::from(3_i64))]);
    let end = interpret(&parsed.expect("a flow"), &inputs, START, &outside)?;
    let mut lines: Lines = end
        .steps
        .iter()
        .map(|(path, (state, output))| {
            let output = output.as_ref().map(Value::to_json).unwrap_or_default();
            format!("{path} {} {output}", state.name())
        })
        .collect();
    lines.sort();
    lines.push(format!("{} {} {}", end.status.name(), end.outputs, error(text, end.error.as_ref())));
    Ok(lines)
}

/// What differs, for people.
fn difference(expected: &Lines, actual: &Lines) -> String {
    let only = |one: &Lines, other: &Lines, sign: &str| -> String {
        one.iter().filter(|it| !other.contains(it)).map(|it| format!("{sign} {it}\n")).collect()
    };
    format!("{}{}", only(expected, actual, "reference:"), only(actual, expected, "engine:   "))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a person may ask for other seeds")]
fn random_flows_end_as_the_reference_says() {
    let range = std::env::var("REFERENCE_SEEDS").unwrap_or_else(|_| "0..600".to_owned());
    let (from, to) = range.split_once("..").expect("A..B");
    let seeds = from.parse::<u64>().expect("a number")..to.parse::<u64>().expect("a number");
    let (mut said, mut unsaid) = (0, 0);
    let mut wrong: Vec<(usize, String)> = Vec::new();
    for seed in seeds {
        let text = flow(seed, 4 + usize::try_from(seed % 30).expect("small"));
        let outside = Seeded { seed, cancels: !text.contains("parallel_steps") };
        let expected = by_reference(&text, outside);
        match &expected {
            Err(Unsaid(_)) => unsaid += 1,
            Ok(_) => said += 1,
        }
        for optimise in [Optimise::Off, Optimise::On] {
            let actual = by_engine(&text, outside, optimise);
            let what = expected.as_ref().map_or_else(|_| String::new(), |it| difference(it, &actual));
            if !what.is_empty() {
                wrong.push((text.len(), format!("seed {seed}, {optimise:?}:\n{what}\n{text}")));
            }
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{} flows end otherwise; the shortest: {}", wrong.len(), wrong[0].1);
    assert!(unsaid * 5 < said, "{unsaid} flows say too little, {said} enough");
}
