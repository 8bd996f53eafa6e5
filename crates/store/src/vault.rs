//! The vault: seals secrets before a store sees them, and opens them again.
//!
//! **Invariant:** a value is sealed by AES-256-GCM under a nonce drawn fresh for it, and bound to its name, so that a
//! sealed value moved to another name does not open. Keys and values are never printed, not even by `Debug`.

mod key;

use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};

pub use key::{KeyError, MasterKey};

/// The version of the sealed form: version, key id, nonce, then the ciphertext with its tag.
const VERSION: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 12;
const TAG: usize = 16;
const HEADER: usize = 1 + KEY_ID + NONCE;

/// Why a value could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The operating system gave no random bytes.
    #[error("no random bytes can be had from the operating system")]
    NoRandomness,
    /// The value is too large to be sealed.
    #[error("the value is too large to be sealed")]
    TooLarge,
    /// A newer binary sealed it.
    #[error("sealed in version {0}, and this drawloom opens up to version {VERSION}")]
    Newer(u8),
    /// Another master key sealed it.
    #[error("sealed with another master key")]
    OtherKey,
    /// The bytes are not what was sealed under this name.
    #[error("the sealed value is damaged, or was sealed under another name")]
    Damaged,
}

impl VaultError {
    /// The stable name of the error, which is also the name of its page in the book.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRandomness => "vault-no-randomness",
            Self::TooLarge => "vault-too-large",
            Self::Newer(_) => "vault-newer",
            Self::OtherKey => "vault-other-key",
            Self::Damaged => "vault-damaged",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoRandomness => "check the system's random device",
            Self::TooLarge => "keep large data in a file or service, and only its password in the vault",
            Self::Newer(_) => "use the newer drawloom",
            Self::OtherKey => "give the master key with which the secret was set, or set the secret again",
            Self::Damaged => "set the secret again with `drawloom secrets set`",
        }
    }
}

/// The bytes of an opened secret. Printing it shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Plain(Vec<u8>);

impl Plain {
    /// The value itself; not for logs, journals or messages.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain(***)")
    }
}

/// Seals and opens values with one master key.
pub struct Vault {
    cipher: Aes256Gcm,
    key_id: [u8; KEY_ID],
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(key {})", hex::encode(self.key_id))
    }
}

impl Vault {
    /// A vault with this key.
    #[must_use]
    pub fn new(key: &MasterKey) -> Self {
        Self { cipher: Aes256Gcm::new(key.bytes().into()), key_id: key.id() }
    }

    /// Seals the value of the secret `name`.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`], [`VaultError::TooLarge`].
    pub fn seal(&self, name: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::NoRandomness)?;
        let payload = Payload { msg: plain, aad: &bound_to(name) };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| VaultError::TooLarge)?;
        let mut bytes = Vec::with_capacity(HEADER + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.key_id);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens what [`seal`](Self::seal) made for the same name.
    ///
    /// # Errors
    /// [`VaultError::Newer`], [`VaultError::OtherKey`], [`VaultError::Damaged`].
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Plain, VaultError> {
        match sealed.first() {
            Some(&VERSION) if sealed.len() >= HEADER + TAG => {}
            Some(&version) if version > VERSION => return Err(VaultError::Newer(version)),
            _ => return Err(VaultError::Damaged),
        }
        let (header, ciphertext) = sealed.split_at(HEADER);
        let (key_id, nonce) = header[1..].split_at(KEY_ID);
        if key_id != self.key_id {
            return Err(VaultError::OtherKey);
        }
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| VaultError::Damaged)?;
        let payload = Payload { msg: ciphertext, aad: &bound_to(name) };
        self.cipher.decrypt(&Nonce::from(nonce), payload).map(Plain).map_err(|_| VaultError::Damaged)
    }
}

/// The associated data: what a sealed value is bound to.
fn bound_to(name: &str) -> Vec<u8> {
    [b"drawloom secret\0", name.as_bytes()].concat()
}

#[cfg(test)]
mod tests;
