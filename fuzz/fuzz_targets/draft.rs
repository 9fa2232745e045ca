//! What must hold of a `site.toml` that `cargo xtask site new` has filled in from somebody else's file.

use std::collections::BTreeSet;

use toml::{Table, Value};

/// What is filled in.
pub(crate) const EXAMPLE: &str = include_str!("../../image/sites/dialer.toml");

/// Keys that may be set, active in the example or not.
const KEYS: [&str; 8] = [
    "modem.init",
    "modem.pin",
    "modem.port",
    "modem.speed",
    "operator.apn",
    "operator.number",
    "operator.password",
    "operator.user",
];

/// The text is TOML with the example's keys and `KEYS` alone, and the notes are printable.
pub(crate) fn check(text: &str, notes: &[String]) {
    // A constant that is right.
    let example = keys(&EXAMPLE.parse().expect("TOML"));
    let table: Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    let keys = keys(&table);
    assert!(keys.iter().all(|key| example.contains(key) || KEYS.contains(&key.as_str())), "{keys:?}");
    notes.iter().for_each(|note| is_printable(note));
}

/// It has lines and tabs, and no other control characters.
pub(crate) fn is_printable(text: &str) {
    assert!(!text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')), "{text:?}");
}

/// A value as text, if it is a string.
pub(crate) fn text_of(text: &str, table: &str, key: &str) -> Option<String> {
    let tables: Table = text.parse().ok()?;
    tables.get(table)?.as_table()?.get(key)?.as_str().map(str::to_owned)
}

/// `operator.apn` and so on, of tables of one level.
fn keys(table: &Table) -> BTreeSet<String> {
    let inner = |(name, value): (&String, &Value)| match value {
        Value::Table(inner) => inner.keys().map(|key| format!("{name}.{key}")).collect(),
        _ => vec![name.clone()],
    };
    table.iter().flat_map(inner).collect()
}
