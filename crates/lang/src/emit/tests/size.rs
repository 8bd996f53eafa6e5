//! Large flows cost time in proportion to their size.

use std::fmt::Write as _;

use drawloom_blueprint::Blueprint;

use super::steps;
use crate::{Optimise, optimise::optimise};

fn list(count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        let _ = writeln!(text, "  - {{ id: s{at}, uses: log, with: {{ message: \"{{{{ inputs.x }}}} {at}\" }} }}");
    }
    text
}

/// A flat graph: each step needs up to three of the steps shortly before it.
fn graph(count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        let needs: Vec<String> =
            [1, 2, 7].iter().filter_map(|it| at.checked_sub(*it)).map(|it| format!("s{it}")).collect();
        let _ =
            writeln!(text, "  - {{ id: s{at}, uses: shell, with: {{ command: run }}, needs: [{}] }}", needs.join(", "));
    }
    text
}

fn deep(levels: usize) -> String {
    let mut text = "{ id: last, uses: log }".to_owned();
    for at in 0..levels {
        text = format!("{{ id: s{at}, loop: {{ until: \"{{{{ inputs.x }}}}\" }}, do: [{text}] }}");
    }
    format!("  - {text}\n")
}

#[test]
fn a_list_of_100_000_steps_compiles() {
    let (it, _) = optimise(steps(&list(100_000)), Optimise::On);
    assert_eq!((it.steps.len(), it.edges.len()), (100_000, 99_999));
    assert_eq!(it.steps.iter().filter(|it| it.fused_next.is_some()).count(), 99_999);
    assert!(it.exprs.len() <= 400_002, "{} expressions", it.exprs.len());
}

#[test]
fn a_graph_of_100_000_steps_compiles_and_shrinks() {
    let plain = steps(&graph(100_000));
    assert_eq!(plain.edges.len(), 99_999 + 99_998 + 99_993);
    let (it, _) = optimise(plain, Optimise::On);
    // The needs of a step two back follow from those one back; those seven back are seen in two steps only.
    assert_eq!(it.edges.len(), 99_999 + 99_993);
    assert_eq!(Blueprint::decode(&it.encode()).as_ref(), Ok(&it));
}

#[test]
fn blocks_within_blocks_compile() {
    let it = steps(&deep(30));
    assert_eq!((it.scopes.len(), it.steps.len()), (31, 31));
}
