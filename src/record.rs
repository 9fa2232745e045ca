//! `key=value` lines: the format of all small files that services share.
//!
//! A user can read it with `cat`, a shell with `grep`. A value may come from a modem, so a record never contains
//! control characters.

use std::fmt;

/// An ordered list of keys and values. Keys are lower-case words with dashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record(Vec<(String, String)>);

impl Record {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a record. Lines without `=` are skipped, so that the complete lines of a torn file are read; so are keys
    /// with control characters, which no service writes.
    pub fn parse(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let pairs = pairs.filter(|(key, _)| !key.contains(char::is_control));
        pairs.fold(Self::new(), |record, (key, value)| record.with(key, value))
    }

    /// Reads a record from one line of a list: its fields are between tabs.
    pub fn from_line(line: &str) -> Self {
        Self::parse(&line.replace('\t', "\n"))
    }

    /// The record on one line, with a line feed. No value has a tab or a line feed.
    pub fn to_line(&self) -> String {
        let fields: Vec<_> = self.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{}\n", fields.join("\t"))
    }

    /// The record with one more field. An existing key is replaced.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        let value = one_line(&value.to_string());
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some(pair) => pair.1 = value,
            None => self.0.push((key.to_owned(), value)),
        }
        self
    }

    /// Like [`with`](Self::with), for a value that may be unknown.
    #[must_use]
    pub fn with_known(self, key: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Every key with its value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(known, _)| known == key);
        pair.map(|(_, value)| value.as_str())
    }

    /// The value of a key, if it exists and is a number.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(key, value)| writeln!(f, "{key}={value}"))
    }
}

fn one_line(value: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = value.chars().map(clean).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_complete_lines_of_a_torn_file_are_read() {
        let record = Record::parse("port=/dev/ttyUSB0\nsignal=-71\nmanufac");
        assert_eq!(record.get("port"), Some("/dev/ttyUSB0"));
        assert_eq!(record.number("signal"), None);
        assert_eq!(record.get("manufac"), None);
    }

    #[test]
    fn a_value_cannot_forge_another_field() {
        let record = Record::new().with("model", "X\nsim=READY");
        assert_eq!(record.to_string(), "model=X sim=READY\n");
    }

    #[test]
    fn control_characters_at_the_ends_are_trimmed() {
        let record = Record::new().with("model", "\0\0X\0");
        assert_eq!(record.to_string(), "model=X\n");
        assert_eq!(Record::parse(&record.to_string()), record);
    }

    #[test]
    fn a_key_with_a_control_character_is_skipped() {
        let record = Record::parse("a\u{1b}[2J=1\nsignal=-71\n");
        assert_eq!(record.to_string(), "signal=-71\n");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any::<String>()) {
            let record = Record::new().with("first", &value).with("second", "2");
            prop_assert_eq!(Record::parse(&record.to_string()), record);
        }
    }
}
