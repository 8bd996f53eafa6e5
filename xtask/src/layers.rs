//! The layering of crates: `words <- decide <- port <- do <- surface <- compose`.
//!
//! **Invariant:** a crate depends only on layers before its own, and what is pure has no way to the outside
//! below it.

use crate::graph::Graph;

/// The layers in order; arrows between crates point to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Words,
    Decide,
    Port,
    Do,
    Surface,
    Compose,
}

struct Rule {
    package: &'static str,
    layer: Layer,
    pure: Purity,
}

#[derive(PartialEq, Eq)]
enum Purity {
    Pure,
    Effects,
}

/// Every package of ours but xtask. A new crate gets its line here, or the check fails.
const RULES: &[Rule] = &[
    Rule { package: "drawloom-blueprint", layer: Layer::Words, pure: Purity::Pure },
    Rule { package: "drawloom-lang", layer: Layer::Decide, pure: Purity::Pure },
    Rule { package: "drawloom-engine", layer: Layer::Decide, pure: Purity::Pure },
    // For tests: nothing but tests may depend on it.
    Rule { package: "drawloom-reference", layer: Layer::Port, pure: Purity::Pure },
    Rule { package: "drawloom-store", layer: Layer::Port, pure: Purity::Effects },
    Rule { package: "drawloom-queue", layer: Layer::Port, pure: Purity::Effects },
    Rule { package: "drawloom-store-sqlite", layer: Layer::Do, pure: Purity::Effects },
    Rule { package: "drawloom-store-postgres", layer: Layer::Do, pure: Purity::Effects },
    Rule { package: "drawloom-kinds", layer: Layer::Do, pure: Purity::Effects },
    Rule { package: "drawloom-runtime", layer: Layer::Do, pure: Purity::Effects },
    Rule { package: "drawloom-bench", layer: Layer::Surface, pure: Purity::Effects },
    Rule { package: "sim", layer: Layer::Surface, pure: Purity::Effects },
    Rule { package: "drawloom", layer: Layer::Compose, pure: Purity::Effects },
];

/// What no pure crate may have below it: runtimes, databases, sockets, processes and clocks of the system.
const OUTSIDE: &[&str] = &[
    "async-std",
    "hyper",
    "mio",
    "nix",
    "polling",
    "rand",
    "reqwest",
    "rusqlite",
    "rustix",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "tokio",
    "ureq",
];

pub(crate) fn check(graph: &Graph) -> Vec<String> {
    let mut problems = Vec::new();
    for id in graph.members().filter(|id| graph.name(id) != "xtask") {
        let name = graph.name(id);
        let Some(rule) = rule(name) else {
            problems.push(format!("`{name}` has no layer: give it a line in xtask/src/layers.rs"));
            continue;
        };
        for dep in graph.own_deps(id) {
            let below = rule_layer(dep);
            if below.is_none_or(|it| it >= rule.layer) {
                problems.push(format!(
                    "`{name}` ({:?}) depends on `{dep}` ({}): arrows point to earlier layers only",
                    rule.layer,
                    below.map_or_else(|| "no layer".to_owned(), |it| format!("{it:?}"))
                ));
            }
        }
        if rule.pure == Purity::Pure {
            let ways = OUTSIDE.iter().filter_map(|outside| graph.way(id, outside));
            problems.extend(ways.map(|way| format!("`{name}` is pure, but reaches outside: {}", way.join(" -> "))));
        }
    }
    problems
}

fn rule(package: &str) -> Option<&'static Rule> {
    RULES.iter().find(|it| it.package == package)
}

fn rule_layer(package: &str) -> Option<Layer> {
    rule(package).map(|it| it.layer)
}
