//! What a run that was rebuilt from its facts has yet to do.

use crate::{
    Effect, Run,
    block::Inside,
    effect::Place,
    frame::Status,
    rule::{Verdict, verdict},
    run::Work,
};

impl Run {
    /// The effects of the past that the process did not live to release, or that died with it: attempts under
    /// way, sub-flows to start, and [`Effect::Continue`] where there is more to decide. Call it once, after the
    /// last fact was applied. All of them may have been released before; receivers must know repetitions by
    /// their ids.
    #[must_use]
    pub fn effects_after_recovery(&mut self) -> Vec<Effect> {
        self.todo.clear();
        let mut effects = Vec::new();
        if self.state.end.is_some() || self.state.started.is_none() {
            return effects;
        }
        for (slot, frame) in self.state.frames.iter().filter(|(_, it)| !it.left) {
            if frame.open == 0 {
                self.todo.push_back(Work::Close(slot));
                continue;
            }
            for (state, step) in frame.steps.iter().zip(self.blueprint.steps_of(frame.scope)) {
                let at = Place { frame: slot, step };
                match state.status {
                    Status::Pending => {
                        let it = self.blueprint.step(step);
                        if verdict(it.rule, it.needs, state.tally) != Verdict::Open {
                            self.todo.push_back(Work::Judge(at));
                        }
                    }
                    Status::Running => effects.extend(self.dispatch_of(at).map(Effect::Dispatch)),
                    Status::Aborting => effects.push(Effect::Abort(self.attempt_id(at))),
                    Status::Waiting => {
                        if let Some(Inside::Flow { run, .. }) = state.block.as_ref().map(|it| &it.what) {
                            effects.extend(self.child_start(at).map(|it| Effect::StartChild(Box::new(it))));
                            if frame.stopping.is_some() || state.block.as_ref().is_some_and(|it| it.timed_out) {
                                effects.push(Effect::CancelChild(*run));
                            }
                        } else {
                            self.todo.push_back(Work::Advance(at));
                        }
                    }
                    _ => {}
                }
            }
        }
        if !self.state.ready.is_empty() {
            self.todo.push_back(Work::Dispatch);
        }
        if !self.todo.is_empty() && self.state.status != drawloom_blueprint::RunStatus::Queued {
            effects.push(Effect::Continue);
        }
        effects
    }
}
