//! Whether an append may be committed: the one check that every store makes before it writes anything.
//!
//! **Invariant:** a store that writes exactly the appends that pass here, one after the other, has gapless journals
//! and lets no former owner write.

use drawloom_blueprint::RunId;
use hashbrown::HashMap;

use crate::{Append, Epoch, Follows, Shard, StoreError};

/// What the check has to know of the store, as of the last commit.
pub trait Present {
    /// The epoch of the shard's owner.
    ///
    /// # Errors
    /// Where the store cannot be read.
    fn epoch(&mut self, shard: Shard) -> Result<Epoch, StoreError>;

    /// The number of the last fact of `run`; 0 where it is not there.
    ///
    /// # Errors
    /// Where the store cannot be read.
    fn last_seq(&mut self, run: RunId) -> Result<u64, StoreError>;

    /// The run that was started with this idempotency key.
    ///
    /// # Errors
    /// Where the store cannot be read.
    fn key_owner(&mut self, key: &str) -> Result<Option<RunId>, StoreError>;
}

/// Checks that `append` comes from the owner and that its facts follow those that are there.
///
/// # Errors
/// [`StoreError::Fenced`], [`StoreError::Conflict`], [`StoreError::KeyTaken`], or what `present` answered.
pub fn admit(append: &Append, present: &mut impl Present) -> Result<(), StoreError> {
    // Only appends that name a run twice, or several keys, need to remember what they did themselves.
    let mut lasts: HashMap<RunId, u64> = HashMap::with_capacity(append.runs.len());
    let mut keys: HashMap<&str, RunId> = HashMap::new();
    for it in &append.runs {
        let shard = Shard::of(it.run);
        let current = present.epoch(shard)?;
        if current != append.claim.epoch {
            return Err(StoreError::Fenced { shard, held: append.claim.epoch, current });
        }
        let last = match lasts.get(&it.run) {
            Some(last) => *last,
            None => present.last_seq(it.run)?,
        };
        let conflict = |given| StoreError::Conflict { run: it.run, given, last };
        match &it.follows {
            Follows::Nothing(_) if last != 0 || it.facts.is_empty() => return Err(conflict(0)),
            Follows::Nothing(head) => {
                if let Some(key) = head.idempotency_key.as_deref() {
                    let owner = match keys.get(key) {
                        Some(owner) => Some(*owner),
                        None => present.key_owner(key)?,
                    };
                    if let Some(run) = owner {
                        return Err(StoreError::KeyTaken { run });
                    }
                    keys.insert(key, it.run);
                }
            }
            Follows::Seq(given) if *given != last || last == 0 => return Err(conflict(*given)),
            Follows::Seq(_) => {}
        }
        lasts.insert(it.run, last + it.facts.len() as u64);
    }
    Ok(())
}
