//! Ids of the flow language for the names of other tools.
//!
//! **Invariant:** every id given out is valid, not reserved, and given out once.

use std::collections::{BTreeMap, BTreeSet};

/// Names that an expression may use for something else than a step.
const RESERVED: &[&str] = &[
    "and",
    "dict",
    "elif",
    "else",
    "error",
    "false",
    "for",
    "if",
    "in",
    "inputs",
    "is",
    "last",
    "loop",
    "none",
    "not",
    "now",
    "null",
    "or",
    "range",
    "recursive",
    "run",
    "secrets",
    "self",
    "true",
    "vars",
];

/// Longer names are cut, so that an id made of a whole paragraph stays readable.
const LENGTH_MAX: usize = 48;

/// The ids given out so far.
#[derive(Debug, Default)]
pub(super) struct Ids {
    taken: BTreeSet<String>,
    /// How often each name was wanted, so that the thousandth does not try the 999 before it.
    wanted: BTreeMap<String, u64>,
}

impl Ids {
    /// A new id that resembles `wanted` as far as the rules allow.
    pub(super) fn fresh(&mut self, wanted: &str) -> String {
        let base = identifier(wanted);
        let mut id = base.clone();
        let count = self.wanted.entry(base.clone()).or_insert(1);
        while !self.taken.insert(id.clone()) {
            *count += 1;
            id = format!("{base}_{count}");
        }
        id
    }

    /// Takes `id` for something else than a step, unless it is given out already.
    pub(super) fn reserve(&mut self, id: &str) -> bool {
        self.taken.insert(id.to_owned())
    }
}

/// `name` as an identifier that is not reserved: `My Node` is `my_node`, `2nd` is `n2nd`, `if` is `if_`.
pub(super) fn identifier(name: &str) -> String {
    let mut out = String::new();
    let mut lower_before = false;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && lower_before {
                out.push('_');
            }
            lower_before = c.is_ascii_lowercase() || c.is_ascii_digit();
            out.push(c.to_ascii_lowercase());
        } else {
            lower_before = false;
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
        }
        if out.len() >= LENGTH_MAX {
            break;
        }
    }
    let mut out = out.trim_end_matches('_').to_owned();
    if out.is_empty() {
        out.push_str("node");
    } else if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, 'n');
    }
    if RESERVED.contains(&out.as_str()) {
        out.push('_');
    }
    out
}

/// `name` as the name of a flow: lower case, words joined by `-`.
pub(super) fn flow_name(name: &str) -> String {
    identifier(name).trim_end_matches('_').replace('_', "-")
}

/// Whether `text` looks like a UUID, which nobody wants to read as an id.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
