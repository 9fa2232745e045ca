//! `cargo xtask tidy`: checks the house rules in every tracked file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use xshell::{Shell, cmd};

use crate::{
    bail,
    cli::{self, Sources},
    context::BuildContext,
    cross,
    error::{Context, Error, Result},
    image::built::Built,
    tidy::{self, Listing, Source, Surroundings},
};

/// See the command line's help.
pub fn run(args: &cli::Tidy) -> Result<()> {
    let ctx = BuildContext::new(&Sources::default());
    let files = tracked_texts(&ctx.workspace)?;
    let sources: Vec<Source> = files.iter().map(|(path, text)| Source { path, text }).collect();
    if args.imports {
        ctx.progress.line(tidy::picture(&sources));
        return Ok(());
    }
    let around = Surroundings {
        machine: machine(&ctx),
        packages: packages(&ctx)?,
        built: Built::read(&ctx, &ctx.workspace.join("out"))?,
    };
    if around.built.is_none() {
        ctx.progress.line("not checked: figures of the docs that a build decides, as out/ has no image");
    }
    let findings = tidy::check(&sources, &around);
    findings.iter().for_each(|it| ctx.progress.line(it.to_string()));
    match findings.len() {
        0 => ctx.progress.line(format!("{} files read, all of them tidy", sources.len())),
        1 => bail!("1 finding in {} files", sources.len()),
        count => bail!("{count} findings in {} files", sources.len()),
    }
    Ok(())
}

/// Directories of this machine; short ones such as `/src` are left out, since they occur in other contexts.
fn machine(ctx: &BuildContext) -> Vec<String> {
    let long = [&ctx.workspace, &ctx.cargo_home].into_iter().filter(|it| it.components().count() > 2);
    long.map(|it| it.display().to_string()).collect()
}

/// The packages of the lock that are compiled for the device or on this machine.
fn packages(ctx: &BuildContext) -> Result<Listing> {
    let tree = |arguments: &[&str]| -> Result<String> {
        let cannot = || "cannot start cargo, which knows the dependencies".into();
        let shell = Shell::new().context(cannot)?;
        shell.change_dir(&ctx.workspace);
        let (cargo, format) = (&ctx.cargo, Listing::FORMAT);
        let command =
            cmd!(shell, "{cargo} tree --quiet --locked --prefix none --format {format} {arguments...}");
        let output = command.quiet().ignore_status().output().context(cannot)?;
        if !output.status.success() {
            return Err(Error::new("cargo cannot list the dependencies")
                .fact(String::from_utf8_lossy(&output.stderr))
                .hint("with a network, run `cargo fetch --locked`, then the same command again"));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // A procedural macro runs in the compiler.
    let linked = "normal,no-proc-macro";
    Ok(Listing {
        device: tree(&["--package", "dialbox", "--edges", linked, "--target", cross::TARGET])?,
        host: tree(&["--workspace", "--edges", "normal,build,dev"])?,
    })
}

/// Path and content of every tracked text file. A file that is deleted but not committed yet is left out.
fn tracked_texts(workspace: &Path) -> Result<Vec<(String, String)>> {
    let cannot = || "cannot start git, which knows the files of the project".into();
    let shell = Shell::new().context(cannot)?;
    shell.change_dir(workspace);
    let output = cmd!(shell, "git ls-files -z").quiet().ignore_status().output().context(cannot)?;
    if !output.status.success() {
        return Err(Error::new("git cannot list the files of the project")
            .fact(String::from_utf8_lossy(&output.stderr))
            .hint("run it in a clone of the repository"));
    }
    let listed = String::from_utf8_lossy(&output.stdout);
    let mut files = Vec::new();
    for path in listed.split_terminator('\0') {
        let file: PathBuf = workspace.join(path);
        if !file.is_file() || file.is_symlink() {
            continue;
        }
        let bytes = fs::read(&file).context(|| format!("cannot read {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push((path.to_owned(), text));
        }
    }
    Ok(files)
}
