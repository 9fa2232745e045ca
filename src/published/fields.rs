//! Fields with their types: the text of a record does not distinguish a number from a name.

use std::fmt;

use crate::record::Record;

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text from a user, a modem or the kernel.
    Text(String),
    /// A whole number; the unit is in the name of the field, or bytes.
    Number(i128),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// Keys and values in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text field if its value is known.
    #[must_use]
    pub fn text(mut self, key: &'static str, value: Option<impl fmt::Display>) -> Self {
        self.0.extend(value.map(|value| (key, Value::Text(value.to_string()))));
        self
    }

    /// Adds a number if it is known.
    #[must_use]
    pub fn number(mut self, key: &'static str, value: Option<impl Into<i128>>) -> Self {
        self.0.extend(value.map(|value| (key, Value::Number(value.into()))));
        self
    }

    /// Every key with its value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    /// As text.
    pub fn to_record(&self) -> Record {
        self.iter().fold(Record::new(), |record, (key, value)| record.with(key, value))
    }
}
