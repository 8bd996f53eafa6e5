//! Lists and objects in brackets: on one line, or, in documents that are in brackets altogether, on several.

use super::tree::{Content, Layout, Tree};

/// The widest line on which a list or object in brackets is kept.
pub(super) const WIDTH: usize = 100;

/// `tree` on one line; nothing where a comment or a text of several lines is in it.
pub(super) fn inline(tree: &Tree) -> Option<String> {
    inner(tree).filter(|_| tree.content_is_quiet())
}

fn inner(tree: &Tree) -> Option<String> {
    let body = match &tree.content {
        Content::Nothing => "null".to_owned(),
        Content::Plain(it) => it.clone(),
        Content::Lines(_) | Content::Block(_) => return None,
        Content::Map(Layout::Block, ..) | Content::List(Layout::Block, ..) => return None,
        Content::Map(_, _, foot) | Content::List(_, _, foot) if !foot.is_empty() => return None,
        Content::Map(_, entries, _) => {
            let members = entries.iter().map(|it| {
                let quiet = it.before.is_empty() && it.header.is_none() && it.value.trailing.is_none();
                let value = quiet.then(|| inner(&it.value))??;
                Some(format!("{}: {value}", inner(&it.key)?))
            });
            let members = members.collect::<Option<Vec<_>>>()?;
            if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) }
        }
        Content::List(_, items, _) => {
            let items = items.iter().map(|it| {
                let quiet = it.before.is_empty() && it.header.is_none() && it.value.trailing.is_none();
                quiet.then(|| inner(&it.value))?
            });
            format!("[{}]", items.collect::<Option<Vec<_>>>()?.join(", "))
        }
    };
    Some(match &tree.anchor {
        Some(anchor) => format!("{anchor} {body}"),
        None => body,
    })
}

impl Tree {
    /// Whether it has no lines of its own.
    fn content_is_quiet(&self) -> bool {
        !matches!(self.content, Content::Lines(_) | Content::Block(_))
    }
}
