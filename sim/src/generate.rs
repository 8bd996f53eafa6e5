//! Random flows that cover every form of the language, from a seed.
//!
//! **Invariant:** the same seed gives the same documents, and the compiler accepts each of them: names are used
//! only where they are certain to have ended, and every expression has a value.

mod blocks;
mod limits;
mod steps;
mod tasks;
mod waits;

use fastrand::Rng;
use serde_json::{Map, Value as Json, json};

/// The names of the signals that flows wait for and that are sent.
pub(crate) const SIGNALS: [&str; 3] = ["go", "data", "done"];

/// The values of the input by which slots are told apart.
pub(crate) const KEYS: [&str; 2] = ["x", "y"];

/// A flow as a document.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The flow's name.
    pub(crate) name: String,
    /// The document.
    pub(crate) json: Json,
}

/// Flows, those that others use first.
#[must_use]
pub(crate) fn flows(seed: u64) -> Vec<Document> {
    let mut rng = Rng::with_seed(seed);
    let count = rng.usize(1..5);
    let mut made: Vec<Document> = Vec::with_capacity(count);
    for at in 0..count {
        let names = made.iter().map(|it| it.name.clone()).collect();
        let room = rng.u32(1..26);
        let generator = Generator { rng: Rng::with_seed(rng.u64(..)), ids: 0, room, flows: names, shielded: false };
        let name = format!("flow{at}");
        made.push(Document { json: generator.flow(&name), name });
    }
    made
}

/// Makes one flow.
struct Generator {
    rng: Rng,
    ids: u32,
    /// How many more steps may be made.
    room: u32,
    /// The flows that may be used as sub-flows.
    flows: Vec<String>,
    /// Whether what is made now undoes something, and so is not undone itself.
    shielded: bool,
}

/// What can be named at a place: steps that have certainly ended, and variables.
type Names = Vec<String>;

impl Generator {
    fn flow(mut self, name: &str) -> Json {
        let steps = self.list(0, &vec!["inputs.n".to_owned()]);
        let ids = steps.iter().filter(|it| it.get("group").is_none()).filter_map(|it| it["id"].as_str());
        let outputs: Map<String, Json> =
            ids.map(|id| (id.to_owned(), json!(format!("{{{{ {id} | default('none') }}}}")))).collect();
        let mut flow = json!({
            "drawloom": 1,
            "name": name,
            "inputs": {
                "k": { "type": "string", "default": KEYS[0] },
                "n": { "type": "integer", "default": 3 },
            },
            "labels": { "key": "{{ inputs.k }}" },
            "steps": steps,
            "outputs": outputs,
        });
        self.limits(&mut flow);
        flow
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("s{}", self.ids)
    }

    /// One in `n`.
    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.rng.usize(0..of.len())]
    }
}
