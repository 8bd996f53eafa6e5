//! Appends of which some may have to be refused: what they follow is read first.
//!
//! **Invariant:** what is refused here is refused for what the database holds, by the check that all stores share.

use std::collections::{HashMap, HashSet};

use drawloom_blueprint::RunId;
use drawloom_store::{
    Append, Epoch, Follows, Shard, StoreError,
    admit::{Present, admit},
};

use super::{
    Answer,
    desk::Desk,
    plan::{Plan, plan},
};
use crate::{
    columns::{Key, count, run_id},
    connect::{Session, answered},
    fault::{Fault, Work},
    lease::Owned,
};

/// What the database holds, as far as some appends are concerned, and what they add to it.
struct Held {
    epoch: Epoch,
    lasts: HashMap<RunId, u64>,
    keys: HashMap<String, RunId>,
}

impl Present for Held {
    fn epoch(&mut self, _: Shard) -> Result<Epoch, StoreError> {
        // A store has one owner, so one epoch stands for each shard.
        Ok(self.epoch)
    }

    fn last_seq(&mut self, run: RunId) -> Result<u64, StoreError> {
        Ok(self.lasts.get(&run).copied().unwrap_or(0))
    }

    fn key_owner(&mut self, key: &str) -> Result<Option<RunId>, StoreError> {
        Ok(self.keys.get(key).copied())
    }
}

impl Held {
    async fn read(session: &Session, appends: &[(Append, Answer)]) -> Work<Self> {
        let mut runs: HashSet<RunId> = HashSet::new();
        let mut keys: HashSet<&[u8]> = HashSet::new();
        for it in appends.iter().flat_map(|(it, _)| &it.runs) {
            runs.insert(it.run);
            if let Follows::Nothing(head) = &it.follows {
                keys.extend(head.idempotency_key.as_deref().map(str::as_bytes));
            }
        }
        let epoch = count(&session.one("SELECT epoch FROM ownership", &[]).await?, 0)?;
        let runs: Vec<Key> = runs.into_iter().map(Key::from).collect();
        let sql = "SELECT r.id, last_seq_of(r.id, r.last_seq) FROM runs r WHERE r.id = ANY($1)";
        let found = session.query(sql, &[&runs]).await?;
        let lasts = found.iter().map(|row| Ok((run_id(row, 0)?, count(row, 1)?))).collect::<Work<_>>()?;
        let keys: Vec<&[u8]> = keys.into_iter().collect();
        let sql = "SELECT k.key, r.id FROM unnest($1::bytea[]) AS k (key) \
                   JOIN runs r ON r.idempotency_key IS NOT NULL AND sha256(r.idempotency_key) = sha256(k.key)";
        let found = session.query(sql, &[&keys]).await?;
        let keys = found.iter().map(|row| Ok((crate::columns::text(row, 0)?, run_id(row, 1)?))).collect::<Work<_>>()?;
        Ok(Self { epoch: Epoch(epoch), lasts, keys })
    }

    /// Adds what an append adds, or says why it is refused.
    fn take(&mut self, append: &Append) -> Option<StoreError> {
        if let Err(refusal) = admit(append, self) {
            return Some(refusal);
        }
        for it in &append.runs {
            *self.lasts.entry(it.run).or_default() += it.facts.len() as u64;
            if let Follows::Nothing(head) = &it.follows
                && let Some(key) = &head.idempotency_key
            {
                self.keys.insert(key.clone(), it.run);
            }
        }
        None
    }
}

impl Desk {
    /// Sends those of a group that may be committed. The others are refused once those are done. Nothing else is
    /// under way.
    pub(super) async fn append_carefully(&mut self, jobs: Vec<(Append, Answer)>, owned: Owned) {
        self.known.forget();
        let (refusals, plan) = match answered(self.silence(), self.judge(&jobs)).await {
            Ok(it) => it,
            Err(fault @ Fault::Lost(_)) => {
                self.careful = self.careful.saturating_add(jobs.len());
                self.put_back(jobs);
                return self.recover(fault).await;
            }
            Err(fault) => return self.decide(jobs, fault).await,
        };
        self.dispatch(jobs, refusals, plan, owned).await;
    }

    async fn judge(&mut self, jobs: &[(Append, Answer)]) -> Work<(Vec<Option<StoreError>>, Plan)> {
        let session = self.line().await?;
        let mut held = Held::read(&session, jobs).await?;
        let refusals: Vec<_> = jobs.iter().map(|(append, _)| held.take(append)).collect();
        let accepted = jobs.iter().zip(&refusals).filter(|(_, refusal)| refusal.is_none()).map(|((it, _), _)| it);
        let plan = plan(accepted, &self.known).ok_or(Fault::Refused)?;
        Ok((refusals, plan))
    }
}
