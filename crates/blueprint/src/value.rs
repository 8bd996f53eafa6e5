//! The data that flows between steps: JSON, immutable, cheap to share.
//!
//! **Invariant:** cloning a value never copies its content, and no value is nested deeper than [`DEPTH_MAX`]
//! where it comes from outside, so that walking one may recurse.

mod json;

use std::{fmt, sync::Arc};

/// The deepest nesting of lists and objects that is accepted from outside.
pub const DEPTH_MAX: usize = 128;

/// A JSON value. Whole numbers keep 64 bits; others are IEEE 754 doubles and never NaN or infinite.
#[derive(Clone, Default, PartialEq)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits 64 bits with a sign.
    Int(i64),
    /// A whole number above `i64::MAX`.
    UInt(u64),
    /// Any other number.
    Float(f64),
    /// Text.
    Str(Arc<str>),
    /// A list.
    List(Arc<[Value]>),
    /// Names and values, in the order in which they were written.
    Object(Object),
}

impl Value {
    /// The text, where this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(it) = self { Some(it) } else { None }
    }

    /// The items, where this is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&Arc<[Value]>> {
        if let Self::List(it) = self { Some(it) } else { None }
    }

    /// The object, where this is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(it) = self { Some(it) } else { None }
    }

    /// The member `name`, where this is an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_object()?.get(name)
    }

    /// What kind of JSON this is, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::UInt(_) => "integer",
            Self::Float(_) => "number",
            Self::Str(_) => "string",
            Self::List(_) => "list",
            Self::Object(_) => "object",
        }
    }

    /// Whether a condition with this value holds: not null, false, zero or empty.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(it) => *it,
            Self::Int(it) => *it != 0,
            Self::UInt(it) => *it != 0,
            Self::Float(it) => *it != 0.0,
            Self::Str(it) => !it.is_empty(),
            Self::List(it) => !it.is_empty(),
            Self::Object(it) => !it.is_empty(),
        }
    }

    /// Whether lists and objects are nested in each other more than `levels` deep.
    #[must_use]
    pub fn is_deeper_than(&self, levels: usize) -> bool {
        match self {
            Self::List(_) | Self::Object(_) if levels == 0 => true,
            Self::List(it) => it.iter().any(|item| item.is_deeper_than(levels - 1)),
            Self::Object(it) => it.iter().any(|(_, value)| value.is_deeper_than(levels - 1)),
            _ => false,
        }
    }

    /// An object of these members; the last of equal names wins.
    pub fn object<K: Into<Arc<str>>>(members: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(Object::new(members.into_iter().map(|(name, value)| (name.into(), value)).collect()))
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Self::Str(it.into())
    }
}
impl From<String> for Value {
    fn from(it: String) -> Self {
        Self::Str(it.into())
    }
}
impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}
impl From<i64> for Value {
    fn from(it: i64) -> Self {
        Self::Int(it)
    }
}
impl From<u64> for Value {
    fn from(it: u64) -> Self {
        i64::try_from(it).map_or(Self::UInt(it), Self::Int)
    }
}
impl From<f64> for Value {
    /// NaN and the infinities, which JSON does not have, become null.
    fn from(it: f64) -> Self {
        if it.is_finite() { Self::Float(it) } else { Self::Null }
    }
}
impl From<Vec<Value>> for Value {
    fn from(it: Vec<Value>) -> Self {
        Self::List(it.into())
    }
}
impl FromIterator<Value> for Value {
    fn from_iter<T: IntoIterator<Item = Value>>(items: T) -> Self {
        Self::List(items.into_iter().collect())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Objects of up to this many members are searched from front to back; larger ones have an index.
const LINEAR_MAX: usize = 12;

/// Names and values in order of writing, without repeated names.
#[derive(Clone, Default)]
pub struct Object(Arc<Members>);

#[derive(Default)]
struct Members {
    entries: Box<[(Arc<str>, Value)]>,
    /// Positions in `entries` sorted by name; empty for small objects.
    sorted: Box<[u32]>,
}

impl Object {
    /// An object of these members; the last of equal names wins and keeps the place of the first.
    #[must_use]
    pub fn new(mut entries: Vec<(Arc<str>, Value)>) -> Self {
        let sorted = if entries.len() <= LINEAR_MAX {
            let mut at = 1;
            while at < entries.len() {
                match entries[..at].iter().position(|(name, _)| *name == entries[at].0) {
                    Some(first) => entries[first].1 = entries.remove(at).1,
                    None => at += 1,
                }
            }
            Box::default()
        } else {
            Self::index(&mut entries)
        };
        Self(Arc::new(Members { entries: entries.into(), sorted }))
    }

    fn index(entries: &mut Vec<(Arc<str>, Value)>) -> Box<[u32]> {
        let sort = |entries: &[(Arc<str>, Value)]| {
            let mut order: Vec<u32> = (0..u32::try_from(entries.len()).unwrap_or(u32::MAX)).collect();
            order.sort_by(|a, b| entries[*a as usize].0.cmp(&entries[*b as usize].0).then(a.cmp(b)));
            order
        };
        let order = sort(entries);
        let mut repeated: Vec<u32> = Vec::new();
        let mut first = order[0];
        for at in &order[1..] {
            if entries[first as usize].0 == entries[*at as usize].0 {
                entries[first as usize].1 = entries[*at as usize].1.clone();
                repeated.push(*at);
            } else {
                first = *at;
            }
        }
        if repeated.is_empty() {
            return order.into();
        }
        repeated.sort_unstable();
        let mut at = 0_u32;
        entries.retain(|_| {
            at += 1;
            repeated.binary_search(&(at - 1)).is_err()
        });
        sort(entries).into()
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let entries = &self.0.entries;
        if self.0.sorted.is_empty() {
            return entries.iter().find(|(it, _)| &**it == name).map(|(_, value)| value);
        }
        let at = self.0.sorted.binary_search_by(|ix| (*entries[*ix as usize].0).cmp(name)).ok()?;
        Some(&entries[self.0.sorted[at] as usize].1)
    }

    /// The members in order.
    #[must_use]
    pub fn entries(&self) -> &[(Arc<str>, Value)] {
        &self.0.entries
    }

    /// The members in order.
    pub fn iter(&self) -> std::slice::Iter<'_, (Arc<str>, Value)> {
        self.0.entries.iter()
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }
}

/// As in JSON, the order of members does not matter.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.len() == other.len()
                && self.iter().all(|(name, value)| other.get(name).is_some_and(|it| it == value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_equal_names_wins_in_small_and_large_objects() {
        for extra in [0, 100] {
            let names = ["a", "b", "a", "c", "b"].map(str::to_owned);
            let more = (0..extra).map(|it| format!("x{it}"));
            let object = Value::object(
                names.into_iter().chain(more).enumerate().map(|(at, name)| (name, Value::from(at as u64))),
            );
            let object = object.as_object().expect("an object");
            assert_eq!(object.len(), 3 + extra);
            assert_eq!(object.get("a"), Some(&Value::Int(2)));
            assert_eq!(object.get("b"), Some(&Value::Int(4)));
            assert_eq!(object.get("c"), Some(&Value::Int(3)));
            assert_eq!(&*object.entries()[0].0, "a");
            assert_eq!(object.get("zzz"), None);
        }
    }
}
