//! Puts the site that was edited on the FAT partition into force, or refuses it with a reason.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::card::layout::Card;
use crate::card::provisioned::{self, Found};
use crate::names;
use crate::paths::Paths;
use crate::published::{Fields, Published};
use crate::record::Record;
use crate::site::{RenderedFile, Site, encoding};

/// The site that a card was made with, which no edit changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Original {
    /// The one in the image.
    Baked,
    /// The one that was written beside the root of this card ([`provisioned`]).
    Provisioned,
}

impl Original {
    /// Its name in records and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Baked => "baked",
            Self::Provisioned => "provisioned",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        [Self::Baked, Self::Provisioned].into_iter().find(|original| original.as_str() == text)
    }
}

/// Which site is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteInForce {
    /// The original one: the one on the FAT partition is the same, or missing.
    Original(Original),
    /// The one on the FAT partition, which differs from the original one.
    Edited,
    /// The original one, because the one on the FAT partition is invalid.
    Broken {
        /// The error, as text.
        why: String,
        /// The one in force.
        original: Original,
    },
}

impl Published for SiteInForce {
    fn fields(&self) -> Fields {
        let (site, why, original) = match self {
            Self::Original(original) => (original.as_str(), None, None),
            Self::Edited => (EDITED, None, None),
            Self::Broken { why, original } => {
                (BROKEN, Some(why.lines().next().unwrap_or("unknown")), Some(original.as_str()))
            }
        };
        Fields::new().text(SITE, Some(site)).text(WHY, why).text(IN_FORCE, original)
    }

    fn from_record(record: &Record) -> Option<Self> {
        match record.get(SITE)? {
            EDITED => Some(Self::Edited),
            BROKEN => Some(Self::Broken {
                why: record.get(WHY)?.to_owned(),
                original: Original::from_text(record.get(IN_FORCE)?)?,
            }),
            text => Original::from_text(text).map(Self::Original),
        }
    }
}

const SITE: &str = "site";
const WHY: &str = "why";
const IN_FORCE: &str = "in-force";
const EDITED: &str = "edited";
const BROKEN: &str = "broken";

/// What [`apply`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The site in force.
    pub in_force: SiteInForce,
    /// Why a provisioned site is not used, although the card may have one.
    pub trouble: Option<String>,
}

/// Compares the edited site with the original one, applies the right one and publishes which one it is. Everything is
/// written into the overlay: the next boot starts from the baked site again.
pub fn apply(paths: &Paths) -> io::Result<Applied> {
    let in_force = read(&paths.site())?;
    let (provisioned, trouble) = match provisioned_site(paths) {
        Ok(text) => (text, None),
        Err(why) => (None, Some(why)),
    };
    let (original_text, original) = match provisioned {
        Some(text) => (text, Original::Provisioned),
        None => (read(&paths.baked_site())?, Original::Baked),
    };
    let broken = |why: String| SiteInForce::Broken { why, original };
    let (wanted, verdict) = match read(&paths.edited_site()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            (original_text, SiteInForce::Original(original))
        }
        Err(error) => (original_text, broken(error.to_string())),
        Ok(edited) if edited == original_text => (edited, SiteInForce::Original(original)),
        Ok(edited) => match Site::parse(&edited) {
            Ok(_) => (edited, SiteInForce::Edited),
            Err(error) => (original_text, broken(error.to_string())),
        },
    };
    if wanted != in_force {
        put_into_force(paths, &in_force, &wanted)?;
    }
    paths.publish(names::record::SITE, &verdict.to_record())?;
    Ok(Applied { in_force: verdict, trouble })
}

/// The site that the card was provisioned with, if it was; a valid one.
fn provisioned_site(paths: &Paths) -> Result<Option<String>, String> {
    let layout = paths.published(names::record::CARD_LAYOUT).and_then(|record| Card::from_record(&record));
    let places = layout.and_then(|card| provisioned::places(card.partitions[1]));
    let card = File::open(paths.card());
    let (Some(places), Ok(card)) = (places, card) else { return Ok(None) };
    let copies = places.map(|at| {
        let mut copy = vec![0; provisioned::COPY];
        card.read_exact_at(&mut copy, at).ok().map(|()| copy)
    });
    match provisioned::decode(copies.each_ref().map(Option::as_deref)) {
        Found::Nothing => Ok(None),
        Found::Damaged => Err("the provisioned site is damaged".to_owned()),
        Found::Site(text) => match Site::parse(&text) {
            Ok(_) => Ok(Some(text)),
            // Of another version of dialbox.
            Err(error) => Err(format!("the provisioned site is invalid: {}", error.headline())),
        },
    }
}

fn put_into_force(paths: &Paths, old: &str, new: &str) -> io::Result<()> {
    let rendered = |text| Site::parse(text).map(|site| site.render());
    let invalid = |error: crate::site::SiteError| io::Error::other(error.to_string());
    let files = rendered(new).map_err(invalid)?;
    // Files of a provider or a line that the new site does not have must not remain.
    for file in rendered(old).unwrap_or_default() {
        if !files.iter().any(|new| new.path == file.path) {
            remove(&paths.path(&file.path))?;
        }
    }
    for RenderedFile { path, mode, content, .. } in &files {
        replace(&paths.path(path), content, *mode)?;
    }
    // Last, since it marks that all the others are written.
    replace(&paths.site(), new, 0o600)
}

/// Writes the files of a site that differ from those on the box, for values that a text message has changed. The text of
/// the site in force stays.
///
/// # Errors
/// A file cannot be written; others may have been.
pub fn write_changed(paths: &Paths, site: &Site) -> io::Result<()> {
    for RenderedFile { path, mode, content, .. } in site.render() {
        let place = paths.path(&path);
        if fs::read_to_string(&place).ok().as_deref() != Some(&content) {
            replace(&place, &content, mode)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<String> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let bytes = fs::read(path).map_err(named)?;
    encoding::text(bytes).map_err(|error| {
        named(io::Error::new(io::ErrorKind::InvalidData, format!("{error}; save it as UTF-8")))
    })
}

fn replace(path: &Path, content: &str, mode: u32) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = Path::new(&temporary);
    // A file left by a crash may have another mode.
    remove(temporary)?;
    // The file is created with its mode: a process that opens it before a chmod could read what is written later.
    let mut file = File::options().write(true).create_new(true).mode(mode).open(temporary)?;
    file.write_all(content.as_bytes())?;
    fs::rename(temporary, path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::Hash;
    use crate::card::layout::Extent;
    use crate::card::verity::{Superblock, Uuid, Verity};
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
    use std::io::Read;
    use std::mem::MaybeUninit;
    use std::os::unix::fs::PermissionsExt;

    const BAKED: &str = "role='dialer'\nhostname='one'\n[operator]\nname='free'\napn='free'\n";
    const EDITED: &str = "role='dialer'\nhostname='two'\n[operator]\nname='orange'\napn='x'\n";

    /// A freshly booted box with this file on its FAT partition.
    fn booted(edited: Option<&str>) -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        for site in [paths.baked_site(), paths.site()] {
            replace(&site, BAKED, 0o600).unwrap();
        }
        for file in Site::parse(BAKED).unwrap().render() {
            replace(&paths.path(&file.path), &file.content, file.mode).unwrap();
        }
        if let Some(text) = edited {
            replace(&paths.edited_site(), text, 0o600).unwrap();
        }
        (dir, paths)
    }

    /// Writes the copies of a provisioned site onto the box's card, as `cargo xtask provision` does, damaged by `damage`.
    fn provision(paths: &Paths, site: &str, damage: impl Fn(&mut [Vec<u8>; 2])) {
        let superblock = Superblock { uuid: Uuid([1; 16]), salt: [2; 32], data_blocks: 1 };
        let root = Verity::new(Hash([3; 32]), superblock).unwrap();
        let partitions = [(2048, 8), (4096, 256), (8192, 256), (12_288, 8)];
        let partitions = partitions.map(|(start, length)| Extent { start, length });
        let card = Card { root, partitions, signature: 1 };
        paths.publish(names::record::CARD_LAYOUT, &card.to_record()).unwrap();
        let copy = provisioned::encode(site).unwrap();
        let mut copies = [copy.clone(), copy];
        damage(&mut copies);
        fs::create_dir_all(paths.card().parent().unwrap()).unwrap();
        let file = File::create(paths.card()).unwrap();
        file.set_len(8 << 20).unwrap();
        for (at, copy) in provisioned::places(card.partitions[1]).unwrap().into_iter().zip(copies) {
            file.write_all_at(&copy, at).unwrap();
        }
    }

    fn applied(paths: &Paths) -> SiteInForce {
        let applied = apply(paths).unwrap();
        assert_eq!(applied.trouble, None);
        applied.in_force
    }

    fn hostname(paths: &Paths) -> String {
        let text = fs::read_to_string(paths.path("/etc/hostname")).unwrap();
        text.lines().last().unwrap().to_owned()
    }

    #[test]
    fn an_unedited_site_changes_nothing() {
        for edited in [Some(BAKED), None] {
            let (_dir, paths) = booted(edited);
            assert_eq!(applied(&paths), SiteInForce::Original(Original::Baked));
            assert_eq!(hostname(&paths), "one");
            assert_eq!(paths.published("site").unwrap().get("site"), Some("baked"));
        }
    }

    #[test]
    fn an_edited_site_replaces_all_files_of_the_baked_one() {
        let (_dir, paths) = booted(Some(EDITED));
        assert_eq!(applied(&paths), SiteInForce::Edited);
        assert_eq!(hostname(&paths), "two");
        assert_eq!(fs::read_to_string(paths.site()).unwrap(), EDITED);
        assert!(paths.path("/etc/ppp/peers/orange").exists());
        assert!(!paths.path("/etc/ppp/peers/free").exists());
        assert_eq!(applied(&paths), SiteInForce::Edited);
    }

    #[test]
    fn only_root_can_read_a_secret() {
        let (_dir, paths) = booted(Some(EDITED));
        apply(&paths).unwrap();
        for file in Site::parse(EDITED).unwrap().render() {
            let mode = fs::metadata(paths.path(&file.path)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, file.mode, "{}", file.path);
        }
        let site = fs::metadata(paths.site()).unwrap().permissions().mode();
        assert_eq!(site & 0o777, 0o600);
    }

    #[test]
    fn a_secret_has_its_mode_from_its_creation_on() {
        let dir = tempfile::tempdir().unwrap();
        let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&watch, dir.path(), WatchFlags::CREATE | WatchFlags::ATTRIB).unwrap();
        replace(&dir.path().join("secret"), "4321", 0o600).unwrap();
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let mut events = inotify::Reader::new(&watch, &mut buffer);
        assert_eq!(events.next().unwrap().events(), ReadFlags::CREATE);
        assert_eq!(events.next().err(), Some(rustix::io::Errno::AGAIN), "a mode was changed");
        let mode = fs::metadata(dir.path().join("secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_left_by_a_crash_does_not_receive_the_secret() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret.new"), "half").unwrap();
        let mut left = File::open(dir.path().join("secret.new")).unwrap();
        replace(&dir.path().join("secret"), "4321", 0o600).unwrap();
        let mut seen = String::new();
        left.read_to_string(&mut seen).unwrap();
        assert_eq!(seen, "half");
    }

    #[test]
    fn a_broken_site_keeps_the_baked_one_in_force_and_reports_the_error() {
        let (_dir, paths) = booted(Some(&EDITED.replace("apn=", "apm=")));
        assert!(matches!(applied(&paths), SiteInForce::Broken { original: Original::Baked, .. }));
        assert_eq!(hostname(&paths), "one");
        let record = paths.published("site").unwrap();
        assert_eq!(record.get("site"), Some("broken"));
        let why = record.get("why").unwrap();
        assert!(why.contains("site.toml:5:1: unknown key `apm`"), "{why}");
    }

    #[test]
    fn a_site_in_another_encoding_is_told_with_its_line() {
        let (_dir, paths) = booted(Some(EDITED));
        fs::write(paths.edited_site(), b"role='dialer'\n# Sk\xe5ne\n").unwrap();
        let SiteInForce::Broken { why, .. } = applied(&paths) else { panic!("it is in force") };
        assert!(why.ends_with("site.toml: line 2, column 5 is not in UTF-8; save it as UTF-8"), "{why}");
    }

    #[test]
    fn a_site_that_breaks_later_restores_the_baked_one() {
        let (_dir, paths) = booted(Some(EDITED));
        apply(&paths).unwrap();
        replace(&paths.edited_site(), "role=", 0o600).unwrap();
        assert!(matches!(applied(&paths), SiteInForce::Broken { original: Original::Baked, .. }));
        assert_eq!(hostname(&paths), "one");
        assert!(paths.path("/etc/ppp/peers/free").exists());
        assert!(!paths.path("/etc/ppp/peers/orange").exists());
    }

    const PROVISIONED: &str = "role='dialer'\nhostname='three'\n[operator]\nname='sfr'\napn='y'\n";

    #[test]
    fn a_provisioned_site_counts_as_unedited_and_is_what_a_broken_edit_falls_back_to() {
        let provisioned = SiteInForce::Original(Original::Provisioned);
        let broken =
            |site: &SiteInForce| matches!(site, SiteInForce::Broken { original: Original::Provisioned, .. });
        for edited in [Some(PROVISIONED), None, Some("role="), Some(EDITED), Some(BAKED)] {
            let (_dir, paths) = booted(edited);
            provision(&paths, PROVISIONED, |_| {});
            let in_force = applied(&paths);
            let (expected, name) = match edited {
                Some(PROVISIONED) | None => (in_force == provisioned, "three"),
                Some("role=") => (broken(&in_force), "three"),
                Some(EDITED) => (in_force == SiteInForce::Edited, "two"),
                _ => (in_force == SiteInForce::Edited, "one"),
            };
            assert!(expected, "{edited:?}: {in_force:?}");
            assert_eq!(hostname(&paths), name, "{edited:?}");
            assert_eq!(
                SiteInForce::from_record(&paths.published("site").unwrap()).unwrap().fields(),
                in_force.fields()
            );
        }
    }

    #[test]
    fn one_bad_copy_of_a_provisioned_site_does_no_harm_and_two_are_told() {
        let (_dir, paths) = booted(None);
        provision(&paths, PROVISIONED, |copies| copies[0][40] ^= 1);
        assert_eq!(applied(&paths), SiteInForce::Original(Original::Provisioned));
        provision(&paths, PROVISIONED, |copies| copies.iter_mut().for_each(|copy| copy[40] ^= 1));
        let Applied { in_force, trouble } = apply(&paths).unwrap();
        assert_eq!(in_force, SiteInForce::Original(Original::Baked));
        assert_eq!(trouble.as_deref(), Some("the provisioned site is damaged"));
    }

    #[test]
    fn a_provisioned_site_that_this_version_refuses_is_told_and_not_used() {
        let (_dir, paths) = booted(Some(EDITED));
        provision(&paths, "role='other'", |_| {});
        let Applied { in_force, trouble } = apply(&paths).unwrap();
        assert_eq!(in_force, SiteInForce::Edited);
        let trouble = trouble.unwrap();
        assert!(trouble.contains("site.toml:1:6"), "{trouble}");
    }
}
