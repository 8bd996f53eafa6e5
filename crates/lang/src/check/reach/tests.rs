use proptest::prelude::*;

use super::*;
use crate::{
    Source,
    check::{needs, suggest::Suggest},
    model::Flow,
    parse,
};

/// A flow in which each step needs earlier ones of these distances, or the one before where there are none.
fn flow(distances: &[Vec<usize>]) -> Flow {
    let step = |(at, distances): (usize, &Vec<usize>)| {
        let needs = distances.iter().filter_map(|it| at.checked_sub(*it)).map(|it| format!("s{it}"));
        let needs: Vec<String> = needs.collect();
        let needs = if needs.is_empty() { String::new() } else { format!("needs: [{}], ", needs.join(", ")) };
        format!("{{id: s{at}, {needs}set: {{}}}}")
    };
    let steps: Vec<String> = distances.iter().enumerate().map(step).collect();
    let text = format!("{{drawloom: 1, name: test, steps: [{}]}}", steps.join(", "));
    parse(&Source::new("flow.yaml", text)).0.expect("a flow")
}

/// The answer by walking the graph.
fn walk(plan: &Plan, it: Question) -> bool {
    let (mut open, mut seen) = (vec![it.from], std::collections::BTreeSet::new());
    while let Some(no) = open.pop() {
        for before in plan.before(no) {
            if *before == it.target {
                return true;
            }
            if seen.insert(*before) {
                open.push(*before);
            }
        }
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn all_answers_are_those_of_a_walk(distances in prop::collection::vec(prop::collection::vec(1_usize..40, 0..4), 1..150)) {
        let flow = flow(&distances);
        let mut plan = Plan::new(&flow);
        needs::resolve(&mut plan, &mut Suggest::new(), &mut Vec::new());
        let order = Order::new(&plan);
        let graph = Graph::new(&plan, &order, |_| true);
        let steps = || (0..distances.len()).map(StepNo::new);
        let questions: Vec<Question> =
            steps().flat_map(|from| steps().map(move |target| Question { from, target })).collect();
        for (question, answer) in questions.iter().zip(graph.answer(&questions)) {
            prop_assert_eq!(answer, walk(&plan, *question), "{:?}", question);
        }
    }
}

#[test]
fn more_than_64_targets_are_answered_in_turns() {
    // Two interleaved chains that meet at the end only, so that the tree answers for one of them.
    let mut distances: Vec<Vec<usize>> = (0..400).map(|_| vec![2]).collect();
    distances.push(vec![1, 2]);
    let flow = flow(&distances);
    let mut plan = Plan::new(&flow);
    needs::resolve(&mut plan, &mut Suggest::new(), &mut Vec::new());
    let order = Order::new(&plan);
    let graph = Graph::new(&plan, &order, |_| true);
    let questions: Vec<Question> =
        (0..400).map(|at| Question { from: StepNo::new(400), target: StepNo::new(at) }).collect();
    assert!(graph.answer(&questions).into_iter().all(|it| it));
}
