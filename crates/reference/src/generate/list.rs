//! Lists of steps: their order, rules and what may be named where.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{Here, Maker};

/// A step of a list that was made.
struct Made {
    id: String,
    /// The steps that have certainly ended when this one has, itself included.
    ended: BTreeSet<String>,
}

/// Rules that decide when all needs have ended.
const PATIENT: [&str; 8] = [
    "all_success",
    "all_failed",
    "all_done",
    "all_skipped",
    "none_failed",
    "none_skipped",
    "none_failed_min_one_success",
    "all_done_min_one_success",
];

/// Rules that may decide before that.
const HASTY: [&str; 4] = ["one_success", "one_failed", "one_done", "always"];

impl Maker {
    /// A list, and the ids of the steps in it that have an output.
    pub(super) fn list(&mut self, here: &Here) -> (Vec<Json>, Vec<String>) {
        let mut made = Vec::new();
        let len = self.rng.u32(1..5);
        let steps = self.steps(len, here, &mut made, None);
        (steps, made.into_iter().map(|it| it.id).collect())
    }

    /// So many steps after those made so far; where they are of a group, from which of them on.
    fn steps(&mut self, len: u32, here: &Here, made: &mut Vec<Made>, group: Option<(usize, &Made)>) -> Vec<Json> {
        let mut steps = Vec::new();
        for _ in 0..len {
            if self.room == 0 && !steps.is_empty() {
                break;
            }
            self.room = self.room.saturating_sub(1);
            if group.is_none() && self.room > 2 && self.chance(12) {
                steps.push(self.group(here, made));
                continue;
            }
            let id = self.id();
            let mut step = json!({ "id": id });
            let before = self.order(&mut step, made, group);
            let known = Here { names: here.names.iter().cloned().chain(before.clone()).collect(), ..here.clone() };
            if self.chance(5) {
                step["when"] = self.condition(&known);
            }
            if self.chance(6) {
                step["on_failure"] = json!("continue");
            }
            self.form(&mut step, &known);
            made.push(Made { id: id.clone(), ended: before.into_iter().chain([id]).collect() });
            steps.push(step);
        }
        steps
    }

    /// Says what a step waits for; gives the steps of the list that have certainly ended when it begins.
    fn order(&mut self, step: &mut Json, made: &[Made], group: Option<(usize, &Made)>) -> BTreeSet<String> {
        let first = group.map_or(0, |(first, _)| first);
        let by_group = group.map(|(_, it)| it.ended.clone()).unwrap_or_default();
        let explicit = made.len() > first && self.chance(3);
        let mut needs: Vec<&Made> = Vec::new();
        if explicit {
            needs = made[first..].iter().filter(|_| self.rng.bool()).collect();
            step["needs"] = json!(needs.iter().map(|it| &it.id).collect::<Vec<_>>());
        } else if group.is_none_or(|(first, it)| made.len() > first || it.ended.is_empty()) {
            needs.extend(made.last());
        }
        let mut ended: BTreeSet<String> = needs.iter().flat_map(|it| it.ended.iter().cloned()).collect();
        if needs.is_empty() {
            ended.extend(by_group);
        }
        let hasty = self.chance(16);
        if hasty && group.is_none() {
            let rule = HASTY[self.rng.usize(0..HASTY.len())];
            step["run_if"] = json!(rule);
            if rule == "always" || needs.len() > 1 {
                ended.clear();
            }
        } else if self.chance(5) {
            step["run_if"] = json!(PATIENT[self.rng.usize(0..PATIENT.len())]);
        }
        ended
    }

    /// A group: its steps count as steps of the list.
    fn group(&mut self, here: &Here, made: &mut Vec<Made>) -> Json {
        let id = self.id();
        let mut group = json!({ "id": id });
        let mut ended = BTreeSet::new();
        if !made.is_empty() && self.rng.bool() {
            let need = self.rng.usize(0..made.len());
            group["needs"] = json!([made[need].id]);
            ended = made[need].ended.clone();
        }
        if self.chance(4) {
            group["when"] = self.condition(here);
        }
        if self.chance(4) {
            group["on_failure"] = json!("continue");
        }
        let first = made.len();
        let len = self.rng.u32(1..4);
        let own = Made { id, ended };
        group["group"] = json!(self.steps(len, here, made, Some((first, &own))));
        group
    }
}
