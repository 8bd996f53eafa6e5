//! What is settled before a command begins: flag, then environment, then `drawloom.toml`, then the default.
//!
//! **Invariant:** a setting is layered here and nowhere else.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{args::Global, failure::Failure};

const FILE: &str = "drawloom.toml";
const STORE: &str = "sqlite://.drawloom/store.db";

/// The settings of a command.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The store's URL.
    pub(crate) store: String,
    /// Whether results are printed as JSON.
    pub(crate) json: bool,
    /// Whether no progress is printed.
    pub(crate) quiet: bool,
    /// How much more is said.
    pub(crate) verbose: u8,
    /// What `http` steps may reach besides public addresses.
    pub(crate) http_allow: Vec<String>,
    /// How safe a commit is.
    pub(crate) durability: Durability,
    /// Attempts at once in this process, where that was set.
    pub(crate) parallelism: Option<usize>,
    /// The file of the master key, where that was set.
    pub(crate) master_key: Option<PathBuf>,
}

/// How safe a commit is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    /// On the disk before anybody is told.
    #[default]
    Full,
    /// On the disk within 50 ms: a power cut may take what was acknowledged last. A crash of the program takes nothing.
    Relaxed,
}

/// The settings file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    store: Option<String>,
    durability: Option<Durability>,
    parallelism: Option<usize>,
    master_key_file: Option<PathBuf>,
    #[serde(default)]
    http: Http,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Http {
    #[serde(default)]
    allow: Vec<String>,
}

impl Settings {
    /// Settles everything; clap has layered flags over their environment variables already.
    pub(crate) fn load(global: &Global) -> Result<Self, Failure> {
        Self::layer(global, &|name| std::env::var(name).ok().filter(|it| !it.is_empty()))
    }

    fn layer(global: &Global, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let file = read_file(global.config.as_deref())?;
        let durability = match env("DRAWLOOM_DURABILITY").as_deref() {
            None => file.durability.unwrap_or_default(),
            Some("full") => Durability::Full,
            Some("relaxed") => Durability::Relaxed,
            Some(other) => {
                return Err(Failure::usage(format!("DRAWLOOM_DURABILITY is `{other}`")).help("use `full` or `relaxed`"));
            }
        };
        let parallelism = match env("DRAWLOOM_PARALLELISM") {
            Some(text) => Some(text.trim().parse().map_err(|_| {
                Failure::usage(format!("DRAWLOOM_PARALLELISM is `{text}`")).help("use a whole number from 1 on")
            })?),
            None => file.parallelism,
        };
        if parallelism == Some(0) {
            return Err(Failure::usage("`parallelism` is 0").help("at least one attempt must be allowed at once"));
        }
        let store = global.store.clone().filter(|it| !it.is_empty()).or(file.store);
        // What may be reached adds up: a flag widens what the file says, and never narrows it by surprise.
        let allow = global.http_allow.iter().chain(&file.http.allow).map(|it| it.trim().to_owned());
        Ok(Self {
            store: store.unwrap_or_else(|| STORE.to_owned()),
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            http_allow: allow.filter(|it| !it.is_empty()).collect(),
            durability,
            parallelism,
            master_key: env("DRAWLOOM_MASTER_KEY_FILE").map(PathBuf::from).or(file.master_key_file),
        })
    }
}

fn read_file(named: Option<&Path>) -> Result<File, Failure> {
    let path = named.unwrap_or(Path::new(FILE));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(it) if named.is_none() && it.kind() == std::io::ErrorKind::NotFound => return Ok(File::default()),
        Err(it) => return Err(Failure::usage(format!("{}: {it}", path.display()))),
    };
    let wrong = |it: toml::de::Error| Failure::usage(format!("{}: {}", path.display(), it.to_string().trim_end()));
    toml::from_str(&text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.toml");
        std::fs::write(&path, "store = 'sqlite://file.db'\nparallelism = 3\n[http]\nallow = ['c']\n").expect("a file");
        let global = |store: Option<&str>| Global {
            store: store.map(str::to_owned),
            json: false,
            quiet: false,
            verbose: 0,
            config: Some(path.clone()),
            http_allow: vec!["a".to_owned()],
        };
        let none = |_: &str| None;
        let set = |name: &str| (name == "DRAWLOOM_PARALLELISM").then(|| "5".to_owned());
        let file = Settings::layer(&global(None), &none).expect("settings");
        assert_eq!((file.store.as_str(), file.parallelism), ("sqlite://file.db", Some(3)));
        assert_eq!(file.http_allow, ["a", "c"]);
        let both = Settings::layer(&global(Some("memory:")), &set).expect("settings");
        assert_eq!((both.store.as_str(), both.parallelism), ("memory:", Some(5)));
        std::fs::write(&path, "stor = 'x'").expect("a file");
        let failure = Settings::layer(&global(None), &none).expect_err("an unknown key");
        assert!(failure.message().contains("stor"), "{failure:?}");
    }
}
