//! The number of arguments that filters, tests and functions take, against those that run the expressions.

use drawloom_blueprint::{
    ExprIx, Timestamp,
    expr::{Expr, FILTERS, FUNCTIONS, Found, Names, TESTS, eval},
};

use super::said;
use crate::Code;

struct Nothing;

impl Names for Nothing {
    fn find(&self, name: &str) -> Found {
        Found::Missing(name.into())
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}

/// Whether the evaluator finds fault with the number of arguments, whatever the types of the others.
fn is_refused(expression: &str) -> bool {
    let roots = if expression.starts_with("now(") { vec!["now".to_owned()] } else { Vec::new() };
    let expr = Expr::jinja(expression.to_owned(), roots);
    let error = eval(std::slice::from_ref(&expr), ExprIx(0), &Nothing).err().map(|it| it.message);
    error.is_some_and(|it| it.contains("too many arguments") || it.contains("missing argument"))
}

/// What may stand before a filter or test, and what may be its arguments.
const VALUES: [&str; 7] = ["1", "'a'", "[1, 2]", "[[1, 2]]", "{'a': 1}", "true", "'{}'"];
const MOST: usize = 6;

/// `name` with so many arguments, the first of which and the rest of which are the same.
fn called((shape, name): (&str, &str), value: &str, (first, rest): (&str, &str), count: usize) -> String {
    let arguments: Vec<&str> = std::iter::once(first).chain(std::iter::repeat(rest)).take(count).collect();
    let arguments = arguments.join(", ");
    match shape {
        "filter" => format!("{value} | {name}({arguments})"),
        "test" => format!("{value} is {name}({arguments})"),
        _ => format!("{name}({arguments})"),
    }
}

#[test]
fn the_checker_counts_arguments_as_the_evaluator_does() {
    let mut wrong = Vec::new();
    for (shape, names) in [("filter", FILTERS), ("test", TESTS), ("function", FUNCTIONS)] {
        for name in names {
            for count in 0..=MOST {
                // A wrong type may be found before the number of arguments is, so all are tried.
                let refused = |value, first, rest| is_refused(&called((shape, name), value, (first, rest), count));
                let with = |value, first| VALUES.iter().any(|rest| refused(value, first, rest));
                let theirs = VALUES.iter().any(|value| VALUES.iter().any(|first| with(value, first)));
                let text = called((shape, name), VALUES[2], (VALUES[0], VALUES[0]), count);
                let flow = format!("drawloom: 1\nname: x\nsteps: [{{ id: s, set: {{ v: \"{{{{ {text} }}}}\" }} }}]\n");
                let ours = said(&[("x.yaml", &flow)]).iter().any(|it| it.code == Code::BadArguments);
                if ours != theirs {
                    let said = if theirs { "refuses" } else { "takes" };
                    wrong.push(format!("{shape} {name} with {count} arguments: the evaluator {said} them"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
