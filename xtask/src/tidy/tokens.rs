//! Splits Rust into names and punctuation, as far as the rules that follow names need it.

/// A name or a mark of punctuation, and the number of its line.
pub type Token<'a> = (usize, &'a str);

/// Names and punctuation of these lines, `::` as one. Comments are left out; of a string only the names that a format
/// string captures, as in `"{LIMIT} s"`.
pub fn tokens<'a>(lines: impl IntoIterator<Item = (usize, &'a str)>) -> Vec<Token<'a>> {
    let mut tokens = Vec::new();
    let mut open: Option<Quote> = None;
    for (number, line) in lines {
        let mut rest = line;
        while !rest.is_empty() {
            let length = match &open {
                Some(quote) => {
                    let (length, closed) = quote.part(rest);
                    tokens.extend(captures(&rest[..length]).map(|name| (number, name)));
                    if closed {
                        open = None;
                    }
                    length
                }
                None if rest.starts_with("//") => break,
                None => match Quote::open(rest) {
                    Some((length, quote)) => {
                        open = Some(quote);
                        length
                    }
                    None => {
                        let length = token_length(rest);
                        if !rest.starts_with([' ', '\t', '\'']) {
                            tokens.push((number, &rest[..length]));
                        }
                        length
                    }
                },
            };
            rest = &rest[length..];
        }
    }
    tokens
}

/// Whether this can be the name of an item.
pub fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The length of the token at the start, which is not empty; a literal character is one token.
fn token_length(text: &str) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let first = text.chars().next().map_or(0, char::len_utf8);
    match text.as_bytes() {
        [b'\'', b'\\', rest @ ..] => rest.iter().skip(1).position(|it| *it == b'\'').map_or(1, |at| at + 4),
        [b'\'', ..] => {
            let inside = text[1..].chars().next().map_or(0, char::len_utf8);
            if text[1 + inside..].starts_with('\'') { inside + 2 } else { 1 }
        }
        [b':', b':', ..] => 2,
        _ if text.starts_with(is_part) => text.find(|c| !is_part(c)).unwrap_or(text.len()),
        _ => first,
    }
}

/// How an open string ends.
#[derive(Debug, Clone, Copy)]
enum Quote {
    /// At the next `"` without a `\`.
    Escaped,
    /// At the next `"` with this many `#`.
    Raw(usize),
}

impl Quote {
    /// If a string begins here: the length of its opening, and how it ends.
    fn open(text: &str) -> Option<(usize, Self)> {
        let prefix = text.find(|c| !['b', 'c', 'r'].contains(&c)).filter(|length| *length < 3)?;
        let hashes = text[prefix..].find(|c| c != '#')?;
        let is_raw = text[..prefix].ends_with('r');
        let opens = text[prefix + hashes..].starts_with('"') && (hashes == 0 || is_raw);
        let quote = if is_raw { Self::Raw(hashes) } else { Self::Escaped };
        opens.then_some((prefix + hashes + 1, quote))
    }

    /// How much of this text belongs to the open string, and whether the string ends there.
    fn part(self, text: &str) -> (usize, bool) {
        let end = match self {
            Self::Raw(hashes) => {
                let end = format!("\"{}", "#".repeat(hashes));
                text.find(&end).map(|at| at + end.len())
            }
            Self::Escaped => {
                let mut is_escaped = false;
                let end = text.bytes().position(|byte| {
                    let ends = byte == b'"' && !is_escaped;
                    is_escaped = byte == b'\\' && !is_escaped;
                    ends
                });
                end.map(|at| at + 1)
            }
        };
        (end.unwrap_or(text.len()), end.is_some())
    }
}

/// The name directly after a `{`.
fn captures(text: &str) -> impl Iterator<Item = &str> {
    let names = text.split('{').skip(1).map(|it| &it[..token_length(it)]);
    names.filter(|it| is_name(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Source;

    #[test]
    fn comments_are_skipped() {
        for (text, expected) in [
            ("use a::{b, c as d};\n", "use a :: { b , c as d } ;"),
            ("a // b\n/// c\nd\n", "a d"),
            ("\"https://b c\"; d // e\n", "; d"),
            ("f!(\"{LIMIT} of {{x}} {} {1:>2}\", y)\n", "f ! ( LIMIT x , y )"),
            ("let a = \"b \\\" c\nd\"; e\n", "let a = ; e"),
            ("r#\"a \" b\"# c b\"x\" br\"\\\" d r e\n", "c d r e"),
            ("['\"', '\\'', '\\u{1f}', 'x', b'y']; <'a> é\n", "[ , , , , b ] ; < a > é"),
        ] {
            let found = tokens(Source { path: "a.rs", text }.lines());
            let found: Vec<&str> = found.into_iter().map(|(_, it)| it).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_token_has_its_line() {
        assert_eq!(tokens([(3, "a"), (7, "b")]), [(3, "a"), (7, "b")]);
    }
}
