//! Filters in words: `flow = x and failed at step y since 1h`.

use super::{Query, instant, status};
use crate::failure::Failure;

const HELP: &str = "terms, joined by `and`: flow = NAME, status = STATE (or just the state), failed at step STEP, \
                    label NAME = VALUE, since AGE, before AGE";

/// Reads a filter.
pub(super) fn read(text: &str) -> Result<Query, Failure> {
    let words = split(text)?;
    let mut rest = words.iter().map(String::as_str).peekable();
    let mut query = Query::default();
    while let Some(word) = rest.next() {
        let mut value = |after: &str| {
            if rest.peek() == Some(&"=") {
                rest.next();
            }
            rest.next().map(str::to_owned).ok_or_else(|| wrong(&format!("nothing stands after `{after}`")))
        };
        match word {
            "and" => {}
            "flow" => query.flow = Some(value(word)?),
            "status" => query.status.push(status(&value(word)?)?),
            "label" => {
                let name = value(word)?;
                query.labels.insert(name.clone(), value(&name)?);
            }
            "since" => query.since = Some(instant(&value(word)?)?),
            "before" => query.before = Some(instant(&value(word)?)?),
            "at" => match value(word)?.as_str() {
                "step" => query.failed_at = Some(value("at step")?),
                other => return Err(wrong(&format!("`at {other}` is not known"))),
            },
            state => query.status.push(status(state).map_err(|_| wrong(&format!("`{state}` is not known")))?),
        }
    }
    if query == Query::default() { Err(wrong("it says nothing")) } else { Ok(query) }
}

fn wrong(why: &str) -> Failure {
    Failure::usage(format!("--where: {why}")).help(HELP)
}

/// The words and signs of a text; quotes hold a word with spaces together.
fn split(text: &str) -> Result<Vec<String>, Failure> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in text.chars() {
        let last = words.len() - 1;
        match (quote, letter) {
            (Some(open), it) if it == open => quote = None,
            (Some(_), it) => words[last].push(it),
            (None, '\'' | '"') => quote = Some(letter),
            (None, '=') => words.extend(["=".to_owned(), String::new()]),
            (None, it) if it.is_whitespace() => words.push(String::new()),
            (None, it) => words[last].push(it),
        }
    }
    if quote.is_some() {
        return Err(wrong("a quote is not closed"));
    }
    words.retain(|it| !it.is_empty());
    Ok(words)
}

#[cfg(test)]
mod tests {
    use drawloom_blueprint::RunStatus;

    use super::*;

    #[test]
    fn words_are_read() {
        let query =
            read("flow = order-report and failed at step publish since 2026-01-31T00:00:00Z").expect("a filter");
        assert_eq!(query.flow.as_deref(), Some("order-report"));
        assert_eq!(query.status, [RunStatus::Failed]);
        assert_eq!(query.failed_at.as_deref(), Some("publish"));
        assert!(query.since.is_some());
        let query = read("label team='data team' and status=paused before 7d").expect("a filter");
        assert_eq!(query.labels.get("team").map(String::as_str), Some("data team"));
        assert_eq!(query.status, [RunStatus::Paused]);
        assert!(query.before.is_some());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in
            ["", "and", "flow =", "colour = red", "failed at dawn", "since yesterday", "status = good", "flow = 'x"]
        {
            assert!(read(text).is_err_and(|it| it.code() == 2), "{text}");
        }
    }
}
