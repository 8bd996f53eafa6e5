//! The vault keeps its promises to people who hold the wrong key, name or bytes.

use std::{fs, os::unix::fs::PermissionsExt};

use super::*;

fn vault() -> Vault {
    Vault::new(&MasterKey::generate().unwrap())
}

#[test]
fn what_is_sealed_opens_under_its_name_only() {
    let vault = vault();
    for plain in [&b""[..], b"hunter2", &[0; 100_000]] {
        let sealed = vault.seal("db", plain).unwrap();
        assert_eq!(vault.open("db", &sealed).unwrap().expose(), plain);
        assert_eq!(vault.open("db2", &sealed), Err(VaultError::Damaged));
    }
}

#[test]
fn equal_values_are_sealed_differently() {
    let vault = vault();
    assert_ne!(vault.seal("a", b"same").unwrap(), vault.seal("a", b"same").unwrap());
}

#[test]
fn all_of_a_nonce_is_chance() {
    let vault = vault();
    let nonces: Vec<_> = (0..64).map(|_| vault.seal("a", b"same").unwrap()[1 + KEY_ID..HEADER].to_vec()).collect();
    for at in 0..NONCE {
        assert!(nonces.iter().any(|it| it[at] != nonces[0][at]), "byte {at} is always the same");
    }
}

#[test]
fn any_changed_or_missing_byte_is_noticed() {
    let vault = vault();
    let sealed = vault.seal("a", b"secret").unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(vault.open("a", &changed).is_err(), "byte {at}");
        assert!(vault.open("a", &sealed[..at]).is_err(), "length {at}");
    }
}

#[test]
fn another_key_and_a_newer_form_are_told_apart() {
    let mut sealed = vault().seal("a", b"secret").unwrap();
    assert_eq!(vault().open("a", &sealed), Err(VaultError::OtherKey));
    sealed[0] = 9;
    assert_eq!(vault().open("a", &sealed), Err(VaultError::Newer(9)));
    sealed[0] = 0;
    assert_eq!(vault().open("a", &sealed), Err(VaultError::Damaged), "no form was ever older");
}

#[test]
fn nothing_secret_is_printed() {
    let key = MasterKey::from_text(&"ab".repeat(32)).unwrap();
    let vault = Vault::new(&key);
    let plain = vault.open("a", &vault.seal("a", b"hunter2").unwrap()).unwrap();
    let printed = format!("{key:?} {vault:?} {plain:?}");
    assert!(!printed.contains("abab") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn a_key_file_is_made_once_and_for_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/key");
    let keys: Vec<_> = std::thread::scope(|scope| {
        let made: Vec<_> = (0..8).map(|_| scope.spawn(|| MasterKey::from_file(&path).unwrap())).collect();
        made.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(keys.windows(2).all(|it| it[0] == it[1]));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "drafts are removed");
}

#[test]
fn an_exposed_or_broken_key_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    MasterKey::from_file(&path).unwrap();
    for exposed in [0o640, 0o620, 0o604, 0o602, 0o610, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(exposed)).unwrap();
        let error = MasterKey::from_file(&path).unwrap_err();
        assert!(matches!(error, KeyError::Exposed { mode, .. } if mode == exposed), "{exposed:o}: {error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "not a key").unwrap();
    assert!(matches!(MasterKey::from_file(&path), Err(KeyError::Malformed)));
}
