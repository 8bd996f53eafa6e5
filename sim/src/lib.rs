//! The deterministic simulator: the real engine and loom on simulated stores, executors and clocks.
//!
//! One seed decides everything: the flows, what people ask for, how long things take, what fails and when the
//! process dies. [`play`] runs a seed and says what broke, if anything.
//!
//! **Invariant:** the same seed goes the same way, on every machine, as often as it is played.

mod core;
mod director;
mod disk;
mod flows;
mod generate;
mod hands;
mod ledger;
mod plan;
mod stage;
mod trace;

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use director::Director;
use generate::Document;
use stage::Stage;

pub use trace::Show;

/// How a seed went.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// The hash of everything that happened.
    pub hash: u64,
    /// Moves of runs that were committed.
    pub moves: u64,
    /// What was broken, if anything.
    pub broken: Option<Broken>,
}

/// An invariant that did not hold.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Which, in a sentence.
    pub why: String,
    /// The flows that were run.
    pub flows: Vec<String>,
    /// The weather.
    pub plan: String,
    /// What happened last, a line each.
    pub last: Vec<String>,
}

/// Plays a seed to its end, or to the first thing that breaks.
///
/// # Panics
/// Where the system has no memory left for a runtime.
#[must_use]
pub fn play(seed: u64, show: Show) -> Report {
    let documents = generate::flows(seed);
    // A panic is what must never happen, so it is caught and told with all that is known.
    panic::catch_unwind(AssertUnwindSafe(|| play_flows(seed, show, &documents))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let broken =
            Broken { why: format!("a panic: {text}"), flows: shown(&documents), plan: String::new(), last: Vec::new() };
        Report { seed, hash: 0, moves: 0, broken: Some(broken) }
    })
}

fn shown(documents: &[Document]) -> Vec<String> {
    documents.iter().map(|it| format!("{:#}", it.json)).collect()
}

fn play_flows(seed: u64, show: Show, documents: &[Document]) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("invariant: a runtime without threads and I/O can always be had");
    runtime.block_on(async {
        let stage = Arc::new(Stage::new(seed, show));
        match Director::new(&stage, documents).await {
            Ok(mut director) => {
                director.play_cores(seed);
                director.play().await;
            }
            Err(why) => stage.break_off(format!("a flow does not compile: {why}")),
        }
        let trace = stage.trace();
        let broken = stage.trouble().map(|why| Broken {
            why,
            flows: shown(documents),
            plan: format!("{:?}", stage.plan),
            last: trace.last(),
        });
        Report { seed, hash: trace.hash(), moves: stage.ledger().moves, broken }
    })
}
