//! What is done when the connection was lost: a new one, and a look at what became of the commits that were sent.
//!
//! **Invariant:** before the look, whatever may still be under way on the old connection is over for good: the new
//! connection is made the only one that may append, which waits for commits that have begun and refuses all later
//! ones. Commits are done in order, so the last one that left a trace tells of all before it.

use std::{collections::HashMap, time::Instant};

use drawloom_blueprint::RunId;
use drawloom_store::{Epoch, StoreError};

use super::desk::{Desk, Sent};
use crate::{
    columns::{Key, count, run_id, unsigned},
    connect::{Session, answered, pause},
    fault::{Fault, Work},
    lease::{Owned, owning},
};

/// How the store was found.
enum Found {
    /// Ours, by this new connection.
    Ours(Owned),
    /// Somebody else's.
    Theirs(Epoch),
}

impl Desk {
    /// Makes a new connection, and answers or sends again what was sent on the old one.
    pub(super) async fn recover(&mut self, fault: Fault) {
        let start = Instant::now();
        let lost: Vec<Sent> = self.flight.drain(..).collect();
        self.known.forget();
        let traces: Vec<Vec<(RunId, u64)>> = lost.iter().map(traces).collect();
        let mut fault = fault;
        for tries in 0.. {
            match fault {
                Fault::Lost(_) | Fault::Again(_) | Fault::Refused if start.elapsed() < self.patience() => {}
                fault => return self.give_up(lost, fault),
            }
            tracing::warn!(?fault, "the connection to the database was lost; making it again");
            self.session = None;
            if tries > 0 {
                tokio::time::sleep(pause(tries)).await;
            }
            fault = match answered(self.silence(), self.look(&traces)).await {
                Ok((Found::Ours(owned), landed)) => {
                    self.owned = Some(owned);
                    tracing::info!(lost = lost.len(), landed, "the connection to the database is there again");
                    return self.go_on(lost, landed);
                }
                Ok((Found::Theirs(epoch), _)) => {
                    // Those that were not sent are refused for what they are; of these nobody can say any more.
                    if lost.is_empty() {
                        return self.owned_by_another();
                    }
                    let message = format!(
                        "another process took the store over (epoch {epoch}) while it was out of reach, and goes on \
                         with these runs"
                    );
                    return self.give_up(lost, Fault::Other(message));
                }
                Err(fault) => fault,
            };
        }
    }

    fn go_on(&mut self, lost: Vec<Sent>, landed: usize) {
        let mut again = Vec::new();
        for (at, sent) in lost.into_iter().enumerate() {
            if at < landed {
                self.done(sent);
            } else {
                again.extend(sent.jobs);
            }
        }
        self.put_back(again);
    }

    fn give_up(&mut self, lost: Vec<Sent>, fault: Fault) {
        let jobs = lost.into_iter().flat_map(|it| it.jobs).collect();
        self.break_off(jobs, fault.message());
    }

    /// The next appends are looked at one by one, and refused.
    fn owned_by_another(&mut self) {
        self.careful = usize::MAX;
    }

    /// Finds out whose the store is, and how many of the lost commits are there.
    async fn look(&mut self, lost: &[Vec<(RunId, u64)>]) -> Work<(Found, usize)> {
        let Some(owned) = self.owned else { return Err(StoreError::Closed.into()) };
        let session = self.line().await?;
        let found = take_over(&session, owned).await?;
        let mut runs: Vec<Key> = lost.iter().flatten().map(|(run, _)| Key::from(*run)).collect();
        runs.extend([self.witness, self.ended].into_iter().flatten().map(|(run, _)| Key::from(run)));
        let sql = "SELECT r.id, last_seq_of(r.id, r.last_seq) FROM runs r WHERE r.id = ANY($1)";
        let rows = session.query(sql, &[&runs]).await?;
        let lasts: HashMap<RunId, u64> =
            rows.iter().map(|row| Ok((run_id(row, 0)?, count(row, 1)?))).collect::<Work<_>>()?;
        let gone = self.witness.filter(|(run, last)| lasts.get(run).is_none_or(|there| there < last));
        // A run that has ended may have been deleted, but never have fewer facts.
        let undone = self.ended.filter(|(run, last)| lasts.get(run).is_some_and(|there| there < last));
        if let Some((run, last)) = gone.or(undone) {
            let message = format!(
                "{} has lost commits that it had acknowledged: run {run} had {last} facts. Has it failed over to a \
                 standby that lagged behind?",
                self.connector.options.place()
            );
            return Err(StoreError::Damaged(message).into());
        }
        let is_there = |(run, last): &(RunId, u64)| lasts.get(run).is_some_and(|there| there >= last);
        Ok((found, lost.iter().rposition(|it| it.iter().any(is_there)).map_or(0, |at| at + 1)))
    }
}

/// What a commit leaves behind: runs, with numbers of facts that only it can have written.
fn traces(sent: &Sent) -> Vec<(RunId, u64)> {
    sent.ends.iter().filter(|it| it.added > 0).map(|it| (it.run, it.last)).collect()
}

/// Makes this connection the one that may append, where the claim still holds.
async fn take_over(session: &Session, owned: Owned) -> Work<Found> {
    let epoch = unsigned(owned.epoch.0);
    let sql = "UPDATE ownership SET session = session + 1 WHERE epoch = $1 RETURNING session";
    if let Some(row) = owning(session, session.find(sql, &[&epoch])).await? {
        return Ok(Found::Ours(Owned { line: row.try_get(0)?, ..owned }));
    }
    let epoch = Epoch(count(&session.one("SELECT epoch FROM ownership", &[]).await?, 0)?);
    if epoch < owned.epoch {
        let message = format!(
            "the database is older than what it has acknowledged (epoch {epoch} instead of {}). Has it failed over to \
             a standby that lagged behind?",
            owned.epoch
        );
        return Err(StoreError::Damaged(message).into());
    }
    Ok(Found::Theirs(epoch))
}
