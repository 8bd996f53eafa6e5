//! A run on a page: its steps as a tree, each with its time and when it was.

use console::style;
use drawloom_blueprint::Timestamp;
use drawloom_engine::StepView;
use drawloom_runtime::RunView;

use crate::{live, output};

/// So many columns the bars take.
const BAR: usize = 32;
/// So many letters of an error stand beside its step.
const WHY: usize = 80;

/// Prints the run.
pub(super) fn print(view: &RunView) {
    let now = view.ended_at.unwrap_or_else(drawloom_runtime::now);
    let version = view.number.map_or_else(|| view.hash.chars().take(12).collect(), |it| it.to_string());
    let took = live::duration(now.since(view.started_at));
    output::line(&format!(
        "{} {} {} {}",
        live::sign(view.status.name()),
        style(&view.flow).bold(),
        view.status.name(),
        style(format!("{took} · version {version} · run {} · {}", view.run, view.started_at)).dim()
    ));
    for (name, value) in &view.labels {
        output::line(&format!("  {name}={}", output::clean(value)));
    }
    let rows: Vec<Vec<String>> = tree(&view.steps).iter().map(|it| row(view, it, now)).collect();
    if !rows.is_empty() {
        output::line(&output::table(&["  STEP", "DOES", "TOOK", "WHEN", ""], &rows));
    }
    for (id, states) in &view.counted {
        let states: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        output::line(&format!("  {id}, in further items: {}", states.join(", ")));
    }
    if let Some(error) = &view.error {
        output::line(&format!("{} {}", style("error").red().bold(), output::clean(&error.to_string())));
    }
    if view.outputs.as_object().is_some_and(|it| !it.is_empty()) {
        output::line(&serde_json::to_string_pretty(&view.outputs).unwrap_or_default());
    }
}

fn row(view: &RunView, place: &Placed, now: Timestamp) -> Vec<String> {
    let step = place.step;
    let (took, bar) = match step.started_at {
        Some(began) => {
            let ended = step.ended_at.unwrap_or(now);
            (live::duration(ended.since(began)), bar(view, began, ended, now))
        }
        None => (String::new(), String::new()),
    };
    let tries = if step.attempts > 1 { format!("×{} ", step.attempts) } else { String::new() };
    let why = step.error.as_ref().and_then(|it| it.message.lines().next()).unwrap_or_default();
    let why: String = output::clean(why).chars().take(WHY).collect();
    let name = format!("{}{} {}", "  ".repeat(place.depth), live::sign(step.status), place.name);
    vec![name, step.does.clone(), took, format!("{bar:<BAR$}"), format!("{tries}{why}").trim().to_owned()]
}

/// Where in the run's time something was, at least one column wide.
fn bar(view: &RunView, began: Timestamp, ended: Timestamp, now: Timestamp) -> String {
    let whole = now.since(view.started_at).as_micros().max(1);
    let column = |at: Timestamp| {
        let part = at.since(view.started_at).as_micros() * BAR as u128 / whole;
        usize::try_from(part).unwrap_or(BAR)
    };
    let from = column(began).min(BAR - 1);
    let to = column(ended).clamp(from + 1, BAR);
    format!("{}{}", " ".repeat(from), "━".repeat(to - from))
}

/// A step in the tree of steps.
struct Placed<'a> {
    step: &'a StepView,
    /// How many steps are around it.
    depth: usize,
    /// Its path from the step around it on.
    name: &'a str,
}

/// The steps, each followed by those inside it.
fn tree(steps: &[StepView]) -> Vec<Placed<'_>> {
    let known: std::collections::HashMap<&str, usize> =
        steps.iter().enumerate().map(|(at, it)| (it.path.as_str(), at)).collect();
    let mut placed: Vec<(Vec<usize>, Placed)> = Vec::with_capacity(steps.len());
    for (at, step) in steps.iter().enumerate() {
        let ends = step.path.char_indices().filter(|(_, it)| matches!(it, '.' | '[')).map(|(end, _)| end);
        let around: Vec<(usize, usize)> =
            ends.filter_map(|end| known.get(&step.path[..end]).map(|outer| (end, *outer))).collect();
        let name = around.last().map_or(step.path.as_str(), |(end, _)| step.path[*end..].trim_start_matches('.'));
        let key = around.iter().map(|(_, outer)| *outer).chain([at]).collect();
        placed.push((key, Placed { step, depth: around.len(), name }));
    }
    placed.sort_by(|(a, _), (b, _)| a.cmp(b));
    placed.into_iter().map(|(_, it)| it).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stand_below_the_step_around_them() {
        let step = |path: &str| StepView {
            id: String::new(),
            path: path.to_owned(),
            does: String::new(),
            status: "succeeded",
            attempts: 0,
            started_at: None,
            ended_at: None,
            error: None,
            output: None,
        };
        let steps = ["a", "b", "a.left.x", "a.left.x[0].y", "a.left.x[1].y", "b.then.z"].map(step);
        let tree: Vec<(usize, &str)> = tree(&steps).iter().map(|it| (it.depth, it.name)).collect();
        assert_eq!(tree, [(0, "a"), (1, "left.x"), (2, "[0].y"), (2, "[1].y"), (0, "b"), (1, "then.z")]);
    }
}
