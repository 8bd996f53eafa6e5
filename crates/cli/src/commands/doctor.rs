//! `drawloom doctor`: what is wrong with this installation.

use clap::Args;
use drawloom_store::vault::MasterKey;
use serde_json::json;

use crate::{
    Done,
    failure::FAILED,
    output,
    settings::Settings,
    store::{self, Use},
    workshop::Workshop,
};

/// Check this installation and say what to mend
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom doctor\n  drawloom doctor --json --store sqlite:///var/lib/drawloom.db")]
pub(crate) struct Doctor {}

struct Finding {
    what: &'static str,
    good: bool,
    says: String,
}

impl Doctor {
    pub(crate) async fn go(self, settings: Settings) -> Done {
        let Self {} = self;
        let json = settings.json;
        let mut found = vec![
            Finding { what: "drawloom", good: true, says: env!("CARGO_PKG_VERSION").to_owned() },
            shell(),
            own_path(),
            guard(&settings),
        ];
        found.extend(store(settings).await);
        let good = found.iter().all(|it| it.good);
        if json {
            let rows: Vec<_> =
                found.iter().map(|it| json!({ "check": it.what, "ok": it.good, "message": it.says })).collect();
            output::json(&json!({ "ok": good, "checks": rows }));
        } else {
            for it in &found {
                let sign = crate::live::sign(if it.good { "succeeded" } else { "failed" });
                output::line(&format!("{sign} {:<12} {}", it.what, it.says));
            }
        }
        Ok(if good { 0 } else { FAILED })
    }
}

fn shell() -> Finding {
    let status = std::process::Command::new("sh").args(["-c", "exit 0"]).status();
    let good = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    let says = match status {
        Ok(_) if good => "`sh` starts".to_owned(),
        Ok(status) => format!("`sh` ends with {status}: shell steps will fail"),
        Err(error) => format!("`sh` cannot be started ({error}): shell steps will fail"),
    };
    Finding { what: "shell", good, says }
}

fn own_path() -> Finding {
    match std::env::current_exe() {
        Ok(it) => Finding { what: "program", good: true, says: it.display().to_string() },
        Err(it) => Finding {
            what: "program",
            good: false,
            says: format!("its own path is unknown ({it}): heavy jq steps will fail"),
        },
    }
}

fn guard(settings: &Settings) -> Finding {
    let kinds = drawloom_kinds::Settings { http_allow: settings.http_allow.clone(), ..Default::default() };
    match drawloom_kinds::executors(&kinds) {
        Ok(_) if settings.http_allow.is_empty() => {
            Finding { what: "http guard", good: true, says: "public addresses only".to_owned() }
        }
        Ok(_) => {
            let says = format!("public addresses, and {}", settings.http_allow.join(", "));
            Finding { what: "http guard", good: true, says }
        }
        Err(it) => Finding { what: "http guard", good: false, says: it.to_string() },
    }
}

async fn store(settings: Settings) -> Vec<Finding> {
    let place = settings.store.clone();
    if store::path(&place).is_some_and(|it| !it.exists()) {
        return vec![Finding {
            what: "store",
            good: true,
            says: format!("{place}: none yet; `drawloom run` makes it"),
        }];
    }
    let workshop = match Workshop::open(settings, Use::Read) {
        Ok(it) => it,
        Err(failure) => {
            return vec![Finding { what: "store", good: false, says: format!("{place}: {}", failure.message()) }];
        }
    };
    let mut found = vec![key(&workshop)];
    match workshop.store.info().await {
        Ok(it) => {
            let runs: u64 = it.runs.values().sum();
            let says = format!("{place}: schema {}, {runs} runs", it.schema);
            found.push(Finding { what: "store", good: true, says });
        }
        Err(it) => found.push(Finding { what: "store", good: false, says: format!("{place}: {it} ({})", it.remedy()) }),
    }
    let (good, says) = match workshop.store.check(10).await {
        Ok(problems) if problems.is_empty() => (true, "sound".to_owned()),
        Ok(problems) => (false, format!("{} problems; see `drawloom store check`", problems.len())),
        Err(it) => (false, it.to_string()),
    };
    found.push(Finding { what: "journal", good, says });
    found
}

/// The master key, which is made only when the first secret is set.
fn key(workshop: &Workshop) -> Finding {
    let path = workshop.master_key();
    let (good, says) = match path.exists().then(|| MasterKey::from_file(&path)) {
        None => (true, "none yet; setting the first secret makes it".to_owned()),
        Some(Ok(_)) => (true, path.display().to_string()),
        Some(Err(it)) => (false, format!("{it}: {}", it.remedy())),
    };
    Finding { what: "master key", good, says }
}
