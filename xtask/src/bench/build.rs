//! How long builds take: cold, with nothing changed, with a file of the device's library changed, for a second site.
//!
//! Each runs the whole command as a user does, in a copy of the checkout with a separate cache.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use xshell::{Shell, cmd};

use super::Figure;
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    task::files_below,
};

/// The files that a build reads.
const INPUTS: [&str; 8] =
    ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "image", "overlay", "src", "xtask", "ci"];

/// Phases in which rustc works; in the others the builder does.
const CROSS: [&str; 3] = ["toolchain", "sysroot", "programs"];

/// Files of the device's library, from its lowest layer to its highest; almost all of it depends on the first.
const LIBRARY_FILES: [&str; 3] = ["src/record.rs", "src/site/raw.rs", "src/dialer/replies.rs"];

/// Measures all four.
pub fn measure(ctx: &BuildContext, runs: u32) -> Result<Vec<Figure>> {
    let bench = Bench::prepare(ctx)?;
    bench.build(&[])?; // the downloads
    let changed = (0..runs).map(|run| bench.with_changed_library(run)).collect::<Result<_>>()?;
    let incremental = bench.sums()?;
    let mut cold = (Vec::new(), Vec::new());
    for _ in 0..runs {
        bench.forget_tasks()?;
        let run = bench.build(&[])?;
        cold.0.push(run.seconds);
        cold.1.push(run.seconds - run.cross);
        if bench.sums()? != incremental {
            return Err(Error::new(
                "a clean build gave another image than the incremental one of the same sources",
            )
            .fact("both are compiled by the profile `device` in Cargo.toml"));
        }
    }
    let again = (0..runs).map(|_| Ok(bench.build(&[])?.seconds)).collect::<Result<_>>()?;
    let site = (0..runs).map(|run| bench.with_other_site(run)).collect::<Result<_>>()?;
    Ok(vec![
        Figure::new("downloads cached, no task cache: everything", "s", cold.0).at_most(60.0),
        Figure::new("  of which not waiting for the compiler", "s", cold.1).at_most(4.0),
        Figure::new("nothing changed", "s", again).at_most(0.3),
        Figure::new("a file of the device's library changed", "s", changed).at_most(8.0),
        Figure::new("a second site", "s", site).at_most(1.0),
    ])
}

struct Bench<'a> {
    ctx: &'a BuildContext,
    checkout: PathBuf,
}

struct Run {
    seconds: f64,
    cross: f64,
}

impl<'a> Bench<'a> {
    fn prepare(ctx: &'a BuildContext) -> Result<Self> {
        let checkout = ctx.cache.join("bench/checkout");
        let _ = fs::remove_dir_all(&checkout);
        for input in INPUTS {
            for file in files_below(&ctx.workspace.join(input))? {
                let to = checkout.join(file.strip_prefix(&ctx.workspace).unwrap_or(&file));
                copy(&file, &to).context(|| format!("cannot copy {}", ctx.short(&file)))?;
            }
        }
        Ok(Self { ctx, checkout })
    }

    fn build(&self, more: &[&str]) -> Result<Run> {
        let began = Instant::now();
        let cannot = || "cannot start the builder".into();
        let shell = Shell::new().context(cannot)?;
        shell.change_dir(&self.checkout);
        shell.set_var("CARGO_TARGET_DIR", self.ctx.cache.join("bench/target"));
        let (program, downloads) = (&self.ctx.program, &self.ctx.downloads);
        let build = cmd!(shell, "{program} build-image --downloads {downloads} {more...}");
        let output = build.quiet().ignore_status().output().context(cannot)?;
        let seconds = began.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(Error::new("the build that was to be measured failed").fact(said));
        }
        Ok(Run { seconds, cross: CROSS.iter().filter_map(|phase| seconds_of(&said, phase)).sum() })
    }

    fn forget_tasks(&self) -> Result<()> {
        let cache = self.ctx.cache.join("bench/target/dialbox");
        match fs::remove_dir_all(&cache) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::new(format!("cannot empty {}", self.ctx.short(&cache))).fact(error))
            }
            _ => Ok(()),
        }
    }

    /// Another number in a file of the library: rustc must compile and link both programs again, and the root differs.
    fn with_changed_library(&self, run: u32) -> Result<f64> {
        let file = self.checkout.join(LIBRARY_FILES[run as usize % LIBRARY_FILES.len()]);
        let broken = || "cannot change a file of the library".to_owned();
        let source = fs::read_to_string(&file).context(broken)?;
        let source = source.split("#[used]").next().unwrap_or_default();
        let changed = format!("{source}#[used]\nstatic RUN: u32 = {run};\n");
        fs::write(&file, changed).context(broken)?;
        Ok(self.build(&[])?.seconds)
    }

    /// The hashes of the image's files.
    fn sums(&self) -> Result<String> {
        let file = self.checkout.join("out/SHA256SUMS");
        fs::read_to_string(&file).context(|| format!("cannot read {}", self.ctx.short(&file)))
    }

    fn with_other_site(&self, run: u32) -> Result<f64> {
        let broken = || "cannot write a site".to_owned();
        let example = fs::read_to_string(self.checkout.join("image/sites/dialer.toml")).context(broken)?;
        let hostname = example.lines().find(|line| line.starts_with("hostname")).unwrap_or_default();
        let site = self.checkout.join("bench-site.toml");
        fs::write(&site, example.replace(hostname, &format!("hostname = \"bench{run}\""))).context(broken)?;
        Ok(self.build(&["--site", &site.display().to_string(), "--out", "out-bench"])?.seconds)
    }
}

/// The time that a phase's line ends with: `  sysroot  std 1.95.0 …   27.90 s`.
fn seconds_of(said: &str, phase: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.split_whitespace().next() == Some(phase))?;
    line.trim_end().strip_suffix(" s")?.rsplit(' ').next()?.parse().ok()
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    match fs::read_link(from) {
        Ok(target) => std::os::unix::fs::symlink(target, to),
        Err(_) => fs::copy(from, to).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phases_time_is_read_from_its_line() {
        let said = "  fetch        33 files   0.83 s\n  sysroot      std 1.95.0   27.90 s\n";
        assert_eq!(seconds_of(said, "sysroot"), Some(27.9));
        assert_eq!(seconds_of(said, "programs"), None);
    }
}
