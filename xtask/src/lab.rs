//! Starts the program `lab`, and finds an emulator for it.
//!
//! It is a separate program, so that building an image does not compile it. It is started by `Command` and not by
//! xshell: xshell 0.2 neither passes the terminal's input on, which a console needs, nor gives the output line by line.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    bail,
    context::BuildContext,
    error::{Context, Error, Result},
    image::caller,
    manifest::LockedManifest,
    task, unpack,
};

const EMULATOR: &str = "qemu-system-arm";
/// Scenarios of `lab` that start programs of Debian's: the tool, and the option for its directory.
const WITH_TOOLS: [(&str, &str, &str); 2] = [
    ("debians-veritysetup-accepts-the-root", "verity", "--verity-tools"),
    ("adapters-on-the-lan-call-each-other-and-the-line", "sip", "--sip-tools"),
];

/// A cargo in the checkout, which takes crates from where this builder takes them.
pub fn cargo(ctx: &BuildContext) -> Command {
    let mut command = Command::new(&ctx.cargo);
    command.current_dir(&ctx.workspace).envs(ctx.inherited.iter().map(|(name, value)| (name, value)));
    command.env("CARGO_HOME", &ctx.cargo_home);
    command
}

/// The command for `lab`, without arguments.
pub fn command(ctx: &BuildContext, verb: &str) -> Command {
    let mut command = cargo(ctx);
    command.args(["run", "--quiet", "--package", "lab", "--", verb]);
    command
}

/// The same after `cargo test`, which has compiled it.
pub fn compiled(ctx: &BuildContext, verb: &str) -> Command {
    let mut command = Command::new(ctx.target.join("debug/lab"));
    command.current_dir(&ctx.workspace).arg(verb);
    command
}

/// An image's absolute path.
///
/// # Errors
/// There is no such file.
pub fn existing(image: &Path) -> Result<PathBuf> {
    let whole = std::path::absolute(image).context(|| format!("cannot find {}", image.display()))?;
    let none =
        || Error::new(format!("there is no image {}", image.display())).hint("cargo xtask build-image");
    whole.is_file().then_some(whole).ok_or_else(none)
}

/// The command for `lab` with an image and an emulator.
pub fn with_image(ctx: &BuildContext, mut command: Command, image: &Path) -> Result<Command> {
    command.arg("--image").arg(existing(image)?);
    if let Some(dir) = private_emulator(ctx)? {
        command.arg("--qemu-dir").arg(dir);
    }
    Ok(command)
}

/// The command for `lab test`, with the tools of a box that calls, and with those programs of Debian's that a chosen
/// scenario starts.
pub fn test(ctx: &BuildContext, lab: Command, image: &Path, only: &[String]) -> Result<Command> {
    let mut command = with_image(ctx, lab, image)?;
    let locked = LockedManifest::load(ctx)?;
    let _alone = task::lock_cache(ctx)?;
    command.arg("--caller-tools").arg(caller::make(ctx, &locked)?);
    let is_chosen = |scenario: &str| only.is_empty() || only.iter().any(|part| scenario.contains(part));
    for (scenario, tool, option) in WITH_TOOLS {
        if cfg!(target_arch = "x86_64") && is_chosen(scenario) {
            command.arg(option).arg(unpack::tool(ctx, &locked, locked.manifest.tool(tool)?)?.dir()?);
        }
    }
    for part in only {
        command.arg("--only").arg(part);
    }
    Ok(command)
}

/// Runs it; it prints its errors itself.
pub fn run(mut command: Command, complaint: &str) -> Result<()> {
    if !command.status().context(|| "cannot start cargo".into())?.success() {
        bail!("{complaint}");
    }
    Ok(())
}

/// The output of `lab measure` for a subject; the terminal shows its last line.
pub fn measured(ctx: &BuildContext, what: &str, image: &Path, runs: u32) -> Result<String> {
    let mut command = with_image(ctx, command(ctx, "measure"), image)?;
    command.arg(what);
    measured_by(ctx, command, what, runs)
}

/// The same by a command with further arguments.
pub fn measured_by(ctx: &BuildContext, mut command: Command, what: &str, runs: u32) -> Result<String> {
    command.args(["--runs", &runs.to_string()]).stdout(Stdio::piped());
    let phase = ctx.progress.phase(what.to_owned());
    let mut lab = command.spawn().context(|| "cannot start cargo".into())?;
    let mut said = String::new();
    for line in lab.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        let line = line.context(|| "cannot listen to lab".into())?;
        said += &line;
        said.push('\n');
        phase.now(line);
    }
    if !lab.wait().context(|| "cannot wait for cargo".into())?.success() {
        bail!("{what} was not measured\n{said}");
    }
    phase.done(format!("measured, {runs} runs"));
    Ok(said)
}

/// A tool of the package lock, unpacked.
pub fn tool(ctx: &BuildContext, name: &str) -> Result<PathBuf> {
    let locked = LockedManifest::load(ctx)?;
    let _alone = task::lock_cache(ctx)?;
    Ok(unpack::tool(ctx, &locked, locked.manifest.tool(name)?)?.dir()?.to_owned())
}

/// The emulator of the package lock, unpacked, if this machine has none.
fn private_emulator(ctx: &BuildContext) -> Result<Option<PathBuf>> {
    if ctx.path.iter().any(|dir| dir.join(EMULATOR).is_file()) {
        return Ok(None);
    }
    let locked = LockedManifest::load(ctx)?;
    let _alone = task::lock_cache(ctx)?;
    let output = unpack::tool(ctx, &locked, locked.manifest.tool("qemu")?);
    let output =
        output.map_err(|error| error.hint(format!("install {EMULATOR}, then run the same command again")))?;
    Ok(Some(output.dir()?.to_owned()))
}
