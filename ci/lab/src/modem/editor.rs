//! How a modem reads command lines: ITU-T V.250 §5.2.
//!
//! Bytes before the prefix are ignored, the prefix is `AT` or `at` (never `At`), the character in S3 ends the
//! line, the character in S5 deletes the one before it, and `A/` runs the last line again.

/// More than any of our programs sends; V.250 requires at least 40.
const LONGEST_LINE: usize = 400;

/// The reader's position within a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// No part of a prefix yet.
    Hunting,
    /// An `A` or `a` was typed; this one.
    Prefix(u8),
    /// After `AT`.
    Body,
}

/// What a byte has completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Nothing yet.
    Nothing,
    /// The body of a command line: what stood between `AT` and the terminator.
    Line(String),
    /// A line that did not fit, or that was not ASCII.
    Unreadable,
}

/// The command line under construction, and the last complete one for `A/`.
#[derive(Debug, Clone)]
pub struct Editor {
    place: Place,
    body: Vec<u8>,
    overflown: bool,
    last: String,
}

impl Editor {
    /// An editor that waits for its first prefix.
    pub fn new() -> Self {
        Self { place: Place::Hunting, body: Vec::new(), overflown: false, last: String::new() }
    }

    /// Takes one byte. `terminator` is S3, `delete` is S5.
    pub fn push(&mut self, byte: u8, terminator: u8, delete: u8) -> Typed {
        match self.place {
            Place::Hunting => self.hunt(byte),
            Place::Prefix(first) => match (first, byte) {
                (b'A', b'T') | (b'a', b't') => self.place = Place::Body,
                (_, b'/') => {
                    self.place = Place::Hunting;
                    return Typed::Line(self.last.clone());
                }
                _ => self.hunt(byte),
            },
            Place::Body if byte == terminator => return self.finish(),
            Place::Body if byte == delete => drop(self.body.pop()),
            // V.250 §5.2.2: control characters other than S3 and S5 do not enter the line.
            Place::Body if byte.is_ascii_control() => {}
            Place::Body if self.body.len() == LONGEST_LINE => self.overflown = true,
            Place::Body => self.body.push(byte),
        }
        Typed::Nothing
    }

    fn hunt(&mut self, byte: u8) {
        self.place = match byte {
            b'A' | b'a' => Place::Prefix(byte),
            _ => Place::Hunting,
        };
    }

    fn finish(&mut self) -> Typed {
        self.place = Place::Hunting;
        let body = std::mem::take(&mut self.body);
        let overflown = std::mem::take(&mut self.overflown);
        match String::from_utf8(body) {
            Ok(line) if line.is_ascii() && !overflown => {
                self.last.clone_from(&line);
                Typed::Line(line)
            }
            _ => Typed::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(typed: &[u8]) -> Vec<Typed> {
        let mut editor = Editor::new();
        typed
            .iter()
            .map(|&byte| editor.push(byte, b'\r', 8))
            .filter(|event| *event != Typed::Nothing)
            .collect()
    }

    #[test]
    fn a_line_is_the_text_between_prefix_and_terminator() {
        let table: &[(&[u8], &[&str])] = &[
            (b"AT\r", &[""]),
            (b"at+csq\r", &["+csq"]),
            (b"AT\n\r", &[""]),
            (b"At\raT\r", &[]),
            (b"\0\x7e}#garbageAT\r", &[""]),
            (b"AAT\r", &[""]),
            (b"ATE0\x08" as &[u8], &[]),
            (b"ATE0\x081\r", &["E1"]),
            (b"ATE\x08\x08\x08I\r", &["I"]),
            (b"ATI\rA/", &["I", "I"]),
            (b"ATI\ra/\r", &["I", "I"]),
            (b"A/", &[""]),
        ];
        for (typed, expected) in table {
            let expected: Vec<_> = expected.iter().map(|line| Typed::Line((*line).to_owned())).collect();
            assert_eq!(lines(typed), expected, "{}", typed.escape_ascii());
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_as_a_whole() {
        let mut typed = b"AT".to_vec();
        typed.extend([b'X'; LONGEST_LINE + 1]);
        typed.extend(b"\rAT\r");
        assert_eq!(lines(&typed), [Typed::Unreadable, Typed::Line(String::new())]);
        assert_eq!(lines(b"AT\xff\r"), [Typed::Unreadable]);
    }
}
