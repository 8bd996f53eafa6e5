//! What the checks think that a step waits for is what the blueprint says.

use std::collections::{BTreeMap, BTreeSet};

use drawloom_blueprint::{Blueprint, StepIx};
use proptest::prelude::*;

use super::*;
use crate::{Kinds, Optimise, Options, Source, check::needs, check::suggest::Suggest, emit, parse};

/// A step or a group of steps, with positions of steps before it that it needs, if it says so, and a rule.
#[derive(Clone, Debug)]
struct Item {
    needs: Option<Vec<usize>>,
    rule: Option<usize>,
    group: Option<Vec<Item>>,
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let needs = || prop::option::of(prop::collection::vec(0_usize..100, 0..3));
    let rule = || prop::option::weighted(0.3, 0..TriggerRule::ALL.len());
    let step = (needs(), rule()).prop_map(|(needs, rule)| Item { needs, rule, group: None });
    let item = step.prop_recursive(3, 24, 5, move |inner| {
        let group = prop::collection::vec(inner, 0..5);
        (needs(), rule(), group).prop_map(|(needs, rule, group)| Item { needs, rule, group: Some(group) })
    });
    prop::collection::vec(item, 1..8)
}

/// Writes items down. `closed` holds the ids that later ones may need.
fn write(items: &[Item], count: &mut usize, closed: &mut Vec<String>) -> String {
    let mut texts = Vec::new();
    for item in items {
        let id = format!("s{count}");
        *count += 1;
        let pick = |at: &usize| closed.get(at % closed.len().max(1)).cloned();
        let needs = item.needs.as_ref().map(|it| it.iter().filter_map(pick).collect::<BTreeSet<_>>());
        let needs = needs.map(|it| format!("needs: [{}], ", it.into_iter().collect::<Vec<_>>().join(", ")));
        let rule = item.rule.map(|it| format!("run_if: {}, ", TriggerRule::ALL[it].0));
        let form = match &item.group {
            Some(it) => format!("group: [{}]", write(it, count, closed)),
            None => "set: {}".to_owned(),
        };
        texts.push(format!("{{id: {id}, {}{}{form}}}", needs.unwrap_or_default(), rule.unwrap_or_default()));
        closed.push(id);
    }
    texts.join(", ")
}

type Waits = BTreeMap<String, (BTreeSet<String>, TriggerRule)>;

fn by_plan(plan: &Plan) -> Waits {
    let steps = plan.steps().filter(|(no, _)| !plan.is_group(*no));
    let waits = steps.map(|(no, step)| {
        let needs = plan
            .before(no)
            .iter()
            .flat_map(|it| if plan.is_group(*it) { plan.before(*it).to_vec() } else { vec![*it] });
        let needs = needs.map(|it| plan.id(it).to_owned()).collect();
        (step.id.value.clone(), (needs, plan.entry(no).rule))
    });
    waits.collect()
}

fn by_blueprint(blueprint: &Blueprint) -> Waits {
    let mut waits: Waits = blueprint.steps.iter().map(|it| (it.id.clone(), (BTreeSet::new(), it.rule))).collect();
    for (from, at) in blueprint.steps.iter().zip(0..) {
        for to in blueprint.next(StepIx(at)) {
            let needs = waits.get_mut(&blueprint.step(*to).id).map(|it| &mut it.0);
            needs.expect("invariant: edges lead to steps").insert(from.id.clone());
        }
    }
    waits
}

proptest! {
    #[test]
    fn steps_wait_for_what_the_blueprint_says(items in items()) {
        let steps = write(&items, &mut 0, &mut Vec::new());
        let source = Source::new("flow.yaml", format!("{{drawloom: 1, name: test, steps: [{steps}]}}"));
        let flow = parse(&source).0.expect("a flow");
        let mut plan = Plan::new(&flow);
        let mut problems = Vec::new();
        needs::resolve(&mut plan, &mut Suggest::new(), &mut problems);
        prop_assert_eq!(problems, []);
        let (kinds, children) = (Kinds::default(), BTreeMap::new());
        let options = Options { optimise: Optimise::Off, kinds: &kinds, children: &children };
        let (blueprint, _) = emit::emit(&flow, &options);
        prop_assert_eq!(by_plan(&plan), by_blueprint(&blueprint), "{}", steps);
    }
}
