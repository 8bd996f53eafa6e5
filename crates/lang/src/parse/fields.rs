//! The keys of one object, taken one by one; what is left over is not known there.

use super::reader::{Field, Reader, list};
use crate::{
    Code, Diagnostic, Node, Span, Spanned,
    diagnostic::{closest, did_you_mean},
    node::Members,
};

/// The members of an object that have not been taken.
pub(super) struct Fields {
    members: Vec<Option<(Spanned<String>, Node)>>,
    asked: Vec<&'static str>,
    /// Where to point at when something is missing.
    pub(super) at: Span,
    what: &'static str,
}

impl Fields {
    /// The members of an object that is `what` (`a step`).
    pub(super) fn new(members: Members, at: Span, what: &'static str) -> Self {
        Self { members: members.into_iter().map(Some).collect(), asked: Vec::new(), at, what }
    }

    /// The members of the object in `field`; anything else is reported.
    pub(super) fn of(reader: &mut Reader, field: Field, what: &'static str) -> Option<Self> {
        let at = field.at;
        match field.node.data {
            crate::Data::Object(members) => Some(Self::new(members, at, what)),
            _ => {
                reader.wrong(&field, "an object");
                None
            }
        }
    }

    /// Takes the member `key`, where there is one.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Field> {
        self.asked.push(key);
        self.slot(key)?.take().map(|(name, node)| Field { key, at: name.span, node })
    }

    /// Takes the member `key`; reports where there is none. A key that was meant to be it is taken for it.
    pub(super) fn need(&mut self, reader: &mut Reader, key: &'static str) -> Option<Field> {
        if let Some(it) = self.take(key) {
            return Some(it);
        }
        let like = closest(key, self.left().filter(|it| may_be_meant(it, key))).map(str::to_owned);
        let slot = like.and_then(|like| self.slot(&like)).and_then(Option::take);
        let Some((name, node)) = slot else {
            let message = format!("{} needs the key `{key}`", self.what);
            reader.report(Diagnostic::new(Code::MissingKey, self.at, message));
            return None;
        };
        reader.report(unknown(&name, self.what, &[key]));
        Some(Field { key, at: name.span, node })
    }

    fn slot(&mut self, key: &str) -> Option<&mut Option<(Spanned<String>, Node)>> {
        self.members.iter_mut().find(|it| it.as_ref().is_some_and(|(name, _)| name.value == key))
    }

    /// The keys that have not been taken.
    pub(super) fn left(&self) -> impl Iterator<Item = &str> {
        self.members.iter().flatten().map(|(name, _)| name.value.as_str())
    }

    /// Where `key` stands, where it has not been taken.
    pub(super) fn place(&self, key: &str) -> Option<Span> {
        self.members.iter().flatten().find(|(name, _)| name.value == key).map(|(name, _)| name.span)
    }

    /// Takes out the members whose keys fit.
    pub(super) fn drain(&mut self, fits: impl Fn(&str) -> bool) -> Vec<Spanned<String>> {
        let slots = self.members.iter_mut().filter(|it| it.as_ref().is_some_and(|(name, _)| fits(&name.value)));
        slots.filter_map(|it| it.take().map(|(name, _)| name)).collect()
    }

    /// Reports every member that has not been taken.
    pub(super) fn finish(self, reader: &mut Reader) {
        for (name, _) in self.members.iter().flatten() {
            reader.report(unknown(name, self.what, &self.asked));
        }
    }
}

/// Whether `written` may be a slip for `key`. Of two letters one is too much of a difference: `if` is not `id`.
fn may_be_meant(written: &str, key: &str) -> bool {
    let letters = |it: &str| {
        let mut letters: Vec<char> = it.to_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    key.len() > 2 || written.len() != key.len() || letters(written) == letters(key)
}

/// The problem of a key that is none of those known.
pub(super) fn unknown(key: &Spanned<String>, what: &str, known: &[&str]) -> Diagnostic {
    let shown: String = key.chars().take(60).collect();
    let problem = Diagnostic::new(Code::UnknownKey, key.span, format!("unknown key `{shown}` in {what}"));
    let known = known.iter().copied();
    if key.value == "<<" {
        return problem.help("YAML 1.2 has no merge keys; what all task steps share goes into `defaults`");
    }
    let help = did_you_mean(key, known.clone()).unwrap_or_else(|| format!("known here: {}", list(known)));
    problem.help(help)
}
