//! The signed part of a mirror: `InRelease` files whose signature is checked, and the indices
//! that they vouch for.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    rc::Rc,
};

use liblzma::read::XzDecoder;

use crate::{
    bail, calendar,
    context::BuildContext,
    debian::{
        fetch::{self, Origin, Wanted},
        index::{Entry, Index},
        listing::Listing,
        mirror::Mirrors,
        release::{Age, IndexFile, Release},
        resolve::{self, Recipes},
        source,
        transfer::{Client, Failure, Patience},
    },
    error::{Context, Error, Result},
    manifest::{LockedPackage, LockedSource, Manifest, PackageId, SourceId},
};

/// The suites that a manifest uses, as signed by their keys.
pub struct Archive<'a> {
    releases: BTreeMap<String, u64>,
    signed: BTreeMap<String, Release>,
    ctx: &'a BuildContext,
    indices: BTreeMap<(String, String), Index>,
    listing: RefCell<BTreeMap<String, Rc<Listing>>>,
}

impl<'a> Archive<'a> {
    /// Fetches and verifies the indices that list the packages of these recipes.
    pub fn open(manifest: &Manifest, recipes: Recipes, age: &Age, ctx: &'a BuildContext) -> Result<Self> {
        if ctx.offline {
            return Err(Error::new(
                "the signed indices of the archive come from a mirror, and this is --offline",
            )
            .hint("leave --offline out; `cargo xtask lock --check` needs no mirror"));
        }
        let mirrors = Mirrors::find(ctx)?;
        let mut releases = BTreeMap::new();
        let mut indices = BTreeMap::new();
        let mut signed = BTreeMap::new();
        for (suite, architectures) in drawn_on(manifest, recipes) {
            let release = signed_release(ctx, &mirrors, &suite, age)?;
            releases.insert(suite.clone(), release.date);
            let components = &manifest.suites[&suite].components; // a recipe with another suite is refused on loading
            for architecture in architectures {
                let index = read_index(ctx, &release, &suite, components, &architecture)?;
                indices.insert((suite.clone(), architecture), index);
            }
            signed.insert(suite, release);
        }
        Ok(Self { releases, signed, ctx, indices, listing: RefCell::default() })
    }

    /// The date of each suite's signed file, seconds since 1970.
    pub fn releases(&self) -> &BTreeMap<String, u64> {
        &self.releases
    }

    /// The sources of what the image delivers of these packages, from the signed indices of their suites.
    pub fn sources(&self, manifest: &Manifest, packages: &[LockedPackage]) -> Result<Vec<LockedSource>> {
        let mut wanted: BTreeMap<&String, BTreeSet<SourceId>> = BTreeMap::new();
        for package in packages.iter().filter(|it| manifest.delivers(it)) {
            wanted.entry(&package.suite).or_default().extend(package.sources());
        }
        let mut locked = Vec::new();
        for (suite, wanted) in wanted {
            let mut found = BTreeMap::new();
            for component in &manifest.suites[suite].components {
                let file = self.signed[suite].sources(suite, component);
                let file =
                    file.map_err(|error| error.context(format!("dists/{suite}/InRelease cannot be used")))?;
                let text = read_index_file(self.ctx, suite, &file)?;
                found.extend(
                    source::find(&text, &wanted)
                        .map_err(|it| it.context(format!("cannot read {}", file.name)))?,
                );
            }
            if let Some(missing) = wanted.iter().find(|it| !found.contains_key(it)) {
                return Err(Error::new(format!("{suite} has no source package {missing}"))
                    .fact("something built from it is in the image, and its licence may ask for the source")
                    .hint("use a mirror that has all of the archive (--mirror URL)"));
            }
            locked.extend(found.into_iter().map(|(id, source)| LockedSource {
                name: id.name,
                version: id.version,
                directory: source.directory,
                files: source.files,
            }));
        }
        locked.sort();
        locked.dedup();
        Ok(locked)
    }

    /// The newest of these dates.
    pub fn date(&self) -> u64 {
        self.releases.values().copied().max().unwrap_or_default()
    }
}

impl resolve::Archive for Archive<'_> {
    fn index(&self, id: &PackageId) -> Result<&Index> {
        let index = self.indices.get(&(id.suite.clone(), id.architecture.clone()));
        index.ok_or_else(|| Error::new(format!("no index of {} for {} was read", id.suite, id.architecture)))
    }

    fn prepare(&self, packages: &[(&PackageId, &Entry)]) -> Result<()> {
        let wanted: Vec<Wanted> = packages.iter().map(|(id, entry)| from_suite(id, entry)).collect();
        fetch::files(self.ctx, &wanted).map(drop)
    }

    fn listing(&self, id: &PackageId, entry: &Entry) -> Result<Rc<Listing>> {
        if let Some(known) = self.listing.borrow().get(&entry.sha256) {
            return Ok(Rc::clone(known));
        }
        let listing = Rc::new(Listing::read(&fetch::file(self.ctx, &from_suite(id, entry))?)?);
        self.listing.borrow_mut().insert(entry.sha256.clone(), Rc::clone(&listing));
        Ok(listing)
    }
}

fn from_suite(id: &PackageId, entry: &Entry) -> Wanted {
    Wanted {
        name: entry.file_name().to_owned(),
        path: entry.path.clone(),
        size: entry.size,
        sha256: entry.sha256.clone(),
        origin: Origin::Suite(id.suite.clone()),
    }
}

/// Suite → the architectures that recipes, or the libraries of what they name, are taken from.
fn drawn_on(manifest: &Manifest, recipes: Recipes) -> BTreeMap<String, BTreeSet<String>> {
    let mut drawn_on: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in manifest.all().filter(|it| recipes.has(it)).flat_map(|it| &it.packages) {
        let libraries = manifest.library_suites(&package.id.suite).into_iter();
        for suite in libraries.chain([package.id.suite.as_str()]) {
            drawn_on.entry(suite.to_owned()).or_default().insert(package.id.architecture.clone());
        }
    }
    drawn_on
}

fn signed_release(ctx: &BuildContext, mirrors: &Mirrors, suite: &str, age: &Age) -> Result<Release> {
    let path = format!("dists/{suite}/InRelease");
    let phase = ctx.progress.phase("verify");
    phase.now(path.clone());
    let urls: Vec<String> = mirrors.urls(&path).collect();
    // A machine's first repository may be another project's, which has the suite's name and its own key.
    let release = Client::new(ctx, Patience::default()).text(&urls, |message| {
        phase.now(format!("{path}: its signature (the first time its checker is compiled)"));
        let release = Release::parse(&verify(ctx, message)?)?;
        release.check(suite, ctx.now, age)?;
        Ok(release)
    });
    let release = release.map_err(|failures| unreachable(&path, failures))?;
    phase.done(path);
    Ok(release)
}

/// One mirror's failure is the error; those of several are its facts.
fn unreachable(path: &str, failures: Vec<Failure>) -> Error {
    let other = "give a full mirror of the Debian archive with --mirror URL";
    match <[Failure; 1]>::try_from(failures) {
        Ok([Failure::Unusable { url, why }]) => why.context(format!("{path} cannot be used")).fact(url),
        Ok([failure]) => told(Error::new(format!("no mirror gives {path}")), failure).hint(other),
        Err(failures) => {
            failures.into_iter().fold(Error::new(format!("no mirror gives a good {path}")), told).hint(other)
        }
    }
}

fn told(error: Error, failure: Failure) -> Error {
    match failure {
        Failure::NotFound { urls } => urls.iter().fold(error, |error, url| error.fact(format!("404  {url}"))),
        Failure::Died { url, tries, last } => error.fact(format!("{last} ({tries} tries)")).fact(url),
        Failure::Refused { url, status } => error.fact(format!("{status}  {url}")),
        Failure::WebPage { url } => error.fact("a web page came instead").fact(url),
        Failure::Unusable { url, why } => error.fact(url).and(why),
        other => error.fact(format!("{other:?}")),
    }
}

/// The text that one of the keys in `image/keys` has signed. A separate program verifies it, so that only this verb
/// compiles an OpenPGP library.
fn verify(ctx: &BuildContext, message: &str) -> Result<String> {
    // Not through xshell: if a program ends before it has read all of its input, xshell 0.2 reports the broken pipe
    // instead of the program's own error.
    let mut command = Command::new(&ctx.cargo);
    command.current_dir(&ctx.workspace).args(["run", "--quiet", "--package", "inrelease", "--"]);
    command.args(["--now", &ctx.now.to_string()]);
    for key in keyrings(&ctx.image_dir().join("keys"))? {
        command.arg("--keyring").arg(key);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context(|| "cannot run the program `inrelease`".into())?;
    if let Some(mut stdin) = child.stdin.take() {
        // The program reads all of its input before it writes; if it ends early, its error output says why.
        let _ = stdin.write_all(message.as_bytes());
    }
    let output = child.wait_with_output().context(|| "cannot run the program `inrelease`".into())?;
    if !output.status.success() {
        // A signature or key is not good yet, or no more, by a clock that is wrong.
        return Err(Error::new("it has no good signature")
            .fact(String::from_utf8_lossy(&output.stderr))
            .fact(format!("it is {} by this machine's clock", calendar::rfc3339(ctx.now)))
            .hint(
                "set the clock if it is wrong, or use another --mirror; for a new Debian release add its keys to \
                 image/keys",
            ));
    }
    String::from_utf8(output.stdout).context(|| "the signed text is not UTF-8".into())
}

fn keyrings(directory: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("cannot list {}", directory.display());
    let mut keys = Vec::new();
    for entry in fs::read_dir(directory).context(cannot)? {
        keys.push(entry.context(cannot)?.path());
    }
    keys.retain(|it| it.extension().is_some_and(|it| it == "asc"));
    keys.sort();
    if keys.is_empty() {
        bail!("there is no key in {}", directory.display());
    }
    Ok(keys)
}

fn read_index(
    ctx: &BuildContext,
    release: &Release,
    suite: &str,
    components: &[String],
    architecture: &str,
) -> Result<Index> {
    let mut index = Index::default();
    for component in components {
        let file = release
            .packages(suite, component, architecture)
            .map_err(|error| error.context(format!("dists/{suite}/InRelease cannot be used")))?;
        let text = read_index_file(ctx, suite, &file)?;
        index.add(&text).map_err(|error| error.context(format!("cannot read {}", file.name)))?;
    }
    Ok(index)
}

/// The text of an index, whose hash was signed.
fn read_index_file(ctx: &BuildContext, suite: &str, file: &IndexFile) -> Result<String> {
    let broken = || format!("cannot read {}", file.name);
    let wanted = Wanted {
        name: file.name.clone(),
        path: file.path.clone(),
        size: file.size,
        sha256: file.sha256.clone(),
        origin: Origin::Suite(suite.to_owned()),
    };
    let packed = fs::File::open(fetch::file(ctx, &wanted)?).context(broken)?;
    let mut text = String::new();
    XzDecoder::new_multi_decoder(packed).read_to_string(&mut text).context(broken)?;
    Ok(text)
}
