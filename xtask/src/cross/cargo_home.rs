//! A cargo home without the user's settings. A `[profile.release]`, `[build]` or `[target]` in a `config.toml` of the
//! user's would change the image without a word, and no option makes cargo ignore these files. What cargo has downloaded
//! is shared, and so are the settings of where it downloads from.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
};

/// Downloads, their locks, and what a private registry asks for.
const SHARED_DIRECTORIES: [&str; 2] = ["registry", "git"];
const SHARED_FILES: [&str; 3] = [".package-cache", ".package-cache-mutate", "credentials.toml"];

/// The tables of a `config.toml` that say where sources come from and how to reach it (The Cargo Book, "Configuration
/// Format"). `Cargo.lock` holds the hashes of what comes.
const SOURCES: [&str; 6] = ["credential-alias", "http", "net", "registries", "registry", "source"];

/// Tables that only say what cargo prints, and how it is called.
const HARMLESS: [&str; 6] = ["alias", "cache", "cargo-new", "doc", "future-incompat-report", "term"];

/// Keys of these tables that are paths, relative to the directory that holds `.cargo`.
const PATHS: [&str; 4] = ["directory", "local-registry", "cainfo", "proxy-cainfo"];

/// Makes the directory; returns its path.
pub(super) fn prepare(ctx: &BuildContext) -> Result<PathBuf> {
    refuse_settings_for_all(Path::new("/"))?;
    let home = ctx.cache.join("cargo-home");
    let make = || {
        fs::create_dir_all(&home)?;
        for name in SHARED_DIRECTORIES {
            fs::create_dir_all(ctx.cargo_home.join(name))?;
            share(&ctx.cargo_home, &home, name)?;
        }
        SHARED_FILES.into_iter().try_for_each(|name| share(&ctx.cargo_home, &home, name))
    };
    make().context(|| format!("cannot prepare {}", home.display()))?;
    let mut merged = Table::new();
    // The nearest file wins: it is merged last.
    for file in config_files(ctx) {
        let text = fs::read_to_string(&file).context(|| format!("cannot read {}", file.display()))?;
        let config: Table = text.parse().context(|| format!("cannot read {}", file.display()))?;
        let base = file.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        merge(&mut merged, sources(config, base));
    }
    let config = home.join("config.toml");
    fs::write(&config, merged.to_string()).context(|| format!("cannot write {}", config.display()))?;
    Ok(home)
}

/// cargo runs in the root directory and reads the configuration there, which no option prevents. In a container whose
/// user has the home `/`, it is the user's own one.
fn refuse_settings_for_all(root: &Path) -> Result<()> {
    let Some(file) = config_file(&root.join(".cargo")) else { return Ok(()) };
    let cannot = || format!("cannot read {}", file.display());
    let config: Table = fs::read_to_string(&file).context(cannot)?.parse().context(cannot)?;
    let known = |name: &str| SOURCES.contains(&name) || HARMLESS.contains(&name);
    let others: Vec<String> =
        config.keys().filter(|it| !known(it)).map(|it| format!("it has [{it}]")).collect();
    if others.is_empty() {
        return Ok(());
    }
    let error = Error::new(format!("{} could change what is compiled for the box", file.display()));
    Err(others.iter().fold(error, Error::fact).hint(
        "cargo reads this file wherever it runs: move it into a home directory, and set HOME or CARGO_HOME to that",
    ))
}

/// Where sources of crates may be: what cargo has unpacked, and the directories of the user's configuration.
pub(super) fn sources_of_crates(ctx: &BuildContext) -> Vec<PathBuf> {
    let unpacked = fs::read_dir(ctx.cargo_home.join("registry/src")).into_iter().flatten().flatten();
    let mut directories: Vec<PathBuf> = unpacked.map(|it| it.path()).collect();
    directories.sort();
    for file in config_files(ctx) {
        let config =
            fs::read_to_string(&file).ok().and_then(|it| it.parse::<Table>().ok()).unwrap_or_default();
        let base = file.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        let config = sources(config, base);
        let replaced = config.get("source").and_then(Value::as_table).into_iter().flat_map(Table::values);
        directories.extend(replaced.filter_map(|it| Some(PathBuf::from(it.get("directory")?.as_str()?))));
    }
    directories
}

/// The files that cargo would read in the checkout, the farthest first.
fn config_files(ctx: &BuildContext) -> Vec<PathBuf> {
    let parents = ctx.workspace.ancestors().map(|directory| directory.join(".cargo"));
    let directories = parents.filter(|it| *it != ctx.cargo_home).chain([ctx.cargo_home.clone()]);
    let mut files: Vec<PathBuf> = directories.filter_map(|it| config_file(&it)).collect();
    files.reverse();
    files
}

/// The configuration in a directory `.cargo`.
fn config_file(directory: &Path) -> Option<PathBuf> {
    // The older name wins where both exist (cargo, `get_file_path`).
    ["config", "config.toml"].map(|name| directory.join(name)).into_iter().find(|it| it.is_file())
}

/// Points `home`'s entry at the user's, which may come into being later.
fn share(user: &Path, home: &Path, name: &str) -> io::Result<()> {
    let (target, link) = (user.join(name), home.join(name));
    if fs::read_link(&link).is_ok_and(|found| found == target) {
        return Ok(());
    }
    match fs::remove_file(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => symlink(target, link),
    }
}

/// What a configuration says of sources, with absolute paths.
fn sources(config: Table, base: &Path) -> Table {
    let mut kept: Table = config.into_iter().filter(|(name, _)| SOURCES.contains(&name.as_str())).collect();
    kept.iter_mut().for_each(|(_, value)| make_absolute(value, base));
    kept
}

fn make_absolute(value: &mut Value, base: &Path) {
    let Value::Table(table) = value else { return };
    for (key, value) in table.iter_mut() {
        match value {
            Value::String(path) if PATHS.contains(&key.as_str()) => {
                *path = base.join(&*path).display().to_string();
            }
            other => make_absolute(other, base),
        }
    }
}

fn merge(into: &mut Table, nearer: Table) {
    for (key, value) in nearer {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(nearer)) => merge(into, nearer),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli,
        cross::cargo,
        invocation::{Place, Places},
    };

    /// What people have in their configurations, each enough to change or break the image.
    const HOSTILE: &str = r#"
        [build]
        rustc-wrapper = "/nonexistent/wrapper"
        rustflags = ["-Cnonsense"]
        [env]
        RUSTC_BOOTSTRAP = { value = "1", force = true }
        [profile.release]
        debug-assertions = true
        [source.vendored]
        directory = "vendor"
        [net]
        git-fetch-with-cli = true
    "#;

    fn context(dir: &Path) -> BuildContext {
        let mut ctx = BuildContext::new(&cli::Sources::default());
        ctx.workspace = dir.join("work/checkout");
        ctx.cache = dir.join("cache");
        ctx.cargo_home = dir.join("home/.cargo");
        for directory in
            [&ctx.workspace, &ctx.cargo_home, &ctx.workspace.join(".cargo"), &dir.join("work/.cargo")]
        {
            fs::create_dir_all(directory).unwrap();
        }
        ctx
    }

    #[test]
    fn only_where_sources_come_from_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let ctx = context(dir.path());
        fs::write(ctx.cargo_home.join("config.toml"), HOSTILE).unwrap();
        fs::write(dir.path().join("work/.cargo/config.toml"), "[net]\noffline = true\nretry = 1\n").unwrap();
        fs::write(ctx.workspace.join(".cargo/config"), "[net]\nretry = 5\n[alias]\nb = \"build\"\n").unwrap();
        let home = prepare(&ctx).unwrap();
        let config: Table = fs::read_to_string(home.join("config.toml")).unwrap().parse().unwrap();
        let vendored = dir.path().join("home/vendor").display().to_string();
        let expected = format!(
            "[net]\ngit-fetch-with-cli = true\noffline = true\nretry = 5\n[source.vendored]\ndirectory = \"{vendored}\""
        );
        assert_eq!(config, expected.parse().unwrap());
        // Twice is as good as once.
        assert_eq!(prepare(&ctx).unwrap(), home);
    }

    #[test]
    fn a_configuration_for_all_that_could_change_the_programs_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".cargo/config.toml");
        fs::create_dir(dir.path().join(".cargo")).unwrap();
        assert!(refuse_settings_for_all(dir.path()).is_ok());
        fs::write(&file, "[net]\noffline = true\n[alias]\nb = \"build\"\n[term]\nquiet = true\n").unwrap();
        assert!(refuse_settings_for_all(dir.path()).is_ok());
        fs::write(&file, HOSTILE).unwrap();
        let error = refuse_settings_for_all(dir.path()).unwrap_err().to_string();
        insta::assert_snapshot!(error.replace(&dir.path().display().to_string(), ""), @r"
        error: /.cargo/config.toml could change what is compiled for the box
          it has [build]
          it has [env]
          it has [profile]
          next: cargo reads this file wherever it runs: move it into a home directory, and set HOME or CARGO_HOME to that
        ");
    }

    #[test]
    fn downloads_are_shared() {
        let dir = tempfile::tempdir().unwrap();
        let ctx = context(dir.path());
        let home = prepare(&ctx).unwrap();
        fs::write(home.join("registry/crate"), "").unwrap();
        assert!(ctx.cargo_home.join("registry/crate").exists());
        fs::write(home.join(".package-cache"), "").unwrap();
        assert!(ctx.cargo_home.join(".package-cache").exists());
    }

    #[test]
    fn a_broken_configuration_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let ctx = context(dir.path());
        fs::write(ctx.cargo_home.join("config.toml"), "[net\n").unwrap();
        let error = prepare(&ctx).unwrap_err().to_string();
        assert!(error.contains("home/.cargo/config.toml"), "{error}");
    }

    #[test]
    fn a_users_configuration_does_not_reach_the_compiler() {
        let dir = tempfile::tempdir().unwrap();
        let ctx = context(dir.path());
        for file in [ctx.cargo_home.join("config.toml"), ctx.workspace.join(".cargo/config.toml")] {
            fs::write(file, HOSTILE).unwrap();
        }
        let package = "[package]\nname = \"it\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n";
        fs::write(ctx.workspace.join("Cargo.toml"), package).unwrap();
        fs::write(
            ctx.workspace.join("Cargo.lock"),
            "version = 4\n[[package]]\nname = \"it\"\nversion = \"0.0.0\"\n",
        )
        .unwrap();
        // Compiles without a library for the target, and not with the profile's assertions.
        let source = "#![feature(no_core)]\n#![no_core]\n#[cfg(debug_assertions)]\nuse missing::Nothing;\n";
        fs::write(ctx.workspace.join("lib.rs"), source).unwrap();
        let places = Places::default()
            .with(Place::Cargo, &ctx.cargo)
            .with(Place::Rustc, "rustc")
            .with(Place::Workspace, &ctx.workspace)
            .with(Place::CargoHome, prepare(&ctx).unwrap())
            .with(Place::TargetDir, dir.path().join("target"));
        cargo(Place::Workspace)
            .args(["--release"])
            .env("RUSTC_BOOTSTRAP", "1")
            .run(&ctx, &places, "it")
            .unwrap();
    }
}
