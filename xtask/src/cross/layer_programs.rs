//! The programs of layers: each layer's cargo package, compiled and linked as this project's programs are.

use std::{collections::BTreeMap, fs};

use super::{RUSTC_COMMIT, TARGET, cargo, places, programs, rustflags};
use crate::{
    context::BuildContext,
    error::{Context, Result},
    invocation::{Invocation, Place},
    manifest::{Layer, LockedManifest},
    task::{self, Inputs, Output},
};

/// The programs of every layer that has some, by the layer's name.
pub(super) fn build(
    ctx: &BuildContext,
    locked: &LockedManifest,
    sysroot: &Output,
) -> Result<BTreeMap<String, Output>> {
    let layers = with_programs(locked).into_iter();
    layers.map(|(layer, names)| Ok((layer.name.clone(), build_one(ctx, layer, &names, sysroot)?))).collect()
}

pub(super) fn are_built(ctx: &BuildContext, locked: &LockedManifest, sysroot: &Output) -> Result<bool> {
    for (layer, names) in with_programs(locked) {
        if !task::is_made(ctx, &task_name(layer), &inputs(layer, &names, sysroot)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The layers that recipes take programs from.
pub(super) fn with_programs(locked: &LockedManifest) -> Vec<(&Layer, Vec<&str>)> {
    let manifest = &locked.manifest;
    let layers = manifest.upper_layers().map(|it| (it, manifest.programs_of(it)));
    layers.filter(|(_, names)| !names.is_empty()).collect()
}

/// Every file of a layer's package but what cargo made there.
pub(super) fn package_inputs(mut inputs: Inputs, layer: &Layer) -> Result<Inputs> {
    let package = layer.package_dir();
    let cannot = || format!("cannot read {}", layer.shown("programs"));
    for entry in fs::read_dir(&package).context(cannot)? {
        let name = entry.context(cannot)?.file_name().to_string_lossy().into_owned();
        if name != "target" {
            inputs = inputs.path(&format!("layer {}: {name}", layer.name), &package.join(&name))?;
        }
    }
    Ok(inputs)
}

fn task_name(layer: &Layer) -> String {
    format!("layer-programs/{}", layer.name)
}

fn inputs(layer: &Layer, names: &[&str], sysroot: &Output) -> Result<Inputs> {
    let inputs = Inputs::default()
        .text("rustc", RUSTC_COMMIT)
        .text("programs", &names.join(" "))
        .text("builder", include_str!("layer_programs.rs"))
        .invocation("compile", &compile(layer))
        .output("sysroot", sysroot);
    package_inputs(inputs, layer)
}

fn build_one(ctx: &BuildContext, layer: &Layer, names: &[&str], sysroot: &Output) -> Result<Output> {
    task::run_shared(ctx, &task_name(layer), inputs(layer, names, sysroot)?, |dir| {
        let package = layer.package_dir();
        let target_dir = ctx.cache.join("layer-target").join(&layer.name);
        let places = places(ctx)?.with(Place::Sysroot, sysroot.dir()?);
        let places = places.with(Place::Layer, &package).with(Place::TargetDir, &target_dir);
        compile(layer).run(
            ctx,
            &places,
            &format!("the programs of the layer `{}` for {TARGET}", layer.name),
        )?;
        let built = target_dir.join(TARGET).join("release");
        for name in names {
            fs::copy(built.join(name), dir.join(name))
                .context(|| format!("{} compiles no program `{name}`", layer.shown("programs")))?;
        }
        Ok(names.join(", "))
    })
}

/// The settings of this project's profile `device`, whatever the package's own are.
fn compile(layer: &Layer) -> Invocation {
    let cargo = cargo(Place::Layer).args(["--release", "--bins"]);
    let remap = format!("--remap-path-prefix={}=/layers/{}", Place::Layer, layer.name);
    rustflags(cargo, &programs::flags(remap))
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "false")
        .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "false")
        .env("CARGO_PROFILE_RELEASE_INCREMENTAL", "false")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .env("CARGO_PROFILE_RELEASE_STRIP", "true")
}
