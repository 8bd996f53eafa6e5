//! When a step may run, said once more and in another way than the engine says it.

use drawloom_blueprint::TriggerRule;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Succeeded,
    /// It failed and nothing says that this counts as handled.
    Failed,
    Skipped,
    UpstreamFailed,
    Cancelled,
}

impl End {
    fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::UpstreamFailed | Self::Cancelled)
    }
}

/// Whether a step whose needs have ended so (none: not yet) may begin.
pub(crate) fn may_run(rule: TriggerRule, needs: &[Option<End>]) -> bool {
    use TriggerRule as R;
    let any = |holds: fn(End) -> bool| needs.iter().flatten().any(|it| holds(*it));
    let all = |holds: fn(End) -> bool| needs.iter().all(|it| it.is_some_and(holds));
    let ended = all(|_| true);
    if needs.is_empty() {
        return true;
    }
    match rule {
        R::Always => true,
        R::OneSuccess => any(|it| it == End::Succeeded),
        R::OneFailed => any(End::is_bad),
        R::OneDone => any(|it| matches!(it, End::Succeeded | End::Failed | End::Cancelled)),
        R::AllSuccess => all(|it| it == End::Succeeded),
        R::AllFailed => all(End::is_bad),
        R::AllSkipped => all(|it| it == End::Skipped),
        R::AllDone => ended,
        R::NoneFailed => ended && !any(End::is_bad),
        R::NoneSkipped => ended && !any(|it| it == End::Skipped),
        R::NoneFailedMinOneSuccess => ended && !any(End::is_bad) && any(|it| it == End::Succeeded),
        R::AllDoneMinOneSuccess => ended && !any(|it| it == End::Skipped) && any(|it| it == End::Succeeded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_wait_for_what_they_name() {
        use End::{Failed, Skipped, Succeeded};
        assert!(may_run(TriggerRule::AllSuccess, &[Some(Succeeded), Some(Succeeded)]));
        assert!(!may_run(TriggerRule::AllSuccess, &[Some(Succeeded), None]));
        assert!(may_run(TriggerRule::OneSuccess, &[Some(Succeeded), None]));
        assert!(!may_run(TriggerRule::AllDone, &[Some(Skipped), None]));
        assert!(may_run(TriggerRule::NoneFailed, &[Some(Skipped), Some(Succeeded)]));
        assert!(!may_run(TriggerRule::NoneFailed, &[Some(Skipped), Some(Failed)]));
    }
}
