//! The status for programs. It is so flat that a serializer here costs less than a crate.

use super::{Modems, Status, as_str};
use crate::names::record;
use crate::published::{Fields, Published, Value};

impl Status {
    /// The status as one line of JSON (RFC 8259). Numbers in records are numbers here.
    pub fn to_json(&self) -> String {
        let known = |text: &Option<String>| text.as_deref().map_or("null".to_owned(), string);
        let services =
            self.services.iter().map(|(service, state)| (service.as_str(), string(as_str(*state))));
        let clock = self.clock.map_or("null".to_owned(), |clock| {
            let known = [("shows", clock.shows.to_string()), ("ends", clock.ends.to_string())];
            let source = clock.source.map(|source| ("source", string(source.as_str())));
            object(known.into_iter().chain(source))
        });
        let mut members = vec![
            ("version".to_owned(), known(&self.version)),
            ("hostname".to_owned(), known(&self.hostname)),
            ("role".to_owned(), self.role.map_or("null".to_owned(), string)),
            ("uptime".to_owned(), self.uptime.as_secs().to_string()),
            ("clock".to_owned(), clock),
            ("sealed".to_owned(), self.sealed.to_string()),
            (record::BOOT.to_owned(), fields(self.boot.as_ref())),
            ("state-loss".to_owned(), self.loss.map_or("null".to_owned(), |loss| string(&loss.to_string()))),
            (record::LEDGER.to_owned(), fields(self.ledger.as_ref())),
            (record::SCRUB.to_owned(), fields(self.card.as_ref())),
            (record::SITE.to_owned(), fields(self.site.as_ref())),
            (record::FIREWALL.to_owned(), fields(self.firewall.as_ref())),
            ("services".to_owned(), object(services)),
        ];
        match &self.modems {
            Modems::Unknown => {}
            Modems::Dialer(modem) => members.extend([
                (record::MODEM.to_owned(), fields((**modem).as_ref())),
                (record::LINK.to_owned(), fields(self.link.as_ref())),
                (record::CODES.to_owned(), fields(self.codes.as_ref())),
            ]),
            Modems::Lines(lines) => {
                members.extend(lines.iter().map(|(name, line)| (name.to_string(), fields(line.as_ref()))));
            }
        }
        object(members.iter().map(|(key, value)| (key.as_str(), value.clone())))
    }
}

/// Without known fields it is an empty object.
pub(super) fn fields(of: Option<&impl Published>) -> String {
    json_object(&of.map(Published::fields).unwrap_or_default())
}

/// Fields as an object.
pub fn json_object(fields: &Fields) -> String {
    object(fields.iter().map(|(key, value)| match value {
        Value::Text(text) => (key, string(text)),
        Value::Number(number) => (key, number.to_string()),
    }))
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
    fn a_modems_text_cannot_end_a_string() {
        assert_eq!(string("a\"b\\c\u{1b}[0m\n"), r#""a\"b\\c\u001b[0m\u000a""#);
    }
}
