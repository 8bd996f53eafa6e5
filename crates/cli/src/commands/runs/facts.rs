//! `drawloom runs facts`: the journal of a run.

mod words;

use clap::Args;
use console::style;
use drawloom_blueprint::Fact;
use drawloom_engine::Run;
use drawloom_runtime::Recorded;
use serde_json::json;

use self::words::{Frames, Told};
use super::list::find;
use crate::{Done, failure::Failure, output, workshop::Workshop};

/// List what happened in a run, fact by fact
#[derive(Args)]
#[command(
    after_help = "Examples:\n  drawloom runs facts last\n  drawloom runs facts last --json | jq '.facts[].moves[]'"
)]
pub(crate) struct Facts {
    /// A run
    run: String,
}

impl Facts {
    pub(crate) async fn go(self, workshop: &Workshop) -> Done {
        let run = find(workshop, &self.run).await?;
        let reader = workshop.reader();
        let blueprint = reader.blueprint(reader.row(run).await?.head.version).await?;
        let mut telling = Telling { run: Run::new(blueprint, drawloom_kinds::inline), frames: Frames::default() };
        let mut list = workshop.settings.json.then(|| output::List::begin(&json!({ "run": run.to_string() }), "facts"));
        let mut after = 0;
        loop {
            let page = reader.facts(run, after).await?;
            for it in &page {
                let told = telling.tell(it)?;
                match &mut list {
                    Some(list) => {
                        let moves: Vec<_> = told.iter().map(Told::json).collect();
                        list.item(&json!({ "seq": it.seq, "at": it.at, "moves": moves }));
                    }
                    None => print(it, &told),
                }
            }
            let Some(last) = page.last() else { break };
            after = last.seq;
        }
        if let Some(list) = list {
            list.end();
        }
        Ok(0)
    }
}

/// A run that is told as it is read.
struct Telling {
    run: Run,
    frames: Frames,
}

impl Telling {
    fn tell(&mut self, it: &Recorded) -> Result<Vec<Told>, Failure> {
        let mut told = Vec::with_capacity(it.fact.moves.len());
        for made in &it.fact.moves {
            // A place is named before its frame is left.
            told.push(words::tell(made, &self.run, &mut self.frames));
            let one = Fact { moves: vec![made.clone()] };
            self.run.apply(it.at, &one).map_err(|error| {
                Failure::store(format!("fact {} does not follow from those before it: {error}", it.seq))
            })?;
        }
        Ok(told)
    }
}

fn print(it: &Recorded, told: &[Told]) {
    for (at, one) in told.iter().enumerate() {
        // The moves of one fact became true together: its number and time stand once.
        let (seq, time) = if at == 0 { (it.seq.to_string(), it.at.to_string()) } else { <_>::default() };
        let head = style(format!("{seq:>6} {time:<24}")).dim();
        let place = style(one.place()).bold();
        output::line(&format!("{head} {place} {}", output::plain(&one.text)));
    }
}
