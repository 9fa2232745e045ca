//! The checks that need neither a package nor a compiled program: they find most mistakes in a recipe or in
//! `overlay/` in a tenth of a second instead of after a minute.

use std::path::Path;

use super::{
    boot_files, gates,
    overlay::Overlay,
    root::{self, Plan, Stage},
};
use crate::{
    context::BuildContext,
    error::{Error, Result},
    manifest::{Layer, Manifest, Recipe},
    shell::quoted,
};

/// Refuses recipes that cannot give a valid root or boot partition, whatever the packages contain.
pub fn check(plan: &Plan, manifest: &Manifest, build_paths: &[String]) -> Result<()> {
    let Plan { ctx, recipes, layers, .. } = *plan;
    Overlay::read(layers)?.refuse_unclaimed(recipes.iter().chain(&manifest.left_out))?;
    boot_files::check(ctx, recipes)?;
    for recipe in recipes {
        every_program_has_a_source(manifest, recipe)?;
        every_stub_library_has_a_source(ctx, recipe)?;
    }
    manifest
        .upper_layers()
        .filter(|layer| !manifest.programs_of(layer).is_empty())
        .try_for_each(every_package_is_whole)?;
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

fn every_program_has_a_source(manifest: &Manifest, recipe: &Recipe) -> Result<()> {
    let has_none = |it: &&String| manifest.home(recipe, it).is_none();
    let Some(missing) = recipe.binaries.iter().find(has_none) else { return Ok(()) };
    let (name, layer) = (&recipe.name, &manifest.layers[recipe.level]);
    let sources = layer.shown(layer.programs());
    Err(Error::new(format!(
        "recipe `{name}` names the program `{missing}`, but {sources} has none of that name"
    ))
    .hint(format!("correct `binaries` in {}, or write {sources}/{missing}.rs", recipe.file)))
}

fn every_package_is_whole(layer: &Layer) -> Result<()> {
    let manifest = layer.shown("programs/Cargo.toml");
    let is_missing = |file: &str| !layer.package_dir().join(file).exists();
    if is_missing("Cargo.toml") {
        return Err(Error::new(format!("there is no {manifest}"))
            .hint("`programs` is a cargo package: docs/layers/example has one"));
    }
    if is_missing("Cargo.lock") {
        let command = format!("cargo generate-lockfile --manifest-path {}", quoted(Path::new(&manifest)));
        return Err(Error::new(format!("there is no {}", layer.shown("programs/Cargo.lock")))
            .fact("it names the exact crates: the image is the same on every machine")
            .hint(format!("{command}    makes it")));
    }
    Ok(())
}

fn every_stub_library_has_a_source(ctx: &BuildContext, recipe: &Recipe) -> Result<()> {
    let has_source = |soname: &&String| ctx.stub_libraries_dir().join(soname).join("lib.rs").exists();
    let Some(missing) = recipe.stub_libraries.iter().find(|it| !has_source(it)) else { return Ok(()) };
    let name = &recipe.name;
    Err(Error::new(format!(
        "recipe `{name}` names a stub library for {missing}, which image/stub-libraries does not have"
    ))
    .hint(format!(
        "correct `stub-libraries` in {}, or write image/stub-libraries/{missing}/lib.rs",
        recipe.file
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::{Layers, Sources},
        image::tree::Kind,
        manifest::{LockedManifest, SourceLock},
        site::SiteSource,
    };

    /// The worked example of docs/layers.md: its lock fits, and the tree has what it adds and replaces.
    #[test]
    fn the_example_layer_can_be_built() {
        let layer = BuildContext::new(&Sources::default()).workspace.join("docs/layers/example");
        let ctx = BuildContext::with_layers(&Sources::default(), &Layers { layer: vec![layer.clone()] });
        let locked = LockedManifest::load(&ctx).unwrap();
        SourceLock::load(&locked.manifest.layers).unwrap().check(&locked).unwrap();
        let names: Vec<&str> = locked.image_packages().iter().map(|it| it.name.as_str()).collect();
        assert!(names.contains(&"openvpn") && names.contains(&"ppp"), "{names:?}");
        let site = locked.manifest.site().unwrap().unwrap();
        SiteSource::load_for_use(&site, "sites/tunnel.toml").unwrap();
        let (recipes, layers) = (&locked.manifest.recipes, &locked.manifest.layers);
        let plan = Plan { ctx: &ctx, recipes, layers, baked: None };
        check(&plan, &locked.manifest, &[]).unwrap();
        let tree = root::draw(&plan, Stage::Outline).unwrap();
        for path in ["/usr/sbin/openvpn", "/usr/sbin/tunnel-status", "/usr/sbin/pppd"] {
            assert!(tree.get(path).is_some(), "{path}");
        }
        let motd = std::fs::read(layer.join("overlay/etc/motd")).unwrap();
        let found = tree.get("/etc/motd").unwrap();
        assert!(matches!(&found.kind, Kind::File(content) if **content == *motd));
        assert_eq!((found.origin.recipe(), found.origin.layer()), ("base", Some("tunnel")));
    }

    /// The same for the other layers of docs/layers.md, one by one and all of them.
    #[test]
    fn the_other_layers_can_be_built() {
        let layers: [(&str, &[&str]); 4] = [
            ("name-cache", &["/usr/sbin/dnsmasq", "/etc/dnsmasq.conf", "/etc/network/if-up.d/dnsmasq"]),
            ("http-proxy", &["/usr/sbin/nginx", "/etc/http-proxy.conf", "/etc/network/if-up.d/http-proxy"]),
            ("tcp-line", &["/usr/bin/socat", "/etc/network/if-up.d/tcp-line"]),
            ("serial-server", &["/usr/sbin/ser2net", "/etc/init.d/serial-forward", "/etc/serial-place"]),
        ];
        for chosen in [&layers[..1], &layers[1..2], &layers[2..3], &layers[3..], &layers[..]] {
            let place = |(name, _): &(&str, _)| {
                BuildContext::new(&Sources::default()).workspace.join("docs/layers").join(name)
            };
            let layer = chosen.iter().map(place).collect();
            let ctx = BuildContext::with_layers(&Sources::default(), &Layers { layer });
            let locked = LockedManifest::load(&ctx).unwrap();
            SourceLock::load(&locked.manifest.layers).unwrap().check(&locked).unwrap();
            let (recipes, layers) = (&locked.manifest.recipes, &locked.manifest.layers);
            let plan = Plan { ctx: &ctx, recipes, layers, baked: None };
            check(&plan, &locked.manifest, &[]).unwrap();
            let tree = root::draw(&plan, Stage::Outline).unwrap();
            for path in chosen.iter().flat_map(|(_, paths)| *paths) {
                assert!(tree.get(path).is_some(), "{path}");
            }
        }
    }

    /// `etc/mdev.conf` of that layer takes the place of the checkout's.
    #[test]
    fn the_layer_serial_server_only_adds_the_places_of_serial_ports_to_mdev() {
        let workspace = BuildContext::new(&Sources::default()).workspace;
        let read = |dir: &str| std::fs::read_to_string(workspace.join(dir).join("etc/mdev.conf")).unwrap();
        let layer = read("docs/layers/serial-server/overlay");
        assert_eq!(layer.replace("  */etc/serial-place\n", "\n"), read("overlay"));
    }
}
