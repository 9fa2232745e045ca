//! Small shared libraries in the place of large ones that a program of Debian's is linked with but
//! does not use on this box. Each lies in `image/stand-ins/<soname>/`: `lib.rs`, without the standard
//! library, and `symbols.map`, the names and versions that are visible to the dynamic loader.
//!
//! That nothing asks for more than they have is a gate (`image/gates.rs`).

use std::{path::Path, process::Command};

use super::{CPU, RUSTC_COMMIT, TARGET, linker, run};
use crate::{
    context::BuildContext,
    error::{Attempt, Result},
    manifest::LockedManifest,
    task::{self, Inputs, Output},
};

pub(super) fn build(ctx: &BuildContext, locked: &LockedManifest, sysroot: &Output) -> Result<Output> {
    let sonames: Vec<&str> = locked.manifest.stand_ins().map(String::as_str).collect();
    let mut inputs = Inputs::default()
        .text("rustc", RUSTC_COMMIT)
        .text("builder", include_str!("stand_ins.rs"))
        .output("sysroot", sysroot);
    for soname in &sonames {
        inputs = inputs.path(&format!("image/stand-ins/{soname}"), &ctx.stand_ins_dir().join(soname))?;
    }
    task::run(ctx, "stand-ins", inputs, |out| {
        let dir = out.dir();
        for soname in &sonames {
            compile(ctx, soname, &sysroot.dir, dir)?;
            link(ctx, soname, dir)?;
        }
        Ok(sonames.join(", "))
    })
}

fn compile(ctx: &BuildContext, soname: &str, sysroot: &Path, dir: &Path) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc
        .current_dir(ctx.stand_ins_dir().join(soname))
        .args(["lib.rs", "--edition=2024", "--crate-type=lib", "--crate-name=stand_in", "--emit=obj"])
        .args(["--target", TARGET, CPU, "-Copt-level=z", "-Crelocation-model=pic", "-Cpanic=abort"])
        // The tables would want a routine of the C compiler's library.
        .arg("-Cforce-unwind-tables=no")
        .arg(format!("--sysroot={}", sysroot.display()))
        .arg("-o")
        .arg(object(dir, soname));
    run(rustc, &format!("the stand-in {soname}"))
}

fn link(ctx: &BuildContext, soname: &str, dir: &Path) -> Result<()> {
    let object = object(dir, soname);
    let mut lld = Command::new(linker(ctx)?);
    lld.args(["-flavor", "gnu", "-shared", "--strip-all", "--no-undefined", "-soname", soname])
        .arg("--version-script")
        .arg(ctx.stand_ins_dir().join(soname).join("symbols.map"))
        .arg("-o")
        .arg(dir.join(soname))
        .arg(&object);
    run(lld, &format!("the stand-in {soname}"))?;
    // The output holds the libraries and nothing else.
    std::fs::remove_file(&object).attempt(|| format!("cannot remove {}", object.display()))
}

fn object(dir: &Path, soname: &str) -> std::path::PathBuf {
    dir.join(format!("{soname}.o"))
}
