//! The standard library for the Pi, built once per compiler.
//!
//! (The crate rustc-build-sysroot does almost the same, but in a workspace in a temporary directory,
//! whose path goes into the crates' hashes: two machines would build different libraries.)

use std::{fs, path::Path};

use super::{C_LIBRARIES, CPU, RUSTC_COMMIT, RUSTC_RELEASE, TARGET, cargo, places, rustflags};
use crate::{
    bail,
    context::BuildContext,
    error::{Context, Result},
    invocation::{Invocation, Place},
    task::{self, Inputs, Output},
};

const MUSL: &str = "usr/lib/arm-linux-musleabi";
const LIBGCC: &str = "usr/lib/gcc/arm-linux-gnueabi/12";

pub(super) const TASK: &str = "sysroot";

pub(super) fn inputs(toolchain: &Output) -> Inputs {
    Inputs::default()
        .text("rustc", RUSTC_COMMIT)
        .invocation("compile", &compile())
        .text("builder", include_str!("sysroot.rs"))
        .output("toolchain", toolchain)
}

pub(super) fn build(ctx: &BuildContext, toolchain: &Output) -> Result<Output> {
    task::run_shared(ctx, TASK, inputs(toolchain), |dir| {
        let library = toolchain.dir()?.join(format!("usr/src/rustc-{RUSTC_RELEASE}/library"));
        if !library.exists() {
            bail!("the toolchain recipe pins another standard library than that of rustc {RUSTC_RELEASE}");
        }
        let target_dir = ctx.cache.join("sysroot-target");
        let places = places(ctx)?.with(Place::Library, &library).with(Place::TargetDir, &target_dir);
        compile().run(ctx, &places, &format!("the standard library for {TARGET}"))?;
        let lib = dir.join(format!("lib/rustlib/{TARGET}/lib"));
        let collect = || {
            fs::create_dir_all(&lib)?;
            for entry in fs::read_dir(target_dir.join(TARGET).join("release/deps"))? {
                let path = entry?.path();
                if path.extension().is_some_and(|it| it == "rlib") {
                    fs::copy(&path, lib.join(path.file_name().unwrap_or_default()))?;
                }
            }
            fs::remove_dir_all(&target_dir)
        };
        collect().context(|| "cannot collect the standard library".into())?;
        gather_c_libraries(toolchain.dir()?, &dir.join(C_LIBRARIES))
            .context(|| "cannot gather musl and libgcc".into())?;
        Ok(format!("std {RUSTC_RELEASE} for {TARGET}"))
    })
}

/// Which parts of the standard library: the programs have no symbols that a backtrace could show, and sort little.
pub(super) const STD: [&str; 5] =
    ["--package", "std", "--no-default-features", "--features", "backtrace-trace-only,optimize_for_size"];

fn compile() -> Invocation {
    let cargo = cargo(Place::Library).args(["--release"]).args(STD);
    // Crates of the library use each other's internals, so they are built as the Rust project does
    // (src/bootstrap/src/core/builder/cargo.rs).
    let flags = [
        CPU.to_owned(),
        "-Zforce-unstable-if-unmarked".into(),
        format!("--remap-path-prefix={}=/rust", Place::Library),
        format!("--remap-path-prefix={}=/cargo", Place::CargoHome),
    ];
    rustflags(cargo, &flags)
        // The library's source uses unstable features; no other code is compiled with this.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
}

/// One directory with all files that the linker searches for, under the names it expects.
fn gather_c_libraries(toolchain: &Path, lib: &Path) -> std::io::Result<()> {
    fs::create_dir_all(lib)?;
    for name in ["rcrt1.o", "crti.o", "crtn.o", "libc.a"] {
        fs::copy(toolchain.join(MUSL).join(name), lib.join(name))?;
    }
    for (name, file) in
        [("libgcc.a", "libgcc.a"), ("libgcc_eh.a", "libgcc_eh.a"), ("libunwind.a", "libgcc_eh.a")]
    {
        fs::copy(toolchain.join(LIBGCC).join(file), lib.join(name))?;
    }
    Ok(())
}
