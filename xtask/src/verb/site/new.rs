//! `cargo xtask site new`: writes a new site with new secrets.

use std::{io::ErrorKind, path::Path};

use base32ct::{Base32UpperUnpadded, Encoding};
use dialbox::site::{PasswordHash, Secret};
use rustix::rand::{GetRandomFlags, getrandom};

use super::{draft::Draft, operators::Operator, wvdial::Wvdial};
use crate::{
    cli,
    context::BuildContext,
    error::{Context, Error, Result},
    otpauth,
    password::readable,
    private,
    site::SiteSource,
};

pub(super) const DIALER: &str = include_str!("../../../../image/sites/dialer.toml");
pub(super) const DIAL_IN: &str = include_str!("../../../../image/sites/dial-in.toml");
/// The user of that example.
const CALLER: &str = "caller";

/// The secrets of a new site. No `Debug`, so that nothing shows them by accident.
#[derive(Clone, Copy, Default)]
pub struct FreshSecrets {
    /// For one-time codes. 160 bits, which RFC 4226 recommends (§4, R6).
    one_time_codes: [u8; 20],
    /// For the password of the caller. 80 bits cannot be guessed, even with the hash.
    password: [u8; 10],
    /// For the hash of that password.
    salt: [u8; 12],
}

impl FreshSecrets {
    /// New random secrets.
    pub fn new() -> Result<Self> {
        let mut secrets = Self::default();
        for part in [&mut secrets.one_time_codes[..], &mut secrets.password, &mut secrets.salt] {
            // A request of up to 256 bytes is never answered in part (getrandom(2)).
            getrandom(part, GetRandomFlags::empty())
                .context(|| "the kernel gives no random numbers".into())?;
        }
        Ok(secrets)
    }
}

/// Writes the file; returns the messages for the user.
pub fn run(args: &cli::NewSite, secrets: &FreshSecrets) -> Result<String> {
    let name = args.file.display();
    // Before the list of operators is fetched; `write` refuses a file that was made since.
    if !args.force && args.file.symlink_metadata().is_ok() {
        return Err(is_there(&args.file));
    }
    let Start { draft, notes, password } = start(args, secrets)?;
    let SiteSource { text, site } = SiteSource::parse(draft.text(), &name.to_string())?;
    write(&args.file, args.force, &text)?;
    let mut said = format!("wrote {name}, which only you may read: it holds secrets\n");
    said.extend(notes.iter().map(|note| format!("  note: {note}\n")));
    if let Some(password) = password {
        said += &format!(
            "\nThe password of `{CALLER}`, shown this once: the file holds its hash only.\n\n    {password}\n\n"
        );
    }
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

/// A new site.
struct Start {
    draft: Draft,
    /// The messages about it.
    notes: Vec<String>,
    /// The caller's password, for the terminal: the draft has its hash.
    password: Option<String>,
}

fn start(args: &cli::NewSite, secrets: &FreshSecrets) -> Result<Start> {
    match args.role {
        cli::Role::Dialer => dialer(args, secrets),
        cli::Role::DialIn if args.number.is_empty() => dial_in(secrets),
        cli::Role::DialIn => Err(Error::new("--number is for a dialer: a dial-in obeys no text message")
            .hint("leave out --number, or write --role dialer")),
    }
}

fn dial_in(secrets: &FreshSecrets) -> Result<Start> {
    let mut draft = Draft::from_example(DIAL_IN);
    let password = readable(secrets.password);
    let hash = password.parse::<Secret>().and_then(|it| PasswordHash::new(&it, secrets.salt));
    let hash = hash.map_err(|error| Error::new(error.to_string()))?;
    draft.replace("[user]", "password", "password-hash", hash.reveal());
    Ok(Start { draft, notes: Vec::new(), password: Some(password) })
}

fn dialer(args: &cli::NewSite, secrets: &FreshSecrets) -> Result<Start> {
    let mut draft = Draft::from_example(DIALER);
    let secret = Base32UpperUnpadded::encode_string(&secrets.one_time_codes);
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
    Ok(Start { draft, notes, password: None })
}

fn write(file: &Path, force: bool, text: &str) -> Result<()> {
    let name = file.display();
    let written = match force {
        true => private::write_file(file, text.as_bytes()),
        false => private::write_new_file(file, text.as_bytes()),
    };
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(is_there(file)),
        written => written.context(|| format!("cannot create {name}")),
    }
}

fn is_there(file: &Path) -> Error {
    Error::new(format!("{} is there already", file.display()))
        .hint("give another name, or --force to overwrite it")
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        io::Read,
        os::unix::fs::PermissionsExt,
    };

    use super::*;
    use dialbox::site::{Role, Site, Users};

    const SECRETS: FreshSecrets =
        FreshSecrets { one_time_codes: *b"12345678901234567890", password: [0x3c; 10], salt: [7; 12] };

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
    fn a_new_site_never_overwrites_a_file_without_force() {
        let dir = tempfile::tempdir().unwrap();
        let new = args(dir.path(), &[]);
        run(&new, &SECRETS).unwrap();
        let first = fs::read_to_string(&new.file).unwrap();
        let other = cli::NewSite { role: cli::Role::DialIn, ..new.clone() };
        let error = run(&other, &SECRETS).unwrap_err().to_string();
        assert!(error.contains("is there already"), "{error}");
        assert_eq!(fs::read_to_string(&new.file).unwrap(), first);
        // At once, and when it was made while the list of operators was fetched.
        let of_a_country = cli::NewSite { country: Some("fr".to_owned()), ..new.clone() };
        assert_eq!(run(&of_a_country, &SECRETS).unwrap_err().to_string(), error);
        assert_eq!(write(&new.file, false, "role = 'x'").unwrap_err().to_string(), error);
        assert_eq!(fs::read_to_string(&new.file).unwrap(), first);
        run(&cli::NewSite { force: true, ..other }, &SECRETS).unwrap();
        assert!(fs::read_to_string(&new.file).unwrap().contains("role = \"dial-in\""));
    }

    #[test]
    fn a_new_site_is_private_even_if_it_replaces_a_public_file() {
        let dir = tempfile::tempdir().unwrap();
        let new = cli::NewSite { force: true, ..args(dir.path(), &[]) };
        fs::write(&new.file, "").unwrap();
        fs::set_permissions(&new.file, Permissions::from_mode(0o644)).unwrap();
        let mut opened = fs::File::open(&new.file).unwrap();
        run(&new, &SECRETS).unwrap();
        assert_eq!(fs::metadata(&new.file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            opened.read_to_end(&mut Vec::new()).unwrap(),
            0,
            "readable through the old file's descriptor"
        );
    }

    #[test]
    fn a_new_dial_in_has_a_random_password_that_only_the_terminal_shows() {
        let dir = tempfile::tempdir().unwrap();
        let new = cli::NewSite { role: cli::Role::DialIn, ..args(dir.path(), &[]) };
        let said = run(&new, &SECRETS).unwrap();
        let password = "fsfs-fsfs-fsfs-fsfs-fsfs";
        assert!(said.contains(&format!("\n    {password}\n")), "{said}");
        let text = fs::read_to_string(&new.file).unwrap();
        assert!(!text.contains(password) && !text.contains("change-me"), "{text}");
        let Role::DialIn(dial_in) = Site::parse_for_use(&text).unwrap().role else { panic!() };
        let Users::Hashed(users) = dial_in.users else { panic!() };
        assert_eq!(users[0].name.to_string(), CALLER);
        assert!(users[0].password.fits(password.as_bytes()));
    }

    #[test]
    fn a_dialer_gets_its_own_secret_and_shows_it_when_active() {
        let dir = tempfile::tempdir().unwrap();
        let new = args(dir.path(), &["+33612345678"]);
        let said = run(&new, &SECRETS).unwrap();
        let uri = "otpauth://totp/dialbox:dialbox?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=dialbox\
                   &algorithm=SHA1&digits=8&period=30";
        assert!(said.contains(uri) && said.contains('█'), "{said}");
        let site = Site::parse(&fs::read_to_string(&new.file).unwrap()).unwrap();
        let Role::Dialer(dialer) = &site.role else { panic!() };
        assert_eq!(dialer.sms.as_ref().unwrap().numbers[0].as_str(), "+33612345678");
    }

    #[test]
    fn without_a_number_the_secret_is_in_a_comment() {
        let dir = tempfile::tempdir().unwrap();
        let new = args(dir.path(), &[]);
        let said = run(&new, &SECRETS).unwrap();
        assert!(!said.contains("otpauth") && said.contains("it obeys no text message"), "{said}");
        let text = fs::read_to_string(&new.file).unwrap();
        assert!(text.contains("\n#secret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\n"), "{text}");
        // As a person would: removes the comment signs.
        let (before, sms) = text.split_once("#[sms]").unwrap();
        let in_force = sms.replacen("\n#numbers", "\nnumbers", 1).replacen("\n#secret", "\nsecret", 1);
        assert!(otpauth::uri(&Site::parse(&format!("{before}[sms]{in_force}")).unwrap()).is_some());
    }

    #[test]
    fn an_invalid_number_is_refused_before_writing() {
        let dir = tempfile::tempdir().unwrap();
        let new = args(dir.path(), &["0612345678"]);
        let error = run(&new, &SECRETS).unwrap_err().to_string();
        assert!(error.contains("not an international number"), "{error}");
        assert!(!new.file.exists());
    }

    #[test]
    fn new_secrets_differ() {
        let (one, other) = (FreshSecrets::new().unwrap(), FreshSecrets::new().unwrap());
        assert_ne!(one.one_time_codes, other.one_time_codes);
        assert_ne!(one.password, other.password);
        assert_ne!(one.salt, other.salt);
    }
}
