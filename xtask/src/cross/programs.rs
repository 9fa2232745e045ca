//! The root package's programs, linked against the sysroot, musl and libgcc.

use std::fs;

use super::{C_LIBRARIES, CPU, RUSTC_COMMIT, TARGET, cargo, places, rustflags};
use crate::{
    context::BuildContext,
    error::{Context, Result},
    invocation::{Invocation, Place},
    manifest::LockedManifest,
    task::{self, Inputs, Output},
};

pub(super) const TASK: &str = "programs";

pub(super) fn inputs(ctx: &BuildContext, locked: &LockedManifest, sysroot: &Output) -> Result<Inputs> {
    let mut inputs = Inputs::default()
        .text("rustc", RUSTC_COMMIT)
        .text("programs", &names(locked).join(" "))
        .text("builder", include_str!("programs.rs"))
        .invocation("compile", &compile())
        .output("sysroot", sysroot);
    for name in ["src", "image/modems", "Cargo.toml", "Cargo.lock"] {
        inputs = inputs.path(name, &ctx.workspace.join(name))?;
    }
    Ok(inputs)
}

pub(super) fn build(ctx: &BuildContext, locked: &LockedManifest, sysroot: &Output) -> Result<Output> {
    let programs = names(locked);
    task::run_shared(ctx, TASK, inputs(ctx, locked, sysroot)?, |dir| {
        let target_dir = ctx.cache.join("programs-target");
        let places = places(ctx)?.with(Place::Sysroot, sysroot.dir()?).with(Place::TargetDir, &target_dir);
        compile().run(ctx, &places, &format!("the device's programs for {TARGET}"))?;
        let built = target_dir.join(TARGET).join("device");
        for program in &programs {
            fs::copy(built.join(program), dir.join(program))
                .context(|| format!("a recipe names the program `{program}`, but src/bin has none"))?;
        }
        Ok(programs.join(", "))
    })
}

fn names(locked: &LockedManifest) -> Vec<&str> {
    locked.manifest.programs_of(&locked.manifest.layers[0])
}

fn compile() -> Invocation {
    let cargo = cargo(Place::Workspace).args(["--package", "dialbox", "--profile", "device", "--bins"]);
    let remap = format!("--remap-path-prefix={}=/dialbox", Place::Workspace);
    rustflags(cargo, &flags(remap))
}

/// What a static program for the Pi is compiled and linked with. `remap` takes the place of its sources out of it.
pub(super) fn flags(remap: String) -> Vec<String> {
    let lib = format!("{}/{C_LIBRARIES}", Place::Sysroot);
    // One argument each: `link-args` splits at blanks, and a path may contain some.
    let start = ["rcrt1.o", "crti.o", "crtn.o"].map(|it| format!("-Clink-arg={lib}/{it}"));
    let flags = [
        CPU.into(),
        format!("--sysroot={}", Place::Sysroot),
        "-Clinker-flavor=ld.lld".into(),
        format!("-Clinker={}", Place::Linker),
        "-Clink-self-contained=no".into(),
        format!("-Lnative={lib}"),
        // A static PIE: sms-dialer and dial-in parse untrusted input, and address randomization needs it.
        // rustc links none for this target (`static_position_independent_executables` is false), but its
        // code is position-independent, and musl's rcrt1.o relocates the program when it starts. `text`
        // refuses relocations that would need writable code. With segments aligned to more than the kernel's
        // pages of 4 KiB (lld's default is 64 KiB), fewer bits of the addresses would be random.
        "-Clink-args=-pie --no-dynamic-linker -z text -z max-page-size=4096".into(),
        // A panic aborts and the symbols are stripped: nothing on the box reads unwind tables.
        "-Cforce-unwind-tables=no".into(),
        // Folds functions that compile to the same code (ICF). Rust does not promise distinct addresses
        // for functions, and musl compares those of empty ones only (pthread_key_create.c, `nodtor`).
        "-Clink-arg=--icf=all".into(),
        remap,
        format!("--remap-path-prefix={}=/cargo", Place::CargoHome),
    ];
    [start.as_slice(), &flags].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_is_split_at_its_blanks() {
        let compile = compile().to_string();
        let mut flags = compile.split(['\x1f', '\n']).filter_map(|it| it.split_once("-Clink-args="));
        assert!(flags.all(|(_, arguments)| !arguments.contains('<')), "a place in {compile}");
    }
}
