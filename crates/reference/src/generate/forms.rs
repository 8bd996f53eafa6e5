//! What the steps do.

use serde_json::{Map, Value as Json, json};

use super::{CHILD, EPOCH, Here, INLINE, Maker, TASK};

impl Maker {
    pub(super) fn form(&mut self, step: &mut Json, here: &Here) {
        if here.plain || here.depth >= 4 || self.room < 2 {
            return self.leaf(step, here);
        }
        match self.rng.u8(0..20) {
            0..=7 => return self.leaf(step, here),
            8 | 9 => self.parallel(step, here),
            10 => {
                step["if"] = self.condition(here);
                step["then"] = self.inner(here);
                if self.rng.bool() {
                    step["else"] = self.inner(here);
                }
            }
            11 => self.switch(step, here),
            12 | 13 => self.for_each(step, here),
            14 | 15 => self.repeat(step, here),
            16 | 17 => self.rescue(step, here),
            18 => self.sub_flow(step, here),
            _ => return self.wait(step, here),
        }
        if !self.ordered && self.chance(8) {
            step["timeout"] = json!(self.duration(8_000));
        }
    }

    fn leaf(&mut self, step: &mut Json, here: &Here) {
        match self.rng.u8(0..12) {
            0..=5 => self.task(step, here),
            6 | 7 => step["set"] = json!({ "v": self.value(here), "w": self.value(here) }),
            8 => {
                step["uses"] = json!(INLINE);
                step["with"] = json!({ "v": self.value(here) });
            }
            9 if !here.plain => self.wait(step, here),
            10 if !here.plain && !self.ordered && self.chance(3) => {
                let word = if self.rng.bool() { "fail" } else { "stop" };
                step[word] = json!("because of {{ inputs.n }}");
            }
            _ => self.task(step, here),
        }
    }

    fn inner(&mut self, here: &Here) -> Json {
        json!(self.list(&Here { depth: here.depth + 1, ..here.clone() }).0)
    }

    fn task(&mut self, step: &mut Json, here: &Here) {
        step["uses"] = json!(TASK);
        step["with"] = json!({ "v": self.value(here) });
        if self.chance(3) {
            let mut retry = json!({ "attempts": self.rng.u8(1..4), "delay": self.duration(4_000), "jitter": 0 });
            if self.chance(4) {
                retry["on"] = json!(["timeout", "unavailable"]);
            }
            if self.chance(4) {
                retry["backoff"] = json!(1.5);
                retry["max_delay"] = json!("5s");
            }
            step["retry"] = retry;
        }
        if self.chance(6) {
            step["priority"] = json!(self.rng.i8(-3..4));
        }
        if !here.plain && self.chance(4) {
            let id = step["id"].as_str().unwrap_or_default().to_owned();
            let names = here.names.iter().cloned().chain([id]).collect();
            let inner = Here { plain: true, names, depth: here.depth + 1, ..here.clone() };
            step["compensate"] = json!(self.list(&inner).0);
        }
    }

    fn parallel(&mut self, step: &mut Json, here: &Here) {
        let branches = self.rng.u8(1..4);
        if self.chance(4) {
            step["parallel"] = (0..branches).map(|_| self.inner(here)).collect();
        } else {
            let lists: Map<String, Json> = (0..branches).map(|at| (format!("b{at}"), self.inner(here))).collect();
            step["parallel"] = Json::Object(lists);
        }
        match self.rng.u8(0..4) {
            0 if !self.ordered => step["join"] = json!("any"),
            1 if !self.ordered => step["join"] = json!(self.rng.u8(1..=branches)),
            _ => {}
        }
    }

    fn switch(&mut self, step: &mut Json, here: &Here) {
        let mut arms = Vec::new();
        for _ in 0..self.rng.u8(1..3) {
            arms.push(json!({ "when": self.condition(here), "do": self.inner(here) }));
        }
        if self.rng.bool() {
            arms.push(json!({ "do": [] }));
        }
        step["switch"] = json!(arms);
    }

    fn for_each(&mut self, step: &mut Json, here: &Here) {
        let (item, position) = (format!("item{}", here.depth), format!("at{}", here.depth));
        let items: Vec<u8> = (0..self.rng.u8(0..5)).collect();
        let mut each = json!({ "in": items, "as": item, "index": position });
        match self.rng.u8(0..6) {
            0 => each["in"] = json!({ "one": 1, "two": "{{ inputs.n }}" }),
            1 => each["in"] = json!("{{ range(inputs.n) | list }}"),
            2 => each["batch"] = json!(2),
            _ => {}
        }
        if self.rng.bool() {
            each["concurrency"] = if self.chance(4) { json!("{{ vars.two }}") } else { json!(self.rng.u8(1..4)) };
        }
        if self.ordered || self.rng.bool() {
            each["on_failure"] = json!("continue");
        }
        step["for_each"] = each;
        let mut inner = here.clone();
        inner.names.push(item);
        inner.names.push(position.clone());
        inner.positions.push(position);
        step["do"] = self.inner(&inner);
    }

    fn repeat(&mut self, step: &mut Json, here: &Here) {
        let inner = Here { last: true, ..here.clone() };
        let (body, ids) = self.list(&Here { depth: here.depth + 1, ..inner });
        let mut it = json!({ "max": self.rng.u8(1..4) });
        match self.rng.u8(0..5) {
            0 => it["until"] = json!("{{ 2 > 1 }}"),
            1 => it["while"] = json!("{{ last is not defined }}"),
            2 => it["until"] = json!("{{ last is defined }}"),
            3 => it["until"] = json!(format!("{{{{ {} is defined }}}}", ids[self.rng.usize(0..ids.len())])),
            _ => {
                it["while"] = json!("{{ inputs.n > 1 }}");
                it["until"] = json!("{{ inputs.n > 9 }}");
            }
        }
        if self.chance(3) {
            it["every"] = json!(self.duration(3_000));
        }
        step["loop"] = it;
        step["do"] = json!(body);
    }

    fn rescue(&mut self, step: &mut Json, here: &Here) {
        step["try"] = self.inner(here);
        let catches = self.rng.bool();
        if catches {
            step["catch"] = self.inner(&Here { error: true, ..here.clone() });
        }
        if !catches || self.rng.bool() {
            step["finally"] = self.inner(here);
        }
    }

    fn sub_flow(&mut self, step: &mut Json, here: &Here) {
        step["flow"] = json!(if self.rng.bool() { format!("{CHILD}@1") } else { CHILD.to_owned() });
        step["with"] = json!({ "v": self.value(here) });
        if self.chance(4) {
            step["detach"] = json!(true);
        }
    }

    fn wait(&mut self, step: &mut Json, here: &Here) {
        // When a signal comes does not move with the step that waits for it, so that its timeout races with it.
        let ways = if self.ordered { 4 } else { 5 };
        let mut wait = match self.rng.u8(0..ways) {
            0 => json!({ "for": self.duration(10_000) }),
            1 => {
                let instant = drawloom_blueprint::Timestamp((EPOCH * 1_000 + self.rng.i64(-5_000..30_000)) * 1_000);
                json!({ "until": instant.to_string() })
            }
            2 => json!({ "webhook": "hook" }),
            3 => json!({ "approval": "go on with {{ inputs.n }}?" }),
            _ => {
                let id = step["id"].as_str().unwrap_or_default();
                let places: String = here.positions.iter().map(|it| format!("-{{{{ {it} }}}}")).collect();
                json!({ "signal": format!("{id}{places}") })
            }
        };
        if wait.get("for").is_none() && wait.get("until").is_none() {
            wait["timeout"] = json!(self.duration(15_000));
        }
        step["wait"] = wait;
    }
}
