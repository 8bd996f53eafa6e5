//! The library that is loaded beneath the binary, and what it says of the disk.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::UNIX_EPOCH,
};

use tempfile::TempDir;

use super::{Dice, skip};
use crate::support::{Home, repository};

/// The library, built once by each process of tests; none where there is no compiler.
static LIBRARY: LazyLock<Option<(TempDir, PathBuf)>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let library = folder.path().join("faults.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library);
    compiler.arg(repository().join("crates/cli/tests/fixtures/faults.c")).arg("-ldl");
    match compiler.output() {
        Ok(it) if it.status.success() => Some((folder, library)),
        Ok(it) => panic!("{}", String::from_utf8_lossy(&it.stderr)),
        Err(_) => None,
    }
});

/// Where the library is. Says so where it cannot be had.
pub(super) fn library() -> Option<&'static Path> {
    let library = LIBRARY.as_ref().map(|it| it.1.as_path());
    if library.is_none() {
        skip("there is no C compiler `cc`; `make setup` installs one");
    }
    library
}

/// A folder on a disk of which it is known what was flushed.
pub(super) struct Disk {
    pub(super) home: Home,
    mirror: TempDir,
    library: &'static Path,
}

impl Disk {
    /// A disk with nothing on it.
    pub(super) fn new(library: &'static Path) -> Self {
        Self { home: Home::new(), mirror: tempfile::tempdir().expect("a folder"), library }
    }

    /// The command with these arguments, on this disk.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.command(args);
        command.env("LD_PRELOAD", self.library).env("FAULTS_ROOT", self.home.path());
        command.env("FAULTS_MIRROR", self.mirror.path());
        command
    }

    /// Everything that is there is flushed.
    pub(super) fn flush(&self) {
        flush(self.home.path(), self.mirror.path());
    }

    /// What a power cut leaves: what was flushed, and of the rest nothing, or sectors drawn by lot.
    pub(super) fn cut(self, dice: &mut Dice) -> Self {
        let left = Self::new(self.library);
        let torn = dice.is_heads();
        let mut cut = Cut { mirror: self.mirror.path(), dice, torn };
        cut.folder(&key(self.home.path()), Some(self.home.path()), left.home.path());
        left.flush();
        left
    }
}

/// What the library calls a file or folder, as long as it lives.
fn key(path: &Path) -> String {
    let it = fs::symlink_metadata(path).expect("it is there");
    let born = it.created().ok().and_then(|it| it.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{}.{}.{}", it.ino(), born.as_secs(), born.subsec_nanos())
}

fn entries(folder: &Path) -> Vec<(String, Metadata)> {
    let entries = fs::read_dir(folder).expect("it can be read").flatten();
    let entries = entries.filter_map(|it| Some((it.file_name().into_string().ok()?, it.metadata().ok()?)));
    // Sockets are nothing that a disk keeps.
    entries.filter(|it| it.1.is_dir() || it.1.is_file()).collect()
}

fn flush(folder: &Path, mirror: &Path) {
    let mut list = String::new();
    for (name, it) in entries(folder) {
        let path = folder.join(&name);
        list.push_str(&format!("{} {} {name}\n", if it.is_dir() { "folder" } else { "file" }, key(&path)));
        if it.is_dir() {
            flush(&path, mirror);
        } else {
            fs::copy(&path, mirror.join(key(&path))).expect("it can be copied");
        }
    }
    fs::write(mirror.join(key(folder)), list).expect("it can be written");
}

struct Cut<'a> {
    mirror: &'a Path,
    dice: &'a mut Dice,
    /// Whether some of what was not flushed is there all the same.
    torn: bool,
}

impl Cut<'_> {
    /// Writes what is left of the folder that is called `key`, and is at `live` where its name has not changed.
    fn folder(&mut self, key: &str, live: Option<&Path>, to: &Path) {
        fs::create_dir_all(to).expect("a folder");
        for (name, (is_folder, its_key)) in self.names(key, live) {
            let live = live.map(|it| it.join(&name)).filter(|it| it.exists() && self::key(it) == its_key);
            if is_folder {
                self.folder(&its_key, live.as_deref(), &to.join(name));
            } else {
                fs::write(to.join(name), self.bytes(&its_key, live.as_deref())).expect("it can be written");
            }
        }
    }

    fn names(&mut self, key: &str, live: Option<&Path>) -> BTreeMap<String, (bool, String)> {
        let list = fs::read_to_string(self.mirror.join(key)).unwrap_or_default();
        let mut names = BTreeMap::new();
        for line in list.lines() {
            let mut parts = line.splitn(3, ' ');
            if let (Some(kind), Some(key), Some(name)) = (parts.next(), parts.next(), parts.next())
                && !name.ends_with(".sock")
            {
                names.insert(name.to_owned(), (kind == "folder", key.to_owned()));
            }
        }
        if let (true, Some(live)) = (self.torn, live) {
            for (name, it) in entries(live) {
                if self.dice.is_heads() {
                    let key = self::key(&live.join(&name));
                    names.insert(name, (it.is_dir(), key));
                }
            }
            names.retain(|name, _| live.join(name).exists() || self.dice.is_heads());
        }
        names
    }

    fn bytes(&mut self, key: &str, live: Option<&Path>) -> Vec<u8> {
        const SECTOR: usize = 512;
        let mut bytes = fs::read(self.mirror.join(key)).unwrap_or_default();
        if let (true, Some(live)) = (self.torn, live) {
            let new = fs::read(live).unwrap_or_default();
            let grown = new.len().saturating_sub(bytes.len());
            bytes.resize(bytes.len() + self.dice.below(grown as u64 + 1) as usize, 0);
            for (old, new) in bytes.chunks_mut(SECTOR).zip(new.chunks(SECTOR)) {
                let both = old.len().min(new.len());
                if self.dice.is_heads() {
                    old[..both].copy_from_slice(&new[..both]);
                }
            }
        }
        bytes
    }
}
