//! Source packages: what a binary package was built from, and the files of a source in a suite's `Sources` index.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    debian::control::{self, Paragraph},
    error::{Error, Result},
    manifest::{SourceFile, SourceId},
};

/// A source package as the index has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedSource {
    /// Where its files are, below the mirror.
    pub directory: String,
    /// The `.dsc` first, then by name.
    pub files: Vec<SourceFile>,
}

/// What a paragraph of `Packages` was built from: `Source` is left out if it has the package's name, and its version if it
/// has the package's version (Debian Policy §5.6.1).
pub fn of_package(paragraph: &Paragraph) -> SourceId {
    let name = paragraph.get("Package").unwrap_or_default();
    let version = paragraph.get("Version").unwrap_or_default();
    let source = paragraph.get("Source").unwrap_or(name);
    let (source, own) = source.split_once(' ').unwrap_or((source, ""));
    let own = own.trim().trim_start_matches('(').trim_end_matches(')');
    let version = if own.is_empty() { version } else { own };
    SourceId { name: source.to_owned(), version: version.to_owned() }
}

/// The sources of what was built into a package from others: `Built-Using` and `Static-Built-Using` (Debian Policy
/// §7.8), each `name (= version)`.
pub fn built_using(paragraph: &Paragraph) -> Vec<SourceId> {
    let fields = ["Built-Using", "Static-Built-Using"].into_iter().filter_map(|it| paragraph.get(it));
    let id = |item: &str| {
        let (name, version) = item.trim().split_once(' ')?;
        let version = version.trim().strip_prefix("(=")?.strip_suffix(')')?.trim();
        Some(SourceId { name: name.to_owned(), version: version.to_owned() })
    };
    let ids: BTreeSet<SourceId> = fields.flat_map(|it| it.split(',')).filter_map(id).collect();
    ids.into_iter().collect()
}

/// The wanted sources that a `Sources` file has.
pub fn find(sources: &str, wanted: &BTreeSet<SourceId>) -> Result<BTreeMap<SourceId, IndexedSource>> {
    let names: BTreeSet<&str> = wanted.iter().map(|it| it.name.as_str()).collect();
    let mut found = BTreeMap::new();
    for paragraph in control::paragraphs(sources) {
        let name = paragraph.get("Package").unwrap_or_default();
        let version = paragraph.get("Version").unwrap_or_default();
        let id = SourceId { name: name.to_owned(), version: version.to_owned() };
        if names.contains(name) && wanted.contains(&id) {
            let source =
                indexed(&paragraph).ok_or_else(|| Error::new(format!("source {id} has no list of files")))?;
            found.insert(id, source);
        }
    }
    Ok(found)
}

fn indexed(paragraph: &Paragraph) -> Option<IndexedSource> {
    let mut files = Vec::new();
    for line in paragraph.get("Checksums-Sha256")?.lines().filter(|it| !it.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [sha256, size, name] = words[..] else { return None };
        let is_plain = !name.contains('/') && !name.starts_with('.');
        let (name, sha256) = (name.to_owned(), sha256.to_ascii_lowercase());
        files.push(SourceFile { name, size: size.parse().ok()?, sha256 });
        if !is_plain {
            return None;
        }
    }
    files.sort_by_key(|it| (!it.name.ends_with(".dsc"), it.name.clone()));
    let is_whole = files.first().is_some_and(|it| it.name.ends_with(".dsc"));
    let directory = paragraph.get("Directory")?.to_owned();
    is_whole.then_some(IndexedSource { directory, files })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SourceId {
        SourceId::parse(text).unwrap()
    }

    #[test]
    fn a_package_says_what_it_was_built_from() {
        for (text, source, using) in [
            ("Package: picocom\nVersion: 3.1-4\n", "picocom 3.1-4", ""),
            ("Package: libc6\nVersion: 2.36-9\nSource: glibc\n", "glibc 2.36-9", ""),
            (
                "Package: busybox-static\nVersion: 1:1.35.0-4+b1\nSource: busybox (1:1.35.0-4)\n\
                 Built-Using: glibc (= 2.36-9+deb12u14), libxcrypt (= 1:4.4.33-2)\n",
                "busybox 1:1.35.0-4",
                "glibc 2.36-9+deb12u14, libxcrypt 1:4.4.33-2",
            ),
        ] {
            let paragraph = control::paragraphs(text).next().unwrap();
            assert_eq!(of_package(&paragraph), id(source));
            let found: Vec<String> = built_using(&paragraph).iter().map(SourceId::to_string).collect();
            assert_eq!(found.join(", "), using);
        }
    }

    const SOURCES: &str = "\
Package: ppp
Version: 2.4.9-1
Directory: pool/main/p/ppp
Checksums-Sha256:
 AB 719904 ppp_2.4.9.orig.tar.gz
 cd 2100 ppp_2.4.9-1.dsc

Package: ppp
Version: 2.5.0-1
Directory: pool/main/p/ppp
Checksums-Sha256:
 ef 2100 ppp_2.5.0-1.dsc
";

    #[test]
    fn a_source_is_found_by_name_and_version_with_its_dsc_first() {
        let found = find(SOURCES, &BTreeSet::from([id("ppp 2.4.9-1"), id("ppp 3-1"), id("chat 1")])).unwrap();
        let file =
            |name: &str, size, sha256: &str| SourceFile { name: name.into(), size, sha256: sha256.into() };
        let files = vec![file("ppp_2.4.9-1.dsc", 2100, "cd"), file("ppp_2.4.9.orig.tar.gz", 719_904, "ab")];
        let ppp = IndexedSource { directory: "pool/main/p/ppp".into(), files };
        assert_eq!(found, BTreeMap::from([(id("ppp 2.4.9-1"), ppp)]));
    }

    #[test]
    fn a_source_without_a_dsc_or_with_a_file_elsewhere_is_refused() {
        for (from, to) in [(".dsc", ".xyz"), ("ppp_2.4.9.orig", "../ppp"), (" 719904 ", " many ")] {
            let text = SOURCES.replace(from, to);
            assert!(find(&text, &BTreeSet::from([id("ppp 2.4.9-1")])).is_err(), "{to}");
        }
    }
}
