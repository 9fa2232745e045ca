//! What is kept beside a task's output: its hash, those of its files and of its inputs.
//!
//! A line for each, with tabs between kind, name and hash. Every build reads the records of all outputs that it uses, and
//! some have thousands of lines.

use std::{collections::BTreeMap, fs, io::Read, path::Path};

use super::Inputs;

/// The record of an output.
#[derive(Debug, PartialEq)]
pub struct Record {
    /// Hash of all files.
    pub digest: String,
    /// Each file's hash, by its path below the output's directory; of a link, its target.
    pub files: BTreeMap<String, String>,
    /// What it was made from.
    pub inputs: Inputs,
}

/// The first line. 2: the inputs' values are hashes. 3: the files. 4: lines instead of TOML. Records of another format are
/// ignored.
const FORMAT: &str = "dialbox task record 4\n";
const DIGEST: &str = "digest";
const FILE: &str = "file";
const INPUT: &str = "input";

impl Record {
    /// Reads a record's file. `None` if there is none, or none of this format.
    pub fn read(file: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(file).ok()?)
    }

    /// The content of its file.
    pub fn to_text(&self) -> String {
        let mut text = FORMAT.to_owned();
        let mut add = |kind: &str, name: &str, value: &str| {
            let fields = [kind, "\t", &escaped(name), "\t", &escaped(value), "\n"];
            fields.iter().for_each(|it| text.push_str(it));
        };
        add(DIGEST, "", &self.digest);
        self.files.iter().for_each(|(name, value)| add(FILE, name, value));
        self.inputs.0.iter().for_each(|(name, value)| add(INPUT, name, value));
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let lines = text.strip_prefix(FORMAT)?;
        let (mut digest, mut files, mut inputs) = (None, BTreeMap::new(), BTreeMap::new());
        for line in lines.strip_suffix('\n')?.split('\n') {
            let mut fields = line.split('\t');
            let (kind, name, value) = (fields.next()?, plain(fields.next()?)?, plain(fields.next()?)?);
            if fields.next().is_some() {
                return None;
            }
            match kind {
                DIGEST => digest = Some(value),
                FILE => drop(files.insert(name, value)),
                INPUT => drop(inputs.insert(name, value)),
                _ => return None,
            }
        }
        Some(Self { digest: digest?, files, inputs: Inputs(inputs) })
    }

    /// Whether a file is one, told by its first line alone: there are several of each task.
    pub fn is_one(file: &Path) -> bool {
        let mut beginning = Vec::new();
        let read =
            fs::File::open(file).and_then(|it| it.take(FORMAT.len() as u64).read_to_end(&mut beginning));
        read.is_ok() && beginning == FORMAT.as_bytes()
    }
}

/// Without the characters that end a field.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t")
}

fn plain(escaped: &str) -> Option<String> {
    if !escaped.contains('\\') {
        return Some(escaped.to_owned());
    }
    let mut plain = String::with_capacity(escaped.len());
    let mut characters = escaped.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next()? {
                'n' => '\n',
                't' => '\t',
                '\\' => '\\',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_whatever_its_files_are_called() {
        let names =
            ["a", "", "with a blank", "tab\there", "two\nlines", "back\\slash", "\\n", "é", "trailing\\"];
        let map = |value: &str| names.map(|name| (name.to_owned(), value.to_owned())).into_iter().collect();
        let record = Record { digest: "d1".into(), files: map("-> ../a\tb\n"), inputs: Inputs(map("1f")) };
        assert_eq!(Record::parse(&record.to_text()), Some(record));
        let empty = Record { digest: "d1".into(), files: BTreeMap::new(), inputs: Inputs::default() };
        assert_eq!(Record::parse(&empty.to_text()), Some(empty));
    }

    #[test]
    fn what_is_no_whole_record_is_none() {
        let whole = format!("{FORMAT}digest\t\td1\nfile\ta\tb\n");
        assert!(Record::parse(&whole).is_some());
        for text in [
            "",
            FORMAT,
            "format = 3\ndigest = \"d1\"\n",
            &whole[..whole.len() - 1],
            &whole.replace("digest\t\td1\n", ""),
            &whole.replace("file", "other"),
            &whole.replace("\tb", ""),
            &whole.replace("\tb", "\tb\tc"),
            &whole.replace("\ta", "\t\\a"),
            &whole.replace("\ta", "\ta\\"),
        ] {
            assert_eq!(Record::parse(text), None, "{text:?}");
        }
    }
}
