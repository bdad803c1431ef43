//! What is known about a request: condition keys and their values.

use std::collections::BTreeMap;

/// A key's value: one, or a set. An operator without `ForAllValues:` or `ForAnyValue:` never matches a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    One(String),
    Many(Vec<String>),
}

/// The condition keys of one request. Names are compared without regard to case, values are not.
#[derive(Clone, Debug, Default)]
pub struct Context(BTreeMap<String, Values>);

impl Context {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key with one value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// Adds a key with a set of values; an empty set is as if the key were absent.
    #[must_use]
    pub fn with_many(mut self, key: &str, values: Vec<String>) -> Self {
        self.set_many(key, values);
        self
    }

    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.0.insert(key.to_ascii_lowercase(), Values::One(value.into()));
    }

    pub fn set_many(&mut self, key: &str, values: Vec<String>) {
        if !values.is_empty() {
            self.0.insert(key.to_ascii_lowercase(), Values::Many(values));
        }
    }

    /// Takes over the keys of another context; where both have one, the other's counts.
    pub fn extend(&mut self, other: &Context) {
        self.0.extend(other.0.iter().map(|(key, values)| (key.clone(), values.clone())));
    }

    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(&key.to_ascii_lowercase())
    }

    /// The one value of a key; nothing for a set.
    pub fn one(&self, key: &str) -> Option<&str> {
        match self.0.get(&key.to_ascii_lowercase())? {
            Values::One(value) => Some(value),
            Values::Many(_) => None,
        }
    }

    pub(super) fn values(&self, key: &str) -> Option<&Values> {
        self.0.get(&key.to_ascii_lowercase())
    }
}
