//! A `site.toml` with holes: `{number}` stands for a value of the box, `{{` for a brace.

use std::ops::Range;

use crate::error::{Error, Result};

/// A line and a column, both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// Where a byte of a text is.
    pub fn of(text: &str, at: usize) -> Self {
        let before = &text[..text.floor_char_boundary(at)];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 }
    }
}

/// A template whose holes are well formed.
#[derive(Debug)]
pub struct Template {
    /// Its name in messages.
    pub name: String,
    text: String,
    holes: Vec<Hole>,
}

/// A place for a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// What is between the braces; empty for `{{`.
    pub name: String,
    at: Range<usize>,
}

/// A template with its values.
#[derive(Debug)]
pub struct Filled<'a> {
    /// The site's text.
    pub text: String,
    template: &'a Template,
    /// The bytes of the text that came from each hole.
    values: Vec<Range<usize>>,
}

/// Where a place of a filled template comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// From the value of this hole.
    Hole(&'a Hole),
    /// From the template.
    Template(Position),
}

impl Template {
    /// Finds the holes.
    ///
    /// # Errors
    /// A brace begins none; with its line and column.
    pub fn parse(name: &str, text: String) -> Result<Self> {
        let mut holes = Vec::new();
        let mut at = 0;
        while let Some(open) = text[at..].find('{').map(|found| at + found) {
            let inside = &text[open + 1..];
            let (length, found) = match inside.find('}').filter(|end| is_name(&inside[..*end])) {
                _ if inside.starts_with('{') => (2, ""),
                Some(end) => (end + 2, &inside[..end]),
                None => {
                    let Position { line, column } = Position::of(&text, open);
                    return Err(Error::new(format!("{name}:{line}:{column}: this brace begins no hole"))
                        .hint("write a name of lower-case letters, digits and hyphens, as in {number}, or {{ for a brace"));
                }
            };
            holes.push(Hole { name: found.to_owned(), at: open..open + length });
            at = open + length;
        }
        Ok(Self { name: name.to_owned(), text, holes })
    }

    /// The holes for values, in their order.
    pub fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.holes.iter().filter(|hole| !hole.name.is_empty())
    }

    /// Where a hole is.
    pub fn position(&self, hole: &Hole) -> Position {
        Position::of(&self.text, hole.at.start)
    }

    /// Puts the values in; `None` from `value` leaves the hole empty.
    pub fn fill<'v>(&self, mut value: impl FnMut(&Hole) -> Option<&'v str>) -> Filled<'_> {
        let mut text = String::with_capacity(self.text.len() + 256);
        let mut values = Vec::with_capacity(self.holes.len());
        let mut copied = 0;
        for hole in &self.holes {
            text.push_str(&self.text[copied..hole.at.start]);
            copied = hole.at.end;
            let start = text.len();
            text.push_str(if hole.name.is_empty() { "{" } else { value(hole).unwrap_or_default() });
            values.push(start..text.len());
        }
        text.push_str(&self.text[copied..]);
        Filled { text, template: self, values }
    }
}

impl Filled<'_> {
    /// Where a place of the text comes from. A position of a whole string is that of its first quote: it counts as the
    /// hole that follows.
    pub fn origin(&self, Position { line, column }: Position) -> Origin<'_> {
        let start: usize = self.text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let in_line =
            self.text[start..].char_indices().nth(column - 1).map_or(self.text.len() - start, |(at, _)| at);
        let at = start + in_line;
        let behind_quote = at + usize::from(self.text[at..].starts_with(['"', '\'']));
        let mut moved = at;
        for (hole, value) in self.template.holes.iter().zip(&self.values) {
            let is_it = value.contains(&at) || value.start == behind_quote;
            if is_it && !hole.name.is_empty() {
                return Origin::Hole(hole);
            }
            if value.start > at {
                break;
            }
            // What is behind the value is as far behind the hole.
            moved = hole.at.end + (at - value.end.min(at));
        }
        Origin::Template(Position::of(&self.template.text, moved))
    }
}

/// Words of lower-case letters, digits and hyphens; a second one, behind a dot, may have other letters.
fn is_name(name: &str) -> bool {
    let word = |word: &str, is_letter: fn(&u8) -> bool| {
        !word.is_empty() && word.bytes().all(|byte| is_letter(&byte) || byte.is_ascii_digit() || byte == b'-')
    };
    let (first, second) = name.split_once('.').map_or((name, None), |(first, second)| (first, Some(second)));
    word(first, u8::is_ascii_lowercase)
        && second.is_none_or(|it| word(it, |it| it.is_ascii_alphabetic() || *it == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# {{é}\nhostname = \"{name}\"\nnumbers = [\"{number}\", \"x\"] # é\npin = \"{pin}\"\n";

    fn filled(template: &Template) -> Filled<'_> {
        template.fill(|hole| match hole.name.as_str() {
            "name" => Some("cabin-17"),
            "number" => Some("+33612345678"),
            _ => None,
        })
    }

    #[test]
    fn values_take_the_places_of_holes_and_two_braces_make_one() {
        let template = Template::parse("t", TEXT.to_owned()).unwrap();
        let names: Vec<&str> = template.holes().map(|hole| hole.name.as_str()).collect();
        assert_eq!(names, ["name", "number", "pin"]);
        let expected =
            "# {é}\nhostname = \"cabin-17\"\nnumbers = [\"+33612345678\", \"x\"] # é\npin = \"\"\n";
        assert_eq!(filled(&template).text, expected);
    }

    #[test]
    fn a_place_of_the_site_is_found_in_the_template_or_is_a_hole() {
        let template = Template::parse("t", TEXT.to_owned()).unwrap();
        let filled = filled(&template);
        let hole = |line, column| match filled.origin(Position { line, column }) {
            Origin::Hole(hole) => hole.name.clone(),
            Origin::Template(Position { line, column }) => format!("{line}:{column}"),
        };
        for ((line, column), expected) in [
            ((1, 1), "1:1"),
            ((1, 4), "1:5"),
            ((2, 1), "2:1"),
            ((2, 12), "name"),
            ((2, 14), "name"),
            ((2, 21), "2:19"),
            ((3, 12), "number"),
            ((3, 28), "3:24"),
            ((3, 33), "3:29"),
            ((4, 7), "pin"),
            ((4, 8), "4:13"),
            ((5, 1), "5:1"),
        ] {
            assert_eq!(hole(line, column), expected, "{line}:{column}");
        }
    }

    #[test]
    fn a_brace_that_begins_no_hole_is_refused_with_its_place() {
        for text in [
            "a = 1\nb = \"é{\"",
            "a\nb = \"é{Name}\"",
            "a\nb = \"é{a b}\"",
            "a\nb = \"é{}\"",
            "a\nb = \"é{.a}\"",
        ] {
            let error = Template::parse("cabin.toml", text.to_owned()).unwrap_err().to_string();
            assert!(error.contains("cabin.toml:2:7: this brace"), "{text}: {error}");
        }
        assert!(Template::parse("t", "{password-hash.Jean_1}".to_owned()).is_ok());
    }
}
