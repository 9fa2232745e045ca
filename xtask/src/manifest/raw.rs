//! `image/image.toml` and the recipes, as written.

use std::{collections::BTreeMap, path::Path};

use dialbox::site::closest;
use serde::{Deserialize, de::DeserializeOwned};

use crate::error::{Error, Result};
use crate::text_file;

/// `image/image.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawImage {
    pub name: String,
    pub suite: String,
    pub architecture: String,
    pub recipes: Vec<String>,
    pub tools: Vec<String>,
    #[serde(default)]
    pub layers: Vec<String>,
    pub suites: BTreeMap<String, RawSuite>,
    pub disk: RawDisk,
}

/// Which components of a Debian suite the recipes may use, and in which suites its packages' libraries are searched.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSuite {
    pub components: Vec<String>,
    #[serde(default)]
    pub libraries: Vec<String>,
}

/// The partitions, in MiB.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawDisk {
    pub boot_mib: u32,
    pub root_mib: u32,
    pub state_mib: u32,
    pub signature: u32,
}

/// `image/recipes/<name>.toml` or `image/tools/<name>.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawRecipe {
    pub summary: String,
    #[serde(default, rename = "package")]
    pub packages: Vec<RawPackage>,
    #[serde(default)]
    pub modules: Vec<String>,
    #[serde(default)]
    pub initramfs_modules: Vec<String>,
    #[serde(default)]
    pub without_firmware: Vec<String>,
    #[serde(default)]
    pub binaries: Vec<String>,
    #[serde(default)]
    pub overlay: Vec<String>,
    #[serde(default)]
    pub directories: Vec<String>,
    #[serde(default)]
    pub chooses_by_cpu: Vec<String>,
    #[serde(default)]
    pub fixed_address: Vec<String>,
    #[serde(default)]
    pub stub_libraries: Vec<String>,
    #[serde(default)]
    pub links: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub modes: BTreeMap<String, String>,
    #[serde(default)]
    pub owners: BTreeMap<String, String>,
    #[serde(default)]
    pub users: BTreeMap<String, u16>,
}

/// A Debian package and what is taken from it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPackage {
    pub name: String,
    pub version: Option<String>,
    pub suite: Option<String>,
    pub architecture: Option<String>,
    #[serde(default)]
    pub files: Vec<String>,
    #[serde(default)]
    pub boot: BTreeMap<String, String>,
    #[serde(default)]
    pub kernel: Option<String>,
}

/// Reads a TOML file; an error names file, line and column.
pub fn read<T: DeserializeOwned>(path: &Path, shown: &str) -> Result<T> {
    let text = text_file::read(path, shown)?;
    toml::from_str(&text).map_err(|error| {
        let (line, column) = error.span().map_or((1, 1), |span| position(&text, span.start));
        let what = reword(error.message().trim_end());
        Error::new(format!("{shown}:{line}:{column}: {what}"))
            .fact(text.lines().nth(line - 1).unwrap_or_default().trim_end())
            .fact(format!("{:>column$}", "^"))
            .hint(format!("correct {shown} and run the same command again"))
    })
}

/// serde lists all known keys (`Error::unknown_field`); the most similar one is a better hint.
fn reword(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.as_slice() {
        [found, known @ ..] if message.starts_with("unknown field") => {
            match closest(found, known.iter().copied()) {
                Some(meant) => format!("unknown key `{found}`; did you mean `{meant}`?"),
                None => format!("unknown key `{found}`; there are {}", known.join(", ")),
            }
        }
        _ => message.to_owned(),
    }
}

/// Line and column, both from 1, of a byte offset.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_documentation_shows_are_keys_of_a_recipe() {
        let docs = include_str!("../../../docs/layers.md");
        let recipe = |beginning: &str| -> RawRecipe {
            let mut blocks = docs.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
            let block = blocks.find(|it| it.starts_with(beginning)).unwrap();
            toml::from_str(&format!("summary = 'an example'\n{block}")).unwrap()
        };
        let of_modules = recipe("modules =");
        assert_eq!((of_modules.modules.len(), of_modules.without_firmware.len()), (1, 2));
        let of_packages = recipe("[[package]]");
        assert_eq!(of_packages.packages[0].suite.as_deref(), Some("bookworm-backports"));
    }
}
