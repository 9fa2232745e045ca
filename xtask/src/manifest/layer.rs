//! Layers: directories that add to the image, and say what they replace and remove.

use std::{
    collections::BTreeMap,
    path::{self, Path, PathBuf},
};

use serde::Deserialize;

use super::raw::{RawSuite, read};
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    shell,
};

/// The checkout, which is the lowest layer, or a directory of the user's above it.
#[derive(Debug, Default)]
pub struct Layer {
    /// `image` for the checkout.
    pub name: String,
    /// Absolute.
    pub dir: PathBuf,
    /// What precedes its files' names in messages: empty for the checkout, else the directory as the user wrote it and `/`.
    prefix: String,
    /// `layer.toml`; nothing for the checkout.
    pub raw: RawLayer,
}

/// `layer.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawLayer {
    /// Names it in the bill of materials and in the cache.
    pub name: String,
    /// Of its own files, for the bill of materials.
    pub version: Option<String>,
    /// The licence of its own files, an SPDX expression.
    pub licence: Option<String>,
    /// Recipes that it adds.
    #[serde(default)]
    pub recipes: Vec<String>,
    /// Recipes that take the place of those of the same name.
    #[serde(default)]
    pub replace_recipes: Vec<String>,
    /// Recipes that are left out.
    #[serde(default)]
    pub remove_recipes: Vec<String>,
    /// Files of `overlay/` that take the place of those of the same name.
    #[serde(default)]
    pub replace_overlay: Vec<String>,
    /// Sonames of libraries that are Debian's again.
    #[serde(default)]
    pub remove_stub_libraries: Vec<String>,
    /// The site that is baked if no other one is named.
    pub site: Option<String>,
    /// Suites, and components of suites.
    #[serde(default)]
    pub suites: BTreeMap<String, RawSuite>,
    /// Sizes of partitions.
    #[serde(default)]
    pub disk: RawLayerDisk,
}

/// The partitions whose sizes a layer sets, in MiB.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawLayerDisk {
    pub boot_mib: Option<u32>,
    pub root_mib: Option<u32>,
    pub state_mib: Option<u32>,
}

impl Layer {
    /// The lowest one.
    pub fn checkout(ctx: &BuildContext) -> Self {
        Self { name: "image".into(), dir: ctx.workspace.clone(), ..Self::default() }
    }

    fn load(dir: &Path, shown: &str) -> Result<Self> {
        let shown = shown.trim_end_matches('/');
        let file = format!("{shown}/layer.toml");
        if !dir.join("layer.toml").is_file() {
            return Err(Error::new(format!("{shown} is not a layer: there is no {file}"))
                .hint("name a directory that has one; docs/layers.md describes it"));
        }
        let raw: RawLayer = read(&dir.join("layer.toml"), &file)?;
        let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        if raw.name.is_empty() || !raw.name.chars().all(is_plain) || raw.name == "image" {
            return Err(Error::new(format!("{file}: `{}` is not a name for a layer", raw.name))
                .hint("use small letters, digits and hyphens; `image` is the checkout's"));
        }
        let dir = path::absolute(dir).context(|| format!("cannot find {shown}"))?;
        Ok(Self { name: raw.name.clone(), dir, prefix: format!("{shown}/"), raw })
    }

    /// Whether it is the checkout.
    pub fn is_checkout(&self) -> bool {
        self.prefix.is_empty()
    }

    /// Whether this is its directory.
    pub fn is_in(&self, dir: &Path) -> bool {
        dir.canonicalize().is_ok_and(|dir| self.dir.canonicalize().is_ok_and(|own| own == dir))
    }

    /// The command that makes its lock.
    pub fn lock_command(&self) -> String {
        match self.prefix.strip_suffix('/') {
            None => "cargo xtask lock".into(),
            Some(dir) => format!("cargo xtask lock --layer {}", shell::quoted(Path::new(dir))),
        }
    }

    /// A file of it as messages name it.
    pub fn shown(&self, file: &str) -> String {
        format!("{}{file}", self.prefix)
    }

    /// The file that says what it adds, as messages name it.
    pub fn file(&self) -> String {
        self.shown(if self.is_checkout() { "image/image.toml" } else { "layer.toml" })
    }

    /// A file or directory that is below `image/` in the checkout, as a path in the layer.
    fn data(&self, name: &str) -> String {
        if self.is_checkout() { format!("image/{name}") } else { name.to_owned() }
    }

    /// `recipes/`, as a path in it.
    pub fn recipes(&self) -> String {
        self.data("recipes")
    }

    /// `packages.lock`, as a path in it.
    pub fn lock(&self) -> String {
        self.data("packages.lock")
    }

    /// `sources.lock`, as a path in it.
    pub fn sources_lock(&self) -> String {
        self.data("sources.lock")
    }

    /// `overlay/`
    pub fn overlay_dir(&self) -> PathBuf {
        self.dir.join("overlay")
    }

    /// The cargo package with its programs.
    pub fn package_dir(&self) -> PathBuf {
        if self.is_checkout() { self.dir.clone() } else { self.dir.join("programs") }
    }

    /// The directory with the sources of its programs, as a path in it.
    pub fn programs(&self) -> &'static str {
        if self.is_checkout() { "src/bin" } else { "programs/src/bin" }
    }

    /// Whether it has the source of this program.
    pub fn has_program(&self, name: &str) -> bool {
        let sources = self.dir.join(self.programs());
        sources.join(format!("{name}.rs")).exists() || sources.join(name).join("main.rs").exists()
    }
}

/// The checkout, and above it the layers that `image.toml` names (relative to the checkout) and those of the command line.
pub(super) fn load(ctx: &BuildContext, named: &[String]) -> Result<Vec<Layer>> {
    let mut layers = vec![Layer::checkout(ctx)];
    let named = named.iter().map(|it| (ctx.workspace.join(it), it.clone()));
    let given = ctx.layers.iter().map(|it| (it.clone(), it.display().to_string()));
    for (dir, shown) in named.chain(given) {
        // `--layer` may name one of image.toml's, to lock it.
        if layers.iter().skip(1).any(|it| it.is_in(&dir)) {
            continue;
        }
        let layer = Layer::load(&dir, &shown)?;
        if let Some(first) = layers.iter().find(|it| it.name == layer.name) {
            return Err(Error::new(format!("two layers have the name `{}`", layer.name))
                .fact(format!("{} and {}", first.file(), layer.file()))
                .hint("give one of them another name, or name it once"));
        }
        layers.push(layer);
    }
    Ok(layers)
}
