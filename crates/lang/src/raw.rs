//! Texts that belong to kinds: parameters that a kind takes as they are written.
//!
//! A template for documents has its own `{{ }}`; its kind says so in its schema, and no pass after this one sees
//! expressions in it.
//!
//! **Invariant:** nothing but texts of such parameters changes.

use crate::{
    Data, Kinds, Node,
    model::{Body, Flow, Step, Task},
};

/// What a property of a kind's schema says of itself where its texts are the kind's own.
const KEYWORD: &str = "x-raw";

/// Marks the texts of raw parameters in all steps of a flow.
pub(crate) fn mark(flow: &mut Flow, kinds: &Kinds) {
    steps(&mut flow.steps, kinds);
}

fn steps(all: &mut [Step], kinds: &Kinds) {
    for step in all {
        match &mut step.body {
            Body::Task(it) => {
                task(it, kinds);
                it.compensate.iter_mut().for_each(|it| steps(it, kinds));
            }
            Body::Parallel(it) => it.branches.iter_mut().for_each(|it| steps(&mut it.steps, kinds)),
            Body::If(it) => {
                steps(&mut it.then, kinds);
                it.otherwise.iter_mut().for_each(|it| steps(it, kinds));
            }
            Body::Switch(arms) => arms.iter_mut().for_each(|it| steps(&mut it.steps, kinds)),
            Body::ForEach(it) => steps(&mut it.body, kinds),
            Body::Loop(it) => steps(&mut it.body, kinds),
            Body::Try(it) => {
                steps(&mut it.body, kinds);
                it.catch.iter_mut().chain(&mut it.finally).for_each(|it| steps(it, kinds));
            }
            Body::Group(it) => steps(it, kinds),
            Body::Flow(_) | Body::Wait(_) | Body::Set(_) | Body::Fail(_) | Body::Stop(_) | Body::Broken => {}
        }
    }
}

fn task(task: &mut Task, kinds: &Kinds) {
    let Some(properties) = kinds.get(&task.uses.value).and_then(|it| it.schema.get("properties")) else { return };
    let Some(Data::Object(with)) = task.with.as_mut().map(|it| &mut it.data) else { return };
    for (name, node) in with {
        let is_raw = properties.get(&name.value).and_then(|it| it.get(KEYWORD)) == Some(&true.into());
        if is_raw {
            keep(node);
        }
    }
}

fn keep(node: &mut Node) {
    match &mut node.data {
        Data::Text(it) => node.data = Data::Raw(std::mem::take(&mut it.value)),
        Data::List(it) => it.iter_mut().for_each(keep),
        Data::Object(it) => it.iter_mut().for_each(|(_, it)| keep(it)),
        Data::Null | Data::Bool(_) | Data::Int(_) | Data::UInt(_) | Data::Float(_) | Data::Raw(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use drawloom_blueprint::expr::Expr;
    use serde_json::json;

    use crate::{Compiled, Diagnostic, KindInfo, Kinds, Optimise, Options, Placement, Source, compile};

    fn compiled(with: &str) -> Result<Compiled, Vec<Diagnostic>> {
        let schema = json!({
            "type": "object",
            "properties": {
                "template": { "type": "string", "x-raw": true },
                "parts": { "type": "array", "items": { "type": "string" }, "x-raw": true },
                "data": true
            },
            "additionalProperties": false
        });
        let kind = KindInfo { name: "render".to_owned(), placement: Placement::Local, place: None, schema };
        let options = Options { optimise: Optimise::On, kinds: &Kinds::new([kind]), children: &BTreeMap::new() };
        let steps = format!("try: [{{ id: a, uses: render, with: {with} }}]");
        compile(&Source::new("flow.yaml", format!("drawloom: 1\nname: raw\nsteps: [{{ id: t, {steps} }}]\n")), &options)
    }

    #[test]
    fn texts_of_raw_parameters_reach_the_kind_as_they_are_written() {
        let template = "{% for it in data %}{{ it.name | nothing_known }}{{ {% endfor %} ${{ x }}";
        let it =
            compiled(&format!("{{ template: \"{template}\", parts: [\"{{{{ a }}}}\"], data: \"{{{{ 1 + 1 }}}}\" }}"))
                .unwrap_or_else(|it| panic!("{it:#?}"));
        assert_eq!(it.diagnostics, []);
        let constants: Vec<String> = it
            .blueprint
            .exprs
            .iter()
            .filter_map(|it| match it {
                Expr::Const(it) => Some(it.to_json()),
                _ => None,
            })
            .collect();
        let with = json!({ "template": template, "parts": ["{{ a }}"], "data": 2 }).to_string();
        assert!(constants.contains(&with), "{constants:?}");
    }

    #[test]
    fn other_parameters_are_checked_as_ever() {
        let problems = compiled("{ template: 5, data: \"{{ nobody }}\" }").expect_err("it has errors");
        assert_eq!(problems.len(), 2, "{problems:#?}");
    }
}
