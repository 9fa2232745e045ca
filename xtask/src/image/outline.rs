//! The checks that need neither a package nor a compiled program: they find most mistakes in a recipe or in
//! `overlay/` in a tenth of a second instead of after a minute.

use super::{
    boot_files, gates, overlay,
    root::{self, Plan, Stage},
};
use crate::{
    context::BuildContext,
    error::{Error, Result},
    manifest::Recipe,
};

/// Refuses recipes that cannot give a valid root or boot partition, whatever the packages contain.
pub fn check(plan: &Plan, build_paths: &[String]) -> Result<()> {
    let Plan { ctx, recipes, .. } = *plan;
    overlay::refuse_unclaimed(ctx, recipes)?;
    boot_files::check(ctx, recipes)?;
    for recipe in recipes {
        every_program_has_a_source(ctx, recipe)?;
        every_stub_library_has_a_source(ctx, recipe)?;
    }
    let outline = root::draw(plan, Stage::Outline)?;
    gates::check(&outline, recipes, build_paths, |path| a_package_may_bring(recipes, path))
}

/// Libraries, modules and whole directories are added without being named one by one. The target of a link in a package
/// is added as well, but a recipe must not rely on that: name the target.
fn a_package_may_bring(recipes: &[Recipe], path: &str) -> bool {
    let directories = recipes.iter().flat_map(|it| &it.packages).flat_map(|it| &it.files);
    let mut directories = directories.filter_map(|it| it.strip_suffix('/'));
    let below = |directory: &str| {
        path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    directories.any(below) || ["/lib", "/usr/lib"].into_iter().any(below)
}

fn every_program_has_a_source(ctx: &BuildContext, recipe: &Recipe) -> Result<()> {
    let sources = ctx.workspace.join("src/bin");
    let has_source =
        |it: &&String| sources.join(format!("{it}.rs")).exists() || sources.join(it).join("main.rs").exists();
    let Some(missing) = recipe.binaries.iter().find(|it| !has_source(it)) else { return Ok(()) };
    let name = &recipe.name;
    Err(Error::new(format!(
        "recipe `{name}` names the program `{missing}`, but src/bin has none of that name"
    ))
    .hint(format!("correct `binaries` in image/recipes/{name}.toml, or write src/bin/{missing}.rs")))
}

fn every_stub_library_has_a_source(ctx: &BuildContext, recipe: &Recipe) -> Result<()> {
    let has_source = |soname: &&String| ctx.stub_libraries_dir().join(soname).join("lib.rs").exists();
    let Some(missing) = recipe.stub_libraries.iter().find(|it| !has_source(it)) else { return Ok(()) };
    let name = &recipe.name;
    Err(Error::new(format!(
        "recipe `{name}` names a stub library for {missing}, which image/stub-libraries does not have"
    ))
    .hint(format!(
        "correct `stub-libraries` in image/recipes/{name}.toml, or write image/stub-libraries/{missing}/lib.rs"
    )))
}
