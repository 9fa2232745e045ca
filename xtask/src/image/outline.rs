//! The root as far as it is known before a package is opened or a program compiled: enough to find
//! most slips in a recipe or in `overlay/` in a tenth of a second instead of after a minute.

use super::{
    gates, overlay,
    pipeline::SiteSource,
    root::{self, LIBRARY_DIRS},
    tree::{Node, Origin, Source, Tree},
};
use crate::{
    context::BuildContext,
    error::{Error, Result},
    manifest::Recipe,
};

/// Refuses what can never become a good root, whatever the packages hold.
pub fn check(ctx: &BuildContext, recipes: &[Recipe], site: SiteSource) -> Result<()> {
    overlay::refuse_unclaimed(ctx, recipes)?;
    for recipe in recipes {
        every_program_has_a_source(ctx, recipe)?;
        every_stub_library_has_a_source(ctx, recipe)?;
    }
    let outline = draw(ctx, recipes, site)?;
    gates::check_files(&outline, recipes, &[])?;
    gates::every_link_leads_somewhere(&outline, |path| a_package_may_bring(recipes, path))
}

/// The tree, with an empty file in the place of each that a package or the compiler will bring.
fn draw(ctx: &BuildContext, recipes: &[Recipe], site: SiteSource) -> Result<Tree> {
    let mut tree = Tree::default();
    for recipe in recipes {
        for package in &recipe.packages {
            let origin = Origin::new(&recipe.name, Source::Package(package.id.name.clone()));
            for path in package.files.iter().filter(|it| !it.ends_with('/')) {
                tree.add(path, Node::file([], 0o644, &origin))?;
            }
        }
        let origin = Origin::new(&recipe.name, Source::Cargo);
        for program in root::root_programs(recipe) {
            tree.add(&root::program_path(program), Node::file([], 0o755, &origin))?;
        }
        let origin = Origin::new(&recipe.name, Source::StubLibrary);
        for soname in &recipe.stub_libraries {
            tree.add(&root::stub_library_path(soname), Node::file([], 0o644, &origin))?;
        }
        root::add_own(ctx, &mut tree, recipe)?;
    }
    root::add_site(&mut tree, site.text, site.site)?;
    Ok(tree)
}

/// Libraries, modules and whole directories come along without being named one by one. What a
/// link in a package leads to comes along too, but nobody should build on that: name it.
fn a_package_may_bring(recipes: &[Recipe], path: &str) -> bool {
    let directories = recipes.iter().flat_map(|it| &it.packages).flat_map(|it| &it.files);
    let mut directories = directories.filter_map(|it| it.strip_suffix('/'));
    let below = |directory: &str| {
        path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    directories.any(below) || LIBRARY_DIRS.into_iter().any(below)
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
