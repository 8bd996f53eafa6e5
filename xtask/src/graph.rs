//! What depends on what, as `cargo metadata` resolved it.
//!
//! **Invariant:** edges are those of normal and build dependencies; what only tests use is not an edge.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The resolved packages of the workspace and everything below them.
pub(crate) struct Graph {
    /// Names of packages by id.
    names: BTreeMap<String, String>,
    /// Ids of direct dependencies by id.
    edges: BTreeMap<String, Vec<String>>,
    /// Ids of the workspace's own packages.
    members: BTreeSet<String>,
}

impl Graph {
    /// Asks cargo.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root)
            .output()
            .context("cannot run cargo metadata")?;
        ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
        Self::read(&serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?)
    }

    fn read(metadata: &Value) -> Result<Self> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let names = list(&metadata["packages"]).iter().map(|it| (text(&it["id"]), text(&it["name"]))).collect();
        let members = list(&metadata["workspace_members"]).iter().map(text).collect();
        let nodes = list(&metadata["resolve"]["nodes"]);
        ensure!(!nodes.is_empty(), "cargo metadata resolved nothing");
        let edges = nodes.iter().map(|node| {
            let counted =
                |dep: &&Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].as_str() != Some("dev"));
            let deps = list(&node["deps"]);
            (text(&node["id"]), deps.iter().filter(counted).map(|dep| text(&dep["pkg"])).collect())
        });
        Ok(Self { names, edges: edges.collect(), members })
    }

    /// The workspace's own packages, by id.
    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(String::as_str)
    }

    /// The name of a package.
    pub(crate) fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.names.get(id).map_or(id, String::as_str)
    }

    /// The workspace's own packages that this one depends on directly, by name.
    pub(crate) fn own_deps(&self, id: &str) -> Vec<&str> {
        let deps = self.edges.get(id).into_iter().flatten();
        deps.filter(|it| self.members.contains(*it)).map(|it| self.name(it)).collect()
    }

    /// The shortest way from a package down to one called `wanted`, by names; none where it is not below.
    pub(crate) fn way(&self, from: &str, wanted: &str) -> Option<Vec<&str>> {
        let mut before: BTreeMap<&str, &str> = BTreeMap::new();
        let start = self.edges.get_key_value(from)?.0.as_str();
        let mut open = std::collections::VecDeque::from([start]);
        while let Some(at) = open.pop_front() {
            if at != start && self.name(at) == wanted {
                let mut way = vec![self.name(at)];
                let mut here = at;
                while let Some(up) = before.get(here) {
                    way.push(self.name(up));
                    here = up;
                }
                way.reverse();
                return Some(way);
            }
            for next in self.edges.get(at).into_iter().flatten() {
                if next != start && !before.contains_key(next.as_str()) {
                    before.insert(next, at);
                    open.push_back(next);
                }
            }
        }
        None
    }
}
