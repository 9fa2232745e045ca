//! A copy of the checkout with a cache of its own, in which the whole command runs as a user starts it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use xshell::{Shell, cmd};

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

/// The copy.
pub struct Checkout<'a> {
    ctx: &'a BuildContext,
    /// Where it is.
    pub dir: PathBuf,
}

/// A build.
pub struct Run {
    /// How long the command took.
    pub seconds: f64,
    /// The part of it in which rustc worked.
    pub cross: f64,
}

impl<'a> Checkout<'a> {
    /// Copies what a build reads.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn prepare(ctx: &'a BuildContext) -> Result<Self> {
        let dir = ctx.cache.join("bench/checkout");
        let _ = fs::remove_dir_all(&dir);
        for input in INPUTS {
            for file in files_below(&ctx.workspace.join(input))? {
                let to = dir.join(file.strip_prefix(&ctx.workspace).unwrap_or(&file));
                copy(&file, &to).context(|| format!("cannot copy {}", ctx.short(&file)))?;
            }
        }
        Ok(Self { ctx, dir })
    }

    /// Builds an image with these further arguments.
    ///
    /// # Errors
    /// The build fails.
    pub fn build(&self, more: &[&str]) -> Result<Run> {
        let began = Instant::now();
        let cannot = || "cannot start the builder".into();
        let shell = Shell::new().context(cannot)?;
        shell.change_dir(&self.dir);
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

    /// Removes its task cache.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget_tasks(&self) -> Result<()> {
        let cache = self.ctx.cache.join("bench/target/dialbox");
        match fs::remove_dir_all(&cache) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::new(format!("cannot empty {}", self.ctx.short(&cache))).fact(error))
            }
            _ => Ok(()),
        }
    }

    /// The hashes of the image's files.
    ///
    /// # Errors
    /// There are none.
    pub fn sums(&self) -> Result<String> {
        let file = self.dir.join("out/SHA256SUMS");
        fs::read_to_string(&file).context(|| format!("cannot read {}", self.ctx.short(&file)))
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
