//! A text split into what is plain and what is an expression, each expression as a tree.
//!
//! Only `{{` begins an expression; `{%` and `{#` are plain text, because shell commands contain `${#x}`. Within an
//! expression quotes and braces nest, so that `{{ {"a": "}}"} }}` is one.
//!
//! **Invariant:** no tree is deeper than [`crate::limits::TOKENS`], so that walking and dropping one may recurse.

mod split;

use minijinja::{
    Error,
    machinery::{Span as TokenSpan, ast, parse_expr, tokenize},
    syntax::SyntaxConfig,
};

use crate::{Code, Diagnostic, Span, Text, limits};

/// A text, split.
pub struct Template<'a> {
    /// The parts, in order. Where the text is one expression with nothing but spaces around it, there is one part,
    /// and the text means the expression's value; otherwise it means all parts as one text.
    pub parts: Vec<Part<'a>>,
}

/// A part of a text.
pub enum Part<'a> {
    /// Plain text.
    Plain(&'a str),
    /// An expression.
    Expr(Expression<'a>),
}

/// What stands between `{{` and `}}`.
pub struct Expression<'a> {
    /// The source, without the braces and the spaces around it.
    pub source: &'a str,
    /// The tree.
    pub ast: ast::Expr<'a>,
    /// Where it stands in the document, without braces and spaces.
    pub span: Span,
    text: &'a Text,
    offset: usize,
}

impl<'a> Template<'a> {
    /// Splits a text, and reads its expressions. Those that cannot be read are reported and left out.
    pub fn parse(text: &'a Text, problems: &mut Vec<Diagnostic>) -> Self {
        let mut parts = Vec::new();
        for piece in split::split(&text.value) {
            match piece {
                Ok(split::Piece::Plain(it)) => parts.push(Part::Plain(it)),
                Ok(split::Piece::Expr(range)) => match Expression::parse(text, range) {
                    Ok(it) => parts.push(Part::Expr(it)),
                    Err(problem) => problems.push(problem),
                },
                Err(unclosed) => problems.push(unclosed.report(text)),
            }
        }
        let one = parts.iter().filter(|it| matches!(it, Part::Expr(_))).count() == 1;
        if one && parts.iter().all(|it| matches!(it, Part::Expr(_)) || it.is_blank()) {
            parts.retain(|it| matches!(it, Part::Expr(_)));
        }
        Self { parts }
    }

    /// The expression whose value the text means, where it is one.
    #[must_use]
    pub fn single(&self) -> Option<&Expression<'a>> {
        match self.parts.as_slice() {
            [Part::Expr(it)] => Some(it),
            _ => None,
        }
    }

    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression<'a>> {
        self.parts.iter().filter_map(|it| if let Part::Expr(it) = it { Some(it) } else { None })
    }
}

impl Part<'_> {
    fn is_blank(&self) -> bool {
        matches!(self, Part::Plain(it) if it.trim().is_empty())
    }
}

/// Whether a text has an expression in it, or the beginning of one.
#[must_use]
pub fn has_expressions(text: &str) -> bool {
    text.contains("{{")
}

impl<'a> Expression<'a> {
    /// Reads the part `range` of a text as an expression.
    fn parse(text: &'a Text, range: std::ops::Range<usize>) -> Result<Self, Diagnostic> {
        let raw = &text.value[range.clone()];
        let source = raw.trim();
        let offset = range.start + (raw.len() - raw.trim_start().len());
        let span = text.place(offset..offset + source.len());
        if source.is_empty() {
            let whole = text.place(range.start.saturating_sub(2)..(range.end + 2).min(text.value.len()));
            return Err(Diagnostic::new(Code::EmptyExpression, whole, "there is nothing between `{{` and `}}`"));
        }
        let tokens = tokenize(source, true, SyntaxConfig::default()).map_while(Result::ok);
        if tokens.take(limits::TOKENS + 1).count() > limits::TOKENS {
            let message = format!("the expression has more than {} words and signs", limits::TOKENS);
            return Err(Diagnostic::new(Code::ExpressionTooLong, span, message)
                .help("split it over several steps with `set`, or put constants into `vars`"));
        }
        match parse_expr(source) {
            Ok(ast) => Ok(Self { source, ast, span, text, offset }),
            Err(error) => {
                let range = error.range().filter(|it| it.end <= source.len()).unwrap_or(0..source.len());
                let place = text.place(offset + range.start..offset + range.end);
                Err(Diagnostic::new(Code::ExpressionSyntax, place, explain(&error)))
            }
        }
    }

    /// Where a part of the tree stands in the document.
    #[must_use]
    pub fn place(&self, part: TokenSpan) -> Span {
        self.text.place(self.offset + part.start_offset as usize..self.offset + part.end_offset as usize)
    }
}

fn explain(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("the expression cannot be read: {detail}"),
        None => "the expression cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests;
