//! How runs ended, for people and for machines.
//!
//! **Invariant:** a command that is asked about one run prints one object, any other a list of such objects.

use drawloom_blueprint::{RunId, RunStatus};
use drawloom_runtime::{Reader, RunView};
use serde_json::{Value as Json, json};

use crate::{
    failure::{FAILED, Failure},
    live, output,
    settings::Settings,
};

/// Of so many interrupted runs it is told one by one how to go on.
const TOLD_MAX: u32 = 10;

/// The runs whose ends are told.
pub(super) enum Report<'a> {
    /// The one that was asked for: with `--json`, an object.
    One(RunId),
    /// Those that were found: with `--json`, a list of objects.
    Many(&'a [RunId]),
}

impl Report<'_> {
    /// Says how they stand, and which exit code that asks for.
    pub(super) async fn say(&self, reader: &Reader, settings: &Settings) -> Result<u8, Failure> {
        self.say_with(None, (reader, settings)).await
    }

    /// Says how they stand where something else failed beside them, which stands at the end.
    pub(super) async fn say_with(
        &self,
        mut failure: Option<Failure>,
        (reader, settings): (&Reader, &Settings),
    ) -> Result<u8, Failure> {
        if let Some(failure) = failure.take_if(|_| matches!(self, Self::One(_))) {
            return Err(failure);
        }
        let (runs, mut list) = match self {
            Self::One(run) => (std::slice::from_ref(run), None),
            Self::Many(runs) => (*runs, settings.json.then(|| output::List::begin(&json!({}), "runs"))),
        };
        let (mut code, mut unended) = (0, 0);
        for run in runs {
            let view = match reader.view(*run).await {
                Ok(it) => it,
                // One that cannot be read does not keep the others from being told.
                Err(error) => {
                    failure.get_or_insert(Failure::from(error));
                    continue;
                }
            };
            if view.status != RunStatus::Succeeded {
                code = FAILED;
            }
            if !view.status.is_end() && settings.store != "memory:" {
                unended += 1;
                if unended <= TOLD_MAX {
                    output::note(&format!("interrupted; `drawloom resume {}` goes on where it was", view.run));
                }
            }
            match &mut list {
                Some(list) => list.item(&to_json(&view)),
                None if settings.json => output::json(&to_json(&view)),
                None if view.status.is_end() => say_ended(&view, settings),
                None => {}
            }
        }
        if unended > TOLD_MAX {
            let more = unended - TOLD_MAX;
            output::note(&format!("interrupted: {more} more; `drawloom resume` goes on with all of them"));
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        if let Some(list) = list {
            list.end();
        }
        Ok(code)
    }
}

/// The end of a run for people: one line, then its outputs on standard output.
fn say_ended(view: &RunView, settings: &Settings) {
    let took = view.ended_at.map_or_else(Default::default, |it| it.since(view.started_at));
    let count = view.steps.len();
    if !settings.quiet || view.status != RunStatus::Succeeded {
        let dot = output::letter("·", "-");
        let rest = format!(" {dot} {count} step{} {dot} run {}", if count == 1 { "" } else { "s" }, view.run);
        let line = live::run_line(&view.flow, view.status, took, &rest);
        // Where it does not fit into the line, the run's id stands on the next one: it is there to be copied.
        if output::can_draw() && console::measure_text_width(&line) > output::columns() {
            output::note(&live::run_line(&view.flow, view.status, took, ""));
            output::note(&format!(" {rest}"));
        } else {
            output::note(&line);
        }
    }
    if let Some(error) = &view.error {
        let at = error.step.as_ref().map(|it| format!(" in `{it}`")).unwrap_or_default();
        output::note(&format!("  {}{at}: {}", error.class, output::clean(&error.message)));
        if view.status != RunStatus::Succeeded && settings.store != "memory:" {
            output::note(&format!("  look closer: drawloom runs show {0}, drawloom runs logs {0}", view.run));
        }
    }
    if view.outputs.as_object().is_some_and(|it| !it.is_empty()) {
        output::raw(format!("{}\n", pretty(&view.outputs)).as_bytes());
    }
}

fn pretty(value: &drawloom_blueprint::Value) -> String {
    serde_json::to_string_pretty(value).expect("invariant: a value is JSON")
}

/// A run as `run --json` and `resume --json` show it.
pub(super) fn to_json(view: &RunView) -> Json {
    let steps: Vec<Json> = view
        .steps
        .iter()
        .map(|it| {
            json!({
                "id": it.id,
                "path": it.path,
                "status": it.status,
                "attempts": it.attempts,
                "started_at": it.started_at,
                "ended_at": it.ended_at,
                "error": it.error,
            })
        })
        .collect();
    let mut object = json!({
        "run": view.run.to_string(),
        "flow": view.flow,
        "version": version(view),
        "status": view.status,
        "outputs": view.outputs,
        "error": view.error,
        "steps": steps,
    });
    if !view.counted.is_empty() {
        object["counted"] = json!(view.counted);
    }
    object
}

/// The number of a published version, or the beginning of its hash.
fn version(view: &RunView) -> Json {
    view.number.map_or_else(|| json!(view.hash.get(..12).unwrap_or(&view.hash)), |it| json!(it))
}
