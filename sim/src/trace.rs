//! What happened in a simulation: hashed as it comes, the last of it kept, printed where somebody wants to see it.
//!
//! **Invariant:** two simulations with the same hash went the same way: everything that is durable, executed,
//! answered or made to fail goes into it, with its time.

use std::{collections::VecDeque, fmt::Display};

use drawloom_blueprint::RunId;
use drawloom_runtime::Recorded;
use tokio::time::Instant;

/// So many of the last events are kept.
const KEPT: usize = 80;

enum Event {
    Text(String),
    Fact(RunId, Recorded),
}

/// Whether events are printed as they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// Only the last ones, where something breaks.
    #[default]
    Last,
    /// Each.
    All,
}

/// The trace.
pub(crate) struct Trace {
    began: Instant,
    hash: u64,
    last: VecDeque<(u128, Event)>,
    show: Show,
}

impl Trace {
    pub(crate) fn new(show: Show) -> Self {
        Self { began: Instant::now(), hash: 0xcbf2_9ce4_8422_2325, last: VecDeque::new(), show }
    }

    fn feed(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.hash = (self.hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    fn keep(&mut self, event: Event) {
        let at = self.began.elapsed().as_micros();
        self.feed(&at.to_le_bytes());
        if self.show == Show::All {
            print(at, &event);
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back((at, event));
    }

    pub(crate) fn say(&mut self, text: String) {
        self.feed(text.as_bytes());
        self.keep(Event::Text(text));
    }

    pub(crate) fn fact(&mut self, run: RunId, fact: &Recorded) {
        self.feed(&run.0.to_le_bytes());
        self.feed(&fact.fact.encode());
        self.keep(Event::Fact(run, fact.clone()));
    }

    /// The hash of all so far.
    #[must_use]
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The last events, a line each.
    #[must_use]
    pub(crate) fn last(&self) -> Vec<String> {
        self.last.iter().map(|(at, event)| line(*at, event)).collect()
    }
}

fn line(at: u128, event: &Event) -> String {
    let text: &dyn Display = match event {
        Event::Text(it) => it,
        Event::Fact(run, it) => &format!("fact {run} {} {} {:?}", it.seq, it.at, it.fact.moves),
    };
    format!("{:>14.3} ms  {text}", at as f64 / 1e3)
}

#[expect(clippy::print_stdout, reason = "this is what was asked for")]
fn print(at: u128, event: &Event) {
    println!("{}", line(at, event));
}
