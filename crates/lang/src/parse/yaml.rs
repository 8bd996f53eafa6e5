//! Text to [`Node`]: YAML 1.2, of which JSON is a part, event by event.
//!
//! **Invariant:** time and memory are bounded by the document's size and [`limits`], whatever the document; the
//! tree is no deeper than [`limits::DEPTH`].

mod failure;
mod place;
mod scalar;
mod tree;

use saphyr_parser::{Event, Parser};

use crate::{Code, Diagnostic, Node, Source, Span, limits};
use place::Places;
use tree::Tree;

/// The tree of a document, or nothing where it is not one. Problems that leave a tree are reported as well.
pub(super) fn read(source: &Source, problems: &mut Vec<Diagnostic>) -> Option<Node> {
    match try_read(source, problems) {
        Ok(node) => Some(node),
        Err(problem) => {
            problems.push(*problem);
            None
        }
    }
}

type Stop = Box<Diagnostic>;

fn stop(code: Code, span: Span, message: impl Into<String>) -> Stop {
    Box::new(Diagnostic::new(code, span, message))
}

fn try_read(source: &Source, problems: &mut Vec<Diagnostic>) -> Result<Node, Stop> {
    check_text(source.text())?;
    let joined = place::join_surrogates(source.text());
    let places = Places::new(&joined);
    let mut parser = Parser::new_from_str(&joined.text);
    let mut tree = Tree::new(source, problems);
    let mut documents = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|it| failure::explain(&it, source, &places))?;
        let span = places.span(span);
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err(several(source, span));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.is_some(), source, span)?;
                tree.scalar(text, style, (anchor, span))?;
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.is_some(), source, span)?;
                tree.open_list(anchor, span)?;
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.is_some(), source, span)?;
                tree.open_object(anchor, span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => tree.close(span)?,
            Event::Alias(anchor) => tree.alias(anchor, span)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }
    tree.root().ok_or_else(|| {
        let help = "a flow begins with `drawloom: 1`, `name: …` and `steps: …`";
        Box::new(Diagnostic::new(Code::EmptyDocument, Span::default(), "the document is empty").help(help))
    })
}

/// Refuses what no reader should have to look at.
fn check_text(text: &str) -> Result<(), Stop> {
    if text.len() > limits::DOCUMENT {
        return Err(stop(Code::DocumentTooLarge, Span::default(), too_large(text.len())));
    }
    let control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    match text.bytes().position(control) {
        Some(at) => {
            let message = format!("the control character U+{:04X} stands here", text.as_bytes()[at]);
            let problem = Diagnostic::new(Code::ControlCharacter, Span::new(at, at + 1), message);
            Err(Box::new(
                problem.help("in a text in double quotes it can be written as an escape, such as \"\\u0000\""),
            ))
        }
        None => Ok(()),
    }
}

pub(super) fn too_large(bytes: usize) -> String {
    format!("the document has {bytes} bytes; at most {} are read", limits::DOCUMENT)
}

fn refuse_tag(tagged: bool, source: &Source, span: Span) -> Result<(), Stop> {
    if !tagged {
        return Ok(());
    }
    // The event stands at the value; the tag stands before it, or is all there is.
    let before = &source.text()[..span.start as usize];
    let start =
        before.rfind('!').filter(|at| !before[*at..].contains(['\n', ',', ':'])).map_or(span.start as usize, |at| {
            before[..at].rfind(|it: char| it != '!' && !it.is_alphanumeric()).map_or(0, |it| it + 1)
        });
    let start = if source.text().is_char_boundary(start) { start } else { span.start as usize };
    Err(Box::new(
        Diagnostic::new(Code::TagRefused, Span::new(start, span.end as usize), "tags have no meaning in flows")
            .help("leave the tag out; a text that looks like a number or a boolean goes into quotes"),
    ))
}

fn several(source: &Source, span: Span) -> Stop {
    let span = if span.start == span.end { Span::new(span.start as usize, source.text().len()) } else { span };
    let problem =
        Diagnostic::new(Code::SeveralDocuments, span, "a second document begins here; one file holds one flow");
    Box::new(problem.help("put each flow into a file of its own"))
}
