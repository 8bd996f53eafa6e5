//! Random flows that cover every step form, from a seed. The same seed and size always give the same document.
//!
//! **Invariant:** every flow compiles (warnings aside), and its end depends on nothing but its document and how
//! its tasks, signals, answers and sub-flows end and when: names are used only where what they name has certainly
//! ended, retries have no jitter, and steps that may be under way twice at once wait for signals of their own.
//!
//! The flows use two kinds, [`TASK`] (handed out; any parameters) and [`INLINE`] (done by the engine; any
//! parameters), the input `n`, an integer with a default, and the published flow [`CHILD`].

mod forms;
mod list;

use fastrand::Rng;
use serde_json::{Value as Json, json};

/// The kind of the task steps.
pub const TASK: &str = "work";

/// The kind of the steps that the engine does itself.
pub const INLINE: &str = "note";

/// The flow that sub-flow steps start.
pub const CHILD: &str = "child";

/// The instant, in seconds since 1970, around which `wait: { until }` lies. Runs should start then.
pub const EPOCH: i64 = 1_700_000_000;

/// A flow of at most about `size` steps, as a document in JSON.
///
/// About one in four is *ordered*: it says `limits.parallel_steps`, and nothing in it depends on what comes first.
#[must_use]
pub fn flow(seed: u64, size: usize) -> String {
    let mut rng = Rng::with_seed(seed);
    let ordered = rng.u8(0..4) == 0;
    let mut maker = Maker { rng, ids: 0, room: size.max(1), ordered };
    maker.flow().to_string()
}

/// A flow in the making.
struct Maker {
    rng: Rng,
    ids: u32,
    /// How many more steps may be made.
    room: usize,
    /// Whether nothing may depend on what comes first.
    ordered: bool,
}

/// What is known at a place.
#[derive(Clone, Default)]
struct Here {
    depth: u32,
    /// Steps that have certainly ended, and variables.
    names: Vec<String>,
    /// The positions in the maps around it.
    positions: Vec<String>,
    /// Whether it is done under way twice at once, or again: a compensation.
    plain: bool,
    /// Whether `error` is known.
    error: bool,
    /// Whether `last` may be known.
    last: bool,
}

impl Maker {
    fn flow(&mut self) -> Json {
        let (steps, ids) = self.list(&Here::default());
        let outputs: serde_json::Map<String, Json> = ids
            .iter()
            .filter(|_| self.rng.u8(0..4) > 0)
            .map(|id| (id.clone(), json!(format!("{{{{ {id} | default('none') }}}}"))))
            .collect();
        let mut flow = json!({
            "drawloom": 1,
            "name": "random",
            "inputs": { "n": { "type": "integer", "default": 3 } },
            "vars": { "two": 2, "words": ["a", "b"] },
            "steps": steps,
            "outputs": outputs,
        });
        if self.ordered {
            flow["limits"]["parallel_steps"] = json!(self.rng.u8(1..4));
        } else {
            if self.chance(6) {
                flow["limits"]["on_failure"] = json!("stop");
            }
            if self.chance(10) {
                flow["limits"]["timeout"] = json!(self.duration(20_000));
            }
        }
        if self.chance(5) {
            flow["defaults"] = json!({ "retry": { "attempts": 2, "delay": self.duration(3_000), "jitter": 0 } });
        }
        flow
    }

    /// One time out of `n`.
    fn chance(&mut self, n: u8) -> bool {
        self.rng.u8(0..n) == 0
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("s{}", self.ids)
    }

    /// A duration below so many milliseconds, so odd that two of them hardly ever end together.
    fn duration(&mut self, below: u32) -> String {
        format!("{}ms", self.rng.u32(1..below))
    }

    /// Something that nearly always has a value.
    fn value(&mut self, here: &Here) -> Json {
        let name = self.rng.choice(&here.names).cloned();
        match (self.rng.u8(0..14), name) {
            (0, _) => json!(self.rng.i32(-5..100)),
            (1, _) => json!("{{ inputs.n + vars.two }}"),
            (2, _) => json!(["{{ inputs.n }}", "x {{ vars.words | join('-') }}", null]),
            (3, _) if here.last => json!("{{ last | default('first') }}"),
            (4, _) if here.error && !self.ordered => json!("{{ error.class }} in {{ error.step }}"),
            (5, _) if self.rng.u8(0..4) == 0 => json!("{{ 1 // (inputs.n - inputs.n) }}"),
            (6, Some(name)) => json!(format!("v-{{{{ {name} | default(7) }}}}")),
            (7, Some(name)) => json!({ "of": format!("{{{{ {name} | default(none) }}}}"), "n": 1 }),
            (8, Some(name)) => json!(format!("{{{{ 'there' if {name} is defined else 'gone' }}}}")),
            (_, Some(name)) => json!(format!("{{{{ {name} | default('none') }}}}")),
            (_, None) => json!(format!("{{{{ {} * inputs.n }}}}", self.rng.u8(0..9))),
        }
    }

    fn condition(&mut self, here: &Here) -> Json {
        let name = self.rng.choice(&here.names).cloned();
        match (self.rng.u8(0..8), name) {
            (0, _) => json!(self.rng.bool()),
            (1, _) => json!("{{ 1 < 2 }}"),
            (2, _) => json!("{{ inputs.n > 5 }}"),
            (3, _) if here.last => json!("{{ last is defined }}"),
            (4, Some(name)) => json!(format!("{{{{ not ({name} is defined) }}}}")),
            (_, Some(name)) => json!(format!("{{{{ {name} is defined }}}}")),
            (_, None) => json!("{{ inputs.n == 3 }}"),
        }
    }
}
