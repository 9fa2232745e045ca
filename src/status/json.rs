//! The status for programs. Flat enough that a serializer of its own costs less than a crate.

use super::{Status, as_str};
use crate::record::Record;

impl Status {
    /// The status as one line of JSON (RFC 8259).
    pub fn to_json(&self) -> String {
        let known = |text: &Option<String>| text.as_deref().map_or("null".to_owned(), string);
        let services = self.services.iter().map(|(name, pulse)| (*name, string(as_str(*pulse))));
        let mut members = vec![
            ("version", known(&self.version)),
            ("hostname", known(&self.hostname)),
            ("role", self.role.map_or("null".to_owned(), string)),
            ("uptime", self.uptime.as_secs().to_string()),
            ("sealed", self.sealed.to_string()),
            ("boot", record(&self.boot)),
            ("ledger", record(&self.ledger)),
            ("site", record(&self.site)),
            ("services", object(services)),
        ];
        members.extend(self.modems.iter().map(|(name, of)| (name.as_str(), record(of))));
        members.extend(self.link.iter().map(|of| ("link", record(of))));
        object(members)
    }
}

fn record(record: &Record) -> String {
    object(record.iter().map(|(key, value)| (key, string(value))))
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members = members.into_iter().map(|(key, value)| format!("{}:{value}", string(key)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modem_cannot_break_out_of_a_string() {
        assert_eq!(string("a\"b\\c\u{1b}[0m\n"), r#""a\"b\\c\u001b[0m\u000a""#);
    }
}
