//! The copyright files of Debian packages (Debian Policy §12.5) and of crates.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::{
    cross::crates::is_licence,
    debian::{
        contents::{Contents, Entry},
        control,
    },
    error::{Context, Error, Result},
    manifest::PackageId,
};

/// The text of a licence or copyright file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its name in `licences/`.
    pub name: String,
    /// What it says. Bytes that are not UTF-8 are replaced.
    pub text: String,
}

impl Text {
    /// A text of a component.
    pub fn new(component: &str, file: &str, bytes: &[u8]) -> Self {
        Self { name: format!("{component}.{file}"), text: String::from_utf8_lossy(bytes).into_owned() }
    }

    /// The licences that a machine-readable copyright file names (DEP-5, "License field"), sorted; none if it is free
    /// text.
    pub fn names(&self) -> Vec<String> {
        let mut paragraphs = control::paragraphs(&self.text);
        let is_machine_readable = paragraphs.next().is_some_and(|it| it.get("Format").is_some());
        if !is_machine_readable {
            return Vec::new();
        }
        let names = control::paragraphs(&self.text).filter_map(|it| it.get("License")?.lines().next());
        let names: BTreeSet<&str> = names.map(str::trim).filter(|it| !it.is_empty()).collect();
        names.into_iter().map(str::to_owned).collect()
    }
}

/// The copyright file of a package. The directory of a package's documents may be a link to that of another one, as all of
/// GCC's are; both must be locked.
pub fn of_package(packages: &BTreeMap<PackageId, Contents>, id: &PackageId) -> Result<Text> {
    let mut path = format!("{}/copyright", documents(id));
    // More links in a row are a loop.
    for _ in 0..8 {
        let beside =
            packages.iter().filter(|(it, _)| it.suite == id.suite && it.architecture == id.architecture);
        let entry = |path: &str| beside.clone().find_map(|(_, contents)| contents.get(path));
        let directory = path.trim_end_matches("/copyright");
        match (entry(&path), entry(directory)) {
            (Some(Entry::File(content, _)), _) => {
                return Ok(Text::new(&id.name, "copyright", &content.read()?));
            }
            (Some(Entry::Symlink(target)), _) => path = follow(&path, target),
            (None, Some(Entry::Symlink(target))) => path = format!("{}/copyright", follow(directory, target)),
            _ => return Err(missing(id, &path)),
        }
    }
    Err(missing(id, &path))
}

fn documents(id: &PackageId) -> String {
    format!("/usr/share/doc/{}", id.name)
}

fn missing(id: &PackageId, path: &str) -> Error {
    let error = Error::new(format!("the copyright file of package {} is not there", id.name))
        .fact(format!("no locked package has {path}"));
    let other = path.split('/').rev().nth(1).filter(|it| *it != id.name);
    match other {
        Some(other) => {
            error.fact(format!("the documents of {} are a link to those of {other}", id.name)).hint(format!(
                "name the package {other} in the recipe, without `files`, then `cargo xtask lock`"
            ))
        }
        None => error.fact("Debian Policy asks for it in every package (§12.5)"),
    }
}

/// Where a link at `path` points, for the plain links of `/usr/share/doc`.
fn follow(path: &str, target: &str) -> String {
    let mut steps: Vec<&str> = match target.starts_with('/') {
        true => Vec::new(),
        false => path.split('/').skip(1).collect(),
    };
    steps.pop();
    for step in target.split('/') {
        match step {
            ".." => drop(steps.pop()),
            "." | "" => {}
            step => steps.push(step),
        }
    }
    format!("/{}", steps.join("/"))
}

/// The licences and notices directly in a directory, sorted by name.
pub fn in_directory(directory: &Path, component: &str) -> Result<Vec<Text>> {
    let cannot = || format!("cannot read {}", directory.display());
    let mut texts = Vec::new();
    for entry in fs::read_dir(directory).context(cannot)? {
        let entry = entry.context(cannot)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_licence(&name) && entry.path().is_file() {
            texts.push(Text::new(component, &name, &fs::read(entry.path()).context(cannot)?));
        }
    }
    texts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_readable_file_names_its_licences_and_free_text_names_none() {
        let text = |text: &str| Text { name: String::new(), text: text.into() };
        let dep5 = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
                    Files: *\nCopyright: somebody\nLicense: GPL-2+\n\n\
                    License: BSD-3-clause\n Redistribution and use\n\n\
                    License: GPL-2+\n On Debian systems\n";
        assert_eq!(text(dep5).names(), ["BSD-3-clause", "GPL-2+"]);
        assert_eq!(text("This is ppp.\n\nLicense: see below\n").names(), [""; 0]);
    }

    #[test]
    fn links_of_documents_are_followed() {
        let from = "/usr/share/doc/libatomic1";
        assert_eq!(follow(from, "gcc-12-base"), "/usr/share/doc/gcc-12-base");
        assert_eq!(follow(from, "../doc/./gcc-12-base"), "/usr/share/doc/gcc-12-base");
        assert_eq!(follow(from, "/usr/share/doc/x"), "/usr/share/doc/x");
    }
}
