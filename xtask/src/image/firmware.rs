//! Firmware that kernel modules load when they find their device (`MODULE_FIRMWARE`, include/linux/module.h). Without it
//! the driver is there and its device is not.

use std::collections::{BTreeMap, BTreeSet};

use dialbox::site::closest;

use super::{
    modules::{self, Chosen},
    tree::Tree,
};
use crate::{
    debian::contents::Contents,
    error::{Error, Result},
    manifest::{PackageId, Recipe},
};

/// Where the kernel looks for it (drivers/base/firmware_loader/main.c, `fw_path`).
const PLACES: [&str; 2] = ["/lib/firmware", "/usr/lib/firmware"];

/// A line for each module of a root or an initramfs that wants files which are not there, unless a recipe says that they
/// are not wanted. `place` is what messages call the tree.
pub fn missing(
    tree: &Tree,
    place: &str,
    recipes: &[Recipe],
    packages: &BTreeMap<PackageId, Contents>,
) -> Result<String> {
    let unwanted: BTreeSet<&str> =
        recipes.iter().flat_map(|it| &it.without_firmware).map(String::as_str).collect();
    let is_there = |file: &str| PLACES.iter().any(|place| tree.get(&format!("{place}/{file}")).is_some());
    let mut lines = String::new();
    for (path, node, content) in tree.files().filter(|(path, _, _)| path.ends_with(".ko")) {
        let mut wanted = modules::firmware(path, content)?;
        wanted.retain(|file| !unwanted.contains(file.as_str()) && !is_there(file));
        let Some(first) = wanted.first() else { continue };
        let known = packages.iter().find(|(_, files)| files.get(&format!("{}/{first}", PLACES[0])).is_some());
        let package = match known {
            Some((package, _)) => format!("the package {} has it", package.name),
            None => format!("`apt-file search {first}` names the package that has it"),
        };
        let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".ko");
        lines += &format!(
            "{name} (recipe {}) wants firmware that {place} has not: {}; {package}; `files` of a recipe adds it, and \
             `without-firmware` says that it is not wanted\n",
            node.origin.recipe(),
            wanted.join(", ")
        );
    }
    Ok(lines)
}

/// Refuses files that `without-firmware` names and no module asks for: the name is wrong, or the module is gone, and then
/// it would one day hide a warning. `early`: the modules of the initramfs, which the root does not have.
pub fn refuse_unasked(tree: &Tree, early: &Chosen, recipes: &[Recipe]) -> Result<()> {
    let of_root = tree.files().filter(|(path, _, _)| path.ends_with(".ko"));
    let of_root = of_root.map(|(path, _, content)| (path, content));
    let of_initramfs = early.modules.iter().map(|it| (it.path.as_str(), &it.content));
    let mut asked = BTreeSet::new();
    for (path, content) in of_root.chain(of_initramfs) {
        asked.extend(modules::firmware(path, content)?);
    }
    let named = recipes.iter().flat_map(|it| it.without_firmware.iter().map(move |file| (it, file)));
    let Some((recipe, file)) = named.into_iter().find(|(_, file)| !asked.contains(*file)) else {
        return Ok(());
    };
    let error = Error::new(format!(
        "recipe `{}` is without the firmware {file}, which no module of the image asks for",
        recipe.name
    ));
    let error = match closest(file, asked.iter().map(String::as_str)) {
        Some(meant) => error.fact(format!("did you mean {meant}?")),
        None => error,
    };
    Err(error.hint(format!("correct `without-firmware` in {}, or take it out", recipe.file)))
}
