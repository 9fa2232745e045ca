//! JSON (RFC 8259), as far as this program writes it: what is written is so flat that a crate would cost more.

/// A string with its quotes.
pub fn string(text: &str) -> String {
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

/// An object of members whose values are JSON already, on one line.
pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members = members.into_iter().map(|(key, value)| format!("{}:{value}", string(key)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_end_a_string() {
        let object = object([("a\"b", string("c\\\u{1b}\n")), ("d", "1".to_owned())]);
        assert_eq!(object, r#"{"a\"b":"c\\\u001b\u000a","d":1}"#);
    }
}
