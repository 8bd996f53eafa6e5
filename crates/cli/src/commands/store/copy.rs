//! `drawloom store copy`: everything, from any store to any other.

use drawloom_store::copy::{Copied, CopyError, copy};
use serde_json::json;

use super::{progress::Progress, replay::replay};
use crate::{Done, failure::Failure, output, settings::Settings, store::Use, workshop::Workshop};

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
    let copied = copy(&*source.store, &*target.store, &mut |it| progress.tell(|| words(it))).await;
    let copied = copied.map_err(failure).inspect_err(|_| progress.end())?;
    progress.say("copied; now each run is replayed");
    let replayed = replay(&target, 1, &mut progress).await;
    progress.end();
    let wrong = replayed?.into_iter().next();
    let keys = (source.master_key(), target.master_key());
    source.close().await?;
    target.close().await?;
    if let Some(wrong) = wrong {
        let what =
            format!("everything was copied, but in the copy run {} is not as it was: {}", wrong.about, wrong.message);
        return Err(Failure::found(what));
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
