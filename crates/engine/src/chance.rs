//! Chance, drawn from a run's seed: the same draw always gives the same.
//!
//! **Invariant:** one draw tells nothing of another or of the seed, as tokens that nobody may guess come from it.

use drawloom_blueprint::FlowHash;

/// What a draw is for; draws for different purposes are independent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Jitter,
    Token,
    Task,
    Child,
}

/// The seed of an attempt, from that of all tasks of its run. It may tell of seeds of other attempts, and of no other
/// draw; so it need not be a digest, and each part is mixed in by a step of wyrand.
pub(crate) fn task_seed(tasks: u64, serial: u64, step: &str, attempt: u32) -> u64 {
    let mix = |seed: u64, part: u64| fastrand::Rng::with_seed(seed ^ part).u64(..);
    let letters = step.as_bytes().chunks(8).map(|it| it.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)));
    letters.fold(mix(mix(tasks, serial), attempt.into()), mix)
}

/// A draw for a step of a frame: `salt` tells several apart. The step goes by its id, as its position depends on
/// what the optimiser dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw<'a> {
    pub(crate) seed: u64,
    pub(crate) serial: u64,
    pub(crate) step: &'a str,
    pub(crate) salt: u32,
}

impl Draw<'_> {
    /// 256 bits, by SHA-256.
    pub(crate) fn digest(self, purpose: Purpose) -> FlowHash {
        let mut bytes = Vec::with_capacity(1 + 8 + 8 + 4 + self.step.len());
        bytes.push(purpose as u8);
        bytes.extend(self.seed.to_be_bytes());
        bytes.extend(self.serial.to_be_bytes());
        bytes.extend(self.salt.to_be_bytes());
        bytes.extend(self.step.as_bytes());
        FlowHash::of(&bytes)
    }

    /// What the seeds of all tasks of a run come from, drawn once for each run.
    pub(crate) fn of_tasks(seed: u64) -> u64 {
        Draw { seed, serial: 0, step: "", salt: 0 }.number(Purpose::Task)
    }

    /// 64 bits.
    pub(crate) fn number(self, purpose: Purpose) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.digest(purpose).0[..8]);
        u64::from_be_bytes(bytes)
    }

    /// A number from 0 up to 1.
    pub(crate) fn fraction(self, purpose: Purpose) -> f64 {
        fastrand::Rng::with_seed(self.number(purpose)).f64()
    }
}
