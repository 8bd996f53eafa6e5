//! All checks of a flow against itself, the kinds and its sub-flows.

use crate::{Diagnostic, Options, model::Flow};

/// Reports every problem of a flow that could be read.
pub(crate) fn check(_flow: &Flow, _options: &Options, _problems: &mut Vec<Diagnostic>) {}
