//! Whether the index says of a run what its facts say.
//!
//! **Invariant:** a row is compared with the facts that it counts and no others, so that a run which goes on meanwhile
//! agrees with it.

use drawloom_blueprint::{RunStatus, Timestamp};
use drawloom_engine::Effect;
use drawloom_store::RunRow;

use crate::{Error, Reader};

impl Reader {
    /// What the row of a run says and its facts do not, in words; nothing where all is well. A row that is wrong about
    /// a timer, or about attempts under way, lets its run sleep for ever.
    ///
    /// # Errors
    /// Where the run or its version cannot be read, or its facts make no run.
    pub async fn audit(&self, row: &RunRow) -> Result<Vec<String>, Error> {
        let (mut run, read) = self.rebuild_as_of(row, row.last_seq).await?;
        if read != row.last_seq {
            return Ok(vec![format!("its row counts {} facts and its journal has {read}", row.last_seq)]);
        }
        let state = &row.state;
        let mut wrong = Vec::new();
        if state.status != run.status() {
            let (told, made) = (state.status.name(), run.status().name());
            wrong.push(format!("its row says that it is {told}, and its facts that it is {made}"));
        }
        if state.ended_at != run.ended_at() {
            let (told, made) = (instant(state.ended_at), instant(run.ended_at()));
            wrong.push(format!("its row says that it ended {told}, and its facts {made}"));
        }
        if state.next_due != run.next_due() {
            let (told, made) = (instant(state.next_due), instant(run.next_due()));
            wrong.push(format!("its row says that it is due {told}, and its facts {made}"));
        }
        let busy = |it: &Effect| matches!(it, Effect::Dispatch(_) | Effect::StartChild(_) | Effect::Abort(_));
        if state.in_flight == 0 && run.status() != RunStatus::Queued && run.effects_after_recovery().iter().any(busy) {
            wrong.push("its row says that nothing is under way, and its facts that something is".to_owned());
        }
        Ok(wrong)
    }
}

fn instant(it: Option<Timestamp>) -> String {
    it.map_or("never".to_owned(), |it| format!("at {it}"))
}
