//! Chance, drawn from a run's seed: the same draw always gives the same.
//!
//! **Invariant:** one draw tells nothing of another or of the seed, as tokens that nobody may guess come from it.

use drawloom_blueprint::{FlowHash, StepIx};

/// What a draw is for; draws for different purposes are independent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Jitter,
    Token,
    Task,
    Child,
}

/// A draw for a step of a frame: `salt` tells several apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    pub(crate) seed: u64,
    pub(crate) serial: u64,
    pub(crate) step: StepIx,
    pub(crate) salt: u32,
}

impl Draw {
    /// 256 bits, by SHA-256.
    pub(crate) fn digest(self, purpose: Purpose) -> FlowHash {
        let mut bytes = [0; 25];
        bytes[0] = purpose as u8;
        bytes[1..9].copy_from_slice(&self.seed.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.serial.to_be_bytes());
        bytes[17..21].copy_from_slice(&self.step.0.to_be_bytes());
        bytes[21..].copy_from_slice(&self.salt.to_be_bytes());
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
