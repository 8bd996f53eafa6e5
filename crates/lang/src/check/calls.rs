//! Filters, tests and functions: whether they exist, and whether they get as many arguments as they take.

use drawloom_blueprint::expr::{FILTERS, FUNCTIONS, TESTS};
use minijinja::machinery::{
    Span as TokenSpan,
    ast::{Call, CallArg, Expr},
};

use crate::{Code, Diagnostic, Span, diagnostic::did_you_mean, limits, template::Expression};

/// A filter, test or function in an expression.
pub(super) struct Called<'e, 'a> {
    name: &'a str,
    args: &'e [CallArg<'a>],
    /// Where the name stands.
    place: Span,
}

impl<'e, 'a> Called<'e, 'a> {
    /// What is called `name` behind the part `of` of the part `whole`.
    pub(super) fn behind(
        expression: &Expression<'a>,
        (name, args): (&'a str, &'e [CallArg<'a>]),
        of: Option<&Expr<'a>>,
        whole: TokenSpan,
    ) -> Self {
        let from = of.map_or(whole.start_offset, |it| it.span().end_offset);
        let rest = expression.source.get(from as usize..).unwrap_or_default();
        let at = rest.find(name).and_then(|at| u32::try_from(at).ok());
        let length = u32::try_from(name.len()).ok();
        let place = at.zip(length).map_or(whole, |(at, length)| {
            let start_offset = from + at;
            TokenSpan { start_offset, end_offset: start_offset + length, ..whole }
        });
        Self { name, args, place: expression.place(place) }
    }
}

/// Arguments in order, at least and at most, of the filters that do not take any number of them.
const FILTER_ARGUMENTS: &[(&str, usize, usize)] = &[
    ("abs", 0, 0),
    ("attr", 1, 1),
    ("batch", 1, 2),
    ("bool", 0, 0),
    ("capitalize", 0, 0),
    ("count", 0, 0),
    ("d", 0, 2),
    ("default", 0, 2),
    ("dictsort", 0, 0),
    ("first", 0, 0),
    ("float", 0, 1),
    ("fromjson", 0, 0),
    ("groupby", 0, 1),
    ("indent", 1, 3),
    ("int", 0, 2),
    ("items", 0, 0),
    ("join", 0, 1),
    ("keys", 0, 0),
    ("last", 0, 0),
    ("length", 0, 0),
    ("lines", 0, 0),
    ("list", 0, 0),
    ("lower", 0, 0),
    ("max", 0, 0),
    ("min", 0, 0),
    ("rejectattr", 1, usize::MAX),
    ("replace", 2, 2),
    ("reverse", 0, 0),
    ("round", 0, 2),
    ("selectattr", 1, usize::MAX),
    ("slice", 1, 2),
    ("sort", 0, 0),
    ("split", 0, 2),
    ("string", 0, 0),
    ("sum", 0, 2),
    ("title", 0, 0),
    ("tojson", 0, 0),
    ("trim", 0, 1),
    ("unique", 0, 0),
    ("upper", 0, 0),
    ("urlencode", 0, 0),
    ("values", 0, 0),
];

/// The tests that compare with something; all others take no argument.
const COMPARING: &[&str] = &[
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "le",
    "lessthan",
    "lt",
    "ne",
    "sameas",
    "startingwith",
];

/// `did you mean …?`, where it is still going to be read: looking for it costs more than everything else here.
fn like(name: &str, known: &[&str], problems: &[Diagnostic]) -> Option<String> {
    (problems.len() < limits::DIAGNOSTICS).then(|| did_you_mean(name, known.iter().copied()))?
}

/// Checks a filter.
pub(super) fn filter(expression: &Expression, it: &Called, problems: &mut Vec<Diagnostic>) {
    let name = it.name;
    if !FILTERS.contains(&name) {
        let help = like(name, FILTERS, problems).or_else(|| elsewhere(name, "filter"));
        let message = format!("unknown filter `{name}`");
        problems.push(Diagnostic::new(Code::UnknownFilter, it.place, message).maybe_help(help));
        return;
    }
    if let Some((_, least, most)) = FILTER_ARGUMENTS.iter().find(|(known, ..)| *known == name) {
        count(it, ("filter", *least, *most), problems);
    }
    // These take the name of a filter or a test as a text.
    let named = |at: usize| match it.args.get(at) {
        Some(CallArg::Pos(Expr::Const(it))) => it.value.as_str().map(|name| (name.to_owned(), it.span())),
        _ => None,
    };
    let (argument, known, code, what) = match name {
        "map" => (named(0), FILTERS, Code::UnknownFilter, "filter"),
        "select" | "reject" => (named(0), TESTS, Code::UnknownTest, "test"),
        "selectattr" | "rejectattr" => (named(1), TESTS, Code::UnknownTest, "test"),
        _ => return,
    };
    let Some((named, span)) = argument else { return };
    let is_sign = what == "test" && matches!(named.as_str(), "==" | "!=" | "<" | "<=" | ">" | ">=");
    if !is_sign && !known.contains(&named.as_str()) {
        let problem = Diagnostic::new(code, expression.place(span), format!("unknown {what} `{named}`"));
        let help = like(&named, known, problems);
        problems.push(problem.maybe_help(help));
    }
}

/// Checks a test.
pub(super) fn test(it: &Called, problems: &mut Vec<Diagnostic>) {
    let name = it.name;
    if !TESTS.contains(&name) {
        let help = like(name, TESTS, problems).or_else(|| elsewhere(name, "test"));
        let message = format!("unknown test `{name}`");
        problems.push(Diagnostic::new(Code::UnknownTest, it.place, message).maybe_help(help));
        return;
    }
    let takes = usize::from(COMPARING.contains(&name));
    count(it, ("test", takes, takes), problems);
}

/// Checks a call.
pub(super) fn call(expression: &Expression, it: &Call, problems: &mut Vec<Diagnostic>) {
    let place = expression.place(it.expr.span());
    let problem = match &it.expr {
        Expr::Var(var) if FUNCTIONS.contains(&var.id) => {
            let called = Called { name: var.id, args: &it.args, place };
            let (least, most) = match var.id {
                "range" => (1, 3),
                "now" => (0, 0),
                _ => (0, 1),
            };
            return count(&called, ("function", least, most), problems);
        }
        Expr::Var(var) => {
            let help = like(var.id, FUNCTIONS, problems).or_else(|| elsewhere(var.id, "function"));
            let known = FUNCTIONS.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
            Diagnostic::new(Code::UnknownFunction, place, format!("unknown function `{}`", var.id))
                .help(help.unwrap_or_else(|| format!("the functions are {known}")))
        }
        Expr::GetAttr(attr) => {
            let message = format!("`{}` is not a function: values have no methods", attr.name);
            let whole = it.expr.span();
            let length = u32::try_from(attr.name.len()).unwrap_or(0);
            let place = expression.place(TokenSpan {
                start_offset: whole.end_offset.saturating_sub(length).max(whole.start_offset),
                ..whole
            });
            let help = method(attr.name).unwrap_or_else(|| "use a filter: `value | filter`".to_owned());
            Diagnostic::new(Code::NotCallable, place, message).help(help)
        }
        _ => Diagnostic::new(Code::NotCallable, place, "this is not a function"),
    };
    problems.push(problem);
}

/// The filter or the like that does what a method of that name does elsewhere.
fn method(name: &str) -> Option<String> {
    let instead = match name {
        "get" => "write `value.name | default(…)`",
        "strip" => "use the filter: `value | trim`",
        "startswith" => "use the test: `value is startingwith(…)`",
        "endswith" => "use the test: `value is endingwith(…)`",
        "toUpperCase" => "use the filter: `value | upper`",
        "toLowerCase" => "use the filter: `value | lower`",
        "toString" => "use the filter: `value | string`",
        "format" => "use the filter: `\"…\" | format(…)`",
        _ if FILTERS.contains(&name) => return Some(format!("use the filter: `value | {name}`")),
        _ => return None,
    };
    Some(instead.to_owned())
}

/// Where a name is known that is not known as what it is used as.
fn elsewhere(name: &str, used_as: &str) -> Option<String> {
    if used_as != "filter" && FILTERS.contains(&name) {
        return Some(format!("`{name}` is a filter: write `value | {name}`"));
    }
    if used_as != "test" && TESTS.contains(&name) {
        return Some(format!("`{name}` is a test: write `value is {name}`"));
    }
    if used_as != "function" && FUNCTIONS.contains(&name) {
        return Some(format!("`{name}` is a function: write `{name}(…)`"));
    }
    let instead = match name {
        "len" | "size" => "the filter for it is `length`",
        "to_json" | "json" | "json_encode" | "to_string" => "the filter for it is `tojson`",
        "from_json" | "json_decode" | "parse_json" => "the filter for it is `fromjson`",
        "str" | "toString" => "the filter for it is `string`",
        "strip" => "the filter for it is `trim`",
        "null" | "nil" => "the test for it is `none`",
        "safe" | "escape" | "e" => "texts are never escaped here: leave it out",
        "empty" => "compare the length: `value | length == 0`",
        "startswith" => "the test for it is `startingwith(…)`",
        "endswith" => "the test for it is `endingwith(…)`",
        _ => return None,
    };
    Some(instead.to_owned())
}

fn count(it: &Called, (what, least, most): (&str, usize, usize), problems: &mut Vec<Diagnostic>) {
    let plain = it.args.iter().all(|it| matches!(it, CallArg::Pos(_)));
    let given = it.args.iter().filter(|it| matches!(it, CallArg::Pos(_))).count();
    let spread = it.args.iter().any(|it| matches!(it, CallArg::PosSplat(_) | CallArg::KwargSplat(_)));
    if spread || (given <= most && (given >= least || !plain)) {
        return;
    }
    let wanted = match (least, most) {
        (0, 0) => "no argument".to_owned(),
        (1, 1) => "one argument".to_owned(),
        (least, most) if least == most => format!("{least} arguments"),
        (least, usize::MAX) => format!("at least {least} argument{}", if least == 1 { "" } else { "s" }),
        (0, most) => format!("at most {most} argument{}", if most == 1 { "" } else { "s" }),
        (least, most) => format!("{least} to {most} arguments"),
    };
    let message = format!("the {what} `{}` takes {wanted}, not {given}", it.name);
    problems.push(Diagnostic::new(Code::BadArguments, it.place, message));
}
