//! The content of a package as far as libraries matter: names, links, and what each ELF file needs.

use std::{collections::BTreeMap, io::Read, path::Path};

use crate::{
    debian::deb,
    elf,
    error::{Context, Result},
    shared_library::Needed,
    usr_merge,
};

/// The files of a package by absolute path.
#[derive(Debug, Default)]
pub struct Listing(BTreeMap<String, Kind>);

/// An entry as far as the lock needs it.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A symbolic or hard link, to this path.
    Link(String),
    /// Anything else; with the libraries it needs, if it is a dynamic ELF file.
    File(Vec<Needed>),
}

impl Listing {
    /// Reads a package.
    pub fn read(file: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        deb::for_each(file, |path, entry| {
            let kind = match entry.header().entry_type() {
                tar::EntryType::Directory => Kind::Directory,
                tar::EntryType::Symlink | tar::EntryType::Link => Kind::Link(target(path, entry)?),
                _ => Kind::File(needs(path, entry).context(|| format!("{path} cannot be read"))?),
            };
            files.insert(path.to_owned(), kind);
            Ok(())
        })?;
        Ok(Self(files))
    }

    /// The files for a path of a recipe, in either layout: the path itself, or everything below it if it ends in `/`.
    pub fn matching(&self, wanted: &str) -> Vec<&str> {
        let matching = |wanted: &str| -> Vec<&str> {
            match wanted.strip_suffix('/') {
                Some(_) => self.0.keys().map(String::as_str).filter(|it| it.starts_with(wanted)).collect(),
                None => self.0.get_key_value(wanted).map(|(path, _)| path.as_str()).into_iter().collect(),
            }
        };
        match (matching(wanted), usr_merge::other(wanted)) {
            (none, Some(other)) if none.is_empty() => matching(&other),
            (found, _) => found,
        }
    }

    /// The path at which the dynamic loader finds it in this package.
    pub fn find(&self, needed: &Needed) -> Option<&str> {
        needed.find(self.0.keys().map(String::as_str))
    }

    /// What a file needs; links are followed within the package.
    pub fn needs(&self, path: &str) -> &[Needed] {
        let mut path = path;
        // A longer chain of links is a loop.
        for _ in 0..8 {
            let here = self.matching(path).into_iter().next();
            match here.and_then(|it| self.0.get(it)) {
                Some(Kind::File(needs)) => return needs,
                Some(Kind::Link(target)) => path = target,
                Some(Kind::Directory) | None => break,
            }
        }
        &[]
    }

    /// Paths with the same file name, for "did you mean".
    pub fn namesakes(&self, path: &str) -> Vec<&str> {
        let name = path.trim_end_matches('/').rsplit('/').next();
        self.0.keys().map(String::as_str).filter(|it| it.rsplit('/').next() == name).collect()
    }
}

impl FromIterator<(String, Kind)> for Listing {
    fn from_iter<T: IntoIterator<Item = (String, Kind)>>(files: T) -> Self {
        Self(files.into_iter().collect())
    }
}

fn target(path: &str, entry: &deb::Entry) -> Result<String> {
    let target =
        entry.link_name().context(|| format!("the target of {path} cannot be read"))?.unwrap_or_default();
    let target = target.to_string_lossy();
    let is_hard = entry.header().entry_type() == tar::EntryType::Link;
    Ok(match (is_hard, target.strip_prefix('/')) {
        (true, _) => normal("", &target),
        (false, Some(absolute)) => normal("", absolute),
        (false, None) => normal(path.rsplit_once('/').map_or("", |(directory, _)| directory), &target),
    })
}

/// Joins two paths and resolves `.` and `..`.
fn normal(directory: &str, relative: &str) -> String {
    let mut steps: Vec<&str> = directory.split('/').filter(|it| !it.is_empty()).collect();
    for step in relative.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    format!("/{}", steps.join("/"))
}

/// What an ELF file needs; nothing for any other file.
fn needs(path: &str, file: &mut impl Read) -> std::io::Result<Vec<Needed>> {
    let mut bytes = Vec::new();
    file.by_ref().take(4).read_to_end(&mut bytes)?;
    if !elf::is_elf(&bytes) {
        return Ok(Vec::new());
    }
    file.read_to_end(&mut bytes)?;
    // A file that only begins like ELF needs no libraries; the image gates check it.
    Ok(elf::needs(path, &bytes).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needed_libraries_are_found_through_links_and_link_loops_end() {
        let link = |path: &str, target: &str| (path.to_owned(), Kind::Link(target.to_owned()));
        let listing: Listing = [
            link("/lib/liba.so.1", "/lib/liba.so.1.2"),
            ("/lib/liba.so.1.2".to_owned(), Kind::File(vec![Needed::Library("libc.so.6".into())])),
            link("/lib/x", "/lib/y"),
            link("/lib/y", "/lib/x"),
        ]
        .into_iter()
        .collect();
        assert_eq!(listing.needs("/lib/liba.so.1"), [Needed::Library("libc.so.6".into())]);
        assert!(listing.needs("/lib/x").is_empty());
        // A recipe's name of a file in the other layout.
        assert_eq!(listing.needs("/usr/lib/liba.so.1"), listing.needs("/lib/liba.so.1"));
        assert_eq!(listing.matching("/usr/lib/liba.so.1"), ["/lib/liba.so.1"]);
        assert_eq!(listing.matching("/usr/lib/").len(), 4);
        assert!(listing.matching("/usr/share/liba.so.1").is_empty());
    }

    #[test]
    fn link_targets_are_made_absolute() {
        assert_eq!(normal("/usr/lib", "../bin/./x"), "/usr/bin/x");
        assert_eq!(normal("/lib", "ld-2.36.so"), "/lib/ld-2.36.so");
        assert_eq!(normal("", "usr/bin/perl"), "/usr/bin/perl");
    }
}
