//! The master key, and the file that holds it.
//!
//! **Invariant:** a key file is created whole or not at all, is readable by its owner alone, and is never replaced.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Others than its owner may read the file.
    #[error("the key file {} can be read by others than its owner (mode {mode:03o})", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The text is not a key.
    #[error("a master key is 64 hexadecimal digits")]
    Malformed,
    /// The operating system gave no random bytes.
    #[error("no random bytes can be had from the operating system")]
    NoRandomness,
    /// The file could not be read or created.
    #[error("cannot use the key file {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl KeyError {
    /// The stable name of the error, which is also the name of its page in the book.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exposed { .. } => "key-exposed",
            Self::Malformed => "key-malformed",
            Self::NoRandomness => "vault-no-randomness",
            Self::Io { .. } => "key-io",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Exposed { .. } => "run `chmod 600` on it, and set your secrets anew if somebody may have read it",
            Self::Malformed => "give the key as it was made; where there are no secrets yet, delete the key file",
            Self::NoRandomness => "check the system's random device",
            Self::Io { .. } => "check the path and its permissions",
        }
    }
}

/// The key that seals all secrets of a store. Printing it shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey([u8; 32]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

impl MasterKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| KeyError::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// Reads a key from text, as a key file or an environment variable holds it.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| KeyError::Malformed)?;
        Ok(Self(bytes))
    }

    /// Reads the key in the file at `path`. Where there is none, draws a key and creates the file first, with
    /// permissions for its owner alone.
    ///
    /// # Errors
    /// [`KeyError::Exposed`] where others may read the file, and whatever is wrong with it.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Io { path: path.to_owned(), source };
        match fs::symlink_metadata(path) {
            Ok(_) => {}
            Err(it) if it.kind() == io::ErrorKind::NotFound => Self::create_file(path)?,
            Err(it) => return Err(failed(it)),
        }
        let file = File::open(path).map_err(failed)?;
        refuse_exposed(path, &file.metadata().map_err(failed)?)?;
        Self::from_text(&io::read_to_string(file).map_err(failed)?)
    }

    /// Creates the file with a new key, unless somebody else did so in the meantime.
    fn create_file(path: &Path) -> Result<(), KeyError> {
        let key = Self::generate()?;
        let mut suffix = [0; 8];
        getrandom::fill(&mut suffix).map_err(|_| KeyError::NoRandomness)?;
        let mut draft = path.as_os_str().to_owned();
        draft.push(format!(".{}", hex::encode(suffix)));
        let draft = PathBuf::from(draft);
        let created = Self::write_file(path, &draft, &hex::encode(key.0));
        // The draft may never have been made, and its name is not used again.
        let _ = fs::remove_file(&draft);
        created.map_err(|source| KeyError::Io { path: path.to_owned(), source })
    }

    fn write_file(path: &Path, draft: &Path, text: &str) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = new_file(draft)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        // A link appears whole and only where there is nothing yet, so that of two processes one makes the key.
        match fs::hard_link(draft, path) {
            Err(it) if it.kind() != io::ErrorKind::AlreadyExists => Err(it),
            _ => crate::files::sync_folder_of(path),
        }
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Tells keys apart without giving anything of them away.
    pub(super) fn id(&self) -> [u8; super::KEY_ID] {
        let digest = Sha256::new().chain_update(b"drawloom key id\0").chain_update(self.0).finalize();
        let mut id = [0; super::KEY_ID];
        id.copy_from_slice(&digest[..super::KEY_ID]);
        id
    }
}

#[cfg(unix)]
fn new_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn refuse_exposed(path: &Path, file: &fs::Metadata) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Exposed { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Path, _: &fs::Metadata) -> Result<(), KeyError> {
    Ok(())
}
