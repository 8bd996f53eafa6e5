//! Steps that wait.

use serde_json::{Value as Json, json};

use super::{Generator, SIGNALS};

impl Generator {
    pub(super) fn wait(&mut self, step: &mut Json) {
        let mut wait = match self.rng.u8(0..9) {
            0..=2 => json!({ "for": format!("{}s", self.rng.u32(1..120)) }),
            3 => json!({ "for": format!("{}m", self.rng.u32(30..150)) }),
            4 => json!({ "until": "2001-01-01T00:00:00Z" }),
            5 => json!({ "webhook": true }),
            6 => json!({ "approval": "may it go on?" }),
            _ => json!({ "signal": self.pick(&SIGNALS) }),
        };
        let is_timer = wait.get("for").is_some() || wait.get("until").is_some();
        if !is_timer && self.one_in(3) {
            wait["timeout"] = json!(format!("{}s", self.rng.u32(1..900)));
        }
        step["wait"] = wait;
    }
}
