//! Every recipe belongs to the image, and every program to a recipe: one that nothing names would silently be missing.
//! (`build-image` itself refuses a file of the overlay that no recipe claims.)

use serde::Deserialize;

use super::{Finding, Source};

/// The needed parts of `image/image.toml` and of a recipe.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Lists {
    recipes: Vec<String>,
    tools: Vec<String>,
    binaries: Vec<String>,
}

impl Lists {
    /// A file that is not TOML claims nothing; `build-image` reports its error.
    fn from_source(source: &Source) -> Self {
        toml::from_str(source.text).unwrap_or_default()
    }
}

/// Recipes, tools and programs that nothing names.
pub fn unclaimed(files: &[Source]) -> Vec<Finding> {
    let Some(image) = files.iter().find(|it| it.path == "image/image.toml").map(Lists::from_source) else {
        return Vec::new();
    };
    let recipes = files.iter().filter(|it| stem(it.path, "image/recipes/", ".toml").is_some());
    let binaries: Vec<String> = recipes.flat_map(|it| Lists::from_source(it).binaries).collect();
    let mut findings = Vec::new();
    for file in files {
        for (directory, ending, claimed, next) in [
            ("image/recipes/", ".toml", &image.recipes, "list it under `recipes` in image/image.toml"),
            ("image/tools/", ".toml", &image.tools, "list it under `tools` in image/image.toml"),
            ("src/bin/", ".rs", &binaries, "list it under `binaries` in the recipe it serves"),
        ] {
            let name = stem(file.path, directory, ending);
            if let Some(name) = name.filter(|name| !claimed.iter().any(|it| it == name)) {
                let what = format!("nothing names `{name}`: it stays out of the image");
                findings.push(file.finding(1, what, format!("{next}, or remove it")));
            }
        }
    }
    findings
}

/// The stem of a file directly in this directory with this ending.
fn stem<'a>(path: &'a str, directory: &str, ending: &str) -> Option<&'a str> {
    path.strip_prefix(directory)?.strip_suffix(ending).filter(|it| !it.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unnamed_recipes_and_programs_are_found() {
        let files = [
            ("image/image.toml", "recipes = [\"base\"]\ntools = [\"qemu\"]\n"),
            ("image/recipes/base.toml", "summary = \"…\"\nbinaries = [\"init\"]\n"),
            ("image/recipes/lost.toml", "summary = \"…\"\n"),
            ("image/tools/qemu.toml", ""),
            ("image/tools/bochs.toml", ""),
            ("src/bin/init.rs", ""),
            ("src/bin/stray.rs", ""),
        ]
        .map(|(path, text)| Source { path, text });
        let paths: Vec<String> = unclaimed(&files).into_iter().map(|it| it.path).collect();
        assert_eq!(paths, ["image/recipes/lost.toml", "image/tools/bochs.toml", "src/bin/stray.rs"]);
    }
}
