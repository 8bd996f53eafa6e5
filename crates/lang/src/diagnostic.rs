//! What is wrong with a document, and where.
//!
//! **Invariant:** a diagnostic is plain data; how it looks is decided by [`crate::render`] and [`crate::to_json`].

mod code;

use crate::Span;

pub use code::{Code, Severity};

/// One problem of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which problem it is.
    pub code: Code,
    /// Whether the document can be used in spite of it.
    pub severity: Severity,
    /// What is wrong, in plain words.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
    /// Where it is.
    pub span: Span,
    /// The name of the document; filled in by [`crate::parse`] and [`crate::compile`] where it is empty.
    pub path: String,
    /// Other places in the same document that matter.
    pub labels: Vec<Label>,
}

/// Another place that matters for a problem, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where it is.
    pub span: Span,
    /// Why it matters, as a short fragment.
    pub message: String,
}

impl Diagnostic {
    /// A problem with the severity of its code.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, severity: code.severity(), message, help: None, span, path: String::new(), labels: Vec::new() }
    }

    /// The problem with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The problem with advice where there is some.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// The problem with another place that matters.
    #[must_use]
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Whether the document cannot be used because of it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `did you mean …?`, where one of the `known` names is close to what was written.
#[must_use]
pub fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(written, known).map(|it| format!("did you mean `{it}`?"))
}

/// The known name closest to what was written, where one is close enough to be meant.
#[must_use]
pub fn closest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing costs length times length; nobody mistypes a name of a thousand letters.
    const LONGEST: usize = 100;
    if written.is_empty() || written.len() > LONGEST {
        return None;
    }
    let lower = written.to_lowercase();
    let scored = known.into_iter().filter(|it| it.len() <= LONGEST && *it != written).map(|it| {
        let same = it.to_lowercase() == lower;
        (if same { 0 } else { strsim::damerau_levenshtein(written, it) }, it)
    });
    let allowed = (written.chars().count() / 3).clamp(1, 3);
    scored.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, it)| it)
}

#[cfg(test)]
mod tests;
