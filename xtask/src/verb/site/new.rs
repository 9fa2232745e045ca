//! `cargo xtask site new`: a file to start from, with a new secret.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use base32ct::{Base32UpperUnpadded, Encoding};
use rustix::rand::{GetRandomFlags, getrandom};

use super::{draft::Draft, operators::Operator, otpauth, wvdial::Wvdial};
use crate::{
    cli,
    context::BuildContext,
    error::{Context, Error, Result},
    site::SiteSource,
};

pub(super) const DIALER: &str = include_str!("../../../../image/sites/dialer.toml");
pub(super) const DIAL_IN: &str = include_str!("../../../../image/sites/dial-in.toml");

/// 160 bits, which RFC 4226 recommends (§4, R6).
pub type FreshSecret = [u8; 20];

/// A new random secret.
pub fn fresh_secret() -> Result<FreshSecret> {
    let mut secret = FreshSecret::default();
    // Requests of up to 256 bytes are never answered in part (getrandom(2)).
    getrandom(&mut secret, GetRandomFlags::empty())
        .context(|| "the kernel gives no random numbers".into())?;
    Ok(secret)
}

/// Writes the file; returns the messages for the user.
pub fn run(args: &cli::NewSite, secret: FreshSecret) -> Result<String> {
    let name = args.file.display();
    let (draft, notes) = draft(args, secret)?;
    let SiteSource { text, site } = SiteSource::parse(draft.text(), &name.to_string())?;
    write(&args.file, args.force, &text)?;
    let mut said = format!("wrote {name}, which only you may read: it holds secrets\n");
    said.extend(notes.iter().map(|note| format!("  note: {note}\n")));
    if let Some(uri) = otpauth::uri(&site) {
        said += "\nThe secret for one-time codes, to be scanned by an authenticator app. Whoever sees it can\n\
                 command the box; `cargo xtask site qr` shows it again.\n\n";
        said += &otpauth::picture(&uri)?;
        said += "\n";
    } else if matches!(args.role, cli::Role::Dialer) {
        said += &format!(
            "  note: it obeys no text message. Bring [sms] at its end into force with your number,\n\
             \x20       then `cargo xtask site qr {name}` shows its secret to your authenticator app.\n"
        );
    }
    said += &format!("  next: edit it, then `cargo xtask site check {name}`\n");
    Ok(said)
}

/// The text, and the messages about it.
fn draft(args: &cli::NewSite, secret: FreshSecret) -> Result<(Draft, Vec<String>)> {
    let mut draft = match args.role {
        cli::Role::Dialer => Draft::from_example(DIALER),
        cli::Role::DialIn => return Ok((Draft::from_example(DIAL_IN), Vec::new())),
    };
    let secret = Base32UpperUnpadded::encode_string(&secret);
    if args.number.is_empty() {
        draft.suggest("sms", "secret", secret);
    } else {
        draft.set("sms", "numbers", args.number.clone());
        draft.set("sms", "secret", secret);
    }
    let notes = match (&args.from_wvdial, &args.country) {
        (Some(file), _) => Wvdial::load(file)?.fill(&mut draft),
        (None, Some(country)) => {
            let ctx = BuildContext::new(&args.sources);
            Operator::find(&ctx, country, args.operator.as_deref())?.fill(&mut draft)
        }
        (None, None) => Vec::new(),
    };
    Ok((draft, notes))
}

fn write(file: &Path, force: bool, text: &str) -> Result<()> {
    let name = file.display();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force).mode(0o600);
    let mut target = match options.open(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Error::new(format!("{name} is there already"))
                .hint("give another name, or --force to overwrite it"));
        }
        opened => opened.context(|| format!("cannot create {name}"))?,
    };
    // The mode above applies to a new file only.
    fs::set_permissions(file, Permissions::from_mode(0o600)).context(|| format!("cannot protect {name}"))?;
    target.write_all(text.as_bytes()).context(|| format!("cannot write {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialbox::site::{Role, Site};

    fn args(dir: &Path, number: &[&str]) -> cli::NewSite {
        cli::NewSite {
            role: cli::Role::Dialer,
            number: number.iter().map(|it| (*it).to_owned()).collect(),
            from_wvdial: None,
            country: None,
            operator: None,
            sources: cli::Sources::default(),
            force: false,
            file: dir.join("site.toml"),
        }
    }

    #[test]
    fn a_new_site_never_overwrites_another_one_unasked() {
        let dir = tempfile::tempdir().unwrap();
        let new = args(dir.path(), &[]);
        run(&new, [1; 20]).unwrap();
        let first = fs::read_to_string(&new.file).unwrap();
        let other = cli::NewSite { role: cli::Role::DialIn, ..new.clone() };
        let error = run(&other, [2; 20]).unwrap_err().to_string();
        assert!(error.contains("is there already"), "{error}");
        assert_eq!(fs::read_to_string(&new.file).unwrap(), first);
        run(&cli::NewSite { force: true, ..other }, [2; 20]).unwrap();
        assert_eq!(fs::read_to_string(&new.file).unwrap(), DIAL_IN);
    }

    #[test]
    fn a_new_site_is_for_its_owners_eyes_even_where_a_public_file_was() {
        let dir = tempfile::tempdir().unwrap();
        let new = cli::NewSite { force: true, ..args(dir.path(), &[]) };
        fs::write(&new.file, "").unwrap();
        fs::set_permissions(&new.file, Permissions::from_mode(0o644)).unwrap();
        run(&new, [1; 20]).unwrap();
        assert_eq!(fs::metadata(&new.file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_dialer_gets_its_own_secret_and_shows_it_when_it_is_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let new = args(dir.path(), &["+33612345678"]);
        let said = run(&new, *b"12345678901234567890").unwrap();
        let uri = "otpauth://totp/dialbox:dialbox?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=dialbox\
                   &algorithm=SHA1&digits=8&period=30";
        assert!(said.contains(uri) && said.contains('█'), "{said}");
        let site = Site::parse(&fs::read_to_string(&new.file).unwrap()).unwrap();
        let Role::Dialer(dialer) = &site.role else { panic!() };
        assert_eq!(dialer.sms.as_ref().unwrap().numbers[0].as_str(), "+33612345678");
    }

    #[test]
    fn without_a_number_the_secret_waits_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let new = args(dir.path(), &[]);
        let said = run(&new, *b"12345678901234567890").unwrap();
        assert!(!said.contains("otpauth") && said.contains("it obeys no text message"), "{said}");
        let text = fs::read_to_string(&new.file).unwrap();
        assert!(text.contains("\n#secret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\n"), "{text}");
        // As a person would: removes the comment signs.
        let (before, sms) = text.split_once("#[sms]").unwrap();
        let in_force = sms.replace("\n#numbers", "\nnumbers").replace("\n#secret", "\nsecret");
        assert!(otpauth::uri(&Site::parse(&format!("{before}[sms]{in_force}")).unwrap()).is_some());
    }

    #[test]
    fn a_number_that_is_none_is_refused_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let new = args(dir.path(), &["0612345678"]);
        let error = run(&new, [1; 20]).unwrap_err().to_string();
        assert!(error.contains("not an international number"), "{error}");
        assert!(!new.file.exists());
    }

    #[test]
    fn two_secrets_are_never_the_same() {
        assert_ne!(fresh_secret().unwrap(), fresh_secret().unwrap());
    }
}
