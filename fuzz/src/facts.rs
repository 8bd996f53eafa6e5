//! Facts: bytes of a journal, applied to a run of a flow that has every form.

use std::sync::{Arc, LazyLock};

use drawloom_blueprint::{Blueprint, Fact, Timestamp};
use drawloom_engine::{History, Run};
use drawloom_lang::{Optimise, Source, compile};

use crate::{kinds::options, world};

const FLOW: &str = include_str!("forms.yaml");

static BLUEPRINT: LazyLock<Arc<Blueprint>> = LazyLock::new(|| {
    let compiled = compile(&Source::new("forms.yaml", FLOW), &options(Optimise::On)).expect("a flow that compiles");
    Arc::new(compiled.blueprint)
});

/// Reads records of two bytes of length and a fact, applies them, and lets the run that came of it go on.
pub fn facts(bytes: &[u8]) {
    let inline = |_: &str, with: &drawloom_blueprint::Value| Ok(with.clone());
    let mut run = Run::new(Arc::clone(&BLUEPRINT), inline);
    let mut history = History::new(Arc::clone(&BLUEPRINT), inline);
    let mut rest = bytes;
    let mut at = Timestamp(1_700_000_000_000_000);
    while let Some((head, tail)) = rest.split_at_checked(2) {
        let len = usize::from(u16::from_le_bytes([head[0], head[1]])).min(tail.len());
        let (record, next) = tail.split_at(len);
        rest = next;
        at.0 += 1_000;
        let Ok(fact) = Fact::decode(record) else { return };
        let again = Fact::decode(&fact.encode()).expect("an encoding that reads back");
        assert_eq!(again, fact);
        let applied = run.apply(at, &fact);
        assert_eq!(applied, history.apply(at, &fact), "a history applies what a run applies");
        if applied.is_err() {
            return;
        }
    }
    let _ = history.steps();
    let ids: Vec<String> = BLUEPRINT.steps.iter().map(|it| it.id.clone()).collect();
    for id in ids {
        let _ = run.why(&id);
    }
    world::shake(run);
}
