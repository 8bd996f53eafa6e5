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
