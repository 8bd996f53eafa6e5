//! What a flow says of its runs as a whole.

use serde_json::{Value as Json, json};

use super::Generator;

impl Generator {
    pub(super) fn limits(&mut self, flow: &mut Json) {
        let mut limits = json!({});
        if self.one_in(3) {
            limits["parallel_steps"] = json!(self.rng.u8(1..4));
        }
        if self.one_in(6) {
            limits["on_failure"] = json!("stop");
        }
        if self.one_in(6) {
            limits["timeout"] = json!(format!("{}s", self.rng.u32(5..600)));
        }
        if self.one_in(3) {
            let full = self.pick(&["queue", "queue", "skip", "reject", "cancel_running"]);
            let mut concurrency = json!({ "max": self.rng.u8(1..4), "when_full": full });
            if self.rng.bool() {
                concurrency["key"] = json!("{{ inputs.k }}");
            }
            limits["concurrency"] = concurrency;
        }
        flow["limits"] = limits;
        if self.one_in(4) {
            flow["defaults"] = json!({ "retry": { "attempts": 2, "delay": "200ms" }, "timeout": "90s" });
        }
    }
}
