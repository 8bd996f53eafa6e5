//! What the passes did, as data.

use std::fmt;

/// One change to a blueprint. Steps are named by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// An expression was evaluated for good.
    Folded {
        /// What it was.
        from: String,
        /// Its value as JSON, shortened where it is long.
        to: String,
    },
    /// A condition of a step that always holds, or that can no longer be reached, was dropped.
    ConditionDropped {
        /// The step.
        step: String,
        /// The condition.
        condition: String,
    },
    /// An arm of a switch that can never be taken was dropped.
    ArmDropped {
        /// The switch.
        step: String,
        /// The name of the arm's scope.
        arm: String,
    },
    /// An arm of a switch is taken whenever it is reached.
    ArmCertain {
        /// The switch.
        step: String,
        /// The name of the arm's scope.
        arm: String,
    },
    /// A need that follows from other needs was dropped.
    EdgeDropped {
        /// The step that was needed.
        from: String,
        /// The step that needed it.
        to: String,
        /// The step between them, which brings the same news.
        through: String,
    },
    /// Two inline steps are done in one go.
    Fused {
        /// The first.
        first: String,
        /// The one after it.
        next: String,
    },
    /// A step in a scope that can never be entered was dropped.
    StepDropped {
        /// The step.
        step: String,
    },
    /// Expressions that nothing uses, or that others equal, were dropped.
    ExpressionsDropped {
        /// How many.
        count: usize,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folded { from, to } => write!(f, "{from} is always {to}"),
            Self::ConditionDropped { step, condition } => {
                write!(f, "`{step}`: the condition {condition} decides nothing")
            }
            Self::ArmDropped { step, arm } => write!(f, "`{step}`: the arm `{arm}` is never taken"),
            Self::ArmCertain { step, arm } => write!(f, "`{step}`: the arm `{arm}` is taken whenever it is reached"),
            Self::EdgeDropped { from, to, through } => {
                write!(f, "`{to}` need not wait for `{from}`: `{through}` does, and is waited for")
            }
            Self::Fused { first, next } => write!(f, "`{next}` follows `{first}` in one go"),
            Self::StepDropped { step } => write!(f, "`{step}` can never be reached"),
            Self::ExpressionsDropped { count: 1 } => write!(f, "1 expression is not used or stands twice"),
            Self::ExpressionsDropped { count } => write!(f, "{count} expressions are not used or stand twice"),
        }
    }
}
