//! `sites.toml`: what it says, with the place of each value.

use std::path::{Path, PathBuf};

use dialbox::site::closest;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Given, Member, NAME, Values};
use crate::{
    error::{Error, Result},
    provision::template::Position,
};

const COMMON: &str = "common";
const BOX: &str = "box";
const TEMPLATE: &str = "template";

/// The file, while it is read.
pub(super) struct Reader<'a> {
    /// What errors call it.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Where its templates lie.
    pub directory: &'a Path,
}

impl Reader<'_> {
    /// The common values, and the boxes in the order of the file.
    ///
    /// # Errors
    /// With file, line and column.
    pub fn read(&self) -> Result<(Values, Vec<Member>)> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            match error.message() {
                "duplicate key" => {
                    self.error(at, "this name is there already").hint("rename or remove one of the two")
                }
                other => self.error(at, other).hint("correct this line"),
            }
        })?;
        let document = document.into_inner();
        for (key, _) in &document {
            self.refuse_unknown(key.get_ref(), key.span().start, &[TEMPLATE, COMMON, BOX])?;
        }
        let common = document.get(COMMON).map(|table| self.values(table)).transpose()?.unwrap_or_default();
        let template = document.get(TEMPLATE).map(|value| self.template(value)).transpose()?;
        let Some(boxes) = document.get(BOX) else { return Ok((common, Vec::new())) };
        let mut members = Vec::new();
        for (name, table) in self.table(boxes)? {
            let mut values = self.values(table)?;
            let own = self.table(table)?.get(TEMPLATE).map(|value| self.template(value)).transpose()?;
            values.remove(TEMPLATE);
            let at = name.span().start;
            let template = own.or_else(|| template.clone()).ok_or_else(|| {
                self.error(at, "this box has no template")
                    .hint("add `template = \"cabin.toml\"`, a site.toml with holes")
            })?;
            members.push(Member { name: name.get_ref().to_string(), at, template, values });
        }
        // toml's table sorts by name.
        members.sort_by_key(|member| member.at);
        Ok((common, members))
    }

    fn template(&self, value: &Spanned<DeValue<'_>>) -> Result<PathBuf> {
        match value.get_ref() {
            DeValue::String(file) => Ok(self.directory.join(file.as_ref())),
            _ => Err(self
                .error(value.span().start, "a template is a file")
                .hint("write its name in double quotes")),
        }
    }

    fn table<'t>(&self, value: &'t Spanned<DeValue<'t>>) -> Result<&'t DeTable<'t>> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self
                .error(value.span().start, "this is not a table")
                .hint("write [common] or [box.NAME]")),
        }
    }

    fn values(&self, table: &Spanned<DeValue<'_>>) -> Result<Values> {
        let table = self.table(table)?;
        let value = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let text = self.in_hole(value)?;
            let key: &std::borrow::Cow<'_, str> = key.get_ref();
            if key == NAME {
                return Err(self
                    .error(value.span().start, "the name of a box is that of its table")
                    .hint("use another word, or leave it out: {name} is the name in [box.NAME]"));
            }
            Ok((key.to_string(), Given { text, at: value.span().start }))
        };
        table.iter().map(value).collect()
    }

    fn in_hole(&self, value: &Spanned<DeValue<'_>>) -> Result<String> {
        match value.get_ref() {
            DeValue::String(text) => Ok(escaped(text)),
            DeValue::Array(elements) => {
                let each = elements.iter().map(|element| match element.get_ref() {
                    DeValue::String(text) => Ok(format!("\"{}\"", escaped(text))),
                    _ => self.in_hole(element),
                });
                Ok(format!("[{}]", each.collect::<Result<Vec<_>>>()?.join(", ")))
            }
            DeValue::Integer(digits) => {
                let number = i64::from_str_radix(digits.as_str(), digits.radix());
                let number = number.map_err(|_| self.error(value.span().start, "this number is too large"));
                Ok(number?.to_string())
            }
            DeValue::Boolean(flag) => Ok(flag.to_string()),
            _ => Err(self
                .error(value.span().start, "this cannot be put into a hole")
                .hint("write text in double quotes, a whole number, true, false, or a list of these")),
        }
    }

    fn refuse_unknown(&self, key: &str, at: usize, known: &[&str]) -> Result<()> {
        if known.contains(&key) {
            return Ok(());
        }
        let meant =
            closest(key, known.iter().copied()).map_or(String::new(), |it| format!("; did you mean `{it}`?"));
        Err(self
            .error(at, &format!("unknown key `{key}`{meant}"))
            .hint(format!("use one of {}", known.join(", "))))
    }

    fn error(&self, at: usize, why: &str) -> Error {
        let Position { line, column } = Position::of(self.text, at);
        Error::new(format!("{}:{line}:{column}: {why}", self.name))
    }
}

/// As it stands between double quotes (TOML 1.0, basic strings).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_end_its_string() {
        let text = escaped("a\"\nrole = \"dial-in\\");
        let table: toml::Table = format!("a = \"{text}\"").parse().unwrap();
        assert_eq!(table["a"].as_str(), Some("a\"\nrole = \"dial-in\\"));
        assert_eq!(table.len(), 1);
    }
}
