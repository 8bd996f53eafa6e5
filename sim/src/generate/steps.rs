//! Lists of steps, and what all steps have in common.

use serde_json::{Value as Json, json};

use super::{Generator, Names};

/// The deepest that blocks stand in blocks.
const DEPTH_MAX: u32 = 3;

impl Generator {
    pub(super) fn list(&mut self, depth: u32, outer: &Names) -> Vec<Json> {
        let mut names = outer.clone();
        let mut own: Vec<String> = Vec::new();
        let len = self.rng.u32(1..6);
        let mut steps = Vec::new();
        for _ in 0..len {
            if self.room == 0 && !steps.is_empty() {
                break;
            }
            self.room = self.room.saturating_sub(1);
            let id = self.id();
            let mut step = json!({ "id": id });
            let mut known = names.clone();
            if self.one_in(3) {
                let needs: Vec<String> = own.iter().filter(|_| self.rng.bool()).cloned().collect();
                // Only what it needs has certainly ended.
                known = outer.iter().chain(&needs).cloned().collect();
                step["needs"] = json!(needs);
            }
            self.common(&mut step, &known);
            let group = own.len() > 1 && depth == 0 && self.one_in(12);
            if group {
                self.group(&mut step, &known);
            } else {
                self.form(&mut step, depth, &known);
            }
            if !group {
                names.push(id.clone());
                own.push(id);
            }
            steps.push(step);
        }
        steps
    }

    fn common(&mut self, step: &mut Json, known: &Names) {
        if self.one_in(5) {
            let rules = drawloom_blueprint::TriggerRule::ALL;
            step["run_if"] = json!(rules[self.rng.usize(0..rules.len())].0);
        }
        if self.one_in(6) {
            step["when"] = json!(self.condition(known));
        }
        if self.one_in(6) {
            step["on_failure"] = json!("continue");
        }
    }

    /// An expression that always has a value.
    pub(super) fn value(&mut self, known: &Names) -> String {
        let name = self.rng.choice(known).cloned();
        match (self.rng.u8(0..4), name) {
            (0, _) | (_, None) => format!("{{{{ {} + {} }}}}", self.rng.u8(0..9), self.rng.u8(0..9)),
            (1, Some(name)) => format!("v-{{{{ {name} | default(7) }}}}"),
            (_, Some(name)) => format!("{{{{ {name} | default('none') }}}}"),
        }
    }

    pub(super) fn condition(&mut self, known: &Names) -> String {
        let name = self.rng.choice(known).cloned();
        match (self.rng.u8(0..5), name) {
            (0, _) => "{{ 1 < 2 }}".to_owned(),
            (1, _) | (_, None) => "{{ run.id == 'x' }}".to_owned(),
            (2, _) => "{{ inputs.n > 2 }}".to_owned(),
            (_, Some(name)) => format!("{{{{ {name} is defined }}}}"),
        }
    }

    fn form(&mut self, step: &mut Json, depth: u32, known: &Names) {
        let forms = if depth >= DEPTH_MAX || self.room < 2 { 10 } else { 26 };
        match self.rng.u8(0..forms) {
            0..=4 => self.task(step, known),
            5 => step["set"] = json!({ "v": self.value(known) }),
            6 => self.inline(step, known),
            7 | 8 => self.wait(step),
            9 => self.ending(step, known),
            10..=12 => self.parallel(step, depth, known),
            13 => self.branch(step, depth, known),
            14 => self.switch(step, depth, known),
            15 | 16 => self.for_each(step, depth, known),
            17 => self.looping(step, depth, known),
            18 | 19 => self.rescue(step, depth, known),
            20 | 21 => self.race(step, known),
            _ => self.sub_flow(step, known),
        }
    }

    /// Ends the run now and then; mostly it would only cut short what is to be seen.
    fn ending(&mut self, step: &mut Json, known: &Names) {
        match self.rng.u8(0..6) {
            0 => step["fail"] = json!("enough"),
            1 => step["stop"] = json!("enough"),
            _ => step["set"] = json!({ "w": self.value(known), "n": "{{ inputs.n }}" }),
        }
    }

    fn inline(&mut self, step: &mut Json, known: &Names) {
        step["uses"] = json!("note");
        step["with"] = json!({ "message": self.value(known), "fail": self.one_in(8) });
    }

    /// A group says nothing of order: what is in it stands as if outside.
    fn group(&mut self, step: &mut Json, known: &Names) {
        for key in ["run_if", "when", "on_failure"] {
            if let Some(step) = step.as_object_mut() {
                step.remove(key);
            }
        }
        let inside: Vec<Json> = (0..self.rng.u8(1..3))
            .map(|_| {
                let mut inner = json!({ "id": self.id() });
                self.task(&mut inner, known);
                inner
            })
            .collect();
        step["group"] = json!(inside);
    }
}
