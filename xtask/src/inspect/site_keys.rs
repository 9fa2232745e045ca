//! Which keys of a site differ. Values are never shown: most of them are nobody's business, and some are secrets.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::change::How;

/// The keys that differ, as `sms.numbers`, `line[2].rings`. `None` if one of the texts is not TOML.
pub fn compare(one: &str, other: &str) -> Option<Vec<(String, How)>> {
    let keys = |text: &str| {
        let mut keys = BTreeMap::new();
        add(&mut keys, String::new(), Value::Table(text.parse::<Table>().ok()?));
        Some(keys)
    };
    let (one, other) = (keys(one)?, keys(other)?);
    let all: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let changed = |key: &&String| Some(((*key).clone(), How::of(one.get(*key), other.get(*key))?));
    Some(all.iter().filter_map(changed).collect())
}

fn add(keys: &mut BTreeMap<String, Value>, name: String, value: Value) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                let dot = if name.is_empty() { "" } else { "." };
                add(keys, format!("{name}{dot}{key}"), value);
            }
        }
        Value::Array(values) if values.iter().any(Value::is_table) => {
            for (number, value) in (1..).zip(values) {
                add(keys, format!("{name}[{number}]"), value);
            }
        }
        value => drop(keys.insert(name, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_and_values_are_not() {
        let one = "role = 'dialer'\n[modem]\npin = '1234'\napn = 'free'\n[[line]]\nrings = 1\n[[line]]\nrings = 2\n";
        let other =
            "role = 'dialer'\n[modem]\npin = '4321'\n[[line]]\nrings = 1\n[[line]]\nrings = 3\nname = 'b'\n";
        let found = compare(one, other).unwrap();
        let expected = [
            ("line[2].name", How::Added),
            ("line[2].rings", How::Changed),
            ("modem.apn", How::Removed),
            ("modem.pin", How::Changed),
        ];
        assert_eq!(found, expected.map(|(key, how)| (key.to_owned(), how)));
        assert_eq!(compare(one, one), Some(vec![]));
        assert_eq!(compare(one, "role ="), None);
    }
}
