//! Small shared libraries that replace large ones, which Debian's programs are linked with but do not use on this box.
//! The source of each is in `image/stub-libraries/<soname>/`: `lib.rs`, without the standard library, and
//! `symbols.map`, the names and versions that the dynamic loader sees.
//!
//! An image gate (`image/gates.rs`) checks that no program needs a symbol that they do not have.

use std::fs;

use super::{CPU, RUSTC_COMMIT, TARGET, places};
use crate::{
    context::BuildContext,
    error::{Context, Result},
    invocation::{Invocation, Place},
    manifest::LockedManifest,
    task::{self, Inputs, Output},
};

pub(super) const TASK: &str = "stub-libraries";

pub(super) fn inputs(ctx: &BuildContext, locked: &LockedManifest, sysroot: &Output) -> Result<Inputs> {
    let inputs = Inputs::default()
        .text("rustc", RUSTC_COMMIT)
        .text("builder", include_str!("stub_libraries.rs"))
        .output("sysroot", sysroot);
    locked.manifest.stub_libraries().try_fold(inputs, |inputs, soname| {
        let source = ctx.stub_libraries_dir().join(soname);
        Ok(inputs
            .path(&format!("image/stub-libraries/{soname}"), &source)?
            .invocation(format!("compile {soname}"), &compile(soname))
            .invocation(format!("link {soname}"), &link(soname)))
    })
}

pub(super) fn build(ctx: &BuildContext, locked: &LockedManifest, sysroot: &Output) -> Result<Output> {
    let sonames: Vec<&str> = locked.manifest.stub_libraries().map(String::as_str).collect();
    task::run_shared(ctx, TASK, inputs(ctx, locked, sysroot)?, |out| {
        let places = places(ctx)?.with(Place::Sysroot, sysroot.dir()?).with(Place::Output, out.dir());
        for soname in &sonames {
            let what = format!("the stub library {soname} for {TARGET}");
            compile(soname).run(ctx, &places, &what)?;
            link(soname).run(ctx, &places, &what)?;
            // The output holds the libraries and nothing else.
            let object = out.join(object(soname));
            fs::remove_file(&object).context(|| format!("cannot remove {}", object.display()))?;
        }
        Ok(sonames.join(", "))
    })
}

fn compile(soname: &str) -> Invocation {
    Invocation::new(Place::Rustc, source(soname))
        .args(["lib.rs", "--edition=2024", "--crate-type=lib", "--crate-name=stub_library", "--emit=obj"])
        .args(["--target", TARGET, CPU, "-Copt-level=z", "-Crelocation-model=pic", "-Cpanic=abort"])
        // The unwind tables would need a routine of the C compiler's library.
        .args(["-Cforce-unwind-tables=no"])
        .args([format!("--sysroot={}", Place::Sysroot)])
        .args(["-o".to_owned(), format!("{}/{}", Place::Output, object(soname))])
}

fn link(soname: &str) -> Invocation {
    Invocation::new(Place::Linker, Place::Output)
        .args(["-flavor", "gnu", "-shared", "--strip-all", "--no-undefined", "-soname", soname])
        .args(["--version-script".to_owned(), format!("{}/symbols.map", source(soname))])
        .args(["-o".to_owned(), format!("{}/{soname}", Place::Output)])
        .args([format!("{}/{}", Place::Output, object(soname))])
}

fn source(soname: &str) -> String {
    format!("{}/image/stub-libraries/{soname}", Place::Workspace)
}

fn object(soname: &str) -> String {
    format!("{soname}.o")
}
