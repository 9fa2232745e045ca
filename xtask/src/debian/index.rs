//! A suite's packages for one architecture, from its `Packages` files.

use std::collections::HashMap;

use crate::{
    debian::{control, relation, source},
    error::{Error, Result},
    manifest::{LockedPackage, SourceId},
    version,
};

/// One version of one package, as the archive describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `ppp`
    pub name: String,
    /// `2.4.9-1+1.1+b1`
    pub version: String,
    /// `armel` or `all`.
    pub architecture: String,
    /// Below the mirror: `pool/main/p/ppp/…`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Hexadecimal.
    pub sha256: String,
    /// What it was built from.
    pub(crate) source: SourceId,
    /// The sources of what was built into it.
    pub(crate) built_using: Vec<SourceId>,
    depends: String,
}

/// Every package of a suite for one architecture; there may be several versions of each.
#[derive(Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    by_name: HashMap<String, Vec<usize>>,
    providers: HashMap<String, Vec<usize>>,
}

impl Entry {
    /// `ppp_2.4.9-1+1.1+b1_armel.deb`
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The same package as it is locked already, with the dependencies of this version.
    pub(crate) fn as_locked(&self, locked: &LockedPackage) -> Self {
        Self {
            version: locked.version.clone(),
            path: locked.path.clone(),
            size: locked.size,
            sha256: locked.sha256.clone(),
            source: locked.source_id(),
            built_using: locked.sources().skip(1).collect(),
            ..self.clone()
        }
    }
}

impl Index {
    /// Adds the packages of a `Packages` file.
    pub fn add(&mut self, packages: &str) -> Result<()> {
        for paragraph in control::paragraphs(packages) {
            let name = paragraph.get("Package").unwrap_or_default();
            let field = |field: &str| {
                let value = paragraph.get(field).map(str::to_owned);
                value.ok_or_else(|| Error::new(format!("package `{name}` has no {field}")))
            };
            let size = field("Size")?;
            let depends = [paragraph.get("Pre-Depends"), paragraph.get("Depends")];
            let at = self.entries.len();
            self.entries.push(Entry {
                name: field("Package")?,
                version: field("Version")?,
                architecture: field("Architecture")?,
                path: field("Filename")?,
                size: size
                    .parse()
                    .map_err(|_| Error::new(format!("package `{name}` has the size `{size}`")))?,
                sha256: field("SHA256")?.to_ascii_lowercase(),
                source: source::of_package(&paragraph),
                built_using: source::built_using(&paragraph),
                depends: depends.into_iter().flatten().collect::<Vec<_>>().join(","),
            });
            self.by_name.entry(name.to_owned()).or_default().push(at);
            for provided in relation::parse(paragraph.get("Provides").unwrap_or_default()).concat() {
                self.providers.entry(provided.to_owned()).or_default().push(at);
            }
        }
        Ok(())
    }

    /// Every version of a package, the newest first.
    pub fn versions(&self, name: &str) -> Vec<&Entry> {
        let all = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        let mut all: Vec<&Entry> = all.iter().map(|at| &self.entries[*at]).collect();
        all.sort_by(|left, right| version::compare(&right.version, &left.version));
        all
    }

    /// The dependencies of a package, searched in several suites: for each relation the first alternative that is a
    /// package of one of them, or that a package of it provides. Each comes with its suite.
    pub fn dependencies<'a>(entry: &Entry, suites: &[(&'a str, &'a Self)]) -> Vec<(&'a str, &'a Entry)> {
        let find =
            |name: &&str| suites.iter().find_map(|(suite, index)| Some((*suite, index.satisfy(name)?)));
        relation::parse(&entry.depends).iter().filter_map(|it| it.iter().find_map(find)).collect()
    }

    /// Similar names, for "did you mean".
    pub fn similar(&self, name: &str) -> Vec<&str> {
        let stem = name.trim_end_matches(|it: char| it.is_ascii_digit() || it == '.' || it == '-');
        let mut similar: Vec<&str> =
            self.by_name.keys().map(String::as_str).filter(|it| it.starts_with(stem)).collect();
        similar.sort_by_key(|it| (it.len().abs_diff(name.len()), *it));
        similar.truncate(3);
        similar
    }

    fn satisfy(&self, name: &str) -> Option<&Entry> {
        let provider =
            || self.providers.get(name)?.iter().map(|at| &self.entries[*at]).min_by_key(|it| &it.name);
        self.versions(name).first().copied().or_else(provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGES: &str = include_str!("testdata/Packages");

    fn index() -> Index {
        let mut index = Index::default();
        index.add(PACKAGES).unwrap();
        index
    }

    #[test]
    fn the_newest_version_comes_first() {
        let index = index();
        let versions: Vec<_> = index.versions("rust-src").iter().map(|it| it.version.as_str()).collect();
        assert_eq!(versions, ["1.96.1+dfsg1-2~bpo13+1", "1.95.0+dfsg1-2~bpo13+1", "1.94.1+dfsg1-1~bpo13+3"]);
        assert!(index.versions("nothing").is_empty());
    }

    #[test]
    fn a_package_is_read_with_every_field_of_a_lock() {
        insta::assert_debug_snapshot!(index().versions("ppp"), @r#"
        [
            Entry {
                name: "ppp",
                version: "2.4.9-1+1.1+b1",
                architecture: "armel",
                path: "pool/main/p/ppp/ppp_2.4.9-1+1.1+b1_armel.deb",
                size: 335720,
                sha256: "3f1c000000000000000000000000000000000000000000000000000000000000",
                source: SourceId {
                    name: "ppp",
                    version: "2.4.9-1+1.1",
                },
                built_using: [],
                depends: "init-system-helpers (>= 1.54~),libc6 (>= 2.34),\n libpcap0.8 (>= 1.5.1), gawk-static | awk",
            },
        ]
        "#);
    }

    #[test]
    fn dependencies_follow_the_first_alternative_that_exists_or_is_provided() {
        let index = index();
        let ppp = index.versions("ppp")[0];
        let names = |suites: &[(&'static str, &Index)]| -> Vec<String> {
            let found = Index::dependencies(ppp, suites);
            found.into_iter().map(|(suite, it)| format!("{} of {suite}", it.name)).collect()
        };
        assert_eq!(
            names(&[("a", &index)]),
            ["init-system-helpers of a", "libc6 of a", "libpcap0.8 of a", "mawk of a"]
        );
        let mut part = Index::default();
        part.add("Package: libc6\nVersion: 9\nArchitecture: armel\nFilename: x\nSize: 1\nSHA256: 0\n")
            .unwrap();
        assert_eq!(
            names(&[("b", &part), ("a", &index)]),
            ["init-system-helpers of a", "libc6 of b", "libpcap0.8 of a", "mawk of a"]
        );
    }

    #[test]
    fn a_missing_field_is_named() {
        let error = Index::default().add("Package: ppp\nSize: 3\n").unwrap_err();
        assert_eq!(error.to_string(), "error: package `ppp` has no Version");
    }
}
