//! How rough a simulated world is, drawn from the seed: some are calm, some crash at every tenth commit.

use std::time::Duration;

use fastrand::Rng;

/// The weather of one seed. Chances are in thousandths.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// That the process dies at a commit.
    pub(crate) crash: u32,
    /// That an append fails.
    pub(crate) fail: u32,
    /// That a read takes its time.
    pub(crate) slow_read: u32,
    /// That a commit takes seconds.
    pub(crate) slow_write: u32,
    /// That an attempt fails.
    pub(crate) failure: u32,
    /// That an attempt does something odd: hangs, does not stop, panics, outlives its time.
    pub(crate) odd: u32,
    /// The longest that a usual attempt takes, in milliseconds.
    pub(crate) work: u64,
    /// Whether attempts begin in place, and some end there.
    pub(crate) brief: bool,
    /// How many things happen from outside.
    pub(crate) acts: u32,
    /// The usual time between two of them, in milliseconds.
    pub(crate) pause: u64,
    /// Attempts at once.
    pub(crate) parallelism: usize,
    /// From how many bytes on values are kept beside the journal.
    pub(crate) blob_from: usize,
    /// How long runs that do nothing stay in memory.
    pub(crate) idle: Duration,
    /// The patience with attempts that were asked to stop.
    pub(crate) grace: Duration,
}

impl Plan {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        // A draw of its own, which leaves all others of the seed as they are.
        let brief = Rng::with_seed(rng.get_seed() ^ 0xb1ef).u8(0..3) == 0;
        let mut pick = |of: &[u32]| of[rng.usize(0..of.len())];
        Self {
            crash: pick(&[0, 2, 10, 30, 100]),
            fail: pick(&[0, 0, 1, 10]),
            slow_read: pick(&[0, 50, 300]),
            slow_write: pick(&[0, 5, 50]),
            failure: pick(&[50, 150, 400]),
            odd: pick(&[0, 20, 100]),
            work: u64::from(pick(&[3, 50, 2_000, 30_000])),
            brief,
            acts: pick(&[10, 30, 80]),
            pause: u64::from(pick(&[2, 50, 1_000, 30_000])),
            parallelism: pick(&[1, 2, 5, 100]) as usize,
            blob_from: pick(&[24, 100, 100_000]) as usize,
            idle: Duration::from_secs(u64::from(pick(&[1, 10, 60]))),
            grace: Duration::from_millis(u64::from(pick(&[10, 1_000, 10_000]))),
        }
    }
}
