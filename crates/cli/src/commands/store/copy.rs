//! `drawloom store copy`: everything, from any store to any other.

use std::time::{Duration, Instant};

use drawloom_store::{
    RunFilter,
    copy::{Copied, CopyError, copy},
};
use serde_json::json;

use crate::{
    Done,
    failure::Failure,
    live::{Screen, TICK},
    output,
    settings::Settings,
    store::Use,
    workshop::Workshop,
};

/// How often progress is told where nothing can be drawn.
const PAUSE: Duration = Duration::from_secs(5);
/// So many runs are asked for at a time.
const PAGE: usize = 500;

/// Copies `from` to `to`, and reads back what arrived.
pub(super) async fn go(settings: Settings, from: String, to: String) -> Done {
    if [&from, &to].contains(&&"memory:".to_owned()) {
        return Err(Failure::usage("a store in memory is gone with its process").help("name stores that last"));
    }
    if crate::store::is_same(&from, &to) {
        return Err(Failure::usage("a store cannot be copied to itself"));
    }
    let at = |store: &str| Settings { store: store.to_owned(), ..settings.clone() };
    // To look at it first says that it is missing, where to claim it would make it.
    Workshop::open(at(&from), Use::Read)?.close().await?;
    let source = Workshop::open(at(&from), Use::Write)?;
    let target = Workshop::open(at(&to), Use::Write)?;
    let mut progress = Progress::new(&settings);
    let copied = copy(&*source.store, &*target.store, &mut |it| progress.tell(it)).await;
    let copied = copied.map_err(failure).inspect_err(|_| progress.end())?;
    progress.say("copied; now each run is replayed");
    let replayed = replay(&target).await;
    progress.end();
    let wrong = replayed?;
    let keys = (source.master_key(), target.master_key());
    source.close().await?;
    target.close().await?;
    if let Some(wrong) = wrong {
        return Err(Failure::found(format!("everything was copied, but in the copy {wrong}")));
    }
    if settings.json {
        output::json(&json!({
            "place": to, "runs": copied.runs, "facts": copied.facts, "log_lines": copied.lines, "versions": copied.versions,
            "published": copied.published, "secrets": copied.secrets, "cached": copied.cached, "blobs": copied.blobs,
        }));
    }
    output::note(&format!("copied to {to}: {}; each run was replayed", words(&copied)));
    if copied.secrets > 0 && keys.0 != keys.1 && std::env::var_os("DRAWLOOM_MASTER_KEY").is_none() {
        let (old, new) = (keys.0.display(), keys.1.display());
        output::note(&format!("  the secrets stay sealed with the same master key: copy {old} to {new}"));
    }
    Ok(0)
}

/// Replays every run of a store. Says what does not agree with its row.
async fn replay(workshop: &Workshop) -> Result<Option<String>, Failure> {
    let reader = workshop.reader();
    let mut before = None;
    loop {
        let page = workshop.store.runs(&RunFilter::default(), before, PAGE).await?;
        for row in &page {
            let view = match reader.view(row.run).await {
                Ok(view) => view,
                Err(error) => return Ok(Some(error.to_string())),
            };
            if (view.status, view.ended_at, view.facts) != (row.state.status, row.state.ended_at, row.last_seq) {
                return Ok(Some(format!("run {} is not as its row says", row.run)));
            }
        }
        before = page.last().map(|it| it.run);
        if page.len() < PAGE {
            return Ok(None);
        }
    }
}

fn failure(error: CopyError) -> Failure {
    let text = error.to_string();
    match error {
        CopyError::Source(it) | CopyError::Target(it) => Failure::from(it).reworded(text),
        CopyError::Differs(_) => Failure::found(text),
    }
}

fn words(it: &Copied) -> String {
    let count = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    [
        count(it.runs, "run"),
        count(it.facts, "fact"),
        count(it.lines, "log line"),
        count(it.versions, "version"),
        count(it.secrets, "secret"),
        count(it.cached, "cached result"),
        count(it.blobs, "blob"),
    ]
    .join(", ")
}

/// How far the copy is, on standard error.
struct Progress {
    screen: Option<Screen>,
    is_quiet: bool,
    told: Instant,
}

impl Progress {
    fn new(settings: &Settings) -> Self {
        let draws = !settings.quiet && output::can_draw();
        Self { screen: draws.then(Screen::new), is_quiet: settings.quiet, told: Instant::now() }
    }

    fn tell(&mut self, copied: &Copied) {
        let pause = if self.screen.is_some() { TICK } else { PAUSE };
        if self.told.elapsed() > pause {
            self.told = Instant::now();
            self.say(&words(copied));
        }
    }

    fn say(&mut self, text: &str) {
        match &mut self.screen {
            Some(screen) => {
                let room = screen.size().0.saturating_sub(1);
                screen.draw(&[], &[console::truncate_str(text, room, "...").into_owned()]);
            }
            None if !self.is_quiet => output::note(text),
            None => {}
        }
    }

    fn end(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.draw(&[], &[]);
        }
    }
}
