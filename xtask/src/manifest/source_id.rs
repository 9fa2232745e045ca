//! Source packages by name and version.

use std::fmt;

/// A source package at a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId {
    /// `busybox`
    pub name: String,
    /// `1:1.35.0-4+deb12u1`
    pub version: String,
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

impl SourceId {
    /// As it is written here: `name version`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, version) = text.split_once(' ')?;
        Some(Self { name: name.to_owned(), version: version.to_owned() })
    }
}
