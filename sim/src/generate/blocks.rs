//! Steps that hold steps.

use serde_json::{Map, Value as Json, json};

use super::{Generator, Names};

impl Generator {
    fn time_limit(&mut self, step: &mut Json) {
        if self.one_in(5) {
            step["timeout"] = json!(format!("{}s", self.rng.u32(1..300)));
        }
    }

    pub(super) fn parallel(&mut self, step: &mut Json, depth: u32, known: &Names) {
        let branches = self.rng.u8(1..5);
        let mut lists: Vec<Vec<Json>> = (0..branches).map(|_| self.list(depth + 1, known)).collect();
        if self.one_in(3) {
            // A sub-flow that may not be wanted any more when it has barely begun.
            let mut step = json!({ "id": self.id(), "needs": [] });
            self.sub_flow(&mut step, known);
            lists[0].push(step);
        }
        step["parallel"] = if self.rng.bool() {
            json!(lists)
        } else {
            let named = lists.into_iter().zip(0..).map(|(list, at)| (format!("b{at}"), json!(list)));
            Json::Object(named.collect::<Map<_, _>>())
        };
        match self.rng.u8(0..3) {
            0 => step["join"] = json!("any"),
            1 => step["join"] = json!(self.rng.u8(1..=branches)),
            _ => {}
        }
        self.time_limit(step);
    }

    /// A sub-flow that is not wanted any more in the decision that starts it.
    pub(super) fn race(&mut self, step: &mut Json, known: &Names) {
        let mut slow = json!({ "id": self.id() });
        self.sub_flow(&mut slow, known);
        let quick = json!({ "id": self.id(), "set": { "v": self.value(known) } });
        step["parallel"] = json!([[slow], [quick]]);
        step["join"] = json!("any");
    }

    pub(super) fn branch(&mut self, step: &mut Json, depth: u32, known: &Names) {
        step["if"] = json!(self.condition(known));
        step["then"] = json!(self.list(depth + 1, known));
        if self.rng.bool() {
            step["else"] = json!(self.list(depth + 1, known));
        }
    }

    pub(super) fn switch(&mut self, step: &mut Json, depth: u32, known: &Names) {
        let mut arms = Vec::new();
        for _ in 0..self.rng.u8(1..3) {
            arms.push(json!({ "when": self.condition(known), "do": self.list(depth + 1, known) }));
        }
        if self.rng.bool() {
            let inside = if self.rng.bool() { Vec::new() } else { self.list(depth + 1, known) };
            arms.push(json!({ "do": inside }));
        }
        step["switch"] = json!(arms);
        self.time_limit(step);
    }

    pub(super) fn for_each(&mut self, step: &mut Json, depth: u32, known: &Names) {
        let (item, index) = (format!("item{depth}"), format!("at{depth}"));
        let items = match self.rng.u8(0..3) {
            0 => json!("{{ range(inputs.n) }}"),
            1 => json!({ "a": 1, "b": [2] }),
            _ => json!((0..self.rng.u8(0..8)).collect::<Vec<_>>()),
        };
        let mut each = json!({ "in": items, "as": item, "index": index });
        if self.rng.bool() {
            each["concurrency"] = json!(self.rng.u8(1..4));
        }
        if self.one_in(4) {
            each["batch"] = json!(self.rng.u8(1..4));
        }
        if self.rng.bool() {
            each["on_failure"] = json!("continue");
        }
        step["for_each"] = each;
        let inner = known.iter().cloned().chain([item, index]).collect();
        step["do"] = json!(self.list(depth + 1, &inner));
        self.time_limit(step);
    }

    pub(super) fn looping(&mut self, step: &mut Json, depth: u32, known: &Names) {
        let mut it = json!({ "max": self.rng.u8(1..5), "until": "{{ inputs.n > 100 }}" });
        match self.rng.u8(0..4) {
            0 => it["until"] = json!("{{ 2 > 1 }}"),
            1 => it = json!({ "max": 5, "while": "{{ last is not defined }}" }),
            2 => it = json!({ "max": 3, "while": "{{ inputs.n > 0 }}", "until": "{{ inputs.n > 4 }}" }),
            _ => {}
        }
        if self.one_in(3) {
            it["every"] = json!(format!("{}s", self.rng.u8(1..90)));
        }
        step["loop"] = it;
        step["do"] = json!(self.list(depth + 1, known));
        self.time_limit(step);
    }

    pub(super) fn rescue(&mut self, step: &mut Json, depth: u32, known: &Names) {
        step["try"] = json!(self.list(depth + 1, known));
        let catches = self.rng.bool();
        if catches {
            let inner = known.iter().cloned().chain(["error.message".to_owned()]).collect();
            step["catch"] = json!(self.list(depth + 1, &inner));
        }
        if !catches || self.rng.bool() {
            step["finally"] = json!(self.list(depth + 1, known));
        }
        self.time_limit(step);
    }
}
