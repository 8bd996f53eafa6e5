//! Shards: slices of all runs, each with one owner at a time.
//!
//! **Invariant:** a run's shard depends on its id alone and never changes.

use std::fmt;

use drawloom_blueprint::RunId;

/// How many shards there are, in every store and for good.
pub const SHARDS: u16 = 256;

/// A slice of all runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard(u16);

impl Shard {
    /// The shard of `run`.
    #[must_use]
    pub fn of(run: RunId) -> Self {
        // The low bits of an id are chance already; folding them costs less than hashing the whole id again.
        let bits = run.0 ^ (run.0 >> 64);
        let bits = bits ^ (bits >> 32);
        let bits = bits ^ (bits >> 16);
        Self(((bits ^ (bits >> 8)) & 0xff) as u16)
    }

    /// The number of the shard, below [`SHARDS`].
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The fencing number of an owner: it grows with each claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_spread_over_all_shards() {
        let mut counts = [0_u32; SHARDS as usize];
        for at in 0..25_600_u128 {
            let chance = at.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 48;
            counts[usize::from(Shard::of(RunId((1 << 80) | chance)).number())] += 1;
        }
        assert!(counts.iter().all(|it| (50..200).contains(it)), "{counts:?}");
    }
}
