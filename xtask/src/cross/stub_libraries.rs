//! Small shared libraries in the place of large ones that a program of Debian's is linked with but
//! does not use on this box. Each lies in `image/stub-libraries/<soname>/`: `lib.rs`, without the standard
//! library, and `symbols.map`, the names and versions that are visible to the dynamic loader.
//!
//! That nothing asks for more than they have is a gate (`image/gates.rs`).

use std::{path::Path, process::Command};

use super::{CPU, RUSTC_COMMIT, TARGET, linker, run};
use crate::{
    context::BuildContext,
    error::{Context, Result},
    manifest::LockedManifest,
    task::{self, Inputs, Output},
};

pub(super) fn build(ctx: &BuildContext, locked: &LockedManifest, sysroot: &Output) -> Result<Output> {
    let sonames: Vec<&str> = locked.manifest.stub_libraries().map(String::as_str).collect();
    let mut inputs = Inputs::default()
        .text("rustc", RUSTC_COMMIT)
        .text("builder", include_str!("stub_libraries.rs"))
        .output("sysroot", sysroot);
    for soname in &sonames {
        inputs =
            inputs.path(&format!("image/stub-libraries/{soname}"), &ctx.stub_libraries_dir().join(soname))?;
    }
    task::run(ctx, "stub-libraries", inputs, |out| {
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
        .current_dir(ctx.stub_libraries_dir().join(soname))
        .args(["lib.rs", "--edition=2024", "--crate-type=lib", "--crate-name=stub_library", "--emit=obj"])
        .args(["--target", TARGET, CPU, "-Copt-level=z", "-Crelocation-model=pic", "-Cpanic=abort"])
        // The tables would want a routine of the C compiler's library.
        .arg("-Cforce-unwind-tables=no")
        .arg(format!("--sysroot={}", sysroot.display()))
        .arg("-o")
        .arg(object(dir, soname));
    run(rustc, &format!("the stub library {soname}"))
}

fn link(ctx: &BuildContext, soname: &str, dir: &Path) -> Result<()> {
    let object = object(dir, soname);
    let mut lld = Command::new(linker(ctx)?);
    lld.args(["-flavor", "gnu", "-shared", "--strip-all", "--no-undefined", "-soname", soname])
        .arg("--version-script")
        .arg(ctx.stub_libraries_dir().join(soname).join("symbols.map"))
        .arg("-o")
        .arg(dir.join(soname))
        .arg(&object);
    run(lld, &format!("the stub library {soname}"))?;
    // The output holds the libraries and nothing else.
    std::fs::remove_file(&object).context(|| format!("cannot remove {}", object.display()))
}

fn object(dir: &Path, soname: &str) -> std::path::PathBuf {
    dir.join(format!("{soname}.o"))
}
