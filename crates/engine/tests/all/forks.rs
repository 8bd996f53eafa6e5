//! Runs that take over successes of others.

use drawloom_blueprint::{RunId, RunStatus, Started, StepIx, Timestamp, Value};
use drawloom_engine::{Input, Run};
use drawloom_lang::Optimise;

use crate::{property::blueprint, world::started};

#[test]
fn steps_that_are_fused_with_one_that_was_taken_over_are_done() {
    let text = "
drawloom: 1
name: fused
steps: [ { id: a, set: { n: 1 } }, { id: b, set: { n: '{{ a.n + 1 }}' } }, { id: c, set: { n: '{{ b.n + 1 }}' } } ]
outputs: { n: '{{ c.n }}' }
";
    let blueprint = blueprint(text, Optimise::On);
    assert!(blueprint.steps[0].fused_next.is_some(), "the optimiser fuses them");
    let started = Started { forked_from: Some(RunId(1)), ..started() };
    for kept in 1..=3_i64 {
        let mut run = Run::new(blueprint.clone().into(), |_, with| Ok(with.clone()));
        let adopt = (0..kept).map(|at| (StepIx(at as u32), Value::object([("n", Value::Int(10 * (at + 1)))])));
        let start = Input::Start { started: Box::new(started.clone()), admitted: true, adopt: adopt.collect() };
        run.handle(start, Timestamp(0));
        let end = run.end().expect("it ends at once");
        assert_eq!(end.status, RunStatus::Succeeded);
        let expected = 10 * kept + (3 - kept);
        assert_eq!(end.outputs.to_json(), format!("{{\"n\":{expected}}}"));
    }
}
