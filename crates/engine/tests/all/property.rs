//! Random flows mean the same optimised and plain, with and without crashes after every decision.

use std::{collections::BTreeMap, hash::Hasher};

use drawloom_blueprint::{Blueprint, ErrorClass, Outcome, StepError, Value};
use drawloom_lang::{KindInfo, Kinds, Optimise, Options, Placement, Source, compile};

use crate::{
    generate::Generator,
    world::{Crashes, World},
};

pub(crate) fn blueprint(text: &str, optimise: Optimise) -> Blueprint {
    let schema = serde_json::json!({ "type": "object" });
    let work = KindInfo { name: "work".to_owned(), placement: Placement::Local, place: None, schema };
    let options = Options { optimise, kinds: &Kinds::new([work]), children: &BTreeMap::new() };
    match compile(&Source::new("random.yaml", text.to_owned()), &options) {
        Ok(compiled) => Blueprint::decode(&compiled.blueprint.encode()).expect("a round trip"),
        Err(problems) => panic!("{problems:#?}\n{text}"),
    }
}

/// How a task ends: by its path, the attempt and the seed alone.
fn script(seed: u64, path: &str, attempt: u32) -> Outcome {
    let mut hash = std::hash::DefaultHasher::new();
    hash.write_u64(seed);
    hash.write(path.as_bytes());
    hash.write_u32(attempt);
    match hash.finish() % 5 {
        0 => Outcome::Failure(StepError::new(ErrorClass::Failed, "no")),
        _ => Outcome::Success(Value::Null),
    }
}

/// The end of a run, and the state and output of every step that both forms have.
fn result(text: &str, seed: u64, optimise: Optimise, crashes: Crashes) -> String {
    let script = move |path: &str, attempt: u32| script(seed, path, attempt);
    let mut world = World::new(blueprint(text, optimise), &script, crashes);
    world.start("{}");
    world.go();
    let end = world.run.end().unwrap_or_else(|| panic!("seed {seed} does not end: {}\n{text}", world.states()));
    let states = world.states();
    let mut states: Vec<&str> = states.split(' ').collect();
    states.sort_unstable();
    format!("{} {} {:?}\n{}", end.status.name(), end.outputs, end.error, states.join(" "))
}

#[test]
fn optimised_and_plain_flows_mean_the_same() {
    for seed in 0..600 {
        let text = Generator::new(seed).flow();
        let plain = result(&text, seed, Optimise::Off, Crashes::Never);
        let optimised = result(&text, seed, Optimise::On, Crashes::Never);
        assert_eq!(plain, optimised, "seed {seed}: the optimiser changes something\n{text}");
        let crashed = result(&text, seed, Optimise::On, Crashes::Always);
        // Where the first of several decides, it may be another one after a crash; the run still ends.
        let races = ["\"join\"", "\"one_", "\"stop\"", "\"parallel_steps\""];
        if !races.iter().any(|it| text.contains(it)) {
            assert_eq!(plain, crashed, "seed {seed}: crashes change something\n{text}");
        }
    }
}
