//! A table of `site.toml`, read key by key from toml's document.
//!
//! serde would take less of our code and more of its own: one copy of every visitor for each of toml's deserializers, a
//! third of the size of each of the box's programs.

use super::error::{Checked, Problem, problem, unknown};
use super::excerpt::Show;
use super::text::Text;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value with its position in the file.
pub(super) type Written<'a> = Spanned<DeValue<'a>>;

/// A type that a value of `site.toml` can have.
pub(super) trait Value: Sized {
    fn read(value: &Written<'_>) -> Checked<Self>;
}

/// A type that a key of a table can have: a [`Value`] is required, an `Option` of one is not.
pub(super) trait Entry: Sized {
    fn read(field: &str, table: &Table<'_>) -> Checked<Self>;
}

/// A table whose keys are all known.
pub(super) struct Table<'a> {
    written: &'a Written<'a>,
    entries: &'a DeTable<'a>,
}

impl<'a> Table<'a> {
    /// The table, if it has only the keys of these fields.
    pub fn new(written: &'a Written<'a>, fields: &[&str]) -> Checked<Self> {
        let DeValue::Table(entries) = written.get_ref() else {
            return mismatch(written, "one table", "write [name] and its keys below");
        };
        let keys: Vec<String> = fields.iter().map(|field| key(field)).collect();
        let known: Vec<&str> = keys.iter().map(String::as_str).collect();
        let strangers = entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        match strangers.min_by_key(|key| key.span().start) {
            Some(key) => {
                let reason = unknown("key", key.get_ref(), &known);
                Err(Box::new(Problem { reason, at: key.span(), show: Show::Keys }))
            }
            None => Ok(Self { written, entries }),
        }
    }

    fn optional(&self, field: &str) -> Option<&Written<'a>> {
        self.entries.get(key(field).as_str())
    }

    fn required(&self, field: &str) -> Checked<&Written<'a>> {
        let Some(value) = self.optional(field) else {
            let key = key(field);
            let at = self.written.span();
            return problem(format!("the key `{key}` is missing"), format!("add `{key} = …`"), at);
        };
        Ok(value)
    }
}

/// The key of a field in `site.toml`: with hyphens for underscores.
fn key(field: &str) -> String {
    field.replace('_', "-")
}

impl<T: Value> Entry for T {
    fn read(field: &str, table: &Table<'_>) -> Checked<Self> {
        Value::read(table.required(field)?)
    }
}

impl<T: Value> Entry for Option<T> {
    fn read(field: &str, table: &Table<'_>) -> Checked<Self> {
        table.optional(field).map(Value::read).transpose()
    }
}

impl<T: Value> Value for Spanned<T> {
    fn read(value: &Written<'_>) -> Checked<Self> {
        Ok(Self::new(value.span(), T::read(value)?))
    }
}

impl<T: Value> Value for Vec<T> {
    fn read(value: &Written<'_>) -> Checked<Self> {
        match value.get_ref() {
            DeValue::Array(elements) => elements.iter().map(T::read).collect(),
            _ => mismatch(value, "an array", "put the values in brackets, as in [1, 2]"),
        }
    }
}

impl Value for bool {
    fn read(value: &Written<'_>) -> Checked<Self> {
        match value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => mismatch(value, "true or false", "write true or false without quotes"),
        }
    }
}

impl<T: Text> Value for T {
    fn read(value: &Written<'_>) -> Checked<Self> {
        T::from_text(text(value, T::EXPECTED)?).map_err(|reason| Problem::from_value(reason, value.span()))
    }
}

/// The text between the quotes.
pub(super) fn text<'a>(value: &'a Written<'_>, expected: &str) -> Checked<&'a str> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text),
        DeValue::Array(_) | DeValue::Table(_) => mismatch(value, expected, "put one value in double quotes"),
        _ => {
            problem(format!("expected {expected} in quotes"), "put the value in double quotes", value.span())
        }
    }
}

/// A whole number; `expected` describes it.
pub(super) fn integer(value: &Written<'_>, expected: &str) -> Checked<i64> {
    let DeValue::Integer(digits) = value.get_ref() else {
        return mismatch(value, expected, &format!("write {expected} without quotes"));
    };
    i64::from_str_radix(digits.as_str(), digits.radix())
        .or_else(|_| problem(format!("{digits} is out of range"), format!("write {expected}"), value.span()))
}

/// One of a few words; `expected` lists them.
pub(super) fn word<T: Copy>(value: &Written<'_>, expected: &str, words: &[(&str, T)]) -> Checked<T> {
    let found = text(value, expected)?;
    words.iter().find(|(word, _)| *word == found).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Problem::from_value(unknown("value", found, &words), value.span())
    })
}

/// The error names the type of the value and never the value, which may be a secret.
fn mismatch<T>(value: &Written<'_>, expected: &str, next: &str) -> Checked<T> {
    let found = match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or a time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    problem(format!("expected {expected}, found {found}"), next, value.span())
}

/// Declares tables by their keys, each with its name here: see [`key`].
macro_rules! tables {
    ($($(#[$attribute:meta])* struct $table:ident { $($key:ident: $kind:ty,)+ })+) => {$(
        $(#[$attribute])*
        pub(super) struct $table {
            $(pub $key: $kind,)+
        }

        impl $crate::site::table::Value for $table {
            fn read(value: &$crate::site::table::Written<'_>) -> $crate::site::error::Checked<Self> {
                let table = $crate::site::table::Table::new(value, &[$(stringify!($key)),+])?;
                Ok(Self {
                    $($key: $crate::site::table::Entry::read(stringify!($key), &table)?,)+
                })
            }
        }
    )+};
}
pub(super) use tables;
