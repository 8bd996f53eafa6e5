//! Random flows that cover every form, from a seed. The same seed always gives the same flow.

use fastrand::Rng;
use serde_json::{Value as Json, json};

/// Makes flows.
pub(crate) struct Generator {
    rng: Rng,
    ids: u32,
    /// How many more steps may be made.
    room: u32,
}

/// What can be named at a place: ids of steps that have certainly ended, and variables.
type Names = Vec<String>;

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), ids: 0, room: 25 }
    }

    /// A whole flow, as a document.
    pub(crate) fn flow(mut self) -> String {
        let steps = self.list(0, &Vec::new());
        let ids: Vec<String> = steps.iter().filter_map(|it| it["id"].as_str().map(str::to_owned)).collect();
        let outputs: serde_json::Map<String, Json> =
            ids.iter().map(|id| (id.clone(), json!(format!("{{{{ {id} | default('none') }}}}")))).collect();
        let mut flow = json!({ "drawloom": 1, "name": "random", "steps": steps, "outputs": outputs });
        if self.rng.u8(0..4) == 0 {
            flow["limits"] = json!({ "parallel_steps": self.rng.u8(1..4) });
        }
        if self.rng.u8(0..6) == 0 {
            flow["limits"]["on_failure"] = json!("stop");
        }
        flow.to_string()
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("s{}", self.ids)
    }

    fn list(&mut self, depth: u32, outer: &Names) -> Vec<Json> {
        let mut names = outer.clone();
        let mut own: Vec<String> = Vec::new();
        let len = self.rng.u32(1..5);
        let mut steps = Vec::new();
        for _ in 0..len {
            if self.room == 0 && !steps.is_empty() {
                break;
            }
            self.room = self.room.saturating_sub(1);
            let id = self.id();
            let mut step = json!({ "id": id });
            let mut known = names.clone();
            if !own.is_empty() && self.rng.u8(0..3) == 0 {
                let needs: Vec<String> = own.iter().filter(|_| self.rng.bool()).cloned().collect();
                // Only what it needs has certainly ended.
                known = outer.iter().cloned().chain(needs.iter().cloned()).collect();
                step["needs"] = json!(needs);
            }
            self.common(&mut step, &known);
            self.form(&mut step, depth, &known);
            names.push(id.clone());
            own.push(id);
            steps.push(step);
        }
        steps
    }

    fn common(&mut self, step: &mut Json, known: &Names) {
        const RULES: [&str; 10] = [
            "all_success",
            "all_failed",
            "all_done",
            "all_skipped",
            "one_success",
            "one_failed",
            "one_done",
            "none_failed",
            "none_skipped",
            "none_failed_min_one_success",
        ];
        if self.rng.u8(0..5) == 0 {
            step["run_if"] = json!(self.rng.choice(RULES));
        }
        if self.rng.u8(0..5) == 0 {
            step["when"] = json!(self.condition(known));
        }
        if self.rng.u8(0..6) == 0 {
            step["on_failure"] = json!("continue");
        }
    }

    /// An expression that always has a value.
    fn value(&mut self, known: &Names) -> String {
        match (self.rng.u8(0..4), self.rng.choice(known).cloned()) {
            (0, _) | (_, None) => format!("{{{{ {} + {} }}}}", self.rng.u8(0..9), self.rng.u8(0..9)),
            (1, Some(name)) => format!("v-{{{{ {name} | default(7) }}}}"),
            (_, Some(name)) => format!("{{{{ {name} | default('none') }}}}"),
        }
    }

    fn condition(&mut self, known: &Names) -> String {
        match (self.rng.u8(0..4), self.rng.choice(known).cloned()) {
            (0, _) => "{{ 1 < 2 }}".to_owned(),
            (1, _) | (_, None) => "{{ run.id == 'x' }}".to_owned(),
            (_, Some(name)) => format!("{{{{ {name} is defined }}}}"),
        }
    }

    fn form(&mut self, step: &mut Json, depth: u32, known: &Names) {
        let forms = if depth >= 3 || self.room < 2 { 5 } else { 13 };
        match self.rng.u8(0..forms) {
            0 | 1 => self.task(step, known),
            2 | 3 => step["set"] = json!({ "v": self.value(known) }),
            4 => step["wait"] = json!({ "for": format!("{}s", self.rng.u8(1..50)) }),
            5 | 6 => self.parallel(step, depth, known),
            7 => {
                step["if"] = json!(self.condition(known));
                step["then"] = json!(self.list(depth + 1, known));
                if self.rng.bool() {
                    step["else"] = json!(self.list(depth + 1, known));
                }
            }
            8 | 9 => self.for_each(step, depth, known),
            10 => self.looping(step, depth, known),
            11 => self.rescue(step, depth, known),
            _ => {
                let inner = self.list(depth + 1, known);
                step["switch"] = json!([{ "when": self.condition(known), "do": inner }, { "do": [] }]);
            }
        }
    }

    fn task(&mut self, step: &mut Json, known: &Names) {
        step["uses"] = json!("work");
        step["with"] = json!({ "v": self.value(known) });
        if self.rng.u8(0..3) == 0 {
            step["retry"] = json!({ "attempts": self.rng.u8(1..4), "delay": "1s" });
        }
        if self.rng.u8(0..4) == 0 {
            let id = self.id();
            step["compensate"] = json!([{ "id": id, "uses": "work", "with": { "v": 1 } }]);
        }
    }

    fn parallel(&mut self, step: &mut Json, depth: u32, known: &Names) {
        let branches = self.rng.u8(1..4);
        let lists: serde_json::Map<String, Json> =
            (0..branches).map(|at| (format!("b{at}"), json!(self.list(depth + 1, known)))).collect();
        step["parallel"] = Json::Object(lists);
        match self.rng.u8(0..4) {
            0 => step["join"] = json!("any"),
            1 => step["join"] = json!(self.rng.u8(1..=branches)),
            _ => {}
        }
    }

    fn for_each(&mut self, step: &mut Json, depth: u32, known: &Names) {
        let item = format!("item{depth}");
        let items: Vec<u8> = (0..self.rng.u8(0..4)).collect();
        let mut each = json!({ "in": items, "as": item });
        if self.rng.bool() {
            each["concurrency"] = json!(self.rng.u8(1..3));
        }
        if self.rng.bool() {
            each["on_failure"] = json!("continue");
        }
        step["for_each"] = each;
        let inner = known.iter().cloned().chain([item]).collect();
        step["do"] = json!(self.list(depth + 1, &inner));
    }

    fn looping(&mut self, step: &mut Json, depth: u32, known: &Names) {
        let mut it = json!({ "max": self.rng.u8(1..4), "until": "{{ 1 > 2 }}" });
        match self.rng.u8(0..3) {
            0 => it["until"] = json!("{{ 2 > 1 }}"),
            1 => it = json!({ "max": 5, "while": "{{ last is not defined }}" }),
            _ => {}
        }
        if self.rng.u8(0..3) == 0 {
            it["every"] = json!("2s");
        }
        step["loop"] = it;
        step["do"] = json!(self.list(depth + 1, known));
    }

    fn rescue(&mut self, step: &mut Json, depth: u32, known: &Names) {
        step["try"] = json!(self.list(depth + 1, known));
        let catches = self.rng.bool();
        if catches {
            step["catch"] = json!(self.list(depth + 1, known));
        }
        if !catches || self.rng.bool() {
            step["finally"] = json!(self.list(depth + 1, known));
        }
    }
}
