//! Free-form data of a document: what JSON can say, each part with its place.
//!
//! **Invariant:** no node is nested deeper than [`crate::limits::DEPTH`], so that walking and dropping one may
//! recurse; an object has no key twice.

use drawloom_blueprint::Value;

use crate::{Span, Spanned, text::Text};

/// A value in the document.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub data: Data,
    /// Where it stands.
    pub span: Span,
}

/// The members of an object, in order of writing.
pub type Members = Vec<(Spanned<String>, Node)>;

/// What a [`Node`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits 64 bits with a sign.
    Int(i64),
    /// A whole number above `i64::MAX`.
    UInt(u64),
    /// Any other number; never NaN or infinite.
    Float(f64),
    /// A text, which may hold expressions.
    Text(Text),
    /// A text for a kind, in which nothing is an expression.
    Raw(String),
    /// A list.
    List(Vec<Node>),
    /// Names and values.
    Object(Members),
}

impl Node {
    /// `data`, which stands at `span`.
    #[must_use]
    pub fn new(data: Data, span: Span) -> Self {
        Self { data, span }
    }

    /// A text that does not stand in the document literally, such as one made from something else at `span`.
    #[must_use]
    pub fn made(text: impl Into<String>, span: Span) -> Self {
        Self::new(Data::Text(Text::made(text, span)), span)
    }

    /// The text, where this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&Text> {
        if let Data::Text(it) = &self.data { Some(it) } else { None }
    }

    /// The text's content, where this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().map(|it| it.value.as_str())
    }

    /// The items, where this is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Node]> {
        if let Data::List(it) = &self.data { Some(it) } else { None }
    }

    /// The members, where this is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Members> {
        if let Data::Object(it) = &self.data { Some(it) } else { None }
    }

    /// The member `key`, where this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_object()?.iter().find(|(it, _)| it.value == key).map(|(_, node)| node)
    }

    /// What it is, for messages: `a list`.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match &self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Int(_) | Data::UInt(_) => "an integer",
            Data::Float(_) => "a number",
            Data::Text(_) | Data::Raw(_) => "a string",
            Data::List(_) => "a list",
            Data::Object(_) => "an object",
        }
    }

    /// The value as it is written: expressions stay texts.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(it) => (*it).into(),
            Data::Int(it) => (*it).into(),
            Data::UInt(it) => (*it).into(),
            Data::Float(it) => (*it).into(),
            Data::Text(it) => it.value.as_str().into(),
            Data::Raw(it) => it.as_str().into(),
            Data::List(it) => it.iter().map(Self::to_value).collect(),
            Data::Object(it) => Value::object(it.iter().map(|(key, node)| (key.value.as_str(), node.to_value()))),
        }
    }

    /// Calls `visit` with each text in this node, in order of writing (keys are no texts).
    pub fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a Text)) {
        match &self.data {
            Data::Text(it) => visit(it),
            Data::List(it) => it.iter().for_each(|it| it.texts(visit)),
            Data::Object(it) => it.iter().for_each(|(_, it)| it.texts(visit)),
            Data::Null | Data::Bool(_) | Data::Int(_) | Data::UInt(_) | Data::Float(_) | Data::Raw(_) => {}
        }
    }
}
