//! The image with its layers, put together: each adds, and replaces and removes only what it names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, mem,
    path::Path,
};

use super::{
    layer::Layer,
    raw::{RawImage, RawSuite, read},
    recipe::Recipe,
};
use crate::{
    bail,
    error::{Context, Error, Result},
};

/// What the layers so far make.
pub(super) struct Composition {
    pub image: RawImage,
    pub recipes: Vec<Recipe>,
    /// Recipes that a layer has removed or replaced.
    pub left_out: Vec<Recipe>,
    /// Stub libraries that a layer has removed: two layers may want Debian's library in the place of the same one.
    stubs_left_out: BTreeSet<String>,
    /// Which layer has set a partition's size.
    sizes: BTreeMap<&'static str, String>,
}

impl Composition {
    /// The checkout alone.
    pub fn new(mut image: RawImage, dir: &Path) -> Result<Self> {
        let names = mem::take(&mut image.recipes);
        let recipes = load_recipes(dir, "recipes", &names, &image)?;
        Ok(Self {
            image,
            recipes,
            left_out: Vec::new(),
            stubs_left_out: BTreeSet::new(),
            sizes: BTreeMap::new(),
        })
    }

    /// Puts a layer above.
    pub fn add(&mut self, layer: &mut Layer, level: usize) -> Result<()> {
        for (name, suite) in mem::take(&mut layer.raw.suites) {
            self.add_suite(layer, name, suite)?;
        }
        self.set_sizes(layer)?;
        refuse_unnamed(layer)?;
        for name in &layer.raw.remove_recipes {
            let at = self.position(name).ok_or_else(|| no_target(layer, "remove-recipes", name))?;
            self.left_out.push(self.recipes.remove(at));
        }
        for name in &layer.raw.replace_recipes {
            let at = self.position(name).ok_or_else(|| no_target(layer, "replace-recipes", name))?;
            if self.recipes[at].level == level {
                bail!("{} names the recipe `{name}` twice", layer.file());
            }
            let recipe = load_recipe(layer, level, name, "replace-recipes", &self.image)?;
            self.left_out.push(mem::replace(&mut self.recipes[at], recipe));
        }
        for name in &layer.raw.recipes {
            let recipe = load_recipe(layer, level, name, "recipes", &self.image)?;
            if let Some(at) = self.position(name) {
                return Err(Error::new(format!("two recipes have the name `{name}`"))
                    .fact(format!("{} and {}", self.recipes[at].file, recipe.file))
                    .hint(format!(
                        "rename the second, or list it under `replace-recipes` in {}",
                        layer.file()
                    )));
            }
            self.recipes.push(recipe);
        }
        for soname in &layer.raw.remove_stub_libraries {
            self.remove_stub_library(layer, soname)?;
        }
        Ok(())
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.recipes.iter().position(|it| it.name == name)
    }

    fn add_suite(&mut self, layer: &Layer, name: String, suite: RawSuite) -> Result<()> {
        match self.image.suites.get_mut(&name) {
            None => drop(self.image.suites.insert(name, suite)),
            Some(below) if suite.libraries.is_empty() || suite.libraries == below.libraries => {
                let more = suite.components.into_iter().filter(|it| !below.components.contains(it));
                below.components.extend(more.collect::<Vec<_>>());
            }
            Some(_) => {
                return Err(Error::new(format!("two places set `libraries` of the suite `{name}`"))
                    .fact(format!("{} and one below it", layer.file()))
                    .hint(format!("take it out of {}", layer.file())));
            }
        }
        Ok(())
    }

    fn set_sizes(&mut self, layer: &Layer) -> Result<()> {
        let (disk, wanted) = (&mut self.image.disk, &layer.raw.disk);
        for (key, size, wanted) in [
            ("boot-mib", &mut disk.boot_mib, wanted.boot_mib),
            ("root-mib", &mut disk.root_mib, wanted.root_mib),
            ("state-mib", &mut disk.state_mib, wanted.state_mib),
        ] {
            let Some(wanted) = wanted else { continue };
            *size = wanted;
            if let Some(first) = self.sizes.insert(key, layer.file()) {
                return Err(Error::new(format!("two layers set `{key}`"))
                    .fact(format!("{first} and {}", layer.file()))
                    .hint("take it out of one of the two"));
            }
        }
        Ok(())
    }

    fn remove_stub_library(&mut self, layer: &Layer, soname: &str) -> Result<()> {
        let mut found = self.stubs_left_out.contains(soname);
        for recipe in &mut self.recipes {
            let before = recipe.stub_libraries.len();
            recipe.stub_libraries.retain(|it| it != soname);
            found |= recipe.stub_libraries.len() < before;
        }
        if !found {
            return Err(no_target(layer, "remove-stub-libraries", soname));
        }
        self.stubs_left_out.insert(soname.to_owned());
        Ok(())
    }
}

fn no_target(layer: &Layer, key: &str, name: &str) -> Error {
    Error::new(format!("{} lists `{name}` under `{key}`, but nothing below it has that", layer.file()))
        .hint("correct the name, or take it out")
}

/// The recipes that `image.toml` names.
pub(super) fn load_recipes(
    dir: &Path,
    kind: &str,
    names: &[String],
    image: &RawImage,
) -> Result<Vec<Recipe>> {
    let mut seen = BTreeSet::new();
    let mut recipes = Vec::new();
    for name in names {
        if !seen.insert(name) {
            bail!("image/image.toml lists `{name}` twice under `{kind}`");
        }
        let shown = format!("image/{kind}/{name}.toml");
        let path = dir.join(kind).join(format!("{name}.toml"));
        recipes.push(read_recipe(&path, shown, name, kind, "image/image.toml", image)?);
    }
    Ok(recipes)
}

fn load_recipe(layer: &Layer, level: usize, name: &str, key: &str, image: &RawImage) -> Result<Recipe> {
    let file = format!("{}/{name}.toml", layer.recipes());
    let recipe = read_recipe(&layer.dir.join(&file), layer.shown(&file), name, key, &layer.file(), image)?;
    Ok(Recipe { level, ..recipe })
}

fn read_recipe(
    path: &Path,
    shown: String,
    name: &str,
    key: &str,
    listed_in: &str,
    image: &RawImage,
) -> Result<Recipe> {
    if !path.exists() {
        return Err(Error::new(format!("{listed_in} lists `{name}`, but there is no {shown}"))
            .hint(format!("correct the name under `{key}` in {listed_in}, or write {shown}")));
    }
    let raw = read(path, &shown)?;
    Recipe::validate(name, shown.clone(), raw, image)
        .map_err(|it| it.context(format!("{shown} cannot be used")))
}

/// A recipe that `layer.toml` does not list would silently be missing from the image.
fn refuse_unnamed(layer: &Layer) -> Result<()> {
    let directory = layer.dir.join(layer.recipes());
    if !directory.exists() {
        return Ok(());
    }
    let cannot = || format!("cannot read {}", directory.display());
    for entry in fs::read_dir(&directory).context(cannot)? {
        let name = entry.context(cannot)?.file_name().to_string_lossy().into_owned();
        let named = layer.raw.recipes.iter().chain(&layer.raw.replace_recipes);
        if !named.into_iter().any(|it| name.strip_suffix(".toml") == Some(it)) {
            let file = layer.shown(&format!("{}/{name}", layer.recipes()));
            return Err(Error::new(format!("{file} is not listed in {}", layer.file()))
                .hint("list it under `recipes` or `replace-recipes`, or remove it"));
        }
    }
    Ok(())
}
