//! Components: what files of the image come from, or are linked with.

use super::copyright::Text;
use crate::{
    cross::crates::Crate,
    manifest::{Layer, LockedPackage},
};

/// A Debian package, a crate, or a part of this project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// What it is known by: a package URL (purl specification).
    pub purl: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is.
    pub kind: Kind,
    /// SHA-256 of the package's file.
    pub sha256: Option<String>,
    /// Who supplies it.
    pub supplier: &'static str,
    /// Name and version of its source package.
    pub source: Option<String>,
    /// Its licence.
    pub licence: Licence,
    /// Whether it is linked into the device's programs, and has no files of its own.
    pub is_linked: bool,
}

/// What a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Programs.
    Application,
    /// A library.
    Library,
    /// A kernel.
    Kernel,
    /// The site of the box: no software.
    Site,
}

/// What is known of a component's licence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Licence {
    /// An SPDX expression, if it comes with one.
    pub expression: Option<String>,
    /// The names that its copyright file uses (Debian's, which are not SPDX's); none if that is free text.
    pub names: Vec<String>,
    /// The texts.
    pub texts: Vec<Text>,
}

impl Component {
    /// A Debian package.
    pub fn package(package: &LockedPackage, kind: Kind, copyright: Text, is_linked: bool) -> Self {
        Self {
            purl: package_url(package),
            name: package.name.clone(),
            version: package.version.clone(),
            kind,
            sha256: Some(package.sha256.clone()),
            supplier: "Debian",
            source: Some(package.source_id().to_string()),
            licence: Licence { expression: None, names: copyright.names(), texts: vec![copyright] },
            is_linked,
        }
    }

    /// A crate that is linked into the programs.
    pub fn linked_crate(from: Crate) -> Self {
        let component = format!("{}-{}", from.name, from.version);
        let texts =
            from.texts.into_iter().map(|(file, text)| Text { name: format!("{component}.{file}"), text });
        Self {
            purl: format!("pkg:cargo/{}@{}", escaped(&from.name), escaped(&from.version)),
            kind: Kind::Library,
            sha256: Some(from.sha256),
            supplier: "Rust package registry",
            source: None,
            licence: Licence { expression: Some(from.licence), names: Vec::new(), texts: texts.collect() },
            is_linked: true,
            name: from.name,
            version: from.version,
        }
    }

    /// This project: its programs, its files, and what its builder makes.
    pub fn project(texts: Vec<Text>) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self {
            purl: format!("pkg:generic/{PROJECT}@{version}"),
            name: PROJECT.into(),
            version: version.into(),
            kind: Kind::Application,
            sha256: None,
            supplier: "the dialbox project",
            source: None,
            licence: Licence { expression: Some(env!("CARGO_PKG_LICENSE").into()), names: Vec::new(), texts },
            is_linked: false,
        }
    }

    /// A layer: its own programs and files.
    pub fn layer(layer: &Layer, texts: Vec<Text>) -> Self {
        let version = layer.raw.version.clone().unwrap_or_else(|| "0".into());
        Self {
            purl: format!("pkg:generic/{}@{}", escaped(&layer.name), escaped(&version)),
            name: layer.name.clone(),
            version,
            kind: Kind::Application,
            sha256: None,
            supplier: "the owner of the box",
            source: None,
            licence: Licence { expression: layer.raw.licence.clone(), names: Vec::new(), texts },
            is_linked: false,
        }
    }

    /// The box's site, which has the project's version: that decides which files it becomes.
    pub fn site() -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self {
            purl: format!("pkg:generic/{SITE}@{version}"),
            name: SITE.into(),
            version: version.into(),
            kind: Kind::Site,
            sha256: None,
            supplier: "the owner of the box",
            source: None,
            licence: Licence::default(),
            is_linked: false,
        }
    }
}

const PROJECT: &str = "dialbox";
const SITE: &str = "dialbox-site";

/// The package URL of a Debian package (purl-types, deb-definition).
pub fn package_url(package: &LockedPackage) -> String {
    let (name, version) = (escaped(&package.name), escaped(&package.version));
    let (architecture, suite) = (package.own_architecture(), escaped(&package.suite));
    format!("pkg:deb/debian/{name}@{version}?arch={architecture}&distro={suite}")
}

/// As a package URL writes names and versions: all but letters, digits and `.-_~:` are escaped (purl specification,
/// "Character encoding").
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                out.push(byte.into())
            }
            other => out += &format!("%{other:02X}"),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The escapes are those of the specification's own tests for `deb` and `cargo`.
    #[test]
    fn names_and_versions_are_escaped() {
        for (text, expected) in [
            ("libstdc++6", "libstdc%2B%2B6"),
            ("1:1.35.0-4+deb12u1+b1", "1:1.35.0-4%2Bdeb12u1%2Bb1"),
            ("1.95.0+dfsg1-2~bpo13+1", "1.95.0%2Bdfsg1-2~bpo13%2B1"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
