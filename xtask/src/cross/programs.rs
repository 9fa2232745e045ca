//! The root package's programs, linked against the sysroot, musl and libgcc.

use std::{fs, path::Path};

use super::{C_LIBRARIES, CPU, RUSTC_COMMIT, TARGET, cargo, linker, run};
use crate::{
    context::BuildContext,
    error::{Context, Result},
    manifest::LockedManifest,
    task::{self, Inputs, Output},
};

pub(super) fn build(ctx: &BuildContext, locked: &LockedManifest, sysroot: &Output) -> Result<Output> {
    let programs: Vec<&str> =
        locked.manifest.recipes.iter().flat_map(|it| &it.binaries).map(String::as_str).collect();
    let mut inputs = Inputs::default()
        .text("rustc", RUSTC_COMMIT)
        .text("programs", &programs.join(" "))
        .text("builder", include_str!("programs.rs"))
        .output("sysroot", sysroot);
    for name in ["src", "Cargo.toml", "Cargo.lock"] {
        inputs = inputs.path(name, &ctx.workspace.join(name))?;
    }
    task::run(ctx, "programs", inputs, |dir| {
        let target_dir = ctx.cache.join("programs-target");
        let mut cargo = cargo(ctx);
        cargo
            .current_dir(&ctx.workspace)
            .args(["--package", "dialbox", "--profile", "device", "--bins", "--target-dir"])
            .arg(&target_dir)
            .env("CARGO_ENCODED_RUSTFLAGS", flags(ctx, &sysroot.dir)?.join("\x1f"));
        run(cargo, "the device's programs")?;
        let built = target_dir.join(TARGET).join("device");
        for program in &programs {
            fs::copy(built.join(program), dir.join(program))
                .context(|| format!("a recipe names the program `{program}`, but src/bin has none"))?;
        }
        Ok(programs.join(", "))
    })
}

/// The same from run to run: cargo compiles everything again when a flag changes.
fn flags(ctx: &BuildContext, sysroot: &Path) -> Result<Vec<String>> {
    let lib = sysroot.join(C_LIBRARIES);
    let start = ["crt1.o", "crti.o", "crtn.o"].map(|it| lib.join(it).display().to_string()).join(" ");
    Ok(vec![
        CPU.into(),
        format!("--sysroot={}", sysroot.display()),
        "-Clinker-flavor=ld.lld".into(),
        format!("-Clinker={}", linker(ctx)?.display()),
        "-Clink-self-contained=no".into(),
        format!("-Lnative={}", lib.display()),
        format!("-Clink-args={start}"),
        // A panic aborts and the symbols are stripped: nothing on the box reads unwind tables.
        "-Cforce-unwind-tables=no".into(),
        // One body for functions that compile to the same code. Rust promises no function an address
        // of its own, and musl compares none but empty ones (pthread_key_create.c, `nodtor`).
        // Position-independent code stays, though it costs a twentieth: sms-dialer and dial-in read
        // what strangers send, and shall not lie at addresses known beforehand.
        "-Clink-arg=--icf=all".into(),
        format!("--remap-path-prefix={}=/dialbox", ctx.workspace.display()),
        format!("--remap-path-prefix={}=/cargo", ctx.cargo_home.display()),
    ])
}
