//! Secrets by name: sealed in the store, opened for the attempt that uses them.
//!
//! **Invariant:** an opened value goes to an executor and to nobody else; no error, event or fact holds one.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
};

use drawloom_blueprint::{ErrorClass, StepError};
use drawloom_store::{
    SecretRow, Store, StoreError,
    vault::{KeyError, MasterKey, Vault},
};

use crate::{Error, clock};

type KeySource = dyn Fn() -> Result<MasterKey, KeyError> + Send + Sync;

/// The secrets of a store. Cheap to clone.
#[derive(Clone)]
pub struct SecretBook {
    store: Arc<dyn Store>,
    key: Arc<KeySource>,
    vault: Arc<OnceLock<Vault>>,
}

impl fmt::Debug for SecretBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBook(***)")
    }
}

impl SecretBook {
    /// The secrets of `store`. The master key is asked for at the first secret that is set or opened, so that
    /// nobody who uses none needs one.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, key: impl Fn() -> Result<MasterKey, KeyError> + Send + Sync + 'static) -> Self {
        Self { store, key: Arc::new(key), vault: Arc::default() }
    }

    fn vault(&self) -> Result<&Vault, Error> {
        if let Some(it) = self.vault.get() {
            return Ok(it);
        }
        let key = (self.key)().map_err(Arc::new).map_err(Error::Key)?;
        Ok(self.vault.get_or_init(|| Vault::new(&key)))
    }

    /// Sets a secret, in place of an earlier one of that name.
    ///
    /// # Errors
    /// Where it cannot be sealed or stored.
    pub async fn set(&self, name: &str, value: &str) -> Result<(), Error> {
        let sealed = self.vault()?.seal(name, value.as_bytes()).map_err(|why| vault_error(name, why))?;
        Ok(self.store.put_secret(name, sealed.into(), clock::now()).await?)
    }

    /// The names that are set, and when they were.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn list(&self) -> Result<Vec<SecretRow>, Error> {
        Ok(self.store.secrets().await?)
    }

    /// Forgets a secret. Says whether there was one.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn delete(&self, name: &str) -> Result<bool, Error> {
        Ok(self.store.delete_secret(name).await?)
    }

    /// The value of a secret; none where it is not set.
    ///
    /// # Errors
    /// Where it cannot be read or opened.
    pub async fn get(&self, name: &str) -> Result<Option<String>, Error> {
        let Some(sealed) = self.store.secret(name).await? else { return Ok(None) };
        let plain = self.vault()?.open(name, &sealed).map_err(|why| vault_error(name, why))?;
        Ok(Some(String::from_utf8_lossy(plain.expose()).into_owned()))
    }

    /// The values that an attempt needs, or what it fails with.
    pub(crate) async fn open(&self, names: &[String]) -> Result<BTreeMap<String, String>, StepError> {
        let mut opened = BTreeMap::new();
        for name in names {
            match self.get(name).await {
                Ok(Some(value)) => {
                    opened.insert(name.clone(), value);
                }
                Ok(None) => return Err(unset(name)),
                Err(error @ Error::Store(StoreError::Unavailable(_))) => {
                    return Err(StepError::new(ErrorClass::Unavailable, error.to_string()).with_code("secret"));
                }
                Err(error) => return Err(StepError::invalid(error.to_string()).with_code("secret")),
            }
        }
        Ok(opened)
    }
}

fn vault_error(name: &str, why: drawloom_store::vault::VaultError) -> Error {
    Error::Vault { name: name.to_owned(), why }
}

/// What an attempt fails with that uses a secret which is not set.
pub(crate) fn unset(name: &str) -> StepError {
    let message = format!("the secret `{name}` is not set (set it with `drawloom secrets set {name}`)");
    StepError::invalid(message).with_code("secret")
}
