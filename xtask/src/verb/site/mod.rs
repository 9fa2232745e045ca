//! `cargo xtask site`: creates, checks and shows a `site.toml`, and the secret in it.

pub mod draft;
mod new;
pub mod operators;
pub mod wvdial;

use std::path::Path;

use dialbox::{
    site::{RenderedFile, Role, Site},
    sms::caution::caution,
};

use crate::{
    cli,
    error::{Error, Result},
    otpauth,
    print::print,
    shell,
    site::SiteSource,
};

/// See the command line's help.
pub fn run(args: &cli::Site) -> Result<()> {
    print(&match args {
        cli::Site::New(args) => new::run(args, &new::FreshSecrets::new()?)?,
        cli::Site::Qr { file } => qr(file)?,
        cli::Site::Check { file } => check(file)?,
        cli::Site::Show { secrets, file, path } => show(file, path.as_deref(), *secrets)?,
    })
}

/// Reads and validates a site; errors name the file as on the command line.
fn load(file: &Path) -> Result<Site> {
    SiteSource::load(file, &file.display().to_string()).map(|it| it.site)
}

fn check(file: &Path) -> Result<String> {
    let SiteSource { site, .. } = SiteSource::load_for_use(file, &file.display().to_string())?;
    let caution = match &site.role {
        Role::Dialer(dialer) => dialer.sms.as_ref().and_then(caution),
        Role::DialIn(_) => None,
    };
    let caution = caution.map(|it| format!("  caution: {it}\n")).unwrap_or_default();
    let summary = site.summary();
    Ok(format!("{summary}{caution}  next: cargo xtask build-image --site {}\n", shell::quoted(file)))
}

fn qr(file: &Path) -> Result<String> {
    match otpauth::uri(&load(file)?) {
        Some(uri) => otpauth::picture(&uri),
        None => Err(Error::new(format!("{} asks for no one-time codes", file.display()))
            .hint("write [sms] with numbers and a secret into it; docs/site.md describes them")),
    }
}

fn show(file: &Path, path: Option<&str>, secrets: bool) -> Result<String> {
    let site = load(file)?;
    let files = if secrets { site.render() } else { site.masked().render() };
    match path {
        None => Ok(files.iter().map(titled).collect::<Vec<_>>().join("\n")),
        Some(path) => match files.iter().find(|file| file.path == path) {
            Some(file) => Ok(file.content.clone()),
            None => Err(files.iter().fold(
                Error::new(format!("{} makes no {path}", file.display())).hint("show one of these"),
                |error, file| error.fact(&file.path),
            )),
        },
    }
}

fn titled(file: &RenderedFile) -> String {
    format!("==> {} {:04o}: {}\n{}", file.path, file.mode, file.summary, file.content)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use new::{DIAL_IN, DIALER};

    #[test]
    fn new_sites_are_valid() {
        for (starter, role) in [(DIALER, "dialer"), (DIAL_IN, "dial-in")] {
            let site = Site::parse(starter).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(site.role.as_str(), role);
        }
    }

    #[test]
    fn an_example_may_be_shown_and_its_password_is_refused_by_check() {
        let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../image/sites/dial-in.toml"));
        assert!(show(file, None, false).is_ok());
        let error = check(file).unwrap_err().to_string();
        assert!(error.contains("dial-in.toml:95:12: this password is public"), "{error}");
        assert!(error.contains("\n  next: choose another one, or let `cargo xtask site new` make one"));
    }

    #[test]
    fn an_error_has_its_position_in_the_named_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cabin.toml");
        fs::write(&file, "role = \"dialer\"\nhostnam = \"cabin\"\n").unwrap();
        let error = load(&file).unwrap_err().to_string();
        let expected = "FILE:2:1: unknown key `hostnam`; did you mean `hostname`?
    |
  2 | hostnam = ••••
    | ^^^^^^^
  next: write `hostname`";
        assert_eq!(error, format!("error: {}", expected.replace("FILE", &file.display().to_string())));
    }
}
