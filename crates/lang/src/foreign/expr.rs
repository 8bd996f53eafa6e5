//! Conditions and arithmetic in the usual spellings (C-like, with or without `${…}`), as expressions of a flow.
//!
//! **Invariant:** what comes out is an expression that the template engine can parse; everything else is an error
//! in plain words.

use super::text::{Piece, pieces, quoted, reference_end};

/// A name and what is taken of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) root: String,
    pub(super) tail: Vec<Seg>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seg {
    Name(String),
    Index(i64),
}

/// Says what a path of the foreign document is in the flow.
pub(super) type Resolve<'a> = &'a mut dyn FnMut(&Path) -> String;

/// References within references are followed this far.
const DEPTH_MAX: usize = 4;

/// The longest text that is read as an expression.
const LENGTH_MAX: usize = 10_000;

/// `a.b["c"][0]` as a path; names may hold `-` here, as nothing can be subtracted from a whole text.
pub(super) fn path(text: &str) -> Option<Path> {
    let mut reader = Reader { rest: text.trim(), dashes: true };
    let path = reader.path()?;
    reader.rest.is_empty().then_some(path)
}

/// `text` with its references resolved, as one expression of the flow language.
pub(super) fn translate(text: &str, resolve: Resolve<'_>) -> Result<String, String> {
    if text.len() > LENGTH_MAX {
        return Err("it is too long".to_owned());
    }
    let out = expression(text, resolve, DEPTH_MAX)?;
    match minijinja::Environment::new().compile_expression(&out) {
        Ok(_) => Ok(out),
        Err(_) => Err("it is no expression that a flow can hold".to_owned()),
    }
}

/// What stands between `${` and `}`: a path, a path with a default (`a:-b`), or an expression.
pub(super) fn reference(text: &str, resolve: Resolve<'_>) -> Result<String, String> {
    if let Some(path) = path(text) {
        return Ok(resolved(path, resolve));
    }
    if let Some((name, default)) = text.split_once(":-")
        && let Some(path) = path(name)
    {
        return Ok(format!("{} | default({})", primary(resolve(&path)), quoted(default)));
    }
    translate(text, resolve)
}

/// The expression for a path; `a.length` is how long `a` is.
fn resolved(mut path: Path, resolve: Resolve<'_>) -> String {
    if path.tail.last() != Some(&Seg::Name("length".to_owned())) {
        return resolve(&path);
    }
    path.tail.pop();
    format!("{} | length", primary(resolve(&path)))
}

/// The list items and text of `text` joined into one expression.
fn interpolation(text: &str, resolve: Resolve<'_>, depth: usize) -> Result<String, String> {
    let mut parts = Vec::new();
    let pieces = pieces(text);
    let single = pieces.len() == 1;
    for piece in pieces {
        parts.push(match piece {
            Piece::Text(it) if single => return Ok(quoted(&it)),
            Piece::Text(it) => quoted(&it),
            Piece::Reference(it) => primary(inner(it, resolve, depth)?),
        });
    }
    match parts.as_slice() {
        [] => Ok(quoted("")),
        [one] => Ok(format!("({one} ~ '')")),
        _ => Ok(format!("({})", parts.join(" ~ "))),
    }
}

fn inner(text: &str, resolve: Resolve<'_>, depth: usize) -> Result<String, String> {
    match path(text) {
        Some(path) => Ok(resolved(path, resolve)),
        None => expression(text, resolve, depth.checked_sub(1).ok_or("references are nested too deeply")?),
    }
}

/// `text` in brackets, unless it is a single name, path or literal.
pub(super) fn primary(text: String) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']');
    let quoted =
        |quote: char| text.len() >= 2 && text.starts_with(quote) && text[1..].find(quote) == Some(text.len() - 2);
    let bracketed = text.starts_with('(') && closing(&text) == Some(text.len() - 1);
    if text.chars().all(plain) || quoted('"') || quoted('\'') || bracketed { text } else { format!("({text})") }
}

/// Where the bracket is closed that `text` begins with.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            // What stands in quotes may look like a bracket.
            b'"' | b'\'' => return None,
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(at),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn expression(text: &str, resolve: Resolve<'_>, depth: usize) -> Result<String, String> {
    let mut reader = Reader { rest: text, dashes: false };
    let mut out: Vec<String> = Vec::new();
    let mut contains = None;
    loop {
        reader.rest = reader.rest.trim_start();
        let Some(first) = reader.rest.chars().next() else { break };
        let token = if let Some(rest) = reader.rest.strip_prefix("${") {
            let end = reference_end(rest).ok_or("a `${` has no end")?;
            reader.rest = &rest[end + 1..];
            primary(inner(&rest[..end], resolve, depth)?)
        } else if matches!(first, '"' | '\'' | '`') {
            let content = reader.string(first).ok_or("a quoted text has no end")?;
            interpolation(&content, resolve, depth)?
        } else if first.is_ascii_digit() {
            reader.number()
        } else if first.is_alphabetic() || first == '_' {
            let fixed = matches!(out.last().map(String::as_str), Some("|" | "is"));
            match if fixed { reader.fixed()? } else { reader.name(resolve)? } {
                Word::Is(it) => it,
                Word::Contains => {
                    let list = out.pop().ok_or("`contains` has nothing before it")?;
                    let negated = out.last().is_some_and(|it| it == "not") && out.pop().is_some();
                    contains = Some((list, negated));
                    continue;
                }
            }
        } else {
            reader.operator()?.to_owned()
        };
        out.push(match contains.take() {
            Some((list, false)) => format!("({token} in {list})"),
            Some((list, true)) => format!("({token} not in {list})"),
            None => token,
        });
    }
    if out.is_empty() || contains.is_some() {
        return Err("it is not complete".to_owned());
    }
    Ok(ternary(&out).unwrap_or_else(|| joined(&out)))
}

/// `a ? b : c` in the spelling of the template engine, where it stands alone.
fn ternary(tokens: &[String]) -> Option<String> {
    let question = tokens.iter().position(|it| it == "?")?;
    let colon = question + tokens[question..].iter().position(|it| it == ":")?;
    let part = |range: &[String]| primary(joined(range));
    let (condition, yes, no) = (&tokens[..question], &tokens[question + 1..colon], &tokens[colon + 1..]);
    Some(format!("{} if {} else {}", part(yes), part(condition), part(no)))
}

fn joined(tokens: &[String]) -> String {
    let mut out = String::new();
    for token in tokens {
        let tight = out.is_empty() || out.ends_with(['(', '[']) || matches!(token.as_str(), ")" | "]" | "," | "[");
        if !tight {
            out.push(' ');
        }
        out.push_str(token);
    }
    out
}

enum Word {
    Is(String),
    Contains,
}

struct Reader<'a> {
    rest: &'a str,
    /// Whether names may hold `-`.
    dashes: bool,
}

impl Reader<'_> {
    fn identifier(&mut self) -> Option<String> {
        let dashes = self.dashes;
        let inside = |c: char| c.is_alphanumeric() || c == '_' || (dashes && c == '-');
        let end = self.rest.find(|c| !inside(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        (!name.is_empty()).then(|| {
            self.rest = rest;
            name.to_owned()
        })
    }

    fn path(&mut self) -> Option<Path> {
        if !self.rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return None;
        }
        let mut path = Path { root: self.identifier()?, tail: Vec::new() };
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                let name = self.identifier()?;
                path.tail.push(name.parse().map_or(Seg::Name(name), Seg::Index));
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                let end = rest.find(']')?;
                let inner = rest[..end].trim();
                let name = ["\"", "'"].iter().find_map(|quote| inner.strip_prefix(quote)?.strip_suffix(quote));
                path.tail.push(match name {
                    Some(name) => Seg::Name(name.to_owned()),
                    None => Seg::Index(inner.parse().ok()?),
                });
                self.rest = &rest[end + 1..];
            } else {
                return Some(path);
            }
        }
    }

    /// The name of a filter or test, which is no variable.
    fn fixed(&mut self) -> Result<Word, String> {
        self.identifier().map(Word::Is).ok_or_else(|| "a name is missing".to_owned())
    }

    fn name(&mut self, resolve: Resolve<'_>) -> Result<Word, String> {
        let path = self.path().ok_or("a name is not complete")?;
        if self.rest.trim_start().starts_with('(') {
            return self.call(&path, resolve);
        }
        if path.tail.is_empty() {
            match path.root.to_ascii_lowercase().as_str() {
                "contains" => return Ok(Word::Contains),
                it @ ("and" | "or" | "not" | "in" | "is" | "true" | "false" | "none") => {
                    return Ok(Word::Is(it.to_owned()));
                }
                "null" | "nil" | "undefined" => return Ok(Word::Is("none".to_owned())),
                "equals" => return Ok(Word::Is("==".to_owned())),
                _ => {}
            }
        }
        Ok(Word::Is(primary(resolved(path, resolve))))
    }

    /// `len(x)` and its like; everything else has no counterpart.
    fn call(&mut self, path: &Path, resolve: Resolve<'_>) -> Result<Word, String> {
        let filter = match (path.root.to_ascii_lowercase().as_str(), path.tail.len()) {
            ("len" | "length" | "size" | "count", 0) => "length",
            ("lower" | "upper" | "trim" | "int" | "float" | "string", 0) => path.root.as_str(),
            ("str", 0) => "string",
            ("number" | "parsefloat", 0) => "float",
            ("parseint", 0) => "int",
            _ => return Err(format!("there is no function `{}`", path.root)),
        };
        let open = self.rest.trim_start().strip_prefix('(').ok_or("a call has no brackets")?;
        let end = open.find(')').ok_or("a bracket has no end")?;
        self.rest = &open[end + 1..];
        let argument = expression(&open[..end], resolve, 1)?;
        Ok(Word::Is(format!("({} | {filter})", primary(argument))))
    }

    fn string(&mut self, quote: char) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.rest = &self.rest[at + c.len_utf8()..];
                return Some(out);
            }
            if c == '\\' {
                let (_, next) = chars.next()?;
                match next {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    '$' => out.push_str("\\$"),
                    other => out.push(other),
                }
            } else {
                out.push(c);
            }
        }
        None
    }

    fn number(&mut self) -> String {
        let end = self.rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        number.to_owned()
    }

    fn operator(&mut self) -> Result<&'static str, String> {
        const OPERATORS: &[(&str, &str)] = &[
            ("===", "=="),
            ("!==", "!="),
            ("&&", "and"),
            ("||", "or"),
            ("==", "=="),
            ("!=", "!="),
            ("<>", "!="),
            ("<=", "<="),
            (">=", ">="),
            ("=", "=="),
            ("<", "<"),
            (">", ">"),
            ("!", "not"),
            ("+", "+"),
            ("-", "-"),
            ("*", "*"),
            ("/", "/"),
            ("%", "%"),
            ("(", "("),
            (")", ")"),
            ("[", "["),
            ("]", "]"),
            (",", ","),
            ("|", "|"),
            ("~", "~"),
            ("?", "?"),
            (":", ":"),
        ];
        for (theirs, ours) in OPERATORS {
            if let Some(rest) = self.rest.strip_prefix(theirs) {
                self.rest = rest;
                return Ok(ours);
            }
        }
        let c = self.rest.chars().next().unwrap_or(' ');
        Err(format!("`{c}` has no meaning here"))
    }
}
