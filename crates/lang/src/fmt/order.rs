//! `id` first in every step, where no comment would be torn from its place.

use super::tree::{Content, Document, Entry, Tree};

/// What a part of a document holds.
#[derive(Clone, Copy)]
enum Holds {
    Flow,
    Steps,
    Step,
    Branches,
    Arms,
}

pub(super) fn order(document: &mut Document) {
    visit(&mut document.root, Holds::Flow);
}

fn visit(tree: &mut Tree, holds: Holds) {
    match (&mut tree.content, holds) {
        (Content::List(_, items, _), Holds::Steps) => items.iter_mut().for_each(|it| visit(&mut it.value, Holds::Step)),
        (Content::List(_, items, _), Holds::Branches) => {
            items.iter_mut().for_each(|it| visit(&mut it.value, Holds::Steps));
        }
        (Content::List(_, items, _), Holds::Arms) => items.iter_mut().for_each(|it| visit(&mut it.value, Holds::Arms)),
        (Content::Map(_, entries, _), _) => {
            if matches!(holds, Holds::Step) {
                id_first(entries);
            }
            for entry in entries {
                if let Some(inner) = inner(name(entry), holds) {
                    visit(&mut entry.value, inner);
                }
            }
        }
        _ => {}
    }
}

fn inner(key: &str, holds: Holds) -> Option<Holds> {
    match (holds, key) {
        (Holds::Flow, "steps") | (Holds::Arms, "do") | (Holds::Branches, _) => Some(Holds::Steps),
        (Holds::Step, "do" | "then" | "else" | "try" | "catch" | "finally" | "group" | "compensate") => {
            Some(Holds::Steps)
        }
        (Holds::Step, "parallel") => Some(Holds::Branches),
        (Holds::Step, "switch") => Some(Holds::Arms),
        _ => None,
    }
}

fn name(entry: &Entry) -> &str {
    match &entry.key.content {
        Content::Plain(it) => it.trim_matches('"'),
        _ => "",
    }
}

fn id_first(entries: &mut [Entry]) {
    let Some(at) = entries.iter().position(|it| name(it) == "id").filter(|it| *it > 0) else { return };
    let plain = |it: &Entry| it.before.is_empty() && it.header.is_none();
    let simple = matches!(entries[at].value.content, Content::Plain(_)) && entries[at].value.anchor.is_none();
    if simple && plain(&entries[at]) && plain(&entries[0]) {
        entries[..=at].rotate_right(1);
        let (own, first) = (entries[0].blank, entries[1].blank);
        (entries[0].blank, entries[1].blank) = (first, own);
    }
}
