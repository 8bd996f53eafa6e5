//! Trigger rules: what the ends of its needs mean for a step. The table agrees with Apache Airflow's decisions.

use drawloom_blueprint::TriggerRule;

use crate::frame::Tally;

/// What follows for the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing yet.
    Open,
    /// It runs, if its `when` holds.
    Run,
    /// It is skipped.
    Skip,
    /// It cannot run, because something before it failed.
    UpstreamFailed,
}

/// The verdict on a step with so many `needs`, of which so many have ended.
pub(crate) fn verdict(rule: TriggerRule, needs: u32, tally: Tally) -> Verdict {
    use TriggerRule as R;
    use Verdict::{Open, Run, Skip, UpstreamFailed};
    let Tally { succeeded, failed, skipped, upstream_failed } = tally;
    let bad = failed + upstream_failed;
    let early = match rule {
        R::Always => true,
        R::OneSuccess => succeeded > 0,
        R::OneFailed => bad > 0,
        R::OneDone => succeeded + failed > 0,
        _ => false,
    };
    if early {
        return Run;
    }
    if succeeded + bad + skipped < needs {
        return Open;
    }
    // Without needs there is nothing to hold against a step, whatever its rule.
    if needs == 0 {
        return Run;
    }
    let when = |holds: bool, otherwise: Verdict| if holds { Run } else { otherwise };
    let blame = if bad > 0 { UpstreamFailed } else { Skip };
    match rule {
        R::AllSuccess => when(succeeded == needs, blame),
        R::AllFailed => when(bad == needs, Skip),
        R::AllSkipped => when(skipped == needs, Skip),
        R::AllDone | R::Always => Run,
        R::OneSuccess => blame,
        R::OneFailed | R::OneDone => Skip,
        R::NoneFailed => when(bad == 0, UpstreamFailed),
        R::NoneSkipped => when(skipped == 0, Skip),
        R::NoneFailedMinOneSuccess => when(bad == 0 && succeeded > 0, blame),
        R::AllDoneMinOneSuccess if skipped > 0 => Skip,
        R::AllDoneMinOneSuccess => when(succeeded > 0, UpstreamFailed),
    }
}

#[cfg(test)]
mod tests;
