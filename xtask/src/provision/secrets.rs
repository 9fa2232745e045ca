//! The secrets that the boxes of a fleet get when nobody gives them, kept in one file: a second run makes the same cards.

use std::{
    collections::BTreeMap,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use base32ct::{Base32UpperUnpadded, Encoding as _};
use base64ct::{Base64, Encoding as _};
use dialbox::site::{PasswordHash, Secret};

use super::{template::Position, wireguard};
use crate::{
    error::{Context, Error, Result},
    input_file,
    password::readable,
    private, shell,
};

/// A secret that can be made: what a hole of this name gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// For one-time codes: 160 bits in Base32, as RFC 4226 §4, R6 recommends.
    OneTime,
    /// The box's WireGuard key.
    VpnKey,
    /// What both ends of the VPN share.
    VpnShared,
    /// A password that a person types.
    Password,
    /// The hash of the password of the same label.
    PasswordHash,
}

const KINDS: [(&str, Kind); 5] = [
    ("one-time-secret", Kind::OneTime),
    ("vpn-private-key", Kind::VpnKey),
    ("vpn-preshared-key", Kind::VpnShared),
    (PASSWORD, Kind::Password),
    (PASSWORD_HASH, Kind::PasswordHash),
];
const PASSWORD: &str = "password";
const PASSWORD_HASH: &str = "password-hash";
/// Why no new file takes the place of one that cannot be read.
const UNCHANGED: &str = "nothing was written: new secrets would not fit the boxes that are in use";
const RESTORE: &str = "restore the file from a backup";

/// Fills bytes with random ones.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<()>;

/// The secrets of all boxes, by their names and those of the holes. No `Debug`, so that nothing shows them by accident.
pub struct Secrets {
    file: PathBuf,
    boxes: BTreeMap<String, BTreeMap<String, String>>,
    made: usize,
}

/// What a hole is called without its label, `password` of `password.jean`.
fn kind(hole: &str) -> Option<Kind> {
    let word = hole.split_once('.').map_or(hole, |(word, _)| word);
    KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
}

/// Whether a hole of this name gets a secret if no value is given.
pub fn is_secret(hole: &str) -> bool {
    kind(hole).is_some()
}

/// The names of all of them.
pub fn names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, _)| *name)
}

impl Secrets {
    /// Reads the file; there may be none.
    ///
    /// # Errors
    /// Others can read it, it is a link to a file that is not there, or it is not as [`save`](Self::save) writes it. It is
    /// not changed then.
    pub fn load(file: &Path) -> Result<Self> {
        let name = file.display();
        let cannot = || format!("cannot read {name}");
        let text = match file.try_exists().context(cannot)? {
            // The disk with the secrets of all boxes may not be mounted.
            false if file.is_symlink() => {
                return Err(Error::new(cannot())
                    .fact("it is a link to a file that is not there")
                    .fact(UNCHANGED)
                    .hint(
                        "mount the disk that it leads to, or remove the link if there are no secrets yet",
                    ));
            }
            false => String::new(),
            true => {
                let opened = input_file::open(file, &name.to_string())?;
                let mode = opened.metadata().context(cannot)?.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    return Err(Error::new(format!("others than you can read {name} (mode {mode:03o})"))
                        .fact("it holds the secrets of all boxes")
                        .hint(format!("chmod 600 {}    and find out who has read it", shell::quoted(file))));
                }
                let text = io::read_to_string(opened).context(cannot);
                text.map_err(|error| error.fact(UNCHANGED).hint(RESTORE))?
            }
        };
        let boxes = toml::from_str(&text).map_err(|error| {
            let Position { line, column } = Position::of(&text, error.span().map_or(0, |span| span.start));
            // toml's message would show the line.
            Error::new(format!("{name}:{line}:{column}: this is not as `provision` has written it"))
                .fact(UNCHANGED)
                .hint(RESTORE)
        })?;
        Ok(Self { file: file.to_owned(), boxes, made: 0 })
    }

    /// The file's name.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How many were made since the file was read.
    pub fn made(&self) -> usize {
        self.made
    }

    /// The secret of a box for a hole.
    pub fn get(&self, name: &str, hole: &str) -> Option<&str> {
        self.boxes.get(name)?.get(hole).map(String::as_str)
    }

    /// The passwords of a box that belong to these holes, each with its label. Those of holes that it no longer has are
    /// kept in the file, but open nothing.
    pub fn passwords(&self, name: &str, holes: &[String]) -> impl Iterator<Item = (&str, &str)> {
        let all = self.boxes.get(name).into_iter().flatten();
        all.filter_map(move |(hole, secret)| {
            let label = hole.strip_prefix(PASSWORD)?;
            let is_used = |it: &String| it == hole || it.strip_prefix(PASSWORD_HASH) == Some(label);
            let label = if label.is_empty() { label } else { label.strip_prefix('.')? };
            holes.iter().any(is_used).then_some((label, secret.as_str()))
        })
    }

    /// Makes the secret of a box for a hole unless there is one.
    pub fn ensure(&mut self, name: &str, hole: &str, random: Random<'_>) -> Result<()> {
        let Some(kind) = kind(hole).filter(|_| self.get(name, hole).is_none()) else { return Ok(()) };
        let secret = match kind {
            Kind::OneTime => Base32UpperUnpadded::encode_string(&bytes::<20>(random)?),
            Kind::VpnKey => wireguard::private_key(bytes(random)?),
            Kind::VpnShared => Base64::encode_string(&bytes::<32>(random)?),
            Kind::Password => readable(bytes(random)?),
            Kind::PasswordHash => {
                let password = hole.replacen(PASSWORD_HASH, PASSWORD, 1);
                self.ensure(name, &password, random)?;
                let salt = bytes(random)?;
                let password = self.get(name, &password).unwrap_or_default().parse::<Secret>();
                let hash = password.and_then(|it| PasswordHash::new(&it, salt));
                hash.map_err(|error| Error::new(error.to_string()))?.reveal().to_owned()
            }
        };
        self.boxes.entry(name.to_owned()).or_default().insert(hole.to_owned(), secret);
        self.made += 1;
        Ok(())
    }

    /// Writes the file if a secret was made: when this returns it is on the disk. Cards must not be made before.
    pub fn save(&self) -> Result<()> {
        if self.made == 0 {
            return Ok(());
        }
        let name = self.file.display();
        let text = toml::to_string(&self.boxes).map_err(|error| Error::new(error.to_string()))?;
        let text = format!(
            "# Secrets that `cargo xtask provision` has made. Keep this file: without it new cards get new ones.\n\n{text}"
        );
        let written = private::write_linked_file(&self.file, text.as_bytes());
        written
            .map_err(|error| Error::caused_by(format!("cannot write {name}"), error).fact("no card was made"))
    }
}

fn bytes<const N: usize>(random: Random<'_>) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    random(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Random bytes that are never the same twice.
    fn counting() -> impl FnMut(&mut [u8]) -> Result<()> {
        let mut next = 0u8;
        move |bytes| {
            bytes.iter_mut().for_each(|byte| {
                next = next.wrapping_add(37);
                *byte = next;
            });
            Ok(())
        }
    }

    #[test]
    fn secrets_are_kept_and_new_ones_are_added_in_a_file_of_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secrets.toml");
        let mut random = counting();
        let mut secrets = Secrets::load(&file).unwrap();
        for hole in ["one-time-secret", "vpn-private-key", "password-hash.jean"] {
            secrets.ensure("cabin-17", hole, &mut random).unwrap();
        }
        secrets.save().unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let before = secrets.boxes.clone();

        let mut again = Secrets::load(&file).unwrap();
        assert!(again.boxes == before);
        again.ensure("cabin-17", "one-time-secret", &mut random).unwrap();
        assert_eq!(again.made(), 0);
        again.ensure("cabin-18", "one-time-secret", &mut random).unwrap();
        again.save().unwrap();
        let last = Secrets::load(&file).unwrap();
        assert_eq!(last.get("cabin-17", "one-time-secret"), secrets.get("cabin-17", "one-time-secret"));
        assert_ne!(last.get("cabin-18", "one-time-secret"), last.get("cabin-17", "one-time-secret"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_hash_has_its_password_beside_it() {
        let mut secrets = Secrets { file: PathBuf::new(), boxes: BTreeMap::new(), made: 0 };
        secrets.ensure("bbs", "password-hash.jean", &mut counting()).unwrap();
        let holes = ["password-hash.jean".to_owned()];
        let (label, password) = secrets.passwords("bbs", &holes).next().unwrap();
        assert_eq!(label, "jean");
        let hash: PasswordHash = secrets.get("bbs", "password-hash.jean").unwrap().parse().unwrap();
        assert!(hash.fits(password.as_bytes()));
        assert_eq!(secrets.passwords("bbs", &holes).count(), 1);
        // The site has another password now, and the hash of a third person's.
        assert_eq!(secrets.passwords("bbs", &["password-hash.jeanne".to_owned()]).count(), 0);
    }

    #[test]
    fn a_file_that_others_can_read_or_that_is_damaged_is_refused_and_not_changed_or_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secrets.toml");
        fs::write(&file, "[cabin-17]\npin = 'GEZDGNBV\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = |why: &str| {
            let error = Secrets::load(&file).err().unwrap().to_string();
            assert!(error.contains(why) && !error.contains("GEZ"), "{error}");
        };
        refused("mode 640");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        refused("secrets.toml:2:16: this is not");
        fs::write(&file, b"\xffGEZ").unwrap();
        refused("next: restore the file from a backup");
    }

    #[test]
    fn a_link_stays_one_and_no_secrets_are_made_in_the_place_of_those_that_it_does_not_find() {
        let dir = tempfile::tempdir().unwrap();
        let [file, disk] = ["secrets.toml", "disk"].map(|it| dir.path().join(it));
        std::os::unix::fs::symlink("disk/fleet.toml", &file).unwrap();
        let error = Secrets::load(&file).err().unwrap().to_string();
        assert!(error.contains("a link to a file that is not there"), "{error}");

        fs::create_dir(&disk).unwrap();
        private::write_file(&disk.join("fleet.toml"), b"").unwrap();
        let mut secrets = Secrets::load(&file).unwrap();
        secrets.ensure("cabin-17", "one-time-secret", &mut counting()).unwrap();
        secrets.save().unwrap();
        assert!(file.is_symlink());
        let there = Secrets::load(&disk.join("fleet.toml")).unwrap();
        assert_eq!(there.get("cabin-17", "one-time-secret"), secrets.get("cabin-17", "one-time-secret"));
    }
}
