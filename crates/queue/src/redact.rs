//! Secret values are hidden before anything leaves the executor.

use std::{borrow::Cow, fmt, sync::Arc};

use drawloom_blueprint::Value;

/// What stands for a secret.
const HIDDEN: &str = "***";

/// Replaces secret values in texts and values by `***`.
///
/// Values of fewer than 3 bytes are left alone: hiding every `a` would destroy the text and hide nothing.
#[derive(Clone, Default)]
pub struct Redactor(Arc<[String]>);

impl Redactor {
    /// Hides these secrets, and their lines where they have several.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut all: Vec<String> = Vec::new();
        for secret in secrets {
            let lines: Vec<&str> = secret.lines().map(str::trim).collect();
            if lines.len() > 1 {
                all.extend(lines.into_iter().filter(|it| it.len() >= 8).map(str::to_owned));
            }
            all.push(secret);
        }
        all.retain(|it| it.len() >= 3);
        // Longer ones first, so that a secret within a secret does not leave a rest.
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        Self(all.into())
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in self.0.iter() {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), HIDDEN));
            }
        }
        text
    }

    /// The value without secrets, names of members included.
    #[must_use]
    pub fn value(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        match value {
            Value::Str(it) => match self.text(it) {
                Cow::Borrowed(_) => value.clone(),
                Cow::Owned(it) => it.into(),
            },
            Value::List(it) => it.iter().map(|item| self.value(item)).collect(),
            Value::Object(it) => {
                Value::object(it.iter().map(|(name, value)| (self.text(name).into_owned(), self.value(value))))
            }
            other => other.clone(),
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_vanish_from_texts_names_and_values() {
        let redactor = Redactor::new(["hunter2".to_owned(), "hunter2-long".to_owned(), "x".to_owned()]);
        assert_eq!(redactor.text("a hunter2-long b hunter2 x"), "a *** b *** x");
        let value = Value::from_json(br#"{"hunter2": ["hunter2!", 1]}"#).expect("JSON");
        assert_eq!(redactor.value(&value).to_json(), r#"{"***":["***!",1]}"#);
        assert!(!format!("{redactor:?}").contains("hunter"));
    }
}
