//! Which mirrors to use: the given one, or those of this machine's apt.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    context::BuildContext,
    debian::apt::Sources,
    error::{Context, Error, Result},
};

/// Base addresses, tried in order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrors(Vec<String>);

impl Mirrors {
    /// `--mirror` or `DIALBOX_MIRROR`, else the archives that this machine's apt uses. Some of them
    /// may have none of our packages: each is tried in turn.
    pub fn find(ctx: &BuildContext) -> Result<Self> {
        match &ctx.mirror {
            Some(mirror) => Self::given(mirror),
            None => Self::from_apt(&ctx.apt_dir),
        }
    }

    /// Only this mirror.
    pub fn given(mirror: &str) -> Result<Self> {
        if mirror.starts_with("http://") || mirror.starts_with("https://") {
            return Ok(Self(vec![mirror.trim_end_matches('/').to_owned()]));
        }
        Err(Error::new(format!("the mirror `{mirror}` is not an http or https address"))
            .hint("give the address above `dists` and `pool`, as in http://mirror.example/debian"))
    }

    fn from_apt(directory: &Path) -> Result<Self> {
        let mut sources = Sources::default();
        for file in source_files(directory).context(|| format!("cannot list {}", directory.display()))? {
            let text = fs::read_to_string(&file).context(|| format!("cannot read {}", file.display()))?;
            match file.extension() {
                Some(it) if it == "sources" => sources.add_deb822(&text),
                _ => sources.add_list(&text),
            }
        }
        if !sources.mirrors.is_empty() {
            return Ok(Self(sources.mirrors));
        }
        let unknown = Error::new("no Debian mirror is known").fact(format!(
            "neither --mirror nor DIALBOX_MIRROR is given, and {} names none",
            directory.display()
        ));
        let skipped = sources.skipped.iter().map(|(uri, reason)| format!("skipped {uri}: {reason}"));
        Err(skipped.fold(unknown, Error::fact).hint("--mirror URL, or set DIALBOX_MIRROR=URL"))
    }

    /// The addresses of a file of the archive.
    pub fn urls(&self, path: &str) -> impl Iterator<Item = String> {
        self.0.iter().map(move |base| format!("{base}/{path}"))
    }
}

/// The files that apt reads, in its order; a directory that is missing has none.
fn source_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let main = directory.join("sources.list");
    let mut parts = Vec::new();
    match fs::read_dir(directory.join("sources.list.d")) {
        Ok(entries) => {
            for entry in entries {
                parts.push(entry?.path());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    parts.retain(|it| it.extension().is_some_and(|it| it == "list" || it == "sources"));
    parts.sort();
    Ok(main.exists().then_some(main).into_iter().chain(parts).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apt(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("sources.list.d")).unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    #[test]
    fn the_files_of_apt_are_read_in_its_order() {
        let directory = apt(&[
            ("sources.list.d/b.sources", "Types: deb\nURIs: http://third.example/debian\n"),
            ("sources.list.d/a.list", "deb http://second.example/debian bookworm main\n"),
            ("sources.list.d/a.list.disabled", "deb http://never.example/debian bookworm main\n"),
            ("sources.list", "deb http://first.example/debian bookworm main\n"),
        ]);
        let urls: Vec<_> = Mirrors::from_apt(directory.path()).unwrap().urls("pool/x.deb").collect();
        let wanted = ["first", "second", "third"].map(|it| format!("http://{it}.example/debian/pool/x.deb"));
        assert_eq!(urls, wanted);
    }

    #[test]
    fn without_a_mirror_the_error_lists_the_skipped_sources() {
        let directory = apt(&[("sources.list", "deb cdrom:[Debian 12]/ bookworm main\n")]);
        let error = Mirrors::from_apt(directory.path()).unwrap_err().to_string();
        let error = error.replace(&directory.path().display().to_string(), "/etc/apt");
        insta::assert_snapshot!(error, @r"
        error: no Debian mirror is known
          neither --mirror nor DIALBOX_MIRROR is given, and /etc/apt names none
          skipped cdrom:[Debian: a disc, not a mirror
          next: --mirror URL, or set DIALBOX_MIRROR=URL
        ");
        assert!(
            Mirrors::from_apt(Path::new("/nonexistent"))
                .unwrap_err()
                .to_string()
                .contains("no Debian mirror is known")
        );
    }

    #[test]
    fn a_mirror_is_an_address() {
        assert_eq!(
            Mirrors::given("https://a.example/debian/").unwrap(),
            Mirrors(vec!["https://a.example/debian".into()])
        );
        assert!(Mirrors::given("a.example/debian").is_err());
    }
}
