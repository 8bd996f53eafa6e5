//! Task steps with their policies, and sub-flows.

use serde_json::{Value as Json, json};

use super::{Generator, KEYS, Names};

impl Generator {
    pub(super) fn task(&mut self, step: &mut Json, known: &Names) {
        step["uses"] = json!("work");
        step["with"] = json!({ "v": self.value(known) });
        if self.one_in(2) {
            step["retry"] = self.retry();
        }
        if self.one_in(4) {
            step["timeout"] = json!(format!("{}s", self.rng.u32(1..40)));
        }
        if self.one_in(12) {
            step["cache"] = json!({ "ttl": "1h" });
        }
        if self.one_in(8) {
            step["priority"] = json!(self.rng.i32(-3..4));
        }
        if !self.shielded && self.one_in(4) {
            self.shielded = true;
            let mut undo = Vec::new();
            for _ in 0..self.rng.u8(1..3) {
                let mut inner = json!({ "id": self.id() });
                self.task(&mut inner, &Names::new());
                undo.push(inner);
            }
            step["compensate"] = json!(undo);
            self.shielded = false;
        }
    }

    fn retry(&mut self) -> Json {
        let mut retry = json!({ "attempts": self.rng.u8(1..5), "delay": format!("{}ms", self.rng.u32(1..20_000)) });
        if self.one_in(3) {
            retry["backoff"] = json!(self.rng.u8(1..4));
            retry["max_delay"] = json!("1m");
        }
        if self.one_in(3) {
            retry["jitter"] = json!(0.5);
        }
        if self.one_in(4) {
            let class = self.pick(&["failed", "timeout", "unavailable", "lost"]);
            retry["on"] = json!([class, "failed"]);
            if class == "failed" {
                retry["on"] = json!(["failed"]);
            }
        }
        retry
    }

    pub(super) fn sub_flow(&mut self, step: &mut Json, known: &Names) {
        let Some(name) = self.rng.choice(&self.flows).cloned() else { return self.task(step, known) };
        step["flow"] = json!(name);
        let key = self.pick(&KEYS);
        step["with"] = json!({ "k": key, "n": self.rng.u8(0..6) });
        if self.one_in(4) {
            step["detach"] = json!(true);
        } else if self.one_in(4) {
            step["timeout"] = json!(format!("{}s", self.rng.u32(1..200)));
        }
    }
}
