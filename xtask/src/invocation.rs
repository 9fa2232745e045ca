//! A run of a compiler or linker as a value. The same value is hashed into the task's key and executed, so a
//! flag cannot be missing in the key.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use xshell::{Shell, cmd};

use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
};

/// A program with its arguments, environment and working directory.
///
/// Paths of this machine are written as a [`Place`], so that the key is the same in every checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    program: String,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    directory: String,
}

/// A path of this machine; `format!("{}", Place::Workspace)` writes it into an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The cargo that runs the builder.
    Cargo,
    /// The cargo home of the builder's own, where cargo finds the sources of dependencies.
    CargoHome,
    /// The rustc that `rust-toolchain.toml` chooses.
    Rustc,
    /// The linker of the Rust toolchain.
    Linker,
    /// The checkout.
    Workspace,
    /// The cargo package of a layer.
    Layer,
    /// The standard library's source.
    Library,
    /// The output of the task `sysroot`.
    Sysroot,
    /// Where cargo compiles.
    TargetDir,
    /// The output of the task that runs the program.
    Output,
}

/// The paths of the places on this machine.
#[derive(Debug, Clone, Default)]
pub struct Places(BTreeMap<Place, PathBuf>);

impl Place {
    fn as_str(self) -> &'static str {
        match self {
            Self::Cargo => "<cargo>",
            Self::CargoHome => "<cargo-home>",
            Self::Rustc => "<rustc>",
            Self::Linker => "<linker>",
            Self::Workspace => "<workspace>",
            Self::Layer => "<layer>",
            Self::Library => "<library>",
            Self::Sysroot => "<sysroot>",
            Self::TargetDir => "<target-dir>",
            Self::Output => "<output>",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Places {
    /// The same with one place more.
    pub fn with(mut self, place: Place, path: impl Into<PathBuf>) -> Self {
        self.0.insert(place, path.into());
        self
    }

    fn resolve(&self, text: &str) -> String {
        let replace = |text: String, (place, path): (&Place, &PathBuf)| {
            text.replace(place.as_str(), &path.display().to_string())
        };
        self.0.iter().fold(text.to_owned(), replace)
    }
}

impl Invocation {
    /// `program`, run in `directory`.
    pub fn new(program: Place, directory: impl fmt::Display) -> Self {
        Self {
            program: program.to_string(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            directory: directory.to_string(),
        }
    }

    /// Adds arguments.
    pub fn args<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Runs it to compile `what`. Its environment consists of these variables and those that
    /// [`BuildContext::inherited`] passes on. If it fails, the error has its last lines.
    pub fn run(&self, ctx: &BuildContext, places: &Places, what: &str) -> Result<()> {
        self.output(ctx, places, &format!("compile {what}")).map(drop)
    }

    /// The same for a program that does something else; returns what it prints.
    pub fn output(&self, ctx: &BuildContext, places: &Places, what: &str) -> Result<String> {
        let failed = || format!("cannot {what}");
        let shell = Shell::new().context(failed)?;
        shell.change_dir(places.resolve(&self.directory));
        let program = places.resolve(&self.program);
        let arguments = self.arguments.iter().map(|it| places.resolve(it));
        let environment = self.environment.iter().map(|(name, value)| (name, places.resolve(value)));
        let command = cmd!(shell, "{program} {arguments...}").env_clear().envs(ctx.inherited.iter().cloned());
        let output = command.envs(environment).quiet().ignore_status().output().context(failed)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let printed = String::from_utf8_lossy(&output.stderr);
        let skip = printed.lines().count().saturating_sub(40);
        let tail: Vec<&str> = printed.lines().skip(skip).collect();
        Err(Error::new(failed()).fact(tail.join("\n")))
    }
}

/// All of it, one part a line, for the key.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cd {}", self.directory)?;
        self.environment.iter().try_for_each(|(name, value)| writeln!(f, "{name}={value}"))?;
        writeln!(f, "{}", self.program)?;
        self.arguments.iter().try_for_each(|argument| writeln!(f, "  {argument}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Inputs;

    fn compile() -> Invocation {
        Invocation::new(Place::Rustc, Place::Workspace)
            .args(["-Copt-level=z".to_owned(), format!("--sysroot={}", Place::Sysroot)])
            .env("RUSTC_BOOTSTRAP", "1")
    }

    #[test]
    fn everything_that_reaches_the_compiler_is_in_the_key() {
        let key = |invocation: &Invocation| Inputs::default().invocation("compile", invocation).key();
        let same = key(&compile());
        assert_eq!(same, key(&compile()));
        for (what, other) in [
            ("a flag more", compile().args(["-g"])),
            ("another flag", Invocation { arguments: vec!["-Copt-level=3".into()], ..compile() }),
            ("a variable more", compile().env("RUSTFLAGS", "")),
            ("another value", compile().env("RUSTC_BOOTSTRAP", "0")),
            ("another program", Invocation { program: Place::Cargo.to_string(), ..compile() }),
            ("another directory", Invocation { directory: Place::Library.to_string(), ..compile() }),
        ] {
            assert_ne!(same, key(&other), "{what}");
        }
    }

    #[test]
    fn the_hashed_invocation_is_the_one_that_runs() {
        let dir = tempfile::tempdir().unwrap();
        let ctx = BuildContext::new(&crate::cli::Sources::default());
        let places = Places::default()
            .with(Place::Rustc, "sh")
            .with(Place::Output, dir.path())
            .with(Place::Sysroot, "/the/sysroot");
        // cargo sets CARGO_PKG_NAME for this test; the program must not see it.
        let script = "exec >&2; pwd -P; echo $FLAGS $1; echo ${CARGO_PKG_NAME-unset}; exit 1";
        let invocation = Invocation::new(Place::Rustc, Place::Output)
            .args(["-c".to_owned(), script.into(), "sh".into(), Place::Sysroot.to_string()])
            .env("FLAGS", format!("--sysroot={}", Place::Sysroot));
        let error = invocation.run(&ctx, &places, "it").unwrap_err().to_string();
        let directory = dir.path().canonicalize().unwrap();
        let expected = format!(
            "error: cannot compile it\n  {}\n  --sysroot=/the/sysroot /the/sysroot\n  unset",
            directory.display()
        );
        assert_eq!(error, expected);
    }
}
