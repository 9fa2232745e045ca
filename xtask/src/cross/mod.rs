//! From `src/` to static ARMv6 programs, with no C cross compiler: the very rustc in use, its
//! standard library built from source, its own linker, and Debian's musl and libgcc.

mod programs;
mod stub_libraries;
mod sysroot;

use std::{path::PathBuf, process::Command};

use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    manifest::{LockedManifest, read},
    task::Output,
};

/// The Rust name of the Pi 1's userland: ARMv6 without hardware floats in the ABI, static musl.
const TARGET: &str = "arm-unknown-linux-musleabi";

/// All of the Pi 1's processor; the target alone would stop at plain ARMv6.
const CPU: &str = "-Ctarget-cpu=arm1176jzf-s";

/// Where in the sysroot musl and libgcc lie.
const C_LIBRARIES: &str = "lib/c";

/// The compiler this builder was compiled by, which is the one it uses.
const RUSTC_RELEASE: &str = env!("XTASK_RUSTC_RELEASE");
const RUSTC_COMMIT: &str = env!("XTASK_RUSTC_COMMIT");
const RUSTC_HOST: &str = env!("XTASK_RUSTC_HOST");

/// What was compiled for the Pi.
#[derive(Debug)]
pub struct Built {
    /// The programs of the root package, by name.
    pub programs: Output,
    /// The libraries of `image/stub-libraries/`, by soname.
    pub stub_libraries: Output,
}

/// Builds what runs on the Pi. `toolchain` is the unpacked tool of that name.
pub fn build(ctx: &BuildContext, locked: &LockedManifest, toolchain: &Output) -> Result<Built> {
    let sysroot = sysroot::build(ctx, toolchain)?;
    let stub_libraries = stub_libraries::build(ctx, locked, &sysroot)?;
    Ok(Built { programs: programs::build(ctx, locked, &sysroot)?, stub_libraries })
}

/// The standard library's source is of one version, and so must the compiler be.
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

/// A cargo that builds for the Pi, told nothing by the cargo that runs us.
fn cargo(ctx: &BuildContext) -> Command {
    let mut cargo = Command::new(&ctx.cargo);
    cargo.args(["build", "--quiet", "--color", "never", "--locked", "--target", TARGET]);
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "RUSTC_WRAPPER",
        "CARGO_BUILD_TARGET",
    ] {
        cargo.env_remove(name);
    }
    // What cargo warns about in the source of the standard library is not the user's affair.
    cargo.env("CARGO_TERM_QUIET", "true");
    cargo
}

/// Runs it; what it printed becomes the error.
fn run(mut command: Command, what: &str) -> Result<()> {
    let program = command.get_program().display().to_string();
    let output = command.output().context(|| format!("cannot start {program} to build {what}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let skip = said.lines().count().saturating_sub(40);
    let tail: Vec<&str> = said.lines().skip(skip).collect();
    Err(Error::new(format!("cannot compile {what} for {TARGET}")).fact(tail.join("\n")))
}

/// The toolchain's own linker, an LLVM lld that knows every target.
fn linker(ctx: &BuildContext) -> Result<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).current_dir(&ctx.workspace).output();
    let output = output.context(|| "cannot ask rustc for its sysroot".into())?;
    let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let linker = PathBuf::from(sysroot).join(format!("lib/rustlib/{RUSTC_HOST}/bin/rust-lld"));
    if linker.exists() {
        return Ok(linker);
    }
    Err(Error::new(format!("this Rust toolchain has no rust-lld at {}", linker.display()))
        .hint("install Rust by rustup, whose toolchains bring it"))
}
