//! What a package holds, as far as its libraries go: names, links, and what each ELF file needs.

use std::{collections::BTreeMap, io::Read, path::Path};

use object::{
    Endianness,
    elf::{self, FileHeader32, FileHeader64},
    read::elf::{Dyn, FileHeader, ProgramHeader},
};

use crate::{
    debian::deb,
    error::{Context, Result},
};

/// The files of a package by absolute path.
#[derive(Debug, Default)]
pub struct Listing(BTreeMap<String, Kind>);

/// What the lock has to know of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A symbolic or hard link, to this path.
    Link(String),
    /// Anything else; with the sonames that it needs, if it is a dynamic ELF file.
    File(Vec<String>),
}

impl Listing {
    /// Reads a package.
    pub fn read(file: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        deb::for_each(file, |path, entry| {
            let kind = match entry.header().entry_type() {
                tar::EntryType::Directory => Kind::Directory,
                tar::EntryType::Symlink | tar::EntryType::Link => Kind::Link(target(path, entry)?),
                _ => Kind::File(needs(entry).context(|| format!("{path} cannot be read"))?),
            };
            files.insert(path.to_owned(), kind);
            Ok(())
        })?;
        Ok(Self(files))
    }

    /// The files that a recipe means by this path: itself, or all below it if it ends in `/`.
    pub fn matching(&self, wanted: &str) -> Vec<&str> {
        match wanted.strip_suffix('/') {
            Some(_) => self.0.keys().map(String::as_str).filter(|it| it.starts_with(wanted)).collect(),
            None => self.0.get_key_value(wanted).map(|(path, _)| path.as_str()).into_iter().collect(),
        }
    }

    /// Where the dynamic loader would find a library of this name.
    pub fn library(&self, soname: &str) -> Option<&str> {
        self.0.keys().map(String::as_str).find(|path| {
            path.rsplit_once('/').is_some_and(|(directory, name)| name == soname && is_searched(directory))
        })
    }

    /// The sonames that a file needs, followed through links within the package.
    pub fn needs(&self, path: &str) -> &[String] {
        let mut path = path;
        // A chain of links is shorter than this, or it is a circle.
        for _ in 0..8 {
            match self.0.get(path) {
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

/// ld.so(8): the trusted directories, and Debian's multiarch ones.
fn is_searched(directory: &str) -> bool {
    let below_lib = directory.strip_prefix("/usr").unwrap_or(directory);
    match below_lib.strip_prefix("/lib/") {
        Some(triplet) => triplet.contains("-linux-gnu") && !triplet.contains('/'),
        None => matches!(below_lib, "/lib" | "/lib64"),
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

/// Joins and takes out `.` and `..`.
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

/// The sonames that an ELF file needs, its loader among them; none for any other file.
fn needs(file: &mut impl Read) -> std::io::Result<Vec<String>> {
    let mut bytes = Vec::new();
    file.by_ref().take(4).read_to_end(&mut bytes)?;
    if bytes != elf::ELFMAG {
        return Ok(Vec::new());
    }
    file.read_to_end(&mut bytes)?;
    let needs = match bytes.get(4) {
        Some(&class) if class == elf::ELFCLASS64.0 => parse_needs::<FileHeader64<Endianness>>(&bytes),
        _ => parse_needs::<FileHeader32<Endianness>>(&bytes),
    };
    // A file that only begins like ELF has no libraries; the gates on the tree judge it.
    Ok(needs.unwrap_or_default())
}

fn parse_needs<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> object::read::Result<Vec<String>> {
    let header = Elf::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let mut needs = Vec::new();
    for program in header.program_headers(endian, bytes)? {
        if let Some(loader) = program.interpreter(endian, bytes)? {
            let loader = String::from_utf8_lossy(loader);
            needs.push(loader.rsplit('/').next().unwrap_or_default().to_owned());
        }
    }
    if let Some((dynamic, names)) = sections.dynamic(endian, bytes)? {
        let names = sections.strings(endian, bytes, names)?;
        for entry in dynamic.iter().filter(|it| it.tag(endian) == elf::DT_NEEDED) {
            let name = entry.string(endian, names)?;
            needs.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    Ok(needs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_where_the_loader_looks() {
        let file = |path: &str| (path.to_owned(), Kind::File(Vec::new()));
        let listing: Listing = [
            file("/usr/lib/pppd/2.4.9/libpcap.so.0.8"),
            file("/usr/share/libdbus-1.so.3"),
            file("/lib/arm-linux-gnueabi/libc.so.6"),
            file("/usr/lib/arm-linux-gnueabi/pulseaudio/libp.so.1"),
            file("/lib64/ld-linux-x86-64.so.2"),
        ]
        .into_iter()
        .collect();
        assert_eq!(listing.library("libc.so.6"), Some("/lib/arm-linux-gnueabi/libc.so.6"));
        assert_eq!(listing.library("ld-linux-x86-64.so.2"), Some("/lib64/ld-linux-x86-64.so.2"));
        for elsewhere in ["libpcap.so.0.8", "libdbus-1.so.3", "libp.so.1"] {
            assert_eq!(listing.library(elsewhere), None);
        }
    }

    #[test]
    fn needs_are_found_through_links_and_circles_end() {
        let link = |path: &str, target: &str| (path.to_owned(), Kind::Link(target.to_owned()));
        let listing: Listing = [
            link("/lib/liba.so.1", "/lib/liba.so.1.2"),
            ("/lib/liba.so.1.2".to_owned(), Kind::File(vec!["libc.so.6".into()])),
            link("/lib/x", "/lib/y"),
            link("/lib/y", "/lib/x"),
        ]
        .into_iter()
        .collect();
        assert_eq!(listing.needs("/lib/liba.so.1"), ["libc.so.6"]);
        assert!(listing.needs("/lib/x").is_empty());
    }

    #[test]
    fn link_targets_are_made_absolute() {
        assert_eq!(normal("/usr/lib", "../bin/./x"), "/usr/bin/x");
        assert_eq!(normal("/lib", "ld-2.36.so"), "/lib/ld-2.36.so");
        assert_eq!(normal("", "usr/bin/perl"), "/usr/bin/perl");
    }

    #[test]
    fn a_program_of_this_machine_needs_its_loader_and_libc() {
        let mut program = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let needs = needs(&mut program).unwrap();
        assert!(needs.iter().any(|it| it.starts_with("ld-linux")), "{needs:?}");
        assert!(needs.iter().any(|it| it == "libc.so.6"), "{needs:?}");
    }
}
