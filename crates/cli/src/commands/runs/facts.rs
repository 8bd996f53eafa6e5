//! `drawloom runs facts`: the journal of a run.

use clap::Args;
use serde_json::json;

use super::list::find;
use crate::{Done, output, workshop::Workshop};

/// List what happened in a run, fact by fact
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom runs facts last")]
pub(crate) struct Facts {
    /// A run
    run: String,
}

impl Facts {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        let run = find(workshop, &self.run).await?;
        let reader = workshop.reader();
        let mut after = 0;
        loop {
            let page = reader.facts(run, after).await?;
            for it in &page {
                let moves: Vec<String> = it.fact.moves.iter().map(|it| format!("{it:?}")).collect();
                if workshop.settings.json {
                    output::line(&json!({ "seq": it.seq, "at": it.at, "moves": moves }).to_string());
                } else {
                    for one in moves {
                        output::line(&format!("{:>6} {} {one}", it.seq, it.at));
                    }
                }
            }
            match page.last() {
                Some(last) => after = last.seq,
                None => return Ok(0),
            }
        }
    }
}
