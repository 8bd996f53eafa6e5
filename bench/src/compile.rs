//! The compiler: from text to blueprint, beside reading the same text as plain data.

use std::{collections::BTreeMap, hint::black_box};

use drawloom_blueprint::Blueprint;
use drawloom_lang::{KindInfo, Kinds, Optimise, Options, Placement, Source, compile};

use crate::{Row, Size, clock, report::What};

pub(crate) fn measure(size: Size, progress: &mut dyn FnMut(&str)) -> Vec<Row> {
    let mut rows = Vec::new();
    for (workload, more) in [("compile/list", ""), ("compile/needs", "\n    needs: [s0]")] {
        for units in size.steps(1_000) {
            progress(&format!("{workload} of {units}"));
            let first = "  - id: s0\n    uses: work\n".to_owned();
            let rest = (1..units).map(|at| format!("  - id: s{at}\n    uses: work{more}\n"));
            let steps: String = std::iter::once(first).chain(rest).collect();
            let text = format!("drawloom: 1\nname: bench\nsteps:\n{steps}");
            let (mut cost, mut limit) = (f64::INFINITY, f64::INFINITY);
            for _ in clock::rounds() {
                cost = cost.min(clock::thread(|| black_box(blueprint(&text))).0);
                let source = Source::new("bench.yaml", text.clone());
                limit = limit.min(clock::thread(|| black_box(drawloom_lang::parse(&source))).0);
            }
            rows.push(Row::time(
                What { workload, unit: "step", units, limit_is: "parsing the same text" },
                cost,
                limit,
            ));
        }
    }
    rows
}

/// The blueprint of a workload's text.
pub(crate) fn blueprint(text: &str) -> Blueprint {
    let kind = |name: &str| KindInfo {
        name: name.to_owned(),
        placement: Placement::Local,
        place: None,
        schema: serde_json::json!({ "type": "object" }),
    };
    let kinds = Kinds::new([kind("work"), kind("shell")]);
    let options = Options { optimise: Optimise::On, kinds: &kinds, children: &BTreeMap::new() };
    let compiled = compile(&Source::new("bench.yaml", text.to_owned()), &options);
    compiled.map(|it| it.blueprint).expect("invariant: the workloads compile")
}
