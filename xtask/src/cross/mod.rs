//! From `src/` to static ARMv6 programs, without a C cross compiler: with the rustc in use, its
//! standard library built from source, its own linker, and Debian's musl and libgcc.

pub mod archives;
mod cargo_home;
pub mod crates;
mod layer_programs;
mod programs;
mod stub_libraries;
mod sysroot;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use xshell::{Shell, cmd};

use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    invocation::{Invocation, Place, Places},
    manifest::{LockedManifest, read},
    task::{self, Output},
    unpack,
};

/// The Rust name of the Pi 1's userland: ARMv6 without hardware floats in the ABI, static musl.
pub const TARGET: &str = "arm-unknown-linux-musleabi";

/// The Pi 1's processor; the target alone means plain ARMv6.
const CPU: &str = "-Ctarget-cpu=arm1176jzf-s";

/// The directory of musl and libgcc in the sysroot.
const C_LIBRARIES: &str = "lib/c";

/// The compiler that compiled this builder; it is also the one that the builder uses.
const RUSTC_RELEASE: &str = env!("XTASK_RUSTC_RELEASE");
const RUSTC_COMMIT: &str = env!("XTASK_RUSTC_COMMIT");
const RUSTC_HOST: &str = env!("XTASK_RUSTC_HOST");

/// What was compiled for the Pi.
#[derive(Debug)]
pub struct Built {
    /// The programs of the root package, by name.
    pub programs: Output,
    /// The programs of each layer that has some.
    pub layers: BTreeMap<String, Output>,
    /// The libraries of `image/stub-libraries/`, by soname.
    pub stub_libraries: Output,
    /// What the programs are linked with: the list of crates, with their licences.
    pub crates: Output,
}

impl Built {
    /// The programs of a layer; `None` is the checkout.
    pub fn programs_of(&self, layer: Option<&str>) -> Result<&Output> {
        let Some(name) = layer else { return Ok(&self.programs) };
        self.layers
            .get(name)
            .ok_or_else(|| Error::new(format!("no program of the layer `{name}` was compiled")))
    }
}

/// Builds what runs on the Pi. `toolchain` is the unpacked tool of that name.
pub fn build(ctx: &BuildContext, locked: &LockedManifest, toolchain: &Output) -> Result<Built> {
    let sysroot = sysroot::build(ctx, toolchain)?;
    let stub_libraries = stub_libraries::build(ctx, locked, &sysroot)?;
    let programs = programs::build(ctx, locked, &sysroot)?;
    let layers = layer_programs::build(ctx, locked, &sysroot)?;
    // cargo has unpacked the crates to compile them.
    let crates = crates::build(ctx, locked, toolchain)?;
    Ok(Built { programs, layers, stub_libraries, crates })
}

/// Whether the cache has everything that [`build`] makes.
pub fn is_built(ctx: &BuildContext, locked: &LockedManifest) -> Result<bool> {
    let Some(toolchain) = unpack::find_tool(ctx, locked, locked.manifest.tool("toolchain")?) else {
        return Ok(false);
    };
    let Some(sysroot) = task::find(ctx, sysroot::TASK, &sysroot::inputs(&toolchain)) else {
        return Ok(false);
    };
    let stub_libraries = stub_libraries::inputs(ctx, locked, &sysroot)?;
    let programs = programs::inputs(ctx, locked, &sysroot)?;
    if !layer_programs::are_built(ctx, locked, &sysroot)? {
        return Ok(false);
    }
    Ok(task::is_made(ctx, crates::TASK, &crates::inputs(ctx, locked, &toolchain)?)
        && task::is_made(ctx, stub_libraries::TASK, &stub_libraries)
        && task::is_made(ctx, programs::TASK, &programs))
}

/// The compiler must have the version of the standard library's source.
pub fn refuse_other_rustc(ctx: &BuildContext) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Pin {
        toolchain: Channel,
    }
    #[derive(serde::Deserialize)]
    struct Channel {
        channel: String,
    }
    let pin: Pin = read(&ctx.workspace.join("rust-toolchain.toml"), "rust-toolchain.toml")?;
    let pinned = pin.toolchain.channel;
    if pinned == RUSTC_RELEASE {
        return Ok(());
    }
    Err(Error::new(format!("rustc is {RUSTC_RELEASE}, but dialbox is built by {pinned}"))
        .fact("rust-toolchain.toml pins it: the image is the same on every machine because its compiler is")
        .hint(format!("rustup toolchain install {pinned}, then run the same command again")))
}

/// A cargo that builds the workspace in `directory` for the Pi.
fn cargo(directory: Place) -> Invocation {
    // cargo reads the configurations of the directory where it runs and of all above it.
    let cargo = Invocation::new(Place::Cargo, "/").env("CARGO_HOME", Place::CargoHome.to_string());
    // A rustc that rustup provides would look for rust-toolchain.toml there.
    let cargo = cargo.env("RUSTC", Place::Rustc.to_string());
    let cargo = cargo.args(["build", "--quiet", "--color", "never", "--locked", "--target", TARGET]);
    let cargo = cargo.args(["--manifest-path".to_owned(), format!("{directory}/Cargo.toml")]);
    // Warnings about the standard library's source are of no use to the user.
    cargo.env("CARGO_TERM_QUIET", "true").args(["--target-dir".to_owned(), Place::TargetDir.to_string()])
}

/// The places of this machine that do not depend on the task.
fn places(ctx: &BuildContext) -> Result<Places> {
    let toolchain = toolchain(ctx)?;
    refuse_foreign_rustc(&toolchain.join("bin/rustc"))?;
    Ok(Places::default()
        .with(Place::Cargo, &ctx.cargo)
        .with(Place::CargoHome, cargo_home::prepare(ctx)?)
        .with(Place::Rustc, toolchain.join("bin/rustc"))
        .with(Place::Linker, linker(&toolchain)?)
        .with(Place::Workspace, &ctx.workspace))
}

/// Flags for every crate that [`cargo`] compiles (The Cargo Book, "Environment Variables").
fn rustflags(cargo: Invocation, flags: &[String]) -> Invocation {
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
}

/// Where the Rust toolchain is that `rust-toolchain.toml` chooses.
fn toolchain(ctx: &BuildContext) -> Result<PathBuf> {
    let cannot = || "cannot ask rustc for its sysroot".to_owned();
    let shell = Shell::new().context(cannot)?;
    shell.change_dir(&ctx.workspace);
    Ok(cmd!(shell, "rustc --print sysroot").quiet().read().context(cannot)?.into())
}

/// The one in the search path must be the one that compiled this builder: its commit is in the tasks' keys.
fn refuse_foreign_rustc(rustc: &Path) -> Result<()> {
    let cannot = || format!("cannot run {}", rustc.display());
    let shell = Shell::new().context(cannot)?;
    let said = cmd!(shell, "{rustc} -vV").quiet().read().context(cannot)?;
    if said.lines().any(|line| line.strip_prefix("commit-hash: ") == Some(RUSTC_COMMIT)) {
        return Ok(());
    }
    Err(Error::new(format!("{} is not the compiler that compiled this builder", rustc.display()))
        .fact(format!("that one is rustc {RUSTC_RELEASE} of commit {RUSTC_COMMIT}"))
        .hint("start the builder by `cargo xtask`, without a rustc or a toolchain set by hand"))
}

/// The toolchain's own linker, an LLVM lld that knows every target.
fn linker(toolchain: &Path) -> Result<PathBuf> {
    let linker = toolchain.join(format!("lib/rustlib/{RUSTC_HOST}/bin/rust-lld"));
    if linker.exists() {
        return Ok(linker);
    }
    Err(Error::new(format!("this Rust toolchain has no rust-lld at {}", linker.display()))
        .hint("install Rust by rustup, whose toolchains bring it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_compiler_than_the_builders_is_refused() {
        assert!(refuse_foreign_rustc(Path::new("rustc")).is_ok());
        let error = refuse_foreign_rustc(Path::new("/bin/echo")).unwrap_err().to_string();
        assert!(
            error.starts_with("error: /bin/echo is not the compiler that compiled this builder\n"),
            "{error}"
        );
    }
}
